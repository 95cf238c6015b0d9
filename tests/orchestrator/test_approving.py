"""Gates: approved by rule, once, and read back."""

import asyncio

import attrs
import pytest

from tests.support.peers import Peer, both_peers, in_virtual_time
from tests.support.worlds import gate, job, workflow, world
from zadig_async import (
    ALL_JOBS,
    ApprovalPolicy,
    ApprovalRule,
    Deadlines,
    Gate,
    Launch,
    Orchestrator,
    RunPolicy,
    TaskRef,
    TaskStatus,
    Verdict,
)
from zadig_async.orchestrator import events
from zadig_async.orchestrator.approval import Circumstances, Permission

APPROVE = "/openapi/workflows/custom/task/approve"
DETAIL = "/openapi/workflows/custom/task"
LAUNCH = Launch("shop", "api", jobs=ALL_JOBS)
API = workflow("api", [job("build")], [gate()], [job("deploy")])


async def run(peer: Peer, policy: RunPolicy, *, launch: Launch = LAUNCH) -> Verdict:
    async with Orchestrator(peer.zadig, policy, on_event=peer.seen.append) as orchestrator:
        return (await orchestrator.run(launch)).verdict


@in_virtual_time(world(API))
async def test_the_answer_to_a_vote_is_lost_and_the_vote_counts_once(peer: Peer) -> None:
    peer.fault("reset_after", APPROVE, times=1)
    assert await run(peer, peer.policy(approve="gate")) is Verdict.SUCCEEDED
    assert len(peer.ledger().approvals) == 1
    assert peer.ledger().approvals[0].comment.startswith("zadig-async ")
    assert peer.kinds().count("GateApproving") == 1
    assert peer.kinds().count("GateApproved") == 1


@in_virtual_time(world(API))
async def test_a_vote_that_was_answered_but_lost_is_cast_once_more(peer: Peer) -> None:
    peer.fault("status", APPROVE, status=200, body='{"message":"success"}', times=1)
    assert await run(peer, peer.policy(approve="gate")) is Verdict.SUCCEEDED
    assert peer.kinds().count("GateApproving") == 2
    assert len(peer.ledger().approvals) == 1


@in_virtual_time(world(API))
async def test_a_vote_that_is_lost_twice_is_told_and_left_to_a_human(peer: Peer) -> None:
    peer.fault("status", APPROVE, status=200, body='{"message":"success"}', times=None)
    policy = peer.policy(approve="gate", deadlines=Deadlines(total=300.0))
    assert await run(peer, policy) is Verdict.DEADLINE
    assert peer.kinds().count("GateApproving") == 2
    failure = next(event for event in peer.seen if isinstance(event, events.GateNotApproved))
    assert failure.reason == "the vote does not show in the task"
    assert peer.ledger().approvals == []


@in_virtual_time(world(API))
async def test_a_gate_that_does_not_take_votes_yet_is_tried_again(peer: Peer) -> None:
    body = '{"type":"error","message":"","code":6169,"description":"not found approval","extra":{}}'
    peer.fault("status", APPROVE, status=400, body=body, times=1)
    assert await run(peer, peer.policy(approve="gate")) is Verdict.SUCCEEDED
    assert len(peer.ledger().approvals) == 1


@in_virtual_time(world(workflow("api", [job("build")], [gate(users=("alice",))], [job("deploy")])))
async def test_an_account_that_may_not_approve_is_told_once_and_never_insists(peer: Peer) -> None:
    policy = peer.policy(approve="gate", deadlines=Deadlines(total=300.0))
    assert await run(peer, policy) is Verdict.DEADLINE
    failures = [event for event in peer.seen if isinstance(event, events.GateNotApproved)]
    assert len(failures) == 1
    assert "no authority" in failures[0].reason
    votes = [seen for seen in peer.ledger().requests if seen.path == APPROVE]
    assert len(votes) == 1


@in_virtual_time(world(workflow("api", [job("build")], [gate(needed_approvers=2)], [job("deploy")])))
async def test_a_gate_that_needs_two_gets_one_vote_of_ours(peer: Peer) -> None:
    policy = peer.policy(approve="gate", deadlines=Deadlines(gate=120.0))
    assert await run(peer, policy) is Verdict.BLOCKED
    assert len(peer.ledger().approvals) == 1
    assert "GateApproved" in peer.kinds()


@in_virtual_time(world(API))
async def test_our_own_vote_is_given_time_to_show_its_effect(peer: Peer) -> None:
    policy = peer.policy(approve="gate", deadlines=Deadlines(gate=0.0))
    assert await run(peer, policy) is Verdict.SUCCEEDED


@in_virtual_time(
    world(
        workflow(
            "api",
            [job("lint", outcome="failed", error_policy={"policy": "ignore_error"}), job("build")],
            [gate()],
            [job("deploy")],
        )
    )
)
async def test_a_rule_wants_every_earlier_job_passed(peer: Peer) -> None:
    policy = peer.policy(approve="gate", deadlines=Deadlines(gate=30.0))
    assert await run(peer, policy) is Verdict.BLOCKED
    opened = next(event for event in peer.seen if isinstance(event, events.GateOpened))
    assert opened.reason == "job-0-0-0-lint is unstable, not passed"
    assert peer.ledger().approvals == []


@in_virtual_time(
    world(
        workflow(
            "api",
            [job("lint", outcome="failed", error_policy={"policy": "ignore_error"}), job("build")],
            [gate()],
            [job("deploy")],
        )
    )
)
async def test_a_rule_may_do_without(peer: Peer) -> None:
    assert await run(peer, peer.policy(approve="gate", after_passed=False)) is Verdict.SUCCEEDED


@in_virtual_time(world(API))
async def test_a_vote_is_not_cast_once_we_are_told_to_stop(peer: Peer) -> None:
    def stop_at_the_gate(event: events.Event) -> None:
        peer.seen.append(event)
        if isinstance(event, events.GateOpened):
            orchestrator.detach()

    orchestrator = Orchestrator(peer.zadig, peer.policy(approve="gate"), on_event=stop_at_the_gate)
    async with orchestrator:
        outcome = await orchestrator.run(LAUNCH)
    assert outcome.verdict is Verdict.DETACHED
    await peer.sleep(120.0)
    assert [seen for seen in peer.ledger().requests if seen.path == APPROVE] == []


@in_virtual_time(world(API))
async def test_a_vote_announced_but_not_sent_is_not_sent_once_we_are_told_to_stop(peer: Peer) -> None:
    def stop_at_the_vote(event: events.Event) -> None:
        if isinstance(event, events.GateApproving):
            orchestrator.detach()

    orchestrator = Orchestrator(peer.zadig, peer.policy(approve="gate"), on_event=stop_at_the_vote)
    async with orchestrator:
        outcome = await orchestrator.run(LAUNCH)
    assert outcome.verdict is Verdict.DETACHED
    await peer.sleep(120.0)
    assert [seen for seen in peer.ledger().requests if seen.path == APPROVE] == []


@in_virtual_time(world(API))
async def test_a_vote_that_was_never_sent_is_cast_at_the_next_look(peer: Peer) -> None:
    assert peer.carrier is not None
    carrier = peer.carrier

    def unplug(event: events.Event) -> None:
        peer.seen.append(event)
        if isinstance(event, events.GateApproving) and peer.kinds().count("GateApproving") == 1:
            carrier.refused = 5

    async with Orchestrator(peer.zadig, peer.policy(approve="gate"), on_event=unplug) as orchestrator:
        outcome = await orchestrator.run(LAUNCH)
    assert outcome.ok
    assert peer.kinds().count("GateApproving") == 2
    assert len(peer.ledger().approvals) == 1


@in_virtual_time(world(API))
async def test_a_proof_that_cannot_be_read_is_looked_for_again(peer: Peer) -> None:
    def break_reads(event: events.Event) -> None:
        peer.seen.append(event)
        if isinstance(event, events.GateApproving):
            peer.fault("html", DETAIL, method="GET", times=6)

    async with Orchestrator(peer.zadig, peer.policy(approve="gate"), on_event=break_reads) as orchestrator:
        outcome = await orchestrator.run(LAUNCH)
    assert outcome.ok
    assert peer.kinds().count("GateApproving") == 1
    assert "GateApproved" in peer.kinds()


class _AllowsOnce(ApprovalPolicy):
    """Allows a gate at the first question and never again, as when a condition fails meanwhile."""

    def permission(
        self, ref: TaskRef, gate: Gate, seen: TaskStatus, given: Circumstances | None = None
    ) -> Permission:
        asked.append(gate.key)
        rule = ApprovalRule(project="*", workflow="*", gate="*") if len(asked) <= 1 else None
        return Permission(rule, "allowed" if rule is not None else "no longer")


asked: list[str] = []


@in_virtual_time(world(API))
async def test_permission_is_asked_again_right_before_the_vote(peer: Peer) -> None:
    asked.clear()
    policy = attrs.evolve(peer.policy(deadlines=Deadlines(gate=60.0)), approvals=_AllowsOnce())
    assert await run(peer, policy) is Verdict.BLOCKED
    failure = next(event for event in peer.seen if isinstance(event, events.GateNotApproved))
    assert failure.reason == "no longer"
    assert [seen for seen in peer.ledger().requests if seen.path == APPROVE] == []


@in_virtual_time(world(API))
async def test_a_read_that_fails_right_before_the_vote_only_postpones_it(peer: Peer) -> None:
    def break_reads(event: events.Event) -> None:
        peer.seen.append(event)
        if isinstance(event, events.GateOpened):
            peer.fault("status", DETAIL, method="GET", status=502, times=6)

    policy = peer.policy(approve="gate")
    async with Orchestrator(peer.zadig, policy, on_event=break_reads) as orchestrator:
        outcome = await orchestrator.run(LAUNCH)
    assert outcome.ok
    assert len(peer.ledger().approvals) == 1


@in_virtual_time(world(API))
async def test_a_vote_under_way_is_finished_and_told_when_cancelled(peer: Peer) -> None:
    peer.fault("delay", APPROVE, seconds=3.0, times=1)
    voting = asyncio.Event()

    def watch(event: events.Event) -> None:
        peer.seen.append(event)
        if isinstance(event, events.GateApproving):
            voting.set()

    async with Orchestrator(peer.zadig, peer.policy(approve="gate"), on_event=watch) as orchestrator:
        running = asyncio.create_task(orchestrator.run(LAUNCH))
        await voting.wait()
        await peer.sleep(1.0)
        orchestrator.detach()
        outcome = await running
    assert outcome.verdict is Verdict.DETACHED
    assert len(peer.ledger().approvals) == 1


@both_peers(world(API))
async def test_a_gate_somebody_else_passes_is_just_seen(peer: Peer) -> None:
    async with Orchestrator(peer.zadig, peer.policy(), on_event=peer.seen.append) as orchestrator:
        run = await orchestrator.start(LAUNCH)
        async for event in run.events():
            if isinstance(event, events.GateOpened):
                await peer.zadig.tasks.approve(run.ref, event.gate, "by hand")
        outcome = await run.wait()
    assert outcome.ok
    assert "GateApproving" not in peer.kinds()
    assert "GateClosed" in peer.kinds()


@both_peers(world(API))
async def test_a_rejected_gate_is_an_outcome_of_its_own(peer: Peer) -> None:
    async with Orchestrator(peer.zadig, peer.policy()) as orchestrator:
        run = await orchestrator.start(LAUNCH)
        async for event in run.events():
            if isinstance(event, events.GateOpened):
                await peer.zadig.tasks.reject(run.ref, event.gate, "not today")
        outcome = await run.wait()
    assert outcome.verdict is Verdict.REJECTED


@in_virtual_time(
    world(
        {
            "key": "api",
            "stages": [
                {"name": "build", "jobs": [job("build")]},
                {"name": "deploy", "manual_exec": {"users": ["alice"]}, "jobs": [job("deploy")]},
            ],
        }
    )
)
async def test_a_stage_started_by_hand_blocks_and_names_who_may(peer: Peer) -> None:
    policy = peer.policy(approve="*", deadlines=Deadlines(gate=60.0))
    async with Orchestrator(peer.zadig, policy, on_event=peer.seen.append) as orchestrator:
        outcome = await orchestrator.run(LAUNCH)
    assert outcome.verdict is Verdict.BLOCKED
    (waiting,) = outcome.gates
    assert (waiting.kind, waiting.name) == ("manual_stage", "deploy")
    assert [user.user_name for user in waiting.approvers] == ["alice"]


@in_virtual_time(
    world(
        workflow(
            "api",
            [
                job(
                    "build",
                    outcome="failed",
                    error_policy={"policy": "manual_check", "approval_users": ["alice"]},
                )
            ],
            [job("deploy")],
        )
    )
)
async def test_a_failed_job_that_waits_for_a_decision_blocks(peer: Peer) -> None:
    policy = peer.policy(approve="*", deadlines=Deadlines(gate=60.0))
    assert await run(peer, policy) is Verdict.BLOCKED
    opened = next(event for event in peer.seen if isinstance(event, events.GateOpened))
    assert opened.gate.kind == "error_handling"
    assert opened.reason == "nobody can pass a gate of kind error_handling through the API"


@pytest.mark.parametrize("seconds", [0.0, 90.0])
def test_the_gate_deadline_counts_from_when_it_opened(seconds: float) -> None:
    @in_virtual_time(world(API))
    async def body(peer: Peer) -> None:
        policy = peer.policy(deadlines=Deadlines(gate=seconds))
        async with Orchestrator(peer.zadig, policy) as orchestrator:
            outcome = await orchestrator.run(LAUNCH)
        assert outcome.verdict is Verdict.BLOCKED
        assert seconds <= outcome.seconds - 10.0 <= seconds + 20.0

    body()


@in_virtual_time(
    world(
        workflow(
            "api",
            [job("lint", outcome="failed", error_policy={"policy": "ignore_error"}), gate()],
            [job("deploy")],
        )
    )
)
async def test_a_rule_wants_earlier_jobs_of_the_gates_own_stage_passed_too(peer: Peer) -> None:
    policy = peer.policy(approve="gate", deadlines=Deadlines(gate=30.0))
    assert await run(peer, policy) is Verdict.BLOCKED
    opened = next(event for event in peer.seen if isinstance(event, events.GateOpened))
    assert opened.reason == "job-0-0-0-lint is unstable, not passed"
    assert peer.ledger().approvals == []


@in_virtual_time(world(workflow("api", [job("build"), gate(), job("notify")], [job("deploy")])))
async def test_a_rule_does_not_wait_for_later_jobs_of_the_gates_own_stage(peer: Peer) -> None:
    assert await run(peer, peer.policy(approve="gate")) is Verdict.SUCCEEDED


@in_virtual_time(world(API))
async def test_no_vote_is_cast_for_a_task_whose_time_is_up(peer: Peer) -> None:
    def delay_reads(event: events.Event) -> None:
        peer.seen.append(event)
        if isinstance(event, events.Launched):
            peer.fault("delay", DETAIL, method="GET", seconds=100.0, times=1)

    policy = peer.policy(approve="gate", deadlines=Deadlines(total=60.0, cancel=True))
    async with Orchestrator(peer.zadig, policy, on_event=delay_reads) as orchestrator:
        outcome = await orchestrator.run(LAUNCH)
    assert outcome.verdict is Verdict.DEADLINE
    assert "GateOpened" in peer.kinds()
    assert peer.ledger().approvals == []
    assert len(peer.ledger().cancels) == 1


@in_virtual_time(world(API))
async def test_a_vote_refused_for_haste_is_cast_later(peer: Peer) -> None:
    peer.fault("status", APPROVE, status=429, times=3)
    assert await run(peer, peer.policy(approve="gate")) is Verdict.SUCCEEDED
    assert len(peer.ledger().approvals) == 1
