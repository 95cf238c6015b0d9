"""`TerminalLines`: the logs of many jobs as labelled lines, for a terminal or a pipe.

    deploy-api/build   | go: downloading example.com/lib
    deploy-web/build.2 | npm ci
    deploy-api/build   > ~~~ 12 lines are missing here ~~~

What stands after ` | ` is a log, what stands after ` > ` is ours: no log can write the latter.
"""

import re
import zlib
from collections import Counter
from collections.abc import Awaitable, Callable, Collection, Iterable, Iterator
from datetime import datetime
from typing import Final

import attrs
from rich.cells import cell_len

from zadig_async.model.ids import TaskRef, WorkflowRef
from zadig_async.model.log import LogGap
from zadig_async.orchestrator import events
from zadig_async.orchestrator.policy import configured_name, is_chosen
from zadig_async.sinks.terminal import LineFilter, safe
from zadig_async.wire.loglines import LogLine

WIDEST_LABEL: Final = 40
"""Terminal cells labels are aligned to at most."""

CUT: Final = " (cut)"
"""What stands at the end of a line that was too long to keep whole."""

_PART: Final = re.compile(r"job-[0-9]+-[0-9]+-([0-9]+)-")

_COLOURS: Final = (36, 35, 34, 33, 32, 96, 95, 94)
_DIM: Final = "2"
_SGR: Final = re.compile(r"\x1b\[[0-9;:]*m")

Key = tuple[TaskRef | WorkflowRef, str, int]
"""Which log: the task, the job task name and the attempt."""


def key_of(event: events.LogEvent) -> Key:
    """Return which log an event is about."""
    return event.ref or event.workflow, event.job, event.attempt


def tint(text: str, name: str) -> str:
    """Colour a text for a terminal; the same name always has the same colour."""
    return f"\x1b[{_COLOURS[zlib.crc32(name.encode(errors='replace')) % len(_COLOURS)]}m{text}\x1b[0m"


class Labels:
    """What stands before each line, as wide as the widest so far, at most `WIDEST_LABEL`.

    A log bears `workflow/job`; with the attempt from the second on (`build.2`), with the number of its part
    from the second on where a job runs in several (`build[1]`), and with the task's number where one workflow
    has several tasks here (`deploy-api#7/build`).
    """

    def __init__(self, workflows: Iterable[WorkflowRef] = ()) -> None:
        """Begin as wide as these workflows need; one that is named twice has several tasks."""
        counted = Counter(ref.workflow for ref in workflows)
        self._several = frozenset(key for key, count in counted.items() if count > 1)
        widths = (cell_len(safe(key)) for key in counted)
        self._width = min(WIDEST_LABEL, max(widths, default=0))

    def of(self, event: events.Event) -> str:
        """Return the padded label of an event."""
        label = self.plain(event)
        width = cell_len(label)
        self._width = max(self._width, min(width, WIDEST_LABEL))
        return label + " " * (self._width - width)

    def plain(self, event: events.Event) -> str:
        """Return the label of an event as wide as it is."""
        workflow = event.workflow.workflow
        if event.ref is not None and workflow in self._several:
            workflow = f"{workflow}#{event.ref.task_id}"
        if not isinstance(event, events.LogEvent):
            return safe(workflow)
        match = _PART.match(event.job)
        part = f"[{match[1]}]" if match and int(match[1]) else ""
        attempt = f".{event.attempt}" if event.attempt > 1 else ""
        return safe(f"{workflow}/{configured_name(event.job)}{part}{attempt}")


@attrs.define(eq=False)
class _Stream:
    """What is remembered of one log between two events."""

    filter: LineFilter
    filling: LineFilter
    filled: LogGap | None = None
    told: LogGap | None = None
    """Where the lines belong that were shown last."""


class TerminalLines:
    """A sink that turns the events of logs into lines. All text of the server is made safe.

    Marks tell where lines are missing, where late ones belong, that a job has no log, and how a log ended
    that is not known to be complete.
    """

    def __init__(
        self,
        write: Callable[[str], Awaitable[None]],
        *,
        labels: Labels | None = None,
        terminal: bool = False,
        colour: bool = False,
        grep: re.Pattern[str] | None = None,
        jobs: Collection[str] = (),
        clock: Callable[[], datetime] | None = None,
    ) -> None:
        """Prepare to write.

        Args:
            write: Takes lines, each with its end; what it raises passes through.
            labels: What stands before the lines; nothing, if None.
            terminal: Whether labels are coloured.
            colour: Whether the colours a log itself holds are kept.
            grep: Only lines it is found in are written; matched with what is shown, without colours.
            jobs: Only these jobs, by configured name or job task name; all, if empty.
            clock: Tells when a line arrives, with its zone, to be written before it; None for no times.
        """
        self._write = write
        self._labels = labels
        self._terminal = terminal
        self._colour = colour
        self._grep = grep
        self._jobs = frozenset(jobs)
        self._clock = clock
        self._streams: dict[Key, _Stream] = {}

    async def __call__(self, event: events.LogEvent) -> None:
        """Write what an event says, if it says anything."""
        if is_chosen(event.job, self._jobs):
            text = "".join([f"{line}\n" for line in self._lines(event)])
            if text:
                await self._write(text)

    def _lines(self, event: events.LogEvent) -> Iterator[str]:
        match event:
            case events.LogLines():
                yield from self._log(event)
            case events.LogMissing():
                yield self._mark(event, missing_words(event.gap))
            case events.LogUnavailable():
                yield self._mark(event, f"no log: {safe(event.reason)}")
            case events.LogClosed():
                self._streams.pop(key_of(event), None)
                if event.report.complete is not True:
                    yield self._mark(event, closed_words(event))

    def _log(self, event: events.LogLines) -> Iterator[str]:
        stream = self._streams.get(key_of(event))
        if stream is None:
            stream = self._streams[key_of(event)] = _Stream(self._filter(), self._filter())
        if event.fills is not None and event.fills != stream.filled:
            stream.filled, stream.filling = event.fills, self._filter()
        shown = self._shown(event.lines, stream.filter if event.fills is None else stream.filling)
        if shown and event.fills != stream.told:
            yield self._mark(event, GOES_ON if event.fills is None else fills_words(event.fills))
            stream.told = event.fills
        prefix = self._prefix(event, " | ")
        for text in shown:
            yield f"{prefix}{text}".rstrip()

    def _filter(self) -> LineFilter:
        return LineFilter(colour=self._colour)

    def _shown(self, lines: Iterable[LogLine], line_filter: LineFilter) -> list[str]:
        """Return the lines that are to be shown, safe."""
        shown = []
        for line in lines:
            text = line_filter.line(line.text)
            if self._grep is None or self._grep.search(_SGR.sub("", text) if self._colour else text):
                shown.append(text + CUT if line.truncated else text)
        return shown

    def _mark(self, event: events.LogEvent, words: str) -> str:
        text = f"~~~ {words} ~~~"
        return self._prefix(event, " > ") + (f"\x1b[{_DIM}m{text}\x1b[0m" if self._terminal else text)

    def _prefix(self, event: events.LogEvent, separator: str) -> str:
        stamp = "" if self._clock is None else f"{self._clock().isoformat(timespec='milliseconds')} "
        if self._labels is None:
            return stamp
        label = self._labels.of(event) + separator
        return (tint(label, self._labels.plain(event)) if self._terminal else label) + stamp


GOES_ON: Final = "the log goes on"
"""Stands after lines that filled a gap, before those that follow what was told before them."""


def missing_words(gap: LogGap) -> str:
    """Say that lines are missing here."""
    if gap.count is None:
        return "lines are missing here, how many is not known"
    return f"{_lines_words(gap.count)} {'is' if gap.count == 1 else 'are'} missing here"


def fills_words(gap: LogGap) -> str:
    """Say where lines belong that come late."""
    return f"these belong after line {gap.after}, where {_was_missing(gap)}"


def closed_words(event: events.LogClosed) -> str:
    """Say how complete a log is that is not known to be complete."""
    report = event.report
    told = _lines_words(report.lines)
    if report.complete is None:
        return f"{told}, perhaps not all: {safe(report.reason)}"
    gaps = "".join(f"; {gap}" for gap in report.gaps)
    return f"{told}, lines are or may be missing: {safe(report.reason)}{gaps}"


def _was_missing(gap: LogGap) -> str:
    if gap.count is None:
        return "lines were missing"
    return f"{_lines_words(gap.count)} {'was' if gap.count == 1 else 'were'} missing"


def _lines_words(count: int) -> str:
    return f"{count} line{'' if count == 1 else 's'}"
