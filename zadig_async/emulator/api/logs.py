"""The two logs of a job: the live stream and the archived whole."""

from zadig_async.emulator.api.params import go_int
from zadig_async.emulator.exchange import Response, http_error, plain_text
from zadig_async.emulator.live import LiveLog
from zadig_async.emulator.routing import Call, Route

__all__ = ["ROUTES"]

_DEFAULT_LINES = 10


def live_log(call: Call) -> Response | LiveLog:
    """`GET /openapi/logs/sse/v4/workflow/:workflowName/:taskID/:jobName/:lines`.

    Source: core/log/handler/sse.go:323.
    """
    task_id = go_int(call.params["taskID"])
    if task_id is None:
        return http_error(400, "invalid task id")
    lines = go_int(call.params["lines"])
    return LiveLog(
        workflow_key=call.params["workflowName"],
        task_id=task_id,
        job_name=call.params["jobName"],
        lines=_DEFAULT_LINES if lines is None else lines,
    )


def full_log(call: Call) -> Response:
    """`GET /openapi/logs/log/v4/workflow/:workflowName/:taskID/:jobName` (core/log/handler/log.go:125)."""
    task_id = go_int(call.params["taskID"])
    if task_id is None:
        return http_error(400, "invalid task id")
    return plain_text(
        call.world.archive.download(call.params["workflowName"], task_id, call.params["jobName"])
    )


ROUTES = [
    Route("GET", "/openapi/logs/sse/v4/workflow/:workflowName/:taskID/:jobName/:lines", live_log),
    Route("GET", "/openapi/logs/log/v4/workflow/:workflowName/:taskID/:jobName", full_log),
]
