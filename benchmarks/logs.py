"""Log streams as a Zadig server sends them: one frame of about 125 bytes a line, each frame an HTTP chunk."""

from collections.abc import Iterator
from typing import Final

import attrs

PREFIX: Final = b"/openapi/logs/sse/v4/workflow/"
"""Where live logs are; behind it come workflow, task, job and how many past lines to send."""

HEAD: Final = (
    b"HTTP/1.1 200 OK\r\n"
    b"Content-Type: text/event-stream;charset=utf-8\r\n"
    b"Cache-Control: no-cache\r\n"
    b"Date: Thu, 15 Jan 2026 02:00:00 GMT\r\n"
    b"Transfer-Encoding: chunked\r\n\r\n"
)
LAST_CHUNK: Final = b"0\r\n\r\n"

ENDING: Final = "job-0-0-0-build"
"""The job whose stream ends after the lines asked for, as no stream of Zadig does."""
ENDING_MIXED: Final = "job-0-0-0-mixed"
"""The same with some lines in Chinese."""
ENDING_VM: Final = "job-0-0-0-vm"
"""The same from a VM job, whose lines keep their line feeds and so take two lines of data each."""
HELD: Final = "job-0-0-0-held"
"""The job whose stream stays open behind them, until all of them are released."""
PACED: Final = "job-0-0-0-paced-"
"""The job whose stream goes on with so many lines a second; their number comes behind the name."""

_BLOCK: Final = 500
"""Different lines; a longer log repeats them."""


@attrs.frozen
class Log:
    """What is read of a log.

    Attributes:
        name: What the reports call it.
        job: The job, which says how the server sends it.
        lines: How many lines are asked for.
    """

    name: str
    job: str
    lines: int


def _text(number: int, job: str) -> str:
    second = f"[2026-01-15 10:{number // 60 % 60:02}:{number % 60:02}]"
    if job == ENDING_MIXED and number % 5 == 0:
        return f"{second}   正在构建镜像 shop-api:release-1.8.{number:04}，已完成第 {number % 12 + 1} 步"
    return (
        f"{second} INFO  [worker-{number % 8}] com.shop.order.OrderService - handled order"
        f" {7_000_000 + number} in {number % 90 + 10} ms"
    )


def chunk(data: bytes) -> bytes:
    """Return bytes as one HTTP chunk."""
    return f"{len(data):x}\r\n".encode() + data + b"\r\n"


def frame(text: str) -> bytes:
    """Return a line as gin writes it: type and data, no space behind the colons, a line feed as more data."""
    data = text.replace("\n", "\ndata:")
    return f"event:message\ndata:{data}\n\n".encode()


_CHUNKS: Final = {
    job: [chunk(frame(_text(number, job) + ("\n" if job == ENDING_VM else ""))) for number in range(_BLOCK)]
    for job in (ENDING, ENDING_MIXED, ENDING_VM)
}
_BLOCKS: Final = {job: b"".join(chunks) for job, chunks in _CHUNKS.items()}


def line_chunk(number: int) -> bytes:
    """Return a line by its number as it goes on the wire."""
    return _CHUNKS[ENDING][number % _BLOCK]


def blocks(job: str, lines: int) -> Iterator[bytes]:
    """Yield so many lines as they go on the wire, in pieces large enough to cost the sender nothing."""
    kind = job if job in _CHUNKS else ENDING
    for _ in range(lines // _BLOCK):
        yield _BLOCKS[kind]
    yield b"".join(_CHUNKS[kind][: lines % _BLOCK])


def body_size(log: Log) -> int:
    """Return how many bytes the frames of a log are, without what chunking adds: 6 bytes for each."""
    return sum(map(len, blocks(log.job, log.lines))) - 6 * log.lines


LOGS: Final = {
    log.name: log
    for log in (
        Log("20,000 lines", ENDING, 20_000),
        Log("4,000 lines", ENDING, 4_000),
        Log("20,000 lines, some Chinese", ENDING_MIXED, 20_000),
        Log("20,000 lines of a VM job", ENDING_VM, 20_000),
        Log("idle", HELD, 1),
        Log("5 lines/s", f"{PACED}5", 1),
    )
}
"""What the suites read, by name."""
