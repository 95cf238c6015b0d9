"""The operations: what each one sends and how its answer is read.

One function per operation, in the order of Zadig's API page, each returning a `Call`. Reads may be
repeated; nothing else may, since Zadig has neither idempotency keys nor versions.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any, Final, TypeVar

from zadig_async.errors import ConfigError, DecodeError
from zadig_async.model.gate import Gate
from zadig_async.model.ids import TaskRef, WorkflowRef
from zadig_async.model.input import JobInput, RepoParam
from zadig_async.model.operation import Operation, OperationPage
from zadig_async.model.task import Task, TaskPage, TaskStatus
from zadig_async.model.ticket import Ticket
from zadig_async.model.view import View
from zadig_async.model.workflow import Registry, Workflow, WorkflowSummary
from zadig_async.wire import codec, detail, path, strict
from zadig_async.wire.call import MIB, Call, Lane, Reply
from zadig_async.wire.inputs import encode_parameters
from zadig_async.wire.reply import document, reader, success

T = TypeVar("T")

_WORKFLOWS: Final = path.Route("openapi/workflows")
_CUSTOM: Final = path.Route("openapi/workflows/custom")
_TASK: Final = path.Route("openapi/workflows/custom/task")
_VIEW: Final = path.Route("openapi/workflows/view")
_V4: Final = path.Route("api/aslan/workflow/v4")
_LIVE_LOG: Final = path.Route("openapi/logs/sse/v4/workflow")
_FULL_LOG: Final = path.Route("openapi/logs/log/v4/workflow")
_FULL_LOG_LABEL: Final = "/openapi/logs/log/v4/workflow/:workflow/:task/:job"

FULL_LOG_CAP: Final = 16 * MIB
"""Largest archived log read as one text, in bytes; larger ones are read as streams. The kubelet begins a
container's log anew at 10 MiB, by its own default, so few are larger."""


def _get(label: str, target: str, decode: Callable[[Reply], T], *, max_reply: int = 16 * MIB) -> Call[T]:
    return Call(
        label=f"GET {label}",
        method="GET",
        target=target,
        read=reader(f"GET {label}", decode, repeatable=True),
        repeatable=True,
        max_reply=max_reply,
    )


def _write(
    method: str, label: str, target: str, decode: Callable[[Reply], T], body: Mapping[str, Any] | None = None
) -> Call[T]:
    label = f"{method} {label}"
    return Call(
        label=label,
        method=method,
        target=target,
        read=reader(label, decode, repeatable=False),
        repeatable=False,
        lane=Lane.WRITE,
        body=None if body is None else strict.dump(body),
    )


def list_workflows(project: str, view: str | None = None) -> Call[tuple[WorkflowSummary, ...]]:
    """List a project's workflows. An unknown project is an empty list, an unknown view the whole list."""
    query = {"projectKey": path.key("project", project)}
    if view is not None:
        query["viewName"] = path.name("view", view)
    target = path.target(_WORKFLOWS, query=query)
    return _get(
        "/openapi/workflows", target, lambda r: codec.member(document(r), "workflows", WorkflowSummary)
    )


def get_workflow(ref: WorkflowRef) -> Call[Workflow]:
    """Read a workflow's definition."""
    target = path.target(
        _CUSTOM,
        path.key("workflow", ref.workflow),
        "detail",
        query={"projectKey": path.key("project", ref.project)},
    )

    def decode(reply: Reply) -> Workflow:
        workflow = codec.structure(document(reply), Workflow)
        if workflow.workflow_key != ref.workflow:
            raise DecodeError(
                "the answer is about another workflow", problems=["$.workflow_key: not the one asked for"]
            )
        return workflow

    return _get("/openapi/workflows/custom/:workflow/detail", target, decode)


def list_tasks(ref: WorkflowRef, number: int, size: int) -> Call[TaskPage]:
    """Read one page of a workflow's task list, newest first. Both numbers count from 1."""
    target = path.target(
        _CUSTOM,
        path.key("workflow", ref.workflow),
        "tasks",
        query={
            "projectKey": path.key("project", ref.project),
            "pageNum": path.number("page number", number, least=1),
            "pageSize": path.number("page size", size, least=1),
        },
    )
    return _get(
        "/openapi/workflows/custom/:workflow/tasks", target, lambda r: codec.structure(document(r), TaskPage)
    )


def _task_target(ref: TaskRef) -> str:
    query: dict[str, str | int | bool] = {
        "taskId": path.number("task id", ref.task_id, least=1),
        "workflowKey": path.key("workflow", ref.workflow),
    }
    return path.target(_TASK, query=query)


def _same_task(ref: TaskRef, task_id: int, workflow: str) -> None:
    """Refuse an answer about another task: a cache or proxy mixed something up."""
    if task_id != ref.task_id or workflow != ref.workflow:
        field = "task_id" if task_id != ref.task_id else "workflow_key"
        raise DecodeError("the answer is about another task", problems=[f"$.{field}: not the one asked for"])


def get_task(ref: TaskRef) -> Call[Task]:
    """Read a task in full."""
    return _task_call(ref)


def get_task_status(ref: TaskRef) -> Call[TaskStatus]:
    """Read of a task what a watch needs."""
    return _task_status_call(ref)


# Remembered, because a watch reads the same few tasks again and again.
@lru_cache(maxsize=4096)
def _task_call(ref: TaskRef) -> Call[Task]:
    def decode(reply: Reply) -> Task:
        task = detail.read_task(reply.body)
        _same_task(ref, task.task_id, task.workflow_key)
        return task

    return _get("/openapi/workflows/custom/task", _task_target(ref), decode)


@lru_cache(maxsize=4096)
def _task_status_call(ref: TaskRef) -> Call[TaskStatus]:
    def decode(reply: Reply) -> TaskStatus:
        seen = detail.read_status(reply.body)
        _same_task(ref, seen.task_id, seen.workflow_key)
        return seen

    return _get("/openapi/workflows/custom/task", _task_target(ref), decode)


def create_task(
    ref: WorkflowRef,
    params: Mapping[str, str | RepoParam],
    inputs: Mapping[str, JobInput],
    *,
    tag: str | None = None,
) -> Call[TaskRef]:
    """Trigger a workflow: only the jobs named in `inputs` run, gates included.

    `tag` stands under a key the server does not know: it is ignored, and kept with the whole body in the
    operation log (Zadig v4.1.0 workflow/handler/openapi.go:37).
    """
    body: dict[str, Any] = {
        "project_key": path.key("project", ref.project),
        "workflow_key": path.key("workflow", ref.workflow),
        "parameters": [_param(name, value) for name, value in params.items()],
        "inputs": [
            {"job_name": name, "job_type": given.job_type, "parameters": encode_parameters(given)}
            for name, given in inputs.items()
        ],
    }
    if tag is not None:
        body["x_zadig_async_run"] = tag

    def decode(reply: Reply) -> TaskRef:
        value = document(reply)
        task_id = value.get("task_id") if isinstance(value, dict) else None
        if type(task_id) is not int or task_id < 1:
            raise DecodeError("the answer names no task", problems=["$.task_id: not a whole number from 1"])
        return TaskRef(ref.project, ref.workflow, task_id)

    return _write("POST", "/openapi/workflows/custom/task", path.target(_TASK), decode, body)


def _param(name: str, value: str | RepoParam) -> dict[str, Any]:
    if isinstance(value, RepoParam):
        repo = {
            "codehost_name": value.codehost_name,
            "repo_namespace": value.repo_namespace,
            "repo_name": value.repo_name,
            "branch": value.branch,
            "prs": list(value.prs),
        }
        return {"name": name, "type": "repo", "repo": repo}
    return {"name": name, "type": "string", "value": value}


def cancel_task(ref: TaskRef) -> Call[None]:
    """Cancel a task. A task that failed is rewritten to cancelled; only a passed one is refused."""
    return _write("DELETE", "/openapi/workflows/custom/task", _task_target(ref), success)


def retry_task(ref: TaskRef) -> Call[None]:
    """Run a failed, timed-out, cancelled or rejected task again under the same number."""
    target = path.target(
        _CUSTOM,
        path.key("workflow", ref.workflow),
        "task",
        path.number("task id", ref.task_id, least=1),
        query={"projectKey": path.key("project", ref.project)},
    )
    return _write("POST", "/openapi/workflows/custom/:workflow/task/:task", target, success)


def remark_task(ref: TaskRef, remark: str) -> Call[None]:
    """Write a task's remark."""
    target = path.target(
        _CUSTOM, path.key("workflow", ref.workflow), "task", path.number("task id", ref.task_id, least=1)
    )
    return _write(
        "PUT", "/openapi/workflows/custom/:workflow/task/:task", target, success, {"remark": remark}
    )


def decide_gate(ref: TaskRef, gate: Gate, *, approve: bool, comment: str) -> Call[None]:
    """Approve or reject an open gate. `approve` is always sent: the server's default is to reject."""
    if not gate.passable:
        raise ConfigError(
            f"{ref}: the gate {gate.name!r} ({gate.kind}) cannot be decided through Zadig's API",
            hint="A person has to act where the gate lives.",
        )
    body = {
        "task_id": path.number("task id", ref.task_id, least=1),
        "workflow_key": path.key("workflow", ref.workflow),
        "stage_name": gate.approve_name,
        "approve": approve,
        "comment": comment,
    }
    return _write(
        "POST", "/openapi/workflows/custom/task/approve", path.target(_TASK, "approve"), success, body
    )


def create_workflow(definition: Mapping[str, Any], view: str | None = None) -> Call[None]:
    """Create a workflow from a full definition in the server's own format."""
    query = None if view is None else {"viewName": path.name("view", view)}
    _check_definition(definition)
    return _write("POST", "/api/aslan/workflow/v4", path.target(_V4, query=query), success, definition)


def update_workflow(workflow: str, definition: Mapping[str, Any]) -> Call[None]:
    """Replace a workflow's whole definition.

    The page's `projectName` query is left out on purpose: the handler never reads it, and it wakes a
    filter that may answer instead of running the request (Zadig v4.1.0
    pkg/middleware/gin/collaboration.go:28).
    """
    _check_definition(definition)
    target = path.target(_V4, path.key("workflow", workflow))
    return _write("PUT", "/api/aslan/workflow/v4/:workflow", target, success, definition)


def _check_definition(definition: Mapping[str, Any]) -> None:
    for field in ("name", "project"):
        if not isinstance(definition.get(field), str) or not definition[field]:
            raise ConfigError(f"workflow definition: {field!r} must be a string that is not empty")


def delete_workflow(ref: WorkflowRef) -> Call[None]:
    """Delete a workflow, its task list and its task counter."""
    query = {
        "workflowKey": path.key("workflow", ref.workflow),
        "projectKey": path.key("project", ref.project),
    }
    return _write("DELETE", "/openapi/workflows/custom", path.target(_CUSTOM, query=query), success)


def list_views(project: str) -> Call[tuple[View, ...]]:
    """List a project's views with their enabled workflows."""
    target = path.target(_VIEW, query={"projectKey": path.key("project", project)})
    return _get("/openapi/workflows/view", target, lambda r: codec.structure(document(r), tuple[View, ...]))


def create_view(project: str, view: str, workflows: Sequence[str]) -> Call[None]:
    """Create a view of these workflows."""
    if isinstance(workflows, str):
        raise ConfigError("view: expected a list of workflow keys, got str", hint='Write ["deploy-api"].')
    body = {
        "project_key": path.key("project", project),
        "name": path.name("view", view),
        "workflow_list": [
            {"workflow_key": path.key("workflow", w), "workflow_type": "custom"} for w in workflows
        ],
    }
    return _write("POST", "/openapi/workflows/view", path.target(_VIEW), success, body)


def update_view(project: str, view: str, enabled: Mapping[str, bool]) -> Call[None]:
    """Put workflows into a view or take them out; those not named stay as they are."""
    body = {
        "workflow_list": [
            {"workflow_key": path.key("workflow", w), "workflow_type": "custom", "enabled": _flag(w, on)}
            for w, on in enabled.items()
        ]
    }
    target = path.target(_VIEW, path.name("view", view), query={"projectKey": path.key("project", project)})
    return _write("PUT", "/openapi/workflows/view/:view", target, success, body)


def _flag(workflow: str, on: object) -> bool:
    if not isinstance(on, bool):
        raise ConfigError(f"view workflow {workflow!r}: expected true or false, got {type(on).__name__}")
    return on


def delete_view(project: str, view: str) -> Call[None]:
    """Delete a view; its workflows stay."""
    target = path.target(_VIEW, path.name("view", view), query={"projectKey": path.key("project", project)})
    return _write("DELETE", "/openapi/workflows/view/:view", target, success)


def create_ticket(ticket: Ticket) -> Call[None]:
    """Create a pre-approval ticket."""
    body = {
        "project_key": path.key("project", ticket.project_key),
        "approval_id": ticket.approval_id,
        "status": 1 if ticket.usable else 0,
        "envs": list(ticket.envs),
        "services": [
            {"service_name": s.service_name, "service_module": s.service_module} for s in ticket.services
        ],
        "users": [{"name": user.name, "email": user.email} for user in ticket.users],
        "execution_window_start": _second(ticket.window_start),
        "execution_window_end": _second(ticket.window_end),
    }
    return _write(
        "POST", "/openapi/ticket/approval", path.target(path.Route("openapi/ticket/approval")), success, body
    )


def _second(moment: datetime | None) -> int:
    return 0 if moment is None else int(moment.timestamp())


def follow_log(ref: TaskRef, job: str, tail: int) -> Call[None]:
    """Open a job's live log: an event stream that replays `tail` lines and never ends by itself."""
    target = path.target(
        _LIVE_LOG,
        path.key("workflow", ref.workflow),
        path.number("task id", ref.task_id, least=1),
        path.name("job", job),
        path.number("tail", tail),
    )
    label = "GET /openapi/logs/sse/v4/workflow/:workflow/:task/:job/:lines"
    return Call(
        label=label,
        method="GET",
        target=target,
        read=reader(label, lambda _: None, repeatable=True),
        repeatable=True,
        lane=Lane.STREAM,
        max_reply=MIB,
    )


def fetch_log(ref: TaskRef, job: str) -> Call[str]:
    """Read a job's archived log: empty where there is none, and until a few seconds after the job's end."""

    def decode(reply: Reply) -> str:
        _refuse_page(reply)
        return reply.body.decode("utf-8", errors="replace")

    return _get(_FULL_LOG_LABEL, _full_log_target(ref, job), decode, max_reply=FULL_LOG_CAP)


def stream_log_archive(ref: TaskRef, job: str) -> Call[None]:
    """Open a job's archived log to be read as it comes, whatever its size; empty where `fetch_log` is.

    Reading its head refuses what is no log.
    """
    label = f"GET {_FULL_LOG_LABEL}"
    return Call(
        label=label,
        method="GET",
        target=_full_log_target(ref, job),
        read=reader(label, _refuse_page, repeatable=True),
        repeatable=True,
        lane=Lane.STREAM,
        max_reply=MIB,
    )


def _full_log_target(ref: TaskRef, job: str) -> str:
    return path.target(
        _FULL_LOG,
        path.key("workflow", ref.workflow),
        path.number("task id", ref.task_id, least=1),
        path.name("job", job),
    )


def _refuse_page(reply: Reply) -> None:
    if "html" in reply.header("content-type").lower():
        raise DecodeError("the answer is an HTML page, not a log", problems=["$: an HTML page"])


def list_registries() -> Call[tuple[Registry, ...]]:
    """List the installation's image registries, by which build inputs name theirs."""
    target = path.target(path.Route("openapi/system/registry"))
    return _get(
        "/openapi/system/registry", target, lambda r: codec.structure(document(r), tuple[Registry, ...])
    )


def list_operations(username: str, number: int, size: int) -> Call[OperationPage]:
    """Read one page of what one user asked for, newest first. Both numbers count from 1."""
    target = path.target(
        path.Route("openapi/system/operation"),
        query={
            "searchType": "user",
            "username": _only(username),
            "perPage": path.number("page size", size, least=1),
            "page": path.number("page number", number, least=1),
        },
    )

    def decode(reply: Reply) -> OperationPage:
        value = document(reply)
        operations = codec.member(value, "operation_logs", Operation)
        total = value.get("total") if isinstance(value, dict) else None
        return OperationPage(total=codec.structure(total, int, at="$.total"), operations=operations)

    return _get("/openapi/system/operation", target, decode)


def _only(username: object) -> str:
    """Return the pattern that finds one user's name and no other.

    The server takes the name for a regular expression to be found anywhere, and one that is broken, such as
    a name with a bracket, ends in an empty 500 (Zadig v4.1.0 .../mongodb/operation_log.go:118).
    """
    if not isinstance(username, str):
        raise ConfigError(f"user: expected a display name, got {type(username).__name__}")
    if not username:
        raise ConfigError(
            "user: expected a display name, got an empty one", hint="Zadig would list everybody."
        )
    return f"^{re.escape(username)}$"
