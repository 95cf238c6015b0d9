"""What happened: one frozen record per observation, sent to one callable.

The command line, logging, reports and tests are all readers of these. No record holds a secret, and
texts are as the server sent them: filter them before they reach a terminal.
"""

import attrs

from zadig_async.errors import ZadigError
from zadig_async.model.gate import Gate
from zadig_async.model.ids import TaskRef, WorkflowRef
from zadig_async.model.log import LogGap, LogReport
from zadig_async.model.outcome import Outcome
from zadig_async.model.status import Status
from zadig_async.wire.loglines import LogLine


@attrs.frozen(kw_only=True)
class Event:
    """Anything that happened.

    Attributes:
        workflow: The workflow it happened to.
        ref: The task it happened to, or None before there is one.
    """

    workflow: WorkflowRef
    ref: TaskRef | None = None


@attrs.frozen(kw_only=True)
class Launching(Event):
    """A launch fits the live definition and is about to be sent.

    Attributes:
        jobs: Configured names of the jobs that will run.
    """

    jobs: tuple[str, ...]


@attrs.frozen(kw_only=True)
class Launched(Event):
    """Zadig has taken a launch: the task exists and is queued."""


@attrs.frozen(kw_only=True)
class LaunchUnanswered(Event):
    """A trigger left and got no clear answer; its task is being looked for.

    Attributes:
        reason: In words.
    """

    reason: str


@attrs.frozen(kw_only=True)
class Adopted(Event):
    """The task of a trigger without an answer was found.

    Attributes:
        sure: Whether it carries the run's id; else it is the only one it can be.
    """

    sure: bool


@attrs.frozen(kw_only=True)
class LaunchRepeated(Event):
    """No task came of a trigger, so it is sent once more, as the policy says.

    Attributes:
        attempt: Which attempt this is, from 1.
    """

    attempt: int


@attrs.frozen(kw_only=True)
class DuplicateFound(Event):
    """A second task of one run was found; `ref` is the first. It is never approved by us.

    Attributes:
        duplicate: The second task.
        cancelled: Whether it still waited and was cancelled.
        reason: In words.
    """

    duplicate: TaskRef
    cancelled: bool
    reason: str


@attrs.frozen(kw_only=True)
class JournalFailed(Event):
    """What happened could not be written down. What was done is done; nothing new will be begun.

    Attributes:
        error: What went wrong.
    """

    error: ZadigError


@attrs.frozen(kw_only=True)
class TaskChanged(Event):
    """A task's state changed.

    Attributes:
        before: The state seen before; empty at the first sight.
        after: The state seen now.
    """

    before: Status
    after: Status


@attrs.frozen(kw_only=True)
class JobChanged(Event):
    """A job's state changed.

    Attributes:
        job: Job task name.
        stage: Name of its stage.
        type: Zadig's job type string.
        before: The state seen before; empty at the first sight.
        after: The state seen now.
        error: Why it ended, often empty.
    """

    job: str
    stage: str
    type: str
    before: Status
    after: Status
    error: str = ""


@attrs.frozen(kw_only=True)
class GateOpened(Event):
    """A task began to wait for a human.

    Attributes:
        gate: The gate.
        allowed: Whether a rule lets us approve it.
        reason: Why, or why not.
    """

    gate: Gate
    allowed: bool
    reason: str


@attrs.frozen(kw_only=True)
class GateJudged(Event):
    """The decision about an open gate is another one than before.

    Attributes:
        gate: The gate.
        allowed: Whether a rule lets us approve it now.
        reason: Why, or why not.
    """

    gate: Gate
    allowed: bool
    reason: str


@attrs.frozen(kw_only=True)
class GateApproving(Event):
    """We are about to vote for a gate.

    Attributes:
        gate: The gate as read just before.
        reason: The rule that allows it.
    """

    gate: Gate
    reason: str


@attrs.frozen(kw_only=True)
class GateApproved(Event):
    """Our vote for a gate was read back from the task.

    Attributes:
        gate: The gate as read back.
    """

    gate: Gate


@attrs.frozen(kw_only=True)
class GateNotApproved(Event):
    """We tried to approve a gate and could not.

    Attributes:
        gate: The gate.
        error: What went wrong, or None where only the proof is missing.
        reason: In words.
    """

    gate: Gate
    error: ZadigError | None
    reason: str


@attrs.frozen(kw_only=True)
class GateClosed(Event):
    """A gate no longer waits, whoever decided it.

    Attributes:
        gate: The gate as last seen open.
    """

    gate: Gate


@attrs.frozen(kw_only=True)
class LogEvent(Event):
    """Anything about the log of one job.

    Attributes:
        job: Job task name.
        attempt: Which run of the job within the task this is, from 1: a job that is repeated has several.
    """

    job: str
    attempt: int = 1


@attrs.frozen(kw_only=True)
class LogOpened(LogEvent):
    """The log of a job is being read."""


@attrs.frozen(kw_only=True)
class LogLines(LogEvent):
    """Lines of a job's log, in order. Credentials are masked.

    Attributes:
        lines: The lines.
        fills: Where these lines belong that were missing before, or None where they follow those told last.
    """

    lines: tuple[LogLine, ...]
    fills: LogGap | None = None

    @property
    def characters(self) -> int:
        """How many characters the lines have together, for whoever bounds what it holds."""
        return sum([len(line.text) for line in self.lines])


@attrs.frozen(kw_only=True)
class LogMissing(LogEvent):
    """Lines of a job's log are missing here; those told next come after them.

    Attributes:
        gap: Where, and how many.
    """

    gap: LogGap


@attrs.frozen(kw_only=True)
class LogUnavailable(LogEvent):
    """A job has no live log.

    Attributes:
        type: Zadig's job type string.
        reason: In words.
    """

    type: str
    reason: str


@attrs.frozen(kw_only=True)
class LogClosed(LogEvent):
    """The log of a job will not go on.

    Attributes:
        report: What was told of it.
    """

    report: LogReport


@attrs.frozen(kw_only=True)
class PollFailed(Event):
    """A read of a task failed; the watch goes on.

    Attributes:
        error: What went wrong.
        failing_for: Seconds since the last read that worked.
    """

    error: ZadigError
    failing_for: float


@attrs.frozen(kw_only=True)
class PollRecovered(Event):
    """Reads work again.

    Attributes:
        failed_for: Seconds they did not.
    """

    failed_for: float


@attrs.frozen(kw_only=True)
class Cancelling(Event):
    """We are about to cancel a task.

    Attributes:
        reason: In words.
    """

    reason: str


@attrs.frozen(kw_only=True)
class Retrying(Event):
    """We are about to run a failed task again, under the same number.

    Attributes:
        reason: In words.
    """

    reason: str


@attrs.frozen(kw_only=True)
class Ended(Event):
    """A launch or watch ended.

    Attributes:
        outcome: How.
    """

    outcome: Outcome


@attrs.frozen(kw_only=True)
class EventsDropped(Event):
    """A reader of `Run.events` was too slow, and its oldest events were dropped.

    Attributes:
        count: How many since the last it got.
    """

    count: int
