"""The tracker: what each further sight of a task adds."""

from datetime import UTC, datetime
from itertools import pairwise

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from zadig_async import Gate, GateKind, Status, TaskStatus
from zadig_async.model.lazy import lazy
from zadig_async.model.status import PHASE_OF
from zadig_async.model.task import JobStatus
from zadig_async.orchestrator.tracker import LIVE_LOG_TYPES, Tracker

SETTLE = 10.0


def sight(status: str, *jobs: JobStatus, gates: tuple[Gate, ...] = ()) -> TaskStatus:
    return TaskStatus(task_id=1, status=Status(status), jobs=lazy(jobs), gates=gates)


def job(status: str, name: str = "job-0-0-0-build", kind: str = "freestyle") -> JobStatus:
    return JobStatus(name=name, stage="build", type=kind, status=Status(status))


GATE = Gate(
    kind=GateKind.APPROVAL, stage="gate", job="job-1-0-0-gate", name="gate", approve_name="job-1-0-0-gate"
)


def test_a_change_is_told_once_with_what_was_before() -> None:
    tracker = Tracker(settle=SETTLE)
    first = tracker.observe(sight("waiting", job("")), 0.0)
    assert (first.task_before, first.jobs) == ("", ())
    second = tracker.observe(sight("running", job("prepare")), 1.0)
    assert second.task_before == "waiting"
    assert [(before, after.status) for before, after in second.jobs] == [("", "prepare")]
    third = tracker.observe(sight("running", job("prepare")), 2.0)
    assert (third.task_before, third.jobs, third.final) == (None, (), False)


def test_a_gate_is_told_when_it_opens_and_when_it_closes() -> None:
    tracker = Tracker(settle=SETTLE)
    assert tracker.observe(sight("running", gates=(GATE,)), 0.0).opened == (GATE,)
    still = tracker.observe(sight("running", gates=(GATE,)), 1.0)
    assert (still.opened, still.closed) == ((), ())
    assert tracker.observe(sight("running"), 2.0).closed == (GATE,)


@pytest.mark.parametrize("status", ["passed", "failed", "timeout", "reject", "skipped"])
def test_an_end_is_believed_at_once_and_told_once(status: str) -> None:
    tracker = Tracker(settle=SETTLE)
    assert tracker.observe(sight(status, job("passed")), 0.0).final
    assert not tracker.observe(sight(status, job("passed")), 1.0).final


@pytest.mark.parametrize(
    "status", ["running", "waiting", "pause", "wait_for_approval", "a word nobody knows", "", "created"]
)
def test_nothing_else_is_an_end(status: str) -> None:
    assert not Tracker(settle=SETTLE).observe(sight(status, job("passed")), 0.0).final


def test_a_cancelled_task_is_watched_until_it_has_settled() -> None:
    tracker = Tracker(settle=SETTLE)
    assert not tracker.observe(sight("cancelled", job("cancelled")), 0.0).final
    assert not tracker.observe(sight("cancelled", job("cancelled")), 9.0).final
    assert tracker.observe(sight("cancelled", job("cancelled")), 10.0).final


def test_a_cancelled_task_may_still_turn_out_passed() -> None:
    tracker = Tracker(settle=SETTLE)
    tracker.observe(sight("cancelled", job("running")), 0.0)
    step = tracker.observe(sight("passed", job("passed")), 8.0)
    assert (step.task_before, step.final) == ("cancelled", True)


def test_settling_starts_anew_when_the_task_moved_meanwhile() -> None:
    tracker = Tracker(settle=SETTLE)
    tracker.observe(sight("cancelled", job("cancelled")), 0.0)
    tracker.observe(sight("waiting", job("")), 5.0)
    assert not tracker.observe(sight("cancelled", job("cancelled")), 11.0).final


def test_a_task_cancelled_before_it_started_has_nothing_to_settle() -> None:
    assert Tracker(settle=SETTLE).observe(sight("cancelled", job("")), 0.0).final


def test_a_cancelled_task_whose_job_shows_as_running_is_believed_later() -> None:
    tracker = Tracker(settle=SETTLE)
    tracker.observe(sight("cancelled", job("running")), 0.0)
    assert not tracker.observe(sight("cancelled", job("running")), 59.0).final
    assert tracker.observe(sight("cancelled", job("running")), 60.0).final


@pytest.mark.parametrize(
    ("statuses", "opened", "closed"),
    [
        (["", "prepare", "running", "passed"], 1, 1),
        (["", "running", "debug_after", "running", "failed"], 1, 1),
        (["running", "failed", "", "prepare", "passed"], 2, 2),  # the task was retried
        (["", "skipped"], 0, 0),
        (["running", "wait_for_manual_error_handling", "unstable"], 1, 1),
        (["running", "a word nobody knows", "running", "passed"], 1, 1),  # not to be read twice
        (["running", "prepare", "running", "passed"], 2, 2),  # repeated between two sights
    ],
)
def test_a_log_is_opened_while_its_container_lives(statuses: list[str], opened: int, closed: int) -> None:
    tracker = Tracker(settle=SETTLE)
    steps = [tracker.observe(sight("running", job(status)), float(n)) for n, status in enumerate(statuses)]
    assert sum(len(step.logs_to_open) for step in steps) == opened
    assert sum(len(step.logs_to_close) for step in steps) == closed


def test_a_job_that_runs_since_another_time_has_another_log() -> None:
    def running(since: int) -> JobStatus:
        return attrs.evolve(job("running"), started_at=datetime.fromtimestamp(since, UTC))

    tracker = Tracker(settle=SETTLE)
    tracker.observe(sight("running", running(100)), 0.0)
    same = tracker.observe(sight("running", running(100)), 1.0)
    assert (same.logs_to_close, same.logs_to_open) == ((), ())
    again = tracker.observe(sight("running", running(130)), 2.0)
    assert [ended.name for ended in again.logs_to_close] == ["job-0-0-0-build"]
    assert [begun.name for begun in again.logs_to_open] == ["job-0-0-0-build"]
    assert again.jobs == ()


@pytest.mark.parametrize("kind", ["approval", "sql", "notification"])
def test_a_job_without_a_live_log_has_none_opened(kind: str) -> None:
    tracker = Tracker(settle=SETTLE)
    steps = [
        tracker.observe(sight("running", job(status, kind=kind)), 0.0) for status in ("", "running", "passed")
    ]
    assert all(not (step.logs_to_open or step.logs_to_close or step.logs_to_fetch) for step in steps)


jobs = st.lists(
    st.builds(
        JobStatus,
        name=st.sampled_from(["job-0-0-0-a", "job-0-1-0-b", "job-1-0-0-c"]),
        stage=st.just("s"),
        type=st.sampled_from([*sorted(LIVE_LOG_TYPES)[:3], "zadig-deploy", "unheard-of"]),
        status=st.sampled_from([*PHASE_OF, "unheard-of"]).map(Status),
        error=st.sampled_from(["", "workflow timeout"]),
    ),
    max_size=3,
    unique_by=lambda made: made.name,
)
histories = st.lists(
    st.tuples(
        st.sampled_from([*PHASE_OF, "unheard-of"]),
        jobs,
        st.booleans(),
        st.floats(0.0, 30.0),
    ),
    max_size=12,
)


@given(histories)
def test_whatever_the_history_steps_add_up(history: list[tuple[str, list[JobStatus], bool, float]]) -> None:
    """Gates and logs open before they close, changes chain, and an end is told only for an end."""
    tracker = Tracker(settle=SETTLE)
    now, open_gates, open_logs = 0.0, set[str](), set[str]()
    seen_status: dict[str, str] = {}
    told: list[tuple[str, str]] = []
    for status, listed, waiting, pause in history:
        now += pause
        step = tracker.observe(sight(status, *listed, gates=(GATE,) if waiting else ()), now)
        if step.task_before is not None:
            told.append((str(step.task_before), status))
        for gate in step.opened:
            assert gate.key not in open_gates
            open_gates.add(gate.key)
        for gate in step.closed:
            open_gates.remove(gate.key)
        assert open_gates == ({GATE.key} if waiting else set())
        for ended in step.logs_to_close:
            open_logs.remove(ended.name)
        for opened in step.logs_to_open:
            assert opened.name not in open_logs
            open_logs.add(opened.name)
        for before, after in step.jobs:
            assert before == seen_status.get(after.name, "")
        seen_status = {known.name: str(known.status) for known in listed}
        assert not step.final or Status(status).final
    assert all(first[1] == second[0] for first, second in pairwise(told))
