"""`LogFeed`: the logs of many jobs as one asynchronous iterator, in bounded memory.

It is the `on_log` of an orchestrator:

    async with LogFeed() as logs, Orchestrator(zadig, policy, on_log=logs) as orchestrator:
        outcomes = asyncio.create_task(orchestrator.run_all(launches))
        async for event in logs.until(outcomes):
            ...
"""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator
from types import TracebackType
from typing import Any, Final, Literal, Self

import attrs

from zadig_async.errors import ConfigError
from zadig_async.model.ids import TaskRef
from zadig_async.model.log import LogGap
from zadig_async.orchestrator import events

_OVERHEAD: Final = 100
"""Bytes a line takes beside its text."""

_Key = tuple[TaskRef | None, str, int]


@attrs.define(eq=False)
class _Source:
    """What is held of one log.

    Attributes:
        held: Bytes of its lines that wait to be read.
        told: Lines of it that came, read or dropped.
        dropped: Lines dropped since the last that was kept.
        gaps: Where lines were dropped.
        freed: Set when something of it was read.
    """

    held: int = 0
    told: int = 0
    dropped: int = 0
    gaps: list[LogGap] = attrs.field(factory=list)
    freed: asyncio.Event = attrs.field(factory=asyncio.Event)


class LogFeed:
    """Takes the events of any number of logs and gives them to one reader, in the order in which they came.

    What waits to be read is bounded for each log by itself. A reader that is too slow slows down the reading
    of the logs that have filled their share, and nothing else; or, if so ordered, lines are dropped and the
    hole is told. One log never waits for another.
    """

    def __init__(self, *, room: int = 262_144, when_full: Literal["wait", "drop"] = "wait") -> None:
        """Prepare.

        Args:
            room: Bytes of lines that may wait to be read of each log; one batch is always taken.
            when_full: What to do with further lines: let their log wait, or drop them.

        Raises:
            ConfigError: A value cannot be used.
        """
        if room < 1:
            raise ConfigError("LogFeed.room: must be at least 1 byte")
        if when_full not in {"wait", "drop"}:
            raise ConfigError("LogFeed.when_full: expected 'wait' or 'drop'")
        self._room = room
        self._drop = when_full == "drop"
        self._waiting: deque[tuple[events.LogEvent, int, _Source]] = deque()
        self._sources: dict[_Key, _Source] = {}
        self._news = asyncio.Event()
        self._closed = False

    async def __call__(self, event: events.LogEvent) -> None:
        """Take an event, as `on_log` of an `Orchestrator`; waits while its log has no room."""
        if self._closed:
            return
        key = (event.ref, event.job, event.attempt)
        source = self._sources.get(key)
        if source is None:
            source = self._sources[key] = _Source()
        if isinstance(event, events.LogLines):
            await self._take_lines(event, source)
            return
        if source.dropped and not isinstance(event, events.LogOpened):
            self._tell_dropped(event, source)
        if isinstance(event, events.LogClosed):
            del self._sources[key]
            event = _with_gaps(event, source.gaps)
        self._put(event, 0, source)

    async def _take_lines(self, event: events.LogLines, source: _Source) -> None:
        size = event.characters + _OVERHEAD * len(event.lines)
        while source.held and source.held + size > self._room and not self._closed:
            if self._drop:
                source.dropped += len(event.lines)
                return
            source.freed.clear()
            await source.freed.wait()
        if source.dropped:
            self._tell_dropped(event, source)
        source.told += len(event.lines)
        self._put(event, size, source)

    def _tell_dropped(self, event: events.LogEvent, source: _Source) -> None:
        gap = LogGap(source.told, source.dropped)
        source.gaps.append(gap)
        source.dropped = 0
        missing = events.LogMissing(
            workflow=event.workflow, ref=event.ref, job=event.job, attempt=event.attempt, gap=gap
        )
        self._put(missing, 0, source)

    def _put(self, event: events.LogEvent, size: int, source: _Source) -> None:
        if self._closed:
            return
        source.held += size
        self._waiting.append((event, size, source))
        self._news.set()

    @property
    def held(self) -> int:
        """Bytes of lines that wait to be read, of all logs together."""
        return sum(size for _, size, _ in self._waiting)

    async def until(self, work: "asyncio.Future[Any]") -> AsyncGenerator[events.LogEvent, None]:
        """Yield events until some work is done, and then what came before.

        Logs that come to their end a while after their task does are waited for as long as the work is.

        Args:
            work: What to wait for beside the logs, such as a task of `Orchestrator.run_all`. What it raises
                is its own business.
        """
        wake = self._news.set
        work.add_done_callback(lambda _: wake())
        while not self._closed:
            while self._waiting:
                yield self._next()
            if work.done():
                return
            self._news.clear()
            await self._news.wait()

    def _next(self) -> events.LogEvent:
        event, size, source = self._waiting.popleft()
        source.held -= size
        source.freed.set()
        return event

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Take nothing more: logs that wait for room wait no longer, and go nowhere."""
        self._closed = True
        self._waiting.clear()
        for source in self._sources.values():
            source.freed.set()
        self._news.set()


def _with_gaps(event: events.LogClosed, gaps: list[LogGap]) -> events.LogClosed:
    """Say in a report that this reader did not get all lines."""
    if not gaps:
        return event
    lost = sum(gap.count or 0 for gap in gaps)
    report = attrs.evolve(
        event.report,
        lines=event.report.lines - lost,
        gaps=(*event.report.gaps, *gaps),
        complete=False,
        reason=f"the reader was too slow: {lost} lines were dropped",
    )
    return attrs.evolve(event, report=report)
