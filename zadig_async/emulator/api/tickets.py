"""Pre-approval tickets."""

from zadig_async.emulator.exchange import Response, coded_error, empty, http_error, success
from zadig_async.emulator.gostruct import GoTypeError, integer, items, parse, strings, struct, text
from zadig_async.emulator.routing import Call, Route
from zadig_async.emulator.state import Ticket

__all__ = ["ROUTES"]


def create_ticket(call: Call) -> Response:
    """`POST /openapi/ticket/approval`: answers neither id nor code (core/ticket/handler/openapi.go:31)."""
    world = call.world
    try:
        body = struct(parse(call.request.body))
        approval_id, project = text(body, "approval_id"), text(body, "project_key")
        strings(body, "envs")
        for service in items(body, "services"):
            text(service, "service_name"), text(service, "service_module")
        for user in items(body, "users"):
            text(user, "name"), text(user, "email")
        for number in ("status", "execution_window_start", "execution_window_end"):
            integer(body, number)
    except GoTypeError:
        return empty(400)
    if not approval_id:
        return http_error(400, "approval_id cannot be empty")
    if not project:
        return http_error(400, "project_key cannot be empty")
    if not world.script.professional:
        return coded_error(7050, "")
    if not world.directory.has_project(project):
        return coded_error(7100, "mongo: no documents in result")
    if approval_id in world.tickets:
        return coded_error(
            7100,
            "write exception: write errors: [E11000 duplicate key error collection: zadig.approval_ticket "
            f'index: approval_id_1 dup key: {{ approval_id: "{approval_id}" }}]',
        )
    world.tickets[approval_id] = Ticket(approval_id=approval_id, project=project, body=body)
    world.ledger.resource_written(world.now, call.user.name, "ticket", "create", approval_id)
    return success()


ROUTES = [Route("POST", "/openapi/ticket/approval", create_ticket)]
