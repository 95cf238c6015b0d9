"""Writes the world's things as Zadig's JSON, key by key in the server's order.

Source: Zadig v4.1.0 service/workflow/types.go:981-1157 and workflow_task_v4.go:83-137.
"""

import functools
from collections.abc import Iterable

from zadig_async.emulator.gojson import sorted_without_nulls, spelled, to_bytes
from zadig_async.emulator.shapes import Json, error_policy, notify_ctl
from zadig_async.emulator.state import JobDef, JobTask, StageDef, StageTask, Task, View, WorkflowDef

__all__ = ["task_detail", "task_list", "view_row", "workflow_detail", "workflow_row"]

_IN_PROGRESS = frozenset({"prepare", "running", "wait_for_approval", "wait_for_manual_error_handling"})


def workflow_row(workflow: WorkflowDef) -> Json:
    """An element of the workflow list."""
    return {
        "workflow_key": workflow.key,
        "workflow_name": workflow.name,
        "update_by": workflow.updated_by,
        "update_time": workflow.update_time,
        "type": workflow.type,
    }


def workflow_detail(workflow: WorkflowDef, project_key: str) -> Json:
    """A workflow definition; `project_key` is echoed as it was asked, and `updated_by` is never filled."""
    return {
        "workflow_key": workflow.key,
        "workflow_name": workflow.name,
        "project_key": project_key,
        "description": workflow.description,
        "created_by": workflow.created_by,
        "create_time": workflow.create_time,
        "updated_by": "",
        "update_time": workflow.update_time,
        "params": workflow.params,
        "stages": [_stage_definition(stage) for stage in workflow.stages],
        "notify_ctls": [notify_ctl(item) for item in workflow.notify_ctls],
        "share_storages": workflow.share_storages,
        "concurrency_limit": workflow.concurrency_limit,
    }


def _stage_definition(stage: StageDef) -> Json:
    result: Json = {"name": stage.name}
    if stage.parallel:
        result["parallel"] = True
    if stage.jobs:
        result["jobs"] = [_job_definition(job) for job in stage.jobs]
    return result


def _job_definition(job: JobDef) -> Json:
    return {
        "name": job.name,
        "type": job.type,
        "skipped": job.skipped,
        "spec": sorted_without_nulls(job.spec),
        "run_policy": job.run_policy,
        "error_policy": error_policy(job.error_policy),
        "execute_policy": job.execute_policy,
        "service_modules": [],
    }


def task_list(total: int, tasks: Iterable[Task], project_key: str) -> bytes:
    """The task list as JSON: times are there even when 0, the status is lower-cased.

    Written out, since a list has many rows and is asked for most of all.
    """
    project = _quoted(project_key)
    rows = ",".join(
        [
            f'{{"workflow_key":{_quoted(task.workflow.key)},"workflow_name":{_quoted(task.workflow.name)},'
            f'"project_key":{project},"task_id":{task.id},"create_time":{int(task.created)},'
            f'"task_creator":{_quoted(task.creator)},"start_time":{int(task.start)},'
            f'"end_time":{int(task.end)},"status":{_quoted(task.status.lower())}}}'
            for task in tasks
        ]
    )
    return to_bytes(f'{{"total":{total},"workflow_tasks":[{rows}]}}')


@functools.lru_cache(maxsize=4096)
def _quoted(text: str) -> str:
    return spelled(text)


def _times(start: float, end: float) -> Json:
    times: Json = {}
    if int(start):
        times["start_time"] = int(start)
    if int(end):
        times["end_time"] = int(end)
    return times


def task_detail(task: Task, now: float) -> Json:
    """A task with its stages and jobs; times of 0 and empty names are left out."""
    result: Json = {
        "task_id": task.id,
        "workflow_key": task.workflow.key,
        "workflow_name": task.workflow.name,
        "params": task.params,
    }
    if task.status:
        result["status"] = task.status
    result["reverted"] = False
    result["remark"] = task.remark
    for name, value in (("task_creator", task.creator), ("task_revoker", task.revoker)):
        if value:
            result[name] = value
    if int(task.created):
        result["create_time"] = int(task.created)
    result.update(_times(task.start, task.end))
    result["stages"] = [_stage(stage, now) for stage in task.stages]
    result["project_key"] = task.workflow.project
    if task.error:
        result["error"] = task.error
    result.update(is_restart=False, debug=False, approval_ticket_id="", approval_id="")
    return result


def _stage(stage: StageTask, now: float) -> Json:
    return {
        "name": stage.name,
        "status": stage.status,
        **_times(stage.start, stage.end),
        "parallel": stage.parallel,
        "manual_exec": stage.manual_exec,
        "jobs": [_job(job, now) for job in stage.jobs],
        "error": stage.error,
    }


def _job(job: JobTask, now: float) -> Json:
    # a helm deploy has its own type inside the server but is shown as a plain deploy
    shown_type = "zadig-deploy" if job.type == "zadig-helm-deploy" else job.type
    return {
        "name": job.name,
        "key": job.key,
        "display_name": job.display_name,
        "origin_name": job.origin_name,
        "type": shown_type,
        "status": job.status,
        "reverted": False,
        **_times(job.start, job.end),
        "cost_seconds": _cost(job, now),
        "error": job.error,
        "breakpoint_before": False,
        "breakpoint_after": False,
        "spec": sorted_without_nulls(job.spec) if job.raw else job.spec,
        "error_policy": job.error_policy,
        "error_handler_user_id": job.handler_id,
        "error_handler_username": job.handler_name,
        "retry_count": job.retry_count,
        "job_info": sorted_without_nulls(job.job_info),
    }


def _cost(job: JobTask, now: float) -> int:
    if job.end:
        return int(job.end) - int(job.start)
    return int(now) - int(job.start) if job.status in _IN_PROGRESS else 0


def view_row(view: View) -> Json:
    """An element of the view list: enabled workflows only."""
    return {
        "name": view.name,
        "project_key": view.project,
        "update_time": view.update_time,
        "update_by": view.update_by,
        "workflows": [
            {"workflow_key": item.workflow_key, "workflow_type": item.workflow_type}
            for item in view.workflows
            if item.enabled
        ],
    }
