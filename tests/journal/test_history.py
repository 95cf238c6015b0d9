"""What records add up to, kind by kind."""

from typing import Any

import pytest

from zadig_async.journal import drafts
from zadig_async.journal.history import History, RunState
from zadig_async.journal.records import Act, Draft, Kind, Record, Scope
from zadig_async.model.ids import WorkflowRef

API = Scope("z", WorkflowRef("shop", "api"))
RUN = "r1"


def history(*written: Draft, scope: Scope = API) -> History:
    return History(
        Record(
            seq=seq,
            at=100.0 + seq,
            scope=scope,
            token=1,
            kind=draft.kind,
            run=draft.run,
            act=draft.act,
            data=draft.data,
        )
        for seq, draft in enumerate(written, 1)
    )


def sent(attempt: int = 1) -> Draft:
    return drafts.sent(
        RUN, attempt=attempt, highest=3, anchors=[3], newest=1.0, marker="m", account="bot", jobs=["build"]
    )


INTENT = drafts.intent(RUN, {"jobs": "all"}, batch="b1", origin={"file": "x"})


@pytest.mark.parametrize(
    ("written", "state", "task", "attempts"),
    [
        ([INTENT], RunState.INTENDED, None, 0),
        ([INTENT, sent()], RunState.SENT, None, 1),
        ([INTENT, sent(), drafts.not_sent(RUN, "x")], RunState.INTENDED, None, 0),
        ([INTENT, sent(), drafts.accepted(RUN, 4)], RunState.LAUNCHED, 4, 1),
        ([INTENT, sent(), drafts.refused(RUN, {"type": "x"})], RunState.FINISHED, None, 1),
        ([INTENT, sent(), drafts.unknown(RUN, "x")], RunState.UNKNOWN, None, 1),
        ([INTENT, sent(), drafts.unknown(RUN, "x", final=True)], RunState.UNKNOWN, None, 1),
        (
            [INTENT, sent(), drafts.unknown(RUN, "x"), drafts.adopted(RUN, 5, sure=True)],
            RunState.LAUNCHED,
            5,
            1,
        ),
        ([INTENT, sent(), drafts.unknown(RUN, "x"), drafts.absent(RUN)], RunState.SENT, None, 1),
        (
            [INTENT, sent(), drafts.absent(RUN), sent(2), drafts.not_sent(RUN, "x")],
            # The second was never sent; of the first one a late task may still come.
            RunState.SENT,
            None,
            1,
        ),
        (
            [INTENT, sent(), drafts.accepted(RUN, 4), drafts.finished(RUN, "failed")],
            RunState.FINISHED,
            4,
            1,
        ),
        ([drafts.adopted(RUN, 9, sure=True)], RunState.LAUNCHED, 9, 0),
        (
            [INTENT, sent(), drafts.unknown(RUN, "x"), drafts.settled(RUN, "refused")],
            RunState.FINISHED,
            None,
            1,
        ),
        (
            [
                INTENT,
                sent(),
                drafts.accepted(RUN, 4),
                drafts.finished(RUN, "failed"),
                drafts.control_intent(Act.RETRY, RUN, 4, "x"),
                drafts.write_sent(Act.RETRY, RUN, 4),
            ],
            # It may run again, so somebody has to look.
            RunState.LAUNCHED,
            4,
            1,
        ),
    ],
)
def test_a_run_goes_from_state_to_state(
    written: list[Draft], state: RunState, task: int | None, attempts: int
) -> None:
    entry = history(*written).runs[RUN]
    assert (entry.state, entry.task, len(entry.sent)) == (state, task, attempts)
    assert entry.unresolved is (state in {RunState.SENT, RunState.UNKNOWN})
    assert entry.open is (state is not RunState.FINISHED)


def test_a_run_keeps_what_it_is_made_anew_from() -> None:
    entry = history(INTENT).runs[RUN]
    assert (entry.batch, entry.recipe, entry.origin) == ("b1", {"jobs": "all"}, {"file": "x"})
    assert entry.intended_at == 101.0
    assert entry.scope == API


@pytest.mark.parametrize(
    ("written", "doubtful"),
    [
        ([INTENT, sent(), drafts.accepted(RUN, 4)], False),
        ([INTENT, sent(), drafts.unknown(RUN, "x"), drafts.adopted(RUN, 4, sure=True)], True),
        ([INTENT, sent(), drafts.absent(RUN), sent(2), drafts.accepted(RUN, 4)], True),
        ([INTENT, sent(), drafts.not_sent(RUN, "x"), sent(), drafts.accepted(RUN, 4)], False),
        ([drafts.adopted(RUN, 4, sure=True)], False),
    ],
)
def test_more_than_one_task_may_come_of_some_runs(written: list[Draft], doubtful: bool) -> None:
    assert history(*written).runs[RUN].doubtful is doubtful


def test_tasks_lead_to_their_runs() -> None:
    past = history(INTENT, sent(), drafts.accepted(RUN, 4), drafts.duplicate(RUN, 5))
    entry = past.runs[RUN]
    other = Scope("another server", API.workflow)
    assert past.of_task(API, 4) is entry
    assert past.of_task(API, 5) is None
    assert past.of_task(other, 4) is None
    assert past.of_duplicate(API, 5) is entry
    assert past.of_duplicate(API, 4) is None
    assert entry.duplicates == {5}
    assert past.of_scope(API) == (entry,)
    assert past.of_scope(other) == ()
    assert past.open_runs("z") == (entry,)
    assert past.open_runs("another server") == ()


def vote(mark: str, *more: Draft) -> list[Draft]:
    return [
        drafts.vote_intent(RUN, 4, "job-1-0-0-gate", 7.0, rule="r", mark=mark),
        drafts.write_sent(Act.APPROVE, RUN, 4, mark),
        *more,
    ]


@pytest.mark.parametrize(
    ("more", "under_way"),
    [
        ([], True),
        ([drafts.write_unknown(Act.APPROVE, RUN, 4, "m1")], True),
        ([drafts.write_result(Act.APPROVE, RUN, 4, drafts.ACCEPTED, "m1")], False),
        ([drafts.write_result(Act.APPROVE, RUN, 4, drafts.NOT_SENT, "m1")], False),
        ([drafts.approved(RUN, 4, "m1")], False),
    ],
)
def test_a_vote_is_under_way_until_something_says_otherwise(more: list[Draft], under_way: bool) -> None:
    past = history(*vote("m1", *more))
    (found,) = past.votes(API, 4)
    assert (found.gate, found.opened, found.mark, found.sent_at) == ("job-1-0-0-gate", 7.0, "m1", 102.0)
    assert found.under_way is under_way
    assert past.votes(API, 5) == ()


def test_votes_are_counted_by_the_time_they_left() -> None:
    past = history(*vote("m1"), *vote("m2"))
    assert [past.votes_since(moment) for moment in (0.0, 102.0, 102.5, 104.0, 105.0)] == [2, 2, 1, 1, 0]


def test_what_a_gate_lets_through_is_what_it_was_at_first() -> None:
    past = history(
        drafts.gate_seen(RUN, 4, "g", 7.0, "first"),
        drafts.gate_seen(RUN, 4, "g", 7.0, "second"),
        drafts.gate_seen(RUN, 4, "g", 9.0, "opened anew"),
    )
    assert past.content(API, 4, "g", 7.0) == "first"
    assert past.content(API, 4, "g", 9.0) == "opened anew"
    assert past.content(API, 4, "g", None) == ""


def test_a_record_counts_once() -> None:
    record = Record(
        seq=1,
        at=1.0,
        scope=API,
        token=1,
        kind=Kind.SENT,
        run=RUN,
        data={
            "attempt": 1,
            "marker": "",
            "account": "",
            "jobs": [],
            "highest": 0,
            "anchors": [],
            "newest": None,
        },
    )
    past = History([record, record])
    past.apply(record)
    assert len(past.runs[RUN].sent) == 1


@pytest.mark.parametrize("act", list(Act))
def test_notes_and_records_of_no_run_change_nothing(act: Act) -> None:
    data: dict[str, Any] = {"what": "anything", "task": 1, "gate": "g", "opened": None, "content": "c"}
    past = history(Draft(kind=Kind.NOTE, act=act, data=data))
    assert past.runs == {}


def test_runs_that_ended_long_ago_are_forgotten_where_that_is_wanted() -> None:
    past = History(keeps=2)
    seq = 0

    def write(*written: Draft) -> None:
        nonlocal seq
        for draft in written:
            seq += 1
            past.apply(
                Record(
                    seq=seq,
                    at=100.0 + seq,
                    scope=API,
                    token=1,
                    kind=draft.kind,
                    run=draft.run,
                    act=draft.act,
                    data=draft.data,
                )
            )

    for number in range(1, 6):
        run = f"r{number}"
        write(drafts.adopted(run, number, sure=True), drafts.gate_seen(run, number, "g", 1.0, "c"))
        if number != 2:  # this one goes on
            write(drafts.finished(run, "succeeded"))
    assert sorted(past.runs) == ["r2", "r4", "r5"]
    assert past.of_task(API, 1) is None
    assert past.of_task(API, 2) is past.runs["r2"]
    assert past.content(API, 1, "g", 1.0) == ""
    assert past.content(API, 2, "g", 1.0) == "c"
    assert past.of_scope(API) == (past.runs["r2"], past.runs["r4"], past.runs["r5"])
