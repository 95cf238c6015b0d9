"""Tasks: list, detail, execute, cancel, retry, approve, remark, and the two ways to unblock a waiting one."""

from zadig_async.emulator.api.params import bound_int, go_int
from zadig_async.emulator.exchange import (
    Response,
    coded_error,
    empty,
    http_error,
    json_body,
    json_bytes,
    plain_error,
    success,
)
from zadig_async.emulator.gostruct import GoTypeError, boolean, integer, items, parse, struct, text
from zadig_async.emulator.inputs import HandlerPanic, InputError
from zadig_async.emulator.render import task_detail, task_list
from zadig_async.emulator.routing import Call, Route
from zadig_async.emulator.state import Task
from zadig_async.emulator.world import Refusal

__all__ = ["ROUTES"]


def _refused(refusal: Refusal) -> Response:
    if refusal.code is None:
        return plain_error(refusal.description)
    return coded_error(refusal.code, refusal.description)


def list_tasks(call: Call) -> Response:
    """`GET /openapi/workflows/custom/:name/tasks`.

    Source: handler/openapi.go:382, mongodb/workflow_task_v4.go:422.
    """
    number = bound_int(call.query.get("pageNum"), 1)
    size = bound_int(call.query.get("pageSize"), 10)
    if number is None or size is None:
        return empty(400)
    project = call.query.get("projectKey", "")
    total, tasks = call.world.listing.page(project, call.params["name"], number, size, call.world.now)
    return json_bytes(task_list(total, tasks, project))


def get_task(call: Call) -> Response:
    """`GET /openapi/workflows/custom/task` (handler/openapi.go:210)."""
    task_id = bound_int(call.query.get("taskId"), 0)
    if task_id is None:
        return empty(400)
    task = call.world.task(call.query.get("workflowKey", ""), task_id)
    if task is None:
        return plain_error("mongo: no documents in result")
    return json_body(task_detail(task, call.world.now))


def execute(call: Call) -> Response:
    """`POST /openapi/workflows/custom/task` (handler/openapi.go:21, service/openapi.go:40)."""
    try:
        body = struct(parse(call.request.body), "workflow.OpenAPICreateCustomWorkflowTaskArgs")
        workflow_key, project_key = text(body, "workflow_key"), text(body, "project_key")
        parameters, inputs = items(body, "parameters"), items(body, "inputs")
        for item in parameters:
            text(item, "value")
        for item in inputs:
            text(item, "job_name")
    except GoTypeError as failure:
        return http_error(400, str(failure))
    call.note("新建", "工作流任务", workflow_key, project=project_key, body=call.request.text)
    if not call.world.directory.may(call.user, "execute", project_key):
        return empty(403)
    try:
        task = call.world.execute(workflow_key, parameters, inputs, call.user, queued=not call.queue_fails)
    except Refusal as refusal:
        return _refused(refusal)
    except InputError as failure:
        return plain_error(str(failure))
    except HandlerPanic:
        return empty(500)
    return json_body(
        {"project_name": task.workflow.project, "workflow_name": task.workflow.key, "task_id": task.id}
    )


def cancel(call: Call) -> Response:
    """`DELETE /openapi/workflows/custom/task` (handler/openapi.go:228)."""
    task_id = bound_int(call.query.get("taskId"), 0)
    if task_id is None:
        return empty(400)
    try:
        call.world.cancel(call.query.get("workflowKey", ""), task_id, call.user.name)
    except Refusal as refusal:
        return _refused(refusal)
    return success()


def retry(call: Call) -> Response:
    """`POST /openapi/workflows/custom/:name/task/:taskID` (handler/openapi.go:312)."""
    task_id = go_int(call.params["taskID"])
    if task_id is None:
        return http_error(400, "taksID is invalid")
    name, project = call.params["name"], call.query.get("projectKey", "")
    call.note("OpenAPI重试", "工作流任务", name, project=project, body=str(task_id))
    try:
        call.world.retry(name, task_id, call.user.name)
    except Refusal as refusal:
        return _refused(refusal)
    return success()


def approve(call: Call) -> Response:
    """`POST /openapi/workflows/custom/task/approve`.

    `stage_name` is the job's task name (handler/openapi.go:402).
    """
    try:
        body = struct(parse(call.request.body), "workflow.OpenAPIApproveRequest")
        task_id, agree = integer(body, "task_id"), boolean(body, "approve")
        workflow_key, job_name, comment = (
            text(body, "workflow_key"),
            text(body, "stage_name"),
            text(body, "comment"),
        )
    except GoTypeError as failure:
        return plain_error(f"failed to unmarshal request data, error: {failure}")
    try:
        call.world.approve(workflow_key, job_name, task_id, call.user, approve=agree, comment=comment)
    except Refusal as refusal:
        return _refused(refusal)
    return success()


def set_remark(call: Call) -> Response:
    """`PUT /openapi/workflows/custom/:name/task/:taskID` (handler/openapi.go:326)."""
    task_id = go_int(call.params["taskID"])
    if task_id is None:
        return http_error(400, "invalid task id")
    try:
        remark = text(struct(parse(call.request.body)), "remark")
    except GoTypeError:
        return empty(400)
    workflow = call.world.workflows.get(call.params["name"])
    if workflow is None:
        return coded_error(6542, "mongo: no documents in result")
    call.note("OpenAPI更新", "工作流任务", workflow.key, project=workflow.project, body=call.request.text)
    if not call.world.directory.may(call.user, "execute", workflow.project):
        return empty(403)
    try:
        call.world.remark(workflow.key, task_id, remark, call.user.name)
    except Refusal as refusal:
        return _refused(refusal)
    return success()


def release_stage(call: Call) -> Response:
    """`POST …/manualexec/workflow/:workflowName/task/:taskID?stageName=` (workflow_task_v4.go:839)."""
    name, project = call.params["workflowName"], call.query.get("projectName", "")
    if go_int(call.params["taskID"]) is not None:
        call.note("手动执行", "工作流任务", name, project=project, body=call.request.text)
    return _release(call, name, call.query.get("stageName", ""))


def release_stage_openapi(call: Call) -> Response:
    """`POST /openapi/workflows/custom/:name/task/:taskID/manual-exec`, Zadig v5.0.0 and later."""
    try:
        stage = text(struct(parse(call.request.body)), "stage_name")
    except GoTypeError as failure:
        return http_error(400, str(failure))
    return _release(call, call.params["name"], stage, openapi=True)


def _release(call: Call, workflow_key: str, stage: str, *, openapi: bool = False) -> Response:
    task_id = go_int(call.params["taskID"])
    if task_id is None:
        return http_error(400, "invalid task id")
    workflow = call.world.workflows.get(workflow_key)
    project = workflow.project if workflow is not None else ""
    if not call.world.directory.may(call.user, "execute", project):
        return empty(403)
    if openapi:
        asked = call.query.get("projectKey", "")
        call.note("OpenAPI手动执行", "工作流任务", workflow_key, project=asked, body=call.request.text)
    try:
        call.world.release_stage(workflow_key, task_id, stage, call.user)
    except Refusal as refusal:
        return _refused(refusal)
    return success()


def describe_manual_exec(call: Call) -> Response:
    """`GET /openapi/workflows/custom/:name/task/:taskID/manual-exec`, Zadig v5.0.0 and later."""
    task_id = go_int(call.params["taskID"])
    if task_id is None:
        return http_error(400, "invalid task id")
    task: Task | None = call.world.task(call.params["name"], task_id)
    if task is None:
        return plain_error("mongo: no documents in result")
    paused = next((stage for stage in task.stages if stage.status == "pause"), None)
    executors = (paused.manual_exec or {}).get("manual_exec_users", []) if paused is not None else []
    can = task.status == "pause" and (
        call.user.admin or not executors or any(item.get("user_id") == call.user.uid for item in executors)
    )
    return json_body(
        {
            "project_key": task.workflow.project,
            "workflow_key": task.workflow.key,
            "task_id": task.id,
            "status": task.status,
            "stage_name": paused.name if paused is not None else "",
            "can_execute": can,
            "executors": executors,
        }
    )


def answer_error(call: Call) -> Response:
    """`POST …/workflowtask/handle/error` (workflow_task_v4.go:2000)."""
    try:
        body = struct(parse(call.request.body))
        task_id, decision = integer(body, "task_id"), text(body, "decision")
        workflow_key, job_name = text(body, "workflow_name"), text(body, "job_name")
    except GoTypeError as failure:
        return http_error(400, str(failure))
    if decision not in ("ignore", "reject"):
        return coded_error(6169, f"invalid decision {decision}")
    try:
        call.world.answer_error(workflow_key, task_id, job_name, call.user, ignore=decision == "ignore")
    except Refusal as refusal:
        return _refused(refusal)
    return success()


_INTERNAL = "/api/aslan/workflow/v4/workflowtask"
ROUTES = [
    Route("GET", "/openapi/workflows/custom/:name/tasks", list_tasks),
    Route("GET", "/openapi/workflows/custom/task", get_task),
    Route("POST", "/openapi/workflows/custom/task", execute),
    Route("DELETE", "/openapi/workflows/custom/task", cancel),
    Route("POST", "/openapi/workflows/custom/task/approve", approve),
    Route("POST", "/openapi/workflows/custom/:name/task/:taskID", retry),
    Route("PUT", "/openapi/workflows/custom/:name/task/:taskID", set_remark),
    Route("POST", f"{_INTERNAL}/manualexec/workflow/:workflowName/task/:taskID", release_stage),
    Route("POST", f"{_INTERNAL}/handle/error", answer_error),
    Route(
        "GET",
        "/openapi/workflows/custom/:name/task/:taskID/manual-exec",
        describe_manual_exec,
        since=(5, 0, 0),
    ),
    Route(
        "POST",
        "/openapi/workflows/custom/:name/task/:taskID/manual-exec",
        release_stage_openapi,
        since=(5, 0, 0),
    ),
]
