"""The live log, with all its silence, and the archived log."""

import asyncio
from typing import Any

import pytest

from tests.emulator.worlds import START, Bench, world_of
from tests.support.virtual_time import virtual_time
from zadig_async.emulator.clock import LoopClock
from zadig_async.emulator.dialect import Dialect
from zadig_async.emulator.exchange import Dropped, Request, Stream
from zadig_async.emulator.joblog import frames
from zadig_async.emulator.script import Script
from zadig_async.emulator.world import World

JOB: dict[str, Any] = {
    "name": "a",
    "prepare": 2,
    "duration": 10,
    "log": [{"text": f"line {number}", "at": number} for number in range(1, 9)],
}
LIVE = "/openapi/logs/sse/v4/workflow/w/1/job-0-0-0-a"
FULL = "/openapi/logs/log/v4/workflow/w/1/job-0-0-0-a"


@pytest.mark.parametrize(
    ("line", "kind", "expected"),
    [
        ("plain", "freestyle", b"event:message\ndata:plain\n\n"),
        ("  trimmed \t", "freestyle", b"event:message\ndata:trimmed\n\n"),
        ("", "freestyle", b"event:message\ndata:\n\n"),
        ("a\rb", "freestyle", b"event:message\ndata:a\\r\n\nevent:message\ndata:b\ndata:\\r\n\n"),
        ("crlf\r", "freestyle", b"event:message\ndata:crlf\\r\n\nevent:message\ndata:\ndata:\\r\n\n"),
        ("vm", "zadig-vm-deploy", b"event:message\ndata:vm\ndata:\n\n"),
        ("\x1b[31mred\x1b[0m", "freestyle", b"event:message\ndata:\x1b[31mred\x1b[0m\n\n"),
        ("中文", "freestyle", "event:message\ndata:中文\n\n".encode()),
    ],
)
def test_frames(line: str, kind: str, expected: bytes) -> None:
    assert frames(line, kind) == expected


def data(piece: bytes) -> str:
    return piece.decode().removeprefix("event:message\ndata:").removesuffix("\n\n")


class Reader:
    """Reads a stream in the background, so that the clock can be moved meanwhile."""

    def __init__(self, stream: Stream) -> None:
        self.stream = stream
        self.lines: list[str] = []
        self.broken = False
        self._task = asyncio.ensure_future(self._read())

    async def _read(self) -> None:
        try:
            async for piece in self.stream.events:
                self.lines.append(data(piece))
        except Dropped:
            self.broken = True

    @property
    def finished(self) -> bool:
        return self._task.done()

    async def close(self) -> None:
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
        await self.stream.events.aclose()


@pytest.mark.parametrize(
    ("lines", "replayed"), [("2", 2), ("0", 5), ("-1", 5), ("100", 5), ("many", 5), ("1", 1)]
)
async def test_replay_then_follow_then_silence(lines: str, replayed: int) -> None:
    b = Bench.of(world_of(JOB))
    await b.run("w")
    b.advance(3 + 0.5 + 2 + 3)  # queue, worker, preparation, and three lines after the two of the executor
    reader = Reader(await b.stream(f"{LIVE}/{lines}"))
    await b.advance_slowly(0.25)
    assert len(reader.lines) == replayed
    assert reader.lines[-1] == "line 3"
    await b.advance_slowly(3)
    assert reader.lines[-1] == "line 6"
    await b.advance_slowly(60)
    assert reader.lines[-3:-2] == ["line 8"]
    assert reader.lines[-2].endswith("Job Status: success")
    assert (
        reader.lines[-1]
        == "====================== job-executor End. Duration: 10.00 seconds ======================"
    )
    assert not reader.finished
    await reader.close()


async def test_the_default_is_ten_lines() -> None:
    b = Bench.of(world_of({**JOB, "log": [f"{number}" for number in range(30)]}))
    await b.run("w")
    b.advance(15)
    stream = await b.stream(f"{LIVE}/x")
    pieces = [await anext(stream.events) for _ in range(10)]
    await stream.events.aclose()
    assert [data(piece) for piece in pieces] == [str(number) for number in range(19, 29)]


async def test_headers_wait_for_the_pod() -> None:
    b = Bench.of(world_of(JOB))
    await b.run("w")
    opening = asyncio.ensure_future(b.stream(f"{LIVE}/0"))
    await b.advance_slowly(5)
    assert not opening.done()
    await b.advance_slowly(1)
    stream = await opening
    assert stream.headers == {"Content-Type": "text/event-stream", "Cache-Control": "no-cache"}
    assert (
        data(await anext(stream.events)) == "====================== job-executor Start ======================"
    )
    await stream.events.aclose()


async def test_a_pod_that_never_comes_is_awaited_for_five_minutes_and_then_there_is_silence() -> None:
    b = Bench.of(world_of(JOB, concurrency_limit=0))
    await b.run("w")
    opening = asyncio.ensure_future(b.stream(f"{LIVE}/0"))
    await b.advance_slowly(299, step=1)
    assert not opening.done()
    await b.advance_slowly(3, step=1)
    stream = await opening
    assert (stream.status, stream.headers) == (200, {})
    await stream.events.aclose()


@pytest.mark.parametrize(
    "target",
    [
        "/openapi/logs/sse/v4/workflow/w/9/job-0-0-0-a/10",
        "/openapi/logs/sse/v4/workflow/w/1/a/10",
        "/openapi/logs/sse/v4/workflow/W/1/job-0-0-0-a/10",
        "/openapi/logs/sse/v4/workflow/w/1/job-1-0-0-gate/10",
        "/openapi/logs/sse/v4/workflow/w/1/job-2-0-0-d/10",
    ],
)
async def test_the_unknown_is_silent(target: str) -> None:
    b = Bench.of(
        world_of(JOB, {"name": "gate", "approval": {"users": ["ann"]}}, {"name": "d", "type": "sql"})
    )
    await b.run("w")
    b.advance(8)
    stream = await b.stream(target)
    assert (stream.status, stream.headers) == (200, {})
    reader = Reader(stream)
    await b.advance_slowly(600, step=10)
    assert (reader.lines, reader.finished) == ([], False)
    await b.advance_slowly(3100, step=100)
    assert (reader.finished, reader.broken) == (True, True)  # the write time-out of an hour
    await reader.close()


async def test_a_pod_lingers_a_moment_after_its_job() -> None:
    b = Bench.of(world_of(JOB))
    await b.run("w")
    b.advance(5.5 + 10 + 1)
    stream = await b.stream(f"{LIVE}/2")
    assert data(await anext(stream.events)).endswith("Job Status: success")
    await stream.events.aclose()
    b.advance(5)
    opening = asyncio.ensure_future(b.stream(f"{LIVE}/2"))
    await b.advance_slowly(50, step=1)
    assert not opening.done()
    opening.cancel()
    await asyncio.gather(opening, return_exceptions=True)


async def test_a_bad_id_is_an_error() -> None:
    b = Bench.of(world_of(JOB))
    for target in (
        "/openapi/logs/sse/v4/workflow/w/x/job-0-0-0-a/10",
        "/openapi/logs/log/v4/workflow/w/x/job-0-0-0-a",
    ):
        answer = await b.send("GET", target)
        assert (answer.status, b"invalid task id" in answer.body) == (400, True)


@pytest.mark.parametrize(("version", "live"), [("4.1.0", False), ("4.2.0", True)])
async def test_deploy_logs_came_with_4_2(version: str, live: bool) -> None:
    deploy = {"name": "a", "type": "zadig-deploy", "services": ["s"], "log": ["rolling out"], "prepare": 0}
    b = Bench.of(world_of(deploy, version=version))
    parameters = {"env_name": "dev", "service_list": [{"service_name": "s", "service_module": "s"}]}
    body = {"workflow_key": "w", "project_key": "p", "inputs": [{"job_name": "a", "parameters": parameters}]}
    await b.json("POST", "/openapi/workflows/custom/task", body)
    b.advance(12)
    stream = await b.stream(f"{LIVE}/0")
    assert bool(stream.headers) is live
    if live:
        assert data(await anext(stream.events)) == "rolling out"
    await stream.events.aclose()


async def test_the_full_log_appears_shortly_after_the_end() -> None:
    b = Bench.of(world_of(JOB))
    await b.run("w")
    empty = (200, {"Content-Type": "text/plain; charset=utf-8", "Content-Length": "0"}, b"")
    for seconds in (0, 10, 6.5):
        b.advance(seconds)
        answer = await b.send("GET", FULL)
        assert (answer.status, answer.headers, answer.body) == empty
    b.advance(2)
    text = (await b.send("GET", FULL)).body.decode()
    assert text.startswith("====================== job-executor Start ======================\n[2026-09-21 ")
    assert "line 1\nline 2\n" in text
    assert text.endswith("job-executor End. Duration: 10.00 seconds ======================\n")


@pytest.mark.parametrize(
    "target", [FULL.replace("/1/", "/9/"), FULL.replace("job-0-0-0-a", "a"), FULL.replace("/w/", "/x/")]
)
async def test_a_missing_log_is_empty_not_an_error(target: str) -> None:
    b = Bench.of(world_of(JOB))
    await b.run("w")
    b.advance(60)
    assert (await b.send("GET", target)).body == b""


async def test_a_workflow_key_with_capitals_never_has_a_full_log() -> None:
    b = Bench.of(world_of(JOB, key="Web"))
    await b.run("Web")
    b.advance(60)
    assert (await b.send("GET", FULL.replace("/w/", "/Web/"))).body == b""
    assert b.job(b.world.tasks[0], "a").archive is not None


@pytest.mark.parametrize(
    ("outcome", "last"),
    [("failed", "job-executor End"), ("timeout", "line 8"), ("passed", "job-executor End")],
)
async def test_how_a_log_ends(outcome: str, last: str) -> None:
    b = Bench.of(world_of({**JOB, "outcome": outcome}))
    await b.run("w")
    b.advance(60)
    text = (await b.send("GET", FULL)).body.decode()
    assert last in text.splitlines()[-1]
    assert ("Job Status: fail" in text) == (outcome == "failed")


async def test_a_cancelled_job_prints_no_more() -> None:
    b = Bench.of(world_of(JOB))
    task = await b.run("w")
    b.advance(5.5 + 3.5)
    reader = Reader(await b.stream(f"{LIVE}/0"))
    await b.advance_slowly(0.25)
    await b.cancel(task)
    await b.advance_slowly(30)
    assert reader.lines[-1] == "line 4"
    assert (await b.send("GET", FULL)).body.decode().splitlines()[-1] == "line 4"
    await reader.close()


async def test_a_rerun_overwrites_the_archive() -> None:
    b = Bench.of(world_of({**JOB, "outcome": ["failed", "passed"]}))
    task = await b.run("w")
    b.advance(60)
    first = (await b.send("GET", FULL)).body
    await b.retry(task)
    b.advance(8)
    assert (await b.send("GET", FULL)).body == first
    b.advance(60)
    second = (await b.send("GET", FULL)).body
    assert b"Job Status: fail" in first
    assert b"Job Status: success" in second


@virtual_time
async def test_in_process_in_virtual_time() -> None:
    """What a client's test does: no sockets, and an hour costs nothing."""
    clock = LoopClock(start=START)
    dialect = Dialect(World(Script.load(world_of(JOB)), clock.now()), clock)
    headers = {"Authorization": "Bearer root"}
    body = b'{"workflow_key":"w","project_key":"p","inputs":[{"job_name":"a"}]}'
    await dialect.respond(
        Request(method="POST", target="/openapi/workflows/custom/task", headers=headers, body=body)
    )
    stream = await dialect.respond(Request(method="GET", target=f"{LIVE}/0", headers=headers))
    assert isinstance(stream, Stream)
    moments = {}
    for _ in range(12):
        line = data(await anext(stream.events))
        moments[line] = clock.now() - START
    with pytest.raises(Dropped):
        await anext(stream.events)
    # queue 3 s, worker 0.5 s, preparation 2 s, then a line each second
    assert [moments[f"line {number}"] for number in range(1, 9)] == pytest.approx(
        [5.5 + number for number in range(1, 9)]
    )
    assert clock.now() - START == pytest.approx(3600)
