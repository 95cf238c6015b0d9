"""How each golden file comes to be: what happens in the world of `tests/golden/scenario.yaml` before it."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from tests.emulator.worlds import START, Bench
from zadig_async.emulator.exchange import Response
from zadig_async.emulator.script import Script
from zadig_async.emulator.state import Task

DIRECTORY = Path(__file__).parent.parent / "golden"

TASK = "/openapi/workflows/custom/task"
APPROVE = "/openapi/workflows/custom/task/approve"
VIEW = "/openapi/workflows/view"
GATE = "job-1-0-0-go-live"
APPROVER = "golden-approver"

Case = Callable[[Bench], Awaitable[Response]]


def bench() -> Bench:
    return Bench.of(Script.load(DIRECTORY / "scenario.yaml"), start=START)


def rollout(workflow: str = "mart-rollout", **changes: Any) -> dict[str, Any]:
    """The body that starts the rollout; the same as `execute-request.json`."""
    return {
        "workflow_key": workflow,
        "project_key": "mart",
        "parameters": [{"name": "RELEASE", "value": "2.4.1"}, {"name": "MODE", "value": "full"}],
        "inputs": [
            {
                "job_name": "build",
                "job_type": "zadig-build",
                "parameters": {
                    "registry": "https://hub.example.net/mart",
                    "service_list": [
                        {
                            "service_module": "core",
                            "service_name": "mart-api",
                            "repo_info": [
                                {
                                    "codehost_name": "gitea",
                                    "repo_namespace": "bazaar",
                                    "repo_name": "mart-api",
                                    "branch": "release/2.4.1",
                                }
                            ],
                            "inputs": [{"key": "RUST_VERSION", "value": "1.83"}],
                        }
                    ],
                },
            },
            {"job_name": "go-live", "job_type": "approval", "parameters": {}},
            {
                "job_name": "deploy",
                "job_type": "zadig-deploy",
                "parameters": {
                    "env_name": "live-bj",
                    "service_list": [
                        {
                            "service_module": "core",
                            "service_name": "mart-api",
                            "image_name": "hub.example.net/mart/mart-api:stable",
                        }
                    ],
                },
            },
        ],
        **changes,
    }


def simple(workflow: str, *jobs: str, **changes: Any) -> dict[str, Any]:
    inputs = [{"job_name": name, "parameters": {}} for name in jobs]
    return {"workflow_key": workflow, "project_key": "mart", "inputs": inputs, **changes}


async def start(b: Bench, body: dict[str, Any] | None = None) -> Task:
    created = await b.json("POST", TASK, rollout() if body is None else body)
    task = b.world.task(created["workflow_name"], created["task_id"])
    assert task is not None
    return task


def detail(workflow: str, task_id: int) -> str:
    return f"{TASK}?taskId={task_id}&workflowKey={workflow}"


async def shown(b: Bench, task: Task) -> Response:
    return await b.send("GET", detail(task.workflow.key, task.id))


async def waiting(b: Bench) -> Task:
    """A rollout that waits for approval."""
    task = await start(b)
    b.advance(150)
    return task


def get(target: str) -> Case:
    async def case(b: Bench) -> Response:
        return await b.send("GET", target)

    return case


def send(method: str, target: str, body: Any = None, token: str | None = None) -> Case:
    async def case(b: Bench) -> Response:
        return await b.send(method, target, body, token=token)

    return case


def after(seconds: float, body: dict[str, Any] | None = None) -> Case:
    async def case(b: Bench) -> Response:
        task = await start(b, body)
        b.advance(seconds)
        return await shown(b, task)

    return case


async def two_rollouts(b: Bench) -> Response:
    await start(b)
    b.advance(30)
    await start(b)
    return await b.send("GET", "/openapi/workflows/custom/mart-rollout/tasks?projectKey=mart")


async def passed(b: Bench) -> Response:
    task = await waiting(b)
    body = {"task_id": task.id, "workflow_key": "mart-rollout", "stage_name": GATE, "approve": True}
    await b.json("POST", APPROVE, {**body, "comment": "值班已确认 <ok>"}, token=APPROVER)
    b.advance(100)
    await b.json(
        "PUT", f"/openapi/workflows/custom/mart-rollout/task/{task.id}", {"remark": "train-7/wave-2"}
    )
    return await shown(b, task)


async def rejected(b: Bench) -> Response:
    task = await waiting(b)
    body = {"task_id": task.id, "workflow_key": "mart-rollout", "stage_name": GATE, "approve": False}
    await b.json("POST", APPROVE, {**body, "comment": "窗口已关闭"}, token="golden-second-approver")
    b.advance(10)
    return await shown(b, task)


async def cancelled(b: Bench) -> Response:
    task = await waiting(b)
    await b.json("DELETE", detail("mart-rollout", task.id), token=APPROVER)
    b.advance(10)
    return await shown(b, task)


async def cancelled_while_waiting(b: Bench) -> Response:
    await start(b)
    b.advance(20)
    task = await start(b)
    b.advance(20)
    await b.json("DELETE", detail("mart-rollout", task.id), token=APPROVER)
    b.advance(20)
    return await shown(b, task)


def vote(token: str, **changes: Any) -> Case:
    async def case(b: Bench) -> Response:
        task = await waiting(b)
        body = {
            "task_id": task.id,
            "workflow_key": "mart-rollout",
            "stage_name": GATE,
            "approve": True,
            **changes,
        }
        return await b.send("POST", APPROVE, body, token=token)

    return case


async def voted_twice(b: Bench) -> Response:
    await vote(APPROVER)(b)
    body = {"task_id": 41, "workflow_key": "mart-rollout", "stage_name": GATE, "approve": True}
    return await b.send("POST", APPROVE, body, token=APPROVER)


async def retried_while_running(b: Bench) -> Response:
    task = await start(b)
    b.advance(20)
    return await b.send("POST", f"/openapi/workflows/custom/mart-rollout/task/{task.id}")


async def unlicensed_ticket(_: Bench) -> Response:
    text = (DIRECTORY / "scenario.yaml").read_text(encoding="utf-8")
    other = Bench.of(Script.parse("professional: false\n" + text))
    return await other.send("POST", "/openapi/ticket/approval", TICKET)


async def full_log(b: Bench) -> Response:
    await start(b)
    b.advance(150)
    return await b.send("GET", "/openapi/logs/log/v4/workflow/mart-rollout/41/job-0-0-0-build")


async def live_log(b: Bench) -> Response:
    """The whole live log of the build, read while it runs; only its bytes are of interest."""
    task = await start(b)
    b.advance(100)
    stream = await b.stream("/openapi/logs/sse/v4/workflow/mart-rollout/41/job-0-0-0-build/0")
    assert stream.headers == {"Content-Type": "text/event-stream", "Cache-Control": "no-cache"}
    log = b.job(task, "build").log
    assert log is not None
    pieces = [await anext(stream.events) for _ in log.lines]
    rest = asyncio.ensure_future(anext(stream.events))
    await b.advance_slowly(5)
    pieces += [await rest, await anext(stream.events)]
    await stream.events.aclose()
    return Response(status=200, headers=stream.headers, body=b"".join(pieces))


async def operations(b: Bench) -> Response:
    """The operation log after everything that leaves an entry has been tried once."""
    await b.send("POST", TASK, VERBATIM)
    b.advance(1)
    await b.send("POST", TASK, simple("mart-off", "only"))
    b.advance(1)
    await b.send("POST", "/openapi/workflows/custom/mart-rollout/task/37")
    b.advance(1)
    await b.send("POST", TASK, VERBATIM, token="golden-visitor")
    b.advance(1)
    await b.send("DELETE", f"{VIEW}/nightly?projectKey=mart")
    b.advance(1)
    body = "name: mart-nothing\ndisplay_name: 无\nproject: mart\nconcurrency_limit: -1\n"
    await b.send("PUT", "/api/aslan/workflow/v4/mart-nothing", body.encode())
    target = "/openapi/system/operation?searchType=all&perPage=50&page=1"
    return await b.send("GET", target, token="golden-admin")


VERBATIM = (
    '{ "workflow_key": "mart-delicate", "project_key": "mart",\n'
    '  "inputs": [{"job_name": "pack", "parameters": {}}],\n'
    '  "note": "<构建> & \\"发布\\"", "x_zadig_async_run": "01JZ0GOLDEN" }\n'
).encode()
"""A trigger with keys the server does not know, and a spelling of its own."""

TICKET = {
    "approval_id": "OA-88231",
    "status": 1,
    "project_key": "mart",
    "envs": ["live-bj"],
    "services": [{"service_name": "mart-api", "service_module": "core"}],
    "users": [{"name": "周航", "email": "zhouhang@example.com"}],
    "execution_window_start": 1790000000,
    "execution_window_end": 1790007200,
}

NEW_WORKFLOW = {"name": "mart-rollout", "display_name": "另一个", "project": "mart", "concurrency_limit": -1}
NEW_VIEW = {
    "project_key": "mart",
    "name": "上线",
    "workflow_list": [{"workflow_key": "mart-rollout", "workflow_type": "custom"}],
}

PAUSED = rollout("mart-paused", inputs=[{"job_name": "pack", "parameters": {}}, rollout()["inputs"][2]])

BODIES: dict[str, Case] = {
    "workflow-list.json": get("/openapi/workflows?projectKey=mart&viewName="),
    "workflow-list-empty.json": get("/openapi/workflows?projectKey=nowhere"),
    "workflow-detail.json": get("/openapi/workflows/custom/mart-rollout/detail?projectKey=mart"),
    "task-list.json": two_rollouts,
    "task-list-empty.json": get("/openapi/workflows/custom/mart-rollout/tasks?projectKey=wrong"),
    "task-detail-created.json": after(0),
    "task-detail-prepare.json": after(5),
    "task-detail-running.json": after(40),
    "task-detail-waiting-approval.json": after(150),
    "task-detail-passed.json": passed,
    "task-detail-failed.json": after(150, rollout("mart-broken")),
    "task-detail-rejected.json": rejected,
    "task-detail-cancelled.json": cancelled,
    "task-detail-cancelled-while-waiting.json": cancelled_while_waiting,
    "task-detail-approval-timeout.json": after(3600),
    "task-detail-paused.json": after(60, PAUSED),
    "task-detail-manual-error-handling.json": after(60, simple("mart-delicate", "pack")),
    "task-detail-every-job.json": get(detail("mart-museum", 1)),
    "execute-response.json": send("POST", TASK, rollout()),
    "views-list.json": get(f"{VIEW}?projectKey=mart"),
    "operation-log.json": operations,
    "success-message.json": send("POST", "/openapi/ticket/approval", TICKET),
    "sse-stream.txt": live_log,
    "full-log.txt": full_log,
    "full-log-empty.txt": get("/openapi/logs/log/v4/workflow/mart-rollout/40/job-0-0-0-build"),
}
"""Golden files that hold a body and nothing else."""

EXCHANGES: dict[str, Case] = {
    "error-400-empty.json": get("/openapi/workflows/custom/mart-rollout/tasks?projectKey=mart&pageNum=x"),
    "error-400-projectkey.json": get("/openapi/workflows"),
    "error-401.json": send("GET", "/openapi/workflows?projectKey=mart", token="nobody"),
    "error-403.json": send("POST", TASK, rollout(), token="golden-visitor"),
    "error-404.json": get("/openapi/nothing/here"),
    "error-405.json": send("PATCH", "/openapi/workflows"),
    "error-approve-already.json": voted_twice,
    "error-approve-bad-json.json": send("POST", APPROVE, b"{"),
    "error-approve-empty-field.json": vote(APPROVER, stage_name=""),
    "error-approve-no-authority.json": vote("golden-visitor"),
    "error-approve-not-found.json": vote(APPROVER, stage_name="go-live"),
    "error-cancel-not-found.json": send("DELETE", detail("mart-rollout", 999)),
    "error-cancel-passed.json": send("DELETE", detail("mart-rollout", 40)),
    "error-create-duplicate.json": send("POST", "/api/aslan/workflow/v4", NEW_WORKFLOW),
    "error-delete-workflow-not-found.json": send(
        "DELETE", "/openapi/workflows/custom?workflowKey=nothing&projectKey=mart"
    ),
    "error-execute-disabled.json": send("POST", TASK, simple("mart-off", "only")),
    "error-execute-env.json": send(
        "POST", TASK, rollout(inputs=[{"job_name": "deploy", "parameters": {"env_name": ""}}])
    ),
    "error-execute-force-run.json": send("POST", TASK, rollout(inputs=rollout()["inputs"][:2])),
    "error-execute-no-stage.json": send("POST", TASK, rollout("mart-broken", inputs=[])),
    "error-execute-param.json": send("POST", TASK, rollout(parameters=[{"name": "NOBODY", "value": "1"}])),
    "error-execute-choice.json": send("POST", TASK, rollout(parameters=[{"name": "MODE", "value": "slow"}])),
    "error-execute-registry.json": send(
        "POST",
        TASK,
        rollout(inputs=[{"job_name": "build", "parameters": {"registry": "hub.example.net/mart"}}]),
    ),
    "error-execute-ticket.json": send("POST", TASK, simple("mart-ticketed", "only")),
    "error-execute-undefined-type.json": send("POST", TASK, simple("mart-distribution", "ship")),
    "error-execute-unknown-workflow.json": send("POST", TASK, simple("mart-nothing")),
    "error-log-bad-id.json": get("/openapi/logs/log/v4/workflow/mart-rollout/x/job-0-0-0-build"),
    "error-retry-bad-id.json": send("POST", "/openapi/workflows/custom/mart-rollout/task/x"),
    "error-retry-bad-state.json": retried_while_running,
    "error-retry-not-found.json": send("POST", "/openapi/workflows/custom/mart-rollout/task/999"),
    "error-task-not-found.json": get(detail("mart-rollout", 999)),
    "error-ticket-license.json": unlicensed_ticket,
    "error-view-delete-not-found.json": send("DELETE", f"{VIEW}/nothing?projectKey=mart"),
    "error-view-duplicate.json": send("POST", VIEW, NEW_VIEW),
    "redirect-301.json": get("/openapi/workflows/?projectKey=mart"),
    "redirect-307.json": send("POST", f"{TASK}/", rollout()),
}
"""Golden files that hold a whole exchange: `_meta`, `status`, `headers` and `body`."""

REQUESTS: dict[str, Any] = {"execute-request.json": rollout(), "ticket-request.json": TICKET}
"""Golden files that hold a request body the server accepts."""
