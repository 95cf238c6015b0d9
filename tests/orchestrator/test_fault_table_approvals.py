"""Rows A1 to A7 of the fault table: no vote outside the rules, and none that nobody can account for."""

import asyncio
import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import attrs
import pytest

from tests.support.peers import Peer, in_virtual_time
from tests.support.worlds import gate, job, workflow, world
from zadig_async import (
    ALL_JOBS,
    ApprovalPolicy,
    ApprovalRule,
    Audit,
    Deadlines,
    Freeze,
    KillSwitch,
    Launch,
    Orchestrator,
    Outcome,
    RunPolicy,
    TaskRef,
    Verdict,
    Window,
    ZadigClient,
)
from zadig_async.errors import ConfigError, JournalError, PreflightError
from zadig_async.journal.audit import verify
from zadig_async.journal.journal import Journal
from zadig_async.journal.memory import MemoryStore
from zadig_async.orchestrator import events
from zadig_async.orchestrator.writes import HaltedError

APPROVE = "/openapi/workflows/custom/task/approve"
API = workflow("api", [job("build")], [gate()], [job("deploy")])
WORLD = world(API)
LAUNCH = Launch("shop", "api", jobs=ALL_JOBS)
RULE: Mapping[str, Any] = {"project": "shop", "workflow": "*", "gate": "gate", "own_tasks": True}
START = 1_790_000_000.0
"""What time it is in the emulated world when a test begins: a Monday, 14:13 UTC."""


def policy(peer: Peer, *, gate_for: float | None = 60.0, **more: Any) -> RunPolicy:
    rule = ApprovalRule(**{**RULE, **{key: more.pop(key) for key in list(more) if key in RULE_FIELDS}})
    approvals = ApprovalPolicy([rule], **{key: more.pop(key) for key in list(more) if key in POLICY_FIELDS})
    return attrs.evolve(peer.policy(deadlines=Deadlines(gate=gate_for)), approvals=approvals, **more)


RULE_FIELDS = {"own_tasks", "windows", "soak", "unchanged", "after_passed", "comment"}
POLICY_FIELDS = {"freezes", "max_per_hour"}


def wall(peer: Peer) -> Callable[[], float]:
    return lambda: peer.world().now


async def run(peer: Peer, how: RunPolicy, **options: Any) -> Outcome:
    options.setdefault("wall", wall(peer))
    async with Orchestrator(peer.zadig, how, on_event=peer.seen.append, **options) as orchestrator:
        return await orchestrator.run(LAUNCH)


def votes(peer: Peer) -> int:
    """How many votes reached the server, whatever became of them."""
    return sum(seen.path == APPROVE for seen in peer.ledger().requests)


def reasons(peer: Peer) -> list[str]:
    return [
        event.reason
        for event in peer.seen
        if isinstance(event, events.GateOpened | events.GateJudged | events.GateNotApproved)
    ]


def moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(START + seconds, UTC)


@in_virtual_time(WORLD)
async def test_a1_a_vote_whose_answer_is_lost_is_read_back_and_not_repeated(peer: Peer) -> None:
    peer.fault("reset_after", APPROVE)
    assert (await run(peer, policy(peer))).ok
    assert votes(peer) == 1
    assert len(peer.ledger().approvals) == 1


@in_virtual_time(WORLD)
async def test_a1_a_vote_lost_on_its_way_is_cast_once_more_after_a_fresh_read(peer: Peer) -> None:
    peer.fault("reset_before", APPROVE)
    assert (await run(peer, policy(peer))).ok
    assert votes(peer) == 2
    assert len(peer.ledger().approvals) == 1


@in_virtual_time(WORLD)
async def test_a2_a_vote_that_was_answered_and_lost_is_cast_once_more_and_then_told(peer: Peer) -> None:
    peer.fault("status", APPROVE, status=200, body='{"message":"success"}', times=None)
    assert (await run(peer, policy(peer))).verdict is Verdict.BLOCKED
    assert votes(peer) == 2
    assert reasons(peer)[-1] == "the vote does not show in the task"


@in_virtual_time(WORLD)
async def test_a3_what_changed_since_the_gate_opened_is_not_approved(peer: Peer) -> None:
    def change(event: events.Event) -> None:
        peer.seen.append(event)
        if isinstance(event, events.GateOpened):
            task = peer.world().task("api", 1)
            assert task is not None
            task.params.append({"name": "branch", "type": "string", "value": "evil"})

    async with Orchestrator(peer.zadig, policy(peer), on_event=change) as orchestrator:
        outcome = await orchestrator.run(LAUNCH)
    assert outcome.verdict is Verdict.BLOCKED
    assert votes(peer) == 0
    refused = [event for event in peer.seen if isinstance(event, events.GateNotApproved)]
    assert len(refused) == 1
    assert "changed since it opened" in refused[0].reason
    assert "branch" in refused[0].reason
    assert "evil" not in refused[0].reason


@in_virtual_time(WORLD)
async def test_a3_a_rule_may_do_without(peer: Peer) -> None:
    def change(event: events.Event) -> None:
        if isinstance(event, events.GateOpened):
            task = peer.world().task("api", 1)
            assert task is not None
            task.params.append({"name": "branch", "type": "string", "value": "other"})

    async with Orchestrator(peer.zadig, policy(peer, unchanged=False), on_event=change) as orchestrator:
        assert (await orchestrator.run(LAUNCH)).ok


@in_virtual_time(WORLD)
async def test_a3_what_changed_while_nobody_watched_is_not_approved_either(peer: Peer) -> None:
    async with Journal(MemoryStore()) as journal:
        switch = KillSwitch()
        switch.pull("for a while")

        def stop(event: events.Event) -> None:
            if isinstance(event, events.GateOpened):
                orchestrator.detach()

        orchestrator = Orchestrator(peer.zadig, policy(peer), on_event=stop, journal=journal, wall=wall(peer))
        async with orchestrator:
            assert (await orchestrator.run(LAUNCH)).verdict is Verdict.DETACHED
        task = peer.world().task("api", 1)
        assert task is not None
        task.params.append({"name": "branch", "type": "string", "value": "evil"})
        again = Orchestrator(
            peer.zadig, policy(peer), on_event=peer.seen.append, journal=journal, wall=wall(peer)
        )
        async with again:
            (outcome,) = await again.resume()
    assert outcome.verdict is Verdict.BLOCKED
    assert votes(peer) == 0
    assert "changed since it opened: its content" in reasons(peer)[-1]


@in_virtual_time(WORLD)
async def test_a4_a_switch_pulled_during_the_wait_stops_the_vote(peer: Peer) -> None:
    switch = KillSwitch()

    def pull(event: events.Event) -> None:
        peer.seen.append(event)
        if isinstance(event, events.GateOpened):
            switch.pull("a person said stop")

    async with Orchestrator(peer.zadig, policy(peer), on_event=pull, switch=switch) as orchestrator:
        outcome = await orchestrator.run(LAUNCH)
    assert outcome.verdict is Verdict.BLOCKED
    assert isinstance(outcome.error, HaltedError)
    assert "a person said stop" in str(outcome.error)
    assert outcome.ref == TaskRef("shop", "api", 1)
    assert votes(peer) == 0


@in_virtual_time(WORLD)
async def test_a4_a_vote_announced_but_not_sent_is_not_sent_once_the_switch_is_pulled(peer: Peer) -> None:
    switch = KillSwitch()

    def pull(event: events.Event) -> None:
        if isinstance(event, events.GateApproving):
            switch.pull("at the last moment")

    async with Orchestrator(peer.zadig, policy(peer), on_event=pull, switch=switch) as orchestrator:
        outcome = await orchestrator.run(LAUNCH)
    assert outcome.verdict is Verdict.BLOCKED
    assert votes(peer) == 0


def test_a4_a_stop_file_stops_launches_too(tmp_path: Path) -> None:
    file = tmp_path / "STOP"

    @in_virtual_time(WORLD)
    async def body(peer: Peer) -> None:
        file.touch()
        outcome = await run(peer, policy(peer), switch=KillSwitch(file))
        assert outcome.verdict is Verdict.BLOCKED
        assert str(file) in str(outcome.error)
        assert peer.ledger().tasks == []

    body()


@in_virtual_time(WORLD)
async def test_a4_a_switch_pulled_between_check_and_trigger_stops_the_trigger(peer: Peer) -> None:
    switch = KillSwitch()

    def pull(event: events.Event) -> None:
        if isinstance(event, events.Launching):
            switch.pull("at the last moment")

    async with Orchestrator(peer.zadig, policy(peer), on_event=pull, switch=switch) as orchestrator:
        outcome = await orchestrator.run(LAUNCH)
    assert outcome.verdict is Verdict.BLOCKED
    assert peer.ledger().tasks == []


@in_virtual_time(WORLD)
async def test_a4_a_freeze_that_begins_during_the_wait_stops_the_vote(peer: Peer) -> None:
    freeze = Freeze(start=moment(30.0), end=moment(3000.0), reason="the shop's birthday")
    how = policy(peer, freezes=[freeze], soak=60.0, gate_for=600.0)
    outcome = await run(peer, how)
    assert outcome.verdict is Verdict.BLOCKED
    assert votes(peer) == 0
    assert "the shop's birthday" in reasons(peer)[-1]


@in_virtual_time(WORLD)
async def test_a4_a_vote_waits_for_its_window(peer: Peer) -> None:
    opens = (moment(0.0) + timedelta(minutes=5)).strftime("%H:%M")
    window = Window.parse(f"{opens}-23:59 UTC")
    assert (await run(peer, policy(peer, windows=[window], gate_for=None))).ok
    vote = peer.ledger().approvals[0]
    assert datetime.fromtimestamp(vote.time, UTC).strftime("%H:%M") == opens
    assert len(reasons(peer)) == 2  # each decision is told once: not yet, and now


@in_virtual_time(WORLD)
async def test_a4_a_calendar_is_not_believed_where_the_clocks_differ(peer: Peer) -> None:
    how = policy(peer, windows=[Window.parse("00:00-24:00 UTC")])
    outcome = await run(peer, how, wall=lambda: peer.world().now + 3600.0)
    assert outcome.verdict is Verdict.BLOCKED
    assert "differ by more than a minute" in reasons(peer)[-1]
    assert votes(peer) == 0


@in_virtual_time(WORLD)
async def test_a_gate_soaks(peer: Peer) -> None:
    assert (await run(peer, policy(peer, soak=120.0, gate_for=None))).ok
    opened = next(event for event in peer.seen if isinstance(event, events.GateOpened))
    assert opened.reason == "it has not been open for 120 s yet"
    gate_job = peer.world().task("api", 1)
    assert gate_job is not None
    began = next(j.start for stage in gate_job.stages for j in stage.jobs if j.name == "job-1-0-0-gate")
    assert peer.ledger().approvals[0].time - began >= 120.0


@in_virtual_time(world(API, workflow("web", [gate()], [job("deploy")])))
async def test_votes_are_capped_per_hour(peer: Peer) -> None:
    how = policy(peer, max_per_hour=1, gate_for=None)
    async with Orchestrator(
        peer.zadig,
        how,
        on_event=peer.seen.append,
        wall=wall(peer),
        journal=Journal(MemoryStore(clock=wall(peer))),
    ) as orchestrator:
        outcomes = await orchestrator.run_all([LAUNCH, Launch("shop", "web", jobs=ALL_JOBS)])
    # The second one gets its vote when the hour is over; the gate itself times out before that.
    assert sorted(outcome.verdict for outcome in outcomes) == [Verdict.SUCCEEDED, Verdict.TIMED_OUT]
    assert len(peer.ledger().approvals) == 1
    assert "1 gates were approved within the last hour" in "".join(reasons(peer))


def test_a5_gates_whose_votes_could_be_mistaken_are_refused_before_anything_is_sent() -> None:
    twins = world(
        workflow("pay", [job("build")], [gate("job-2-0-0-go")], [job("deploy")]),
        workflow("pay-job-1-0-0", [job("build")], [job("test")], [gate("go")], [job("deploy")]),
    )

    @in_virtual_time(twins)
    async def body(peer: Peer) -> None:
        async with Orchestrator(peer.zadig, policy(peer)) as orchestrator:
            outcome = await orchestrator.run(Launch("shop", "pay", jobs=ALL_JOBS))
        assert isinstance(outcome.error, PreflightError)
        assert "could count for a gate of 'pay-job-1-0-0'" in outcome.error.findings[0]
        assert peer.ledger().tasks == []

    body()


def test_a5_nor_is_such_a_gate_approved_of_a_task_somebody_else_started() -> None:
    @in_virtual_time(world(workflow("pay", [gate("job-2-0-0-go")], [job("deploy")])))
    async def body(peer: Peer) -> None:
        inputs: list[dict[str, Any]] = [
            {"job_name": name, "job_type": "", "parameters": {}} for name in ("job-2-0-0-go", "deploy")
        ]
        alice = peer.world().script.users[1]
        peer.world().execute("pay", [], inputs, alice)
        rule = ApprovalRule(**{**RULE, "gate": "*"})
        how = attrs.evolve(policy(peer), approvals=ApprovalPolicy([rule]))
        async with Orchestrator(peer.zadig, how, on_event=peer.seen.append) as orchestrator:
            outcome = await orchestrator.attach(TaskRef("shop", "pay", 1)).wait()
        assert outcome.verdict is Verdict.BLOCKED
        assert "their names run together" in reasons(peer)[-1]
        assert votes(peer) == 0

    body()


@in_virtual_time(world(workflow("api", [gate()], [job("deploy", outcome="failed")])))
async def test_a6_a_task_is_not_retried_while_a_vote_may_still_be_under_way(peer: Peer) -> None:
    async with Journal(MemoryStore(clock=wall(peer))) as journal:
        orchestrator = Orchestrator(
            peer.zadig, policy(peer), on_event=peer.seen.append, journal=journal, wall=wall(peer)
        )
        # The vote is swallowed on its way; meanwhile alice approves, and the deployment fails.
        peer.fault("hang", APPROVE)

        def alice(event: events.Event) -> None:
            if isinstance(event, events.GateApproving):
                asyncio.get_running_loop().call_later(1.0, _approve, peer)

        orchestrator._on_event = alice
        async with orchestrator:
            running = asyncio.create_task(orchestrator.run(LAUNCH))
            await peer.sleep(20.0)
            assert peer.world().tasks[0].status == "failed"
            ref = TaskRef("shop", "api", 1)
            with pytest.raises(ConfigError, match="a vote of ours may be under way"):
                await orchestrator.retry(ref)
            assert peer.ledger().retries == []
            await peer.sleep(301.0)
            again = await orchestrator.retry(ref)
            assert len(peer.ledger().retries) == 1
            orchestrator.detach()
            await again.wait()
            await running


def _approve(peer: Peer) -> None:
    alice = peer.world().script.users[1]
    peer.world().approve("api", "job-0-0-0-gate", 1, alice, approve=True, comment="by hand")


@in_virtual_time(world(workflow("api", [gate(users=("bot",))], [job("deploy", outcome="failed")])))
async def test_a6_the_gate_of_a_retry_is_decided_about_anew(peer: Peer) -> None:
    how = policy(peer)
    async with Orchestrator(peer.zadig, how, on_event=peer.seen.append, wall=wall(peer)) as orchestrator:
        assert (await orchestrator.run(LAUNCH)).verdict is Verdict.FAILED
        run_again = await orchestrator.retry(TaskRef("shop", "api", 1))
        assert (await run_again.wait()).verdict is Verdict.FAILED
    # The gate had passed: a retry keeps it, and nobody votes again.
    assert len(peer.ledger().approvals) == 1


def rejecting(peer: Peer) -> None:
    alice = peer.world().script.users[1]
    peer.world().approve("api", "job-0-0-0-gate", 1, alice, approve=False, comment="no")


@in_virtual_time(world(workflow("api", [gate()], [job("deploy")])))
async def test_a6_a_rejected_gate_that_a_retry_opens_again_gets_a_vote_of_its_own(peer: Peer) -> None:
    how = policy(peer, soak=30.0, gate_for=None)
    async with Orchestrator(peer.zadig, how, on_event=peer.seen.append, wall=wall(peer)) as orchestrator:
        running = asyncio.create_task(orchestrator.run(LAUNCH))
        await peer.sleep(20.0)
        rejecting(peer)
        assert (await running).verdict is Verdict.REJECTED
        again = await orchestrator.retry(TaskRef("shop", "api", 1))
        assert (await again.wait()).ok
    assert [vote.approve for vote in peer.ledger().approvals] == [False, True]


@in_virtual_time(WORLD)
async def test_a7_who_triggers_does_not_approve_by_default(peer: Peer) -> None:
    outcome = await run(peer, policy(peer, own_tasks=False))
    assert outcome.verdict is Verdict.BLOCKED
    assert "has started the task itself" in reasons(peer)[-1]
    assert votes(peer) == 0


@in_virtual_time(WORLD)
async def test_a7_a_task_of_the_same_account_is_not_approved_whoever_sent_it(peer: Peer) -> None:
    assert peer.carrier is not None
    zadig = ZadigClient.over(peer.carrier, account="bot")
    async with Orchestrator(zadig, peer.policy()) as orchestrator:
        ref = (await orchestrator.start(LAUNCH)).ref
    # Another process with the same token: only the name in it tells.
    async with Orchestrator(zadig, policy(peer, own_tasks=False), on_event=peer.seen.append) as other:
        assert (await other.attach(ref).wait()).verdict is Verdict.BLOCKED
    assert "has started the task itself" in reasons(peer)[-1]
    assert votes(peer) == 0


@in_virtual_time(WORLD)
async def test_a7_a_token_that_does_not_say_whose_it_is_approves_nothing_by_default(peer: Peer) -> None:
    async with Orchestrator(peer.zadig, peer.policy()) as orchestrator:
        ref = (await orchestrator.start(LAUNCH)).ref
    async with Orchestrator(peer.zadig, policy(peer, own_tasks=False), on_event=peer.seen.append) as other:
        assert (await other.attach(ref).wait()).verdict is Verdict.BLOCKED
    assert "does not say whose it is" in reasons(peer)[-1]


@in_virtual_time(WORLD)
async def test_a7_an_account_of_its_own_for_voting_makes_four_eyes(peer: Peer) -> None:
    assert peer.carrier is not None
    alice = ZadigClient.over(attrs.evolve(peer.carrier, token="alice-token"), account="alice")
    zadig = ZadigClient.over(peer.carrier, account="bot")
    how = policy(peer, own_tasks=False)
    async with Orchestrator(zadig, how, voter=alice, wall=wall(peer)) as orchestrator:
        assert (await orchestrator.run(LAUNCH)).ok
    assert [vote.user for vote in peer.ledger().approvals] == ["alice"]
    assert peer.ledger().tasks[0].user == "bot"


def test_every_decision_and_write_is_in_the_audit_trail(tmp_path: Path) -> None:
    file = tmp_path / "audit.jsonl"

    @in_virtual_time(WORLD)
    async def body(peer: Peer) -> None:
        audit = await Audit.open(file)
        try:
            assert (await run(peer, policy(peer, comment="CHG-1"), audit=audit)).ok
        finally:
            await audit.close()

    body()
    lines = [json.loads(line) for line in file.read_text().splitlines()]
    assert [line["event"] for line in lines] == [
        "trigger.sending",
        "trigger.accepted",
        "gate.judged",
        "approve.sending",
        "approve.result",
        "approve.approved",
    ]
    judged = lines[2]["data"]
    assert (judged["gate"], judged["allowed"]) == ("gate", True)
    assert judged["reason"] == "allowed by the rule for shop/* gate gate"
    sending = lines[3]["data"]
    assert len(sending["content"]) == 32
    assert sending["mark"].startswith("zadig-async ")
    assert lines[4]["data"]["outcome"] == "accepted"
    assert verify(file).records == 6


class _BrokenAudit:
    """Fails from the first line of one kind on."""

    def __init__(self, event: str) -> None:
        self._event = event

    async def write(self, event: str, data: Mapping[str, Any]) -> None:
        if event == self._event:
            raise JournalError("the disk is full")

    async def close(self) -> None:
        return


@in_virtual_time(WORLD)
async def test_without_an_audit_line_there_is_no_vote(peer: Peer) -> None:
    outcome = await run(peer, policy(peer), audit=_BrokenAudit("approve.sending"))
    assert outcome.verdict is Verdict.BLOCKED
    assert votes(peer) == 0


@in_virtual_time(WORLD)
async def test_without_an_audit_line_there_is_no_launch(peer: Peer) -> None:
    outcome = await run(peer, policy(peer), audit=_BrokenAudit("trigger.sending"))
    assert outcome.verdict is Verdict.REFUSED
    assert isinstance(outcome.error, JournalError)
    assert peer.ledger().tasks == []


@in_virtual_time(WORLD)
async def test_what_was_done_stays_done_when_it_cannot_be_written_down(peer: Peer) -> None:
    assert (await run(peer, policy(peer), audit=_BrokenAudit("approve.result"))).ok
    assert "JournalFailed" in peer.kinds()


@in_virtual_time(WORLD)
async def test_a_rehearsal_decides_and_sends_nothing(peer: Peer) -> None:
    async with Orchestrator(peer.zadig, peer.policy()) as orchestrator:
        ref = (await orchestrator.start(LAUNCH)).ref
    before = len([seen for seen in peer.ledger().requests if seen.method != "GET"])
    how = attrs.evolve(policy(peer, gate_for=None), dry_run=True)
    async with Orchestrator(peer.zadig, how, on_event=peer.seen.append) as orchestrator:
        watched = await orchestrator.attach(ref, own=True).wait()
        launched = await orchestrator.run(LAUNCH)
    assert (watched.verdict, launched.verdict) == (Verdict.BLOCKED, Verdict.BLOCKED)
    opened = next(event for event in peer.seen if isinstance(event, events.GateOpened))
    assert opened.allowed
    assert len([seen for seen in peer.ledger().requests if seen.method != "GET"]) == before


@pytest.mark.parametrize(
    "wrong",
    [
        {"soak": -1.0},
        {"soak": "5m"},
        {"windows": "Mon-Fri 09:00-17:00 Europe/Berlin"},
        {"windows": ["Mon-Fri 09:00-17:00 Europe/Berlin"]},
    ],
)
def test_a_rule_that_makes_no_sense_is_refused(wrong: Mapping[str, Any]) -> None:
    with pytest.raises(ConfigError, match=r"ApprovalRule\."):
        ApprovalRule(**{**RULE, **wrong})


@pytest.mark.parametrize("wrong", [{"max_per_hour": 0}, {"freezes": ["2026-12-24 .. 2026-12-26 UTC"]}])
def test_a_policy_that_makes_no_sense_is_refused(wrong: Mapping[str, Any]) -> None:
    with pytest.raises(ConfigError, match=r"ApprovalPolicy\."):
        ApprovalPolicy([], **wrong)
