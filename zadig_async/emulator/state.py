"""The mutable things a world consists of: workflow definitions, views, tickets, tasks and their jobs."""

from collections.abc import Mapping
from typing import Any

import attrs

from zadig_async.emulator.joblog import JobLog
from zadig_async.emulator.jsoncopy import clone
from zadig_async.emulator.script import JobScript

__all__ = [
    "ENDED_BADLY",
    "JobDef",
    "JobTask",
    "StageDef",
    "StageTask",
    "Task",
    "Ticket",
    "View",
    "ViewEntry",
    "WorkflowDef",
]

Json = dict[str, Any]

ENDED_BADLY = frozenset({"failed", "timeout", "cancelled", "reject"})


@attrs.define(kw_only=True)
class JobDef:
    """A job of a stored workflow. `spec` has the stored (bson) names; `script` says how runs of it behave."""

    name: str
    type: str
    spec: Json
    run_policy: str = ""
    error_policy: Json | None = None
    execute_policy: Json | None = None
    skipped: bool = False
    script: JobScript


@attrs.define(kw_only=True)
class StageDef:
    """A stage of a stored workflow."""

    name: str
    parallel: bool = False
    manual_exec: Json | None = None
    jobs: list[JobDef] = attrs.field(factory=list)


@attrs.define(kw_only=True)
class WorkflowDef:
    """A stored workflow."""

    key: str
    name: str
    project: str
    type: str = "custom"
    description: str = ""
    category: str = ""
    params: list[Json] = attrs.field(factory=list)
    stages: list[StageDef] = attrs.field(factory=list)
    notify_ctls: list[Json] = attrs.field(factory=list)
    share_storages: list[Json] = attrs.field(factory=list)
    concurrency_limit: int = 0
    disabled: bool = False
    enable_approval_ticket: bool = False
    created_by: str = ""
    create_time: int = 0
    updated_by: str = ""
    update_time: int = 0
    survives_cancel: bool = False

    def job(self, name: str) -> JobDef | None:
        """The job configured under `name`."""
        for stage in self.stages:
            for job in stage.jobs:
                if job.name == name:
                    return job
        return None

    def copy(self) -> "WorkflowDef":
        """A copy whose variables, specs and choice of jobs may be changed; the rest is shared."""
        stages = [
            attrs.evolve(stage, jobs=[attrs.evolve(job, spec=clone(job.spec)) for job in stage.jobs])
            for stage in self.stages
        ]
        return attrs.evolve(self, params=clone(self.params), stages=stages)


@attrs.define(kw_only=True)
class ViewEntry:
    """A workflow in a view."""

    workflow_key: str
    workflow_type: str
    enabled: bool


@attrs.define(kw_only=True)
class View:
    """A named list of workflows of a project."""

    project: str
    name: str
    update_time: int
    update_by: str
    workflows: list[ViewEntry] = attrs.field(factory=list)


@attrs.frozen(kw_only=True)
class Ticket:
    """A pre-approval ticket as it was sent."""

    approval_id: str
    project: str
    body: Mapping[str, Any]


@attrs.define(kw_only=True)
class JobTask:
    """One job of a task: what task detail shows, plus how it will behave.

    `log` is the output of the present attempt, `logs` those of all, in order.
    """

    name: str
    key: str
    display_name: str
    origin_name: str
    type: str
    spec: Json | None
    raw: bool
    job_info: Json
    error_policy: Json | None
    script: JobScript
    fresh_spec: Json | None = None
    status: str = ""
    start: float = 0.0
    end: float = 0.0
    error: str = ""
    handler_id: str = ""
    handler_name: str = ""
    retry_count: int = 0
    retrying: bool = False
    attempts: int = 0
    log: JobLog | None = None
    logs: list[JobLog] = attrs.field(factory=list)


@attrs.define(kw_only=True)
class StageTask:
    """One stage of a task."""

    name: str
    parallel: bool
    manual_exec: Json | None
    jobs: list[JobTask]
    status: str = ""
    start: float = 0.0
    end: float = 0.0
    error: str = ""


@attrs.define(kw_only=True, eq=False)
class Task:
    """One run of a workflow.

    `run` counts its runs, so that plans made for an earlier run can be recognised. `serial` is its place
    among all tasks of the world.
    """

    id: int
    workflow: WorkflowDef
    params: list[Json]
    stages: list[StageTask]
    creator: str
    revoker: str
    created: float
    start: float
    end: float = 0.0
    status: str = "waiting"
    error: str = ""
    remark: str = ""
    run: int = 0
    on_worker: bool = False
    cancel_requested: bool = False
    serial: int = -1

    def job(self, name: str) -> tuple[StageTask, JobTask] | None:
        """The job whose task name is `name`, with its stage."""
        for stage in self.stages:
            for job in stage.jobs:
                if job.name == name:
                    return stage, job
        return None
