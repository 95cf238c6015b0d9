"""What became of a trigger without an answer: the decision alone, as tables and properties."""

from datetime import UTC, datetime
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from zadig_async.model.task import TaskSummary
from zadig_async.orchestrator.reconcile import (
    WAITS,
    Absent,
    Adopt,
    Baseline,
    Decision,
    Evidence,
    Facts,
    KeepLooking,
    Operation,
    Refused,
    Trigger,
    Undecidable,
    candidates,
    decide,
    next_wait,
)

RUN = "018f0000000000000000000000000000"
WINDOW = 300.0
NOON = 1_790_000_000


def task(task_id: int, *, made: int = NOON, creator: str = "bot") -> TaskSummary:
    return TaskSummary(
        task_id=task_id, workflow_key="api", creator=creator, created_at=datetime.fromtimestamp(made, UTC)
    )


BEFORE = (task(7, made=NOON - 60), task(6, made=NOON - 3600))
MARKED = Trigger(run=RUN, marker="zadig_async_run", account="bot", baseline=Baseline.of(BEFORE))
UNMARKED = attrs.evolve(MARKED, marker="", jobs=frozenset({"build", "deploy"}))
OURS = Facts(marked=RUN, jobs=frozenset({"build"}))
FOREIGN = Facts(marked="another", jobs=frozenset({"build"}))
FITS = Facts(jobs=frozenset({"build"}))


def evidence(*new: TaskSummary, facts: dict[int, Facts] | None = None, **more: Any) -> Evidence:
    return Evidence(tasks=(*new, *BEFORE), **{"anchored": True, "facts": facts or {}, **more})


def judge(trigger: Trigger, seen: Evidence, elapsed: float = 10.0) -> Decision:
    return decide(trigger, seen, elapsed=elapsed, window=WINDOW)


def test_a_marked_task_is_adopted_for_certain() -> None:
    seen = evidence(task(9), task(8), facts={8: FOREIGN, 9: OURS})
    assert judge(MARKED, seen) == Adopt(task=9, sure=True)


def test_of_several_marked_tasks_the_first_is_ours_and_the_others_are_duplicates() -> None:
    seen = evidence(task(11), task(10), task(9), facts={9: OURS, 10: FOREIGN, 11: OURS})
    assert judge(MARKED, seen) == Adopt(task=9, sure=True, duplicates=(11,))


def test_a_marker_tells_ours_from_another_of_the_same_account_and_second() -> None:
    seen = evidence(task(9), task(8), facts={8: OURS, 9: attrs.evolve(OURS, marked="x")})
    assert judge(MARKED, seen) == Adopt(task=8, sure=True)


def test_a_marked_task_counts_whoever_it_stands_under() -> None:
    assert judge(MARKED, evidence(task(8, creator="renamed"), facts={8: OURS})) == Adopt(task=8, sure=True)


def test_without_a_marker_the_only_task_that_fits_is_adopted_as_a_guess() -> None:
    assert judge(UNMARKED, evidence(task(8), facts={8: FITS})) == Adopt(task=8, sure=False)


@pytest.mark.parametrize(
    "facts", [Facts(jobs=frozenset({"build", "migrate"})), attrs.evolve(FITS, params_fit=False)]
)
def test_a_task_that_does_not_fit_is_not_ours(facts: Facts) -> None:
    seen = evidence(task(8), facts={8: facts})
    assert isinstance(judge(UNMARKED, seen), KeepLooking)
    assert judge(UNMARKED, seen, WINDOW) == Absent()


def test_tasks_of_other_accounts_are_not_even_looked_at() -> None:
    assert candidates(UNMARKED, [task(8, creator="alice"), task(9)]) == (9,)
    assert candidates(attrs.evolve(UNMARKED, account=""), [task(8, creator="alice"), task(9)]) == (8, 9)


def test_tasks_known_before_and_tasks_of_other_runs_are_not_candidates() -> None:
    assert candidates(attrs.evolve(MARKED, taken=frozenset({9})), [task(10), task(9), *BEFORE]) == (10,)


@pytest.mark.parametrize(
    ("trigger", "word"),
    [
        (attrs.evolve(UNMARKED, account=""), "whose account"),
        (attrs.evolve(UNMARKED, rivals=1), "another launch of ours"),
    ],
)
def test_a_guess_is_not_made_where_it_could_be_wrong(trigger: Trigger, word: str) -> None:
    seen = evidence(task(8), facts={8: FITS})
    assert isinstance(judge(trigger, seen), KeepLooking)
    end = judge(trigger, seen, WINDOW)
    assert isinstance(end, Undecidable)
    assert word in end.why
    assert end.candidates == (8,)


def test_two_tasks_that_fit_are_left_to_a_human() -> None:
    seen = evidence(task(9), task(8), facts={8: FITS, 9: FITS})
    end = judge(UNMARKED, seen, WINDOW)
    assert end == Undecidable(why="2 new tasks may be it", candidates=(8, 9))


def test_a_task_whose_detail_cannot_be_read_keeps_the_question_open() -> None:
    assert isinstance(judge(MARKED, evidence(task(8))), KeepLooking)
    # One failed read at the end of the window is no reason to give up a task that is there.
    assert isinstance(judge(MARKED, evidence(task(8)), WINDOW), KeepLooking)
    assert isinstance(judge(MARKED, evidence(task(8)), WINDOW * 2), Undecidable)
    # One that fits proves nothing while another is not read yet.
    assert isinstance(judge(UNMARKED, evidence(task(9), task(8), facts={8: FITS})), KeepLooking)


def test_absence_is_believed_at_the_end_of_the_window_and_not_before() -> None:
    assert isinstance(judge(MARKED, evidence(), WINDOW - 0.001), KeepLooking)
    assert judge(MARKED, evidence(), WINDOW) == Absent()


def test_a_list_that_is_not_the_one_of_before_never_proves_absence() -> None:
    for seen in (evidence(anchored=False), Evidence(read=True)):
        assert isinstance(judge(MARKED, seen, WINDOW * 100), Undecidable)


def test_a_list_that_cannot_be_read_keeps_the_question_open_for_longer() -> None:
    unread = Evidence(read=False)
    assert isinstance(judge(MARKED, unread, WINDOW), KeepLooking)
    end = judge(MARKED, unread, WINDOW * 2)
    assert end == Undecidable(why="the task list cannot be read")
    # Nor does the operation log alone end it: a task may have been made before the refusal.
    assert isinstance(judge(MARKED, Evidence(read=False, operation=Operation.REFUSED)), KeepLooking)


def test_a_likeness_is_no_task_of_ours_where_the_operation_log_says_that_it_was_refused() -> None:
    seen = evidence(task(8), facts={8: FITS}, operation=Operation.REFUSED)
    assert isinstance(judge(UNMARKED, seen), KeepLooking)
    end = judge(UNMARKED, seen, WINDOW)
    assert isinstance(end, Undecidable)
    assert "it was refused" in end.why


def test_an_empty_list_before_never_proves_absence() -> None:
    baseline = Baseline.of(())
    assert not baseline.reached_by(())
    assert not baseline.reached_by([task(1)])


def test_a_list_is_read_past_the_second_of_the_newest_known_task() -> None:
    baseline = Baseline.of(BEFORE)
    assert not baseline.reached_by([task(8)])
    # The anchor alone: a new task of its second may stand below it, on the next page.
    assert not baseline.reached_by([task(8), BEFORE[0]])
    assert baseline.reached_by([task(8), *BEFORE])


def test_the_operation_log_may_say_that_it_was_refused() -> None:
    assert judge(MARKED, evidence(operation=Operation.REFUSED)) == Refused()
    # A task speaks louder than the log.
    seen = evidence(task(8), facts={8: OURS}, operation=Operation.REFUSED)
    assert judge(MARKED, seen) == Adopt(task=8, sure=True)


@pytest.mark.parametrize("operation", [Operation.UNDER_WAY, Operation.DONE])
def test_while_the_operation_log_says_that_more_is_to_come_absence_is_not_believed(
    operation: Operation,
) -> None:
    seen = evidence(operation=operation)
    assert isinstance(judge(MARKED, seen, WINDOW), KeepLooking)
    end = judge(MARKED, seen, WINDOW * 2)
    assert isinstance(end, Undecidable)
    assert operation in end.why


def test_looks_come_less_and_less_often() -> None:
    assert [next_wait(looks) for looks in range(8)] == [0.0, *WAITS, WAITS[-1], WAITS[-1]]


TASKS = st.lists(
    st.builds(
        task, st.integers(1, 14), made=st.integers(NOON - 5, NOON + 5), creator=st.sampled_from(["bot", "al"])
    ),
    max_size=6,
    unique_by=lambda item: item.task_id,
)
FACTS = st.dictionaries(
    st.integers(1, 14),
    st.builds(
        Facts,
        marked=st.sampled_from([None, RUN, "x"]),
        jobs=st.sampled_from([frozenset(), frozenset({"build"}), frozenset({"migrate"})]),
        params_fit=st.booleans(),
    ),
)
TRIGGERS = st.builds(
    Trigger,
    run=st.just(RUN),
    marker=st.sampled_from(["", "zadig_async_run"]),
    account=st.sampled_from(["", "bot"]),
    jobs=st.just(frozenset({"build"})),
    baseline=st.builds(Baseline.of, TASKS),
    taken=st.frozensets(st.integers(1, 14), max_size=2),
    rivals=st.integers(0, 1),
)
EVIDENCE = st.builds(
    Evidence,
    tasks=TASKS.map(tuple),
    anchored=st.booleans(),
    facts=FACTS,
    operation=st.sampled_from(list(Operation)),
    read=st.booleans(),
)


@given(TRIGGERS, EVIDENCE, st.floats(0, 1000))
def test_what_always_holds(trigger: Trigger, seen: Evidence, elapsed: float) -> None:
    decision = decide(trigger, seen, elapsed=elapsed, window=WINDOW)
    if isinstance(decision, Adopt):
        # Never a task that was there before, that is another run's, or that was not looked at.
        for number in (decision.task, *decision.duplicates):
            assert number > trigger.baseline.highest
            assert number not in trigger.taken
            assert number in seen.facts
        if decision.sure:
            assert seen.facts[decision.task].marked == trigger.run
        else:
            assert not trigger.marker
            assert trigger.account
            assert not trigger.rivals
            assert not decision.duplicates
        assert all(seen.facts[number].marked == trigger.run for number in decision.duplicates)
    if isinstance(decision, Absent | Refused):
        assert seen.read
    if isinstance(decision, Absent):
        assert elapsed >= WINDOW
        assert seen.anchored
        assert seen.operation is Operation.SILENT
        for number in candidates(trigger, seen.tasks):
            assert number in seen.facts
            assert not trigger.marker or seen.facts[number].marked != trigger.run
    if isinstance(decision, KeepLooking):
        assert elapsed < WINDOW * 2  # it always ends


@given(TRIGGERS, EVIDENCE)
def test_it_ends(trigger: Trigger, seen: Evidence) -> None:
    assert not isinstance(decide(trigger, seen, elapsed=WINDOW * 2, window=WINDOW), KeepLooking)
