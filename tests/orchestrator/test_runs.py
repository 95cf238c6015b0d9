"""Launches from trigger to outcome, over both peers."""

import asyncio

import pytest

from tests.support.meddling import Meddling
from tests.support.peers import Peer, both_peers, in_virtual_time
from tests.support.virtual_time import virtual_time
from tests.support.worlds import gate, job, workflow, world
from zadig_async import ALL_JOBS, Deadlines, Launch, Orchestrator, Phase, TaskRef, Verdict, ZadigClient
from zadig_async.errors import NotFoundError, PreflightError
from zadig_async.orchestrator import events
from zadig_async.orchestrator.run import HELD, HELD_TEXT, Readers
from zadig_async.wire.call import AnyCall
from zadig_async.wire.loglines import LogLine

BUILD_GATE_DEPLOY = world(
    workflow("api", [job("build")], [gate("staging-gate")], [job("deploy")]),
    workflow("web", [job("build")], [gate("staging-gate")], [job("deploy")]),
    workflow("search", [job("build", outcome="failed")], [job("deploy")]),
    workflow("mobile", [job("android"), job("ios"), job("harmony", duration=9.0)], parallel=True),
)


def launch(key: str) -> Launch:
    return Launch("shop", key, jobs=ALL_JOBS)


@both_peers(BUILD_GATE_DEPLOY)
async def test_many_launches_at_once_each_come_to_their_own_end(peer: Peer) -> None:
    policy = peer.policy(approve="staging-gate")
    async with Orchestrator(peer.zadig, policy, on_event=peer.seen.append) as orchestrator:
        outcomes = await orchestrator.run_all([launch(key) for key in ("api", "web", "search", "mobile")])
    assert [outcome.verdict for outcome in outcomes] == [
        Verdict.SUCCEEDED,
        Verdict.SUCCEEDED,
        Verdict.FAILED,
        Verdict.SUCCEEDED,
    ]
    assert [outcome.ref for outcome in outcomes] == [
        TaskRef("shop", key, 1) for key in ("api", "web", "search", "mobile")
    ]
    assert outcomes[2].first_failure is not None
    assert outcomes[2].first_failure.origin_name == "build"
    assert len(peer.ledger().tasks) == 4
    assert {vote.workflow for vote in peer.ledger().approvals} == {"api", "web"}


@both_peers(BUILD_GATE_DEPLOY)
async def test_events_tell_the_story_in_order(peer: Peer) -> None:
    policy = peer.policy(approve="staging-gate")
    async with Orchestrator(peer.zadig, policy, on_event=peer.seen.append) as orchestrator:
        await orchestrator.run(launch("api"))
    story = [name for name in peer.kinds() if name not in {"JobChanged", "TaskChanged"}]
    assert story == [
        "Launching",
        "Launched",
        "GateOpened",
        "GateApproving",
        "GateApproved",
        "GateClosed",
        "Ended",
    ]
    task_states = [event.after for event in peer.seen if isinstance(event, events.TaskChanged)]
    assert task_states[-2:] == ["running", "passed"]


@both_peers(BUILD_GATE_DEPLOY)
async def test_without_a_rule_no_gate_is_passed(peer: Peer) -> None:
    policy = peer.policy(deadlines=Deadlines(gate=30.0))
    async with Orchestrator(peer.zadig, policy, on_event=peer.seen.append) as orchestrator:
        outcome = await orchestrator.run(launch("api"))
    assert outcome.verdict is Verdict.BLOCKED
    assert [waiting.name for waiting in outcome.gates] == ["staging-gate"]
    assert peer.ledger().approvals == []
    opened = next(event for event in peer.seen if isinstance(event, events.GateOpened))
    assert (opened.allowed, opened.reason) == (False, "no rule allows it")


@both_peers(BUILD_GATE_DEPLOY)
async def test_a_launch_that_does_not_fit_sends_nothing(peer: Peer) -> None:
    async with Orchestrator(peer.zadig, peer.policy()) as orchestrator:
        typo = await orchestrator.run(Launch("shop", "api", jobs=["biuld", "deploy"]))
        unknown = await orchestrator.run(Launch("shop", "nope", jobs=["build"]))
    assert isinstance(typo.error, PreflightError)
    assert typo.error.findings == (
        "there is no job 'biuld': the server would ignore it; did you mean 'build'?",
        "the gate 'staging-gate' would be skipped: name it in jobs, or in allow_bypass if that is meant",
    )
    assert isinstance(unknown.error, NotFoundError)
    assert {typo.verdict, unknown.verdict} == {Verdict.REFUSED}
    assert peer.ledger().tasks == []


@both_peers(BUILD_GATE_DEPLOY)
async def test_a_gate_left_out_on_purpose_is_left_out(peer: Peer) -> None:
    async with Orchestrator(peer.zadig, peer.policy()) as orchestrator:
        outcome = await orchestrator.run(
            Launch("shop", "api", jobs=["build", "deploy"], allow_bypass=["staging-gate"])
        )
    assert outcome.ok
    assert outcome.task is not None
    assert [ran.origin_name for ran in outcome.task.jobs()] == ["build", "deploy"]


@both_peers(BUILD_GATE_DEPLOY)
async def test_attach_watches_a_task_that_is_already_there(peer: Peer) -> None:
    async with Orchestrator(peer.zadig, peer.policy(approve="staging-gate")) as first:
        ref = (await first.start(launch("mobile"))).ref
    async with Orchestrator(peer.zadig, peer.policy()) as second:
        outcome = await second.attach(ref).wait()
    assert outcome.ok
    assert outcome.launch is None
    assert len(peer.ledger().tasks) == 1


@both_peers(BUILD_GATE_DEPLOY)
async def test_a_run_is_cancelled_and_settled(peer: Peer) -> None:
    async with Orchestrator(peer.zadig, peer.policy(), on_event=peer.seen.append) as orchestrator:
        run = await orchestrator.start(launch("mobile"))
        await peer.sleep(6.0)
        await run.cancel("changed our mind")
        outcome = await run.wait()
        await run.cancel("again")
    assert outcome.verdict is Verdict.CANCELLED
    assert outcome.task is not None
    assert all(ran.status.phase is not Phase.RUNNING for ran in outcome.task.jobs())
    assert len(peer.ledger().cancels) == 1


@in_virtual_time(BUILD_GATE_DEPLOY)
async def test_reads_that_fail_do_not_end_a_watch(peer: Peer) -> None:
    policy = peer.policy(approve="staging-gate")
    async with Orchestrator(peer.zadig, policy, on_event=peer.seen.append) as orchestrator:
        run = await orchestrator.start(launch("api"))
        peer.fault("status", "/openapi/workflows/custom/task", method="GET", status=502, times=12)
        outcome = await run.wait()
    assert outcome.ok
    assert "PollFailed" in peer.kinds()
    assert "PollRecovered" in peer.kinds()


@in_virtual_time(BUILD_GATE_DEPLOY)
async def test_a_server_that_stays_away_loses_the_watch_not_the_task(peer: Peer) -> None:
    async with Orchestrator(peer.zadig, peer.policy(outage=300.0)) as orchestrator:
        run = await orchestrator.start(launch("api"))
        await peer.sleep(4.0)
        peer.fault("reset_before", "/openapi/workflows/custom/task", method="GET", times=None)
        outcome = await run.wait()
    assert outcome.verdict is Verdict.LOST
    assert outcome.error is not None
    assert peer.ledger().cancels == []


@in_virtual_time(BUILD_GATE_DEPLOY)
async def test_one_launch_whose_trigger_is_lost_touches_no_other(peer: Peer) -> None:
    peer.fault("reset_after", "/openapi/workflows/custom/task", method="POST", times=1)
    policy = peer.policy(approve="staging-gate", concurrency=1)
    async with Orchestrator(peer.zadig, policy) as orchestrator:
        outcomes = await orchestrator.run_all([launch("search"), launch("api"), launch("mobile")])
    assert [outcome.verdict for outcome in outcomes] == [
        Verdict.UNKNOWN,
        Verdict.SUCCEEDED,
        Verdict.SUCCEEDED,
    ]
    assert outcomes[0].ref is None
    assert len(peer.ledger().tasks) == 3


@in_virtual_time(world(workflow("one", [job("build", duration=50.0)]), workflow_concurrency=1))
async def test_the_queue_has_a_deadline_of_its_own(peer: Peer) -> None:
    policy = peer.policy(deadlines=Deadlines(queue=20.0, run=3600.0))
    async with Orchestrator(peer.zadig, policy) as orchestrator:
        first, second = await asyncio.gather(orchestrator.run(launch("one")), orchestrator.run(launch("one")))
    assert {first.verdict, second.verdict} == {Verdict.SUCCEEDED, Verdict.DEADLINE}
    late = first if first.verdict is Verdict.DEADLINE else second
    assert "not started 20 s after its launch" in str(late.error)
    assert peer.ledger().cancels == []


@pytest.mark.parametrize("cancel", [False, True])
def test_a_run_deadline_leaves_or_cancels_the_task(cancel: bool) -> None:
    @in_virtual_time(world(workflow("slow", [job("build", duration=900.0)])))
    async def body(peer: Peer) -> None:
        policy = peer.policy(deadlines=Deadlines(run=60.0, cancel=cancel))
        async with Orchestrator(peer.zadig, policy) as orchestrator:
            outcome = await orchestrator.run(launch("slow"))
        assert outcome.verdict is Verdict.DEADLINE
        assert len(peer.ledger().cancels) == int(cancel)

    body()


@in_virtual_time(world(workflow("slow", [job("build", duration=900.0)])))
async def test_a_deadline_whose_cancellation_fails_says_so(peer: Peer) -> None:
    peer.fault("status", "/openapi/workflows/custom/task", method="DELETE", status=403, times=None)
    policy = peer.policy(deadlines=Deadlines(run=60.0, cancel=True))
    async with Orchestrator(peer.zadig, policy) as orchestrator:
        outcome = await orchestrator.run(launch("slow"))
    assert outcome.verdict is Verdict.DEADLINE
    assert "and it could not be cancelled: DELETE /openapi/workflows/custom/task: HTTP 403" in str(
        outcome.error
    )


@in_virtual_time(BUILD_GATE_DEPLOY)
async def test_detaching_ends_every_watch_at_once_and_writes_nothing_more(peer: Peer) -> None:
    policy = peer.policy(approve="staging-gate", concurrency=2)
    loop = asyncio.get_running_loop()
    async with Orchestrator(peer.zadig, policy) as orchestrator:
        everything = asyncio.create_task(
            orchestrator.run_all([launch(key) for key in ("api", "mobile", "web", "search")])
        )
        await peer.sleep(5.0)
        before = loop.time()
        orchestrator.detach()
        outcomes = await everything
        assert loop.time() - before < 1.0
    assert {outcome.verdict for outcome in outcomes} == {Verdict.DETACHED}
    assert [outcome.ref is not None for outcome in outcomes] == [True, True, False, False]
    assert len(peer.ledger().tasks) == 2
    await peer.sleep(600.0)
    assert peer.ledger().approvals == []
    assert peer.ledger().cancels == []


@in_virtual_time(BUILD_GATE_DEPLOY)
async def test_a_launch_announced_but_not_sent_is_not_sent_once_we_are_told_to_stop(peer: Peer) -> None:
    def stop(event: events.Event) -> None:
        if isinstance(event, events.Launching):
            orchestrator.detach()

    orchestrator = Orchestrator(peer.zadig, peer.policy(), on_event=stop)
    async with orchestrator:
        outcome = await orchestrator.run(launch("api"))
    assert outcome.verdict is Verdict.DETACHED
    assert peer.ledger().tasks == []


@in_virtual_time(BUILD_GATE_DEPLOY)
async def test_a_trigger_under_way_is_waited_for_when_told_to_stop(peer: Peer) -> None:
    peer.fault("delay", "/openapi/workflows/custom/task", method="POST", seconds=5.0, times=1)
    async with Orchestrator(peer.zadig, peer.policy(), on_event=peer.seen.append) as orchestrator:
        running = asyncio.create_task(orchestrator.run(launch("api")))
        await peer.sleep(1.0)
        orchestrator.detach()
        outcome = await running
    assert (outcome.verdict, outcome.ref) == (Verdict.DETACHED, TaskRef("shop", "api", 1))


@in_virtual_time(BUILD_GATE_DEPLOY)
async def test_a_trigger_that_never_answers_is_told_as_unknown_when_told_to_stop(peer: Peer) -> None:
    peer.fault("hang", "/openapi/workflows/custom/task", method="POST", times=1)
    async with Orchestrator(peer.zadig, peer.policy(), on_event=peer.seen.append) as orchestrator:
        running = asyncio.create_task(orchestrator.run(launch("api")))
        await peer.sleep(1.0)
        orchestrator.detach()
        outcome = await running
    assert (outcome.verdict, outcome.ref) == (Verdict.UNKNOWN, None)


@in_virtual_time(BUILD_GATE_DEPLOY)
async def test_a_cancelled_caller_still_learns_of_the_task_it_made(peer: Peer) -> None:
    peer.fault("delay", "/openapi/workflows/custom/task", method="POST", seconds=5.0, times=1)
    async with Orchestrator(peer.zadig, peer.policy(), on_event=peer.seen.append) as orchestrator:
        running = asyncio.create_task(orchestrator.run(launch("api")))
        await peer.sleep(1.0)
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
    launched = [event.ref for event in peer.seen if isinstance(event, events.Launched)]
    assert launched == [TaskRef("shop", "api", 1)]


@in_virtual_time(BUILD_GATE_DEPLOY)
async def test_an_observer_that_fails_ends_nothing(peer: Peer) -> None:
    def broken(event: events.Event) -> None:
        raise RuntimeError(f"a bug of the observer of {event}")

    async with Orchestrator(peer.zadig, peer.policy(), on_event=broken) as orchestrator:
        outcome = await orchestrator.run(launch("mobile"))
    assert outcome.ok


@in_virtual_time(BUILD_GATE_DEPLOY)
async def test_a_restart_of_the_server_is_told_by_its_name(peer: Peer) -> None:
    async with Orchestrator(peer.zadig, peer.policy()) as orchestrator:
        run = await orchestrator.start(launch("mobile"))
        await peer.sleep(5.0)
        peer.world().restart()
        outcome = await run.wait()
    assert outcome.verdict is Verdict.CANCELLED
    assert outcome.task is not None
    assert outcome.task.revoker == "system"


@in_virtual_time(BUILD_GATE_DEPLOY)
async def test_a_task_that_vanished_is_believed_gone_only_after_three_reads(peer: Peer) -> None:
    async with Orchestrator(peer.zadig, peer.policy(), on_event=peer.seen.append) as orchestrator:
        outcome = await orchestrator.attach(TaskRef("shop", "api", 99)).wait()
    assert outcome.verdict is Verdict.LOST
    assert isinstance(outcome.error, NotFoundError)
    assert peer.kinds().count("PollFailed") == 3


@in_virtual_time(BUILD_GATE_DEPLOY)
async def test_a_run_can_be_read_as_events(peer: Peer) -> None:
    async with Orchestrator(peer.zadig, peer.policy()) as orchestrator:
        run = await orchestrator.start(launch("mobile"))
        told = [type(event).__name__ async for event in run.events()]
        outcome = await run.wait()
    assert outcome.ok
    assert told[0] == "TaskChanged"
    assert told[-1] == "Ended"


@in_virtual_time(BUILD_GATE_DEPLOY)
async def test_a_run_that_has_ended_has_no_more_events(peer: Peer) -> None:
    async with Orchestrator(peer.zadig, peer.policy()) as orchestrator:
        run = await orchestrator.start(launch("mobile"))
        await run.wait()
        assert [event async for event in run.events()] == []


@virtual_time
async def test_a_reader_that_lags_behind_is_told_what_it_lost() -> None:
    ref = TaskRef("shop", "api", 1)
    readers = Readers()
    reading = readers.read()
    first = asyncio.ensure_future(anext(reading))
    await asyncio.sleep(0)
    for number in range(HELD + 3):
        readers.tell(events.LogOpened(workflow=ref.of, ref=ref, job=str(number)))
    lost = await first
    assert isinstance(lost, events.EventsDropped)
    assert lost.count == 3
    oldest = await anext(reading)
    assert isinstance(oldest, events.LogOpened)
    assert oldest.job == "3"
    await reading.aclose()


@virtual_time
async def test_a_reader_that_lags_behind_a_long_log_holds_no_more_than_its_share() -> None:
    ref = TaskRef("shop", "api", 1)
    readers = Readers()
    reading = readers.read()
    first = asyncio.ensure_future(anext(reading))
    await asyncio.sleep(0)
    line = LogLine("x" * (HELD_TEXT // 4))
    for number in range(10):
        readers.tell(events.LogLines(workflow=ref.of, ref=ref, job=str(number), lines=(line,)))
    lost = await first
    assert isinstance(lost, events.EventsDropped)
    assert lost.count == 6
    left = [await anext(reading) for _ in range(4)]
    assert [event.job for event in left if isinstance(event, events.LogLines)] == ["6", "7", "8", "9"]
    await reading.aclose()


@in_virtual_time(BUILD_GATE_DEPLOY)
async def test_a_gateway_that_has_lost_its_route_does_not_lose_the_task(peer: Peer) -> None:
    """Zadig never says 404 of a missing task; a gateway that restarts does, for everything."""
    async with Orchestrator(peer.zadig, peer.policy(), on_event=peer.seen.append) as orchestrator:
        run = await orchestrator.start(launch("mobile"))
        peer.fault("status", "/openapi/workflows/custom/task", method="GET", status=404, times=5)
        outcome = await run.wait()
    assert outcome.ok
    assert peer.kinds().count("PollFailed") == 5


@in_virtual_time(BUILD_GATE_DEPLOY)
async def test_nothing_is_said_of_the_queue_or_a_gate_that_could_not_be_looked_at(peer: Peer) -> None:
    deadlines = Deadlines(queue=20.0, gate=20.0, cancel=True)
    async with Orchestrator(peer.zadig, peer.policy(deadlines=deadlines)) as orchestrator:
        run = await orchestrator.start(launch("mobile"))
        peer.fault("status", "/openapi/workflows/custom/task", method="GET", status=403, times=5)
        outcome = await run.wait()
    assert outcome.ok
    assert peer.ledger().cancels == []


@in_virtual_time(BUILD_GATE_DEPLOY)
async def test_deadlines_count_from_the_trigger(peer: Peer) -> None:
    peer.fault("delay", "/openapi/workflows/custom/task", method="POST", seconds=60.0, times=1)
    deadlines = Deadlines(queue=20.0, total=50.0, cancel=True)
    async with Orchestrator(peer.zadig, peer.policy(deadlines=deadlines)) as orchestrator:
        outcome = await orchestrator.run(launch("mobile"))
    assert outcome.ok
    assert outcome.seconds > 60.0


@in_virtual_time(world(workflow("slow", [job("build", duration=70.0)])))
async def test_a_task_that_ended_before_it_could_be_cancelled_has_its_own_end(peer: Peer) -> None:
    read_at: list[float] = []

    async def before(call: AnyCall) -> None:
        now = asyncio.get_running_loop().time()
        if call.label == "GET /openapi/workflows/custom/task":
            if read_at and read_at[-1] == now:  # the read before a cancellation comes without a pause
                await asyncio.sleep(30.0)
            read_at.append(now)

    assert peer.carrier is not None
    policy = peer.policy(deadlines=Deadlines(run=60.0, cancel=True))
    async with Orchestrator(ZadigClient.over(Meddling(peer.carrier, before)), policy) as orchestrator:
        outcome = await orchestrator.run(launch("slow"))
    assert outcome.verdict is Verdict.SUCCEEDED
    assert peer.ledger().cancels == []


@in_virtual_time(world(workflow("api", [job("build", outcome=["failed", "passed"])])))
async def test_a_task_retried_while_its_end_is_read_is_watched_on(peer: Peer) -> None:
    def retry(event: events.Event) -> None:
        peer.seen.append(event)
        if isinstance(event, events.TaskChanged) and event.after == "failed":
            peer.world().retry("api", 1, "alice")

    async with Orchestrator(peer.zadig, peer.policy(), on_event=retry) as orchestrator:
        outcome = await orchestrator.run(launch("api"))
    assert (outcome.verdict, outcome.status) == (Verdict.SUCCEEDED, "passed")
    states = [event.after for event in peer.seen if isinstance(event, events.TaskChanged)]
    assert states[-4:] == ["failed", "waiting", "running", "passed"]


@in_virtual_time(world(workflow("api", [job("build", outcome="failed")])))
async def test_a_failure_that_zadig_rewrites_to_cancelled_is_told_as_a_failure(peer: Peer) -> None:
    def cancel(event: events.Event) -> None:
        if isinstance(event, events.TaskChanged) and event.after == "failed":
            peer.world().cancel("api", 1, "alice")

    async with Orchestrator(peer.zadig, peer.policy(), on_event=cancel) as orchestrator:
        outcome = await orchestrator.run(launch("api"))
    assert (outcome.verdict, outcome.status) == (Verdict.FAILED, "cancelled")
