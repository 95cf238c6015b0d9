"""Rules: what they match, and that without one nothing is allowed."""

from typing import Any

import attrs
import pytest

from zadig_async import ApprovalPolicy, ApprovalRule, Gate, GateKind, RunPolicy, Status, TaskRef, TaskStatus
from zadig_async.errors import ConfigError
from zadig_async.model.lazy import lazy
from zadig_async.model.status import Phase
from zadig_async.model.task import JobStatus
from zadig_async.orchestrator import cadence

REF = TaskRef("shop", "deploy-api", 7)
GATE = Gate(
    kind=GateKind.APPROVAL, stage="approve", job="job-1-0-0-gate", name="gate", approve_name="job-1-0-0-gate"
)


def seen(*statuses: str) -> TaskStatus:
    jobs = [
        JobStatus(name=f"job-0-{index}-0-x", stage="build", status=Status(status))
        for index, status in enumerate(statuses)
    ]
    jobs.append(JobStatus(name=GATE.job, stage=GATE.stage, status=Status("wait_for_approval")))
    return TaskStatus(task_id=7, status=Status("running"), jobs=lazy(tuple(jobs)), gates=(GATE,))


def rule(**fields: Any) -> ApprovalRule:
    names = {"project": "shop", "workflow": "deploy-*", "gate": "gate"}
    return ApprovalRule(**{**names, "own_tasks": True, **fields})


def test_nothing_is_allowed_by_default() -> None:
    permission = ApprovalPolicy().permission(REF, GATE, seen("passed"))
    assert (permission.allowed, permission.reason) == (False, "no rule allows it")
    assert RunPolicy().approvals == ApprovalPolicy()


@pytest.mark.parametrize(
    ("fields", "allowed"),
    [
        ({}, True),
        ({"workflow": "deploy-api"}, True),
        ({"workflow": "deploy"}, False),
        ({"workflow": "DEPLOY-*"}, False),
        ({"project": "shop2"}, False),
        ({"project": "*"}, True),
        ({"gate": "gat"}, False),
        ({"gate": "g?te"}, True),
        ({"gate": "job-1-0-0-gate"}, False),
    ],
)
def test_a_rule_matches_names_in_full(fields: dict[str, str], allowed: bool) -> None:
    policy = ApprovalPolicy([rule(**fields)])
    assert policy.permission(REF, GATE, seen("passed")).allowed is allowed


@pytest.mark.parametrize("status", ["unstable", "failed", "running", "", "a word nobody knows"])
def test_earlier_jobs_must_have_passed(status: str) -> None:
    assert not ApprovalPolicy([rule()]).permission(REF, GATE, seen("passed", status)).allowed
    assert ApprovalPolicy([rule(after_passed=False)]).permission(REF, GATE, seen("passed", status)).allowed


def test_jobs_that_were_skipped_by_condition_do_not_stand_in_the_way() -> None:
    assert ApprovalPolicy([rule()]).permission(REF, GATE, seen("passed", "skipped")).allowed


def test_a_task_of_another_project_than_named_is_never_approved() -> None:
    elsewhere = attrs.evolve(seen("passed"), project_key="billing")
    permission = ApprovalPolicy([rule()]).permission(REF, GATE, elsewhere)
    assert (permission.allowed, permission.reason) == (False, "the task is in the project billing, not shop")
    here = attrs.evolve(seen("passed"), project_key="shop")
    assert ApprovalPolicy([rule()]).permission(REF, GATE, here).allowed


def test_one_rule_that_allows_is_enough() -> None:
    policy = ApprovalPolicy([rule(), rule(after_passed=False)])
    assert policy.permission(REF, GATE, seen("unstable")).allowed


@pytest.mark.parametrize("kind", sorted(set(GateKind) - {GateKind.APPROVAL, GateKind.STAGE_APPROVAL}))
def test_what_the_api_cannot_pass_is_never_allowed(kind: GateKind) -> None:
    gate = Gate(kind=kind, stage="approve", name="gate")
    everything = ApprovalPolicy([rule(project="*", workflow="*", gate="*", after_passed=False)])
    assert not everything.permission(REF, gate, seen("passed")).allowed


@pytest.mark.parametrize("fields", [{"gate": ""}, {"gate": None}, {"workflow": ["a"]}])
def test_a_rule_that_names_nothing_is_refused(fields: dict[str, Any]) -> None:
    with pytest.raises(ConfigError):
        rule(**fields)


@pytest.mark.parametrize("fields", [{"concurrency": 0}, {"poll_every": 0.0}, {"poll_every": float("nan")}])
def test_a_policy_that_cannot_work_is_refused(fields: dict[str, Any]) -> None:
    with pytest.raises(ConfigError):
        RunPolicy(**fields)


@pytest.mark.parametrize("phase", Phase)
@pytest.mark.parametrize("since_change", [0.0, 119.0, 121.0, 1e6])
@pytest.mark.parametrize("every", [0.05, 3.0, 60.0])
def test_every_pause_is_positive_and_bounded(phase: Phase, since_change: float, every: float) -> None:
    assert every <= cadence.next_look(phase, since_change=since_change, every=every) <= 4 * every


def test_failures_wait_longer_each_time_up_to_half_a_minute() -> None:
    waits = [cadence.back_off(failures, every=3.0) for failures in range(1, 30)]
    assert waits[:4] == [3.0, 6.0, 12.0, 24.0]
    assert waits == sorted(waits)
    assert waits[-1] == 30.0
