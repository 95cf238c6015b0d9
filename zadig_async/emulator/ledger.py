"""What truly happened in a world: every request and every change it caused."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import attrs

if TYPE_CHECKING:
    from zadig_async.emulator.state import Task

__all__ = [
    "ApprovalGiven",
    "ErrorAnswered",
    "Ledger",
    "Record",
    "RemarkSet",
    "RequestSeen",
    "ResourceWritten",
    "StageReleased",
    "TaskCancelled",
    "TaskCreated",
    "TaskRetried",
]


@attrs.frozen(kw_only=True)
class Record:
    """Something that happened at `time` (world Unix seconds) because of `user` (a display name)."""

    time: float
    user: str


@attrs.frozen(kw_only=True)
class RequestSeen(Record):
    """A request that reached the server; `path` has its query, but never a token.

    `status` None: no answer was made, yet or ever. `fault` is the kind of the fault that struck it, if any.
    """

    method: str
    path: str
    status: int | None
    fault: str = ""


@attrs.frozen(kw_only=True)
class TaskCreated(Record):
    """A task came to be."""

    project: str
    workflow: str
    task_id: int
    params: Mapping[str, str]
    jobs: tuple[str, ...]


@attrs.frozen(kw_only=True)
class ApprovalGiven(Record):
    """A vote was accepted."""

    workflow: str
    task_id: int
    job: str
    approve: bool
    comment: str


@attrs.frozen(kw_only=True)
class TaskCancelled(Record):
    """A cancel was accepted; `before` is the status it overwrote."""

    workflow: str
    task_id: int
    before: str


@attrs.frozen(kw_only=True)
class TaskRetried(Record):
    """A retry was accepted."""

    workflow: str
    task_id: int
    before: str


@attrs.frozen(kw_only=True)
class RemarkSet(Record):
    """A remark was written."""

    workflow: str
    task_id: int
    remark: str


@attrs.frozen(kw_only=True)
class StageReleased(Record):
    """A paused stage was released."""

    workflow: str
    task_id: int
    stage: str


@attrs.frozen(kw_only=True)
class ErrorAnswered(Record):
    """A failed job was answered by a person: ignore or reject."""

    workflow: str
    task_id: int
    job: str
    decision: str


@attrs.frozen(kw_only=True)
class ResourceWritten(Record):
    """A workflow, view or ticket was created, updated or deleted."""

    kind: str
    action: str
    name: str


class Ledger:
    """A list of records, oldest first; a request stands before what it caused."""

    def __init__(self) -> None:
        self._records: list[Record] = []

    def __iter__(self) -> Iterator[Record]:
        return iter(self._records)

    def __len__(self) -> int:
        return len(self._records)

    @property
    def requests(self) -> list[RequestSeen]:
        """Every request, in order of arrival."""
        return [item for item in self._records if isinstance(item, RequestSeen)]

    @property
    def tasks(self) -> list[TaskCreated]:
        """Every task created."""
        return [item for item in self._records if isinstance(item, TaskCreated)]

    @property
    def approvals(self) -> list[ApprovalGiven]:
        """Every vote accepted."""
        return [item for item in self._records if isinstance(item, ApprovalGiven)]

    @property
    def cancels(self) -> list[TaskCancelled]:
        """Every cancel accepted, those of a restart included (user `system`)."""
        return [item for item in self._records if isinstance(item, TaskCancelled)]

    @property
    def retries(self) -> list[TaskRetried]:
        """Every retry accepted."""
        return [item for item in self._records if isinstance(item, TaskRetried)]

    def as_json(self) -> list[dict[str, Any]]:
        """The records as JSON values, each with its `kind`."""
        return [{"event": type(item).__name__, **attrs.asdict(item)} for item in self._records]

    def begin_request(self, time: float, user: str, *, method: str, path: str, fault: str) -> int:
        """Note a request on its arrival; the result names it in `end_request`."""
        self._records.append(
            RequestSeen(time=time, user=user, method=method, path=path, status=None, fault=fault)
        )
        return len(self._records) - 1

    def end_request(self, entry: int, status: int) -> None:
        """Note the status a request was answered with."""
        self._records[entry] = attrs.evolve(self._records[entry], status=status)  # type: ignore[call-arg]  # it is a RequestSeen

    def add(self, record: Record) -> None:
        """Write a record down."""
        self._records.append(record)

    def task_created(self, time: float, user: str, task: "Task") -> None:
        """Note a new task."""
        self.add(
            TaskCreated(
                time=time,
                user=user,
                project=task.workflow.project,
                workflow=task.workflow.key,
                task_id=task.id,
                params={item["name"]: item["value"] for item in task.params},
                jobs=tuple(job.name for stage in task.stages for job in stage.jobs),
            )
        )

    def task_cancelled(self, time: float, user: str, task: "Task", before: str) -> None:
        """Note a cancel."""
        self.add(
            TaskCancelled(time=time, user=user, workflow=task.workflow.key, task_id=task.id, before=before)
        )

    def task_retried(self, time: float, user: str, task: "Task", before: str) -> None:
        """Note a retry."""
        self.add(
            TaskRetried(time=time, user=user, workflow=task.workflow.key, task_id=task.id, before=before)
        )

    def approval_given(
        self, time: float, user: str, *, workflow: str, task_id: int, job: str, approve: bool, comment: str
    ) -> None:
        """Note a vote."""
        self.add(
            ApprovalGiven(
                time=time,
                user=user,
                workflow=workflow,
                task_id=task_id,
                job=job,
                approve=approve,
                comment=comment,
            )
        )

    def remark_set(self, time: float, user: str, task: "Task", remark: str) -> None:
        """Note a remark."""
        self.add(RemarkSet(time=time, user=user, workflow=task.workflow.key, task_id=task.id, remark=remark))

    def stage_released(self, time: float, user: str, task: "Task", stage: str) -> None:
        """Note the release of a paused stage."""
        self.add(
            StageReleased(time=time, user=user, workflow=task.workflow.key, task_id=task.id, stage=stage)
        )

    def error_answered(self, time: float, user: str, task: "Task", job: str, decision: str) -> None:
        """Note the answer to a failed job."""
        self.add(
            ErrorAnswered(
                time=time, user=user, workflow=task.workflow.key, task_id=task.id, job=job, decision=decision
            )
        )

    def resource_written(self, time: float, user: str, kind: str, action: str, name: str) -> None:
        """Note a change of a workflow, view or ticket."""
        self.add(ResourceWritten(time=time, user=user, kind=kind, action=action, name=name))
