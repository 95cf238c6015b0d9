"""Lists and details: parameters, paging, order, what is missing and what is echoed."""

import json
from typing import Any

import pytest

from tests.emulator.worlds import START, Bench, world_of

TASKS = "/openapi/workflows/custom/w/tasks?projectKey=p"


def scenario() -> dict[str, Any]:
    past = [{"id": number, "age": 1000 - number, "duration": 1} for number in range(1, 26)]
    result = world_of({"name": "a"}, tasks=past)
    project = result["projects"][0]
    project["workflows"] += [
        {"key": "legacy", "type": "product"},
        {"key": "off", "disabled": True, "stages": [{"name": "s", "jobs": [{"name": "a"}]}]},
    ]
    project["views"] = [
        {"name": "one", "workflows": ["w"], "disabled": ["off"]},
        {"name": "none", "disabled": ["w"]},
    ]
    return result


@pytest.mark.parametrize(
    ("query", "keys"),
    [
        ("projectKey=p", ["w", "off", "legacy"]),
        ("projectKey=p&viewName=one", ["w"]),
        ("projectKey=p&viewName=none", ["w", "off", "legacy"]),
        ("projectKey=p&viewName=unknown", ["w", "off", "legacy"]),
        ("projectKey=P", []),
        ("projectKey=p&projectKey=q", ["w", "off", "legacy"]),
    ],
)
async def test_workflow_list(query: str, keys: list[str]) -> None:
    value = await Bench.of(scenario()).json("GET", f"/openapi/workflows?{query}")
    assert [item["workflow_key"] for item in value["workflows"]] == keys
    assert list(value) == ["workflows"]


async def test_registries_give_the_string_that_a_build_wants() -> None:
    (row,) = await Bench.of(scenario()).json("GET", "/openapi/system/registry", token="bob")
    assert f"{row['address']}/{row['namespace']}" == "https://hub.test/p"


@pytest.mark.parametrize("query", ["", "?projectKey=", "?projectkey=p"])
async def test_workflow_list_needs_a_project(query: str) -> None:
    assert (await Bench.of(scenario()).send("GET", f"/openapi/workflows{query}")).status == 400


async def test_workflow_detail_echoes_the_project_it_was_asked_for() -> None:
    b = Bench.of(scenario())
    value = await b.json("GET", "/openapi/workflows/custom/w/detail?projectKey=wrong")
    assert (value["project_key"], value["updated_by"]) == ("wrong", "")
    assert value["stages"] == [
        {"name": "stage-0", "jobs": value["stages"][0]["jobs"]}  # no `parallel`, because it is false
    ]
    assert (await b.send("GET", "/openapi/workflows/custom/w/detail")).status == 400
    for key in ("unknown", "legacy"):
        answer = await b.send("GET", f"/openapi/workflows/custom/{key}/detail?projectKey=p")
        assert (answer.status, json.loads(answer.body)["message"]) == (500, "Internal Error: ")


@pytest.mark.parametrize(
    ("query", "ids"),
    [
        ("", range(25, 15, -1)),
        ("&pageNum=1&pageSize=3", [25, 24, 23]),
        ("&pageNum=3&pageSize=10", range(5, 0, -1)),
        ("&pageNum=4&pageSize=10", []),
        ("&pageNum=", range(1, 26)),
        ("&pageNum=0&pageSize=3", range(1, 26)),
        ("&pageNum=-1", range(1, 26)),
        ("&pageSize=0", range(25, 0, -1)),
        ("&pageSize=", range(25, 0, -1)),
        ("&pageSize=1000", range(25, 0, -1)),
        ("&pagenum=2&unknown=x", range(25, 15, -1)),
    ],
)
async def test_task_list_pages(query: str, ids: Any) -> None:
    value = await Bench.of(scenario()).json("GET", TASKS + query)
    assert [item["task_id"] for item in value["workflow_tasks"]] == list(ids)
    assert value["total"] == 25


@pytest.mark.parametrize(
    "query", ["&pageNum=x", "&pageSize=1.5", "&pageNum=99999999999999999999", "&pageSize=%20"]
)
async def test_task_list_numbers_that_are_none(query: str) -> None:
    answer = await Bench.of(scenario()).send("GET", TASKS + query)
    assert (answer.status, answer.body, "Content-Type" in answer.headers) == (400, b"", False)


@pytest.mark.parametrize(
    "target",
    [
        "/openapi/workflows/custom/w/tasks",
        "/openapi/workflows/custom/w/tasks?projectKey=q",
        "/openapi/workflows/custom/unknown/tasks?projectKey=p",
    ],
)
async def test_task_list_is_empty_rather_than_wrong(target: str) -> None:
    answer = await Bench.of(scenario()).send("GET", target)
    assert answer.body == b'{"total":0,"workflow_tasks":[]}'


async def test_a_retried_task_does_not_move_to_the_front() -> None:
    b = Bench.of(world_of({"name": "a", "outcome": ["failed", "passed"]}))
    first = await b.run("w")
    b.advance(30)
    await b.run("w")
    await b.retry(first)
    value = await b.json("GET", TASKS)
    assert [(item["task_id"], item["create_time"]) for item in value["workflow_tasks"]] == [
        (2, int(START) + 30),
        (1, int(START)),
    ]
    assert value["workflow_tasks"][1]["start_time"] == int(START) + 30


@pytest.mark.parametrize(
    ("query", "status", "body"),
    [
        ("taskId=x&workflowKey=w", 400, b""),
        ("workflowKey=w", 500, None),
        ("taskId=1", 500, None),
        ("taskId=&workflowKey=w", 500, None),
        ("", 500, None),
        ("taskId=1&workflowKey=w", 200, None),
        ("taskId=%2B1&workflowKey=w", 200, None),
    ],
)
async def test_task_detail_parameters(query: str, status: int, body: bytes | None) -> None:
    answer = await Bench.of(scenario()).send("GET", f"/openapi/workflows/custom/task?{query}")
    assert answer.status == status
    if status == 500:
        assert json.loads(answer.body) == {
            "message": "Internal Error: ",
            "code": 500,
            "description": "mongo: no documents in result",
        }
    elif body is not None:
        assert answer.body == body


async def test_cost_grows_while_a_job_runs() -> None:
    b = Bench.of(world_of({"name": "a", "prepare": 0, "duration": 20}))
    await b.run("w")
    costs = []
    for _ in range(4):
        b.advance(8)
        value = await b.json("GET", "/openapi/workflows/custom/task?taskId=1&workflowKey=w")
        costs.append(value["stages"][0]["jobs"][0]["cost_seconds"])
    assert costs == [5, 13, 20, 20]


async def test_a_helm_deploy_is_shown_as_a_deploy() -> None:
    spec = {"deploy_type": "helm"}
    b = Bench.of(world_of({"name": "d", "type": "zadig-deploy", "env": "x", "services": ["s"], "spec": spec}))
    service = {"service_name": "s", "service_module": "s"}
    body = {"env_name": "x", "service_list": [service]}
    await b.json(
        "POST",
        "/openapi/workflows/custom/task",
        {"workflow_key": "w", "project_key": "p", "inputs": [{"job_name": "d", "parameters": body}]},
    )
    value = await b.json("GET", "/openapi/workflows/custom/task?taskId=1&workflowKey=w")
    job = value["stages"][0]["jobs"][0]
    assert (job["type"], job["spec"]["service_type"]) == ("zadig-deploy", "helm")
