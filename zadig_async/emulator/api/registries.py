"""Image registries."""

from zadig_async.emulator.exchange import Response, json_body
from zadig_async.emulator.routing import Call, Route

__all__ = ["ROUTES"]


def list_registries(call: Call) -> Response:
    """`GET /openapi/system/registry`: a bare array, for any user (core/system/handler/openapi.go:88)."""
    return json_body(call.world.directory.registry_rows())


ROUTES: list[Route] = [Route("GET", "/openapi/system/registry", list_registries)]
