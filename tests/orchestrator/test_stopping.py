"""What is still sent, and what is still told, once nobody wants a launch or a watch to go on."""

import asyncio

import pytest

from tests.support.meddling import Meddling
from tests.support.peers import Peer, in_virtual_time
from tests.support.worlds import gate, job, workflow, world
from zadig_async import ALL_JOBS, Launch, Orchestrator, Verdict, ZadigClient
from zadig_async.errors import ConnectError
from zadig_async.orchestrator import events
from zadig_async.wire.call import AnyCall

LAUNCH = Launch("shop", "api", jobs=ALL_JOBS)
API = workflow("api", [job("build")], [gate()], [job("deploy")])
TRIGGER = "POST /openapi/workflows/custom/task"
APPROVE = "POST /openapi/workflows/custom/task/approve"
DETAIL = "/openapi/workflows/custom/task"
ARCHIVE = "/openapi/logs/log/v4/workflow/*"


@in_virtual_time(world(API))
async def test_a_trigger_that_could_not_be_sent_is_not_sent_after_we_are_told_to_stop(peer: Peer) -> None:
    async def before(call: AnyCall) -> None:
        if call.label == TRIGGER and not refused:
            refused.append(call.label)
            orchestrator.detach()
            raise ConnectError("nobody listens", call=call.label)

    refused: list[str] = []
    assert peer.carrier is not None
    zadig = ZadigClient.over(Meddling(peer.carrier, before))
    orchestrator = Orchestrator(zadig, peer.policy())
    async with orchestrator:
        outcome = await orchestrator.run(LAUNCH)
    assert refused
    assert outcome.verdict is Verdict.DETACHED
    await peer.sleep(60.0)
    assert peer.ledger().tasks == []


@in_virtual_time(world(API))
async def test_a_trigger_that_could_not_be_sent_is_not_sent_after_its_caller_was_cancelled(
    peer: Peer,
) -> None:
    async def before(call: AnyCall) -> None:
        if call.label == TRIGGER and not refused:
            refused.append(call.label)
            running.cancel()
            raise ConnectError("nobody listens", call=call.label)

    refused: list[str] = []
    assert peer.carrier is not None
    zadig = ZadigClient.over(Meddling(peer.carrier, before))
    async with Orchestrator(zadig, peer.policy()) as orchestrator:
        running = asyncio.create_task(orchestrator.run(LAUNCH))
        with pytest.raises(asyncio.CancelledError):
            await running
        assert refused
        await peer.sleep(60.0)
    assert peer.ledger().tasks == []


@in_virtual_time(world(API))
async def test_a_vote_that_could_not_be_sent_is_not_sent_after_we_are_told_to_stop(peer: Peer) -> None:
    async def before(call: AnyCall) -> None:
        if call.label == APPROVE and not refused:
            refused.append(call.label)
            orchestrator.detach()
            raise ConnectError("nobody listens", call=call.label)

    refused: list[str] = []
    assert peer.carrier is not None
    zadig = ZadigClient.over(Meddling(peer.carrier, before))
    orchestrator = Orchestrator(zadig, peer.policy(approve="gate"))
    async with orchestrator:
        outcome = await orchestrator.run(LAUNCH)
    assert refused
    assert outcome.verdict is Verdict.DETACHED
    await peer.sleep(60.0)
    assert peer.ledger().approvals == []


@in_virtual_time(world(API))
async def test_a_vote_that_had_to_wait_rests_on_a_fresh_read(peer: Peer) -> None:
    """Between the read and the moment the server can be reached, the gate may have become another one."""
    sent: list[tuple[float, str]] = []

    async def before(call: AnyCall) -> None:
        now = asyncio.get_running_loop().time()
        if call.label == APPROVE and len([1 for _, label in sent if label == APPROVE]) < 3:
            sent.append((now, call.label))
            await asyncio.sleep(10.0)
            raise ConnectError("nobody listens", call=call.label)
        sent.append((now, call.label))

    assert peer.carrier is not None
    zadig = ZadigClient.over(Meddling(peer.carrier, before))
    async with Orchestrator(zadig, peer.policy(approve="gate")) as orchestrator:
        outcome = await orchestrator.run(LAUNCH)
    assert outcome.ok
    votes = [at for at, label in sent if label == APPROVE]
    assert len(votes) == 4
    for vote in votes:
        assert vote - max(at for at, label in sent if label.startswith("GET") and at <= vote) <= 5.0


@in_virtual_time(world(API))
async def test_a_trigger_without_an_answer_holds_us_no_longer_than_said(peer: Peer) -> None:
    peer.fault("hang", DETAIL, method="POST", times=1)
    loop = asyncio.get_running_loop()
    async with Orchestrator(peer.zadig, peer.policy()) as orchestrator:
        running = asyncio.create_task(orchestrator.run(LAUNCH))
        await peer.sleep(1.0)
        before = loop.time()
        orchestrator.detach()
        outcome = await running
    assert outcome.verdict is Verdict.UNKNOWN
    assert 10.0 <= loop.time() - before < 11.0


@in_virtual_time(world(workflow("api", [job("build", duration=60.0, log=["one", "two"])])))
async def test_a_settling_watch_stops_at_once_and_its_logs_with_it(peer: Peer) -> None:
    peer.fault("empty", ARCHIVE, times=None)
    policy = peer.policy(follow_logs=True)
    loop = asyncio.get_running_loop()
    async with Orchestrator(peer.zadig, policy, on_event=peer.seen.append) as orchestrator:
        run = await orchestrator.start(LAUNCH)
        await peer.sleep(20.0)
        await run.cancel()
        await peer.sleep(5.0)
        before = loop.time()
        orchestrator.detach()
        outcome = await run.wait()
    assert outcome.verdict is Verdict.DETACHED
    assert loop.time() - before < 1.0


@in_virtual_time(world(workflow("api", [job("build", duration=20.0, log=["one", "two"])])))
async def test_a_task_known_to_have_ended_is_told_as_ended_however_early_we_stop(peer: Peer) -> None:
    peer.fault("empty", ARCHIVE, times=None)
    policy = peer.policy(follow_logs=True)
    async with Orchestrator(peer.zadig, policy, on_event=peer.seen.append) as orchestrator:
        run = await orchestrator.start(LAUNCH)
        while not any(
            isinstance(event, events.TaskChanged) and event.after == "passed" for event in peer.seen
        ):
            await peer.sleep(1.0)
        await peer.sleep(0.5)
        orchestrator.detach()
        outcome = await run.wait()
    assert outcome.verdict is Verdict.SUCCEEDED
    assert outcome.task is not None


@in_virtual_time(world(workflow("api", [job("build", duration=20.0, log=["one", "two"])])))
async def test_a_log_that_is_given_up_says_so(peer: Peer) -> None:
    peer.fault("delay", ARCHIVE, seconds=500.0, times=None)
    policy = peer.policy(follow_logs=True)
    async with Orchestrator(peer.zadig, policy, on_event=peer.seen.append) as orchestrator:
        outcome = await orchestrator.run(LAUNCH)
    assert outcome.ok
    (closed,) = [event for event in peer.seen if isinstance(event, events.LogClosed)]
    assert (closed.report.complete, closed.report.reason) == (False, "it was no longer read")
    assert isinstance(peer.seen[-1], events.Ended)
