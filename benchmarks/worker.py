"""One variant in a process of its own: opened once, then run in bursts as it is told.

`python -m benchmarks.worker SUBJECT MANNER URL`; each line of standard input is an order in JSON, each line
of standard output the cost it found. Between orders the process sleeps, so variants do not disturb
each other. A subject is a context manager that takes the server's URL and gives the function to call
with a document: an asynchronous one for the manner `async`, and one that reads a log to its end and tells how
many lines it had for those about logs.
"""

import asyncio
import gc
import importlib
import json
import sys
import time
import tracemalloc
from collections.abc import Awaitable, Callable, Coroutine, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractAsyncContextManager, AbstractContextManager, contextmanager
from functools import partial
from typing import Any, Final
from urllib.parse import urlsplit

import attrs

from benchmarks.feed import RELEASE
from benchmarks.logs import LOGS, Log
from benchmarks.memory import resident_bytes
from benchmarks.payloads import DOCUMENTS, Document
from benchmarks.processes import CLIENT_CORE, pin
from benchmarks.ratio import Manner

Act = Callable[[Document], object]
ActAsync = Callable[[Document], Awaitable[object]]
ReadLog = Callable[[Log], Awaitable[int]]
Subject = Callable[[str], AbstractContextManager[Act]]
SubjectAsync = Callable[[str], AbstractAsyncContextManager[ActAsync]]
SubjectLog = Callable[[str], AbstractAsyncContextManager[ReadLog]]

_WARMING: Final = 0.2
"""Part of a burst's time that is run before the clock starts: connections, caches, allocators."""
_BLOCK: Final = 20
"""Calls between two looks at the clock, where calls may be as short as a microsecond."""
_KEPT: Final = 20
"""Results kept at a time when memory is measured."""
_SHORT: Final = 100
"""Lines of the logs that warm up."""
_APART: Final = 0.004
"""Seconds between the openings of two streams."""
_QUIET_SECONDS: Final = 0.1
_QUIET_TIMES: Final = 2


@attrs.frozen
class Order:
    """A burst to run.

    Attributes:
        document: Name of the document to work on; empty for work that needs none.
        concurrency: How many calls are under way at a time.
        seconds: How long it lasts.
    """

    document: str
    concurrency: int
    seconds: float

    @property
    def work(self) -> Document:
        """The document, or a stand-in."""
        return DOCUMENTS[self.document] if self.document else Document("", 0, 0, b"")


def _plain(act: Act, order: Order) -> float:
    document = order.work

    def run(seconds: float) -> int:
        calls, end = 0, time.perf_counter() + seconds
        while time.perf_counter() < end:
            for _ in range(_BLOCK):
                act(document)
            calls += _BLOCK
        return calls

    run(order.seconds * _WARMING)
    gc.collect()
    before = time.process_time()
    calls = run(order.seconds)
    return (time.process_time() - before) / calls


async def _async(act: ActAsync, order: Order) -> float:
    document = order.work
    block = 1 if order.document else _BLOCK

    async def one(end: float) -> int:
        calls = 0
        while time.perf_counter() < end:
            for _ in range(block):
                await act(document)
            calls += block
        return calls

    async def run(seconds: float) -> int:
        end = time.perf_counter() + seconds
        return sum(await asyncio.gather(*(one(end) for _ in range(order.concurrency))))

    await run(order.seconds * _WARMING)
    gc.collect()
    before = time.process_time()
    calls = await run(order.seconds)
    return (time.process_time() - before) / calls


def _threads(act: Act, order: Order, pool: ThreadPoolExecutor) -> float:
    document = order.work

    def one(end: float) -> int:
        calls = 0
        while time.perf_counter() < end:
            act(document)
            calls += 1
        return calls

    def run(seconds: float) -> int:
        end = time.perf_counter() + seconds
        return sum(pool.map(one, [end] * order.concurrency))

    run(order.seconds * _WARMING)
    gc.collect()
    before = time.process_time()
    calls = run(order.seconds)
    return (time.process_time() - before) / calls


def _kept(act: Act, order: Order) -> float:
    document = order.work
    act(document)
    tracemalloc.start()
    try:
        gc.collect()
        before = tracemalloc.get_traced_memory()[0]
        # Each result gets a body of its own, as it would from the network; who needs it keeps it.
        kept = [act(attrs.evolve(document, body=bytes(bytearray(document.body)))) for _ in range(_KEPT)]
        gc.collect()
        return (tracemalloc.get_traced_memory()[0] - before) / len(kept)
    finally:
        tracemalloc.stop()


async def read_all(read: ReadLog, log: Log, streams: int) -> int:
    """Read so many streams at a time to their ends; return the lines of all of them."""
    counts = await asyncio.gather(*(read(log) for _ in range(streams)))
    _check(log, counts)
    return sum(counts)


def _check(log: Log, counts: Sequence[int]) -> None:
    if min(counts) < log.lines:
        raise RuntimeError(f"{min(counts)} lines of {log.lines} were read")


async def _lines(read: ReadLog, order: Order, clock: Callable[[], float]) -> float:
    log = LOGS[order.document]
    await read_all(read, attrs.evolve(log, lines=_SHORT), order.concurrency)
    gc.collect()
    lines, end = 0, time.perf_counter() + order.seconds
    before = clock()
    while time.perf_counter() < end:
        lines += await read_all(read, log, order.concurrency)
    return (clock() - before) / lines


async def _at_rest() -> None:
    """Wait until this process has had little to do for a while: whatever was to be opened is open."""
    quiet = 0
    while quiet < _QUIET_TIMES:
        before = time.process_time()
        await asyncio.sleep(_QUIET_SECONDS)
        quiet = quiet + 1 if time.process_time() - before < _QUIET_SECONDS / 4 else 0


async def release(url: str) -> None:
    """Have the server end every stream it holds open."""
    parts = urlsplit(url)
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
    writer.write(b"GET " + RELEASE + b" HTTP/1.1\r\nHost: benchmark\r\n\r\n")
    await reader.readline()
    writer.close()
    await writer.wait_closed()


async def _open(read: ReadLog, order: Order, url: str) -> float:
    log = LOGS[order.document]
    reading: list[asyncio.Task[int]] = []

    async def more() -> int:
        """Open so many more streams, one by one; return what is resident once they all are quiet."""
        for _ in range(order.concurrency):
            # Opened all at once, they would mostly show what the opening takes for a moment.
            reading.append(asyncio.ensure_future(read(log)))
            await asyncio.sleep(_APART)
        await _at_rest()
        gc.collect()
        return resident_bytes()

    # The first ones fill what was free in the process before.
    before = await more()
    grown = await more() - before
    await release(url)
    _check(log, await asyncio.gather(*reading))
    return grown / order.concurrency


@contextmanager
def _runner(subject: Any, manner: Manner, url: str) -> Iterator[Callable[[Order], float]]:
    bursts: Mapping[Manner, Callable[[Any, Order], Coroutine[Any, Any, float]]] = {
        Manner.ASYNC: _async,
        Manner.LINES: partial(_lines, clock=time.process_time),
        Manner.CLOCK: partial(_lines, clock=time.perf_counter),
        Manner.OPEN: partial(_open, url=url),
    }
    burst = bursts.get(manner)
    if burst is not None:
        opened: AbstractAsyncContextManager[Any] = subject(url)
        with asyncio.Runner() as loop:
            act = loop.run(opened.__aenter__())
            yield lambda order: loop.run(burst(act, order))
            loop.run(opened.__aexit__(None, None, None))
        return
    context: AbstractContextManager[Act] = subject(url)
    with context as plain, ThreadPoolExecutor(64) as pool:
        match manner:
            case Manner.PLAIN:
                yield lambda order: _plain(plain, order)
            case Manner.THREADS:
                yield lambda order: _threads(plain, order, pool)
            case Manner.KEPT:
                yield lambda order: _kept(plain, order)
            case _:
                raise ValueError(f"{manner}: source texts are run by new interpreters")


def _main(where: str, manner: str, url: str) -> None:
    pin(CLIENT_CORE)
    module, _, function = where.partition(":")
    with _runner(getattr(importlib.import_module(module), function), Manner(manner), url) as run:
        for line in sys.stdin:
            print(run(Order(**json.loads(line))), flush=True)


if __name__ == "__main__":
    _main(*sys.argv[1:])
