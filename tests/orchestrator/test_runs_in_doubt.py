"""Runs whose end is in doubt: what a caller was told stays true, whoever goes on with the run later.

Never two triggers for one run, never "refused" for a task that exists, never a lease nobody needs any more.
"""

import asyncio
from collections.abc import Sequence
from typing import Any

import attrs
import pytest

from tests.support.loopback import Loopback
from tests.support.meddling import Meddling
from tests.support.peers import Peer, in_virtual_time
from tests.support.worlds import job, workflow, world
from zadig_async import (
    ALL_JOBS,
    Launch,
    Orchestrator,
    Outcome,
    ReconcilePolicy,
    RunPolicy,
    TaskRef,
    Verdict,
    ZadigClient,
)
from zadig_async.emulator import Script
from zadig_async.errors import ConnectError, JournalError, LeaseLostError, OutcomeUnknownError, TransportError
from zadig_async.journal.journal import LEASE_SECONDS, Journal
from zadig_async.journal.memory import MemoryStore
from zadig_async.journal.records import Kind, Record, Scope
from zadig_async.journal.store import Lease, Write
from zadig_async.orchestrator import events
from zadig_async.wire.call import AnyCall, Reply

TRIGGER = "/openapi/workflows/custom/task"
LIST = "/openapi/workflows/custom/*/tasks"
DETAIL = "/openapi/workflows/custom/plain/detail"
MARKER = {"name": "zadig_async_run", "type": "string", "value": ""}
OLD = [{"id": number, "age": 86_400.0 * (4 - number), "status": "passed"} for number in (1, 2, 3)]
WORLD = world(
    workflow("api", [job("build")], [job("deploy")], params=[MARKER], tasks=OLD),
    workflow("two", [job("build")], [job("deploy")], params=[MARKER], tasks=OLD),
    workflow("plain", [job("build")], [job("deploy")], tasks=OLD),
)
BOT = Script.load(WORLD).users[0]
API, TWO, PLAIN = (TaskRef("shop", key, 4) for key in ("api", "two", "plain"))


def launch(key: str = "api") -> Launch:
    return Launch("shop", key, jobs=ALL_JOBS)


def known(peer: Peer, **reconcile: Any) -> RunPolicy:
    """Return a policy that knows whose account it is, so that a task may be adopted without a marker."""
    return attrs.evolve(peer.policy(), reconcile=ReconcilePolicy(account="bot", **reconcile))


def one_at_a_time(peer: Peer) -> RunPolicy:
    return attrs.evolve(known(peer), concurrency=1)


def triggers(peer: Peer) -> int:
    """How many triggers reached the server."""
    return sum(seen.method == "POST" and seen.path == TRIGGER for seen in peer.ledger().requests)


def made(peer: Peer) -> list[str]:
    """The tasks the server has made."""
    return sorted(f"{task.workflow}#{task.task_id}" for task in peer.ledger().tasks)


def told(outcomes: Sequence[Outcome]) -> list[tuple[Verdict, TaskRef | None]]:
    return [(outcome.verdict, outcome.ref) for outcome in outcomes]


def is_trigger(call: AnyCall) -> bool:
    return call.label == f"POST {TRIGGER}"


def started_by_somebody_else(peer: Peer, key: str) -> None:
    inputs: list[dict[str, Any]] = [
        {"job_name": name, "job_type": "", "parameters": {}} for name in ("build", "deploy")
    ]
    peer.world().execute(key, [], inputs, BOT)


# Whoever resumes, one run is sent once.


@in_virtual_time(WORLD)
async def test_a_run_this_program_is_at_work_on_is_left_alone_by_its_own_resume(peer: Peer) -> None:
    async with (
        Journal(MemoryStore()) as journal,
        Orchestrator(peer.zadig, one_at_a_time(peer), journal=journal) as orchestrator,
    ):
        running = asyncio.create_task(orchestrator.run_all([launch("api"), launch("two")]))
        await peer.sleep(3.0)
        resumed = await orchestrator.resume()
        outcomes = await running
    assert told(outcomes) == [(Verdict.SUCCEEDED, API), (Verdict.SUCCEEDED, TWO)]
    assert told(resumed) == [(Verdict.LOST, API), (Verdict.LOST, None)]
    assert all("this very program is at work" in str(outcome.error) for outcome in resumed)
    assert (triggers(peer), made(peer)) == (2, ["api#4", "two#4"])


@pytest.mark.parametrize("how", ["start", "run"])
def test_what_could_not_be_sent_is_not_sent_by_a_later_resume(how: str) -> None:
    @in_virtual_time(WORLD)
    async def body(peer: Peer) -> None:
        assert peer.carrier is not None
        async with Journal(MemoryStore()) as journal:
            async with Orchestrator(peer.zadig, known(peer), journal=journal) as orchestrator:
                peer.carrier.refused = 10_000
                if how == "start":
                    with pytest.raises(ConnectError):
                        await orchestrator.start(launch())
                else:
                    assert (await orchestrator.run(launch())).verdict is Verdict.REFUSED
                peer.carrier.refused = 0
            async with Orchestrator(peer.zadig, known(peer), journal=journal) as again:
                assert await again.resume() == []
                assert (await again.run(launch())).ok
        assert (triggers(peer), made(peer)) == (1, ["api#4"])

    body()


@in_virtual_time(WORLD)
async def test_a_run_of_a_batch_is_not_sent_once_a_later_launch_took_its_place(peer: Peer) -> None:
    policy = one_at_a_time(peer)
    async with Journal(MemoryStore()) as journal:
        async with Orchestrator(peer.zadig, policy, journal=journal) as orchestrator:
            running = asyncio.create_task(orchestrator.run_all([launch("two"), launch("api")]))
            await peer.sleep(3.0)
            orchestrator.detach()
            await running
        async with Orchestrator(peer.zadig, policy, journal=journal) as again:
            assert (await again.run(launch("api"))).ok
            resumed = await again.resume()
            assert await again.resume() == []
    assert told(resumed) == [(Verdict.SUCCEEDED, TWO), (Verdict.REFUSED, None)]
    assert "a later launch has taken the place" in str(resumed[1].error)
    assert made(peer) == ["api#4", "two#4"]


# A trigger that was taken is never told as refused, whatever the journal is going through.


class SickStore(MemoryStore):
    """A store that cannot be written while it is `sick`."""

    sick = False

    async def append(self, writes: Sequence[Write]) -> tuple[Record, ...]:
        self._feel()
        return await super().append(writes)

    async def renew(self, leases: Sequence[Lease], ttl: float) -> None:
        self._feel()
        await super().renew(leases, ttl)

    def _feel(self) -> None:
        if self.sick:
            raise JournalError("the disk is full")


@in_virtual_time(WORLD)
async def test_a_task_is_watched_though_the_lease_ran_out_while_it_was_asked_for(peer: Peer) -> None:
    store = SickStore()

    def sicken(event: events.Event) -> None:
        store.sick = store.sick or isinstance(event, events.Launching)

    peer.fault("delay", TRIGGER, method="POST", seconds=LEASE_SECONDS * 2)
    async with (
        Journal(store) as journal,
        Orchestrator(peer.zadig, known(peer), journal=journal, on_event=sicken) as orchestrator,
    ):
        outcome = await orchestrator.run(launch())
    assert told([outcome]) == [(Verdict.SUCCEEDED, API)]
    assert made(peer) == ["api#4"]


@in_virtual_time(WORLD)
async def test_a_task_whose_lease_was_taken_while_it_was_asked_for_is_lost_by_name(peer: Peer) -> None:
    now = [0.0]
    store = MemoryStore(clock=lambda: now[0])
    peer.fault("delay", TRIGGER, method="POST", seconds=5.0)
    async with (
        Journal(store) as first,
        Journal(store) as second,
        Orchestrator(peer.zadig, known(peer), journal=first) as orchestrator,
        Orchestrator(peer.zadig, known(peer), journal=second) as other,
    ):
        running = asyncio.create_task(orchestrator.run(launch()))
        await peer.sleep(2.0)
        now[0] += LEASE_SECONDS + 1.0
        resumed = await other.resume()
        outcome = await running
    assert told([outcome]) == [(Verdict.LOST, API)]
    assert isinstance(outcome.error, LeaseLostError)
    assert told(resumed) == [(Verdict.SUCCEEDED, API)]
    assert (triggers(peer), made(peer)) == (1, ["api#4"])


@in_virtual_time(WORLD)
async def test_leaving_while_a_trigger_is_under_way_tells_its_task(peer: Peer) -> None:
    peer.fault("delay", TRIGGER, method="POST", seconds=5.0)
    async with Journal(MemoryStore()) as journal:
        async with Orchestrator(peer.zadig, known(peer), journal=journal) as orchestrator:
            running = asyncio.create_task(orchestrator.run(launch()))
            await peer.sleep(2.0)
        (entry,) = journal.history.runs.values()
        assert entry.task == 4
    assert told([await running]) == [(Verdict.DETACHED, API)]


@in_virtual_time(WORLD)
async def test_a_second_attempt_that_cannot_be_made_leaves_the_first_one_unknown(peer: Peer) -> None:
    assert peer.carrier is not None
    carrier = peer.carrier

    def refuse(event: events.Event) -> None:
        if isinstance(event, events.LaunchRepeated):
            carrier.refused = 10_000

    peer.fault("late", TRIGGER, method="POST", seconds=400.0)
    policy = known(peer, when_absent="retrigger")
    async with Orchestrator(peer.zadig, policy, on_event=refuse) as orchestrator:
        outcome = await orchestrator.run(launch())
        assert outcome.verdict is Verdict.UNKNOWN
        assert isinstance(outcome.error, OutcomeUnknownError)
        assert made(peer) == []
        await peer.sleep(200.0)
    peer.world()
    assert made(peer) == ["api#4"]


@in_virtual_time(WORLD)
async def test_a_fault_of_ours_in_the_search_for_a_task_leaves_it_unknown(peer: Peer) -> None:
    assert peer.carrier is not None

    async def before(call: AnyCall) -> None:
        if triggers(peer) and call.label.endswith("/:workflow/tasks"):
            raise KeyError("a fault of ours")

    peer.fault("reset_after", TRIGGER, method="POST")
    zadig = ZadigClient.over(Meddling(peer.carrier, before))
    async with Orchestrator(zadig, known(peer)) as orchestrator:
        outcome = await orchestrator.run(launch())
    assert outcome.verdict is Verdict.UNKNOWN
    assert "a trigger has left" in str(outcome.error)
    assert "KeyError" in str(outcome.error)
    assert made(peer) == ["api#4"]


# What looks like our task is not ours where Zadig said no, or where another run has it.


@pytest.mark.parametrize(
    ("status", "code", "message"), [(500, 500, "invalid choice value"), (400, 6160, "workflow is disabled")]
)
def test_a_refusal_does_not_take_over_a_task_of_somebody_else(status: int, code: int, message: str) -> None:
    @in_virtual_time(WORLD)
    async def body(peer: Peer) -> None:
        assert peer.carrier is not None

        async def before(call: AnyCall) -> None:
            if is_trigger(call):
                started_by_somebody_else(peer, "plain")
                await asyncio.sleep(3.0)

        answer = f'{{"code":{code},"message":"{message}","description":""}}'
        peer.fault("status", TRIGGER, method="POST", status=status, body=answer)
        zadig = ZadigClient.over(Meddling(peer.carrier, before))
        async with (
            Journal(MemoryStore()) as journal,
            Orchestrator(zadig, known(peer), journal=journal) as orchestrator,
        ):
            outcome = await orchestrator.run(launch("plain"))
            (entry,) = journal.history.runs.values()
        assert told([outcome]) == [(Verdict.REFUSED, None)]
        assert message in str(outcome.error)
        assert (entry.task, entry.duplicates) == (None, set())
        assert (triggers(peer), made(peer)) == (1, ["plain#4"])
        assert peer.ledger().cancels == []

    body()


@in_virtual_time(WORLD)
async def test_two_orchestrators_of_one_journal_never_take_one_task_for_two_runs(peer: Peer) -> None:
    peer.fault("reset_before", TRIGGER, method="POST")
    peer.fault("delay", DETAIL, method="GET", seconds=1.5, skip=1)
    async with (
        Journal(MemoryStore()) as journal,
        Orchestrator(peer.zadig, known(peer), journal=journal) as one,
        Orchestrator(peer.zadig, known(peer), journal=journal) as other,
    ):
        outcomes = await asyncio.gather(one.run(launch("plain")), other.run(launch("plain")))
        assert [entry.task for entry in journal.history.runs.values()] == [None, 4]
    assert told(outcomes) == [(Verdict.UNKNOWN, None), (Verdict.SUCCEEDED, PLAIN)]
    assert made(peer) == ["plain#4"]


class DeafCarrier(Loopback):
    """Carries every call and loses the answers to triggers."""

    async def send(self, call: AnyCall) -> Reply:
        reply = await super().send(call)
        if is_trigger(call):
            raise TransportError("the connection was reset", call=call.label)
        return reply


@in_virtual_time(WORLD)
async def test_a_refusal_in_the_operation_log_is_not_believed_before_the_list_was_read(peer: Peer) -> None:
    assert peer.carrier is not None
    peer.fault("ghost", TRIGGER, method="POST")  # refused in the log, and the task is made all the same
    peer.fault("status", LIST, method="GET", status=500, body='{"code":500,"message":"x"}', skip=1)
    zadig = ZadigClient.over(DeafCarrier(peer.carrier.dialect, "root-token"), account="root")
    policy = attrs.evolve(peer.policy(), reconcile=ReconcilePolicy(operation_log=True))
    async with Orchestrator(zadig, policy) as orchestrator:
        running = asyncio.create_task(orchestrator.run(launch()))
        await peer.sleep(60.0)
        orchestrator.detach()
        outcome = await running
    assert told([outcome]) == [(Verdict.DETACHED, API)]
    assert made(peer) == ["api#4"]


# What is resumed.


@in_virtual_time(WORLD)
async def test_a_task_that_was_taken_over_is_resumed_like_any_other(peer: Peer) -> None:
    async with Journal(MemoryStore()) as journal:
        async with Orchestrator(peer.zadig, known(peer), journal=journal) as orchestrator:
            await orchestrator.start(launch("two"))
            started_by_somebody_else(peer, "plain")
            orchestrator.attach(PLAIN, own=True)
            await peer.sleep(2.0)
        async with Orchestrator(peer.zadig, known(peer), journal=journal) as again:
            resumed = await again.resume()
    assert told(resumed) == [(Verdict.SUCCEEDED, TWO), (Verdict.SUCCEEDED, PLAIN)]


@in_virtual_time(WORLD)
async def test_one_failed_read_long_after_the_window_does_not_end_the_search(peer: Peer) -> None:
    def wall() -> float:
        return peer.world().now

    async with Journal(MemoryStore(clock=wall)) as journal:
        peer.fault("reset_after", TRIGGER, method="POST")
        peer.fault("status", LIST, method="GET", status=503, skip=1, times=None)
        async with Orchestrator(peer.zadig, known(peer), journal=journal, wall=wall) as orchestrator:
            running = asyncio.create_task(orchestrator.run(launch()))
            await peer.sleep(5.0)
            orchestrator.detach()
            assert (await running).verdict is Verdict.UNKNOWN
        peer.faults.clear()
        await peer.sleep(400.0)
        peer.fault("status", LIST, method="GET", status=500, body='{"code":500,"message":"x"}')
        async with Orchestrator(peer.zadig, known(peer), journal=journal, wall=wall) as again:
            resumed = await again.resume()
    assert told(resumed) == [(Verdict.SUCCEEDED, API)]
    assert triggers(peer) == 1


class DetachingStore(MemoryStore):
    """Tells an orchestrator to stop after `SENT` is on the disk and before anybody is told that it is."""

    orchestrator: Orchestrator | None = None

    async def append(self, writes: Sequence[Write]) -> tuple[Record, ...]:
        records = await super().append(writes)
        if self.orchestrator is not None and writes[0].draft.kind is Kind.SENT:
            self.orchestrator.detach()
        await asyncio.sleep(0.01)
        return records


@in_virtual_time(WORLD)
async def test_a_launch_cut_short_while_it_was_written_down_is_sent_when_it_is_resumed(peer: Peer) -> None:
    store = DetachingStore()
    async with Journal(store) as journal:
        async with Orchestrator(peer.zadig, known(peer), journal=journal) as orchestrator:
            store.orchestrator = orchestrator
            assert (await orchestrator.run(launch())).verdict is Verdict.DETACHED
            store.orchestrator = None
        assert triggers(peer) == 0
        async with Orchestrator(peer.zadig, known(peer), journal=journal) as again:
            resumed = await again.resume()
    assert told(resumed) == [(Verdict.SUCCEEDED, API)]
    assert triggers(peer) == 1


class SlowStore(MemoryStore):
    """A store that, once `slow`, takes longer to give a workflow's lease than the lease lasts."""

    slow = ""

    async def acquire(self, scopes: Sequence[Scope], owner: str, ttl: float) -> tuple[Lease, ...]:
        leases = await super().acquire(scopes, owner, ttl)
        if self.slow in {scope.workflow.workflow for scope in scopes}:
            await asyncio.sleep(ttl + 1.0)
        return leases

    async def renew(self, leases: Sequence[Lease], ttl: float) -> None:
        if self.slow in {lease.scope.workflow.workflow for lease in leases}:
            raise JournalError("the disk is full")
        await super().renew(leases, ttl)


@in_virtual_time(WORLD)
async def test_a_run_that_cannot_be_resumed_does_not_end_the_others(peer: Peer) -> None:
    store = SlowStore()
    async with Journal(store) as journal:
        async with Orchestrator(peer.zadig, known(peer), journal=journal) as orchestrator:
            await orchestrator.start(launch("api"))
            await orchestrator.start(launch("two"))
        store.slow = "api"
        async with Orchestrator(peer.zadig, known(peer), journal=journal) as again:
            resumed = await again.resume()
    assert [outcome.ref for outcome in resumed] == [API, TWO]
    assert resumed[1].ok


# Nothing is held or repeated for longer than it is needed.


@in_virtual_time(WORLD)
async def test_a_cancelled_batch_gives_back_the_workflows_whose_turn_never_came(peer: Peer) -> None:
    store = MemoryStore()
    async with Journal(store) as first, Journal(store) as second:
        async with Orchestrator(peer.zadig, one_at_a_time(peer), journal=first) as orchestrator:
            batch = asyncio.create_task(orchestrator.run_all([launch("api"), launch("two"), launch("plain")]))
            await peer.sleep(2.0)
            batch.cancel()
            await asyncio.wait({batch})
        async with Orchestrator(peer.zadig, known(peer), journal=second) as other:
            outcomes = await other.run_all([launch("two"), launch("plain")])
    assert told(outcomes) == [(Verdict.SUCCEEDED, TWO), (Verdict.SUCCEEDED, PLAIN)]


class LastWordStore(MemoryStore):
    """Cancels a batch while it asks for its third lease."""

    batch: "asyncio.Task[list[Outcome]] | None" = None

    async def acquire(self, scopes: Sequence[Scope], owner: str, ttl: float) -> tuple[Lease, ...]:
        if self.batch is not None and scopes[0].workflow.workflow == "plain":
            self.batch.cancel()
            await asyncio.sleep(0)
        return await super().acquire(scopes, owner, ttl)


@in_virtual_time(WORLD)
async def test_a_batch_cancelled_while_it_takes_its_leases_gives_back_those_it_has(peer: Peer) -> None:
    store = LastWordStore()
    async with Journal(store) as first, Journal(store) as second:
        async with Orchestrator(peer.zadig, known(peer), journal=first) as orchestrator:
            batch = asyncio.create_task(orchestrator.run_all([launch("api"), launch("two"), launch("plain")]))
            store.batch = batch
            await asyncio.wait({batch})
            store.batch = None
            assert batch.cancelled()
        async with Orchestrator(peer.zadig, known(peer), journal=second) as other:
            outcomes = await other.run_all([launch("api"), launch("two")])
    assert told(outcomes) == [(Verdict.SUCCEEDED, API), (Verdict.SUCCEEDED, TWO)]


@in_virtual_time(WORLD)
async def test_a_gateway_that_asks_for_no_pause_is_not_hammered(peer: Peer) -> None:
    peer.fault("status", TRIGGER, method="POST", status=429, headers={"Retry-After": "0"}, times=100)
    async with Orchestrator(peer.zadig, known(peer)) as orchestrator:
        outcome = await orchestrator.run(launch())
    assert outcome.verdict is Verdict.REFUSED
    assert 2 <= triggers(peer) <= 10
