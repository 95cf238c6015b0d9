"""A server of hostile logs in a process of its own: each job's name says what its log does to a reader.

`python -m benchmarks.hostile CORE` prints its port and serves until its standard input ends. Logs are sent as
fast as they are taken. A live one that is not compressed ends with the line `END`.
"""

import asyncio
import random
import sys
import zlib
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from typing import Final

from benchmarks.logs import ENDING, HEAD, LAST_CHUNK, PREFIX, blocks, chunk, frame
from benchmarks.processes import pin

END: Final = "the end"
"""The last line of a live log, behind all that came before it."""

_MIB: Final = 1024 * 1024
_ARCHIVE: Final = b"/openapi/logs/log/v4/workflow/"
_BOMB_MIB: Final = 512
_MEMBERS: Final = 2_000


def _plain(lines: int) -> Callable[[], Iterator[bytes]]:
    return lambda: blocks(ENDING, lines)


def _long_lines() -> Iterator[bytes]:
    """Lines of 2 MiB, 40 MiB of them."""
    for _ in range(20):
        yield chunk(frame("x" * 2 * _MIB))


def _endless_line() -> Iterator[bytes]:
    """One line of 64 MiB."""
    yield chunk(b"event:message\ndata:")
    for _ in range(1024):
        yield chunk(b"x" * 64 * 1024)
    yield chunk(b"\n\n")


def _garbage() -> Iterator[bytes]:
    """32 MiB of any bytes at all, ended by a blank line."""
    draw = random.Random(2718)
    for _ in range(512):
        yield chunk(draw.randbytes(64 * 1024))
    yield chunk(b"\n\n")


def _progress(number: int) -> str:
    return f"Receiving objects: {number % 101:3}% ({number}/1000000), 12.41 MiB | 3.20 MiB/s"


def _progress_escaped() -> Iterator[bytes]:
    """40 MiB of a progress bar as gin sends it, in events of one piece each, none of which ends the line."""
    block = b"".join(chunk(frame(_progress(number) + "\\r")) for number in range(1000))
    for _ in range(40 * _MIB // len(block)):
        yield block


def _progress_bare() -> Iterator[bytes]:
    """40 MiB of a progress bar with its carriage returns as they are, and no line feed."""
    block = "".join(f"{_progress(number)}\r" for number in range(1000)).encode()
    yield chunk(b"event:message\ndata:")
    for _ in range(40 * _MIB // len(block)):
        yield chunk(block)
    yield chunk(b"\n\n")


def _events_without_end() -> Iterator[bytes]:
    """One event of 40 MiB in data lines of 100 bytes."""
    block = (b"data:" + b"x" * 100 + b"\n") * 500
    for _ in range(40 * _MIB // len(block)):
        yield chunk(block)
    yield chunk(b"\n")


def _drip() -> Iterator[bytes]:
    """300 lines, one byte at a time."""
    for number in range(300):
        for byte in frame(_progress(number)):
            yield chunk(bytes([byte]))


def _zipped_zeros() -> Iterator[bytes]:
    packer = zlib.compressobj(9, wbits=16 + zlib.MAX_WBITS)
    zeros = bytes(_MIB)
    for _ in range(_BOMB_MIB):
        if piece := packer.compress(zeros):
            yield chunk(piece)
    yield chunk(packer.flush())


def _zipped_members() -> Iterator[bytes]:
    packer = zlib.compressobj(9, wbits=16 + zlib.MAX_WBITS)
    member = packer.compress(frame("x" * 100) * 10_000) + packer.flush()
    for _ in range(_MEMBERS):
        yield chunk(member)


_HEAD_ZIPPED: Final = HEAD.replace(b"\r\n\r\n", b"\r\nContent-Encoding: gzip\r\n\r\n")
_FILLERS: Final = b"".join(b"\r\nX-Filler-%d: %s" % (number, b"x" * 100) for number in range(300))
_HEAD_HEAVY: Final = HEAD.replace(b"\r\n\r\n", _FILLERS + b"\r\n\r\n")
_END_CHUNK: Final = chunk(frame(END))

BODIES: Final[Mapping[str, tuple[bytes, Callable[[], Iterator[bytes]]]]] = {
    "warm": (HEAD, _plain(1_000)),
    "long-lines": (HEAD, _long_lines),
    "endless-line": (HEAD, _endless_line),
    "endless-event": (HEAD, _events_without_end),
    "garbage": (HEAD, _garbage),
    "progress-escaped": (HEAD, _progress_escaped),
    "progress-bare": (HEAD, _progress_bare),
    "million": (HEAD, _plain(1_000_000)),
    "drip": (HEAD, _drip),
    "bomb": (_HEAD_ZIPPED, _zipped_zeros),
    "members": (_HEAD_ZIPPED, _zipped_members),
    "headers": (_HEAD_HEAVY, _plain(100)),
}
"""Head and body by the name of the job."""


async def _pieces(job: str, *, live: bool) -> AsyncIterator[bytes]:
    head, body = BODIES[job]
    yield head if live else head.replace(b"text/event-stream", b"text/plain")
    for piece in body():
        yield piece
        if job == "drip":
            await asyncio.sleep(0)
    if live and head is not _HEAD_ZIPPED:
        yield _END_CHUNK
    yield LAST_CHUNK


async def _answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while request := await reader.readuntil(b"\r\n\r\n"):
            target = request.split(b" ", 2)[1]
            live = target.startswith(PREFIX)
            job = target.removeprefix(PREFIX if live else _ARCHIVE).split(b"/")[2].decode()
            async for piece in _pieces(job, live=live):
                writer.write(piece)
                await writer.drain()
    except (OSError, asyncio.IncompleteReadError):
        pass  # the reader has left, which is what most are to do
    finally:
        writer.close()


async def _serve() -> None:
    server = await asyncio.start_server(_answer, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)


if __name__ == "__main__":
    pin(int(sys.argv[1]))
    asyncio.run(_serve())
