"""Cancel and retry, from every state."""

import json
from typing import Any

import pytest

from tests.emulator.worlds import START, Bench, world_of
from zadig_async.emulator.exchange import Response
from zadig_async.emulator.state import Task

JOBS: list[dict[str, Any]] = [
    {"name": "a", "prepare": 2, "duration": 10},
    {"name": "gate", "approval": {"users": ["ann"], "timeout": 1}},
    {"name": "b", "outcome": ["failed", "passed"], "duration": 10},
]
GATE = "job-1-0-0-gate"


async def in_state(b: Bench, state: str) -> Task:
    task = await b.run("w")
    if state == "waiting":
        return task
    b.advance(8)
    if state == "running":
        return task
    b.advance(12)
    if state == "gate":
        return task
    if state == "timeout":
        b.advance(100)
    elif state == "cancelled":
        await b.cancel(task)
        b.advance(10)
    else:
        await b.approve(task, GATE, token="ann", approve=state != "reject")
        b.advance(30)
    if state == "passed":
        await b.retry(task)
        b.advance(30)
    assert task.status == state
    return task


def code(answer: Response) -> tuple[int, int, str]:
    value = json.loads(answer.body)
    return answer.status, value["code"], value["description"]


@pytest.mark.parametrize("state", ["waiting", "running", "gate", "timeout", "cancelled", "reject", "failed"])
async def test_cancel_is_accepted_in_every_state_but_passed(state: str) -> None:
    b = Bench.of(world_of(*JOBS))
    task = await in_state(b, state)
    end = task.end
    answer = await b.cancel(task, token="bob")
    assert (answer.status, answer.body) == (200, b'{"message":"success"}')
    assert (task.status, task.revoker) == ("cancelled", "bob")
    b.advance(60)
    assert task.status == "cancelled"
    if state == "waiting":
        assert (task.end, [stage.status for stage in task.stages]) == (0, ["", "", ""])
    elif state in ("running", "gate"):
        stopped = task.stages[0 if state == "running" else 1]
        assert (stopped.status, stopped.jobs[0].status) == ("cancelled", "cancelled")
        assert task.end > 0
    else:
        assert task.end == end
    assert (await b.cancel(task, token="bob")).status == 200


async def test_cancel_of_a_passed_task_is_refused() -> None:
    b = Bench.of(world_of(*JOBS))
    task = await in_state(b, "passed")
    assert code(await b.cancel(task)) == (400, 6163, "task: w:1 is passed, cannot cancel")


async def test_a_cancel_is_noticed_a_second_later() -> None:
    b = Bench.of(world_of(*JOBS))
    task = await in_state(b, "running")
    await b.cancel(task)
    assert (task.status, task.stages[0].status, b.job(task, "a").status) == (
        "cancelled",
        "running",
        "running",
    )
    b.advance(1)
    assert (task.stages[0].status, b.job(task, "a").status, task.end) == ("cancelled", "cancelled", 0)
    b.advance(0.5)
    assert task.end == START + 9.5


async def test_a_run_that_ends_before_it_notices_stays_cancelled() -> None:
    b = Bench.of(world_of(JOBS[0]))
    task = await b.run("w")
    b.advance(15.75)
    assert (task.status, b.job(task, "a").status) == ("running", "passed")
    await b.cancel(task)
    b.advance(30)
    assert (task.status, task.stages[0].status, task.end) == ("cancelled", "passed", START + 16.5)


async def test_a_cancelled_gate_says_so() -> None:
    b = Bench.of(world_of(*JOBS))
    task = await in_state(b, "gate")
    await b.cancel(task)
    b.advance(2)
    assert (b.job(task, "gate").status, b.job(task, "gate").error) == ("cancelled", "workflow was canceled")
    assert code(await b.approve(task, GATE, token="ann"))[2] == "not found approval"


async def test_a_cancelled_task_frees_its_slot() -> None:
    b = Bench.of(world_of(*JOBS, workflow_concurrency=1))
    first = await in_state(b, "running")
    second = await b.run("w")
    await b.cancel(first)
    b.advance(6)
    assert second.status == "running"


async def test_a_cancel_that_is_lost_is_overwritten_by_the_true_end() -> None:
    b = Bench.of(world_of(JOBS[0], survives_cancel=True))
    task = await in_state(b, "running")
    await b.cancel(task)
    b.advance(2)
    assert (task.status, b.job(task, "a").status) == ("cancelled", "running")
    b.advance(20)
    assert task.status == "passed"


@pytest.mark.parametrize("state", ["waiting", "running", "gate", "passed"])
async def test_retry_is_refused(state: str) -> None:
    b = Bench.of(world_of(*JOBS))
    task = await in_state(b, state)
    assert code(await b.retry(task)) == (500, 500, "工作流任务状态无法重试")


@pytest.mark.parametrize("state", ["timeout", "cancelled", "reject", "failed"])
async def test_retry_runs_the_rest_again_under_the_same_id(state: str) -> None:
    b = Bench.of(world_of(*JOBS))
    task = await in_state(b, state)
    end, first_end = task.end, b.job(task, "a").end
    answer = await b.retry(task)
    assert (answer.status, answer.body) == (200, b'{"message":"success"}')
    assert (task.status, task.start, task.created, task.end) == ("waiting", b.world.now, START, end)
    assert b.job(task, "a").status == "passed"
    assert (task.stages[-1].status, b.job(task, "b").status, task.stages[-1].start) == ("", "", 0)
    assert (await b.retry(task)).status == 500
    b.advance(10)
    if state != "failed":
        assert b.job(task, "gate").status == "wait_for_approval"
        await b.approve(task, GATE, token="ann")
    b.advance(40)
    expected = "passed" if state == "failed" else "failed"
    assert (task.status, b.job(task, "a").end, task.end > end) == (expected, first_end, True)


async def test_retry_keeps_the_old_end_time_until_version_5() -> None:
    for version, stale in (("4.3.0", True), ("5.0.0", False)):
        b = Bench.of(world_of({"name": "a", "outcome": "failed"}, version=version))
        task = await b.run("w")
        b.advance(60)
        await b.retry(task)
        assert (task.end > 0) is stale


async def test_retry_of_a_task_that_is_still_being_cancelled() -> None:
    b = Bench.of(world_of(*JOBS))
    task = await in_state(b, "running")
    await b.cancel(task)
    assert (await b.retry(task)).status == 200
    b.advance(20)
    assert (task.status, b.job(task, "a").status) == ("running", "passed")


async def test_retry_reruns_an_ignored_failure_but_not_a_passed_neighbour() -> None:
    jobs = [
        {"name": "x", "outcome": ["failed", "passed"], "error_policy": "ignore_error"},
        {"name": "y"},
        {"name": "z", "outcome": ["failed", "passed"]},
    ]
    b = Bench.of(world_of(stages=[{"name": "s", "parallel": True, "jobs": jobs}]))
    task = await b.run("w")
    b.advance(60)
    ends = {name: b.job(task, name).end for name in "xyz"}
    assert [job.status for job in task.stages[0].jobs] == ["unstable", "passed", "failed"]
    await b.retry(task)
    b.advance(60)
    assert [job.status for job in task.stages[0].jobs] == ["passed", "passed", "passed"]
    assert [name for name in "xyz" if b.job(task, name).end == ends[name]] == ["y"]


@pytest.mark.parametrize(
    ("method", "target", "status", "code_"),
    [
        ("DELETE", "/openapi/workflows/custom/task?taskId=9&workflowKey=w", 400, 6163),
        ("DELETE", "/openapi/workflows/custom/task", 400, 6163),
        ("POST", "/openapi/workflows/custom/w/task/9", 400, 6161),
        ("PUT", "/openapi/workflows/custom/w/task/9", 500, 500),
        ("PUT", "/openapi/workflows/custom/nothing/task/9", 400, 6542),
        ("PUT", "/openapi/workflows/custom/w/task/x", 400, 400),
    ],
)
async def test_unknown_tasks(method: str, target: str, status: int, code_: int) -> None:
    b = Bench.of(world_of(*JOBS))
    assert code(await b.send(method, target, {"remark": "x"}))[:2] == (status, code_)


async def test_remark() -> None:
    b = Bench.of(world_of(*JOBS))
    task = await in_state(b, "running")
    target = f"/openapi/workflows/custom/w/task/{task.id}"
    assert (await b.send("PUT", target, {"remark": "train 7"}, token="bob")).status == 403
    assert (await b.send("PUT", target, {"remark": "train 7"}, token="ann")).status == 200
    assert task.remark == "train 7"
    assert (await b.send("PUT", target, b"remark")).body == b""
