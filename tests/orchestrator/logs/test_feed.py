"""Many logs, one reader: in order, in bounded memory, and nobody waits for somebody else's log."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import attrs
import pytest

from tests.support.virtual_time import virtual_time
from zadig_async import TaskRef
from zadig_async.errors import ConfigError
from zadig_async.model.log import LogGap, LogReport
from zadig_async.orchestrator import events
from zadig_async.orchestrator.logs.feed import LogFeed
from zadig_async.wire.loglines import LogLine

REF = TaskRef("shop", "api", 1)


def lines(job: str, *texts: str, attempt: int = 1) -> events.LogLines:
    return events.LogLines(
        workflow=REF.of, ref=REF, job=job, attempt=attempt, lines=tuple(LogLine(text) for text in texts)
    )


def closed(job: str, count: int) -> events.LogClosed:
    report = LogReport(lines=count, complete=True, reason="equal to the archive")
    return events.LogClosed(workflow=REF.of, ref=REF, job=job, report=report)


async def told(feed: LogFeed, count: int) -> list[events.LogEvent]:
    """The next events."""
    never: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
    got: list[events.LogEvent] = []
    reading = feed.until(never)
    while len(got) < count:
        got.append(await anext(reading))
    await reading.aclose()
    return got


@virtual_time
async def test_events_come_in_the_order_in_which_they_were_told() -> None:
    feed = LogFeed()
    sent = [lines("a", "1"), lines("b", "2"), lines("a", "3"), closed("a", 2), lines("b", "4")]
    for event in sent:
        await feed(event)
    assert await told(feed, 5) == sent


@virtual_time
async def test_reading_ends_with_the_work_and_leaves_nothing_unread() -> None:
    feed = LogFeed()

    async def work() -> str:
        for number in range(3):
            await feed(lines("a", str(number)))
            await asyncio.sleep(1.0)
        await feed(closed("a", 3))
        return "done"

    working = asyncio.create_task(work())
    got = [event async for event in feed.until(working)]
    assert [type(event).__name__ for event in got] == ["LogLines"] * 3 + ["LogClosed"]
    assert working.result() == "done"


@virtual_time
async def test_work_that_fails_ends_the_reading_too() -> None:
    feed = LogFeed()

    async def work() -> None:
        await feed(lines("a", "1"))
        raise ValueError("broken")

    working = asyncio.create_task(work())
    assert len([event async for event in feed.until(working)]) == 1
    assert isinstance(working.exception(), ValueError)


@virtual_time
async def test_a_log_that_has_filled_its_room_waits_and_no_other_does() -> None:
    feed = LogFeed(room=1000)
    await feed(lines("slow", "x" * 950))
    waiting = asyncio.create_task(feed(lines("slow", "y" * 950)))
    await asyncio.sleep(10.0)
    assert not waiting.done()
    await feed(lines("other", "z"))  # returns at once
    await feed(closed("slow", 2))  # what is no text never waits
    assert feed.held < 2500
    assert len(await told(feed, 1)) == 1
    await asyncio.sleep(0.0)
    assert waiting.done()
    kinds = [type(event).__name__ for event in await told(feed, 3)]
    assert kinds == ["LogLines", "LogClosed", "LogLines"]


@virtual_time
async def test_one_batch_is_taken_however_large_it_is() -> None:
    feed = LogFeed(room=1)
    await feed(lines("a", "x" * 1_000_000))
    assert feed.held > 1_000_000


@virtual_time
async def test_what_is_held_does_not_grow_with_what_is_told() -> None:
    feed = LogFeed(room=10_000)

    async def chatter(job: str) -> None:
        for number in range(300):
            await feed(lines(job, *[f"{number}" * 50] * 5))

    talking = [asyncio.create_task(chatter(f"job-{number}")) for number in range(20)]
    peak = 0
    work = asyncio.gather(*talking)
    async for _ in feed.until(work):
        peak = max(peak, feed.held)
        await asyncio.sleep(0.001)
    assert peak <= 20 * 10_000


@virtual_time
async def test_if_so_ordered_lines_are_dropped_and_the_hole_is_told() -> None:
    feed = LogFeed(room=500, when_full="drop")
    for number in range(10):
        await feed(lines("a", f"{number}" * 10))
    kept = await told(feed, 4)
    await feed(lines("a", "after"))
    await feed(closed("a", 11))
    missing, after, end = await told(feed, 3)
    assert [event.lines[0].text[0] for event in kept if isinstance(event, events.LogLines)] == [*"0123"]
    assert isinstance(missing, events.LogMissing)
    assert missing.gap == LogGap(4, 6)
    assert isinstance(after, events.LogLines)
    assert isinstance(end, events.LogClosed)
    assert end.report == LogReport(
        lines=5,
        gaps=(LogGap(4, 6),),
        complete=False,
        reason="the reader was too slow: 6 lines were dropped",
    )


@virtual_time
async def test_lines_dropped_last_are_told_before_the_end() -> None:
    feed = LogFeed(room=150, when_full="drop")
    await feed(lines("a", "kept"))
    await feed(lines("a", "one", "two"))
    await feed(closed("a", 3))
    _, missing, end = await told(feed, 3)
    assert isinstance(missing, events.LogMissing)
    assert missing.gap == LogGap(1, 2)
    assert isinstance(end, events.LogClosed)
    assert end.report.complete is False


@asynccontextmanager
async def full(feed: LogFeed) -> AsyncIterator["asyncio.Task[None]"]:
    await feed(lines("a", "x" * 200))
    waiting = asyncio.create_task(feed(lines("a", "y" * 200)))
    await asyncio.sleep(1.0)
    assert not waiting.done()
    yield waiting
    await asyncio.sleep(0.0)
    assert waiting.done()


@virtual_time
async def test_a_reader_that_leaves_lets_the_logs_go() -> None:
    async with LogFeed(room=200) as feed:
        async with full(feed):
            await feed.__aexit__(None, None, None)
        await feed(lines("a", "nobody wants it"))
    assert feed.held == 0


@virtual_time
async def test_leaving_ends_the_reading() -> None:
    feed = LogFeed()
    never: asyncio.Future[Any] = asyncio.get_running_loop().create_future()

    async def read() -> int:
        return len([event async for event in feed.until(never)])

    reading = asyncio.create_task(read())
    await feed(lines("a", "1"))
    await asyncio.sleep(1.0)
    await feed.__aexit__(None, None, None)
    assert await reading == 1


@pytest.mark.parametrize("options", [{"room": 0}, {"when_full": "explode"}])
def test_values_that_cannot_be_used_are_refused(options: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match="LogFeed"):
        LogFeed(**options)


@virtual_time
async def test_attempts_of_one_job_are_logs_of_their_own() -> None:
    feed = LogFeed(room=300)
    await feed(lines("a", "x" * 190))
    await feed(lines("a", "y" * 190, attempt=2))  # has room of its own
    assert len(await told(feed, 2)) == 2
    assert attrs.evolve(lines("a"), attempt=2).attempt == 2
