"""Ordered faults, without sockets, and what the ledger says about them."""

import asyncio
import gzip
import json
from typing import Any

import pytest

from tests.emulator.worlds import START, Bench, world_of
from zadig_async.emulator.exchange import Dropped, Garbage, Request, Response, Stream
from zadig_async.emulator.faults import Fault, FaultError, Faults
from zadig_async.emulator.ledger import RequestSeen, TaskCreated

RUN = {"workflow_key": "w", "project_key": "p", "inputs": [{"job_name": "a"}]}
TASK = "/openapi/workflows/custom/task"
LIST = "/openapi/workflows?projectKey=p"


def bench(*faults: Fault) -> Bench:
    b = Bench.of(world_of({"name": "a", "log": ["one", "two", "three"]}))
    for fault in faults:
        b.dialect.faults.add(fault)
    return b


async def post(b: Bench) -> Any:
    request = Request(
        method="POST", target=TASK, headers={"Authorization": "Bearer root"}, body=json.dumps(RUN).encode()
    )
    return await b.dialect.respond(request)


@pytest.mark.parametrize(
    ("fault", "status", "created"),
    [
        (Fault(kind="status", status=502, body="bad", headers={"Retry-After": "5"}), 502, 0),
        (Fault(kind="status", status=502, after=True), 502, 1),
        (Fault(kind="html"), 200, 0),
        (Fault(kind="redirect", location="https://elsewhere.test/"), 302, 0),
        (Fault(kind="empty", after=True), 200, 1),
        (Fault(kind="big", size=100), 200, 0),
        (Fault(kind="truncate", size=4), 200, 1),
    ],
)
async def test_false_answers(fault: Fault, status: int, created: int) -> None:
    b = bench(fault)
    answer = await post(b)
    assert isinstance(answer, Response)
    assert (answer.status, len(b.world.tasks)) == (status, created)
    assert [(item.fault, item.status) for item in b.dialect.ledger.requests] == [(fault.kind, status)]
    assert (await b.send("GET", LIST)).status == 200  # it struck once


async def test_details_of_false_answers() -> None:
    limit = await post(
        bench(Fault(kind="status", status=429, headers={"Retry-After": "7"}, body="slow down"))
    )
    assert (limit.headers["Retry-After"], limit.body) == ("7", b"slow down")
    cut = await post(bench(Fault(kind="truncate", size=4)))
    assert (len(cut.body), cut.declared_length) == (
        4,
        len('{"project_name":"p","workflow_name":"w","task_id":1}'),
    )
    page = await post(bench(Fault(kind="html")))
    assert page.headers["Content-Type"].startswith("text/html")
    noise = await post(bench(Fault(kind="garbage")))
    assert isinstance(noise, Garbage)
    assert not noise.data.startswith(b"HTTP")


async def test_a_bomb_is_small_on_the_wire() -> None:
    size = 5_000_001
    bomb = await post(bench(Fault(kind="big", size=size, gzip=True)))
    assert bomb.headers["Content-Encoding"] == "gzip"
    assert len(bomb.body) < size // 100
    assert len(gzip.decompress(bomb.body)) == size


@pytest.mark.parametrize(("kind", "created"), [("reset_before", 0), ("reset_after", 1)])
async def test_resets(kind: str, created: int) -> None:
    b = bench(Fault(kind=kind))
    with pytest.raises(Dropped) as caught:
        await post(b)
    assert caught.value.hard
    assert len(b.world.tasks) == created
    (seen,) = b.dialect.ledger.requests
    assert (seen.status, seen.fault) == (None, kind)


async def test_a_late_request_takes_effect_when_nobody_waits_any_more() -> None:
    b = bench(Fault(kind="late", seconds=30))
    with pytest.raises(Dropped):
        await post(b)
    b.advance(29)
    assert b.world.tasks == []
    b.advance(2)
    (task,) = b.world.tasks
    assert task.created == START + 30
    assert len(b.dialect.ledger.tasks) == 1


@pytest.mark.parametrize(("after", "created"), [(False, 0), (True, 1)])
async def test_hanging(after: bool, created: int) -> None:
    b = bench(Fault(kind="hang", after=after))
    waiting = asyncio.ensure_future(post(b))
    await b.advance_slowly(9000, step=1000)
    assert not waiting.done()
    assert len(b.world.tasks) == created
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert b.dialect.ledger.requests[0].status is None


async def test_delay_comes_before_the_effect() -> None:
    b = bench(Fault(kind="delay", seconds=20))
    waiting = asyncio.ensure_future(post(b))
    await b.advance_slowly(19, step=1)
    assert (waiting.done(), b.world.tasks) == (False, [])
    await b.advance_slowly(2, step=1)
    assert (await waiting).status == 200
    assert b.world.tasks[0].created == START + 20


async def test_a_dropped_stream() -> None:
    b = bench(Fault(kind="drop_stream", lines=3, path="/openapi/logs/sse/*"))
    await b.run("w")
    b.advance(15)
    target = "/openapi/logs/sse/v4/workflow/w/1/job-0-0-0-a/0"
    stream = await b.stream(target)
    for _ in range(3):
        await anext(stream.events)
    with pytest.raises(Dropped) as caught:
        await anext(stream.events)
    assert not caught.value.hard
    again = await b.stream(target)
    for _ in range(5):
        await anext(again.events)
    await again.events.aclose()


async def test_which_requests_are_struck() -> None:
    faults = Faults()
    faults.add(Fault(kind="empty", method="GET", path="/openapi/workflows/*", times=2, skip=1))
    faults.add(Fault(kind="html", path="/openapi/*", times=None))
    struck = [
        faults.take(method, path)
        for method, path in [
            ("GET", "/openapi/workflows/custom/w/tasks"),
            ("POST", "/openapi/workflows/custom/task"),
            ("GET", "/openapi/workflows/custom/w/tasks"),
            ("GET", "/openapi/workflows"),
            ("GET", "/openapi/workflows/custom/task"),
            ("GET", "/openapi/workflows/custom/task"),
            ("GET", "/other"),
        ]
    ]
    assert [fault and fault.kind for fault in struck] == [
        "html",
        "html",
        "empty",
        "html",
        "empty",
        "html",
        None,
    ]
    assert len(faults) == 1
    faults.clear()
    assert faults.take("GET", "/openapi/x") is None


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ([], "should be a mapping"),
        ({}, "'kind' is missing"),
        ({"kind": "flood"}, "'flood' is none of"),
        ({"kind": "empty", "time": 2}, "time: unknown key; did you mean 'times'"),
        ({"kind": "empty", "times": 0}, "times"),
        ({"kind": "empty", "times": "2"}, "times: should be a whole number, not '2'"),
        ({"kind": "status", "status": "503"}, "status: should be a whole number, not '503'"),
        ({"kind": "delay", "seconds": None}, "seconds: should be a number, not empty"),
    ],
)
def test_faults_that_make_no_sense(value: Any, text: str) -> None:
    with pytest.raises(FaultError, match=text):
        Fault.from_json(value)


async def test_the_ledger_tells_the_whole_story_and_no_token() -> None:
    scenario = world_of(
        {"name": "gate", "approval": {"users": ["ann"]}}, {"name": "a", "outcome": ["failed", "passed"]}
    )
    b = Bench.of(scenario)
    b.token = "root"
    await b.send("GET", f"{LIST}&token=root&x=1", headers={})
    await b.send("GET", LIST, headers={"Authorization": "Bearer nobody"})
    task = await b.run("w")
    b.advance(5)
    await b.approve(task, "job-0-0-0-gate", token="ann", comment="ok")
    b.advance(60)
    await b.retry(task)
    await b.cancel(task)
    await b.json("PUT", "/openapi/workflows/custom/w/task/1", {"remark": "r"})
    await b.json("POST", "/openapi/workflows/view", {"project_key": "p", "name": "v"})
    story = [
        {key: value for key, value in item.items() if key != "time"} for item in b.dialect.ledger.as_json()
    ]
    events = [item for item in story if item["event"] != "RequestSeen"]
    assert events == [
        {
            "event": "TaskCreated",
            "user": "root",
            "project": "p",
            "workflow": "w",
            "task_id": 1,
            "params": {},
            "jobs": ("job-0-0-0-gate", "job-1-0-0-a"),
        },
        {
            "event": "ApprovalGiven",
            "user": "ann",
            "workflow": "w",
            "task_id": 1,
            "job": "job-0-0-0-gate",
            "approve": True,
            "comment": "ok",
        },
        {"event": "TaskRetried", "user": "root", "workflow": "w", "task_id": 1, "before": "failed"},
        {"event": "TaskCancelled", "user": "root", "workflow": "w", "task_id": 1, "before": "waiting"},
        {"event": "RemarkSet", "user": "root", "workflow": "w", "task_id": 1, "remark": "r"},
        {"event": "ResourceWritten", "user": "root", "kind": "view", "action": "create", "name": "v"},
    ]
    first, second = b.dialect.ledger.requests[:2]
    assert (first.path, first.user, first.status) == (f"{LIST}&token=***&x=1", "root", 200)
    assert (second.user, second.status) == ("", 401)
    kinds = [type(item) for item in b.dialect.ledger]
    assert kinds[2:4] == [RequestSeen, TaskCreated]  # a request stands before what it caused
    assert len(b.dialect.ledger) == len(story)


async def test_refused_writes_leave_no_trace_but_the_request() -> None:
    b = bench()
    await b.send("POST", TASK, {**RUN, "workflow_key": "x"})
    await b.send("POST", TASK, RUN, token="bob")
    assert [(item.method, item.status, item.user) for item in b.dialect.ledger.requests] == [
        ("POST", 400, "root"),
        ("POST", 403, "bob"),
    ]
    assert len(b.dialect.ledger) == 2


async def test_a_stream_is_a_request_like_any_other() -> None:
    b = bench()
    await b.run("w")
    b.advance(10)
    stream = await b.stream("/openapi/logs/sse/v4/workflow/w/1/job-0-0-0-a/0")
    assert isinstance(stream, Stream)
    assert b.dialect.ledger.requests[-1].status == 200
    await stream.events.aclose()
