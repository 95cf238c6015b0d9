"""What an orchestrator may do, and how long it waits: small frozen records."""

from collections.abc import Iterable
from fnmatch import fnmatchcase
from typing import Final

import attrs

from zadig_async.errors import ConfigError
from zadig_async.model.gate import Gate
from zadig_async.model.ids import TaskRef
from zadig_async.model.status import Phase
from zadig_async.model.task import JobStatus, TaskStatus


def _pattern(_: object, field: "attrs.Attribute[str]", value: object) -> None:
    if not isinstance(value, str) or not value:
        raise ConfigError(
            f"ApprovalRule.{field.name}: expected a name or pattern, got {type(value).__name__}",
            hint="Name exactly what may be approved, such as 'deploy-*'.",
        )


@attrs.frozen(kw_only=True)
class ApprovalRule:
    """Gates that may be approved without asking anybody.

    All three must match. Each is an exact name or a pattern in which `*` stands for any text, `?` for
    one character and `[ab]` for one of those; case counts. None has a default: whoever lets a machine
    approve has to say what.

    Attributes:
        project: Project key.
        workflow: Workflow key.
        gate: Configured name of the approval job, or of the stage on older servers.
        after_passed: Whether every job listed before the gate must have passed, those of its own stage
            included; `unstable` does not count as passed, and skipped jobs are left out.
        comment: Stored with the vote, after this package's own mark.
    """

    project: str = attrs.field(validator=_pattern)
    workflow: str = attrs.field(validator=_pattern)
    gate: str = attrs.field(validator=_pattern)
    after_passed: bool = True
    comment: str = ""

    def matches(self, ref: TaskRef, gate: Gate) -> bool:
        """Whether this rule speaks about this gate of this task."""
        return (
            fnmatchcase(ref.project, self.project)
            and fnmatchcase(ref.workflow, self.workflow)
            and fnmatchcase(gate.name, self.gate)
        )

    def __str__(self) -> str:
        return f"{self.project}/{self.workflow} gate {self.gate}"


@attrs.frozen
class Permission:
    """A decision about one gate, with its reason.

    Attributes:
        rule: The rule that allows it, or None where it is not allowed.
        reason: Why, in words for an event or an audit line.
    """

    rule: ApprovalRule | None
    reason: str

    @property
    def allowed(self) -> bool:
        """Whether the gate may be approved."""
        return self.rule is not None


def _rules(rules: Iterable[ApprovalRule]) -> tuple[ApprovalRule, ...]:
    kept = tuple(rules)
    for rule in kept:
        given: object = rule
        if not isinstance(given, ApprovalRule):
            raise ConfigError(f"ApprovalPolicy: expected rules, got {type(given).__name__}")
    return kept


@attrs.frozen
class ApprovalPolicy:
    """Which gates may be approved. Without rules, none.

    Attributes:
        rules: Any one that allows a gate is enough.
    """

    rules: tuple[ApprovalRule, ...] = attrs.field(default=(), converter=_rules)

    def permission(self, ref: TaskRef, gate: Gate, seen: TaskStatus) -> Permission:
        """Decide about an open gate.

        Args:
            ref: The task.
            gate: The gate.
            seen: The task as last read, in which the gate is open.
        """
        if seen.project_key not in ("", ref.project):
            return Permission(None, f"the task is in the project {seen.project_key}, not {ref.project}")
        if not gate.passable:
            return Permission(None, f"nobody can pass a gate of kind {gate.kind} through the API")
        matching = [rule for rule in self.rules if rule.matches(ref, gate)]
        if not matching:
            return Permission(None, "no rule allows it")
        reason = ""
        for rule in matching:
            reason = _objection(rule, gate, seen)
            if not reason:
                return Permission(rule, f"allowed by the rule for {rule}")
        return Permission(None, reason)


def _objection(rule: ApprovalRule, gate: Gate, seen: TaskStatus) -> str:
    """Return why a matching rule does not allow this gate now, or an empty string."""
    if rule.after_passed:
        for job in _before(gate, seen):
            if job.status != "passed":
                return f"{job.name} is {job.status or 'not started'}, not passed"
    return ""


def _before(gate: Gate, seen: TaskStatus) -> Iterable[JobStatus]:
    for job in seen.jobs:
        if job.name == gate.job or (not gate.job and job.stage == gate.stage):
            return
        if job.status.phase is not Phase.SKIPPED:
            yield job


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
class RunPolicy:
    """What an orchestrator may do, and how patiently.

    Attributes:
        concurrency: How many launches `run_all` has under way at once.
        approvals: Which gates may be approved; none by default.
        deadlines: How long to wait for what; for ever by default.
        follow_logs: Whether live logs are read and sent as events.
        poll_every: Seconds between two reads of a task that moves. The server itself moves in steps of 1
            to 3 seconds.
        outage: Seconds of unbroken failure after which a watch is given up as lost.
        settle: Seconds a cancelled task is watched on: it may still turn out passed or failed.
    """

    concurrency: int = 16
    approvals: ApprovalPolicy = ApprovalPolicy()
    deadlines: Deadlines = Deadlines()
    follow_logs: bool = False
    poll_every: float = 3.0
    outage: float = 600.0
    settle: float = 10.0

    def __attrs_post_init__(self) -> None:
        if self.concurrency < 1:
            raise ConfigError("RunPolicy.concurrency: must be at least 1")
        if not self.poll_every > 0:
            raise ConfigError("RunPolicy.poll_every: must be more than 0 seconds")


MISSING_READS: Final = 3
"""How often a task must be missing in a row before it is believed: a read may hit a lagging replica."""
