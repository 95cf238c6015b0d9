"""A fault of this package in one launch is that launch's outcome and touches no other."""

import asyncio
import logging

import pytest

from tests.support.meddling import Meddling
from tests.support.peers import Peer, in_virtual_time
from tests.support.worlds import job, workflow, world
from zadig_async import ALL_JOBS, Launch, Orchestrator, Outcome, TaskRef, Verdict, ZadigClient
from zadig_async.orchestrator import events
from zadig_async.wire.call import AnyCall

WORLD = world(
    *(workflow(key, [job("build", duration=30.0, log=["a line"])]) for key in ("one", "two", "three"))
)
LAUNCHES = [Launch("shop", key, jobs=ALL_JOBS) for key in ("one", "two", "three")]
READ = "GET /openapi/workflows/custom/task"
PREPARE = "GET /openapi/workflows/custom/:workflow/detail"
TRIGGER = "POST /openapi/workflows/custom/task"
STREAM = "GET /openapi/logs/sse/v4/workflow/:workflow/:task/:job/:lines"


async def run_with_fault(
    peer: Peer, label: str, *, after: float = 0.0, follow: bool = False
) -> list[Outcome]:
    """Run all launches while every call of this label for `two` meets a fault that is no `ZadigError`."""
    loop = asyncio.get_running_loop()
    started = loop.time()

    async def before(call: AnyCall) -> None:
        if (
            call.label == label
            and loop.time() - started >= after
            and ("two" in call.target or (call.body is not None and b'"two"' in call.body))
        ):
            raise KeyError("a fault of ours")

    assert peer.carrier is not None
    zadig = ZadigClient.over(Meddling(peer.carrier, before))
    policy = peer.policy(follow_logs=follow)
    async with Orchestrator(zadig, policy, on_event=peer.seen.append) as orchestrator:
        return await orchestrator.run_all(LAUNCHES)


@pytest.mark.parametrize(
    ("label", "after", "verdict", "tasks"),
    [(PREPARE, 0.0, Verdict.REFUSED, 2), (TRIGGER, 0.0, Verdict.UNKNOWN, 2), (READ, 10.0, Verdict.LOST, 3)],
)
def test_a_fault_of_ours_ends_one_launch_and_no_other(
    label: str, after: float, verdict: Verdict, tasks: int, caplog: pytest.LogCaptureFixture
) -> None:
    @in_virtual_time(WORLD)
    async def body(peer: Peer) -> None:
        outcomes = await run_with_fault(peer, label, after=after)
        assert [outcome.verdict for outcome in outcomes] == [Verdict.SUCCEEDED, verdict, Verdict.SUCCEEDED]
        assert "KeyError" in str(outcomes[1].error)
        assert outcomes[1].ref == (TaskRef("shop", "two", 1) if verdict is Verdict.LOST else None)
        assert len(peer.ledger().tasks) == tasks
        ended = [event.outcome for event in peer.seen if isinstance(event, events.Ended)]
        assert {outcome.workflow.workflow for outcome in ended} == {"one", "two", "three"}

    with caplog.at_level(logging.ERROR, logger="zadig_async"):
        body()
    assert "KeyError" in caplog.text


@in_virtual_time(WORLD)
async def test_a_fault_of_ours_ends_the_events_of_its_run(peer: Peer) -> None:
    async def before(call: AnyCall) -> None:
        if call.label == READ:
            raise KeyError("a fault of ours")

    assert peer.carrier is not None
    async with Orchestrator(ZadigClient.over(Meddling(peer.carrier, before))) as orchestrator:
        run = orchestrator.attach(TaskRef("shop", "one", 1))
        async with asyncio.timeout(60.0):
            told = [event async for event in run.events()]
        outcome = await run.wait()
    assert outcome.verdict is Verdict.LOST
    assert isinstance(told[-1], events.Ended)


@in_virtual_time(WORLD)
async def test_a_fault_in_reading_a_log_costs_the_log_and_not_the_outcome(peer: Peer) -> None:
    outcomes = await run_with_fault(peer, STREAM, follow=True)
    assert [outcome.verdict for outcome in outcomes] == [Verdict.SUCCEEDED] * 3
    (closed,) = [
        event
        for event in peer.seen
        if isinstance(event, events.LogClosed) and event.workflow.workflow == "two"
    ]
    assert closed.report.complete is False
