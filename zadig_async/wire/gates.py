"""Where a task waits for a human, found in every dialect the server has spoken."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from zadig_async.errors import DecodeError
from zadig_async.model.gate import Gate, GateKind
from zadig_async.model.status import Phase, Status
from zadig_async.model.task import JobRun, StageRun, Task
from zadig_async.model.user import User

if TYPE_CHECKING:
    from zadig_async.model.jobspec import ApprovalSpec

_MINUTE: Final = 60.0
_MOST_MINUTES: Final = 10**12
"""Longest time-out believed; a larger number may be more than a float can hold."""
_LAST_SECOND: Final = 253_402_300_799
_DEFAULT_TIMEOUT_MINUTES: Final = 60
"""What the server takes for 0 (Zadig v4.1.0 .../jobcontroller/job_approval.go:109)."""


def gates_of(status: Status, stages: Sequence[StageRun]) -> tuple[Gate, ...]:
    """Return every gate that is open now, in the order of the stages."""
    if status.phase.final:
        return ()
    held = _held_stage(status, stages)
    return tuple(gate for stage in stages for gate in _stage_gates(stage, held=stage is held))


def _held_stage(status: Status, stages: Sequence[StageRun]) -> StageRun | None:
    """Return the stage a person has to start, or None.

    Task and stage say `pause` some milliseconds apart (Zadig v4.1.0 .../workflowcontroller/stage.go:85).
    """
    paused = next((stage for stage in stages if stage.status == "pause"), None)
    if paused is not None or status != "pause":
        return paused
    return next((stage for stage in stages if _held_by_hand(stage)), None)


def _stage_gates(stage: StageRun, *, held: bool) -> Iterator[Gate]:
    if _stage_approval_open(stage):
        yield _stage_approval(stage)
    if held:
        manual = stage.manual_exec
        yield Gate(
            kind=GateKind.MANUAL_STAGE,
            stage=stage.name,
            name=stage.name,
            approvers=manual.users if manual is not None else (),
            opened_at=stage.started_at,
        )
    for job in stage.jobs:
        if job.status == "wait_for_approval":
            yield _approval(stage, job)
        elif job.status == "wait_for_manual_error_handling":
            policy = job.error_policy
            yield _job_gate(
                GateKind.ERROR_HANDLING,
                stage,
                job,
                approvers=policy.approval_users if policy is not None else (),
            )
        elif job.status in {"debug_before", "debug_after"}:
            yield _job_gate(GateKind.BREAKPOINT, stage, job)


def _held_by_hand(stage: StageRun) -> bool:
    manual = stage.manual_exec
    return manual is not None and manual.enabled and not manual.executed and not stage.status.final


def _job_gate(kind: GateKind, stage: StageRun, job: JobRun, *, approvers: tuple[User, ...] = ()) -> Gate:
    return Gate(
        kind=kind,
        stage=stage.name,
        job=job.name,
        name=job.origin_name or job.name,
        approvers=approvers,
        opened_at=job.started_at,
    )


def _approval(stage: StageRun, job: JobRun) -> Gate:
    """Return the gate of an approval job; one whose spec cannot be read is still a gate."""
    spec = _approval_spec(job)
    if spec is None:
        return _job_gate(GateKind.EXTERNAL_APPROVAL, stage, job)
    native = spec.kind == "native"
    return Gate(
        kind=GateKind.APPROVAL if native else GateKind.EXTERNAL_APPROVAL,
        stage=stage.name,
        job=job.name,
        name=job.origin_name or job.name,
        approve_name=job.name if native else "",
        description=spec.description,
        approvers=spec.approvers,
        needed=spec.needed,
        timeout=min(spec.timeout_minutes or _DEFAULT_TIMEOUT_MINUTES, _MOST_MINUTES) * _MINUTE,
        opened_at=job.started_at,
    )


def _approval_spec(job: JobRun) -> "ApprovalSpec | None":
    from zadig_async.model.jobspec import ApprovalSpec  # noqa: PLC0415 - loaded with the first spec read

    try:
        spec = job.spec
    except DecodeError:
        return None
    return spec if isinstance(spec, ApprovalSpec) else None


def _stage_approval_open(stage: StageRun) -> bool:
    """Whether an older server waits at this stage: its approval is on, undecided, and no job has begun."""
    approval = stage.approval
    return (
        approval is not None
        and approval.get("enabled") is True
        and not approval.get("reject_or_approve")
        and stage.status.phase in (Phase.RUNNING, Phase.ATTENTION)
        and stage.status != "pause"
        and all(job.status.phase is Phase.QUEUED for job in stage.jobs)
    )


def _stage_approval(stage: StageRun) -> Gate:
    approval = stage.approval or {}
    inner = approval.get("native_approval")
    fields: Mapping[str, Any] = {**approval, **inner} if isinstance(inner, Mapping) else approval
    native = approval.get("type") in (None, "", "native")
    minutes = fields.get("timeout", fields.get("Timeout"))
    needed = fields.get("needed_approvers", fields.get("NeededApprovers"))
    return Gate(
        kind=GateKind.STAGE_APPROVAL if native else GateKind.EXTERNAL_APPROVAL,
        stage=stage.name,
        name=stage.name,
        approve_name=stage.name if native else "",
        description=_text(approval.get("description")),
        approvers=tuple(_voters(fields.get("approve_users"))),
        needed=needed if type(needed) is int else 1,
        timeout=min(minutes, _MOST_MINUTES) * _MINUTE if type(minutes) is int and minutes > 0 else None,
        opened_at=stage.started_at,
    )


def _voters(users: object) -> Iterator[User]:
    for user in users if isinstance(users, list) else ():
        if isinstance(user, Mapping):
            yield User(
                type=_text(user.get("type")),
                user_id=_text(user.get("user_id")),
                user_name=_text(user.get("user_name")),
                decision=_text(user.get("reject_or_approve")),
                comment=_text(user.get("comment")),
                decided_at=_moment(user.get("operation_time")),
                raw=user,
            )


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _moment(value: object) -> datetime | None:
    if type(value) is not int or not 0 < value <= _LAST_SECOND:
        return None
    return datetime.fromtimestamp(value, UTC)


def voters(task: Task, key: str) -> tuple[User, ...]:
    """Return who was asked at a gate, open or not, with the votes they cast.

    Args:
        task: The task as read.
        key: `Gate.key` of the gate.
    """
    job = task.job(key)
    if job is not None:
        spec = _approval_spec(job)
        return spec.approvers if spec is not None else ()
    stage = next((stage for stage in task.stages if stage.name == key), None)
    return _stage_approval(stage).approvers if stage is not None and stage.approval else ()
