"""Native approvals: who may vote, what decides, time-outs, and the ambiguous key."""

import json
from typing import Any

import pytest

from tests.emulator.worlds import START, Bench, world_of


def gate(**approval: Any) -> dict[str, Any]:
    return {"name": "gate", "approval": {"users": ["ann", "bob"], **approval}}


GATE = "job-0-0-0-gate"


async def waiting(b: Bench) -> Any:
    task = await b.run("w")
    b.advance(5)
    assert b.job(task, "gate").status == "wait_for_approval"
    assert (task.status, task.stages[0].status) == ("running", "running")
    return task


def description(answer: Any) -> str:
    return str(json.loads(answer.body)["description"])


async def test_one_approval_is_enough_and_shows_a_moment_later() -> None:
    b = Bench.of(world_of(gate()))
    task = await waiting(b)
    assert (await b.approve(task, GATE, token="ann", comment="go")).status == 200
    assert b.job(task, "gate").status == "wait_for_approval"
    b.advance(1)
    job = b.job(task, "gate")
    assert job.status == "passed"
    assert job.spec is not None
    ann, bob = job.spec["native_approval"]["approve_users"]
    assert (ann["reject_or_approve"], ann["comment"], ann["operation_time"]) == (
        "approve",
        "go",
        int(START) + 5,
    )
    assert "reject_or_approve" not in bob
    assert job.spec["native_approval"]["reject_or_approve"] == ""
    b.advance(5)
    assert task.status == "passed"


async def test_two_needed() -> None:
    b = Bench.of(world_of(gate(needed_approvers=2)))
    task = await waiting(b)
    await b.approve(task, GATE, token="ann")
    b.advance(30)
    job = b.job(task, "gate")
    assert job.status == "wait_for_approval"
    assert job.spec is not None
    assert job.spec["native_approval"]["approve_users"][0]["reject_or_approve"] == "approve"
    again = await b.approve(task, GATE, token="ann", approve=False)
    assert (again.status, description(again)) == (400, "ann have approve already")
    await b.approve(task, GATE, token="bob")
    b.advance(3)
    assert task.status == "passed"


async def test_any_reject_decides() -> None:
    b = Bench.of(world_of(gate(needed_approvers=2), {"name": "after"}))
    task = await waiting(b)
    await b.approve(task, GATE, token="ann")
    await b.approve(task, GATE, token="bob", approve=False, comment="no")
    b.advance(3)
    assert (task.status, task.stages[0].status, b.job(task, "gate").status) == ("reject", "reject", "reject")
    assert task.stages[1].status == ""


async def test_absent_approve_means_reject() -> None:
    b = Bench.of(world_of(gate()))
    task = await waiting(b)
    body = {"task_id": task.id, "workflow_key": "w", "stage_name": GATE}
    await b.json("POST", "/openapi/workflows/custom/task/approve", body, token="ann")
    b.advance(3)
    assert task.status == "reject"


async def test_an_administrator_is_no_substitute() -> None:
    b = Bench.of(world_of(gate()))
    task = await waiting(b)
    refused = await b.approve(task, GATE, token="root")
    assert description(refused) == "user root has no authority to Approve"


@pytest.mark.parametrize("name", ["gate", "stage-0", "job-0-0-1-gate", "JOB-0-0-0-gate"])
async def test_only_the_task_name_of_the_job_counts(name: str) -> None:
    b = Bench.of(world_of(gate()))
    task = await waiting(b)
    assert description(await b.approve(task, name, token="ann")) == "not found approval"


async def test_too_early_and_too_late() -> None:
    b = Bench.of(world_of({"name": "a"}, gate()))
    task = await b.run("w")
    b.advance(5)
    name = "job-1-0-0-gate"
    assert description(await b.approve(task, name, token="ann")) == "not found approval"
    b.advance(20)
    assert (await b.approve(task, name, token="ann")).status == 200
    b.advance(5)
    assert description(await b.approve(task, name, token="bob")) == "not found approval"


async def test_the_window_before_the_key_exists() -> None:
    b = Bench.of(world_of(gate(), approval_key_delay=1.0))
    task = await b.run("w")
    b.advance(4)
    assert b.job(task, "gate").status == "wait_for_approval"
    assert description(await b.approve(task, GATE, token="ann")) == "not found approval"
    b.advance(1)
    assert (await b.approve(task, GATE, token="ann")).status == 200


async def test_nobody_answers_in_time() -> None:
    b = Bench.of(world_of(gate(timeout=2)))
    task = await waiting(b)
    b.advance(117)
    assert task.status == "running"
    b.advance(5)
    job = b.job(task, "gate")
    assert (task.status, task.stages[0].status, job.status, job.error) == (
        "timeout",
        "timeout",
        "timeout",
        "workflow timeout",
    )
    assert description(await b.approve(task, GATE, token="ann")) == "not found approval"


async def test_no_limit_means_an_hour_for_the_job() -> None:
    b = Bench.of(world_of(gate(timeout=0)))
    task = await waiting(b)
    b.advance(3590)
    assert task.status == "running"
    b.advance(20)
    assert task.status == "timeout"


async def test_a_key_that_expires_first_fails_the_job() -> None:
    b = Bench.of(world_of(gate(timeout=60, key_timeout=1)))
    task = await waiting(b)
    b.advance(65)
    job = b.job(task, "gate")
    assert (job.status, job.error) == ("failed", "get approval status error: not found approval")
    assert task.status == "failed"


async def test_a_vote_renews_the_key() -> None:
    b = Bench.of(world_of(gate(timeout=60, key_timeout=1, needed_approvers=2)))
    task = await waiting(b)
    b.advance(50)
    await b.approve(task, GATE, token="ann")
    b.advance(50)
    assert task.status == "running"
    await b.approve(task, GATE, token="bob")
    b.advance(5)
    assert task.status == "passed"


async def test_a_rejected_gate_asks_again_after_a_retry_with_a_clean_list() -> None:
    b = Bench.of(world_of(gate()))
    task = await waiting(b)
    await b.approve(task, GATE, token="ann", approve=False)
    b.advance(5)
    await b.retry(task)
    b.advance(5)
    job = b.job(task, "gate")
    assert job.status == "wait_for_approval"
    assert job.spec is not None
    assert all("reject_or_approve" not in item for item in job.spec["native_approval"]["approve_users"])
    await b.approve(task, GATE, token="ann")
    b.advance(5)
    assert task.status == "passed"


async def test_names_that_join_to_the_same_key_share_their_vote() -> None:
    scenario = world_of(gate())
    workflow = scenario["projects"][0]["workflows"][0]
    scenario["projects"][0]["workflows"] = [{**workflow, "key": "pay"}]
    b = Bench.of(scenario)
    task = await b.run("pay")
    b.advance(5)
    # pay + job-0-0-0-gate and pay-job + 0-0-0-gate cannot be told apart once they are joined with hyphens
    body = {"task_id": 1, "workflow_key": "pay-job", "stage_name": "0-0-0-gate", "approve": True}
    await b.json("POST", "/openapi/workflows/custom/task/approve", body, token="ann")
    b.advance(5)
    assert task.status == "passed"


async def test_of_two_gates_with_one_key_the_older_task_gets_the_vote_and_the_other_finds_nothing() -> None:
    scenario = world_of(workflow_concurrency=5)
    build = {"name": "build", "prepare": 0, "duration": 10.5}  # both gates are polled at the same moments
    # pay + job-1-0-0-job-0-0-0-g and pay-job-1-0-0 + job-0-0-0-g
    scenario["projects"][0]["workflows"] = [
        {
            "key": "pay",
            "stages": [
                {"name": "a", "jobs": [build]},
                {"name": "b", "jobs": [{**gate(), "name": "job-0-0-0-g"}]},
            ],
        },
        {"key": "pay-job-1-0-0", "stages": [{"name": "a", "jobs": [{**gate(), "name": "g"}]}]},
    ]
    b = Bench.of(scenario)
    older, younger = await b.run("pay"), await b.run("pay-job-1-0-0")
    b.advance(20)
    jobs = b.job(older, "job-0-0-0-g"), b.job(younger, "g")
    assert [job.status for job in jobs] == ["wait_for_approval"] * 2
    assert jobs[0].start > jobs[1].start
    await b.approve(younger, "job-0-0-0-g", token="ann")
    b.advance(2)
    assert [job.status for job in jobs] == ["passed", "failed"]
    assert jobs[1].error == "get approval status error: not found approval"


async def test_a_vote_after_a_restart_is_taken_and_moves_nothing() -> None:
    b = Bench.of(world_of(gate()))
    task = await waiting(b)
    b.world.restart()
    assert (await b.approve(task, GATE, token="ann")).status == 200
    b.advance(100)
    assert (task.status, b.job(task, "gate").status) == ("cancelled", "wait_for_approval")


async def test_a_vote_shows_only_after_the_next_poll() -> None:
    b = Bench.of(world_of(gate(users=["ann", "bob", "root"], needed_approvers=3)))
    task = await waiting(b)
    for number, token in enumerate(("ann", "bob")):
        await b.approve(task, GATE, token=token)
        for seconds, seen in ((0.0, None), (1.0, "approve")):
            b.advance(seconds)
            spec = b.job(task, "gate").spec
            assert spec is not None
            assert spec["native_approval"]["approve_users"][number].get("reject_or_approve") == seen


async def test_groups_are_expanded_when_the_task_is_made() -> None:
    b = Bench.of(
        world_of(gate(users=["ann"], groups=["board"]), groups=[{"name": "board", "users": ["bob", "ann"]}])
    )
    task = await waiting(b)
    spec = b.job(task, "gate").spec
    assert spec is not None
    assert [item["user_name"] for item in spec["native_approval"]["approve_users"]] == ["ann", "bob"]
    assert (await b.approve(task, GATE, token="bob")).status == 200


@pytest.mark.parametrize(
    ("approval", "text"),
    [
        ({"users": []}, "num of approve-users is 0"),
        (
            {"users": ["ann"], "needed_approvers": 2},
            "all approve users should not less than needed approvers",
        ),
        ({"users": ["task_creator"]}, "num of approve-users is 0"),
    ],
)
async def test_a_misconfigured_gate_refuses_the_run(approval: dict[str, Any], text: str) -> None:
    scenario = world_of({"name": "gate", "type": "approval"})
    people = [
        {"type": "task_creator"} if name == "task_creator" else {"type": "user", "user_id": name}
        for name in approval["users"]
    ]
    native = {"approve_users": people, "needed_approvers": approval.get("needed_approvers", 1), "timeout": 1}
    scenario["projects"][0]["workflows"][0]["stages"][0]["jobs"][0]["spec"] = {"native_approval": native}
    b = Bench.of(scenario)
    body = {"workflow_key": "w", "project_key": "p", "inputs": [{"job_name": "gate"}]}
    answer = await b.send("POST", "/openapi/workflows/custom/task", body)
    assert (answer.status, json.loads(answer.body)["code"], description(answer)) == (400, 6160, text)


async def test_an_im_approval_cannot_be_answered_here() -> None:
    spec = {"type": "lark", "timeout": 1, "native_approval": None, "lark_approval": {"approval_nodes": []}}
    b = Bench.of(world_of({"name": "gate", "type": "approval", "spec": spec}))
    task = await waiting(b)
    assert description(await b.approve(task, GATE, token="ann")) == "not found approval"
    b.advance(100)
    assert task.status == "timeout"
