"""Gates: every way a task can wait for a human, in the words of every server."""

from datetime import UTC, datetime
from typing import Any

import pytest

from tests.support import golden
from zadig_async.model.gate import Gate, GateKind
from zadig_async.model.status import PHASE_OF, Phase
from zadig_async.model.task import Task
from zadig_async.model.user import User
from zadig_async.wire.detail import read_status, read_task
from zadig_async.wire.gates import voters

AT = 1_768_442_528
OPENED = datetime.fromtimestamp(AT, UTC)
USERS = [
    {
        "type": "user",
        "user_id": "u1",
        "user_name": "韩梅梅",
        "reject_or_approve": "approve",
        "comment": "ok",
        "operation_time": AT,
    },
    {"type": "user", "user_id": "u2", "user_name": "赵六"},
]


def task(*stages: dict[str, Any], status: str = "running") -> Task:
    document = {
        "task_id": 7,
        "workflow_key": "w",
        "project_key": "p",
        "status": status,
        "stages": list(stages),
    }
    body = golden.go_json(document)
    made = read_task(body)
    assert read_status(body).gates == made.gates, "a poll sees the same gates"
    return made


def stage(name: str = "s", *jobs: dict[str, Any], status: str = "running", **more: Any) -> dict[str, Any]:
    return {"name": name, "status": status, "start_time": AT, "jobs": list(jobs), **more}


def job(status: str, name: str = "job-1-0-0-gate", **more: Any) -> dict[str, Any]:
    return {"name": name, "origin_name": "gate", "status": status, "start_time": AT, **more}


def approval(kind: str = "native", **more: Any) -> dict[str, Any]:
    native = {"approve_users": USERS, "needed_approvers": 2, "timeout": 30}
    spec = {"type": kind, "timeout": 45, "description": "请确认", "native_approval": native, **more}
    return job("wait_for_approval", type="approval", spec=spec)


def only(made: Task) -> Gate:
    (gate,) = made.gates
    return gate


def test_native_approval() -> None:
    made = task(stage("审批", approval()))
    gate = only(made)
    assert (gate.kind, gate.stage, gate.job, gate.name) == (
        GateKind.APPROVAL,
        "审批",
        "job-1-0-0-gate",
        "gate",
    )
    assert gate.approve_name == "job-1-0-0-gate"
    assert gate.passable
    assert gate.key == "job-1-0-0-gate"
    assert gate.description == "请确认"
    assert (gate.needed, gate.approved) == (2, 1)
    assert (gate.timeout, gate.opened_at) == (45 * 60.0, OPENED)
    assert [user.user_name for user in gate.approvers] == ["韩梅梅", "赵六"]
    assert gate.approvers[0].decided_at == OPENED
    assert gate.decided_with("ok")
    assert not gate.decided_with("")
    assert not gate.decided_with("o")
    assert made.phase is Phase.ATTENTION


def test_a_job_without_configured_name_is_named_as_it_runs() -> None:
    assert only(task(stage("s", {**approval(), "origin_name": ""}))).name == "job-1-0-0-gate"


def test_no_timeout_means_the_servers_own() -> None:
    assert only(task(stage("s", approval(timeout=0)))).timeout == 3600.0


@pytest.mark.parametrize("kind", ["lark", "lark_intl", "dingtalk", "workwx", "from-the-future", ""])
def test_an_approval_elsewhere_is_seen_and_not_ours_to_pass(kind: str) -> None:
    gate = only(task(stage("s", approval(kind, native_approval=None))))
    assert gate.kind is GateKind.EXTERNAL_APPROVAL
    assert not gate.passable
    assert (gate.name, gate.approvers, gate.needed) == ("gate", (), 0)


@pytest.mark.parametrize(
    "spec",
    [None, [], {"type": 5}, {"type": "native", "native_approval": {"approve_users": [{"user_id": 1}]}}],
)
def test_an_approval_that_cannot_be_read_is_still_a_gate(spec: Any) -> None:
    waiting = {**approval(), "spec": spec}
    made = task(stage("s", waiting))
    gate = only(made)
    assert gate.kind is GateKind.EXTERNAL_APPROVAL
    assert not gate.passable
    assert made.phase is Phase.ATTENTION
    assert voters(made, gate.key) == ()


@pytest.mark.parametrize("status", [word for word in PHASE_OF if word != "wait_for_approval"])
def test_an_approval_job_is_a_gate_only_while_it_waits(status: str) -> None:
    gates = task(stage("s", {**approval(), "status": status})).gates
    assert not [gate for gate in gates if gate.kind in {GateKind.APPROVAL, GateKind.EXTERNAL_APPROVAL}]


@pytest.mark.parametrize("status", [word for word, phase in PHASE_OF.items() if phase.final])
def test_no_gate_is_open_once_the_task_has_ended(status: str) -> None:
    made = task(
        stage("a", approval()),
        stage("b", status="pause", manual_exec={"enabled": True}),
        stage("c", job("debug_before"), job("wait_for_manual_error_handling")),
        stage("d", approval={"enabled": True}),
        status=status,
    )
    assert made.gates == ()
    assert made.phase.final


def test_manual_error_handling() -> None:
    policy = {"policy": "manual_check", "approval_users": USERS}
    gate = only(task(stage("s", job("wait_for_manual_error_handling", error_policy=policy))))
    assert gate.kind is GateKind.ERROR_HANDLING
    assert not gate.passable
    assert [user.user_id for user in gate.approvers] == ["u1", "u2"]
    assert only(task(stage("s", job("wait_for_manual_error_handling")))).approvers == ()


@pytest.mark.parametrize("status", ["debug_before", "debug_after"])
def test_breakpoint(status: str) -> None:
    gate = only(task(stage("s", job(status))))
    assert gate.kind is GateKind.BREAKPOINT
    assert not gate.passable
    assert gate.opened_at == OPENED


MANUAL = {"enabled": True, "modify_params": False, "manual_exec_users": USERS}


def test_manual_stage() -> None:
    made = task(stage("a", status="passed"), stage("b", status="pause", manual_exec=MANUAL), status="pause")
    gate = only(made)
    assert (gate.kind, gate.stage, gate.job, gate.name) == (GateKind.MANUAL_STAGE, "b", "", "b")
    assert gate.key == "b"
    assert not gate.passable
    assert [user.user_id for user in gate.approvers] == ["u1", "u2"]
    assert made.phase is Phase.ATTENTION


def test_a_stage_that_pauses_without_saying_for_whom() -> None:
    assert only(task(stage("b", status="pause"), status="pause")).approvers == ()


def test_only_the_stage_that_is_held_now_is_a_gate() -> None:
    later = stage("c", status="", manual_exec=MANUAL)
    made = task(stage("b", status="pause", manual_exec=MANUAL), later, status="pause")
    assert only(made).stage == "b"


def test_the_task_pauses_before_its_stage_says_so() -> None:
    done = stage("a", status="passed", manual_exec=MANUAL)
    released = stage("b", status="", manual_exec={**MANUAL, "excuted": True})
    off = stage("c", status="", manual_exec={"enabled": False})
    held = stage("d", status="running", manual_exec=MANUAL)
    later = stage("e", status="", manual_exec=MANUAL)
    assert only(task(done, released, off, held, later, status="pause")).stage == "d"
    assert task(done, released, off, held, later, status="running").gates == ()


def test_gates_come_in_the_order_of_the_stages() -> None:
    made = task(
        stage("a", approval(), {**approval(), "name": "job-0-1-0-gate"}),
        stage("b", job("debug_after")),
    )
    assert [gate.key for gate in made.gates] == ["job-1-0-0-gate", "job-0-1-0-gate", "job-1-0-0-gate"]


# The stage approval of older servers, as the official page still shows it.

OLD = {
    "enabled": True,
    "approve_users": [{"user_name": "admin", "user_id": "u9"}],
    "timeout": 120,
    "needed_approvers": 1,
    "description": "需审批通过方可部署",
    "reject_or_approve": "",
}
OLD_NATIVE = {
    "enabled": True,
    "type": "native",
    "description": "",
    "native_approval": {"Timeout": 5, "approve_users": USERS, "NeededApprovers": 2},
    "dingtalk_approval": {"Timeout": 5},
}


@pytest.mark.parametrize("status", ["running", "wait_for_approval", "prepare"])
def test_stage_approval(status: str) -> None:
    made = task(stage("部署", job(""), status=status, approval=OLD))
    gate = only(made)
    assert (gate.kind, gate.stage, gate.name, gate.key) == (GateKind.STAGE_APPROVAL, "部署", "部署", "部署")
    assert gate.approve_name == "部署"
    assert gate.passable
    assert (gate.needed, gate.timeout, gate.opened_at) == (1, 7200.0, OPENED)
    assert gate.description == "需审批通过方可部署"
    assert [(user.user_name, user.user_id) for user in gate.approvers] == [("admin", "u9")]
    assert made.phase is Phase.ATTENTION


def test_stage_approval_with_an_inner_object() -> None:
    gate = only(task(stage("s", job("waiting"), approval=OLD_NATIVE)))
    assert gate.passable
    assert (gate.needed, gate.timeout, gate.approved) == (2, 300.0, 1)
    assert gate.approvers[0] == User(
        type="user", user_id="u1", user_name="韩梅梅", decision="approve", comment="ok", decided_at=OPENED
    )


@pytest.mark.parametrize("kind", ["lark", "dingtalk", "workwx"])
def test_stage_approval_elsewhere(kind: str) -> None:
    gate = only(task(stage("s", approval={**OLD, "type": kind})))
    assert gate.kind is GateKind.EXTERNAL_APPROVAL
    assert not gate.passable


@pytest.mark.parametrize(
    ("status", "change", "jobs"),
    [
        ("", {}, []),
        ("passed", {}, []),
        ("reject", {}, []),
        ("running", {"enabled": False}, []),
        ("running", {"enabled": "true"}, []),
        ("running", {"enabled": None}, []),
        ("running", {"reject_or_approve": "approve"}, []),
        ("running", {"reject_or_approve": "reject"}, []),
        ("running", {}, [job("running")]),
        ("running", {}, [job(""), job("passed")]),
    ],
)
def test_stage_approval_that_is_not_open(
    status: str, change: dict[str, Any], jobs: list[dict[str, Any]]
) -> None:
    assert task(stage("s", *jobs, status=status, approval={**OLD, **change})).gates == ()


@pytest.mark.parametrize("value", [None, 0, -1, 1.5, True, "5", [], {"a": 1}, [1, None, "x"]])
def test_a_stage_approval_of_any_shape_is_still_a_gate(value: Any) -> None:
    strange = {"timeout": value, "needed_approvers": value, "approve_users": value, "description": value}
    users = [{"user_id": value, "operation_time": value, "reject_or_approve": value}]
    for approval in (
        {**OLD, **strange},
        {**OLD, "approve_users": users},
        {"enabled": True, "native_approval": value},
        {"enabled": True, "native_approval": strange},
    ):
        gate = only(task(stage("s", approval=approval)))
        assert gate.passable
        assert gate.approved == 0
        assert all(user.decided_at is None for user in gate.approvers)


def test_the_page_shows_a_stage_approval_that_was_given() -> None:
    made = read_task(golden.body("task-detail.json", golden.PAGE))
    assert made.gates == ()
    (voter,) = voters(made, "部署")
    assert (voter.user_name, voter.decision, voter.comment) == ("admin", "approve", "LGTM")
    assert voter.decided_at == datetime.fromtimestamp(1664172985, UTC)


# Votes, also after the gate has closed.


def test_voters_of_an_approval_job() -> None:
    made = task(stage("s", {**approval(), "status": "passed"}), status="passed")
    assert made.gates == ()
    assert [user.decision for user in voters(made, "job-1-0-0-gate")] == ["approve", ""]


def test_nobody_votes_elsewhere() -> None:
    made = task(stage("s", approval("lark", native_approval=None), job("passed", name="build")))
    assert voters(made, "job-1-0-0-gate") == ()
    assert voters(made, "build") == ()
    assert voters(made, "s") == ()
    assert voters(made, "no such gate") == ()


@pytest.mark.parametrize(
    ("name", "kinds"),
    [
        ("task-detail-waiting-approval.json", [GateKind.APPROVAL]),
        ("task-detail-paused.json", [GateKind.MANUAL_STAGE]),
        ("task-detail-manual-error-handling.json", [GateKind.ERROR_HANDLING]),
        ("task-detail-running.json", []),
        ("task-detail-approval-timeout.json", []),
        ("task-detail-cancelled-while-waiting.json", []),
        ("task-detail-rejected.json", []),
    ],
)
def test_golden_gates(name: str, kinds: list[GateKind]) -> None:
    made = read_task(golden.body(name))
    assert [gate.kind for gate in made.gates] == kinds
    assert read_status(golden.body(name)).gates == made.gates


@pytest.mark.parametrize("minutes", [2**63, 10**400], ids=["large", "huge"])
def test_a_time_out_no_clock_can_hold_is_still_a_gate(minutes: int) -> None:
    spec = {"type": "native", "timeout": minutes, "native_approval": {"approve_users": []}}
    old = stage("old", approval={"enabled": True, "timeout": minutes})
    new = stage("new", job("wait_for_approval", type="approval", spec=spec))
    assert [gate.timeout for gate in task(old, new).gates] == [6e13, 6e13]
