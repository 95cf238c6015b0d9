"""What an orchestrator may do, and how long it waits: small frozen records."""

import re
from collections.abc import Collection
from typing import Final, Literal

import attrs

from zadig_async.errors import ConfigError
from zadig_async.orchestrator.approval import ApprovalPolicy, ApprovalRule

__all__ = [
    "MISSING_READS",
    "ApprovalPolicy",
    "ApprovalRule",
    "Deadlines",
    "LogPolicy",
    "ReconcilePolicy",
    "RunPolicy",
    "configured_name",
    "is_chosen",
]

MARKER: Final = "zadig_async_run"
"""Name of the workflow variable in which a run's id is looked for, unless a policy names another."""


@attrs.frozen(kw_only=True)
class Deadlines:
    """How long we wait, in seconds by our own clock; None waits for ever.

    A deadline ends our watch, never the task, unless `cancel` says so.

    Attributes:
        queue: From the trigger until the task starts.
        run: From its start until its end, time at gates included.
        gate: At one gate that nobody here may pass. 0 gives up at once.
        total: From the trigger until the end.
        cancel: Whether a task whose deadline passed is cancelled on the server.
    """

    queue: float | None = None
    run: float | None = None
    gate: float | None = None
    total: float | None = None
    cancel: bool = False


@attrs.frozen(kw_only=True)
class ReconcilePolicy:
    """What to do about a trigger whose answer was lost.

    Attributes:
        window: Seconds for which a request may be under way: the client's own time-out for writes, that of
            every gateway, and the time Zadig needs. Until then a task is looked for. Below 120 a late task
            can be taken for one that never comes.
        marker: Name of a workflow variable of type string or text. A workflow that declares it gets the run's
            id in it, and then its task is known for certain, whoever else uses the same account.
        account: Display name under which this token's tasks stand, where the token does not say it. Without a
            marker a task is only adopted if it is known whose tasks are ours.
        when_absent: What to do when no task has come of a trigger: `stop` and say that it is not known, or
            `retrigger`, which is done only for workflows with a marker, since only then can a second task
            be told from the first.
        attempts: Most triggers of one run, the first included.
        operation_log: Whether Zadig's operation log is read as evidence; it needs a system administrator.
    """

    window: float = 300.0
    marker: str = MARKER
    account: str = ""
    when_absent: Literal["stop", "retrigger"] = "stop"
    attempts: int = 2
    operation_log: bool = False

    def __attrs_post_init__(self) -> None:
        if not 0 < self.window < float("inf"):
            raise ConfigError("ReconcilePolicy.window: must be more than 0 seconds")
        if self.attempts < 1:
            raise ConfigError("ReconcilePolicy.attempts: must be at least 1")
        if self.when_absent not in {"stop", "retrigger"}:
            raise ConfigError("ReconcilePolicy.when_absent: expected 'stop' or 'retrigger'")


@attrs.frozen(kw_only=True)
class LogPolicy:
    """How logs are read, where `RunPolicy.follow_logs` says that they are.

    Attributes:
        jobs: Which jobs' logs to read, by configured name or job task name; all if empty.
        tail: With how many of its last lines to begin a log that is already under way, or None to begin with
            the job's first line.
        silence: Seconds without a line after which a stream is opened anew. Zadig sends no heartbeat, so a
            quiet job and a dead connection look the same.
        drain: Seconds of silence after the job's end before its live log is taken to be over.
        archive: Whether the archive is read after the job's end: the only proof that nothing is missing.
    """

    jobs: tuple[str, ...] = ()
    tail: int | None = None
    silence: float = 60.0
    drain: float = 2.0
    archive: bool = True

    def __attrs_post_init__(self) -> None:
        if self.tail is not None and self.tail < 1:
            raise ConfigError("LogPolicy.tail: must be at least 1 line, or None for all of them")
        for name in ("silence", "drain"):
            if not 0 < getattr(self, name) < float("inf"):
                raise ConfigError(f"LogPolicy.{name}: must be more than 0 seconds")

    def wants(self, job: str) -> bool:
        """Return whether a job's log is to be read.

        Args:
            job: Job task name, such as `job-0-0-0-build`.
        """
        return is_chosen(job, self.jobs)


_JOB_TASK: Final = re.compile(r"job-[0-9]+-[0-9]+-[0-9]+-(.+)")


def configured_name(job: str) -> str:
    """Return the configured name within a job task name: `build` of `job-0-0-0-build`."""
    match = _JOB_TASK.fullmatch(job)
    return match[1] if match else job


def is_chosen(job: str, names: Collection[str]) -> bool:
    """Whether a job is meant by names, configured ones or job task names; without any name it is.

    Args:
        job: Job task name.
        names: The names.
    """
    return not names or job in names or configured_name(job) in names


@attrs.frozen(kw_only=True)
class RunPolicy:
    """What an orchestrator may do, and how patiently.

    Attributes:
        concurrency: How many launches `run_all` has under way at once.
        approvals: Which gates may be approved; none by default.
        deadlines: How long to wait for what; for ever by default.
        follow_logs: Whether the logs of jobs are read and sent as events.
        logs: How they are read.
        poll_every: Seconds between two reads of a task that moves. The server itself moves in steps of 1
            to 3 seconds.
        outage: Seconds of unbroken failure after which a watch is given up as lost.
        settle: Seconds a cancelled task is watched on: it may still turn out passed or failed.
        read_back: Seconds a vote, cancellation or retry is given to show in the task before its proof is
            given up. The server itself looks at votes once a second.
        reconcile: What to do about a trigger whose answer was lost.
        dry_run: Whether to decide about everything and write nothing.
    """

    concurrency: int = 16
    approvals: ApprovalPolicy = attrs.field(factory=ApprovalPolicy)
    deadlines: Deadlines = Deadlines()
    follow_logs: bool = False
    logs: LogPolicy = LogPolicy()
    poll_every: float = 3.0
    outage: float = 600.0
    settle: float = 10.0
    read_back: float = 10.0
    reconcile: ReconcilePolicy = ReconcilePolicy()
    dry_run: bool = False

    def __attrs_post_init__(self) -> None:
        if self.concurrency < 1:
            raise ConfigError("RunPolicy.concurrency: must be at least 1")
        if not self.poll_every > 0:
            raise ConfigError("RunPolicy.poll_every: must be more than 0 seconds")


MISSING_READS: Final = 3
"""How often a task must be missing in a row before it is believed: a read may hit a lagging replica."""
