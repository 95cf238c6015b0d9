"""Quirks of the task list that a scenario may ask for, and the ghost among the tasks."""

from typing import Any

import pytest

from tests.emulator.worlds import Bench, world_of
from zadig_async.emulator.faults import Fault
from zadig_async.emulator.script import Script, ScriptError

LIST = "/openapi/workflows/custom/w/tasks?projectKey=p"
TASK = "/openapi/workflows/custom/task"
RUN = {"workflow_key": "w", "project_key": "p", "inputs": [{"job_name": "a"}]}


def bench(**quirks: Any) -> Bench:
    return Bench.of(world_of({"name": "a"}, **quirks))


async def listed(b: Bench, query: str = "&pageSize=100") -> tuple[int, list[int]]:
    value = await b.json("GET", LIST + query)
    return value["total"], [row["task_id"] for row in value["workflow_tasks"]]


async def test_ties_are_shuffled_anew_for_every_request_and_nothing_else_is() -> None:
    b = bench(list_shuffles_ties=True)
    for _ in range(2):
        for _ in range(8):
            await b.run("w")
        b.advance(1)
    answers = [(await listed(b))[1] for _ in range(5)]
    assert len({tuple(answer) for answer in answers}) == 5
    for answer in answers:
        assert sorted(answer[:8]) == list(range(9, 17))
        assert sorted(answer[8:]) == list(range(1, 9))
    again = bench(list_shuffles_ties=True)
    for _ in range(2):
        for _ in range(8):
            await again.run("w")
        again.advance(1)
    assert [(await listed(again))[1] for _ in range(5)] == answers, "the same in every run of a test"


async def test_order_is_by_creation_and_not_by_id() -> None:
    ages = {1: 10.0, 2: 500.0, 3: 100.0, 4: 100.5}
    b = bench(tasks=[{"id": number, "age": age, "duration": 1} for number, age in ages.items()])
    await b.run("w")
    assert await listed(b) == (5, [5, 1, 3, 4, 2])
    assert await listed(b, "&pageNum=0") == (5, [1, 2, 3, 4, 5])


async def test_a_status_with_capitals_loses_them() -> None:
    b = bench()
    (await b.run("w")).status = "notRun"
    (row,) = (await b.json("GET", LIST))["workflow_tasks"]
    assert row["status"] == "notrun"


@pytest.mark.parametrize(
    ("query", "ids"),
    [
        ("&pageSize=50", [7, 6, 5]),
        ("&pageSize=50&pageNum=3", [1]),
        ("&pageSize=2&pageNum=2", [5, 4]),
        ("&pageSize=0", [7, 6, 5]),
        ("&pageNum=0", [1, 2, 3, 4, 5, 6, 7]),
    ],
)
async def test_a_cap_on_the_page_size(query: str, ids: list[int]) -> None:
    b = bench(list_page_cap=3)
    for _ in range(7):
        await b.run("w")
    assert await listed(b, query) == (7, ids)


async def test_new_tasks_are_hidden_for_a_while() -> None:
    b = bench(list_hides_new=5.0)
    await b.run("w")
    b.advance(4)
    task = await b.run("w")
    assert await listed(b) == (0, [])
    b.advance(1)
    assert await listed(b) == (1, [1])
    assert (await b.send("GET", f"{TASK}?taskId={task.id}&workflowKey=w")).status == 200
    b.advance(4)
    assert await listed(b, "&pageNum=0") == (2, [1, 2])


async def test_every_other_task_shows_up_after_the_next_one() -> None:
    b = bench(list_hides_new=5.0, list_hides_every=2)
    for _ in range(4):
        await b.run("w")
        b.advance(1)
    assert await listed(b) == (2, [3, 1])
    b.advance(2)
    assert await listed(b) == (3, [3, 2, 1])
    b.advance(2)
    assert await listed(b) == (4, [4, 3, 2, 1])


@pytest.mark.parametrize(
    ("key", "value", "text"),
    [
        ("list_hides_every", 0, "list_hides_every: 0 is not at least 1"),
        ("list_hides_new", -1, "list_hides_new: -1.0 is negative"),
        ("list_page_cap", -1, "list_page_cap: -1 is negative"),
        ("list_shuffles_ties", "yes", "list_shuffles_ties: should be true or false"),
    ],
)
def test_quirks_that_make_no_sense(key: str, value: Any, text: str) -> None:
    with pytest.raises(ScriptError, match=text):
        Script.load({key: value})


async def test_a_ghost_is_stored_but_never_runs() -> None:
    b = bench()
    b.dialect.faults.add(Fault(kind="ghost", method="POST", path=TASK))
    answer = await b.send("POST", TASK, RUN)
    assert (answer.status, b'"code":6160' in answer.body) == (400, True)
    (ghost,) = b.world.tasks
    after = await b.run("w")
    b.advance(1000)
    assert (ghost.status, after.status) == ("waiting", "passed")
    assert await listed(b) == (2, [2, 1])
    (seen, created, *_) = b.dialect.ledger
    assert (b.dialect.ledger.requests[0].fault, b.dialect.ledger.requests[0].status) == ("ghost", 400)
    assert (type(seen).__name__, type(created).__name__) == ("RequestSeen", "TaskCreated")
    assert [entry.status for entry in b.world.operations] == [400, 200]
    assert (await b.cancel(ghost)).status == 200
    assert (ghost.status, ghost.end) == ("cancelled", 0)


async def test_a_ghost_ends_with_a_restart() -> None:
    b = bench()
    b.dialect.faults.add(Fault(kind="ghost"))
    await b.send("POST", TASK, RUN)
    b.world.restart()
    assert [(task.status, task.revoker) for task in b.world.tasks] == [("cancelled", "system")]


async def test_what_is_no_trigger_knows_no_ghosts() -> None:
    b = bench()
    b.dialect.faults.add(Fault(kind="ghost", times=2))
    assert (await b.send("GET", LIST)).status == 200
    assert (await b.send("POST", TASK, {**RUN, "workflow_key": "x"})).status == 400
    assert b.world.tasks == []
    assert (await b.run("w")).status == "waiting"
