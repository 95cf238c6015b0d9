"""Views: named lists of workflows of a project."""

from zadig_async.emulator.exchange import (
    Response,
    coded_error,
    empty,
    http_error,
    json_body,
    plain_error,
    success,
)
from zadig_async.emulator.gostruct import GoTypeError, boolean, items, parse, struct, text
from zadig_async.emulator.render import view_row
from zadig_async.emulator.routing import Call, Route
from zadig_async.emulator.state import View, ViewEntry
from zadig_async.emulator.world import World

__all__ = ["ROUTES"]


def list_views(call: Call) -> Response:
    """`GET /openapi/workflows/view`: a bare array, by name descending (service/openapi.go:220)."""
    project = call.query.get("projectKey", "")
    if not project:
        return http_error(400, "projectKey is required")
    found = [view for view in call.world.views if view.project == project]
    found.sort(key=lambda view: view.name.encode(), reverse=True)
    return json_body([view_row(view) for view in found])


def _entries(call: Call) -> tuple[str, str, list[ViewEntry]] | None:
    try:
        body = struct(parse(call.request.body))
        entries = [
            ViewEntry(
                workflow_key=text(item, "workflow_key"),
                workflow_type=text(item, "workflow_type"),
                enabled=boolean(item, "enabled"),
            )
            for item in items(body, "workflow_list")
        ]
        return text(body, "project_key"), text(body, "name"), entries
    except GoTypeError:
        return None


def create_view(call: Call) -> Response:
    """`POST /openapi/workflows/view` (handler/openapi.go:62)."""
    read = _entries(call)
    if read is None:
        return empty(400)
    project, name, entries = read
    if not project:
        return http_error(400, "projectKey cannot be empty")
    if not name:
        return http_error(400, "view name cannot be empty")
    if any(item.workflow_type not in ("custom", "product") for item in entries):
        return http_error(400, "workflow type must be custom or product")
    world = call.world
    if not world.directory.may(call.user, "admin", project):
        return empty(403)
    if _find(world, project, name) is not None:
        return coded_error(6892, "mongo duplicate key error")
    for item in entries:
        item.enabled = True
    world.views.append(
        View(
            project=project,
            name=name,
            update_time=int(world.now),
            update_by=call.user.name,
            workflows=entries,
        )
    )
    world.ledger.resource_written(world.now, call.user.name, "view", "create", name)
    return success()


def _find(world: World, project: str, name: str) -> View | None:
    return next((view for view in world.views if view.project == project and view.name == name), None)


def update_view(call: Call) -> Response:
    """`PUT /openapi/workflows/view/:name`.

    Merges, never removes; `update_time` is lost (service/openapi.go:166).
    """
    project, name, world = call.query.get("projectKey", ""), call.params["name"], call.world
    if not project:
        return http_error(400, "projectKey is required")
    read = _entries(call)
    if read is None:
        return empty(400)
    call.note("(OpenAPI)更新", "工作流视图", name, project=project)
    if not world.directory.may(call.user, "admin", project):
        return empty(403)
    view = _find(world, project, name)
    if view is None:
        return plain_error(f"failed to find workflow view {name} for project {project}")
    given = {item.workflow_key: item for item in read[2]}
    if len(given) != len(read[2]):
        return plain_error("workflow name duplicated")
    for known in view.workflows:
        change = given.pop(known.workflow_key, None)
        if change is not None:
            known.enabled = change.enabled
    view.workflows += [item for item in given.values() if item.enabled]
    view.update_by, view.update_time = call.user.name, 0
    world.ledger.resource_written(world.now, call.user.name, "view", "update", name)
    return success()


def delete_view(call: Call) -> Response:
    """`DELETE /openapi/workflows/view/:name` (handler/openapi.go:170)."""
    project, name, world = call.query.get("projectKey", ""), call.params["name"], call.world
    if not project:
        return http_error(400, "projectKey is required")
    call.note("(OpenAPI)删除", "工作流视图", name, project=project)
    if not world.directory.may(call.user, "admin", project):
        return empty(403)
    view = _find(world, project, name)
    if view is None:
        return coded_error(6894, "find workflow view error: mongo: no documents in result")
    world.views.remove(view)
    world.ledger.resource_written(world.now, call.user.name, "view", "delete", name)
    return success()


ROUTES = [
    Route("GET", "/openapi/workflows/view", list_views),
    Route("POST", "/openapi/workflows/view", create_view),
    Route("PUT", "/openapi/workflows/view/:name", update_view),
    Route("DELETE", "/openapi/workflows/view/:name", delete_view),
]
