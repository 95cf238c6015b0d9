"""Which gates may be approved: rules, and the decision with its reason. Pure: no clock, no server."""

from collections.abc import Iterable
from datetime import datetime
from fnmatch import fnmatchcase
from typing import TypeVar

import attrs

from zadig_async.errors import ConfigError
from zadig_async.model.gate import Gate
from zadig_async.model.ids import TaskRef
from zadig_async.model.status import Phase
from zadig_async.model.task import JobStatus, TaskStatus
from zadig_async.orchestrator.approve_key import ambiguous
from zadig_async.orchestrator.calendar import Freeze, Window, objection

T = TypeVar("T")


def _pattern(_: object, field: "attrs.Attribute[str]", value: object) -> None:
    if not isinstance(value, str) or not value:
        raise ConfigError(
            f"ApprovalRule.{field.name}: expected a name or pattern, got {type(value).__name__}",
            hint="Name exactly what may be approved, such as 'deploy-*'.",
        )


def _not_negative(_: object, field: "attrs.Attribute[float]", value: object) -> None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < float("inf"):
        raise ConfigError(f"ApprovalRule.{field.name}: expected seconds, got {type(value).__name__}")


def _all_of(values: Iterable[T], kind: type[T], where: str) -> tuple[T, ...]:
    """Return values as a tuple, having made sure that they are what they are taken for."""
    if isinstance(values, str | kind):
        raise ConfigError(f"{where}: expected a list of {kind.__name__}, got one {type(values).__name__}")
    kept = tuple(values)
    for value in kept:
        given: object = value
        if not isinstance(given, kind):
            raise ConfigError(
                f"{where}: expected {kind.__name__}, got {type(given).__name__}",
                hint="Text is read by Window.parse and Freeze.parse.",
            )
    return kept


def _windows(values: Iterable[Window]) -> tuple[Window, ...]:
    return _all_of(values, Window, "ApprovalRule.windows")


@attrs.frozen(kw_only=True)
class ApprovalRule:
    """Gates that may be approved without asking anybody.

    Project, workflow and gate must all match. Each is an exact name or a pattern in which `*` stands for any
    text, `?` for one character and `[ab]` for one of those; case counts. None has a default: whoever lets a
    machine approve has to say what.

    Attributes:
        project: Project key.
        workflow: Workflow key.
        gate: Configured name of the approval job, or of the stage on older servers.
        after_passed: Whether every job listed before the gate must have passed, those of its own stage
            included; `unstable` does not count as passed, and skipped jobs are left out.
        own_tasks: Whether tasks may be approved that this very account has started. Zadig does not ask for
            four eyes; a rule does unless it says otherwise.
        unchanged: Whether what the gate lets through (variables, images, commits, jobs) must be, right before
            the vote, what it was when the gate was first seen open.
        windows: Times at which approving is allowed; at any time if there are none.
        soak: Seconds the gate must have been open.
        comment: Stored with the vote, after this package's own mark.
    """

    project: str = attrs.field(validator=_pattern)
    workflow: str = attrs.field(validator=_pattern)
    gate: str = attrs.field(validator=_pattern)
    after_passed: bool = True
    own_tasks: bool = False
    unchanged: bool = True
    windows: tuple[Window, ...] = attrs.field(default=(), converter=_windows)
    soak: float = attrs.field(default=0.0, validator=_not_negative)
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
        matching: Whether a rule speaks about the gate at all, even if it says not now.
    """

    rule: ApprovalRule | None
    reason: str
    matching: bool = False

    @property
    def allowed(self) -> bool:
        """Whether the gate may be approved."""
        return self.rule is not None


@attrs.frozen(kw_only=True)
class Circumstances:
    """What a decision rests on besides the task.

    Attributes:
        now: The time, or None where it is not known well enough.
        clock: Why it is not, in words.
        open_for: Seconds for which we have seen the gate open.
        account: Display name of the account that would vote, or empty where it is not known.
        ours: Whether that account has started the task through us.
        changed: What is no longer as it was when the gate was first seen open, in words, or empty.
        votes_last_hour: How many votes we have cast in the last hour.
        duplicate: Whether the task is a second one of the same run.
    """

    now: datetime | None = None
    clock: str = "the time is not known"
    open_for: float = 0.0
    account: str = ""
    ours: bool = False
    changed: str = ""
    votes_last_hour: int = 0
    duplicate: bool = False


def _rules(values: Iterable[ApprovalRule]) -> tuple[ApprovalRule, ...]:
    return _all_of(values, ApprovalRule, "ApprovalPolicy.rules")


def _freezes(values: Iterable[Freeze]) -> tuple[Freeze, ...]:
    return _all_of(values, Freeze, "ApprovalPolicy.freezes")


@attrs.frozen
class ApprovalPolicy:
    """Which gates may be approved. Without rules, none.

    Attributes:
        rules: Any one that allows a gate is enough.
        freezes: Times at which nothing is approved, whatever the rules say.
        max_per_hour: Most votes within an hour, those of earlier processes with the same journal included;
            None sets no limit. What is above it waits for a human, or for the hour to pass.
    """

    rules: tuple[ApprovalRule, ...] = attrs.field(default=(), converter=_rules)
    freezes: tuple[Freeze, ...] = attrs.field(default=(), converter=_freezes, kw_only=True)
    max_per_hour: int | None = attrs.field(default=None, kw_only=True)

    def __attrs_post_init__(self) -> None:
        if self.max_per_hour is not None and self.max_per_hour < 1:
            raise ConfigError("ApprovalPolicy.max_per_hour: must be at least 1, or None for no limit")

    def speaks_of(self, ref: TaskRef, gate: Gate) -> bool:
        """Whether any rule speaks about a gate."""
        return any(rule.matches(ref, gate) for rule in self.rules)

    def permission(
        self, ref: TaskRef, gate: Gate, seen: TaskStatus, given: Circumstances | None = None
    ) -> Permission:
        """Decide about an open gate.

        Args:
            ref: The task.
            gate: The gate.
            seen: The task as last read, in which the gate is open.
            given: What else the decision rests on; nothing is known of it where it is left out.
        """
        given = given or Circumstances()
        if seen.project_key not in ("", ref.project):
            return Permission(None, f"the task is in the project {seen.project_key}, not {ref.project}")
        if not gate.passable:
            return Permission(None, f"nobody can pass a gate of kind {gate.kind} through the API")
        matching = [rule for rule in self.rules if rule.matches(ref, gate)]
        if not matching:
            return Permission(None, "no rule allows it")
        reason = self._objection(ref, gate, given)
        if reason:
            return Permission(None, reason, matching=True)
        for rule in matching:
            reason = _objection(rule, gate, seen, given) or self._calendar(rule, given)
            if not reason:
                return Permission(rule, f"allowed by the rule for {rule}", matching=True)
        return Permission(None, reason, matching=True)

    def _objection(self, ref: TaskRef, gate: Gate, given: Circumstances) -> str:
        """Return why no rule may allow this gate now, or an empty string."""
        if given.duplicate:
            return "the task is a duplicate: another one of the same run exists"
        if ambiguous(ref.workflow, gate.approve_name):
            return "its vote could count for another workflow's gate: their names run together"
        if gate.needed < 1:
            return "it asks for no approval at all, so a vote means nothing"
        if self.max_per_hour is not None and given.votes_last_hour >= self.max_per_hour:
            return f"{self.max_per_hour} gates were approved within the last hour, which is the limit"
        return ""

    def _calendar(self, rule: ApprovalRule, given: Circumstances) -> str:
        if not rule.windows and not self.freezes:
            return ""
        if given.now is None:
            return given.clock
        return objection(rule.windows, self.freezes, given.now)


def _objection(rule: ApprovalRule, gate: Gate, seen: TaskStatus, given: Circumstances) -> str:
    """Return why a matching rule does not allow this gate now, or an empty string."""
    if rule.after_passed:
        for job in _before(gate, seen):
            if job.status != "passed":
                return f"{job.name} is {job.status or 'not started'}, not passed"
    if not rule.own_tasks:
        if given.ours or (given.account and given.account == seen.creator):
            return "this account has started the task itself, and the rule does not set own_tasks"
        if not given.account:
            return "this token does not say whose it is, so the task may be its own; see own_tasks"
    if rule.unchanged and given.changed:
        return f"what it lets through has changed since it opened: {given.changed}"
    if given.open_for < rule.soak:
        return f"it has not been open for {rule.soak:g} s yet"
    return ""


def _before(gate: Gate, seen: TaskStatus) -> Iterable[JobStatus]:
    for job in seen.jobs:
        if job.name == gate.job or (not gate.job and job.stage == gate.stage):
            return
        if job.status.phase is not Phase.SKIPPED:
            yield job
