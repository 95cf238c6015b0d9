"""`Renderer`: shows a run while it goes on, as lines or as JSON; the live table is `render.live`."""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from datetime import UTC, datetime
from types import TracebackType
from typing import Protocol, Self

from zadig_async.cli import output
from zadig_async.cli.exits import ExitCode
from zadig_async.cli.log_options import LogChoice
from zadig_async.cli.render import records, summary, words
from zadig_async.cli.render.columns import GAP
from zadig_async.cli.screen import Screen
from zadig_async.model.ids import WorkflowRef
from zadig_async.model.outcome import Outcome
from zadig_async.orchestrator import events
from zadig_async.sinks.jsonl import JsonLines
from zadig_async.sinks.lines import Labels, TerminalLines


class Renderer(Protocol):
    """Shows events as they come, and the outcomes at the end."""

    async def __aenter__(self) -> Self: ...

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    def event(self, event: events.Event) -> None:
        """Show what happened; never waits."""
        ...

    async def log(self, event: events.LogEvent) -> None:
        """Show what happened to a log; waits for whoever reads it.

        Raises:
            UnwritableError: It cannot be written.
        """
        ...

    def note(self, text: str) -> None:
        """Show words of our own; never waits."""
        ...

    def outcomes(self, outcomes: Sequence[Outcome], code: ExitCode, advice: Sequence[str]) -> None:
        """Show how it all ended, and what to do about it; called once, after the context was left."""
        ...


class _Still:
    """A renderer with nothing that moves."""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        return None


def terminal_lines(
    choice: LogChoice, write: Callable[[str], Awaitable[None]], labels: Labels | None, *, coloured: bool
) -> TerminalLines:
    """Return the sink that shows logs as a choice says.

    Args:
        choice: Which lines, and how.
        write: Takes lines.
        labels: What stands before them, or None.
        coloured: Whether labels are coloured.
    """
    return TerminalLines(
        write,
        labels=labels,
        terminal=coloured,
        colour=choice.colour,
        grep=choice.grep,
        clock=_now if choice.timestamps else None,
    )


def json_lines(choice: LogChoice, write: Callable[[str], Awaitable[None]]) -> JsonLines:
    """Return the sink that writes logs as JSON as a choice says."""
    return JsonLines(write, lambda: datetime.now(UTC), grep=choice.grep)


def _now() -> datetime:
    return datetime.now().astimezone()


class PlainRenderer(_Still):
    """Lines that only ever grow: for pipes, CI and files.

    `deploy-api       > 构建 / build: running` is what happened, `deploy-api/build | go: ok` is a log.
    """

    def __init__(self, screen: Screen, choice: LogChoice, workflows: Iterable[WorkflowRef] = ()) -> None:
        """Prepare for the runs of these workflows."""
        self._screen = screen
        self._labels = Labels(workflows)
        self._lines = terminal_lines(choice, screen.write, self._labels, coloured=False)

    def event(self, event: events.Event) -> None:
        """Write a line."""
        text = words.event_words(event)
        if text is not None:
            self._screen.say(f"{self._labels.of(event)} > {text}")

    async def log(self, event: events.LogEvent) -> None:
        """Write the lines of a log."""
        await self._lines(event)

    def note(self, text: str) -> None:
        """Write a line to standard error."""
        self._screen.remark(text)

    def outcomes(self, outcomes: Sequence[Outcome], code: ExitCode, advice: Sequence[str]) -> None:
        """Write the summary."""
        cells = summary.summary_cells(outcomes)
        lines = ["", *(GAP.join(row).rstrip() for row in cells), "", summary.tally(outcomes), *advice]
        self._screen.say_lines(lines)


class JsonRenderer(_Still):
    """JSON lines: one object per event, and last `{"event": "outcomes", ...}`."""

    def __init__(self, screen: Screen, choice: LogChoice) -> None:
        """Prepare to write."""
        self._screen = screen
        self._lines = json_lines(choice, screen.write)

    def event(self, event: events.Event) -> None:
        """Write one object."""
        self._screen.say(output.record_text(records.event_record(event, datetime.now(UTC))))

    async def log(self, event: events.LogEvent) -> None:
        """Write one object."""
        await self._lines(event)

    def note(self, text: str) -> None:
        """Write a line to standard error."""
        self._screen.remark(text)

    def outcomes(self, outcomes: Sequence[Outcome], code: ExitCode, advice: Sequence[str]) -> None:
        """Write the last object; programs need no advice."""
        self._screen.say(
            output.record_text(
                {
                    "event": "outcomes",
                    "at": records.moment(datetime.now(UTC)),
                    "exit_code": int(code),
                    "outcomes": [records.outcome_record(outcome) for outcome in outcomes],
                }
            )
        )
