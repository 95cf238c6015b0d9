"""Workflows: list, detail, create, update, delete, and the definition as YAML."""

from zadig_async.emulator.definitions import DefinitionError, from_document, to_document
from zadig_async.emulator.exchange import (
    Response,
    coded_error,
    empty,
    http_error,
    json_body,
    plain_error,
    success,
)
from zadig_async.emulator.goyaml import YamlError, parse_yaml, write_yaml
from zadig_async.emulator.render import workflow_detail, workflow_row
from zadig_async.emulator.routing import Call, Route
from zadig_async.emulator.state import WorkflowDef
from zadig_async.emulator.world import LICENCE_TEXT, Refusal, World, needs_licence

__all__ = ["ROUTES"]


def list_workflows(call: Call) -> Response:
    """`GET /openapi/workflows` (handler/openapi.go:294, service/openapi.go:429)."""
    project = call.query.get("projectKey", "")
    if not project:
        return http_error(400, "projectKey is required")
    found = [item for item in call.world.workflows.values() if item.project == project]
    wanted = _in_view(call.world, project, call.query.get("viewName", ""))
    if wanted:
        found = [item for item in found if item.key in wanted]
    found.sort(key=lambda item: item.type == "product")
    return json_body({"workflows": [workflow_row(item) for item in found]})


def _in_view(world: World, project: str, name: str) -> set[str]:
    for view in world.views:
        if name and view.project == project and view.name == name:
            return {item.workflow_key for item in view.workflows if item.enabled}
    return set()


def _custom(world: World, key: str) -> WorkflowDef | None:
    workflow = world.workflows.get(key)
    return workflow if workflow is not None and workflow.type == "custom" else None


def get_workflow(call: Call) -> Response:
    """`GET /openapi/workflows/custom/:name/detail` (handler/openapi.go:276)."""
    project = call.query.get("projectKey", "")
    if not project:
        return http_error(400, "projectKey is required")
    workflow = _custom(call.world, call.params["name"])
    if workflow is None:
        return plain_error("mongo: no documents in result")
    return json_body(workflow_detail(workflow, project))


def delete_workflow(call: Call) -> Response:
    """`DELETE /openapi/workflows/custom` (handler/openapi.go:241)."""
    key = call.query.get("workflowKey", "")
    if not key:
        return http_error(400, "workflowKey is required")
    project = call.query.get("projectKey", "")
    call.note("(OpenAPI)删除", "工作流", key, project=project)
    if not call.world.directory.may(call.user, "edit", project):
        return empty(403)
    try:
        call.world.delete_workflow(key, call.user.name)
    except Refusal as refusal:
        return coded_error(refusal.code or 6543, refusal.description)
    return success()


def _read(call: Call, method: str) -> WorkflowDef | Response:
    try:
        document = parse_yaml(call.request.body)
    except YamlError as failure:
        return http_error(400, str(failure))
    fields = document if isinstance(document, dict) else {}
    key, project = str(fields.get("name") or ""), str(fields.get("project") or "")
    workflow: WorkflowDef | Response
    try:
        workflow = from_document(document, call.world.directory, call.world.behaviour(key))
    except DefinitionError as failure:
        # what does not even fit the struct is a bad request; everything else is the lint
        text = str(failure)
        if text.startswith("yaml:"):
            return http_error(400, text)
        workflow = coded_error(6545, text)
    call.note(method, "工作流", key, project=project, body=call.request.text, body_type="yaml")
    return workflow


def _licence(call: Call, workflow: WorkflowDef) -> Response | None:
    if call.world.script.professional or not needs_licence(workflow):
        return None
    if any(job.type == "approval" for stage in workflow.stages for job in stage.jobs):
        return coded_error(6545, f"{LICENCE_TEXT}: ")
    return coded_error(7050, "")


def _same_display_name(world: World, workflow: WorkflowDef) -> bool:
    return any(
        other.project == workflow.project and other.name == workflow.name and other.key != workflow.key
        for other in world.workflows.values()
    )


def create_workflow(call: Call) -> Response:
    """`POST /api/aslan/workflow/v4` with a YAML (or JSON) body (handler/workflow_v4.go:85)."""
    workflow = _read(call, "新增")
    if isinstance(workflow, Response):
        return workflow
    world = call.world
    if not world.directory.may(call.user, "create", workflow.project):
        return empty(403)
    refused = _licence(call, workflow)
    if refused is not None:
        return refused
    existing = world.workflows.get(workflow.key)
    if existing is not None:
        return coded_error(6540, f"与项目 [{existing.project}] 中的工作流 [{existing.name}] 标识相同")
    if _same_display_name(world, workflow):
        return coded_error(6540, f"当前项目已存在工作流 [{workflow.name}]")
    workflow.created_by = workflow.updated_by = call.user.name
    workflow.create_time = workflow.update_time = int(world.now)
    world.store_workflow(workflow, None, call.user.name)
    return success()


def update_workflow(call: Call) -> Response:
    """`PUT /api/aslan/workflow/v4/:name`.

    Replaces everything, the name included (handler/workflow_v4.go:444).
    """
    workflow = _read(call, "更新")
    if isinstance(workflow, Response):
        return workflow
    world = call.world
    if not world.directory.may(call.user, "edit", workflow.project):
        return empty(403)
    stored = world.workflows.get(call.params["name"])
    if stored is None:
        return coded_error(6542, "mongo: no documents in result")
    refused = _licence(call, workflow)
    if refused is not None:
        return refused
    others = [
        item for item in world.workflows.values() if item is not stored and item.project == workflow.project
    ]
    if any(item.name == workflow.name for item in others):
        return coded_error(6540, f"当前项目已存在工作流 [{workflow.name}]")
    workflow.updated_by = call.user.name
    workflow.update_time = int(world.now)
    workflow.survives_cancel = stored.survives_cancel
    world.store_workflow(workflow, stored.key, call.user.name)
    return success()


def get_definition(call: Call) -> Response:
    """`GET /api/aslan/workflow/v4/name/:name`: the whole definition as YAML (handler/workflow_v4.go:521)."""
    workflow = _custom(call.world, call.params["name"])
    if workflow is None:
        return coded_error(6542, "mongo: no documents in result")
    body = write_yaml(to_document(workflow)).encode()
    headers = {"Content-Type": "application/x-yaml; charset=utf-8", "Content-Length": str(len(body))}
    return Response(status=200, headers=headers, body=body)


ROUTES = [
    Route("GET", "/openapi/workflows", list_workflows),
    Route("GET", "/openapi/workflows/custom/:name/detail", get_workflow),
    Route("DELETE", "/openapi/workflows/custom", delete_workflow),
    Route("POST", "/api/aslan/workflow/v4", create_workflow),
    Route("PUT", "/api/aslan/workflow/v4/:name", update_workflow),
    Route("GET", "/api/aslan/workflow/v4/name/:name", get_definition),
    Route("POST", "/openapi/workflows/custom", create_workflow, since=(5, 0, 0)),
    Route("PUT", "/openapi/workflows/custom/:name", update_workflow, since=(5, 0, 0)),
]
