"""Create, update and delete workflows; views; tickets."""

import json
from typing import Any

import pytest
from ruamel.yaml import YAML

from tests.emulator.worlds import START, Bench, world_of

CREATE = "/api/aslan/workflow/v4"
VIEW = "/openapi/workflows/view"


def document(**changes: Any) -> dict[str, Any]:
    return {
        "name": "fresh",
        "display_name": "新的",
        "project": "p",
        "concurrency_limit": -1,
        "stages": [{"name": "s", "jobs": [{"name": "a", "type": "freestyle", "spec": {"envs": []}}]}],
        **changes,
    }


def bench(**server: Any) -> Bench:
    scenario = world_of({"name": "a"}, **server)
    scenario["projects"][0]["workflows"].append({"key": "taken", "name": "占用"})
    scenario["projects"][0]["views"] = [{"name": "b", "workflows": ["w"]}, {"name": "版"}, {"name": "a"}]
    return Bench.of(scenario)


def told(answer: Any) -> tuple[int, int, str]:
    value = json.loads(answer.body)
    return answer.status, value["code"], value["description"]


async def test_a_created_workflow_runs() -> None:
    b = bench()
    body = json.dumps(document(), ensure_ascii=False).encode()
    assert (await b.send("POST", CREATE, body)).body == b'{"message":"success"}'
    stored = await b.json("GET", "/openapi/workflows/custom/fresh/detail?projectKey=p")
    assert (stored["workflow_name"], stored["created_by"], stored["create_time"]) == (
        "新的",
        "root",
        int(START),
    )
    task = await b.run("fresh")
    b.advance(30)
    assert task.status == "passed"


async def test_yaml_bodies_and_unknown_fields_are_fine() -> None:
    b = bench()
    text = "name: fresh\ndisplay_name: fresh\nproject: p\ndebug: true\nremark: dropped\nmystery: [1]\n"
    assert (await b.send("POST", CREATE, text.encode())).status == 200
    assert b.world.workflows["fresh"].concurrency_limit == 0  # the trap: it will never start


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"name": "under_score"}, (400, 6545, "工作流标识支持大小写字母、数字和中划线")),
        ({"name": ""}, (400, 6545, "工作流标识支持大小写字母、数字和中划线")),
        ({"project": ""}, (400, 6545, "project should not be empty")),
        ({"project": "nowhere"}, (400, 6545, None)),
        ({"stages": [{"name": "x"}, {"name": "x"}]}, (400, 6545, "duplicated stage name: x")),
        ({"stages": [{"name": "x", "jobs": [{"name": "A"}]}]}, (400, 6545, None)),
        ({"stages": [{"name": "x", "jobs": [{"name": "a" * 33}]}]}, (400, 6545, None)),
        (
            {"stages": [{"name": "x", "jobs": [{"name": "a"}, {"name": "a"}]}]},
            (400, 6545, "duplicated job name: a"),
        ),
        ({"stages": {}}, (400, 400, None)),
        ({"concurrency_limit": "many"}, (400, 400, None)),
        ({"name": "taken"}, (400, 6540, "与项目 [p] 中的工作流 [占用] 标识相同")),
        ({"display_name": "占用"}, (400, 6540, "当前项目已存在工作流 [占用]")),
    ],
)
async def test_what_create_refuses(changes: dict[str, Any], expected: tuple[int, int, str | None]) -> None:
    b = bench()
    before = set(b.world.workflows)
    status, code, description = told(await b.send("POST", CREATE, document(**changes)))
    assert (status, code) == expected[:2]
    assert expected[2] in (None, description)
    assert set(b.world.workflows) == before


@pytest.mark.parametrize("body", [b"a: [", b"\xff", b'{"name":"\\ud83d\\ude00"}', b"- 1", b""])
async def test_bodies_that_are_no_definition(body: bytes) -> None:
    answer = await bench().send("POST", CREATE, body)
    assert (answer.status, json.loads(answer.body)["message"]) == (400, "Bad Request")


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"concurrency_limit": 5}, 7050),
        ({"stages": [{"name": "s", "jobs": [{"name": "a", "type": "approval"}]}]}, 6545),
        ({"stages": [{"name": "s", "manual_exec": {"enabled": True}}]}, 7050),
        ({"concurrency_limit": 1}, None),
    ],
)
async def test_what_needs_a_licence(changes: dict[str, Any], code: int | None) -> None:
    answer = await bench(professional=False).send("POST", CREATE, document(**changes))
    assert (200 if code is None else code) == (answer.status if code is None else told(answer)[1])
    assert (await bench().send("POST", CREATE, document(**changes))).status == 200


async def test_an_update_replaces_everything_and_may_rename() -> None:
    b = bench()
    answer = await b.send("PUT", f"{CREATE}/w", document(name="renamed"))
    assert answer.status == 200
    assert "w" not in b.world.workflows
    stored = b.world.workflows["renamed"]
    assert (stored.created_by, stored.create_time, stored.params) == ("", 0, [])
    assert told(await b.send("PUT", f"{CREATE}/w", document()))[:2] == (400, 6542)
    assert told(await b.send("PUT", f"{CREATE}/renamed", document(display_name="占用")))[:2] == (400, 6540)


async def test_the_definition_can_be_read_and_written_back() -> None:
    b = Bench.of()
    answer = await b.send("GET", f"{CREATE}/name/deploy-api")
    assert answer.headers["Content-Type"] == "application/x-yaml; charset=utf-8"
    value = YAML(typ="safe", pure=True).load(answer.body.decode())
    assert (value["name"], value["display_name"], value["project"]) == ("deploy-api", "部署 API", "shop")
    assert b"&id" not in answer.body
    before = await b.json("GET", "/openapi/workflows/custom/deploy-api/detail?projectKey=shop")
    assert (await b.send("PUT", f"{CREATE}/deploy-api", answer.body)).status == 200
    after = await b.json("GET", "/openapi/workflows/custom/deploy-api/detail?projectKey=shop")
    del before["update_time"], after["update_time"]
    assert after == before
    mobile = await b.send("GET", f"{CREATE}/name/deploy-mobile")
    assert (await b.send("PUT", f"{CREATE}/deploy-mobile", mobile.body)).status == 200
    task = await b.run("deploy-mobile", project="shop")
    b.advance(60)
    assert [job.status for stage in task.stages for job in stage.jobs] == ["passed"] * 3
    assert told(await b.send("GET", f"{CREATE}/name/nothing"))[:2] == (400, 6542)


@pytest.mark.parametrize(("version", "status"), [("4.1.0", 405), ("5.0.0", 200)])
async def test_the_open_paths_for_definitions_came_with_version_5(version: str, status: int) -> None:
    b = bench(version=version)
    assert (await b.send("POST", "/openapi/workflows/custom", document())).status == status
    assert (
        await b.send("PUT", "/openapi/workflows/custom/w", document(name="w", display_name="w"))
    ).status == (200 if status == 200 else 404)


async def test_delete() -> None:
    b = bench()
    running = await b.run("w")
    b.advance(4)
    assert told(await b.send("DELETE", "/openapi/workflows/custom?projectKey=p"))[:2] == (400, 400)
    await b.json("DELETE", "/openapi/workflows/custom?workflowKey=w&projectKey=p")
    assert told(await b.send("DELETE", "/openapi/workflows/custom?workflowKey=w&projectKey=p"))[:2] == (
        400,
        6543,
    )
    b.advance(60)
    assert running.status == "passed"
    detail = await b.json("GET", "/openapi/workflows/custom/task?taskId=1&workflowKey=w")
    assert detail["status"] == "passed"


async def test_views_are_listed_by_name_descending() -> None:
    views = await bench().json("GET", f"{VIEW}?projectKey=p")
    assert [view["name"] for view in views] == ["版", "b", "a"]
    assert (await bench().send("GET", f"{VIEW}?projectKey=q")).body == b"[]"
    assert (await bench().send("GET", VIEW)).status == 400


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"project_key": ""}, (400, 400, "projectKey cannot be empty")),
        ({"name": ""}, (400, 400, "view name cannot be empty")),
        ({"workflow_list": [{"workflow_key": "w"}]}, (400, 400, "workflow type must be custom or product")),
        ({"name": "b"}, (400, 6892, "mongo duplicate key error")),
        (
            {"workflow_list": [{"workflow_key": "unknown", "workflow_type": "product", "enabled": False}]},
            None,
        ),
    ],
)
async def test_create_view(changes: dict[str, Any], expected: tuple[int, int, str] | None) -> None:
    b = bench()
    listed = [{"workflow_key": "w", "workflow_type": "custom"}]
    answer = await b.send(
        "POST", VIEW, {"project_key": "p", "name": "new", "workflow_list": listed, **changes}
    )
    if expected is not None:
        assert told(answer) == expected
    else:
        view = next(item for item in await b.json("GET", f"{VIEW}?projectKey=p") if item["name"] == "new")
        assert view["workflows"] == [{"workflow_key": "unknown", "workflow_type": "product"}]
        assert (view["update_by"], view["update_time"]) == ("root", int(START))


@pytest.mark.parametrize("body", [b"x", b"", b'{"workflow_list":{}}', b'{"name":1}'])
async def test_view_bodies_that_do_not_fit(body: bytes) -> None:
    for method, target in (("POST", VIEW), ("PUT", f"{VIEW}/b?projectKey=p")):
        answer = await bench().send(method, target, body)
        assert (answer.status, answer.body) == (400, b"")


async def test_update_view_merges_and_never_removes() -> None:
    b = bench()

    async def update(*entries: dict[str, Any]) -> list[str]:
        await b.json("PUT", f"{VIEW}/b?projectKey=p", {"workflow_list": list(entries)})
        views = await b.json("GET", f"{VIEW}?projectKey=p")
        (view,) = [item for item in views if item["name"] == "b"]
        assert view["update_time"] == 0
        return [item["workflow_key"] for item in view["workflows"]]

    taken = {"workflow_key": "taken", "workflow_type": "custom"}
    assert await update({**taken, "enabled": True}) == ["w", "taken"]
    assert await update(taken) == ["w"]  # an omitted `enabled` switches off
    assert await update({"workflow_key": "new", "workflow_type": "custom", "enabled": False}) == ["w"]
    assert await update({**taken, "enabled": True}) == ["w", "taken"]
    assert await update() == ["w", "taken"]


async def test_update_and_delete_view_refusals() -> None:
    b = bench()
    twice = {"workflow_list": [{"workflow_key": "w"}, {"workflow_key": "w"}]}
    assert told(await b.send("PUT", f"{VIEW}/b?projectKey=p", twice)) == (
        500,
        500,
        "workflow name duplicated",
    )
    text = "failed to find workflow view x for project p"
    assert told(await b.send("PUT", f"{VIEW}/x?projectKey=p", {})) == (500, 500, text)
    assert told(await b.send("PUT", f"{VIEW}/b", {}))[:2] == (400, 400)
    assert told(await b.send("DELETE", f"{VIEW}/b"))[:2] == (400, 400)
    assert (await b.send("DELETE", f"{VIEW}/b?projectKey=p")).status == 200
    assert told(await b.send("DELETE", f"{VIEW}/b?projectKey=p"))[:2] == (400, 6894)


@pytest.mark.parametrize(
    ("changes", "status", "code"),
    [
        ({}, 200, None),
        ({"envs": "dev"}, 400, None),
        ({"status": "1"}, 400, None),
        ({"users": [1]}, 400, None),
        ({"approval_id": ""}, 400, 400),
        ({"project_key": ""}, 400, 400),
        ({"project_key": "nowhere"}, 400, 7100),
    ],
)
async def test_tickets(changes: dict[str, Any], status: int, code: int | None) -> None:
    b = bench()
    answer = await b.send(
        "POST", "/openapi/ticket/approval", {"approval_id": "1", "project_key": "p", **changes}
    )
    assert answer.status == status
    if code is not None:
        assert json.loads(answer.body)["code"] == code
    elif status == 400:
        assert answer.body == b""
    else:
        assert answer.body == b'{"message":"success"}'
        again = await b.send("POST", "/openapi/ticket/approval", {"approval_id": "1", "project_key": "p"})
        assert told(again)[:2] == (400, 7100)
        assert "E11000 duplicate key" in told(again)[2]
