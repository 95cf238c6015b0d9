"""The operation log, for system administrators."""

import re

from zadig_async.emulator.api.params import atoi
from zadig_async.emulator.exchange import Response, coded_error, empty, json_body
from zadig_async.emulator.operations import Operation, Wanted
from zadig_async.emulator.routing import Call, Route
from zadig_async.emulator.shapes import Json

__all__ = ["ROUTES"]

_REFUSED = 6652


def list_operations(call: Call) -> Response:
    """`GET /openapi/system/operation` (core/system/handler/openapi.go:462)."""
    if not call.user.admin:
        return empty(403)
    query = call.query
    search, wanted = query.get("searchType", ""), Wanted()
    try:
        size, number = atoi(query.get("perPage", "")), atoi(query.get("page", ""))
        match search:
            case "all":
                pass
            case "user":
                wanted = Wanted(username=query.get("username", ""))
            case "project":
                wanted = Wanted(project=query.get("projectKey", ""))
            case "function":
                wanted = Wanted(function=query.get("function", ""))
            case "status":
                wanted = Wanted(status=atoi(query.get("status", "")))
            case _:
                return coded_error(_REFUSED, f"invalid search type: {search}")
    except ValueError as failure:
        return coded_error(_REFUSED, str(failure))
    try:
        total, found = call.world.operations.page(number or 1, size or 50, wanted)
    except re.error:
        return empty(500)  # the handler goes on with a nil result when the database refuses, and panics
    return json_body({"operation_logs": [_row(entry) for entry in found], "total": total})


def _row(entry: Operation) -> Json:
    return {
        "username": entry.username,
        "project_key": entry.project,
        "method": entry.method,
        "function": entry.function,
        "scene": "",
        "targets": [],
        "detail": entry.detail,
        "request_body": entry.body,
        "body_type": entry.body_type,
        "status": entry.status,
        "created_at": entry.created,
    }


ROUTES: list[Route] = [Route("GET", "/openapi/system/operation", list_operations)]
