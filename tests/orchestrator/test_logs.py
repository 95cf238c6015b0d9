"""Logs: each line once, from the job's start to its end, or said to be incomplete."""

import asyncio
from collections.abc import Sequence

import attrs

from tests.support.peers import Peer, both_peers, in_virtual_time
from tests.support.worlds import job, workflow, world
from zadig_async import ALL_JOBS, Launch, Orchestrator
from zadig_async.model.log import LogReport
from zadig_async.orchestrator import events

STREAM = "/openapi/logs/sse/v4/workflow/*"
ARCHIVE = "/openapi/logs/log/v4/workflow/*"
LINES = [f"line {number}" if number % 3 else "the same line" for number in range(40)]
LONG = world(workflow("api", [job("build", duration=60.0, log=LINES)]))


async def run(peer: Peer, key: str = "api", *, every: float | None = None) -> list[events.Event]:
    policy = peer.policy(follow_logs=True)
    policy = attrs.evolve(policy, poll_every=every or policy.poll_every)
    async with Orchestrator(peer.zadig, policy, on_event=peer.seen.append) as orchestrator:
        outcome = await orchestrator.run(Launch("shop", key, jobs=ALL_JOBS))
    assert outcome.ref is not None
    return peer.seen


def texts(seen: Sequence[events.Event], job_name: str = "job-0-0-0-build") -> list[str]:
    """The lines told of a job, without the executor's own."""
    return [
        line.text
        for event in seen
        if isinstance(event, events.LogLines) and event.job == job_name
        for line in event.lines
        if not line.text.startswith(("=====", "[20"))
    ]


def closed(seen: Sequence[events.Event]) -> list[LogReport]:
    return [event.report for event in seen if isinstance(event, events.LogClosed)]


@both_peers(LONG)
async def test_every_line_comes_once_and_equals_the_archive(peer: Peer) -> None:
    seen = await run(peer)
    assert texts(seen) == LINES
    (end,) = closed(seen)
    assert (end.complete, end.reason) == (True, "equal to the archive")
    assert end.lines == len(LINES) + 4


@in_virtual_time(LONG)
async def test_a_stream_that_is_cut_again_and_again_loses_and_repeats_nothing(peer: Peer) -> None:
    for lines in (3, 9, 20, 21):
        peer.fault("drop_stream", STREAM, lines=lines, times=1)
    seen = await run(peer)
    assert texts(seen) == LINES
    assert closed(seen)[0].complete is True


@in_virtual_time(LONG)
async def test_without_any_live_stream_the_archive_brings_the_log(peer: Peer) -> None:
    peer.fault("status", STREAM, status=502, times=None)
    seen = await run(peer)
    assert texts(seen) == LINES
    assert closed(seen)[0].complete is True


@in_virtual_time(LONG)
async def test_a_login_page_instead_of_the_stream_is_no_log_line(peer: Peer) -> None:
    peer.fault("html", STREAM, times=None)
    seen = await run(peer)
    assert texts(seen) == LINES


@in_virtual_time(LONG)
async def test_without_an_archive_nothing_is_claimed(peer: Peer) -> None:
    peer.fault("empty", ARCHIVE, times=None)
    seen = await run(peer)
    assert texts(seen) == LINES
    (end,) = closed(seen)
    assert (end.complete, end.reason) == (None, "no archive to compare with")


@in_virtual_time(LONG)
async def test_with_neither_stream_nor_archive_it_is_said(peer: Peer) -> None:
    peer.fault("status", STREAM, status=502, times=None)
    peer.fault("empty", ARCHIVE, times=None)
    seen = await run(peer)
    assert texts(seen) == []
    (end,) = closed(seen)
    assert (end.complete, end.lines, end.reason) == (False, 0, "no log was to be had")


@in_virtual_time(LONG)
async def test_an_archive_that_says_otherwise_is_said(peer: Peer) -> None:
    peer.fault("status", ARCHIVE, status=200, body="quite another log\n" * 100, times=None)
    seen = await run(peer)
    (end,) = closed(seen)
    assert (end.complete, end.reason) == (False, "the archive begins otherwise")


@in_virtual_time(world(workflow("api", [job("build", duration=0.5, prepare=0.1, log=["quick"])])))
async def test_a_job_that_ends_between_two_looks_is_read_from_the_archive(peer: Peer) -> None:
    seen = await run(peer)
    assert texts(seen) == ["quick"]
    streams = [request for request in peer.ledger().requests if "/sse/" in request.path]
    assert streams == []


@in_virtual_time(
    world(
        workflow(
            "api",
            [job("build", duration=20.0, log=["built"])],
            [job("test", duration=20.0, log=["tested"]), job("scan", duration=30.0, log=["scanned"])],
            parallel=True,
        )
    )
)
async def test_logs_are_opened_when_their_jobs_start(peer: Peer) -> None:
    seen = await run(peer)
    for number, name, line in ((0, "build", "built"), (0, "test", "tested"), (1, "scan", "scanned")):
        stage = 0 if name == "build" else 1
        assert texts(seen, f"job-{stage}-{number}-0-{name}") == [line]
    order = [
        (type(event).__name__, event.job)
        for event in seen
        if isinstance(event, events.LogOpened | events.LogClosed) and event.job.endswith(("build", "test"))
    ]
    assert order[0] == ("LogOpened", "job-0-0-0-build")
    running = [
        event.job for event in seen if isinstance(event, events.JobChanged) and event.after == "running"
    ]
    assert running[0] == "job-0-0-0-build"


@in_virtual_time(LONG)
async def test_being_told_to_stop_while_the_last_lines_are_read_leaves_nothing_behind(peer: Peer) -> None:
    peer.fault("empty", ARCHIVE, times=None)
    policy = peer.policy(follow_logs=True)
    async with Orchestrator(peer.zadig, policy, on_event=peer.seen.append) as orchestrator:
        run_of = await orchestrator.start(Launch("shop", "api", jobs=ALL_JOBS))
        while not any(
            isinstance(event, events.TaskChanged) and event.after == "passed" for event in peer.seen
        ):
            await peer.sleep(1.0)
        orchestrator.detach()
        await run_of.wait()
    assert [task for task in asyncio.all_tasks() if "log" in task.get_name()] == []


@in_virtual_time(LONG)
async def test_leaving_early_closes_the_stream(peer: Peer) -> None:
    policy = peer.policy(follow_logs=True)
    async with Orchestrator(peer.zadig, policy, on_event=peer.seen.append) as orchestrator:
        await orchestrator.start(Launch("shop", "api", jobs=ALL_JOBS))
        await peer.sleep(20.0)
        assert texts(peer.seen)
    told = len(peer.seen)
    await peer.sleep(60.0)
    assert len(peer.seen) == told


RETRIED = world(
    workflow(
        "api",
        [
            job(
                "build",
                duration=20.0,
                log=["built"],
                outcome=["failed", "passed"],
                error_policy={"policy": "retry", "maximum_retry": 1},
            )
        ],
    )
)


@in_virtual_time(RETRIED)
async def test_a_repeated_job_has_a_log_for_each_attempt(peer: Peer) -> None:
    seen = await run(peer, every=0.5)  # sooner than the archive is there
    assert [end.complete for end in closed(seen)] == [True, True]
    assert statuses(seen) == ["fail", "success"]


@in_virtual_time(RETRIED)
async def test_the_archive_of_an_earlier_attempt_is_not_taken_for_that_of_the_last(peer: Peer) -> None:
    peer.fault("status", STREAM, status=502, times=None)
    seen = await run(peer, every=0.5)  # sooner than the archive is there
    assert [end.complete for end in closed(seen)] == [True, True]
    assert statuses(seen) == ["fail", "success"]


def statuses(seen: Sequence[events.Event]) -> list[str]:
    """What the executor said at the end of each attempt."""
    return [
        line.text.rpartition("Job Status: ")[2]
        for event in seen
        if isinstance(event, events.LogLines)
        for line in event.lines
        if "Job Status: " in line.text
    ]
