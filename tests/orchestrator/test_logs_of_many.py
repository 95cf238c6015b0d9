"""The logs of many tasks: whoever reads them may be slow, faulty or choosy, and watching goes on."""

import asyncio
from collections.abc import Sequence

import attrs

from tests.support.peers import TOKEN, Peer, both_peers, in_virtual_time
from tests.support.worlds import gate, job, workflow, world
from zadig_async import ALL_JOBS, Launch, LogFeed, LogPolicy, Orchestrator, Verdict
from zadig_async.orchestrator import events

LINES = [f"line {number}" for number in range(30)]
MANY = world(
    *(
        workflow(
            f"app-{number}",
            [job("build", duration=40.0, log=LINES), job("test", duration=60.0, log=LINES)],
            parallel=True,
        )
        for number in range(5)
    )
)
LAUNCHES = [Launch("shop", f"app-{number}", jobs=ALL_JOBS) for number in range(5)]


def texts(seen: Sequence[events.LogEvent]) -> dict[str, list[str]]:
    """The lines told of each log, without the executor's own."""
    told: dict[str, list[str]] = {}
    for event in seen:
        if isinstance(event, events.LogLines):
            lines = (line.text for line in event.lines)
            told.setdefault(f"{event.ref} {event.job}", []).extend(
                line for line in lines if not line.startswith(("=====", "[20"))
            )
    return told


@both_peers(MANY)
async def test_one_reader_gets_every_line_of_every_log(peer: Peer) -> None:
    policy = peer.policy(follow_logs=True)
    async with LogFeed() as logs, Orchestrator(peer.zadig, policy, on_log=logs) as orchestrator:
        running = asyncio.create_task(orchestrator.run_all(LAUNCHES))
        got = [event async for event in logs.until(running)]
    assert [outcome.verdict for outcome in running.result()] == [Verdict.SUCCEEDED] * 5
    assert len(texts(got)) == 10
    assert all(lines == LINES for lines in texts(got).values())
    assert [event.report.complete for event in got if isinstance(event, events.LogClosed)] == [True] * 10


@in_virtual_time(MANY)
async def test_a_reader_that_never_reads_delays_no_outcome_and_holds_little(peer: Peer) -> None:
    policy = peer.policy(follow_logs=True)
    loop = asyncio.get_running_loop()
    begun = loop.time()
    async with LogFeed(room=200) as logs:
        async with Orchestrator(peer.zadig, policy, on_event=peer.seen.append, on_log=logs) as orchestrator:
            outcomes = await orchestrator.run_all(LAUNCHES)
            assert loop.time() - begun < 60 + 30  # the jobs and the queue; nobody waits for the reader
        assert logs.held < 10 * 2_000
    assert all(outcome.ok for outcome in outcomes)
    reports = [event.report for event in peer.seen if isinstance(event, events.LogClosed)]
    assert [report.complete for report in reports] == [False] * 10
    assert {report.reason for report in reports} == {"it was no longer read"}


@in_virtual_time(MANY)
async def test_what_a_slow_reader_has_not_read_yet_is_kept_for_it_after_the_outcome(peer: Peer) -> None:
    policy = peer.policy(follow_logs=True)
    async with LogFeed(room=200) as logs, Orchestrator(peer.zadig, policy, on_log=logs) as orchestrator:
        outcomes = await orchestrator.run_all(LAUNCHES)
        assert all(outcome.ok for outcome in outcomes)
        reading = asyncio.create_task(asyncio.sleep(3600.0))
        got = [event async for event in logs.until(reading)]
    assert all(lines == LINES for lines in texts(got).values())
    assert [event.report.complete for event in got if isinstance(event, events.LogClosed)] == [True] * 10


@in_virtual_time(MANY)
async def test_a_reader_that_fails_costs_nothing_else(peer: Peer) -> None:
    async def fail(event: events.LogEvent) -> None:
        raise ValueError(f"cannot take {event.job}")

    policy = peer.policy(follow_logs=True)
    async with Orchestrator(peer.zadig, policy, on_event=peer.seen.append, on_log=fail) as orchestrator:
        outcomes = await orchestrator.run_all(LAUNCHES)
    assert all(outcome.ok for outcome in outcomes)
    assert peer.kinds().count("LogClosed") == 10


@in_virtual_time(MANY)
async def test_lines_go_to_one_of_the_two_and_all_else_to_both(peer: Peer) -> None:
    got: list[events.LogEvent] = []

    async def take(event: events.LogEvent) -> None:
        got.append(event)

    policy = peer.policy(follow_logs=True)
    async with Orchestrator(peer.zadig, policy, on_event=peer.seen.append, on_log=take) as orchestrator:
        run = await orchestrator.start(LAUNCHES[0])
        followed = [event async for event in run.events() if isinstance(event, events.LogLines)]
    assert not any(isinstance(event, events.LogLines) for event in peer.seen)
    assert peer.kinds().count("LogOpened") == peer.kinds().count("LogClosed") == 2
    assert [type(event).__name__ for event in got].count("LogClosed") == 2
    assert texts(followed) == texts(got) != {}


@in_virtual_time(MANY)
async def test_only_the_logs_that_are_wanted_are_opened(peer: Peer) -> None:
    policy = attrs.evolve(peer.policy(follow_logs=True), logs=LogPolicy(jobs=("test",)))
    async with Orchestrator(peer.zadig, policy, on_event=peer.seen.append) as orchestrator:
        await orchestrator.run(LAUNCHES[0])
    assert {event.job for event in peer.seen if isinstance(event, events.LogEvent)} == {"job-0-1-0-test"}
    asked = [request.path for request in peer.ledger().requests if "/logs/" in request.path]
    assert asked
    assert all("job-0-1-0-test" in path for path in asked)


SPEC = {"env": "dev", "services": ["shop-api/api"]}

DEPLOYING = workflow(
    "api",
    [job("build", duration=10.0, log=["built"])],
    [{"name": "deploy", "type": "zadig-deploy", "duration": 20.0, "log": ["rolling out"], **SPEC}],
    [{"name": "note", "type": "notification", "duration": 5.0}],
)


async def jobs_of(peer: Peer) -> dict[str, list[str]]:
    """Which log events each job had."""
    async with Orchestrator(
        peer.zadig, peer.policy(follow_logs=True), on_event=peer.seen.append
    ) as orchestrator:
        outcome = await orchestrator.run(Launch("shop", "api", jobs=ALL_JOBS))
    assert outcome.ok
    told: dict[str, list[str]] = {}
    for event in peer.seen:
        if isinstance(event, events.LogEvent):
            told.setdefault(event.job.rpartition("-")[2], []).append(type(event).__name__)
    return told


@in_virtual_time(world(DEPLOYING))
async def test_before_4_2_a_deploy_job_is_said_to_have_no_log(peer: Peer) -> None:
    told = await jobs_of(peer)
    assert told["deploy"] == ["LogUnavailable"]
    assert told["build"][0] == "LogOpened"
    (event,) = [
        event for event in peer.seen if isinstance(event, events.LogUnavailable) and "deploy" in event.job
    ]
    assert (event.type, event.reason) == ("zadig-deploy", "this server streams no log of such jobs")


@in_virtual_time(world(DEPLOYING, version="4.2.0"))
async def test_from_4_2_on_a_deploy_job_has_one(peer: Peer) -> None:
    told = await jobs_of(peer)
    assert told["deploy"][0] == "LogOpened"
    assert told["deploy"][-1] == "LogClosed"
    lines = [
        line.text
        for event in peer.seen
        if isinstance(event, events.LogLines) and "deploy" in event.job
        for line in event.lines
    ]
    assert "rolling out" in lines


SECRET = world(
    workflow(
        "api",
        [job("build", duration=20.0, log=["login --password hunter2-x", f"{TOKEN} is the token"])],
        params=[{"name": "password", "value": "hunter2-x", "is_credential": True}],
    )
)


@in_virtual_time(SECRET)
async def test_credentials_and_the_token_are_masked_in_the_live_log_and_in_the_archive(peer: Peer) -> None:
    await jobs_of(peer)
    shown = " ".join(
        line.text for event in peer.seen if isinstance(event, events.LogLines) for line in event.lines
    )
    assert "login --password ******" in shown
    assert "****** is the token" in shown
    assert "hunter2-x" not in shown
    assert TOKEN not in shown
    reports = [event.report for event in peer.seen if isinstance(event, events.LogClosed)]
    assert [report.complete for report in reports] == [True]


GATED = world(workflow("api", [job("build", duration=10.0, log=LINES)], [gate("gate")], [job("go")]))


@in_virtual_time(GATED)
async def test_a_reader_that_never_reads_holds_up_no_vote(peer: Peer) -> None:
    async def never(event: events.LogEvent) -> None:
        if isinstance(event, events.LogLines):
            await asyncio.sleep(1e9)

    policy = peer.policy(approve="gate", follow_logs=True)
    async with Orchestrator(peer.zadig, policy, on_event=peer.seen.append, on_log=never) as orchestrator:
        outcome = await orchestrator.run(Launch("shop", "api", jobs=ALL_JOBS))
    assert outcome.verdict is Verdict.SUCCEEDED
    assert "GateApproved" in peer.kinds()
