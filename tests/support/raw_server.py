"""A TCP server that does exactly as told, byte by byte, for faults no HTTP library would commit.

    async with RawServer([READ, Send(answer(b"{}"))]) as server:   # every connection alike
        ...
    async with RawServer([READ, RESET], [READ, Send(answer(b"{}"))]) as server:   # the first one fails

Each connection plays one script; the last script serves all further connections. It understands of HTTP
only as much as it needs to know where a request ends.
"""

import asyncio
import contextlib
import socket
import ssl
import struct
from collections.abc import Sequence
from enum import Enum, auto, unique
from typing import Final, Self

import attrs


@attrs.frozen
class Send:
    """Send bytes."""

    data: bytes


@attrs.frozen
class Drip:
    """Send bytes a few at a time, with a pause in seconds after each piece."""

    data: bytes
    size: int = 1
    pause: float = 0.001


@unique
class Act(Enum):
    """Steps without parameters."""

    READ = auto()
    """Read one request, to the end of its body by Content-Length."""
    RESET = auto()
    """Drop the connection with RST, throwing away what was not sent yet."""
    CLOSE = auto()
    """Close the connection in order."""
    HANG = auto()
    """Do nothing until the client leaves."""
    AGAIN = auto()
    """Start the script over, on the same connection."""


READ: Final = Act.READ
RESET: Final = Act.RESET
CLOSE: Final = Act.CLOSE
HANG: Final = Act.HANG
AGAIN: Final = Act.AGAIN

Step = Act | Send | Drip
Script = Sequence[Step]


@attrs.frozen
class Request:
    """One request, as it came.

    Attributes:
        line: Request line, without its line break.
        headers: Name and value as sent, in the order sent.
        body: The body in bytes.
    """

    line: bytes
    headers: tuple[tuple[str, str], ...]
    body: bytes

    @property
    def target(self) -> bytes:
        """What stands between the method and the version."""
        return self.line.split(b" ", 1)[1].rsplit(b" ", 1)[0]

    def header(self, name: str) -> str:
        """Return a header, or an empty string; fails where it was sent twice."""
        values = [value for each, value in self.headers if each.lower() == name.lower()]
        assert len(values) <= 1, f"{name} was sent {len(values)} times"
        return values[0] if values else ""


def answer(
    body: bytes = b"{}", status: str = "200 OK", headers: Sequence[str] = (), *, sized: bool = True
) -> bytes:
    """Make an HTTP answer.

    Args:
        body: The body in bytes.
        status: Status code and reason.
        headers: Further header lines, such as `Retry-After: 5`.
        sized: Whether to say Content-Length.
    """
    lines = [f"HTTP/1.1 {status}", "Content-Type: application/json", *headers]
    if sized:
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body


class RawServer:
    """See the module.

    Attributes:
        requests: Every request read, of all connections, in order.
        connections: How many connections were accepted.
        port: TCP port on 127.0.0.1; unless told otherwise, one that is free.
        left: Set when a client closed a connection on which the script hangs.
    """

    def __init__(self, *scripts: Script, tls: ssl.SSLContext | None = None, port: int = 0) -> None:
        self._scripts = scripts
        self._tls = tls
        self._tasks: set[asyncio.Task[None]] = set()
        self.requests: list[Request] = []
        self.connections = 0
        self.port = port
        self.left = asyncio.Event()
        self._arrival = asyncio.Condition()

    @property
    def url(self) -> str:
        """Base URL."""
        return f"{'https' if self._tls else 'http'}://127.0.0.1:{self.port}"

    async def received(self, count: int) -> None:
        """Wait until so many requests were read."""
        async with self._arrival:
            await self._arrival.wait_for(lambda: len(self.requests) >= count)

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", self.port, ssl=self._tls)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_error: object) -> None:
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._server.wait_closed()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        script = self._scripts[min(self.connections, len(self._scripts) - 1)]
        self.connections += 1
        try:
            while await self._play(script, reader, writer):
                pass
        except (OSError, asyncio.IncompleteReadError):
            self.left.set()
        except asyncio.CancelledError:
            pass  # the server is closing; nobody awaits this task but __aexit__
        finally:
            writer.close()
            with contextlib.suppress(OSError, asyncio.CancelledError):
                await writer.wait_closed()
            self._tasks.discard(task)

    async def _play(self, script: Script, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        for step in script:
            match step:
                case Send(data):
                    writer.write(data)
                    await writer.drain()
                case Drip(data, size, pause):
                    for start in range(0, len(data), size):
                        writer.write(data[start : start + size])
                        await writer.drain()
                        await asyncio.sleep(pause)
                case Act.READ:
                    self.requests.append(await self._read(reader))
                    async with self._arrival:
                        self._arrival.notify_all()
                case Act.RESET:
                    raw = writer.get_extra_info("socket")
                    raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                    writer.transport.abort()
                    return False
                case Act.HANG:
                    await reader.read()
                    self.left.set()
                    return False
                case Act.AGAIN:
                    return True
                case Act.CLOSE:
                    return False
        return False

    @staticmethod
    async def _read(reader: asyncio.StreamReader) -> Request:
        head = await reader.readuntil(b"\r\n\r\n")
        line, *fields = head[:-4].split(b"\r\n")
        pairs = (field.decode("latin-1").split(": ", 1) for field in fields)
        headers = tuple((name, value) for name, value in pairs)
        length = next((int(value) for name, value in headers if name.lower() == "content-length"), 0)
        return Request(line, headers, await reader.readexactly(length))
