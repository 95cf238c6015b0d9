"""The operation log: what is noted, when, by whom it may be read, and how it is searched."""

import asyncio
import json
from typing import Any

import pytest

from tests.emulator.worlds import START, Bench, world_of
from zadig_async.emulator.exchange import Dropped
from zadig_async.emulator.faults import Fault
from zadig_async.emulator.ledger import Ledger
from zadig_async.emulator.operations import Operation, OperationLog, Wanted
from zadig_async.emulator.state import Task

TASK = "/openapi/workflows/custom/task"
LOG = "/openapi/system/operation"
ALL = f"{LOG}?searchType=all&perPage=50&page=1"
RUN = {"workflow_key": "w", "project_key": "p", "inputs": [{"job_name": "a"}], "x_run": "r-1"}


def bench(*faults: Fault, **workflow: Any) -> Bench:
    b = Bench.of(world_of({"name": "a"}, **workflow))
    for fault in faults:
        b.dialect.faults.add(fault)
    return b


def noted(b: Bench) -> list[tuple[str, int]]:
    return [(entry.username, entry.status) for entry in b.world.operations]


async def shown(b: Bench, query: str = "searchType=all&perPage=50&page=1") -> list[dict[str, Any]]:
    value = await b.json("GET", f"{LOG}?{query}")
    rows: list[dict[str, Any]] = value["operation_logs"]
    return rows


async def test_a_trigger_is_noted_with_its_body_as_it_was_sent() -> None:
    b = bench()
    body = b'{ "workflow_key":"w",\n"project_key" : "p", "inputs":[{"job_name":"a"}], "x": "\\u4e2d<>" }\n'
    b.advance(7.5)
    assert (await b.send("POST", TASK, body, token="ann")).status == 200
    (row,) = await shown(b)
    assert row == {
        "username": "ann",
        "project_key": "p",
        "method": "新建",
        "function": "工作流任务",
        "scene": "",
        "targets": [],
        "detail": "w",
        "request_body": body.decode(),
        "body_type": "json",
        "status": 200,
        "created_at": int(START) + 7,
    }
    assert "x_run" not in repr(next(iter(b.world.operations)))


class _Spy(Ledger):
    """Looks at the operation log at the moment a task comes to be."""

    bench: Bench
    seen: tuple[int, ...] = ()

    def task_created(self, time: float, user: str, task: Task) -> None:
        self.seen = tuple(entry.status for entry in self.bench.world.operations)
        super().task_created(time, user, task)


async def test_the_entry_is_there_without_a_status_before_the_task_is() -> None:
    b = bench()
    spy = b.world.ledger = _Spy()
    spy.bench = b
    await b.send("POST", TASK, RUN)
    assert spy.seen == (0,)
    assert noted(b) == [("root", 200)]


@pytest.mark.parametrize(
    ("change", "token", "status"),
    [
        ({"workflow_key": "x"}, "root", 400),
        ({"parameters": [{"name": "N", "value": "1"}]}, "root", 500),
        ({}, "bob", 403),
    ],
)
async def test_what_is_refused_is_noted_too(change: dict[str, Any], token: str, status: int) -> None:
    b = bench()
    await b.send("POST", TASK, {**RUN, **change}, token=token)
    assert noted(b) == [(token, status)]


@pytest.mark.parametrize(("body", "token"), [(b"{", "root"), (b"[]", "root"), (b"{}", "nobody")])
async def test_what_is_no_request_leaves_no_entry(body: bytes, token: str) -> None:
    b = bench()
    await b.send("POST", TASK, body, token=token)
    assert noted(b) == []


@pytest.mark.parametrize(
    "fault",
    [
        Fault(kind="reset_after"),
        Fault(kind="truncate"),
        Fault(kind="status", status=502, after=True),
        Fault(kind="empty", after=True),
        Fault(kind="late", seconds=30),
    ],
    ids=lambda fault: fault.kind,
)
async def test_the_log_tells_the_truth_about_requests_whose_answer_was_lost(fault: Fault) -> None:
    b = bench(fault)
    try:
        await b.send("POST", TASK, RUN)
    except Dropped:
        assert fault.kind in {"reset_after", "late"}
    b.advance(31)
    assert [(entry.status, entry.created) for entry in b.world.operations] == [
        (200, int(START) + (30 if fault.kind == "late" else 0))
    ]


async def test_a_late_request_that_is_refused_says_so() -> None:
    b = bench(Fault(kind="late", seconds=3))
    with pytest.raises(Dropped):
        await b.send("POST", TASK, RUN, token="bob")
    assert noted(b) == []
    b.advance(4)
    assert noted(b) == [("bob", 403)]


@pytest.mark.parametrize(
    "fault", [Fault(kind="reset_before"), Fault(kind="status"), Fault(kind="html")], ids=lambda f: f.kind
)
async def test_what_never_arrived_is_not_noted(fault: Fault) -> None:
    b = bench(fault)
    try:
        await b.send("POST", TASK, RUN)
    except Dropped:
        assert fault.kind == "reset_before"
    assert noted(b) == []


async def test_a_delayed_request_is_noted_when_it_arrives() -> None:
    b = bench(Fault(kind="delay", seconds=20))
    waiting = asyncio.ensure_future(b.send("POST", TASK, RUN))
    await b.advance_slowly(10, step=1)
    assert noted(b) == []
    await b.advance_slowly(11, step=1)
    await waiting
    assert next(iter(b.world.operations)).created == START + 20


YAML = "name: new\ndisplay_name: new\nproject: p\nstages:\n- name: s\n  jobs: [{name: a, type: freestyle}]\n"

OTHERS: list[tuple[str, str, Any, tuple[str, str, str, str, str, str, int]]] = [
    (
        "POST",
        "/openapi/workflows/custom/w/task/1?projectKey=q",
        None,
        ("q", "OpenAPI重试", "工作流任务", "w", "1", "json", 200),
    ),
    (
        "POST",
        "/openapi/workflows/custom/w/task/9",
        None,
        ("", "OpenAPI重试", "工作流任务", "w", "9", "json", 400),
    ),
    (
        "PUT",
        "/openapi/workflows/custom/w/task/1",
        b'{"remark": "r"}',
        ("p", "OpenAPI更新", "工作流任务", "w", '{"remark": "r"}', "json", 200),
    ),
    (
        "DELETE",
        "/openapi/workflows/custom?workflowKey=w&projectKey=p",
        None,
        ("p", "(OpenAPI)删除", "工作流", "w", "", "json", 200),
    ),
    (
        "PUT",
        "/openapi/workflows/view/v?projectKey=p",
        b"{}",
        ("p", "(OpenAPI)更新", "工作流视图", "v", "", "json", 200),
    ),
    (
        "DELETE",
        "/openapi/workflows/view/x?projectKey=p",
        None,
        ("p", "(OpenAPI)删除", "工作流视图", "x", "", "json", 400),
    ),
    (
        "POST",
        "/api/aslan/workflow/v4",
        YAML.encode(),
        ("p", "新增", "工作流", "new", YAML, "yaml", 200),
    ),
    (
        "PUT",
        "/api/aslan/workflow/v4/w",
        YAML.replace("name: new", "name: Ü", 1).encode(),
        ("p", "更新", "工作流", "Ü", YAML.replace("name: new", "name: Ü", 1), "yaml", 400),
    ),
    (
        "POST",
        "/api/aslan/workflow/v4/workflowtask/manualexec/workflow/w/task/1?stageName=s&projectName=q",
        b"{}",
        ("q", "手动执行", "工作流任务", "w", "{}", "json", 500),
    ),
]


@pytest.mark.parametrize(("method", "target", "body", "expected"), OTHERS)
async def test_other_writes_that_are_noted(
    method: str, target: str, body: Any, expected: tuple[str, str, str, str, str, str, int]
) -> None:
    scenario = world_of({"name": "a"}, tasks=[{"id": 1, "status": "failed"}])
    scenario["projects"][0]["views"] = [{"name": "v", "workflows": ["w"]}]
    b = Bench.of(scenario)
    await b.send(method, target, body)
    (row,) = await shown(b)
    names = ("project_key", "method", "function", "detail", "request_body", "body_type", "status")
    assert tuple(row[name] for name in names) == expected


async def test_a_stage_released_through_the_open_api_of_v5_is_noted_once_it_is_allowed() -> None:
    scenario = world_of(version="5.0.0", stages=[{"name": "s", "manual_exec": {}, "jobs": [{"name": "a"}]}])
    b = Bench.of(scenario)
    task = await b.run("w")
    b.advance(10)
    target = f"/openapi/workflows/custom/w/task/{task.id}/manual-exec?projectKey=p"
    await b.send("POST", target, {"stage_name": "s"}, token="bob")
    await b.send("POST", target, {"stage_name": "s"})
    assert [(row["method"], row["status"]) for row in await shown(b)] == [
        ("OpenAPI手动执行", 200),
        ("新建", 200),
    ]


async def test_some_writes_are_not_noted() -> None:
    b = bench()
    task = await b.run("w", token="ann")
    await b.cancel(task)
    await b.approve(task, "job-0-0-0-a")
    await b.send("POST", "/openapi/workflows/view", {"project_key": "p", "name": "v"})
    await b.send("POST", "/openapi/ticket/approval", {"approval_id": "1", "project_key": "p"})
    await b.send("POST", "/api/aslan/workflow/v4", b"- no\n- mapping\n")
    assert noted(b) == [("ann", 200)]


# Reading it


@pytest.mark.parametrize("token", ["ann", "bob"])
async def test_only_a_system_administrator_may_read_it(token: str) -> None:
    answer = await bench().send("GET", ALL, token=token)
    assert (answer.status, answer.body) == (403, b"")


async def test_nothing_noted_is_an_empty_list() -> None:
    answer = await bench().send("GET", ALL)
    assert answer.body == b'{"operation_logs":[],"total":0}'


@pytest.mark.parametrize(
    ("query", "description"),
    [
        ("searchType=all&page=1", 'strconv.Atoi: parsing "": invalid syntax'),
        ("searchType=all&perPage=50", 'strconv.Atoi: parsing "": invalid syntax'),
        ("searchType=all&perPage=x&page=1", 'strconv.Atoi: parsing "x": invalid syntax'),
        (
            "searchType=all&perPage=1&page=99999999999999999999",
            'strconv.Atoi: parsing "99999999999999999999": value out of range',
        ),
        ("searchType=status&perPage=1&page=1", 'strconv.Atoi: parsing "": invalid syntax'),
        ("searchType=detail&perPage=1&page=1", "invalid search type: detail"),
        ("perPage=1&page=1", "invalid search type: "),
    ],
)
async def test_queries_that_are_refused(query: str, description: str) -> None:
    answer = await bench().send("GET", f"{LOG}?{query}")
    assert (answer.status, json.loads(answer.body)) == (
        400,
        {
            "type": "error",
            "message": "获取操作日志列表失败",
            "code": 6652,
            "description": description,
            "extra": {},
        },
    )


async def test_a_pattern_that_is_none_is_a_panic() -> None:
    b = bench()
    answer = await b.send("GET", f"{LOG}?searchType=user&username=a(b&perPage=1&page=1")
    assert (answer.status, answer.body) == (500, b"")


async def several() -> Bench:
    """Entries 1 to 4, of root, ann, bob and ann, one second apart."""
    b = bench()
    for number, token in enumerate(("root", "ann", "bob", "ann"), start=1):
        changes = {"project_key": "p", "workflow_key": f"{'w' if number < 4 else 'x'}", "n": number}
        await b.send("POST", TASK, {**RUN, **changes}, token=token)
        b.advance(1)
    await b.send("DELETE", "/openapi/workflows/view/v?projectKey=q")
    return b


@pytest.mark.parametrize(
    ("query", "total", "numbers"),
    [
        ("searchType=all&perPage=50&page=1", 5, [5, 4, 3, 2, 1]),
        ("searchType=all&perPage=0&page=0", 5, [5, 4, 3, 2, 1]),
        ("searchType=all&perPage=2&page=1", 5, [5, 4]),
        ("searchType=all&perPage=2&page=3", 5, [1]),
        ("searchType=all&perPage=2&page=4", 5, []),
        ("searchType=all&perPage=-1&page=7", 5, [5, 4, 3, 2, 1]),
        ("searchType=all&perPage=2&page=-1", 5, [5, 4, 3, 2, 1]),
        ("searchType=all&username=ann&status=403&perPage=9&page=1", 5, [5, 4, 3, 2, 1]),
        ("searchType=user&username=ann&perPage=1&page=2", 2, [2]),
        ("searchType=user&username=n&perPage=9&page=1", 2, [4, 2]),
        ("searchType=user&username=%5E(ann%7Cbob)%24&perPage=9&page=1", 3, [4, 3, 2]),
        ("searchType=user&username=Ann&perPage=9&page=1", 0, []),
        ("searchType=user&username=&perPage=9&page=1", 5, [5, 4, 3, 2, 1]),
        ("searchType=user&perPage=9&page=1", 5, [5, 4, 3, 2, 1]),
        ("searchType=project&projectKey=q&perPage=9&page=1", 1, [5]),
        ("searchType=function&function=任务&perPage=9&page=1", 4, [4, 3, 2, 1]),
        ("searchType=status&status=403&perPage=9&page=1", 1, [3]),
        ("searchType=status&status=0&perPage=9&page=1", 5, [5, 4, 3, 2, 1]),
    ],
)
async def test_searching(query: str, total: int, numbers: list[int]) -> None:
    b = await several()
    entries = list(b.world.operations)
    value = await b.json("GET", f"{LOG}?{query}")
    found = [
        (entry.username, entry.created, entry.status) for entry in (entries[number - 1] for number in numbers)
    ]
    rows = value["operation_logs"]
    assert [(row["username"], row["created_at"], row["status"]) for row in rows] == found
    assert value["total"] == total


def test_pages_meet_without_a_gap_or_an_overlap() -> None:
    log = OperationLog()
    made = [
        Operation(
            username="ann", project="p", method="m", function="f", detail=str(number), created=number // 4
        )
        for number in range(23)
    ]
    for entry in made:
        log.add(entry)
    pages = [log.page(number, 5, Wanted(username="a"))[1] for number in range(1, 7)]
    assert [len(page) for page in pages] == [5, 5, 5, 5, 3, 0]
    assert [entry for page in pages for entry in page] == made[::-1]
    assert len(log) == 23
