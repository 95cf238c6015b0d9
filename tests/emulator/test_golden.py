"""The emulator's answers are the golden files: same values, same types, same key order, Go's bytes."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.emulator import goldens
from tests.emulator.worlds import Bench
from zadig_async.emulator.script import Script

OFFICIAL = goldens.DIRECTORY / "official-page"
NOT_ANSWERS = {"README.md", "scenario.yaml", "official-page"}


def parsed(text: str | bytes) -> Any:
    """JSON with its key order kept in the value, so that comparing compares the order too."""

    def pairs(items: list[tuple[str, Any]]) -> tuple[str, list[tuple[str, Any]]]:
        return ("object", items)

    return json.loads(text, object_pairs_hook=pairs)


def typed(value: Any) -> Any:
    """Make 1, 1.0 and True differ."""
    if isinstance(value, list | tuple):
        return [typed(item) for item in value]
    return (type(value).__name__, value)


def read(name: str) -> bytes:
    return (goldens.DIRECTORY / name).read_bytes()


def test_every_golden_file_has_its_steps() -> None:
    files = {path.name for path in goldens.DIRECTORY.iterdir()} - NOT_ANSWERS
    assert files == {*goldens.BODIES, *goldens.EXCHANGES, *goldens.REQUESTS}


@pytest.mark.parametrize("name", goldens.BODIES)
async def test_body(name: str) -> None:
    answer = await goldens.BODIES[name](goldens.bench())
    assert answer.status == 200
    if name.endswith(".txt"):
        assert answer.body == read(name)
        return
    assert answer.headers["Content-Type"] == "application/json; charset=utf-8"
    assert typed(parsed(answer.body)) == typed(parsed(read(name)))


@pytest.mark.parametrize("name", goldens.EXCHANGES)
async def test_exchange(name: str) -> None:
    golden = json.loads(read(name))
    answer = await goldens.EXCHANGES[name](goldens.bench())
    assert answer.status == golden["status"]
    assert golden["headers"].items() <= answer.headers.items()
    assert ("Content-Type" in answer.headers) == ("Content-Type" in golden["headers"])
    if isinstance(golden["body"], str):
        assert answer.body.decode() == golden["body"]
    else:
        wanted = dict(parsed(read(name))[1])["body"]
        assert typed(parsed(answer.body)) == typed(wanted)


@pytest.mark.parametrize("name", goldens.REQUESTS)
async def test_request_is_accepted(name: str) -> None:
    target = goldens.TASK if name.startswith("execute") else "/openapi/ticket/approval"
    assert json.loads(read(name)) == goldens.REQUESTS[name]
    assert (await goldens.bench().send("POST", target, read(name))).status == 200


@pytest.mark.parametrize("name", [name for name in goldens.BODIES if name.endswith(".json")])
async def test_bytes_are_compact_and_escaped_as_go_does(name: str) -> None:
    body = (await goldens.BODIES[name](goldens.bench())).body.decode()
    assert not set(body) & set("<>&\u2028\u2029\n")
    assert body.replace("\\u003c", "<").replace("\\u003e", ">").replace("\\u0026", "&") == json.dumps(
        json.loads(body), ensure_ascii=False, separators=(",", ":")
    )


async def test_something_is_escaped_at_all() -> None:
    body = (await goldens.BODIES["workflow-detail.json"](goldens.bench())).body
    assert "构建 \\u003c镜像\\u003e \\u0026 审批".encode() in body


def specs(value: Any) -> Iterator[dict[str, Any]]:
    for stage in value["stages"]:
        yield from stage.get("jobs", [])


def walk(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        yield value
        for item in value.values():
            yield from walk(item)
    elif isinstance(value, list):
        for item in value:
            yield from walk(item)


def test_raw_specs_are_sorted_and_hold_no_null() -> None:
    jobs = list(specs(json.loads(read("task-detail-every-job.json"))))
    raw = [job for job in jobs if job["name"].startswith("job-1-")]
    assert len(raw) > 25
    for job in raw:
        for inner in walk(job["spec"]):
            assert list(inner) == sorted(inner), job["name"]
            assert None not in inner.values(), job["name"]
    # a null inside an array of a raw spec would stay; a null under a key of it is gone
    assert "node_work_items" not in next(job for job in jobs if job["origin_name"] == "meego")["spec"]


async def test_every_task_detail_has_the_same_skeleton() -> None:
    """Whatever the state, keys come in one order and only the documented ones may be missing."""
    details = [json.loads(read(name)) for name in goldens.BODIES if name.startswith("task-detail")]
    optional = {"start_time", "end_time", "status", "task_creator", "task_revoker", "create_time", "error"}
    stages = [stage for detail in details for stage in detail["stages"]]
    jobs = [job for stage in stages for job in stage["jobs"]]
    groups: list[list[dict[str, Any]]] = [details, stages, jobs]
    for group in groups:
        keys = max((list(item) for item in group), key=len)
        for item in group:
            assert list(item) == [key for key in keys if key in item]
            assert set(keys) - set(item) <= optional
    assert all("approval" not in stage for stage in stages)


def official() -> Bench:
    return Bench.of(Script.load(OFFICIAL / "scenario.yaml"))


async def test_the_official_execute_example_runs() -> None:
    b = official()
    body = (OFFICIAL / "execute-request.json").read_bytes()
    created = await b.json("POST", goldens.TASK, body)
    assert created == {"project_name": "helm", "workflow_name": "test-openapi", "task_id": 1}
    b.advance(10)
    task = json.loads((await b.send("GET", goldens.detail("test-openapi", 1))).body)
    assert task["status"] == "running"
    values = {item["name"]: item["value"] for item in task["params"]}
    assert values == {"test": "zadig", "abc": "123", "repo1": ""}
    assert task["params"][2]["repo"]["branch"] == "master"
    assert task["params"][2]["repo"]["prs"] == [1]
    jobs = {job["name"]: job for stage in task["stages"] for job in stage["jobs"]}
    assert list(jobs) == [
        "job-0-0-0-build-myapps",
        "job-1-0-0-deploy-myapps",
        "job-1-1-0-jira-issue-update",
        "job-1-2-0-deploy-my-app",
        "job-1-3-0-sql",
    ]
    assert [item["value"] for item in jobs["job-0-0-0-build-myapps"]["spec"]["envs"]] == ["admin", "Zadig"]
    deploy = jobs["job-1-0-0-deploy-myapps"]["spec"]
    assert [item["service_module"] for item in deploy["service_and_images"]] == ["aslan", "zadig-portal"]
    assert deploy["value_merge_strategy"] == "reuse-values"
    assert jobs["job-1-2-0-deploy-my-app"]["spec"]["target"] == "Deployment/service2/service2"
    assert jobs["job-1-3-0-sql"]["spec"]["sql"] == "show databases;"
    b.advance(120)
    assert b.world.tasks[-1].status == "passed"


async def test_the_official_workflow_detail_in_the_shape_of_v4_1() -> None:
    b = official()
    page = json.loads((OFFICIAL / "workflow-detail.json").read_bytes())
    shown = await b.json("GET", "/openapi/workflows/custom/build-deploy/detail?projectKey=lilian-test")
    # the page is older than v4.1: stage approvals went, two job fields and two notification fields came
    for stage in page["stages"]:
        del stage["approval"]
        for job in stage["jobs"]:
            job.pop("spec")
    for stage in shown["stages"]:
        stage.setdefault("parallel", False)
        for job in stage["jobs"]:
            assert job.pop("error_policy") is None
            assert job.pop("execute_policy") is None
            job.pop("spec")
    for control in shown["notify_ctls"]:
        del control["webhook_notify"], control["lark_at_users"]
    repo = page["params"][0]["repo"]
    assert repo.items() - {("remote_name", "origin"), ("is_primary", False)} <= {
        key: value for key, value in shown["params"][0]["repo"].items() if not isinstance(value, list)
    }.items() | {("address", "")}
    page["params"][0].pop("repo")
    shown["params"][0].pop("repo")
    assert shown == page


async def test_the_official_view_and_error_examples() -> None:
    b = official()
    views = await b.json("GET", f"{goldens.VIEW}?projectKey=lilian-test")
    assert views == json.loads((OFFICIAL / "views-list.json").read_bytes())
    for name, method, target in (
        ("task-not-found.json", "GET", goldens.detail("build-images", 1)),
        ("cancel-error-not-found.json", "DELETE", goldens.detail("build-images", 1)),
        ("retry-error-not-found.json", "POST", "/openapi/workflows/custom/build-images/task/1?projectKey=x"),
        ("delete-view-error-not-found.json", "DELETE", f"{goldens.VIEW}/nothing?projectKey=lilian-test"),
    ):
        answer = await b.send(method, target)
        assert json.loads(answer.body) == json.loads((OFFICIAL / name).read_bytes()), name


@pytest.mark.parametrize("path", sorted(OFFICIAL.glob("*.json")), ids=lambda path: path.stem)
def test_official_examples_are_json(path: Path) -> None:
    assert isinstance(json.loads(path.read_bytes()), dict | list)
