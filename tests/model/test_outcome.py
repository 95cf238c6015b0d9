"""Outcomes: one verdict for each final phase, and the job to blame."""

import pytest

from zadig_async.model.ids import TaskRef, WorkflowRef
from zadig_async.model.lazy import lazy
from zadig_async.model.outcome import Outcome, Verdict, verdict_of
from zadig_async.model.status import Phase, Status
from zadig_async.model.task import JobRun, StageRun, Task
from zadig_async.wire.codec import moment

FLOW = WorkflowRef("shop", "deploy")


@pytest.mark.parametrize(
    ("phase", "verdict"),
    [
        (Phase.SUCCEEDED, Verdict.SUCCEEDED),
        (Phase.FAILED, Verdict.FAILED),
        (Phase.REJECTED, Verdict.REJECTED),
        (Phase.CANCELLED, Verdict.CANCELLED),
        (Phase.TIMED_OUT, Verdict.TIMED_OUT),
        (Phase.SKIPPED, Verdict.SKIPPED),
    ],
)
def test_a_final_phase_has_its_verdict(phase: Phase, verdict: Verdict) -> None:
    assert verdict_of(phase) is verdict


@pytest.mark.parametrize("phase", [phase for phase in Phase if not phase.final])
def test_no_verdict_before_the_end(phase: Phase) -> None:
    with pytest.raises(KeyError):
        verdict_of(phase)


@pytest.mark.parametrize("verdict", Verdict)
def test_only_success_is_ok(verdict: Verdict) -> None:
    assert Outcome(workflow=FLOW, verdict=verdict).ok == (verdict is Verdict.SUCCEEDED)


def job(name: str, status: str, ended: int = 0) -> JobRun:
    return JobRun(name=name, status=Status(status), ended_at=moment(ended))


def outcome(*stages: list[JobRun]) -> Outcome:
    made = tuple(StageRun(name=str(index), jobs=tuple(jobs)) for index, jobs in enumerate(stages))
    task = Task(task_id=1, workflow_key="deploy", project_key="shop", stages=lazy(made))
    return Outcome(workflow=FLOW, verdict=Verdict.FAILED, ref=TaskRef("shop", "deploy", 1), task=task)


def first(made: Outcome) -> str | None:
    return made.first_failure.name if made.first_failure is not None else None


def test_the_first_failure_is_the_one_that_ended_first() -> None:
    assert first(outcome([job("a", "passed", 5), job("b", "failed", 9)], [job("c", "timeout", 7)])) == "c"


@pytest.mark.parametrize("status", ["failed", "reject", "timeout", "cancelled"])
def test_every_bad_end_counts(status: str) -> None:
    assert first(outcome([job("a", status, 3)])) == "a"


@pytest.mark.parametrize("status", ["passed", "unstable", "skipped", "", "running", "brand_new"])
def test_nothing_else_is_a_failure(status: str) -> None:
    assert first(outcome([job("a", status, 3)])) is None


def test_a_failure_without_an_end_comes_last() -> None:
    assert first(outcome([job("a", "cancelled"), job("b", "failed", 9)])) == "b"
    assert first(outcome([job("a", "cancelled")])) == "a"


def test_nobody_is_to_blame_where_no_task_was_read() -> None:
    assert Outcome(workflow=FLOW, verdict=Verdict.UNKNOWN).first_failure is None
