"""`Renderer`: shows a run while it goes on, as lines or as JSON; the live table is `render.live`."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from types import TracebackType
from typing import Final, Protocol, Self

from rich.cells import cell_len

from zadig_async.cli import output
from zadig_async.cli.exits import ExitCode
from zadig_async.cli.render import records, summary, words
from zadig_async.cli.render.columns import GAP, pad
from zadig_async.model.ids import WorkflowRef
from zadig_async.model.outcome import Outcome
from zadig_async.orchestrator import events
from zadig_async.sinks.terminal import safe, safe_line

WIDEST_LABEL: Final = 40
"""Terminal cells labels are aligned to at most."""


class Renderer(Protocol):
    """Shows events as they come, and the outcomes at the end."""

    async def __aenter__(self) -> Self: ...

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    def event(self, event: events.Event) -> None:
        """Show what happened."""
        ...

    def note(self, text: str) -> None:
        """Show words of our own."""
        ...

    def outcomes(self, outcomes: Sequence[Outcome], code: ExitCode) -> None:
        """Show how it all ended; called once, after the context was left."""
        ...


class _Still:
    """A renderer with nothing that moves."""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        return None


class Labels:
    """What stands before each line, as wide as the widest so far."""

    def __init__(self, workflows: Iterable[WorkflowRef] = ()) -> None:
        """Begin as wide as these workflows need."""
        widths = (cell_len(safe(ref.workflow)) for ref in workflows)
        self._width = min(WIDEST_LABEL, max(widths, default=0))

    def of(self, event: events.Event) -> str:
        """Return the padded label of an event: its workflow, or workflow and job for a log."""
        workflow = safe(event.workflow.workflow)
        label = f"{workflow}/{words.job_word(event.job)}" if isinstance(event, events.LogLines) else workflow
        self._width = max(self._width, min(cell_len(label), WIDEST_LABEL))
        return pad(label, self._width)


class PlainRenderer(_Still):
    """Lines that only ever grow: for pipes, CI and files.

    `deploy-api       > 构建 / build: running` is what happened, `deploy-api/build | go: ok` is a log.
    """

    def __init__(self, workflows: Iterable[WorkflowRef] = ()) -> None:
        """Prepare for the runs of these workflows."""
        self._labels = Labels(workflows)

    def event(self, event: events.Event) -> None:
        """Write a line, or the lines of a log."""
        if isinstance(event, events.LogLines):
            label = self._labels.of(event)
            for line in event.lines:
                output.say(f"{label} | {safe_line(line.text)}{' (cut)' if line.truncated else ''}".rstrip())
            return
        text = words.event_words(event)
        if text is not None:
            output.say(f"{self._labels.of(event)} > {text}")

    def note(self, text: str) -> None:
        """Write a line to standard error."""
        output.remark(text)

    def outcomes(self, outcomes: Sequence[Outcome], code: ExitCode) -> None:
        """Write the summary."""
        output.say()
        output.say_lines(GAP.join(cells).rstrip() for cells in summary.summary_cells(outcomes))
        output.say()
        output.say(summary.tally(outcomes))


class JsonRenderer(_Still):
    """JSON lines: one object per event, and last `{"event": "outcomes", ...}`."""

    def event(self, event: events.Event) -> None:
        """Write one object."""
        output.say_record(records.event_record(event, datetime.now(UTC)))

    def note(self, text: str) -> None:
        """Write a line to standard error."""
        output.remark(text)

    def outcomes(self, outcomes: Sequence[Outcome], code: ExitCode) -> None:
        """Write the last object."""
        output.say_record(
            {
                "event": "outcomes",
                "at": records.moment(datetime.now(UTC)),
                "exit_code": int(code),
                "outcomes": [records.outcome_record(outcome) for outcome in outcomes],
            }
        )
