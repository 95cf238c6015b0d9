r"""`JsonLines`: the events of logs as JSON, one object per line, and what such an object holds.

Texts are as the server sent them, but for masked credentials; all that a terminal might obey is written as
`\uXXXX`.
"""

import json
import re
from collections.abc import Awaitable, Callable, Collection
from datetime import datetime
from typing import Any, Final

import attrs

from zadig_async.model.log import LogGap
from zadig_async.orchestrator import events
from zadig_async.orchestrator.policy import is_chosen
from zadig_async.sinks.terminal import escape_json, safe_line

Record = dict[str, Any]

_CAPITAL: Final = re.compile(r"(?<=[a-z])(?=[A-Z])")


def event_head(event: events.Event, at: datetime) -> Record:
    """Return what every event has in common: its name, the time it was seen, its workflow and task."""
    return {
        "event": _CAPITAL.sub("_", type(event).__name__).lower(),
        "at": at.isoformat(),
        "workflow": str(event.workflow),
        "task": str(event.ref) if event.ref else None,
    }


def log_details(event: events.LogEvent) -> Record:
    """Return what an event says of a log."""
    record: Record = {"job": event.job, "attempt": event.attempt}
    match event:
        case events.LogLines():
            record["lines"] = [line.text for line in event.lines]
            record["cut"] = [index for index, line in enumerate(event.lines) if line.truncated]
            record["fills"] = None if event.fills is None else gap_record(event.fills)
        case events.LogMissing():
            record["gap"] = gap_record(event.gap)
        case events.LogUnavailable():
            record |= {"type": event.type, "reason": event.reason}
        case events.LogClosed():
            report = event.report
            record["report"] = {
                "lines": report.lines,
                "gaps": [gap_record(gap) for gap in report.gaps],
                "complete": report.complete,
                "digest": report.digest,
                "reason": report.reason,
            }
    return record


def gap_record(gap: LogGap) -> Record:
    """Return a hole in a log."""
    return {"after": gap.after, "count": gap.count}


class JsonLines:
    """A sink that writes one JSON object per event."""

    def __init__(
        self,
        write: Callable[[str], Awaitable[None]],
        clock: Callable[[], datetime],
        *,
        grep: re.Pattern[str] | None = None,
        jobs: Collection[str] = (),
    ) -> None:
        """Prepare to write.

        Args:
            write: Takes one object with its line end; what it raises passes through.
            clock: Tells when an event is seen, with its zone.
            grep: Only lines it is found in are written; matched with what a terminal would show of them.
            jobs: Only these jobs, by configured name or job task name; all, if empty.
        """
        self._write = write
        self._clock = clock
        self._grep = grep
        self._jobs = frozenset(jobs)

    async def __call__(self, event: events.LogEvent) -> None:
        """Write an event."""
        if not is_chosen(event.job, self._jobs):
            return
        if self._grep is not None and isinstance(event, events.LogLines):
            search = self._grep.search
            lines = tuple(line for line in event.lines if search(safe_line(line.text)))
            if not lines:
                return
            event = attrs.evolve(event, lines=lines)
        record = event_head(event, self._clock()) | log_details(event)
        await self._write(escape_json(json.dumps(record, ensure_ascii=False)) + "\n")
