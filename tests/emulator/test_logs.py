"""The live log, with all its silence, and the archived log."""

import asyncio
from typing import Any

import pytest

from tests.emulator.worlds import START, Bench, world_of
from tests.support.virtual_time import virtual_time
from zadig_async.emulator.clock import LoopClock
from zadig_async.emulator.dialect import Dialect
from zadig_async.emulator.exchange import Dropped, Request, Stream
from zadig_async.emulator.joblog import Source, frames, source_of
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
    ("line", "source", "expected"),
    [
        ("plain", Source.CONTAINER, b"event:message\ndata:plain\n\n"),
        ("  trimmed \t", Source.CONTAINER, b"event:message\ndata:trimmed\n\n"),
        ("\u3000\x1ckept\x1f", Source.CONTAINER, b"event:message\ndata:\x1ckept\x1f\n\n"),
        ("", Source.CONTAINER, b"event:message\ndata:\n\n"),
        ("a\rb", Source.CONTAINER, b"event:message\ndata:a\\r\n\nevent:message\ndata:b\ndata:\\r\n\n"),
        ("crlf\r", Source.CONTAINER, b"event:message\ndata:crlf\\r\n\nevent:message\ndata:\ndata:\\r\n\n"),
        ("  vm", Source.VM, b"event:message\ndata:  vm\ndata:\n\n"),
        ("  deploy", Source.DEPLOY, b"event:message\ndata:  deploy\ndata:\n\n"),
        ("", Source.VM, b"event:message\ndata:\ndata:\n\n"),
        ("\x1b[31mred\x1b[0m", Source.CONTAINER, b"event:message\ndata:\x1b[31mred\x1b[0m\n\n"),
        ("中文", Source.CONTAINER, "event:message\ndata:中文\n\n".encode()),
    ],
)
def test_frames(line: str, source: Source, expected: bytes) -> None:
    assert frames(line, source) == expected


@pytest.mark.parametrize(
    ("kind", "before", "since"),
    [
        ("zadig-build", Source.CONTAINER, Source.CONTAINER),
        ("plugin", Source.CONTAINER, Source.CONTAINER),
        ("zadig-vm-deploy", Source.VM, Source.VM),
        ("zadig-deploy", None, Source.DEPLOY),
        ("zadig-helm-deploy", None, Source.DEPLOY),
        ("zadig-helm-chart-deploy", None, None),
        ("approval", None, None),
        ("sql", None, None),
    ],
)
def test_where_a_log_is_kept(kind: str, before: Source | None, since: Source | None) -> None:
    assert source_of(kind, (4, 1, 9)) is before
    assert source_of(kind, (4, 2, 0)) is since


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


DEPLOY: dict[str, Any] = {**JOB, "type": "zadig-deploy", "services": ["s"]}
DEPLOY_START = "====================== Deploy Job Start ======================"
DEPLOY_END = "====================== Deploy Job End. Duration: 10.00 seconds ======================"
SCRIPTED = [f"line {number}" for number in range(1, 9)]


async def deploy(b: Bench, key: str = "w") -> None:
    parameters = {"env_name": "dev", "service_list": [{"service_name": "s", "service_module": "s"}]}
    body = {"workflow_key": key, "project_key": "p", "inputs": [{"job_name": "a", "parameters": parameters}]}
    await b.json("POST", "/openapi/workflows/custom/task", body)


def lines_of(reader: Reader) -> list[str]:
    """What was streamed of a log that is kept in Redis, without the newlines it keeps."""
    assert all(line.endswith("\ndata:") for line in reader.lines)
    return [line.removesuffix("\ndata:") for line in reader.lines]


async def test_before_4_2_a_deploy_job_has_no_log_at_all() -> None:
    b = Bench.of(world_of(DEPLOY, version="4.1.0"))
    await deploy(b)
    b.advance(12)
    reader = Reader(await b.stream(f"{LIVE}/0"))
    assert reader.stream.headers == {}
    await b.advance_slowly(60, step=1)
    assert reader.lines == []
    assert (await b.send("GET", FULL)).body == b""
    await reader.close()


async def test_from_4_2_a_deploy_job_has_both_logs() -> None:
    b = Bench.of(world_of(DEPLOY, version="4.2.0"))
    await deploy(b)
    b.advance(8)
    reader = Reader(await b.stream(f"{LIVE}/0"))
    assert reader.stream.headers
    await b.advance_slowly(10)
    assert lines_of(reader) == [DEPLOY_START, *SCRIPTED, DEPLOY_END]
    await b.advance_slowly(3)
    archived = (await b.send("GET", FULL)).body.decode()
    assert archived.splitlines() == [DEPLOY_START, *SCRIPTED, DEPLOY_END]
    await reader.close()


@pytest.mark.parametrize("outcome", ["failed", "timeout"])
async def test_a_deploy_job_says_that_it_has_ended_but_not_how(outcome: str) -> None:
    b = Bench.of(world_of({**DEPLOY, "outcome": outcome}, version="4.2.0"))
    await deploy(b)
    b.advance(60)
    archived = (await b.send("GET", FULL)).body.decode()
    assert archived.splitlines()[-2:] == ["line 8", DEPLOY_END]


@pytest.mark.parametrize("lines", ["2", "0", "-1", "many"])
async def test_a_vm_job_replays_the_whole_log_whatever_is_asked_for(lines: str) -> None:
    b = Bench.of(world_of({**JOB, "type": "zadig-vm-deploy"}))
    await deploy(b)
    b.advance(5.5 + 5.5)
    reader = Reader(await b.stream(f"{LIVE}/{lines}"))
    await b.advance_slowly(0.25)
    assert lines_of(reader)[2:] == SCRIPTED[:5]
    await reader.close()


@pytest.mark.parametrize("lines", ["2", "0"])
async def test_so_does_a_deploy_job(lines: str) -> None:
    b = Bench.of(world_of(DEPLOY, version="4.2.0"))
    await deploy(b)
    b.advance(5.5 + 5.5)
    reader = Reader(await b.stream(f"{LIVE}/{lines}"))
    await b.advance_slowly(0.25)
    assert lines_of(reader) == [DEPLOY_START, *SCRIPTED[:5]]
    await reader.close()


@pytest.mark.parametrize(
    ("kind", "moment"), [("zadig-vm-deploy", 1.0), ("zadig-vm-deploy", 16.0), ("zadig-deploy", 1.0)]
)
async def test_what_is_kept_in_redis_is_not_waited_for(kind: str, moment: float) -> None:
    """Asked for too early or too late, a VM or deploy job is silent at once and for ever."""
    b = Bench.of(world_of({**DEPLOY, "type": kind}, version="4.2.0"))
    await deploy(b)
    b.advance(moment)
    reader = Reader(await b.stream(f"{LIVE}/0"))
    assert reader.stream.headers == {}
    await b.advance_slowly(60, step=1)
    assert (reader.lines, reader.finished) == ([], False)
    await reader.close()


async def test_the_log_of_a_deploy_job_can_be_read_a_moment_longer() -> None:
    b = Bench.of(world_of(DEPLOY, version="4.2.0"))
    await deploy(b)
    b.advance(5.5 + 10 + 1)
    reader = Reader(await b.stream(f"{LIVE}/0"))
    await b.advance_slowly(0.25)
    assert lines_of(reader) == [DEPLOY_START, *SCRIPTED, DEPLOY_END]
    await reader.close()


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
    assert "line 8" in b.world.tasks[0].stages[0].jobs[0].logs[0].text(b.world.now)


@pytest.mark.parametrize("kind", ["zadig-vm-deploy", "zadig-deploy"])
async def test_but_for_vm_and_deploy_jobs_whose_uploaders_spell_it_as_the_reader_does(kind: str) -> None:
    b = Bench.of(world_of({**DEPLOY, "type": kind}, key="Web", version="4.2.0"))
    await deploy(b, "Web")
    b.advance(60)
    assert b"line 8" in (await b.send("GET", FULL.replace("/w/", "/Web/"))).body


async def test_a_key_with_capitals_finds_the_log_of_its_namesake_without_them() -> None:
    both = [
        {"key": key, "stages": [{"name": "s", "jobs": [{**JOB, "log": [key]}]}]} for key in ("web", "Web")
    ]
    script = world_of(JOB)
    script["projects"][0]["workflows"] = both
    b = Bench.of(script)
    await b.run("Web")
    b.advance(60)
    assert (await b.send("GET", FULL.replace("/w/", "/Web/"))).body == b""
    await b.run("web")
    b.advance(60)
    assert b"\nweb\n" in (await b.send("GET", FULL.replace("/w/", "/Web/"))).body


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


MANY: dict[str, Any] = {"name": "a", "prepare": 2, "duration": 10, "log": [{"text": "line {n}", "repeat": 8}]}
"""Two lines of the executor, eight of its own, and two at the end of a job that passed."""


@pytest.mark.parametrize(
    ("rotation", "seconds", "replayed"),
    [
        (100, 6.0, ["Start", "Job Type", "line 1", "line 2", "line 3", "line 4", "line 5"]),
        (4, 6.0, ["line 3", "line 4", "line 5"]),
        (7, 6.0, []),
        (7, 7.0, ["line 6"]),
    ],
)
async def test_a_replay_has_what_the_kubelet_has_not_rotated_away(
    rotation: int, seconds: float, replayed: list[str]
) -> None:
    b = Bench.of(world_of(MANY, container_log_lines=rotation))
    await b.run("w")
    b.advance(5.5 + seconds)
    opening = asyncio.ensure_future(b.stream(f"{LIVE}/0"))
    await b.advance_slowly(0.25)
    if not replayed:
        await b.advance_slowly(1.0)
        replayed = ["line 6"]
    reader = Reader(await opening)
    await b.advance_slowly(0.25)
    assert len(reader.lines) == len(replayed)
    assert all(part in line for part, line in zip(replayed, reader.lines, strict=True))
    await reader.close()


async def test_whoever_follows_sees_the_lines_that_are_rotated_away_later() -> None:
    b = Bench.of(world_of(MANY, container_log_lines=5))
    await b.run("w")
    b.advance(5.5)
    reader = Reader(await b.stream(f"{LIVE}/0"))
    await b.advance_slowly(30)
    assert reader.lines[2:10] == SCRIPTED
    assert len(reader.lines) == 12
    archived = (await b.send("GET", FULL)).body.decode().splitlines()
    assert archived == reader.lines[10:]
    await reader.close()


@pytest.mark.parametrize("lines", ["2", "100"])
async def test_a_tail_is_a_tail_of_what_is_left(lines: str) -> None:
    b = Bench.of(world_of(MANY, container_log_lines=4))
    await b.run("w")
    b.advance(5.5 + 6.0)
    reader = Reader(await b.stream(f"{LIVE}/{lines}"))
    await b.advance_slowly(0.25)
    assert reader.lines == ["line 3", "line 4", "line 5"][-int(lines) :]
    await reader.close()


async def test_an_archive_of_a_file_that_was_just_begun_is_empty() -> None:
    b = Bench.of(world_of(MANY, container_log_lines=6))
    await b.run("w")
    b.advance(60)
    assert len(b.job(b.world.tasks[0], "a").logs[0].lines) == 12
    assert (await b.send("GET", FULL)).body == b""


async def test_a_job_may_have_a_rotation_of_its_own() -> None:
    b = Bench.of(world_of({**MANY, "container_log_lines": 5}, {**MANY, "name": "b"}, container_log_lines=7))
    await b.run("w")
    b.advance(60)
    for name, left in (("job-0-0-0-a", 2), ("job-1-0-0-b", 5)):
        archived = (await b.send("GET", FULL.replace("job-0-0-0-a", name))).body
        assert len(archived.splitlines()) == left


async def test_only_containers_have_a_kubelet() -> None:
    b = Bench.of(world_of({**MANY, "type": "zadig-vm-deploy"}, container_log_lines=5))
    await deploy(b)
    b.advance(60)
    assert len((await b.send("GET", FULL)).body.splitlines()) == 12


async def test_a_line_may_stand_for_many() -> None:
    log = ["{n}", {"text": "burst {n}", "at": 9, "repeat": 3}, {"text": "same", "repeat": 2}]
    b = Bench.of(world_of({**MANY, "log": log}))
    await b.run("w")
    b.advance(60)
    (printed,) = b.job(b.world.tasks[0], "a").logs
    own = [(round(moment - printed.started, 3), text) for moment, text in printed.lines[2:-2]]
    assert own == [
        (1.429, "{n}"),
        (7.143, "same"),
        (8.571, "same"),
        (9.0, "burst 1"),
        (9.0, "burst 2"),
        (9.0, "burst 3"),
    ]


async def test_what_each_attempt_printed_is_kept_for_comparing() -> None:
    b = Bench.of(world_of({**JOB, "outcome": ["failed", "passed"]}))
    task = await b.run("w")
    b.advance(60)
    await b.retry(task)
    b.advance(60)
    first, second = b.job(task, "a").logs
    assert first.lines[-2][1].endswith("Job Status: fail")
    assert second.lines[-2][1].endswith("Job Status: success")


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
