"""Votes that could rest on too little: an old read, an uncounted neighbour, a journal that fails."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from itertools import pairwise
from typing import Any

import attrs
import pytest

from tests.orchestrator.test_fault_table_approvals import (
    APPROVE,
    LAUNCH,
    WORLD,
    policy,
    reasons,
    rejecting,
    run,
    votes,
    wall,
)
from tests.support.peers import Peer, in_virtual_time
from tests.support.worlds import gate, job, workflow, world
from zadig_async import (
    Deadlines,
    Orchestrator,
    Outcome,
    RunPolicy,
    TaskRef,
    Verdict,
    ZadigClient,
)
from zadig_async.errors import JournalError
from zadig_async.journal.journal import Journal
from zadig_async.journal.memory import MemoryStore
from zadig_async.journal.records import Act, Kind, Record
from zadig_async.journal.store import Write
from zadig_async.orchestrator import events

DETAIL = "/openapi/workflows/custom/task"
MANY = "abcdefgh"
IN_STEP = world(*(workflow(key, [job("build")], [gate()], [job("deploy")]) for key in MANY))


@attrs.frozen
class Trail:
    """An audit trail that only counts its lines, and takes its time over each.

    Attributes:
        seconds: How long a line takes.
        lines: What each line was about.
    """

    seconds: float = 0.0
    lines: list[str] = attrs.field(factory=list)

    async def write(self, event: str, data: Mapping[str, Any]) -> None:
        await asyncio.sleep(self.seconds)
        self.lines.append(event)

    async def close(self) -> None:
        return


class NoRoomForVotes(MemoryStore):
    """Takes every record but those about votes."""

    async def append(self, writes: Sequence[Write]) -> tuple[Record, ...]:
        if any(write.draft.act is Act.APPROVE for write in writes):
            raise JournalError("the disk is full")
        return await super().append(writes)


class PreparedVotes(MemoryStore):
    """Keeps the moments at which a vote was prepared, beside the records."""

    def __init__(self, *, clock: Callable[[], float]) -> None:
        super().__init__(clock=clock)
        self.times: list[float] = []
        self._now = clock

    async def append(self, writes: Sequence[Write]) -> tuple[Record, ...]:
        intents = (write for write in writes if write.draft.kind is Kind.INTENT)
        self.times += [self._now() for write in intents if write.draft.act is Act.APPROVE]
        return await super().append(writes)


class NoRoomForLines(Trail):
    """Takes no line about a vote."""

    async def write(self, event: str, data: Mapping[str, Any]) -> None:
        if event.startswith("approve."):
            raise JournalError("the disk of the audit is full")
        await super().write(event, data)


def journal_of(peer: Peer) -> Journal:
    return Journal(MemoryStore(clock=wall(peer)))


def told(peer: Peer, kind: type[events.Event]) -> int:
    return sum(isinstance(event, kind) for event in peer.seen)


async def until(ready: Callable[[], bool]) -> None:
    while not ready():  # noqa: ASYNC110 - the world tells nobody
        await asyncio.sleep(0.05)


@asynccontextmanager
async def resumed_while_a_vote_is_looked_for(peer: Peer, how: RunPolicy) -> AsyncIterator[list[Outcome]]:
    """Be where a resume has read the open gate and still waits for the vote of a dead process to show.

    Yields:
        The outcomes; they are there when the context has closed.
    """
    outcomes: list[Outcome] = []
    async with journal_of(peer) as journal:
        peer.fault("hang", APPROVE)

        def orchestrator() -> Orchestrator:
            return Orchestrator(peer.zadig, how, on_event=peer.seen.append, journal=journal, wall=wall(peer))

        async with orchestrator() as first:
            running = asyncio.create_task(first.run(LAUNCH))
            await until(lambda: told(peer, events.GateApproving) > 0)
            await peer.sleep(1.0)
            first.detach()
            await running
        assert votes(peer) == 1
        peer.seen.clear()
        async with orchestrator() as second:
            again = asyncio.create_task(second.resume())
            await until(lambda: any("allowed by" in reason for reason in reasons(peer)))
            await peer.sleep(4.0)
            assert votes(peer) == 1, "the vote of the first process is still looked for"
            yield outcomes
            outcomes += await again


@in_virtual_time(WORLD)
async def test_what_changes_while_an_earlier_vote_is_looked_for_is_not_approved(peer: Peer) -> None:
    async with resumed_while_a_vote_is_looked_for(peer, policy(peer)) as outcomes:
        task = peer.world().task("api", 1)
        assert task is not None
        task.params.append({"name": "branch", "type": "string", "value": "evil"})
    assert outcomes[0].verdict is Verdict.BLOCKED
    assert peer.ledger().approvals == []
    assert "changed since it opened" in reasons(peer)[-1]


@in_virtual_time(world(workflow("api", [gate()], [job("deploy")])))
async def test_a_gate_opened_anew_while_an_earlier_vote_is_looked_for_is_decided_about_anew(
    peer: Peer,
) -> None:
    how = policy(peer, soak=100.0, gate_for=None)
    async with resumed_while_a_vote_is_looked_for(peer, how):
        # While nothing can be read, alice rejects, and retries.
        peer.fault("status", DETAIL, method="GET", status=502, times=24)
        rejecting(peer)
        await until(lambda: peer.world().tasks[0].status == "reject")
        peer.world().retry("api", 1, "alice")
        retried = peer.world().now
    against, vote = peer.ledger().approvals
    assert (against.approve, vote.approve) == (False, True)
    assert vote.time - retried >= 100.0, "the new opening soaks for itself"


@in_virtual_time(IN_STEP)
async def test_the_cap_per_hour_holds_for_watches_that_decide_in_the_same_moment(peer: Peer) -> None:
    alice = peer.world().script.users[1]
    for key in MANY:
        inputs: list[dict[str, Any]] = [
            {"job_name": name, "job_type": "", "parameters": {}} for name in ("build", "gate", "deploy")
        ]
        peer.world().execute(key, [], inputs, alice)
    await peer.sleep(60.0)
    how = policy(peer, max_per_hour=1, gate_for=5.0)
    async with Orchestrator(
        peer.zadig,
        how,
        on_event=peer.seen.append,
        wall=wall(peer),
        journal=journal_of(peer),
        audit=Trail(0.05),
    ) as orchestrator:
        runs = [orchestrator.attach(TaskRef("shop", key, 1)) for key in MANY]
        outcomes = await asyncio.gather(*(attached.wait() for attached in runs))
    assert len(peer.ledger().approvals) == 1
    assert Counter(outcome.verdict for outcome in outcomes) == {
        Verdict.SUCCEEDED: 1,
        Verdict.BLOCKED: len(MANY) - 1,
    }


@in_virtual_time(WORLD)
async def test_votes_that_were_never_taken_do_not_count_for_the_cap(peer: Peer) -> None:
    peer.fault("status", APPROVE, status=429, times=3)
    outcome = await run(peer, policy(peer, max_per_hour=1, gate_for=None), journal=journal_of(peer))
    assert outcome.ok
    assert votes(peer) == 4


@in_virtual_time(WORLD)
async def test_a_server_that_wants_no_votes_now_is_asked_less_and_less_often(peer: Peer) -> None:
    peer.fault("status", APPROVE, status=429, times=None)
    assert (await run(peer, policy(peer, gate_for=120.0))).verdict is Verdict.BLOCKED
    times = [seen.time for seen in peer.ledger().requests if seen.path == APPROVE]
    gaps = [later - earlier for earlier, later in pairwise(times)]
    assert len(gaps) >= 3
    every = 3.0
    for number, gap in enumerate(gaps):
        assert gap >= min(every * 2.0**number, 30.0)


@in_virtual_time(WORLD)
async def test_a_server_that_says_when_it_wants_votes_again_is_obeyed(peer: Peer) -> None:
    peer.fault("status", APPROVE, status=429, headers={"Retry-After": "50"})
    assert (await run(peer, policy(peer, gate_for=None))).ok
    refused, taken = [seen.time for seen in peer.ledger().requests if seen.path == APPROVE]
    assert taken - refused >= 50.0


@in_virtual_time(WORLD)
async def test_a_vote_that_cannot_be_written_down_is_told_once_and_not_sent(peer: Peer) -> None:
    trail = Trail()
    journal = Journal(NoRoomForVotes(clock=wall(peer)))
    outcome = await run(peer, policy(peer, gate_for=300.0), journal=journal, audit=trail)
    assert outcome.verdict is Verdict.BLOCKED
    assert votes(peer) == 0
    assert told(peer, events.GateApproving) == 0
    assert told(peer, events.GateNotApproved) == 1
    assert "the disk is full" in reasons(peer)[-1]
    assert trail.lines.count("approve.sending") == 0


@in_virtual_time(WORLD)
async def test_a_vote_is_prepared_less_and_less_often_where_only_the_audit_fails(peer: Peer) -> None:
    store = PreparedVotes(clock=wall(peer))
    outcome = await run(peer, policy(peer, gate_for=300.0), journal=Journal(store), audit=NoRoomForLines())
    assert outcome.verdict is Verdict.BLOCKED
    assert votes(peer) == 0
    gaps = [later - earlier for earlier, later in pairwise(store.times)]
    assert len(gaps) >= 3
    every = 3.0
    for number, gap in enumerate(gaps):
        assert gap >= min(every * 2.0**number, 30.0)


@pytest.mark.parametrize("started_by_us", [True, False])
def test_a_task_that_was_only_taken_over_does_not_count_as_started_by_us(started_by_us: bool) -> None:
    @in_virtual_time(WORLD)
    async def body(peer: Peer) -> None:
        assert peer.carrier is not None
        zadig = ZadigClient.over(peer.carrier, account="bot")
        user = peer.world().script.users[0 if started_by_us else 1]
        inputs: list[dict[str, Any]] = [
            {"job_name": name, "job_type": "", "parameters": {}} for name in ("build", "gate", "deploy")
        ]
        peer.world().execute("api", [], inputs, user)
        how = policy(peer, own_tasks=False)
        async with Orchestrator(zadig, how, on_event=peer.seen.append, wall=wall(peer)) as orchestrator:
            outcome = await orchestrator.attach(TaskRef("shop", "api", 1), own=True).wait()
        assert outcome.ok is not started_by_us
        assert votes(peer) == (0 if started_by_us else 1)
        if started_by_us:
            assert "has started the task itself" in reasons(peer)[-1]

    body()


@in_virtual_time(WORLD)
async def test_one_failed_read_does_not_give_up_a_gate_that_is_allowed(peer: Peer) -> None:
    def fail(event: events.Event) -> None:
        peer.seen.append(event)
        if isinstance(event, events.GateOpened):
            peer.fault("status", DETAIL, method="GET", status=502, times=6)

    async with Orchestrator(
        peer.zadig, policy(peer, gate_for=0.0), on_event=fail, wall=wall(peer)
    ) as orchestrator:
        assert (await orchestrator.run(LAUNCH)).ok
    assert len(peer.ledger().approvals) == 1


@in_virtual_time(WORLD)
async def test_a_gate_nobody_allows_is_still_given_up_at_once(peer: Peer) -> None:
    outcome = await run(peer, policy(peer, own_tasks=False, gate_for=0.0))
    assert outcome.verdict is Verdict.BLOCKED
    assert votes(peer) == 0
    task = peer.world().task("api", 1)
    assert task is not None
    opened = next(item.start for stage in task.stages for item in stage.jobs if item.name == "job-1-0-0-gate")
    assert peer.world().now - opened < 10.0


@in_virtual_time(world(workflow("api", [job("build", duration=50.0)], [job("deploy")])))
async def test_a_cancelled_task_that_only_settles_is_not_told_as_a_missed_deadline(peer: Peer) -> None:
    async with journal_of(peer) as journal:
        how = peer.policy(deadlines=Deadlines(total=100.0))
        async with Orchestrator(peer.zadig, how, journal=journal, wall=wall(peer)) as first:
            running = asyncio.create_task(first.run(LAUNCH))
            await peer.sleep(20.0)
            first.detach()
            assert (await running).verdict is Verdict.DETACHED
        peer.world().cancel("api", 1, "alice")
        await peer.sleep(3600.0)
        async with Orchestrator(peer.zadig, how, journal=journal, wall=wall(peer)) as second:
            (outcome,) = await second.resume()
    assert outcome.verdict is Verdict.CANCELLED
