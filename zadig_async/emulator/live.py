"""The live log: replays, follows, then falls silent without ending, as the real one does.

Source: Zadig v4.1.0 core/log/service/sse.go:47-380 and pkg/shared/handler/sse.go:31-65.
"""

from collections.abc import AsyncGenerator

import attrs

from zadig_async.emulator.clock import Clock
from zadig_async.emulator.exchange import Dropped, Stream
from zadig_async.emulator.joblog import JobLog, Source, frames, source_of
from zadig_async.emulator.state import JobTask
from zadig_async.emulator.world import World

__all__ = ["POD_WAIT", "STREAM_LIMIT", "LiveLog", "open_live_log"]

POD_WAIT = 300.0
"""Seconds the server waits for a pod before it gives up silently."""

STREAM_LIMIT = 3600.0
"""Seconds after which the server's write time-out cuts any stream."""

_LONGEST_NAP = 1.0
_SHORTEST_NAP = 0.01
_HEADERS = {"Content-Type": "text/event-stream", "Cache-Control": "no-cache"}


@attrs.frozen(kw_only=True)
class LiveLog:
    """A request for a live log; `lines` of zero or less means all of them."""

    workflow_key: str
    task_id: int
    job_name: str
    lines: int


async def open_live_log(world: World, clock: Clock, wanted: LiveLog) -> Stream:
    """Open a stream. Returns when the server would send its headers: with the first line, or on giving up.

    An unknown task or job, or a type without logs, is not an error on the wire: it is silence.
    """
    opened = clock.now()
    job = _find(world, wanted)
    source = source_of(job.type, world.script.release) if job is not None else None
    if job is None or source is None:
        return Stream(status=200, headers={}, events=_silence(clock, opened))
    patience = POD_WAIT if source is Source.CONTAINER else 0.0
    log = await _begun(world, clock, job, opened + patience)
    if log is None:
        return Stream(status=200, headers={}, events=_silence(clock, opened))
    lines = _follow(world, clock, log, source, wanted.lines, opened)
    first = await anext(lines, None)
    if first is None:
        return Stream(status=200, headers={}, events=_silence(clock, opened))
    return Stream(status=200, headers=_HEADERS, events=_events(first, lines, clock, opened))


def _find(world: World, wanted: LiveLog) -> JobTask | None:
    task = world.task(wanted.workflow_key, wanted.task_id)
    found = task.job(wanted.job_name) if task is not None else None
    return found[1] if found is not None else None


def _nap(world: World, now: float, known: float | None = None) -> float:
    moments = [moment for moment in (known, world.agenda.next_moment()) if moment is not None]
    until_next = min((moment - now for moment in moments), default=_LONGEST_NAP)
    return min(max(until_next, _SHORTEST_NAP), _LONGEST_NAP)


async def _begun(world: World, clock: Clock, job: JobTask, deadline: float) -> JobLog | None:
    """The log, once there is one: a pod is waited for, the log of a VM or deploy job is not."""
    while True:
        now = clock.now()
        world.advance(now)
        if job.log is not None and job.log.readable(now):
            return job.log
        if now >= deadline:
            return None
        await clock.sleep(min(_nap(world, now), max(deadline - now, _SHORTEST_NAP)))


async def _follow(
    world: World, clock: Clock, log: JobLog, source: Source, tail: int, opened: float
) -> AsyncGenerator[bytes, None]:
    """The lines of a log; a tail means something to containers only (Zadig v4.1.0 sse.go:294)."""
    now = clock.now()
    world.advance(now)
    position = log.kept_from(now)
    if tail > 0 and source is Source.CONTAINER:
        position = max(position, log.printed(now) - tail)
    while True:
        while position < len(log.lines) and log.lines[position][0] <= now:
            yield frames(log.lines[position][1], source)
            position += 1
        if log.ended is not None and position >= len(log.lines):
            return
        if now - opened >= STREAM_LIMIT:
            raise Dropped("the server's write time-out cut the stream")
        upcoming = log.lines[position][0] if position < len(log.lines) else None
        await clock.sleep(_nap(world, now, upcoming))
        now = clock.now()
        world.advance(now)


async def _events(
    first: bytes, lines: AsyncGenerator[bytes, None], clock: Clock, opened: float
) -> AsyncGenerator[bytes, None]:
    try:
        yield first
        async for piece in lines:
            yield piece
    finally:
        await lines.aclose()
    async for piece in _silence(clock, opened):
        yield piece


async def _silence(clock: Clock, opened: float) -> AsyncGenerator[bytes, None]:
    """Nothing, until the write time-out cuts the connection."""
    while (left := opened + STREAM_LIMIT - clock.now()) > 0:
        await clock.sleep(left)
    nothing: tuple[bytes, ...] = ()
    for piece in nothing:
        yield piece
    raise Dropped("the server's write time-out cut the stream")
