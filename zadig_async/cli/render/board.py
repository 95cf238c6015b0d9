"""The state of every launch of a run, folded from events: pure, and read by whoever draws it."""

from collections.abc import Iterable, Iterator

import attrs

from zadig_async.cli.render import words
from zadig_async.model.gate import Gate
from zadig_async.model.ids import TaskRef, WorkflowRef
from zadig_async.model.outcome import Outcome, Verdict
from zadig_async.model.status import Phase
from zadig_async.orchestrator import events
from zadig_async.sinks.terminal import safe

_IN_JOBS = 3
_UNKNOWN = Verdict.UNKNOWN


@attrs.define(eq=False)
class Row:
    """What is known of one launch.

    Attributes:
        workflow: The workflow.
        ref: The task, once there is one.
        state: One safe word or two.
        since: When it was begun, in seconds of the caller's clock; None before that.
        until: When it ended, or None.
        sending: Whether its trigger was about to be sent, or was.
        jobs: Stage and job task name of the jobs that run now.
        gates: The gates it waits at.
        outcome: How it ended, or None.
    """

    workflow: WorkflowRef
    ref: TaskRef | None = None
    state: str = "to be started"
    since: float | None = None
    until: float | None = None
    sending: bool = False
    jobs: dict[str, str] = attrs.field(factory=dict)
    gates: dict[str, Gate] = attrs.field(factory=dict)
    outcome: Outcome | None = None

    @property
    def ended(self) -> bool:
        """Whether we are done with it."""
        return self.outcome is not None

    @property
    def waits(self) -> bool:
        """Whether it waits for somebody."""
        return bool(self.gates) and not self.ended

    @property
    def name(self) -> str:
        """Its task, or its workflow where there is none yet, safe to print."""
        return safe(str(self.ref or self.workflow))

    @property
    def now(self) -> str:
        """What it does now, safe to print."""
        if self.outcome is not None:
            return words.reason_words(self.outcome)
        if self.gates:
            return "waits at gate " + "; ".join(words.gate_words(gate) for gate in self.gates.values())
        running = [
            f"{safe(stage)} / {words.job_word(job)}" for job, stage in list(self.jobs.items())[:_IN_JOBS]
        ]
        more = len(self.jobs) - len(running)
        return ", ".join(running) + (f" and {more} more" if more else "")

    def seconds(self, now: float) -> float | None:
        """Return how long it has taken, or None before its start."""
        return None if self.since is None else (self.until if self.until is not None else now) - self.since


class Board:
    """All launches of a run in their order. One workflow may be in it several times."""

    def __init__(self, workflows: Iterable[WorkflowRef] = (), refs: Iterable[TaskRef] = ()) -> None:
        """Begin with what is to be started and what is to be watched."""
        self.rows = [Row(workflow) for workflow in workflows]
        self.rows += [Row(ref.of, ref, state="to be read") for ref in refs]

    def apply(self, event: events.Event, now: float) -> None:
        """Take one event into account.

        Args:
            event: What happened.
            now: When, in seconds of any clock that never jumps.
        """
        row = self._row(event)
        if row.since is None:
            row.since = now
        match event:
            case events.Launching():
                row.state = "starting"
                row.sending = True
            case events.LaunchUnanswered():
                row.state = "no answer"
            case events.Launched() | events.Adopted():
                row.state = "queued"
            case events.TaskChanged():
                row.state = safe(event.after) or "not started"
            case events.JobChanged():
                if event.after.phase is Phase.RUNNING:
                    row.jobs[event.job] = event.stage
                else:
                    row.jobs.pop(event.job, None)
            case events.GateOpened():
                row.gates[event.gate.key] = event.gate
            case events.GateClosed():
                row.gates.pop(event.gate.key, None)
            case events.Ended():
                row.outcome = event.outcome
                row.state = words.verdict_word(event.outcome)
                row.until = now
                row.jobs.clear()

    def unfinished(self) -> Iterator[TaskRef]:
        """Yield the tasks that may still go on, as far as we know."""
        for row in self.rows:
            if row.ref is not None and (row.outcome is None or row.outcome.verdict in _MAY_GO_ON):
                yield row.ref

    def in_doubt(self) -> Iterator[WorkflowRef]:
        """Yield the workflows whose trigger was sent, or about to be, and has no answer."""
        for row in self.rows:
            if row.ref is None and row.sending and (row.outcome is None or row.outcome.verdict is _UNKNOWN):
                yield row.workflow

    def not_started(self) -> Iterator[WorkflowRef]:
        """Yield the workflows that were never sent."""
        for row in self.rows:
            detached = row.outcome is not None and row.outcome.verdict is Verdict.DETACHED
            if row.ref is None and (detached or (row.outcome is None and not row.sending)):
                yield row.workflow

    def _row(self, event: events.Event) -> Row:
        """Find the row of an event. One of a launch without a task goes to the first row that fits."""
        ref = event.ref
        if ref is not None:
            for row in self.rows:
                if row.ref == ref:
                    return row
        for row in self.rows:
            if row.ref is None and row.outcome is None and row.workflow == event.workflow:
                if ref is not None:
                    row.ref = ref
                return row
        row = Row(event.workflow, ref)
        self.rows.append(row)
        return row


_MAY_GO_ON = frozenset({Verdict.DETACHED, Verdict.LOST, Verdict.DEADLINE, Verdict.BLOCKED})
