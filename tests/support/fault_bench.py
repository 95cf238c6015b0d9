"""What the tests of `FaultProxy` share: a client that says and hears bytes, servers, and choices."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from contextlib import asynccontextmanager
from typing import Any, Final

import attrs

from tests.support.fault_proxy import Choose, Fault, FaultProxy, Spoil
from tests.support.raw_server import AGAIN, READ, RawServer, Script, Send, answer

HOST: Final = b" HTTP/1.1\r\nHost: x\r\n"
GET: Final = b"GET /one" + HOST + b"\r\n"
POST: Final = b"POST /two" + HOST + b"Content-Length: 4\r\n\r\nbody"
LAST: Final = b"GET /last" + HOST + b"Connection: close\r\n\r\n"
WHOLE: Final = answer(b'{"ok":true}')
SERVE: Final[Script] = [READ, Send(WHOLE), AGAIN]
HEADED: Final = b"HTTP/1.1 200 OK\r\nDate: now\r\n"
CHUNKED: Final = HEADED + b"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\n\r\n\r\n0\r\nX: y\r\n\r\n"
NEVER: Final = 3600.0
"""Seconds that no test waits for."""


def nth(spoils: Mapping[int, Spoil]) -> Choose:
    """Spoil the requests with these numbers."""
    return lambda exchange: spoils.get(exchange.number)


def every(kind: Fault, **options: Any) -> Choose:
    """Spoil all requests alike."""
    spoil = Spoil(kind, **options)
    return lambda _exchange: spoil


@attrs.frozen
class Caller:
    """A client that says and hears bytes."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    def say(self, data: bytes) -> None:
        self.writer.write(data)

    async def hear(self, expected: bytes) -> None:
        """Hear just these bytes."""
        assert await self.reader.readexactly(len(expected)) == expected

    async def to_the_end(self) -> bytes:
        """Hear everything until FIN."""
        return await self.reader.read()

    async def silent(self) -> bool:
        """Whether nothing more is heard, not even an end, while everybody has had time for it."""
        try:
            async with asyncio.timeout(0.03):
                await self.reader.read(1)
        except TimeoutError:
            return True
        return False


@asynccontextmanager
async def calling(port: int) -> AsyncIterator[Caller]:
    caller = Caller(*await asyncio.open_connection("127.0.0.1", port))
    try:
        yield caller
    finally:
        caller.writer.transport.abort()
        await asyncio.sleep(0)


@asynccontextmanager
async def serving(
    serve: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Coroutine[Any, Any, None]],
) -> AsyncIterator[int]:
    """Serve connections with a coroutine, and say on which port."""
    tasks: set[asyncio.Task[None]] = set()

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        async def whole() -> None:
            try:
                await serve(reader, writer)
            finally:
                writer.transport.abort()

        tasks.add(asyncio.get_running_loop().create_task(whole()))

    server = await asyncio.start_server(accept, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await server.wait_closed()


@asynccontextmanager
async def between(choose: Choose | None, *scripts: Script) -> AsyncIterator[tuple[RawServer, FaultProxy]]:
    """A server that plays these scripts, and a proxy before it."""
    async with RawServer(*(scripts or (SERVE,))) as server, FaultProxy.before(server.url, choose) as proxy:
        yield server, proxy


def lines(server: RawServer) -> list[bytes]:
    """What the server was asked for, in order."""
    return [request.target for request in server.requests]
