"""The client of `benchmarks.streams` in a process of its own: does one case and prints what came of it.

`python -m benchmarks.stream_client CASE URL ARGUMENT...`
"""

import asyncio
import contextlib
import gc
import json
import sys
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Final

import aiohttp

from benchmarks.logs import PACED, Log
from benchmarks.memory import forget_peak, peak_bytes, resident_bytes
from benchmarks.payloads import DOCUMENTS, PROJECT, WORKFLOW
from benchmarks.peers.urls import HEADERS, log_url, task_url
from benchmarks.processes import CLIENT_CORE, pin
from zadig_async import TaskRef, ZadigClient, ZadigError
from zadig_async.wire.loglines import LogLine

Found = Mapping[str, Any]

_POLLED: Final = DOCUMENTS["3 KB running"]
_TASK: Final = TaskRef(PROJECT, WORKFLOW, _POLLED.task_id)
_POLL_SECONDS: Final = 0.05
_STARVED: Final = 10.0
"""Seconds after which a poll of the control is given up."""


class Tally:
    """What came of a log.

    Attributes:
        lines: How many lines.
        truncated: How many of them were cut.
        last: The beginning of the last one.
    """

    def __init__(self) -> None:
        self.lines = 0
        self.truncated = 0
        self.last = ""

    def add(self, batch: Sequence[LogLine]) -> None:
        """Count a batch."""
        self.lines += len(batch)
        self.truncated += sum(line.truncated for line in batch)
        self.last = batch[-1].text[:100]


async def read_live(zadig: ZadigClient, job: str, tally: Tally) -> None:
    """Read a live log to its end."""
    async with zadig.logs.open(_TASK, job) as stream:
        async for batch in stream:
            tally.add(batch)


async def read_archive(zadig: ZadigClient, job: str, tally: Tally) -> None:
    """Read an archived log line by line."""
    async with zadig.logs.open_archive(_TASK, job) as stream:
        async for batch in stream:
            tally.add(batch)


async def fetch_archive(zadig: ZadigClient, job: str, tally: Tally) -> None:
    """Read an archived log as one text."""
    tally.lines = (await zadig.logs.fetch(_TASK, job)).count("\n")


READERS: Final[Mapping[str, Callable[[ZadigClient, str, Tally], Awaitable[None]]]] = {
    "open": read_live,
    "open_archive": read_archive,
    "fetch": fetch_archive,
}
"""How a log is read, by the verb of `zadig.logs`."""


async def read_hostile(url: str, reader: str, job: str) -> Found:
    """Read a hostile log; tell how much the process grew at most, and what came."""
    async with ZadigClient.connect(url, token="benchmark") as zadig:  # noqa: S106 - no server checks it
        await READERS[reader](zadig, "warm", Tally())
        tally, error = Tally(), ""
        gc.collect()
        before = resident_bytes()
        forget_peak()
        started = time.perf_counter()
        try:
            await READERS[reader](zadig, job, tally)
        except ZadigError as problem:
            error = type(problem).__name__
        return {
            "grown": peak_bytes() - before,
            "seconds": time.perf_counter() - started,
            "error": error,
            **vars(tally),
        }


async def poll_beside(url: str, streams: str, rate: str, seconds: str) -> Found:
    """Hold paced streams open and poll at a steady rate; tell how long the polls took."""
    lines = 0

    async def read(zadig: ZadigClient) -> None:
        nonlocal lines
        async with zadig.logs.open(_TASK, f"{PACED}{rate}", tail=1) as stream:
            opened.release()
            async for batch in stream:
                lines += len(batch)

    async def poll(zadig: ZadigClient, due: float) -> float:
        await zadig.tasks.status(_TASK)
        return loop.time() - due

    loop = asyncio.get_running_loop()
    opened = asyncio.Semaphore(0)
    async with (
        ZadigClient.connect(url, token="benchmark") as zadig,  # noqa: S106 - no server checks it
        asyncio.TaskGroup() as group,
    ):
        await zadig.tasks.status(_TASK)
        reading = [group.create_task(read(zadig)) for _ in range(int(streams))]
        for _ in reading:
            await opened.acquire()
        await asyncio.sleep(1)
        lines, started, cpu = 0, loop.time(), time.process_time()
        polls = []
        for number in range(round(float(seconds) / _POLL_SECONDS)):
            # Each at its time, whether or not the one before has answered: a slow one must not hide others.
            due = started + number * _POLL_SECONDS
            await asyncio.sleep(due - loop.time())
            polls.append(group.create_task(poll(zadig, due)))
        latencies = sorted([await task for task in polls])
        took = loop.time() - started
        found = {"latencies": latencies, "lines": lines / took, "cpu": (time.process_time() - cpu) / took}
        for task in reading:
            task.cancel()
    return found


async def starve(url: str, streams: str) -> Found:
    """The control: aiohttp with one session for everything, as it comes."""
    log = Log("", f"{PACED}2", 1)
    opened = asyncio.Semaphore(0)

    async def read() -> None:
        async with session.get(log_url(url, log)) as response:
            async for _ in response.content.iter_any():
                opened.release()

    async with aiohttp.ClientSession(headers=HEADERS) as session:
        reading = [asyncio.create_task(read()) for _ in range(int(streams))]
        for _ in reading:
            await opened.acquire()
        started = time.perf_counter()
        starved = True
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_STARVED), session.get(task_url(url, _POLLED)) as response:
                await response.read()
                starved = False
        found = {"starved": starved, "seconds": time.perf_counter() - started}
        for task in reading:
            task.cancel()
        await asyncio.gather(*reading, return_exceptions=True)
    return found


_CASES: Final[Mapping[str, Callable[..., Awaitable[Found]]]] = {
    "hostile": read_hostile,
    "poll": poll_beside,
    "starve": starve,
}


async def _main(case: str, url: str, *arguments: str) -> None:
    print(json.dumps(await _CASES[case](url, *arguments)), flush=True)


if __name__ == "__main__":
    pin(CLIENT_CORE)
    asyncio.run(_main(*sys.argv[1:]))
