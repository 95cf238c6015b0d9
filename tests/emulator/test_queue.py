"""The queue: one start per tick, limits, ids."""

import itertools
from typing import Any

import pytest

from tests.emulator.worlds import START, Bench, world_of

LONG = {"name": "a", "prepare": 0, "duration": 50}


async def test_one_task_starts_per_tick() -> None:
    b = Bench.of(world_of(LONG, workflow_concurrency=10))
    tasks = [await b.run("w") for _ in range(4)]
    counts = []
    for _ in range(5):
        b.advance(3)
        counts.append(sum(task.status == "running" for task in tasks))
    assert counts == [1, 2, 3, 4, 4]
    assert [task.start for task in tasks] == sorted(task.start for task in tasks)


@pytest.mark.parametrize("limit", [1, 2, 3])
async def test_the_installation_runs_so_many_tasks_at_once(limit: int) -> None:
    b = Bench.of(world_of(LONG, workflow_concurrency=limit))
    tasks = [await b.run("w") for _ in range(5)]
    most = 0
    for _ in range(400):
        b.advance(1)
        most = max(most, sum(task.status == "running" for task in tasks))
    assert most == limit
    assert {task.status for task in tasks} == {"passed"}


async def test_a_workflow_limit_holds_back_only_that_workflow() -> None:
    scenario = world_of(LONG, concurrency_limit=1, workflow_concurrency=10)
    scenario["projects"][0]["workflows"].append({"key": "other", "stages": [{"name": "s", "jobs": [LONG]}]})
    b = Bench.of(scenario)
    first, second, other = await b.run("w"), await b.run("w"), await b.run("other")
    b.advance(10)
    assert [task.status for task in (first, second, other)] == ["running", "waiting", "running"]
    b.advance(60)
    assert [task.status for task in (first, second, other)] == ["passed", "running", "passed"]


async def test_a_limit_of_zero_never_starts() -> None:
    b = Bench.of(world_of(LONG, concurrency_limit=0))
    task = await b.run("w")
    b.advance(10_000)
    assert task.status == "waiting"


async def test_a_gate_occupies_a_slot() -> None:
    b = Bench.of(world_of({"name": "gate", "approval": {"users": ["ann"]}}, workflow_concurrency=1))
    first, second = await b.run("w"), await b.run("w")
    b.advance(30)
    assert (first.status, second.status) == ("running", "waiting")


async def test_ids_count_per_workflow_with_gaps_and_start_over_after_a_delete() -> None:
    b = Bench.of(world_of(LONG))
    assert (await b.run("w")).id == 1
    nothing = await b.send(
        "POST", "/openapi/workflows/custom/task", {"workflow_key": "w", "project_key": "p"}
    )
    assert (nothing.status, b"taskID: 2" in nothing.body) == (400, True)
    third = await b.run("w")
    assert third.id == 3
    await b.json("DELETE", "/openapi/workflows/custom?workflowKey=w&projectKey=p")
    listed = await b.json("GET", "/openapi/workflows/custom/w/tasks?projectKey=p")
    assert listed == {"total": 0, "workflow_tasks": []}
    b.advance(7)
    document = {"name": "w", "display_name": "w", "project": "p", "concurrency_limit": -1}
    stages = [{"name": "s", "jobs": [{"name": "a", "type": "freestyle", "spec": {}}]}]
    await b.json("POST", "/api/aslan/workflow/v4", {**document, "stages": stages})
    # the id is given again, and the detail still finds the older task
    body = {"workflow_key": "w", "project_key": "p", "inputs": [{"job_name": "a"}]}
    assert (await b.json("POST", "/openapi/workflows/custom/task", body))["task_id"] == 1
    detail = await b.json("GET", "/openapi/workflows/custom/task?taskId=1&workflowKey=w")
    assert detail["create_time"] == int(START)
    (listed,) = (await b.json("GET", "/openapi/workflows/custom/w/tasks?projectKey=p"))["workflow_tasks"]
    assert (listed["task_id"], listed["create_time"]) == (1, int(START) + 7)


async def test_a_waiting_task_of_a_deleted_workflow_waits_for_ever() -> None:
    b = Bench.of(world_of(LONG, workflow_concurrency=1))
    running, waiting = await b.run("w"), None
    b.advance(5)
    waiting = await b.run("w")
    await b.json("DELETE", "/openapi/workflows/custom?workflowKey=w&projectKey=p")
    b.advance(1000)
    assert (running.status, waiting.status) == ("passed", "waiting")


async def test_a_restart_cancels_everything_unfinished_but_a_pause() -> None:
    scenario = world_of(LONG, workflow_concurrency=1)
    scenario["projects"][0]["workflows"].append(
        {"key": "manual", "stages": [{"name": "s", "manual_exec": {}, "jobs": [LONG]}]}
    )
    b = Bench.of(scenario)
    paused = await b.run("manual")
    b.advance(10)
    running, waiting = await b.run("w"), await b.run("w")
    b.advance(10)
    b.world.restart()
    b.advance(1000)
    assert [(task.status, task.revoker) for task in (paused, running, waiting)] == [
        ("pause", "root"),
        ("cancelled", "system"),
        ("cancelled", "system"),
    ]
    assert b.job(running, "a").status == "running"  # nobody is left to write it
    assert [record.user for record in b.world.ledger.cancels] == ["system", "system"]
    fresh = await b.run("w")
    b.advance(100)
    assert fresh.status == "passed"


async def test_a_fine_grid_starts_one_task_per_tick_too() -> None:
    b = Bench.of(world_of(LONG, workflow_concurrency=100, queue_tick=0.05))
    b.advance(0.33)
    tasks = [await b.run("w") for _ in range(40)]
    b.advance(5)
    starts = [task.start for task in tasks]
    assert {task.status for task in tasks} == {"running"}
    gaps = [later - earlier for earlier, later in itertools.pairwise(starts)]
    assert gaps == [pytest.approx(0.05, abs=1e-4)] * 39


def two_lines(**more: Any) -> Bench:
    """Workflow `w` runs one task at a time, `other` any number."""
    scenario = world_of({**LONG, "duration": 20}, concurrency_limit=1, workflow_concurrency=10, **more)
    scenario["projects"][0]["workflows"].append({"key": "other", "stages": [{"name": "s", "jobs": [LONG]}]})
    return Bench.of(scenario)


async def test_those_held_back_start_in_the_order_they_came() -> None:
    b = two_lines()
    held = [await b.run("w") for _ in range(3)]
    free = await b.run("other")
    b.advance(200)
    assert [task.status for task in [*held, free]] == ["passed"] * 4
    starts = [task.start for task in held]
    assert starts == sorted(starts)
    assert free.start < starts[1]
    assert all(earlier.end <= later.start for earlier, later in itertools.pairwise(held))


async def test_a_raised_limit_lets_those_held_back_start() -> None:
    b = two_lines()
    tasks = [await b.run("w") for _ in range(3)]
    b.advance(10)
    assert [task.status for task in tasks] == ["running", "waiting", "waiting"]
    document = (await b.send("GET", "/api/aslan/workflow/v4/name/w")).body
    raised = document.replace(b"concurrency_limit: 1", b"concurrency_limit: -1")
    assert raised != document
    assert (await b.send("PUT", "/api/aslan/workflow/v4/w", raised)).status == 200
    b.advance(7)
    assert [task.status for task in tasks] == ["running"] * 3


async def test_a_cancelled_head_makes_way_for_the_next() -> None:
    b = two_lines()
    first, second, third = [await b.run("w") for _ in range(3)]
    b.advance(10)
    await b.cancel(second)
    b.advance(60)
    assert [task.status for task in (first, second, third)] == ["passed", "cancelled", "passed"]


async def test_a_task_torn_from_its_worker_by_a_retry_frees_its_place() -> None:
    b = two_lines()
    first, second = await b.run("w"), await b.run("w")
    b.advance(10)
    await b.cancel(first)
    await b.retry(first)  # before the worker has noticed the cancel
    b.advance(4)
    assert (first.status, second.status) == ("waiting", "running")
    b.advance(100)
    assert (first.status, second.status) == ("passed", "passed")


@pytest.mark.parametrize(("pause", "status"), [(0.0, "passed"), (4.0, "waiting")])
async def test_a_workflow_that_is_back_before_the_next_tick_keeps_its_line(pause: float, status: str) -> None:
    b = two_lines()
    running, waiting = await b.run("w"), await b.run("w")
    b.advance(4)
    document = (await b.send("GET", "/api/aslan/workflow/v4/name/w")).body
    await b.json("DELETE", "/openapi/workflows/custom?workflowKey=w&projectKey=p")
    await b.run("other")  # a tick comes
    b.advance(pause)
    assert (await b.send("POST", "/api/aslan/workflow/v4", document)).status == 200
    b.advance(100)
    assert (running.status, waiting.status) == ("passed", status)


async def test_a_renamed_workflow_leaves_its_line_behind() -> None:
    b = two_lines()
    running, waiting = await b.run("w"), await b.run("w")
    b.advance(4)
    document = (await b.send("GET", "/api/aslan/workflow/v4/name/w")).body
    renamed = document.replace(b"name: w\n", b"name: v\n", 1)
    assert (await b.send("PUT", "/api/aslan/workflow/v4/w", renamed)).status == 200
    b.advance(100)
    assert (running.status, waiting.status) == ("passed", "waiting")


async def test_a_workflow_renamed_and_named_back_by_the_next_tick_keeps_its_line() -> None:
    b = two_lines()
    running, waiting = await b.run("w"), await b.run("w")
    b.advance(4)
    document = (await b.send("GET", "/api/aslan/workflow/v4/name/w")).body
    renamed = document.replace(b"name: w\n", b"name: v\n", 1)
    for name, body in (("w", renamed), ("v", document)):
        assert (await b.send("PUT", f"/api/aslan/workflow/v4/{name}", body)).status == 200
    b.advance(100)
    assert (running.status, waiting.status) == ("passed", "passed")


async def test_a_task_retried_after_its_workflow_is_gone_waits_for_ever() -> None:
    b = two_lines()
    task = await b.run("w")
    b.advance(4)
    await b.cancel(task)
    b.advance(4)
    await b.json("DELETE", "/openapi/workflows/custom?workflowKey=w&projectKey=p")
    await b.run("other")
    b.advance(4)
    await b.retry(task)
    other = await b.run("other")
    b.advance(100)
    assert (task.status, other.status) == ("waiting", "passed")
