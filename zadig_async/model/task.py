"""Tasks: runs of a workflow, as a list line, as what a poll saw, and in full."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

import attrs

from zadig_async.model.gate import Gate
from zadig_async.model.ids import TaskRef
from zadig_async.model.lazy import Lazy, lazy
from zadig_async.model.spec import JobSpec
from zadig_async.model.status import NOT_STARTED, Phase, Status
from zadig_async.model.user import User
from zadig_async.model.variable import Param
from zadig_async.model.workflow import ErrorPolicy


@attrs.frozen(kw_only=True)
class TaskSummary:
    """One line of a workflow's task list.

    Attributes:
        task_id: Number of the run.
        workflow_key: Id of the workflow.
        workflow_name: Display name.
        project_key: Project key of the request, echoed.
        creator: Display name of who started it; `webhook` or `timer` for those.
        status: Lower-cased by the server: `notRun` arrives as `notrun`.
        created_at: When it was made; a retry keeps it.
        started_at: When it last started, or None.
        ended_at: When it last ended, or None. A retried task keeps its old end until the new one.
        raw: The object as received.
    """

    task_id: int
    workflow_key: str = ""
    workflow_name: str = ""
    project_key: str = ""
    creator: str = ""
    status: Status = NOT_STARTED
    created_at: datetime | None = None
    started_at: datetime | None = None
    ended_at: datetime | None = None
    raw: Mapping[str, Any] = attrs.field(factory=dict, repr=False, eq=False)


@attrs.frozen(kw_only=True)
class TaskPage:
    """One page of a workflow's task list.

    Attributes:
        total: How many tasks the workflow has, not counting archived ones.
        tasks: This page, newest first.
        raw: The object as received.
    """

    total: int
    tasks: tuple[TaskSummary, ...] = ()
    raw: Mapping[str, Any] = attrs.field(factory=dict, repr=False, eq=False)


@attrs.frozen(kw_only=True)
class JobStatus:
    """What a poll saw of one job.

    Attributes:
        name: Job task name, such as `job-0-0-0-build`; unique in the task.
        stage: Name of its stage.
        type: Zadig's job type string.
        status: Its state.
        error: Why it ended, often empty even for a failure: then only the log says why.
        started_at: When it started, or None.
        ended_at: When it ended, or None.
    """

    name: str
    stage: str
    type: str = ""
    status: Status = NOT_STARTED
    error: str = ""
    started_at: datetime | None = None
    ended_at: datetime | None = None


@attrs.frozen(kw_only=True)
class TaskStatus:
    """What a poll saw of one task: enough to watch it, and cheap to read.

    Attributes:
        task_id: Number of the run.
        workflow_key: Id of the workflow.
        project_key: The task's own project key.
        status: The task's state.
        error: Why it ended, may be empty.
        creator: Display name of who started it; `webhook` or `timer` for those.
        revoker: Display name of who cancelled it; `system` after a restart of the server. Before any
            cancel it holds the creator.
        started_at: When it last started, or None.
        ended_at: When it last ended, or None; stale after a retry, so never a sign of the end.
        gates: Where it waits for a human now.
    """

    task_id: int
    workflow_key: str = ""
    project_key: str = ""
    status: Status = NOT_STARTED
    error: str = ""
    creator: str = ""
    revoker: str = ""
    started_at: datetime | None = None
    ended_at: datetime | None = None
    gates: tuple[Gate, ...] = ()
    _jobs: Lazy[tuple[JobStatus, ...]] = attrs.field(
        factory=lambda: lazy(()), alias="jobs", eq=Lazy.get, repr=False
    )

    @property
    def jobs(self) -> tuple[JobStatus, ...]:
        """Every job of the run in order; jobs that were not selected are absent."""
        return self._jobs.get()

    @property
    def phase(self) -> Phase:
        """The task's phase. A running task that waits at a gate counts as `Phase.ATTENTION`."""
        phase = self.status.phase
        return Phase.ATTENTION if phase is Phase.RUNNING and self.gates else phase


@attrs.frozen(kw_only=True)
class JobRun:
    """One job of a run.

    Attributes:
        name: Job task name, such as `job-0-0-0-build`; unique in the task; what logs and approvals use.
        key: Configured name and service parts joined by dots.
        display_name: The same joined by dashes.
        origin_name: Configured job name: what a launch names. One job may fan out into several runs.
        type: Zadig's job type string; a helm deployment shows as `zadig-deploy`.
        status: Its state; empty until it starts.
        started_at: When it started, or None.
        ended_at: When it ended, or None.
        duration: Seconds it took, or has taken so far by the server's clock.
        error: Why it ended; empty even for most failures, where only the log says why.
        reverted: Whether its effect was rolled back.
        breakpoint_before: Whether it stops before its script for debugging.
        breakpoint_after: Whether it stops after its script for debugging.
        error_policy: What happens when it fails, or None.
        error_handler_id: Id of who decided about its failure.
        error_handler_name: Display name of who decided about its failure.
        retry_count: Automatic retries so far; retries of the whole task are not counted.
        info: What Zadig says about its service and module, as received.
    """

    name: str
    key: str = ""
    display_name: str = ""
    origin_name: str = ""
    type: str = ""
    status: Status = NOT_STARTED
    started_at: datetime | None = None
    ended_at: datetime | None = None
    duration: float = 0
    error: str = ""
    reverted: bool = False
    breakpoint_before: bool = False
    breakpoint_after: bool = False
    error_policy: ErrorPolicy | None = None
    error_handler_id: str = ""
    error_handler_name: str = ""
    retry_count: int = 0
    info: Mapping[str, Any] | None = attrs.field(default=None, repr=False)
    _spec: Lazy[JobSpec | None] = attrs.field(
        factory=lambda: lazy(None), alias="spec", eq=Lazy.get, repr=False
    )

    @property
    def spec(self) -> JobSpec | None:
        """What the job does: a class for each known type, `GenericSpec` for others, or None.

        Raises:
            DecodeError: The server sent a spec of another shape; the rest of the task is unharmed.
        """
        return self._spec.get()


@attrs.frozen(kw_only=True)
class ManualExec:
    """Whether and by whom a stage has to be started by hand.

    Attributes:
        enabled: Whether the stage waits for a person.
        modify_params: Whether that person may change parameters.
        executed: Whether it was started; stays true over a retry.
        users: Who may start it.
        executor_id: Id of who did.
        executor_name: Display name of who did.
        raw: The object as received.
    """

    enabled: bool = False
    modify_params: bool = False
    executed: bool = False
    users: tuple[User, ...] = ()
    executor_id: str = ""
    executor_name: str = ""
    raw: Mapping[str, Any] = attrs.field(factory=dict, repr=False, eq=False)


@attrs.frozen(kw_only=True)
class StageRun:
    """One stage of a run.

    Attributes:
        name: Name of the stage.
        status: Its state; empty until it starts.
        started_at: When it started, or None.
        ended_at: When it ended, or None.
        parallel: Whether its jobs run at the same time.
        manual_exec: Whether it has to be started by hand, or None.
        approval: The stage approval of older servers as received, or None.
        error: Why it ended, may be empty.
        jobs: Its jobs.
    """

    name: str
    status: Status = NOT_STARTED
    started_at: datetime | None = None
    ended_at: datetime | None = None
    parallel: bool = False
    manual_exec: ManualExec | None = None
    approval: Mapping[str, Any] | None = attrs.field(default=None, repr=False)
    error: str = ""
    jobs: tuple[JobRun, ...] = ()


@attrs.frozen(kw_only=True)
class Task:
    """One run of a workflow in full.

    Attributes:
        task_id: Number of the run.
        workflow_key: Id of the workflow.
        workflow_name: Display name.
        project_key: The task's own project key.
        status: Its state. Never judge the end by `ended_at`: a retried task keeps the old one.
        creator: Display name of who started it.
        revoker: Display name of who cancelled it; the creator before any cancel, `system` after a
            restart of the server.
        remark: Free text of the run.
        error: Why it ended, may be empty.
        created_at: When it was made, or None.
        started_at: When it last started, or None.
        ended_at: When it last ended, or None.
        is_restart: Zadig's own flag; a retry does not set it.
        debug: Whether it runs for debugging.
        reverted: Whether its effect was rolled back.
        approval_ticket_id: Id of the ticket that allowed it.
        approval_id: That ticket's number in the other system.
    """

    task_id: int
    workflow_key: str
    workflow_name: str = ""
    project_key: str = ""
    status: Status = NOT_STARTED
    creator: str = ""
    revoker: str = ""
    remark: str = ""
    error: str = ""
    created_at: datetime | None = None
    started_at: datetime | None = None
    ended_at: datetime | None = None
    is_restart: bool = False
    debug: bool = False
    reverted: bool = False
    approval_ticket_id: str = ""
    approval_id: str = ""
    _params: Lazy[tuple[Param, ...]] = attrs.field(
        factory=lambda: lazy(()), alias="params", eq=Lazy.get, repr=False
    )
    _stages: Lazy[tuple[StageRun, ...]] = attrs.field(
        factory=lambda: lazy(()), alias="stages", eq=Lazy.get, repr=False
    )
    _gates: Lazy[tuple[Gate, ...]] = attrs.field(
        factory=lambda: lazy(()), alias="gates", eq=Lazy.get, repr=False
    )
    _raw: Lazy[Mapping[str, Any]] = attrs.field(factory=lambda: lazy({}), alias="raw", eq=False, repr=False)

    @property
    def ref(self) -> TaskRef:
        """The task by its keys."""
        return TaskRef(self.project_key, self.workflow_key, self.task_id)

    @property
    def phase(self) -> Phase:
        """The task's phase. A running task that waits at a gate counts as `Phase.ATTENTION`."""
        phase = self.status.phase
        return Phase.ATTENTION if phase is Phase.RUNNING and self.gates else phase

    @property
    def params(self) -> tuple[Param, ...]:
        """The workflow variables this run used."""
        return self._params.get()

    @property
    def stages(self) -> tuple[StageRun, ...]:
        """Its stages in order; stages without a selected job are absent."""
        return self._stages.get()

    @property
    def gates(self) -> tuple[Gate, ...]:
        """Where it waits for a human now."""
        return self._gates.get()

    @property
    def raw(self) -> Mapping[str, Any]:
        """The whole document as received, unknown fields and credentials included."""
        return self._raw.get()

    def jobs(self) -> Iterator[JobRun]:
        """Yield every job of every stage, in order."""
        for stage in self.stages:
            yield from stage.jobs

    def job(self, name: str) -> JobRun | None:
        """Return the job with this job task name, or None."""
        return next((job for job in self.jobs() if job.name == name), None)
