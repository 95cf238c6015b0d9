"""Task details, fast: a short cut that may only say yes, and the rule book for everything else.

Task details are what a watch reads thousands of times, so two msgspec decoders read them without
building what nobody looks at. They check every type as they go. Whatever they refuse, and whatever
they cannot vouch for, is read again by the rule book (`wire.codec`), which alone says no and why.
Both give equal values; a property test holds them together.
"""

import re
from collections.abc import Mapping
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
_STATUS_KEY: Final = b'"status"'
_ESCAPE: Final = b"\\u00"
_ESCAPED_LETTER: Final = re.compile(rb"\\u00[67]")
_UNREADABLE: Final = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
"""What msgspec raises for a body it does not take; its ValidationError is a DecodeError too."""

_WAITING: Final = frozenset(word for word, phase in PHASE_OF.items() if phase is Phase.ATTENTION)


class _Job(msgspec.Struct, gc=False):
    name: str
    key: str = ""
    display_name: str = ""
    origin_name: str = ""
    type: str = ""
    status: str | msgspec.UnsetType = msgspec.UNSET
    start_time: _Second = 0
    end_time: _Second = 0
    cost_seconds: int | float = 0
    error: str = ""
    reverted: bool = False
    breakpoint_before: bool = False
    breakpoint_after: bool = False
    error_policy: _Raw = _NULL
    error_handler_user_id: str = ""
    error_handler_username: str = ""
    retry_count: int = 0
    job_info: _Raw = _NULL
    spec: _Raw = _NULL


class _Stage(msgspec.Struct, gc=False):
    name: str
    status: str | msgspec.UnsetType = msgspec.UNSET
    start_time: _Second = 0
    end_time: _Second = 0
    parallel: bool = False
    manual_exec: _Raw = _NULL
    approval: _Raw = _NULL
    error: str = ""
    jobs: list[_Job] | None = None


class _Task(msgspec.Struct):
    task_id: int
    workflow_key: str
    workflow_name: str = ""
    project_key: str = ""
    params: _Raw = _NULL
    status: str | msgspec.UnsetType = msgspec.UNSET
    reverted: bool = False
    remark: str = ""
    task_creator: str = ""
    task_revoker: str = ""
    create_time: _Second = 0
    start_time: _Second = 0
    end_time: _Second = 0
    stages: list[_Stage] | None = None
    error: str = ""
    is_restart: bool = False
    debug: bool = False
    approval_ticket_id: str = ""
    approval_id: str = ""


class _SeenJob(msgspec.Struct, gc=False):
    name: str
    type: str = ""
    status: str = ""
    error: str = ""
    start_time: _Second = 0
    end_time: _Second = 0


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
    project_key: str = ""
    status: str = ""
    error: str = ""
    task_revoker: str = ""
    start_time: _Second = 0
    end_time: _Second = 0
    stages: list[_SeenStage] | None = None


_DETAIL: Final = msgspec.json.Decoder(_Task)
_SEEN: Final = msgspec.json.Decoder(_SeenTask)


def read_task(body: bytes) -> Task:
    """Read a task detail in full; stages, params and specs are made when they are looked at.

    Raises:
        DecodeError: With every problem and its path.
    """
    try:
        seen = _DETAIL.decode(body)
    except _UNREADABLE:
        return _by_the_book(body)
    if _status_may_stand_twice(body, seen):
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
    status = Status(seen.status)
    if status.final:
        return status_of(_by_the_book(body))
    return TaskStatus(
        task_id=seen.task_id,
        workflow_key=seen.workflow_key,
        project_key=seen.project_key,
        status=status,
        error=seen.error,
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
    value = strict.parse(bytes(raw))
    return None if value is None else codec.structure(value, kind, at=at)


def _object(raw: msgspec.Raw, at: str) -> Mapping[str, Any] | None:
    value = strict.parse(bytes(raw))
    if value is None or isinstance(value, dict):
        return value
    raise codec.misfit(at, "an object", value)


def _by_the_book(body: bytes) -> Task:
    return codec.structure(strict.parse(body), Task)


def _status(word: str | msgspec.UnsetType) -> Status:
    return NOT_STARTED if word is msgspec.UNSET else Status(word)


def _status_may_stand_twice(body: bytes, seen: _Task) -> bool:
    """Whether more `status` keys stand in the body than one for each object that has one.

    msgspec, like every fast decoder, lets the last of two equal keys win. Counting settles nearly every
    document; where specs or texts hold the word too, or a letter is written as an escape, which Go never
    does, the rule book looks.
    """
    stages = seen.stages or ()
    words = [seen.status]
    words += [stage.status for stage in stages]
    words += [job.status for stage in stages for job in stage.jobs or ()]
    if body.count(_STATUS_KEY) > len(words) - words.count(msgspec.UNSET):
        return True
    return _ESCAPE in body and _ESCAPED_LETTER.search(body) is not None


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
