"""The emulator on a socket: bytes, faults that need one, control, and closing."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from email.utils import formatdate
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.emulator.worlds import START, until, world_of
from zadig_async.emulator import Emulator, Fault, ManualClock, Script

JOB = {"name": "a", "prepare": 0, "duration": 20, "log": [{"text": "<first> & 第一", "at": 1}]}
RUN = {"workflow_key": "w", "project_key": "p", "inputs": [{"job_name": "a"}]}
LIST = "/openapi/workflows?projectKey=p"
TASK = "/openapi/workflows/custom/task"
LIVE = "/openapi/logs/sse/v4/workflow/w/1/job-0-0-0-a/0"


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(START)


@pytest.fixture
async def emulator(clock: ManualClock) -> AsyncIterator[Emulator]:
    async with Emulator(world_of(JOB), clock=clock) as running:
        yield running


@pytest.fixture
async def session(emulator: Emulator) -> AsyncIterator[aiohttp.ClientSession]:
    headers = {"Authorization": f"Bearer {emulator.token}"}
    connector = aiohttp.TCPConnector(force_close=True)
    async with aiohttp.ClientSession(emulator.url, headers=headers, connector=connector) as opened:
        yield opened


async def raw(emulator: Emulator, request: bytes) -> bytes:
    """Send bytes and read until the server closes."""
    reader, writer = await asyncio.open_connection("127.0.0.1", int(emulator.url.rsplit(":", 1)[1]))
    writer.write(request)
    try:
        async with asyncio.timeout(5):
            return await reader.read()
    finally:
        writer.close()


async def silent_after(answer: aiohttp.ClientResponse, last: bytes) -> bool:
    """Whether the body says nothing more once `last` may have come, and does not end either."""
    try:
        async with asyncio.timeout(0.02):
            while piece := await answer.content.readany():
                if not last or last not in piece:
                    return False
    except TimeoutError:
        return True
    return False


async def test_a_whole_answer_byte_by_byte(emulator: Emulator) -> None:
    answer = await raw(emulator, b"GET /openapi/workflows HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    head, _, body = answer.partition(b"\r\n\r\n")
    lines = head.split(b"\r\n")
    assert lines[0] == b"HTTP/1.1 401 Unauthorized"
    assert b"Content-Length: 0" in lines
    assert b"Server: istio-envoy" in lines
    assert not any(line.lower().startswith(b"content-type") for line in lines)
    assert body == b""


async def test_json_over_the_wire(session: aiohttp.ClientSession) -> None:
    async with session.get(LIST) as answer:
        assert answer.headers["Content-Type"] == "application/json; charset=utf-8"
        assert [item["workflow_key"] for item in (await answer.json())["workflows"]] == ["w"]


async def test_paths_arrive_undecoded(emulator: Emulator) -> None:
    start = b"GET /openapi/workflows/custom/a%2Fb/detail?projectKey=p HTTP/1.1\r\n"
    answer = await raw(
        emulator, start + b"Host: x\r\nAuthorization: Bearer root\r\nConnection: close\r\n\r\n"
    )
    assert answer.startswith(b"HTTP/1.1 404 ")
    assert answer.endswith(b"Invalid path: /openapi/workflows/custom/a/b/detail")
    assert emulator.ledger.requests[-1].path == "/openapi/workflows/custom/a%2Fb/detail?projectKey=p"


async def test_a_live_log_over_the_wire(session: aiohttp.ClientSession, clock: ManualClock) -> None:
    async with session.post(TASK, json=RUN) as answer:
        assert (await answer.json())["task_id"] == 1
    clock.advance(5)
    async with session.get(LIVE) as answer:
        assert answer.headers["Content-Type"] == "text/event-stream"
        assert answer.headers["Transfer-Encoding"] == "chunked"
        seen = b""
        while seen.count(b"\n\n") < 3:
            seen += await answer.content.readany()
        assert seen.endswith("event:message\ndata:<first> & 第一\n\n".encode())
        reading = asyncio.ensure_future(answer.content.readany())
        while not reading.done():
            clock.advance(1)
            await asyncio.sleep(0.001)
        assert b"Job Status: success" in reading.result()
        assert await silent_after(answer, b"job-executor End")


async def test_every_answer_bears_the_date_of_the_world(
    emulator: Emulator, session: aiohttp.ClientSession, clock: ManualClock
) -> None:
    emulator.faults.add(Fault(kind="truncate", path="/openapi/system/registry"))
    emulator.faults.add(Fault(kind="status", path="/openapi/system/*", headers={"date": "yesterday"}))
    async with session.post(TASK, json=RUN) as answer:
        assert answer.headers["Date"] == formatdate(START, usegmt=True)
    clock.advance(86_400)
    tomorrow = formatdate(START + 86_400, usegmt=True)
    async with session.get(LIST) as answer:
        assert answer.headers.getall("Date") == [tomorrow]
    cut = await raw(
        emulator,
        b"GET /openapi/system/registry HTTP/1.1\r\nHost: x\r\n"
        b"Authorization: Bearer " + emulator.token.encode() + b"\r\n\r\n",
    )
    assert f"\r\nDate: {tomorrow}\r\n".encode() in cut
    async with session.get("/openapi/system/registry") as answer:
        assert answer.headers.getall("Date") == ["yesterday"]
    async with session.get(LIVE.replace("0-a", "0-x")) as answer:  # no such job: silence
        assert answer.headers["Date"] == tomorrow


async def test_silence_has_headers_without_a_type(session: aiohttp.ClientSession) -> None:
    async with session.get(LIVE.replace("job-0-0-0-a", "nothing")) as answer:
        assert (answer.status, "Content-Type" in answer.headers) == (200, False)
        assert await silent_after(answer, b"")


async def test_a_reader_that_leaves_frees_its_stream(
    emulator: Emulator, session: aiohttp.ClientSession
) -> None:
    answer = await session.get(LIVE.replace("job-0-0-0-a", "nothing"))
    assert len(emulator._streams) == 1
    answer.close()
    await until(lambda: not emulator._streams)


async def test_a_writer_that_leaves_has_still_written(emulator: Emulator, clock: ManualClock) -> None:
    emulator.faults.add(Fault(kind="delay", seconds=10))
    body = json.dumps(RUN).encode()
    lines = [f"POST {TASK} HTTP/1.1", "Host: x", "Authorization: Bearer root", f"Content-Length: {len(body)}"]
    head = "\r\n".join(lines) + "\r\n\r\n"
    _, writer = await asyncio.open_connection("127.0.0.1", int(emulator.url.rsplit(":", 1)[1]))
    writer.write(head.encode() + body)
    await until(lambda: emulator.ledger.requests)
    writer.close()
    await asyncio.sleep(0.01)
    clock.advance(10)
    await until(lambda: emulator.world.tasks)


@pytest.mark.parametrize(
    ("kind", "error", "created"),
    [
        ("reset_before", aiohttp.ClientOSError, 0),
        ("reset_after", aiohttp.ClientOSError, 1),
        ("late", aiohttp.ClientOSError, 0),
        ("garbage", aiohttp.ClientResponseError, 0),
        ("truncate", aiohttp.ClientPayloadError, 1),
    ],
)
async def test_broken_connections(
    emulator: Emulator, session: aiohttp.ClientSession, kind: str, error: type[Exception], created: int
) -> None:
    emulator.faults.add(Fault(kind=kind, method="POST", seconds=60))

    async def post() -> None:
        async with session.post(TASK, json=RUN) as answer:
            await answer.read()

    with pytest.raises(error):
        await post()
    assert len(emulator.world.tasks) == created
    async with session.get(LIST) as answer:
        assert answer.status == 200


async def test_a_reset_is_a_reset(emulator: Emulator) -> None:
    emulator.faults.add(Fault(kind="reset_before"))
    with pytest.raises(ConnectionResetError):
        await raw(emulator, b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")


async def test_a_dropped_stream_has_no_last_chunk(
    emulator: Emulator, session: aiohttp.ClientSession, clock: ManualClock
) -> None:
    await (await session.post(TASK, json=RUN)).read()
    clock.advance(5)
    emulator.faults.add(Fault(kind="drop_stream", lines=2))
    async with session.get(LIVE) as answer:
        with pytest.raises(aiohttp.ClientPayloadError):
            await answer.read()


async def test_control(emulator: Emulator, session: aiohttp.ClientSession, clock: ManualClock) -> None:
    async with session.post("/_emulator/faults", json=[{"kind": "empty"}, {"kind": "html"}]) as answer:
        assert await answer.json() == {"faults": 2}
    async with session.get(LIST) as answer:
        assert await answer.read() == b""
    async with session.delete("/_emulator/faults") as answer:
        assert await answer.json() == {"faults": 0}
    async with session.post("/_emulator/clock", json={"advance": 12.5}) as answer:
        assert await answer.json() == {"now": START + 12.5}
    async with session.get("/_emulator/ledger") as answer:
        (entry,) = await answer.json()
        assert (entry["event"], entry["fault"], entry["path"]) == ("RequestSeen", "empty", LIST)
    text = "projects: [{key: other, workflows: [{key: new}]}]"
    async with session.put("/_emulator/scenario", data=text) as answer:
        assert await answer.json() == {"projects": ["other"]}
    assert list(emulator.world.workflows) == ["new"]
    assert emulator.token == "demo-token"
    assert len(emulator.ledger) == 0
    assert emulator.world.start == clock.now()


@pytest.mark.parametrize(
    ("method", "path", "data", "status"),
    [
        ("PUT", "scenario", "projects: [{kei: x}]", 400),
        ("PUT", "scenario", b"\xff", 400),
        ("POST", "faults", "[", 400),
        ("POST", "faults", '{"kind":"flood"}', 400),
        ("POST", "clock", '{"advance":"soon"}', 400),
        ("POST", "clock", '{"advance":-1}', 400),
        ("POST", "clock", "[]", 400),
        ("GET", "faults", None, 404),
        ("GET", "nothing", None, 404),
    ],
)
async def test_control_refusals(
    session: aiohttp.ClientSession, method: str, path: str, data: Any, status: int
) -> None:
    async with session.request(method, f"/_emulator/{path}", data=data) as answer:
        assert answer.status == status
        assert (await answer.json())["error"]


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Host": "evil.example"}, 403),
        ({"Host": "127.0.0.1.evil.example:80"}, 403),
        ({"Origin": "https://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Host": "localhost:1"}, 200),
        ({"Host": "[::1]:1"}, 200),
        ({"Origin": "http://localhost:8000"}, 200),
    ],
)
async def test_control_is_for_this_machine(
    session: aiohttp.ClientSession, headers: dict[str, str], status: int
) -> None:
    async with session.get("/_emulator/ledger", headers=headers) as answer:
        assert answer.status == status


async def test_a_clock_that_moves_by_itself_cannot_be_moved() -> None:
    async with (
        Emulator() as emulator,
        aiohttp.ClientSession(emulator.url) as session,
        session.post("/_emulator/clock", json={"advance": 1}) as answer,
    ):
        assert answer.status == 409


async def test_closing_ends_open_streams_at_once_and_may_be_repeated() -> None:
    emulator = Emulator(speed=10)
    await emulator.start()
    await emulator.start()
    emulator.faults.add(Fault(kind="hang", path=TASK))
    headers = {"Authorization": f"Bearer {emulator.token}"}
    async with aiohttp.ClientSession(emulator.url, headers=headers) as session:
        silent = await session.get("/openapi/logs/sse/v4/workflow/x/1/y/0")
        hanging = asyncio.ensure_future(session.post(TASK, json=RUN))
        await until(lambda: len(emulator.ledger.requests) == 2)
        async with asyncio.timeout(2):
            await emulator.close()
            await emulator.close()
            with pytest.raises(aiohttp.ClientPayloadError):
                await silent.content.read()
            silent.close()
            with pytest.raises(aiohttp.ServerDisconnectedError):
                await hanging
    with pytest.raises(OSError, match="Connect"):
        await asyncio.open_connection("127.0.0.1", int(emulator.url.rsplit(":", 1)[1]))


async def test_a_taken_port_is_an_error() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(OSError, match="in use"):
            await Emulator(port=taken.getsockname()[1]).start()


def test_before_the_start_there_is_no_address() -> None:
    emulator = Emulator()
    assert emulator.token == "demo-token"
    for name in ("url", "world", "ledger", "dialect"):
        with pytest.raises(RuntimeError, match="not been started"):
            getattr(emulator, name)


async def test_it_takes_scripts_mappings_and_files(tmp_path: Path) -> None:
    (tmp_path / "s.yaml").write_text("projects: [{key: filed}]", encoding="utf-8")
    for source, key in (
        (Script.default(), "shop"),
        ({"projects": [{"key": "m"}]}, "m"),
        (tmp_path / "s.yaml", "filed"),
    ):
        async with Emulator(source) as emulator:
            assert [project.key for project in emulator.script.projects] == [key]
            assert emulator.url.startswith("http://127.0.0.1:")
