"""Paths, methods, redirects, tokens, and the collaboration filter."""

import json

import pytest

from tests.emulator.worlds import Bench, world_of
from zadig_async.emulator.exchange import Request, Response
from zadig_async.emulator.script import Script

LIST = "/openapi/workflows?projectKey=p"


def bench() -> Bench:
    return Bench.of(world_of({"name": "a"}))


@pytest.mark.parametrize(
    ("header", "status"),
    [
        ("Bearer root", 200),
        ("Basic root", 200),  # the scheme word is not looked at
        (" root", 200),
        ("root", 401),
        ("Bearer  root", 401),
        ("Bearer root ", 401),
        ("Bearer nobody", 401),
        ("Bearer ", 401),
        ("", 401),
        (None, 401),
    ],
)
async def test_the_authorization_header(header: str | None, status: int) -> None:
    answer = await bench().send("GET", LIST, headers={} if header is None else {"authorization": header})
    assert answer.status == status
    if status == 401:
        assert (answer.body, answer.headers) == (b"", {"Content-Length": "0"})


@pytest.mark.parametrize(
    ("query", "header", "status"),
    [
        ("&token=root", None, 200),
        ("&token=root", "Bearer nobody", 200),
        ("&token=nobody", "Bearer root", 401),
        ("&token=", "Bearer root", 200),
    ],
)
async def test_a_token_in_the_query_wins(query: str, header: str | None, status: int) -> None:
    answer = await bench().send(
        "GET", LIST + query, headers={} if header is None else {"Authorization": header}
    )
    assert answer.status == status


async def test_authentication_comes_before_routing() -> None:
    assert (await bench().send("GET", "/nothing", headers={})).status == 401


@pytest.mark.parametrize(
    ("method", "target", "status", "body"),
    [
        ("GET", "/", 404, "Invalid path: /"),
        ("GET", "/openapi/workflow", 404, "Invalid path: /openapi/workflow"),
        ("GET", "/OpenAPI/workflows", 404, "Invalid path: /OpenAPI/workflows"),
        (
            "GET",
            "/openapi/workflows/custom/a%2Fb/detail?projectKey=p",
            404,
            "Invalid path: /openapi/workflows/custom/a/b/detail",
        ),
        ("POST", "/openapi/workflows", 405, "Method not allowed: POST /openapi/workflows"),
        ("GET", "/openapi/ticket/approval", 405, "Method not allowed: GET /openapi/ticket/approval"),
        (
            "PATCH",
            "/openapi/workflows/custom/w/task/1",
            405,
            "Method not allowed: PATCH /openapi/workflows/custom/w/task/1",
        ),
        ("DELETE", "/openapi/workflows/view/", 404, "Invalid path: /openapi/workflows/view/"),
        ("POST", "/openapi/workflows/custom", 405, "Method not allowed: POST /openapi/workflows/custom"),
    ],
)
async def test_lost_requests(method: str, target: str, status: int, body: str) -> None:
    answer = await bench().send(method, target)
    assert (answer.status, answer.headers["Content-Type"], answer.body.decode()) == (
        status,
        "text/plain; charset=utf-8",
        body,
    )


@pytest.mark.parametrize(
    ("method", "target", "status", "location"),
    [
        ("GET", "/openapi/workflows/?projectKey=p", 301, "/openapi/workflows?projectKey=p"),
        ("POST", "/openapi/workflows/custom/task/", 307, "/openapi/workflows/custom/task"),
        (
            "GET",
            "/openapi/workflows/custom/%E4%B8%AD/detail/",
            301,
            "/openapi/workflows/custom/%E4%B8%AD/detail",
        ),
    ],
)
async def test_a_trailing_slash_is_redirected(method: str, target: str, status: int, location: str) -> None:
    answer = await bench().send(method, target)
    assert (answer.status, answer.headers["Location"]) == (status, location)


async def test_names_may_be_percent_encoded_or_not() -> None:
    scenario = world_of({"name": "a"})
    scenario["projects"][0]["views"] = [{"name": "发 布"}]
    for target in (
        "/openapi/workflows/view/%E5%8F%91%20%E5%B8%83?projectKey=p",
        "/openapi/workflows/view/发 布?projectKey=p",
    ):
        assert (await Bench.of(scenario).send("DELETE", target)).status == 200


@pytest.mark.parametrize(
    ("pending", "query", "hijacked"),
    [
        (True, "&projectName=p", True),
        (True, "&projectName=p&ifPassFilter=true", False),
        (True, "&projectName=p&ifPassFilter=false", True),
        (True, "&projectName=", False),
        (False, "&projectName=p", False),
    ],
)
async def test_the_collaboration_filter(pending: bool, query: str, hijacked: bool) -> None:
    b = Bench.of(world_of({"name": "a"}, collaboration_pending=pending))
    value = await b.json("GET", LIST + query)
    assert (list(value) == ["code", "workflow", "product", "ifSync"]) is hijacked


async def test_it_swallows_writes_too() -> None:
    b = Bench.of(world_of({"name": "a"}, collaboration_pending=True))
    assert (
        await b.send("DELETE", "/openapi/workflows/custom?workflowKey=w&projectKey=p&projectName=p")
    ).status == 200
    assert "w" in b.world.workflows


@pytest.mark.parametrize("permissions", [["execute"], ["edit"], ["create"], ["admin"], []])
async def test_permissions(permissions: list[str]) -> None:
    """Which write needs which permission; reading, cancelling, retrying and approving need none."""
    scenario = world_of({"name": "a"})
    scenario["projects"][0]["views"] = [{"name": "v"}]
    scenario["users"].append({"name": "eve", "tokens": ["eve"], "projects": {"p": permissions}})
    document = {"name": "new", "display_name": "new", "project": "p", "concurrency_limit": -1}
    view = {"project_key": "p", "name": "n", "workflow_list": []}
    run = {"workflow_key": "w", "project_key": "p", "inputs": [{"job_name": "a"}]}
    ticket = {"approval_id": "1", "project_key": "p"}
    needs = [
        ("POST", "/openapi/workflows/custom/task", run, "execute"),
        ("POST", "/api/aslan/workflow/v4", document, "create"),
        ("PUT", "/api/aslan/workflow/v4/w", {**document, "name": "w"}, "edit"),
        ("DELETE", "/openapi/workflows/custom?workflowKey=w&projectKey=p", None, "edit"),
        ("POST", "/openapi/workflows/view", view, "admin"),
        ("PUT", "/openapi/workflows/view/v?projectKey=p", {}, "admin"),
        ("DELETE", "/openapi/workflows/view/v?projectKey=p", None, "admin"),
        ("GET", LIST, None, None),
        ("GET", "/openapi/workflows/view?projectKey=p", None, None),
        ("POST", "/openapi/ticket/approval", ticket, None),
    ]
    for method, target, body, need in needs:
        answer = await Bench.of(scenario).send(method, target, body, token="eve")
        allowed = need is None or need in permissions or "admin" in permissions
        assert answer.status == (200 if allowed else 403), (method, target, answer.body)
        if not allowed:
            assert answer.body == b""


async def test_anybody_may_cancel_and_retry() -> None:
    b = Bench.of(world_of({"name": "a"}))
    task = await b.run("w")
    assert (await b.cancel(task, token="bob")).status == 200
    answer = await b.send("POST", f"/openapi/workflows/custom/w/task/{task.id}", token="bob")
    assert answer.status == 200


async def test_headers_are_found_in_any_case() -> None:
    request = Request(method="GET", target="/", headers={"AUTHORIZATION": "x"})
    assert request.header("authorization") == "x"
    assert request.header("Accept") is None


async def test_repr_shows_no_body() -> None:
    assert "secret" not in repr(Request(method="GET", target="/", body=b"secret"))
    assert "secret" not in repr(Response(status=200, body=b"secret"))


async def test_error_descriptions_are_json_for_every_language_header() -> None:
    b = Bench.of(Script.default())
    headers = {"Authorization": f"Bearer {b.token}", "Accept-Language": "en"}
    answer = await b.send(
        "DELETE", "/openapi/workflows/custom/task?taskId=99&workflowKey=deploy-api", headers=headers
    )
    assert json.loads(answer.body)["message"] == "取消工作流任务失败"
