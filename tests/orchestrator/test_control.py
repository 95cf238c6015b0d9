"""Cancelling and retrying: only what is ours, only what is true now, and told as it really ended."""

import asyncio

import attrs
import pytest

from tests.support.meddling import Meddling
from tests.support.peers import Peer, in_virtual_time
from tests.support.worlds import gate, job, workflow, world
from zadig_async import ALL_JOBS, Deadlines, KillSwitch, Launch, Orchestrator, TaskRef, Verdict, ZadigClient
from zadig_async.errors import (
    ConfigError,
    ConnectError,
    LeaseHeldError,
    LeaseLostError,
    OutcomeUnknownError,
    RejectedError,
)
from zadig_async.journal.journal import Journal
from zadig_async.journal.memory import MemoryStore
from zadig_async.journal.records import Act, Kind
from zadig_async.orchestrator.writes import HaltedError, OutdatedError
from zadig_async.wire.call import AnyCall

TASK = "/openapi/workflows/custom/task"
RETRY = "/openapi/workflows/custom/*/task/*"
WORLD = world(
    workflow("slow", [job("build", duration=600.0)]),
    workflow("bad", [job("build", outcome=["failed", "passed"])], [job("deploy")]),
    workflow("stubborn", [job("build", duration=20.0)], survives_cancel=True),
    workflow("gated", [gate()], [job("deploy")]),
)
SLOW, BAD = TaskRef("shop", "slow", 1), TaskRef("shop", "bad", 1)


def launch(key: str) -> Launch:
    return Launch("shop", key, jobs=ALL_JOBS)


@in_virtual_time(WORLD)
async def test_a_task_of_ours_is_cancelled_and_it_is_written_down(peer: Peer) -> None:
    async with Journal(MemoryStore()) as journal:
        async with Orchestrator(peer.zadig, peer.policy(), journal=journal) as orchestrator:
            run = await orchestrator.start(launch("slow"))
            await peer.sleep(10.0)
            assert await orchestrator.cancel(run.ref, "a typo") is True
            assert (await run.wait()).verdict is Verdict.CANCELLED
            assert await orchestrator.cancel(run.ref) is False
        kinds = [record.kind for record in await journal.records() if record.act is Act.CANCEL]
    assert kinds == [Kind.INTENT, Kind.SENT, Kind.RESULT, Kind.CANCELLED]
    assert len(peer.ledger().cancels) == 1


@in_virtual_time(WORLD)
async def test_a_task_of_somebody_else_is_neither_cancelled_nor_retried(peer: Peer) -> None:
    async with Orchestrator(peer.zadig, peer.policy()) as orchestrator:
        await orchestrator.start(launch("slow"))
    async with Orchestrator(peer.zadig, peer.policy()) as other:
        watched = other.attach(SLOW)
        for write in (other.cancel(SLOW), other.retry(SLOW), watched.cancel()):
            with pytest.raises(ConfigError, match="is not ours to change"):
                await write
        assert peer.ledger().cancels == []
        # Unless somebody says that it is ours from now on.
        mine = other.attach(SLOW, own=True)
        await peer.sleep(5.0)
        assert await other.cancel(SLOW) is True
        assert (await mine.wait()).verdict is Verdict.CANCELLED


@in_virtual_time(WORLD)
async def test_a_deadline_does_not_cancel_what_is_not_ours(peer: Peer) -> None:
    async with Orchestrator(peer.zadig, peer.policy()) as orchestrator:
        await orchestrator.start(launch("slow"))
    policy = peer.policy(deadlines=Deadlines(total=10.0, cancel=True))
    async with Orchestrator(peer.zadig, policy) as other:
        outcome = await other.attach(SLOW).wait()
    assert outcome.verdict is Verdict.DEADLINE
    assert "could not be cancelled" in str(outcome.error)
    assert peer.ledger().cancels == []


@in_virtual_time(WORLD)
async def test_a_failed_task_is_not_rewritten_to_cancelled(peer: Peer) -> None:
    async with Orchestrator(peer.zadig, peer.policy()) as orchestrator:
        assert (await orchestrator.run(launch("bad"))).verdict is Verdict.FAILED
        assert await orchestrator.cancel(BAD) is False
    assert peer.ledger().cancels == []
    assert peer.world().tasks[0].status == "failed"


@in_virtual_time(WORLD)
async def test_a_cancellation_that_could_not_be_sent_at_once_is_not_sent_on_an_old_read(peer: Peer) -> None:
    assert peer.carrier is not None

    async def refuse_slowly(call: AnyCall) -> None:
        if call.method == "DELETE":
            await asyncio.sleep(3.0)
            raise ConnectError("nobody listens")

    zadig = ZadigClient.over(Meddling(peer.carrier, refuse_slowly))
    async with Orchestrator(zadig, peer.policy()) as orchestrator:
        run = await orchestrator.start(launch("slow"))
        await peer.sleep(10.0)
        with pytest.raises(OutdatedError):
            await orchestrator.cancel(run.ref)
    assert peer.ledger().cancels == []


@in_virtual_time(WORLD)
async def test_a_cancelled_task_that_passes_all_the_same_is_told_as_passed(peer: Peer) -> None:
    async with Orchestrator(peer.zadig, peer.policy()) as orchestrator:
        run = await orchestrator.start(launch("stubborn"))
        await peer.sleep(15.0)
        assert await orchestrator.cancel(run.ref) is True
        assert (await run.wait()).verdict is Verdict.SUCCEEDED


@in_virtual_time(WORLD)
async def test_a_cancellation_whose_answer_is_lost_is_read_back_and_not_repeated(peer: Peer) -> None:
    async with Orchestrator(peer.zadig, peer.policy()) as orchestrator:
        run = await orchestrator.start(launch("slow"))
        await peer.sleep(10.0)
        peer.fault("reset_after", TASK, method="DELETE")
        assert await orchestrator.cancel(run.ref) is True
        assert (await run.wait()).verdict is Verdict.CANCELLED
    assert len(peer.ledger().cancels) == 1


@in_virtual_time(WORLD)
async def test_a_cancellation_that_does_not_show_is_told_as_unknown(peer: Peer) -> None:
    async with Orchestrator(peer.zadig, peer.policy()) as orchestrator:
        run = await orchestrator.start(launch("slow"))
        await peer.sleep(10.0)
        peer.fault("reset_before", TASK, method="DELETE")
        with pytest.raises(OutcomeUnknownError, match="does not show"):
            await orchestrator.cancel(run.ref)
        orchestrator.detach()
    assert peer.ledger().cancels == []


@in_virtual_time(WORLD)
async def test_a_failed_task_is_retried_under_its_own_number(peer: Peer) -> None:
    async with Journal(MemoryStore()) as journal:
        async with Orchestrator(
            peer.zadig, peer.policy(), on_event=peer.seen.append, journal=journal
        ) as orchestrator:
            first = await orchestrator.run(launch("bad"))
            again = await orchestrator.retry(BAD, "a flaky network")
            second = await again.wait()
        (entry,) = journal.history.runs.values()
    assert (first.verdict, second.verdict) == (Verdict.FAILED, Verdict.SUCCEEDED)
    assert second.ref == BAD
    assert (entry.open, entry.verdict) == (False, "succeeded")
    assert len(peer.ledger().retries) == 1
    assert "Retrying" in peer.kinds()


@in_virtual_time(WORLD)
async def test_only_a_task_that_did_not_end_well_is_retried(peer: Peer) -> None:
    async with Orchestrator(peer.zadig, peer.policy()) as orchestrator:
        run = await orchestrator.start(launch("slow"))
        await peer.sleep(10.0)
        with pytest.raises(ConfigError, match="it is running"):
            await orchestrator.retry(run.ref)
    assert peer.ledger().retries == []


@in_virtual_time(WORLD)
async def test_a_retry_whose_answer_is_lost_is_read_back_and_not_repeated(peer: Peer) -> None:
    async with Orchestrator(peer.zadig, peer.policy()) as orchestrator:
        await orchestrator.run(launch("bad"))
        peer.fault("reset_after", RETRY, method="POST")
        assert (await (await orchestrator.retry(BAD)).wait()).ok
        assert len(peer.ledger().retries) == 1


@in_virtual_time(WORLD)
async def test_a_retry_that_does_not_show_is_told_as_unknown(peer: Peer) -> None:
    async with Orchestrator(peer.zadig, peer.policy()) as orchestrator:
        await orchestrator.run(launch("bad"))
        peer.fault("status", RETRY, method="POST", status=502)
        with pytest.raises(OutcomeUnknownError, match="no clear answer to the retry"):
            await orchestrator.retry(BAD)
    assert peer.ledger().retries == []


@in_virtual_time(WORLD)
async def test_a_refused_retry_is_passed_on(peer: Peer) -> None:
    async with Orchestrator(peer.zadig, peer.policy()) as orchestrator:
        await orchestrator.run(launch("bad"))
        peer.fault("status", RETRY, method="POST", status=400, body='{"code":400,"message":"no"}')
        with pytest.raises(RejectedError):
            await orchestrator.retry(BAD)


@in_virtual_time(WORLD)
async def test_the_switch_stops_cancellations_and_retries_too(peer: Peer) -> None:
    switch = KillSwitch()
    async with Orchestrator(peer.zadig, peer.policy(), switch=switch) as orchestrator:
        await orchestrator.run(launch("bad"))
        run = await orchestrator.start(launch("slow"))
        await peer.sleep(10.0)
        switch.pull("a test")
        with pytest.raises(HaltedError):
            await orchestrator.cancel(run.ref)
        with pytest.raises(HaltedError):
            await orchestrator.retry(BAD)
    assert peer.ledger().cancels == []
    assert peer.ledger().retries == []


@in_virtual_time(WORLD)
async def test_a_task_that_fails_between_the_read_and_the_cancellation_is_told_as_failed(peer: Peer) -> None:
    assert peer.carrier is not None
    loop = asyncio.get_running_loop()

    async def dawdle(call: AnyCall) -> None:
        if call.method == "DELETE":
            await asyncio.sleep(30.0)  # on its way to Zadig; meanwhile the job fails

    zadig = ZadigClient.over(Meddling(peer.carrier, dawdle))
    async with Orchestrator(zadig, peer.policy()) as orchestrator:
        began = loop.time()
        run = await orchestrator.start(launch("bad"))
        await peer.sleep(4.0)
        cancelling = asyncio.create_task(orchestrator.cancel(run.ref))
        outcome = await run.wait()
        assert outcome.verdict is Verdict.FAILED
        await cancelling
        watched = await orchestrator.attach(run.ref).wait()
    assert loop.time() - began > 30.0
    assert peer.ledger().cancels[0].before == "failed"
    assert (watched.status, watched.verdict) == ("cancelled", Verdict.FAILED)


@in_virtual_time(WORLD)
async def test_a_run_is_resumed_with_the_deadline_of_its_launch(peer: Peer) -> None:
    def wall() -> float:
        return peer.world().now

    policy = peer.policy(deadlines=Deadlines(total=120.0, cancel=True))
    async with Journal(MemoryStore(clock=wall)) as journal:
        async with Orchestrator(peer.zadig, policy, journal=journal, wall=wall) as orchestrator:
            await orchestrator.start(launch("slow"))
            await peer.sleep(100.0)
        async with Orchestrator(peer.zadig, policy, journal=journal, wall=wall) as again:
            (outcome,) = await again.resume()
    assert outcome.verdict is Verdict.DEADLINE
    assert 110.0 < outcome.seconds < 140.0
    assert len(peer.ledger().cancels) == 1


@in_virtual_time(WORLD)
async def test_a_batch_is_resumed_as_a_whole_and_in_order(peer: Peer) -> None:
    policy = attrs.evolve(peer.policy(approve="gate"), concurrency=1)
    async with Journal(MemoryStore()) as journal:
        async with Orchestrator(peer.zadig, policy, journal=journal) as orchestrator:
            running = asyncio.create_task(
                orchestrator.run_all([launch("bad"), launch("gated"), launch("stubborn")])
            )
            await peer.sleep(16.0)
            orchestrator.detach()
            before = await running
        async with Orchestrator(peer.zadig, policy, journal=journal) as again:
            after = await again.resume()
            assert await again.resume() == []
    assert [outcome.verdict for outcome in before] == [Verdict.FAILED, Verdict.DETACHED, Verdict.DETACHED]
    assert [(outcome.workflow.workflow, outcome.verdict) for outcome in after] == [
        ("bad", Verdict.FAILED),
        ("gated", Verdict.SUCCEEDED),
        ("stubborn", Verdict.SUCCEEDED),
    ]
    assert after[0].first_failure is not None
    assert sorted(task.workflow for task in peer.ledger().tasks) == ["bad", "gated", "stubborn"]


@in_virtual_time(WORLD)
async def test_a_refusal_is_told_again_when_its_batch_is_resumed(peer: Peer) -> None:
    policy = peer.policy(deadlines=Deadlines(gate=0.0))
    async with Journal(MemoryStore()) as journal:
        wrong = Launch("shop", "bad", jobs=["biuld"])
        async with Orchestrator(peer.zadig, policy, journal=journal) as orchestrator:
            before = await orchestrator.run_all([wrong, launch("gated")])
        async with Orchestrator(peer.zadig, policy, journal=journal) as again:
            after = await again.resume()
    for outcomes in (before, after):
        assert [outcome.verdict for outcome in outcomes] == [Verdict.REFUSED, Verdict.BLOCKED]
        assert "there is no job 'biuld'" in str(outcomes[0].error)


@in_virtual_time(WORLD)
async def test_a_run_another_driver_has_is_left_to_it(peer: Peer) -> None:
    store = MemoryStore()
    async with (
        Journal(store) as first,
        Journal(store) as second,
        Orchestrator(peer.zadig, peer.policy(), journal=first) as orchestrator,
        Orchestrator(peer.zadig, peer.policy(approve="gate"), journal=second) as other,
    ):
        run = await orchestrator.start(launch("gated"))
        (outcome,) = await other.resume()
        assert (outcome.verdict, outcome.ref) == (Verdict.LOST, run.ref)
        assert isinstance(outcome.error, LeaseHeldError)
        lost = await other.attach(run.ref).wait()
        assert lost.verdict is Verdict.LOST
    assert peer.ledger().approvals == []


@in_virtual_time(WORLD)
async def test_a_driver_whose_lease_is_taken_stops_watching_and_votes_no_more(peer: Peer) -> None:
    now = [0.0]
    store = MemoryStore(clock=lambda: now[0])
    policy = peer.policy(approve="gate")
    async with (
        Journal(store) as first,
        Journal(store) as second,
        Orchestrator(peer.zadig, policy, journal=first) as orchestrator,
        Orchestrator(peer.zadig, peer.policy(), journal=second) as other,
    ):
        run = await orchestrator.start(launch("gated"))
        now[0] += 31.0  # the first driver was stopped for this long
        taken = asyncio.create_task(other.resume())
        outcome = await run.wait()
        assert outcome.verdict is Verdict.LOST
        assert isinstance(outcome.error, LeaseLostError)
        other.detach()
        assert [each.ref for each in await taken] == [run.ref]
    assert peer.ledger().approvals == []
