"""`Outcome`: how one launch, or one watched task, ended for the one who asked."""

from enum import StrEnum, unique

import attrs

from zadig_async.errors import ZadigError
from zadig_async.model.gate import Gate
from zadig_async.model.ids import TaskRef, WorkflowRef
from zadig_async.model.launch import Launch
from zadig_async.model.status import NOT_STARTED, Phase, Status
from zadig_async.model.task import JobRun, Task


@unique
class Verdict(StrEnum):
    """How it ended; exactly one holds."""

    SUCCEEDED = "succeeded"
    FAILED = "failed"
    REJECTED = "rejected"
    CANCELLED = "cancelled"
    TIMED_OUT = "timed_out"
    SKIPPED = "skipped"
    REFUSED = "refused"
    """Nothing was started: the launch does not fit, or the server said no."""
    UNKNOWN = "unknown"
    """It may have been started, and nothing proves it either way."""
    BLOCKED = "blocked"
    """It waits for a human, and nobody here may act, or the kill switch forbids it. A task that was started
    goes on waiting; one that was not is not started."""
    DEADLINE = "deadline"
    """Our own deadline passed; the task goes on without us."""
    LOST = "lost"
    """The server stayed unreachable or unreadable for too long, or a fault of ours ended the watch; the
    task may go on."""
    DETACHED = "detached"
    """We were told to stop watching; the task goes on without us."""


_OF_PHASE = {
    Phase.SUCCEEDED: Verdict.SUCCEEDED,
    Phase.FAILED: Verdict.FAILED,
    Phase.REJECTED: Verdict.REJECTED,
    Phase.CANCELLED: Verdict.CANCELLED,
    Phase.TIMED_OUT: Verdict.TIMED_OUT,
    Phase.SKIPPED: Verdict.SKIPPED,
}


@attrs.frozen(kw_only=True)
class Outcome:
    """How one launch, or one watched task, ended.

    A failed workflow, a refused trigger and a lost watch are all outcomes: one launch's error never
    ends another's watch.

    Attributes:
        workflow: The workflow.
        verdict: How it ended.
        ref: The task, or None where none is known to exist.
        launch: The launch, or None for a task that was attached to.
        task: The task as last read in full, or None.
        status: The last status seen, empty where none was.
        gates: The gates it waited at when we stopped watching.
        error: The error that ended it, or None.
        seconds: Seconds from the start of the launch to this outcome, by our own clock.
    """

    workflow: WorkflowRef
    verdict: Verdict
    ref: TaskRef | None = None
    launch: Launch | None = attrs.field(default=None, repr=False)
    task: Task | None = attrs.field(default=None, repr=False)
    status: Status = NOT_STARTED
    gates: tuple[Gate, ...] = ()
    error: ZadigError | None = None
    seconds: float = 0.0

    @property
    def ok(self) -> bool:
        """Whether the workflow ran to a good end."""
        return self.verdict is Verdict.SUCCEEDED

    @property
    def first_failure(self) -> JobRun | None:
        """The first job that did not end well, by end time, or None."""
        if self.task is None:
            return None
        bad = [
            job
            for job in self.task.jobs()
            if job.status.phase in (Phase.FAILED, Phase.REJECTED, Phase.TIMED_OUT, Phase.CANCELLED)
        ]
        return min(
            bad, key=lambda job: job.ended_at.timestamp() if job.ended_at else float("inf"), default=None
        )


def verdict_behind(task: Task) -> Verdict:
    """Return how an ended task really ended.

    Zadig takes a cancellation of a task that has failed, and then shows it as cancelled. A task that was
    running when it was cancelled has a job that shows so; one with a bad end in a job, and no job that was
    cut short, had come to that end before.
    """
    phases = {job.status.phase for job in task.jobs()}
    cut_short = {Phase.CANCELLED, Phase.RUNNING, Phase.ATTENTION} & phases
    if task.status.phase is Phase.CANCELLED and not cut_short:
        for phase in (Phase.REJECTED, Phase.TIMED_OUT, Phase.FAILED):
            if phase in phases:
                return verdict_of(phase)
    return verdict_of(task.status.phase)


def ends_run(verdict: Verdict) -> bool:
    """Whether a verdict is the task's own end, and not only that of our watch."""
    return verdict in _OF_PHASE.values()


def verdict_of(phase: Phase) -> Verdict:
    """Return the verdict of a final phase.

    Raises:
        KeyError: The phase is not final.
    """
    return _OF_PHASE[phase]
