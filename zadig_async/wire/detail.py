"""Task details, fast: a short cut that may only say yes, and the rule book for everything else.

Task details are what a watch reads thousands of times, so two msgspec decoders read them without
building what nobody looks at. They check every type as they go. Whatever they refuse, and whatever
they cannot vouch for, is read again by the rule book (`wire.codec`), which alone says no and why.
Both give equal values; a property test holds them together.
"""

import itertools
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Final, TypeVar

import msgspec

from zadig_async.model.lazy import Lazy
from zadig_async.model.status import NOT_STARTED, PHASE_OF, Phase, Status
from zadig_async.model.task import JobRun, JobStatus, ManualExec, StageRun, Task, TaskStatus
from zadig_async.model.variable import Param
from zadig_async.model.workflow import ErrorPolicy
from zadig_async.wire import codec, strict
from zadig_async.wire.gates import gates_of

T = TypeVar("T")

_Second = Annotated[int, msgspec.Meta(ge=0, le=codec.LAST_SECOND)]
_Raw = msgspec.Raw
_NULL: Final = msgspec.Raw(b"null")
_ABSENT: Final = b"null"
_UNREADABLE: Final = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
"""What msgspec raises for a body it does not take; its ValidationError is a DecodeError too."""

_WAITING: Final = frozenset(word for word, phase in PHASE_OF.items() if phase is Phase.ATTENTION)
_FINAL: Final = frozenset(word for word, phase in PHASE_OF.items() if phase.final)

_statuses_met: Final[Iterator[int]] = itertools.count()
"""Counts every status of every document on its way in; taking from it is atomic, so threads may share it."""


def _status_met(_: type[Status], word: object) -> Status:
    """Make a status for msgspec, which calls this for each one it meets, the later thrown away included."""
    next(_statuses_met)
    if type(word) is not str:
        raise TypeError  # msgspec makes a ValidationError of it
    return Status(word)


# The fields are in the order of the wire, which is where the decoder looks for the next one first.
class _Job(msgspec.Struct, gc=False):
    name: str
    key: str = ""
    display_name: str = ""
    origin_name: str = ""
    type: str = ""
    status: Status | msgspec.UnsetType = msgspec.UNSET
    reverted: bool = False
    start_time: _Second = 0
    end_time: _Second = 0
    cost_seconds: int | float = 0
    error: str = ""
    breakpoint_before: bool = False
    breakpoint_after: bool = False
    spec: _Raw = _NULL
    error_policy: _Raw = _NULL
    error_handler_user_id: str = ""
    error_handler_username: str = ""
    retry_count: int = 0
    job_info: _Raw = _NULL


class _Stage(msgspec.Struct, gc=False):
    name: str
    status: Status | msgspec.UnsetType = msgspec.UNSET
    start_time: _Second = 0
    end_time: _Second = 0
    parallel: bool = False
    manual_exec: _Raw = _NULL
    approval: _Raw = _NULL
    jobs: list[_Job] | None = None
    error: str = ""


class _Task(msgspec.Struct):
    task_id: int
    workflow_key: str
    workflow_name: str = ""
    params: _Raw = _NULL
    status: Status | msgspec.UnsetType = msgspec.UNSET
    reverted: bool = False
    remark: str = ""
    task_creator: str = ""
    task_revoker: str = ""
    create_time: _Second = 0
    start_time: _Second = 0
    end_time: _Second = 0
    stages: list[_Stage] | None = None
    project_key: str = ""
    error: str = ""
    is_restart: bool = False
    debug: bool = False
    approval_ticket_id: str = ""
    approval_id: str = ""


class _SeenJob(msgspec.Struct, gc=False):
    name: str
    type: str = ""
    status: str = ""
    start_time: _Second = 0
    end_time: _Second = 0
    error: str = ""


class _SeenApproval(msgspec.Struct, gc=False):
    enabled: bool = False


class _SeenStage(msgspec.Struct, gc=False):
    name: str
    status: str = ""
    approval: _SeenApproval | None = None
    jobs: list[_SeenJob] | None = None


class _SeenTask(msgspec.Struct):
    task_id: int
    workflow_key: str
    status: str = ""
    task_creator: str = ""
    task_revoker: str = ""
    start_time: _Second = 0
    end_time: _Second = 0
    stages: list[_SeenStage] | None = None
    project_key: str = ""
    error: str = ""


_DETAIL: Final = msgspec.json.Decoder(_Task, dec_hook=_status_met)
_SEEN: Final = msgspec.json.Decoder(_SeenTask)


def read_task(body: bytes) -> Task:
    """Read a task detail in full; stages, params and specs are made when they are looked at.

    Raises:
        DecodeError: With every problem and its path.
    """
    before = next(_statuses_met)
    try:
        seen = _DETAIL.decode(body)
    except _UNREADABLE:
        return _by_the_book(body)
    if next(_statuses_met) - before - 1 > _statuses_kept(seen):
        return _by_the_book(body)
    stages = Lazy(lambda: _stages(seen))
    status = _status(seen.status)
    return Task(
        task_id=seen.task_id,
        workflow_key=seen.workflow_key,
        workflow_name=seen.workflow_name,
        project_key=seen.project_key,
        status=status,
        creator=seen.task_creator,
        revoker=seen.task_revoker,
        remark=seen.remark,
        error=seen.error,
        created_at=codec.moment(seen.create_time),
        started_at=codec.moment(seen.start_time),
        ended_at=codec.moment(seen.end_time),
        is_restart=seen.is_restart,
        debug=seen.debug,
        reverted=seen.reverted,
        approval_ticket_id=seen.approval_ticket_id,
        approval_id=seen.approval_id,
        params=Lazy(
            lambda: codec.structure(strict.parse(bytes(seen.params)), tuple[Param, ...], at="$.params")
        ),
        stages=stages,
        gates=Lazy(lambda: gates_of(status, stages.get())),
        raw=Lazy(lambda: strict.parse(body)),
    )


def read_status(body: bytes) -> TaskStatus:
    """Read of a task detail only what a watch needs.

    A task that waits is read once more for its gates, and one that says it has ended once more by the
    rule book: nobody is to believe an end that a second `status` in the same object contradicts.

    Raises:
        DecodeError: With every problem and its path.
    """
    try:
        seen = _SEEN.decode(body)
    except _UNREADABLE:
        return status_of(_by_the_book(body))
    if seen.status in _FINAL:
        return status_of(_by_the_book(body))
    return TaskStatus(
        task_id=seen.task_id,
        workflow_key=seen.workflow_key,
        project_key=seen.project_key,
        status=Status(seen.status),
        error=seen.error,
        creator=seen.task_creator,
        revoker=seen.task_revoker,
        started_at=codec.moment(seen.start_time),
        ended_at=codec.moment(seen.end_time),
        gates=read_task(body).gates if _waits(seen) else (),
        jobs=Lazy(lambda: _jobs_seen(seen)),
    )


def status_of(task: Task) -> TaskStatus:
    """Return what a poll would have seen of a task that was read in full."""
    return TaskStatus(
        task_id=task.task_id,
        workflow_key=task.workflow_key,
        project_key=task.project_key,
        status=task.status,
        error=task.error,
        creator=task.creator,
        revoker=task.revoker,
        started_at=task.started_at,
        ended_at=task.ended_at,
        gates=task.gates,
        jobs=Lazy(
            lambda: tuple(
                JobStatus(
                    name=job.name,
                    stage=stage.name,
                    type=job.type,
                    status=job.status,
                    error=job.error,
                    started_at=job.started_at,
                    ended_at=job.ended_at,
                )
                for stage in task.stages
                for job in stage.jobs
            )
        ),
    )


def _nested(raw: msgspec.Raw, kind: type[T], at: str) -> T | None:
    text = bytes(raw)
    return None if text == _ABSENT else codec.structure(strict.parse(text), kind, at=at)


def _object(raw: msgspec.Raw, at: str) -> Mapping[str, Any] | None:
    text = bytes(raw)
    if text == _ABSENT:
        return None
    value = strict.parse(text)
    if isinstance(value, dict):
        return value
    raise codec.misfit(at, "an object", value)


def _by_the_book(body: bytes) -> Task:
    return codec.structure(strict.parse(body), Task)


def _status(word: Status | msgspec.UnsetType) -> Status:
    return NOT_STARTED if word is msgspec.UNSET else word


def _statuses_kept(seen: _Task) -> int:
    """Count the statuses that are left; where more were met, one object held two of them.

    msgspec, like every fast decoder, lets the last of two equal keys win.
    """
    stages = seen.stages or ()
    words = [job.status for stage in stages for job in stage.jobs or ()]
    words += [stage.status for stage in stages]
    words.append(seen.status)
    return len(words) - words.count(msgspec.UNSET)


def _waits(seen: _SeenTask) -> bool:
    if seen.status in _WAITING:
        return True
    for stage in seen.stages or ():
        if stage.status in _WAITING or (stage.approval is not None and stage.approval.enabled):
            return True
        for job in stage.jobs or ():
            if job.status in _WAITING:
                return True
    return False


def _jobs_seen(seen: _SeenTask) -> tuple[JobStatus, ...]:
    return tuple(
        JobStatus(
            name=job.name,
            stage=stage.name,
            type=job.type,
            status=Status(job.status),
            error=job.error,
            started_at=codec.moment(job.start_time),
            ended_at=codec.moment(job.end_time),
        )
        for stage in seen.stages or ()
        for job in stage.jobs or ()
    )


def _stages(seen: _Task) -> tuple[StageRun, ...]:
    return tuple(_stage(stage, f"$.stages[{index}]") for index, stage in enumerate(seen.stages or ()))


def _stage(stage: _Stage, at: str) -> StageRun:
    return StageRun(
        name=stage.name,
        status=_status(stage.status),
        started_at=codec.moment(stage.start_time),
        ended_at=codec.moment(stage.end_time),
        parallel=stage.parallel,
        manual_exec=_nested(stage.manual_exec, ManualExec, f"{at}.manual_exec"),
        approval=_object(stage.approval, f"{at}.approval"),
        error=stage.error,
        jobs=tuple(_job(job, f"{at}.jobs[{index}]") for index, job in enumerate(stage.jobs or ())),
    )


def _job(job: _Job, at: str) -> JobRun:
    return JobRun(
        name=job.name,
        key=job.key,
        display_name=job.display_name,
        origin_name=job.origin_name,
        type=job.type,
        status=_status(job.status),
        started_at=codec.moment(job.start_time),
        ended_at=codec.moment(job.end_time),
        duration=job.cost_seconds,
        error=job.error,
        reverted=job.reverted,
        breakpoint_before=job.breakpoint_before,
        breakpoint_after=job.breakpoint_after,
        error_policy=_nested(job.error_policy, ErrorPolicy, f"{at}.error_policy"),
        error_handler_id=job.error_handler_user_id,
        error_handler_name=job.error_handler_username,
        retry_count=job.retry_count,
        info=_object(job.job_info, f"{at}.job_info"),
        spec=Lazy(lambda: codec.spec_of(job.type, strict.parse(bytes(job.spec)), job=job.name)),
    )
