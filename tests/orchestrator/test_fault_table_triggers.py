"""Rows T1 to T13 of the fault table: what becomes of a trigger when everything around it goes wrong.

The same promise in every row: at most one task that is said to be ours, never a false "ok", never silence.
"""

import asyncio
from collections.abc import Mapping
from typing import Any

import attrs
import pytest

from tests.support.peers import Peer, in_virtual_time
from tests.support.virtual_time import virtual_time
from tests.support.worlds import gate, job, workflow, world
from zadig_async import (
    ALL_JOBS,
    Launch,
    Orchestrator,
    Outcome,
    ReconcilePolicy,
    TaskRef,
    Verdict,
    ZadigClient,
)
from zadig_async.emulator import Script
from zadig_async.errors import ConfigError, ConnectError, JournalError, OutcomeUnknownError, RejectedError
from zadig_async.journal.journal import Journal
from zadig_async.journal.memory import MemoryStore
from zadig_async.journal.records import Kind
from zadig_async.orchestrator import events

TRIGGER = "/openapi/workflows/custom/task"
LIST = "/openapi/workflows/custom/*/tasks"
MARKER = {"name": "zadig_async_run", "type": "string", "value": ""}
OLD = [{"id": number, "age": 86_400.0 * (4 - number), "status": "passed"} for number in (1, 2, 3)]
API = workflow("api", [job("build")], [job("deploy")], params=[MARKER], tasks=OLD)
PLAIN = workflow("plain", [job("build")], [job("deploy")], tasks=OLD)
FRESH = workflow("fresh", [job("build")])
GATED = workflow("gated", [gate()], [job("deploy")], params=[MARKER], tasks=OLD)
WORLD = world(API, PLAIN, FRESH, GATED)
BOT = Script.load(WORLD).users[0]


def launch(key: str = "api") -> Launch:
    return Launch("shop", key, jobs=ALL_JOBS)


async def run(
    peer: Peer, key: str = "api", *, account: str = "bot", journal: Journal | None = None, **reconcile: Any
) -> Outcome:
    policy = attrs.evolve(peer.policy(), reconcile=ReconcilePolicy(account=account, **reconcile))
    async with Orchestrator(peer.zadig, policy, on_event=peer.seen.append, journal=journal) as orchestrator:
        return await orchestrator.run(launch(key))


def triggers(peer: Peer) -> int:
    """How many triggers reached the server."""
    return sum(seen.method == "POST" and seen.path == TRIGGER for seen in peer.ledger().requests)


def fault(peer: Peer, kind: str, **options: Any) -> None:
    peer.fault(kind, TRIGGER, method="POST", **options)


@in_virtual_time(WORLD)
async def test_t1_a_refused_connection_is_tried_again_until_it_holds(peer: Peer) -> None:
    assert peer.carrier is not None
    carrier = peer.carrier
    async with Journal(MemoryStore()) as journal:

        def refuse(event: events.Event) -> None:
            peer.seen.append(event)
            if isinstance(event, events.Launching) and peer.kinds().count("Launching") == 1:
                carrier.refused = 4  # every attempt of one call

        policy = peer.policy()
        async with Orchestrator(peer.zadig, policy, on_event=refuse, journal=journal) as orchestrator:
            outcome = await orchestrator.run(launch())
        (entry,) = journal.history.runs.values()
        records = await journal.records()
    assert outcome.ok
    assert (triggers(peer), len(peer.ledger().tasks)) == (1, 1)
    assert [record.data["outcome"] for record in records if record.kind is Kind.RESULT] == [
        "not sent",
        "accepted",
    ]
    assert entry.task == 4
    assert not entry.doubtful


@in_virtual_time(WORLD)
async def test_t1_a_server_that_stays_away_has_received_nothing(peer: Peer) -> None:
    assert peer.carrier is not None
    carrier = peer.carrier

    def refuse(event: events.Event) -> None:
        if isinstance(event, events.Launching):
            carrier.refused = 10_000

    async with Orchestrator(peer.zadig, peer.policy(), on_event=refuse) as orchestrator:
        outcome = await orchestrator.run(launch())
    assert outcome.verdict is Verdict.REFUSED
    assert isinstance(outcome.error, ConnectError)
    assert triggers(peer) == 0


LOST_AFTER: list[tuple[str, Mapping[str, Any]]] = [
    ("reset_after", {}),
    ("truncate", {"size": 5}),
    ("truncate", {"size": 0}),
    ("garbage", {"after": True}),
    ("html", {"after": True}),
    ("empty", {"after": True}),
    ("status", {"after": True, "status": 502, "body": "<html>bad gateway</html>"}),
    ("status", {"after": True, "status": 504}),
    ("status", {"after": True, "status": 503, "headers": {"Retry-After": "5"}}),
    ("status", {"after": True, "status": 408}),
    ("status", {"after": True, "status": 500}),
    ("status", {"after": True, "status": 200, "body": '{"task_id": NaN}'}),
    ("status", {"after": True, "status": 200, "body": '{"workflow_name":"api"}'}),
    ("status", {"after": True, "status": 200, "body": '{"task_id": "4"}'}),
    ("status", {"after": True, "status": 200, "body": '{"task_id": 0}'}),
    ("status", {"after": True, "status": 200, "body": '{"task_id": 3}'}),
    ("redirect", {"after": True}),
]


@pytest.mark.parametrize("key", ["api", "plain"])
@pytest.mark.parametrize(("kind", "options"), LOST_AFTER)
def test_t2_t4_t6_an_answer_lost_after_the_task_was_made_finds_the_task(
    key: str, kind: str, options: Mapping[str, Any]
) -> None:
    @in_virtual_time(WORLD)
    async def body(peer: Peer) -> None:
        fault(peer, kind, **options)
        outcome = await run(peer, key)
        assert outcome.ok
        assert outcome.ref == TaskRef("shop", key, 4)
        assert (triggers(peer), len(peer.ledger().tasks)) == (1, 1)
        adopted = next(event for event in peer.seen if isinstance(event, events.Adopted))
        assert adopted.sure is (key == "api")
        assert peer.kinds().count("LaunchUnanswered") == 1

    body()


LOST_BEFORE: list[tuple[str, Mapping[str, Any]]] = [
    ("reset_before", {}),
    ("status", {"status": 502}),
    ("status", {"status": 503, "headers": {"Retry-After": "1000000000"}}),
    ("empty", {}),
    ("garbage", {}),
]


@pytest.mark.parametrize(("kind", "options"), LOST_BEFORE)
def test_t3_t4_t6_a_trigger_that_came_to_nothing_is_told_as_unknown_and_not_repeated(
    kind: str, options: Mapping[str, Any]
) -> None:
    @in_virtual_time(WORLD)
    async def body(peer: Peer) -> None:
        fault(peer, kind, **options)
        outcome = await run(peer)
        assert outcome.verdict is Verdict.UNKNOWN
        assert isinstance(outcome.error, OutcomeUnknownError)
        assert "no task has come of it within 300 s" in str(outcome.error)
        assert (triggers(peer), len(peer.ledger().tasks)) == (1, 0)
        assert 300.0 <= outcome.seconds < 330.0

    body()


@pytest.mark.parametrize(("kind", "options"), LOST_BEFORE)
def test_t3_a_policy_may_have_it_sent_once_more_when_it_provably_came_to_nothing(
    kind: str, options: Mapping[str, Any]
) -> None:
    @in_virtual_time(WORLD)
    async def body(peer: Peer) -> None:
        fault(peer, kind, **options)
        outcome = await run(peer, when_absent="retrigger")
        assert outcome.ok
        assert (triggers(peer), len(peer.ledger().tasks)) == (2, 1)
        assert "LaunchRepeated" in peer.kinds()

    body()


@in_virtual_time(WORLD)
async def test_t3_without_a_marker_nothing_is_sent_twice_whatever_the_policy_says(peer: Peer) -> None:
    fault(peer, "reset_before")
    outcome = await run(peer, "plain", when_absent="retrigger")
    assert outcome.verdict is Verdict.UNKNOWN
    assert triggers(peer) == 1


@in_virtual_time(WORLD)
async def test_t3_attempts_have_a_limit(peer: Peer) -> None:
    fault(peer, "reset_before", times=None)
    outcome = await run(peer, when_absent="retrigger", attempts=3)
    assert outcome.verdict is Verdict.UNKNOWN
    assert triggers(peer) == 3


@in_virtual_time(WORLD)
async def test_t5_a_request_that_is_delivered_late_within_the_window_is_adopted(peer: Peer) -> None:
    fault(peer, "late", seconds=150.0)
    outcome = await run(peer)
    assert outcome.ok
    assert (triggers(peer), len(peer.ledger().tasks)) == (1, 1)


@in_virtual_time(world(GATED, workflow_concurrency=1))
async def test_t5_a_request_that_comes_after_the_window_is_found_and_cancelled_while_it_waits(
    peer: Peer,
) -> None:
    fault(peer, "late", seconds=340.0)
    policy = attrs.evolve(peer.policy(), reconcile=ReconcilePolicy(account="bot", when_absent="retrigger"))
    async with Orchestrator(peer.zadig, policy, on_event=peer.seen.append) as orchestrator:
        running = asyncio.create_task(orchestrator.run(launch("gated")))
        await peer.sleep(400.0)
        assert len(peer.ledger().tasks) == 2
        found = next(event for event in peer.seen if isinstance(event, events.DuplicateFound))
        assert (found.cancelled, found.ref, found.duplicate.task_id) == (True, TaskRef("shop", "gated", 4), 5)
        assert [cancel.task_id for cancel in peer.ledger().cancels] == [5]
        assert found.ref is not None
        await peer.zadig.tasks.approve(found.ref, (await peer.zadig.tasks.get(found.ref)).gates[0])
        outcome = await running
    assert outcome.ok
    assert [vote.task_id for vote in peer.ledger().approvals] == [4]


@in_virtual_time(WORLD)
async def test_t5_a_duplicate_that_runs_is_told_and_never_approved(peer: Peer) -> None:
    fault(peer, "late", seconds=310.0)
    policy = attrs.evolve(
        peer.policy(approve="gate"), reconcile=ReconcilePolicy(account="bot", when_absent="retrigger")
    )
    async with Orchestrator(peer.zadig, policy, on_event=peer.seen.append) as orchestrator:
        outcome = await orchestrator.run(launch("gated"))
        assert outcome.ok
        await peer.sleep(60.0)
        found = next(event for event in peer.seen if isinstance(event, events.DuplicateFound))
        assert not found.cancelled
        # Not even if somebody asks for it by name.
        watched = orchestrator.attach(found.duplicate)
        await peer.sleep(60.0)
        assert {vote.task_id for vote in peer.ledger().approvals} == {
            outcome.ref.task_id if outcome.ref else 0
        }
        judged = [event for event in peer.seen if isinstance(event, events.GateOpened)]
        assert "duplicate" in judged[-1].reason
        orchestrator.detach()
        await watched.wait()


@in_virtual_time(WORLD)
async def test_t7_a_task_made_although_it_was_refused_is_told_and_cancelled(peer: Peer) -> None:
    fault(peer, "ghost")
    outcome = await run(peer)
    assert outcome.verdict is Verdict.REFUSED
    assert isinstance(outcome.error, RejectedError)
    assert outcome.error.code == 6160
    assert any("#4" in note for note in outcome.error.__notes__)
    assert [cancel.task_id for cancel in peer.ledger().cancels] == [4]
    assert (triggers(peer), len(peer.ledger().tasks)) == (1, 1)


@in_virtual_time(WORLD)
async def test_t7_a_guess_is_no_reason_to_cancel(peer: Peer) -> None:
    fault(peer, "ghost")
    outcome = await run(peer, "plain")
    assert outcome.verdict is Verdict.REFUSED
    assert "DuplicateFound" not in peer.kinds()
    assert outcome.error is not None
    assert any("shop/plain#4 looks like it" in note for note in outcome.error.__notes__)
    assert peer.ledger().cancels == []


@in_virtual_time(WORLD)
async def test_t8_a_refusal_is_final_after_one_look(peer: Peer) -> None:
    body = '{"message":"Internal Error: ","code":500,"description":"param x not found in workflow"}'
    fault(peer, "status", status=500, body=body)
    outcome = await run(peer)
    assert outcome.verdict is Verdict.REFUSED
    assert (triggers(peer), len(peer.ledger().tasks)) == (1, 0)
    assert outcome.seconds < 5.0


@pytest.mark.parametrize(
    "location", ["/signin", "https://elsewhere.example.com/openapi/workflows/custom/task"]
)
def test_t9_a_redirect_is_not_followed(location: str) -> None:
    @in_virtual_time(WORLD)
    async def body(peer: Peer) -> None:
        fault(peer, "redirect", location=location)
        outcome = await run(peer)
        assert outcome.verdict is Verdict.UNKNOWN
        assert "a redirect; it was not followed" in str(outcome.error)
        assert (triggers(peer), len(peer.ledger().tasks)) == (1, 0)

    body()


async def until_one_is_made(peer: Peer) -> None:
    """Wait, in no time, until the server has made a task."""
    for _ in range(10_000):
        if peer.ledger().tasks:
            return
        await asyncio.sleep(0)
    raise AssertionError("no task was made")


async def _meanwhile(peer: Peer, key: str, count: int) -> None:
    """Let the same account start more tasks, with the same variables and in the same second."""
    inputs: list[dict[str, Any]] = [
        {"job_name": name, "job_type": "", "parameters": {}} for name in ("build", "deploy")
    ]
    for _ in range(count):
        peer.world().execute(key, [], inputs, BOT)


def test_t10_a_marker_tells_our_task_from_others_of_the_same_account_and_second() -> None:
    @in_virtual_time(WORLD)
    async def body(peer: Peer) -> None:
        def others(event: events.Event) -> None:
            peer.seen.append(event)

        fault(peer, "reset_after")
        policy = attrs.evolve(peer.policy(), reconcile=ReconcilePolicy(account="bot"))
        async with Orchestrator(peer.zadig, policy, on_event=others) as orchestrator:
            running = asyncio.create_task(orchestrator.run(launch()))
            await until_one_is_made(peer)
            await _meanwhile(peer, "api", 3)
            outcome = await running
        assert outcome.ref == TaskRef("shop", "api", 4)
        assert len(peer.ledger().tasks) == 4

    body()


@in_virtual_time(WORLD)
async def test_t10_without_a_marker_others_that_look_alike_are_left_to_a_human(peer: Peer) -> None:
    fault(peer, "reset_after")
    running = asyncio.create_task(run(peer, "plain"))
    await until_one_is_made(peer)
    await _meanwhile(peer, "plain", 1)
    outcome = await running
    assert outcome.verdict is Verdict.UNKNOWN
    assert outcome.ref is None
    assert "2 new tasks may be it (shop/plain#4, shop/plain#5)" in str(outcome.error)


@in_virtual_time(WORLD)
async def test_t10_an_account_nobody_knows_adopts_nothing_without_a_marker(peer: Peer) -> None:
    fault(peer, "reset_after")
    outcome = await run(peer, "plain", account="")
    assert outcome.verdict is Verdict.UNKNOWN
    assert "does not say whose account it is" in str(outcome.error)


@in_virtual_time(WORLD)
async def test_t11_a_list_without_what_was_there_before_is_no_proof_of_absence(peer: Peer) -> None:
    fault(peer, "reset_before")
    running = asyncio.create_task(run(peer, when_absent="retrigger"))
    await peer.sleep(2.0)
    # What a wrong project key, a lagging replica or an archive look like.
    peer.fault("status", LIST, method="GET", status=200, body='{"total":0,"workflow_tasks":[]}', times=None)
    outcome = await running
    assert outcome.verdict is Verdict.UNKNOWN
    assert "cannot be trusted" in str(outcome.error)
    assert triggers(peer) == 1


@in_virtual_time(WORLD)
async def test_t11_a_workflow_without_tasks_never_proves_absence(peer: Peer) -> None:
    fault(peer, "reset_before")
    outcome = await run(peer, "fresh", when_absent="retrigger")
    assert outcome.verdict is Verdict.UNKNOWN
    assert triggers(peer) == 1


@pytest.mark.parametrize(
    "quirks",
    [
        {"list_shuffles_ties": True, "list_page_cap": 2},
        {"list_page_cap": 1},
        {"list_hides_new": 60.0},
        {"list_hides_new": 60.0, "list_hides_every": 2, "list_shuffles_ties": True},
    ],
)
def test_t11_lists_that_are_cut_shuffled_or_late_still_show_the_task(quirks: Mapping[str, Any]) -> None:
    @in_virtual_time(world(API, **quirks))
    async def body(peer: Peer) -> None:
        fault(peer, "reset_after")
        running = asyncio.create_task(run(peer))
        await until_one_is_made(peer)
        await _meanwhile(peer, "api", 7)
        outcome = await running
        assert outcome.ref == TaskRef("shop", "api", 4)
        assert triggers(peer) == 1

    body()


@pytest.mark.parametrize("header", ["5", "1000000000", "Thu, 01 Jan 1970 00:00:00 GMT", "soon"])
def test_t12_a_gateway_that_asks_to_slow_down_is_obeyed_and_nothing_is_sent_twice(header: str) -> None:
    @in_virtual_time(WORLD)
    async def body(peer: Peer) -> None:
        fault(peer, "status", status=429, headers={"Retry-After": header})
        outcome = await run(peer)
        patient = header != "1000000000"
        assert outcome.verdict is (Verdict.SUCCEEDED if patient else Verdict.REFUSED)
        assert (triggers(peer), len(peer.ledger().tasks)) == ((2, 1) if patient else (1, 0))

    body()


@in_virtual_time(WORLD)
async def test_t13_a_second_driver_of_the_same_journal_is_refused(peer: Peer) -> None:
    store = MemoryStore()
    async with Journal(store) as first, Journal(store) as second:
        running = asyncio.create_task(run(peer, journal=first))
        await peer.sleep(5.0)
        refused = await run(peer, journal=second)
        assert refused.verdict is Verdict.REFUSED
        assert isinstance(refused.error, JournalError)
        other = await run(peer, "plain", journal=second)
        assert other.ok
        assert (await running).ok
    assert sorted(task.workflow for task in peer.ledger().tasks) == ["api", "plain"]


@in_virtual_time(WORLD)
async def test_t13_two_drivers_without_a_common_journal_are_told_apart_by_the_marker(peer: Peer) -> None:
    peer.fault("reset_after", TRIGGER, method="POST", times=2)
    first, second = await asyncio.gather(run(peer), run(peer))
    assert first.ok
    assert second.ok
    assert {first.ref, second.ref} == {TaskRef("shop", "api", 4), TaskRef("shop", "api", 5)}


@in_virtual_time(WORLD)
async def test_what_became_of_a_launch_must_be_known_before_the_next_one(peer: Peer) -> None:
    fault(peer, "reset_before")
    policy = attrs.evolve(peer.policy(), reconcile=ReconcilePolicy(account="bot"))
    async with Orchestrator(peer.zadig, policy) as orchestrator:
        assert (await orchestrator.run(launch())).verdict is Verdict.UNKNOWN
        again = await orchestrator.run(launch())
        other = await orchestrator.run(launch("plain"))
    assert again.verdict is Verdict.REFUSED
    assert isinstance(again.error, JournalError)
    assert "not known" in str(again.error)
    assert other.ok
    assert triggers(peer) == 2


@in_virtual_time(WORLD)
async def test_launches_that_look_alike_are_sent_one_after_the_other(peer: Peer) -> None:
    fault(peer, "late", seconds=20.0)
    policy = attrs.evolve(peer.policy(), reconcile=ReconcilePolicy(account="bot"))
    async with Orchestrator(peer.zadig, policy, on_event=peer.seen.append) as orchestrator:
        outcomes = await orchestrator.run_all([launch("plain")] * 3)
    assert all(outcome.ok for outcome in outcomes)
    assert sorted(outcome.ref.task_id for outcome in outcomes if outcome.ref) == [4, 5, 6]
    assert triggers(peer) == 3


@in_virtual_time(WORLD)
async def test_a_launch_may_not_set_the_marker_and_lose_it(peer: Peer) -> None:
    fault(peer, "reset_after")
    policy = attrs.evolve(peer.policy(), reconcile=ReconcilePolicy(account="bot"))
    async with Orchestrator(peer.zadig, policy, on_event=peer.seen.append) as orchestrator:
        params = {"zadig_async_run": "my own"}
        outcome = await orchestrator.run(Launch("shop", "api", jobs=ALL_JOBS, params=params))
    assert outcome.ok
    assert peer.ledger().tasks[0].params["zadig_async_run"] == "my own"
    assert not next(event for event in peer.seen if isinstance(event, events.Adopted)).sure


@in_virtual_time(WORLD)
async def test_the_operation_log_of_an_administrator_is_evidence(peer: Peer) -> None:
    assert peer.carrier is not None
    carrier = attrs.evolve(peer.carrier, token="root-token")
    zadig = ZadigClient.over(carrier, account="root")
    policy = attrs.evolve(peer.policy(), reconcile=ReconcilePolicy(operation_log=True))
    # Refused by Zadig, and the refusal is lost: only the log can tell.
    peer.world().workflows["plain"].disabled = True
    fault(peer, "reset_after")
    async with Orchestrator(zadig, policy) as orchestrator:
        outcome = await orchestrator.run(launch("plain"))
    assert outcome.verdict is Verdict.REFUSED
    assert "the operation log says that Zadig refused" in str(outcome.error)
    assert outcome.seconds < 60.0


@virtual_time
async def test_a_policy_that_makes_no_sense_is_refused() -> None:
    wrongs: list[dict[str, Any]] = [{"window": 0.0}, {"attempts": 0}, {"when_absent": "hope"}]
    for wrong in wrongs:
        with pytest.raises(ConfigError):
            ReconcilePolicy(**wrong)
