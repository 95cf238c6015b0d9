"""One variant in a process of its own: opened once, then run in bursts as it is told.

`python -m benchmarks.worker SUBJECT MANNER URL`; each line of standard input is an order in JSON, each line
of standard output the cost it found. Between orders the process sleeps, so variants do not disturb
each other. A subject is a context manager that takes the server's URL and gives the function to call
with a document: an asynchronous one for the manner `async`.
"""

import asyncio
import gc
import importlib
import json
import sys
import time
import tracemalloc
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractAsyncContextManager, AbstractContextManager, contextmanager
from typing import Any, Final

import attrs

from benchmarks.payloads import DOCUMENTS, Document
from benchmarks.processes import CLIENT_CORE, pin
from benchmarks.ratio import Manner

Act = Callable[[Document], object]
ActAsync = Callable[[Document], Awaitable[object]]
Subject = Callable[[str], AbstractContextManager[Act]]
SubjectAsync = Callable[[str], AbstractAsyncContextManager[ActAsync]]

_WARMING: Final = 0.2
"""Part of a burst's time that is run before the clock starts: connections, caches, allocators."""
_BLOCK: Final = 20
"""Calls between two looks at the clock, where calls may be as short as a microsecond."""
_KEPT: Final = 20
"""Results kept at a time when memory is measured."""


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


@contextmanager
def _runner(subject: Any, manner: Manner, url: str) -> Iterator[Callable[[Order], float]]:
    if manner is Manner.ASYNC:
        opened: AbstractAsyncContextManager[ActAsync] = subject(url)
        with asyncio.Runner() as loop:
            act = loop.run(opened.__aenter__())
            yield lambda order: loop.run(_async(act, order))
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
            case Manner.FRESH:
                raise ValueError("source texts are run by fresh interpreters")


def _main(where: str, manner: str, url: str) -> None:
    pin(CLIENT_CORE)
    module, _, function = where.partition(":")
    with _runner(getattr(importlib.import_module(module), function), Manner(manner), url) as run:
        for line in sys.stdin:
            print(run(Order(**json.loads(line))), flush=True)


if __name__ == "__main__":
    _main(*sys.argv[1:])
