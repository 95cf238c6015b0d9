"""Rows S1 to S6 of the fault table, and H1 to H3 where they touch logs: streams when everything goes wrong.

The same promise in every row: each line once and in order, or it is said that some are missing; no log is
called complete that is not; and no stream ever holds up a poll or the end of a watch.
"""

import asyncio
import errno
import gzip
import random
import socket
import threading
import tracemalloc
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import attrs
import pytest

from tests.support.fault_bench import serving
from tests.support.fault_proxy import Choose, Exchange, Fault, FaultProxy, Spoil, cut_streams
from tests.support.log_carriers import OpenStreams, Parted
from tests.support.log_texts import CREDENTIAL, log_text
from tests.support.log_truth import Heard, LogEar, judge, plain
from tests.support.log_weather import LogWeather
from tests.support.loopback import Loopback
from tests.support.naive_logs import Manner, NaiveLogs
from tests.support.peers import SPEED, TOKEN
from tests.support.raw_server import HANG, READ, Drip, RawServer, Send, Step, answer
from tests.support.stormy import Storm, Stormy
from tests.support.virtual_time import virtual_time
from tests.support.worlds import job, workflow, world
from zadig_async import (
    ALL_JOBS,
    Launch,
    LogPolicy,
    Orchestrator,
    Outcome,
    RetryPolicy,
    RunPolicy,
    Secret,
    TaskRef,
    Verdict,
    ZadigClient,
    ZadigError,
    inputs,
)
from zadig_async.emulator import Dialect, Emulator, LoopClock, Script, World
from zadig_async.emulator.joblog import Source, frames
from zadig_async.journal.journal import Journal
from zadig_async.orchestrator import events
from zadig_async.transport.base import Carrier
from zadig_async.transport.dns import Lookups
from zadig_async.transport.http import HttpCarrier
from zadig_async.transport.options import Connection, Limits
from zadig_async.transport.sockets import probing_socket

Json = dict[str, Any]
Key = tuple[str, int, str, int]

PASSWORD: Final[Json] = {"name": "password", "type": "string", "value": CREDENTIAL, "is_credential": True}
MACHINE: Final = inputs.VMDeployInput(
    env_name="dev", services=[inputs.VMDeployService(service_name="api", file_name="api.tgz")]
)
NUMBERED: Final = [f"line {number}" for number in range(100)]
LONG: Final = world(workflow("api", [job("build", duration=300.0, log=NUMBERED)]))
SHORT: Final = world(workflow("api", [job("build", duration=80.0, log=NUMBERED)]))
BUILD: Final[Key] = ("api", 1, "job-0-0-0-build", 1)
REF: Final = TaskRef("shop", "api", 1)
STREAM: Final = "/openapi/logs/sse/"


def launch(key: str = "api") -> Launch:
    return Launch("shop", key, jobs=ALL_JOBS)


def printed(truth: World) -> Mapping[Key, Sequence[str]]:
    """What each attempt of each job printed."""
    return {
        (task.workflow.key, task.id, each.name, attempt): [text for _, text in log.lines]
        for task in truth.tasks
        for stage in task.stages
        for each in stage.jobs
        for attempt, log in enumerate(each.logs, 1)
    }


def wrongs(heard: Mapping[Key, Heard], truth: World) -> Mapping[Key, Sequence[str]]:
    """What is wrong with what was told of each log there was."""
    found = {key: judge(heard.get(key, Heard()), log, [CREDENTIAL]) for key, log in printed(truth).items()}
    return {key: verdict.wrongs for key, verdict in found.items() if verdict.wrongs}


def complete(heard: Mapping[Key, Heard]) -> Counter[bool | None]:
    """How many logs were said to be complete, or not."""
    return Counter(each.report.complete for each in heard.values() if each.report is not None)


def policy(speed: float = 1.0, **logs: Any) -> RunPolicy:
    """A policy that is as quick as the world."""
    logs = {"silence": 60.0 / speed, "drain": max(2.0 / speed, 0.2), **logs}
    return RunPolicy(follow_logs=True, poll_every=3.0 / speed, logs=LogPolicy(**logs))


@attrs.define
class Followed:
    """What became of launches without sockets.

    Attributes:
        dialect: The other side.
        streams: The carrier next to the client.
        ear: What was told of their logs.
        outcomes: How they ended.
    """

    dialect: Dialect
    streams: OpenStreams
    ear: LogEar = attrs.field(factory=LogEar)
    outcomes: list[Outcome] = attrs.field(factory=list)

    @property
    def world(self) -> World:
        return self.dialect.world

    @property
    def wrongs(self) -> Mapping[Key, Sequence[str]]:
        return wrongs(self.ear.logs, self.world)


def loopback(script: Mapping[str, Any], through: Callable[[Carrier], Carrier] | None = None) -> Followed:
    clock = LoopClock(start=1_790_000_000.0)
    dialect = Dialect(World(Script.load(script), clock.now()), clock)
    carrier: Carrier = Loopback(dialect, TOKEN)
    return Followed(dialect, OpenStreams(carrier if through is None else through(carrier)))


async def follow(
    found: Followed,
    launches: Sequence[Launch] = (),
    on_event: Callable[[events.Event], None] = lambda _: None,
) -> Followed:
    """Follow the logs of launches to their end."""

    def hear(event: events.Event) -> None:
        found.ear.take(event)
        on_event(event)

    async with (
        ZadigClient.over(found.streams, account="bot") as zadig,
        Orchestrator(zadig, policy(), on_event=hear) as orchestrator,
    ):
        found.outcomes = await orchestrator.run_all(launches or [launch()])
    return found


def client(url: str, **carrier: Any) -> ZadigClient:
    """A client in as much of a hurry as the world at `SPEED`."""
    quick = RetryPolicy(first_delay=0.5 / SPEED, max_delay=10.0 / SPEED)
    http = HttpCarrier(Connection(url, Secret(TOKEN)), **carrier)
    return ZadigClient.over(http, retry=quick, server=url, account="bot")


async def follow_over(
    script: Mapping[str, Any],
    launches: Sequence[Launch] = (),
    choose: Choose | None = None,
    **carrier: Any,
) -> tuple[World, LogEar, list[Outcome], FaultProxy]:
    """Follow the logs of launches over sockets, through a proxy; silence is borne for 12 s of the world."""
    ear = LogEar()
    async with (
        Emulator(script, speed=SPEED) as emulator,
        FaultProxy.before(emulator.url, choose) as proxy,
        client(proxy.url.replace("127.0.0.1", "localhost"), **carrier) as zadig,
        Orchestrator(zadig, policy(SPEED, silence=12.0 / SPEED), on_event=ear.take) as orchestrator,
    ):
        outcomes = await orchestrator.run_all(launches or [launch()])
        return emulator.world, ear, outcomes, proxy


async def test_s1_polls_never_wait_for_120_open_streams() -> None:
    log = [{"text": "begun", "at": 0.0}, {"text": "goes on", "at": 100.0}]
    jobs = [job(f"j-{number}", outcome="never", log=log) for number in range(120)]
    script = world(workflow("many", jobs, parallel=True), build_concurrency=120)
    ear = LogEar()

    def telling(lines: int) -> int:
        return sum(heard.count >= lines for heard in ear.logs.values())

    async with (
        asyncio.timeout(60),
        Emulator(script, speed=SPEED) as emulator,
        client(emulator.url, limits=Limits(stream=120)) as zadig,
        Orchestrator(zadig, policy(SPEED, silence=3600.0), on_event=ear.take) as orchestrator,
    ):
        running = await orchestrator.start(launch("many"))
        while telling(3) < 120:  # noqa: ASYNC110 - the executor's two lines, and the first of its own
            await asyncio.sleep(0.01)
        for _ in range(30):
            await zadig.tasks.status(running.ref)
        while telling(4) < 120:  # noqa: ASYNC110 - a second one
            await asyncio.sleep(0.01)
        # Each told its second line without having been opened anew: all of them were open all the time.
        assert sum(STREAM in request.path for request in emulator.ledger.requests) == 120
        assert complete(ear.logs) == {}


@pytest.mark.parametrize("outcome", ["passed", "failed", "timeout"])
@pytest.mark.parametrize("key", ["api", "Api"])
@virtual_time
async def test_s2_a_silent_stream_is_closed_soon_after_its_job_has_ended(outcome: str, key: str) -> None:
    """The task goes on for long, the log has no more lines, and Zadig never ends a stream."""
    build = job("build", duration=20.0, log=NUMBERED[:9], outcome=outcome, error_policy="ignore_error")
    found = loopback(world(workflow(key, [build], [job("deploy", duration=600.0)])))
    times: dict[str, float] = {}

    def note(event: events.Event) -> None:
        now = asyncio.get_running_loop().time()
        if isinstance(event, events.JobChanged) and event.job.endswith("build"):
            times["ended"] = now
        if isinstance(event, events.LogClosed) and event.job.endswith("build"):
            times["closed"] = now
            assert not [target for target in found.streams.live if "build" in target]

    await follow(found, [launch(key)], note)
    assert [outcome.verdict for outcome in found.outcomes] == [Verdict.SUCCEEDED]
    assert times["closed"] - times["ended"] <= 30.0
    assert found.wrongs == {}
    heard = found.ear.logs[key, 1, "job-0-0-0-build", 1]
    assert heard.count == len(printed(found.world)[key, 1, "job-0-0-0-build", 1])


def storm_world(seed: int, lines: int = 300) -> tuple[Mapping[str, Any], list[Launch]]:
    """A world with a job of each kind that has a log."""

    def prints(name: str, **more: Any) -> Json:
        return job(name, **{"duration": 120.0, "log": log_text(f"{seed} {name}", lines), **more})

    retry = {"policy": "retry", "maximum_retry": 1}
    flaky = prints("flaky", duration=60.0, outcome=["failed", "passed"], error_policy=retry)
    machine = prints("machine", type="zadig-vm-deploy", env="dev", services=["api"])
    rollout = prints("rollout", type="zadig-deploy", env="dev", services=["api"])
    script = world(
        workflow("builds", [prints("build"), flaky], parallel=True, params=[PASSWORD]),
        workflow("deploys", [machine, rollout], parallel=True, params=[PASSWORD]),
        version="4.2.0",
        build_concurrency=9,
    )
    return script, [
        launch("builds"),
        Launch("shop", "deploys", jobs=["rollout"], inputs={"machine": MACHINE}),
    ]


@pytest.fixture
def chance() -> None:
    """The same storm each time, whatever the client leaves to chance."""
    random.seed(7)


@pytest.mark.usefixtures("chance")
@pytest.mark.parametrize("seed", [1, 2])
@virtual_time
async def test_s3_no_stream_lasts_and_each_line_comes_once(seed: int) -> None:
    script, launches = storm_world(seed)
    storms: list[Stormy] = []

    def through(carrier: Carrier) -> Carrier:
        storms.append(Stormy(carrier, seed))
        return storms[-1]

    found = await follow(loopback(script, through), launches)
    assert all(outcome.ok for outcome in found.outcomes)
    assert found.wrongs == {}
    assert len(found.ear.logs) == 5
    assert complete(found.ear.logs)[True] >= 4  # a verdict is of use only where it is given
    assert storms[0].opened > 30
    assert storms[0].silenced > 1


@pytest.mark.usefixtures("chance")
@pytest.mark.parametrize("manner", ["whole", "tail"])
def test_s3_who_does_not_think_of_it_loses_or_repeats_lines(manner: Manner) -> None:
    """The same storm, and the same judge."""

    @virtual_time
    async def body() -> None:
        script, launches = storm_world(1)
        found = loopback(script, lambda carrier: Stormy(carrier, 1))
        async with (
            ZadigClient.over(found.streams, account="bot") as zadig,
            Orchestrator(zadig) as orchestrator,
        ):
            running = [await orchestrator.start(each) for each in launches]
            naive = NaiveLogs(zadig, manner, every=3.0, drain=2.0)
            await asyncio.gather(*(naive.watch(each.ref) for each in running))
        assert len(wrongs(naive.logs, found.world)) >= 4

    body()


@pytest.mark.usefixtures("chance")
@pytest.mark.parametrize(
    ("seed", "rotation"),
    [(1, 20), (2, 20), (1, 60), (2, 60), (1, 150), (2, 150)],
)
@virtual_time
async def test_s3_where_the_kubelet_rotates_logs_what_is_missing_is_said(seed: int, rotation: int) -> None:
    jobs = [
        job(
            f"j-{number}", duration=120.0, log=log_text(f"{seed} {number}", 300), container_log_lines=rotation
        )
        for number in range(3)
    ]
    script = world(workflow("api", jobs, parallel=True, params=[PASSWORD]), build_concurrency=9)
    found = await follow(loopback(script, lambda carrier: Stormy(carrier, seed)))
    assert found.wrongs == {}
    assert any(heard.report and heard.report.gaps for heard in found.ear.logs.values())
    assert complete(found.ear.logs) == {False: 3}


@pytest.mark.usefixtures("chance")
@pytest.mark.parametrize("seed", [1, 2, 3])
@virtual_time
async def test_s3_where_there_is_no_archive_nothing_is_called_complete(seed: int) -> None:
    jobs = [job(f"j-{number}", duration=120.0, log=log_text(f"{seed} {number}", 300)) for number in range(4)]
    script = world(workflow("Api", jobs, parallel=True, params=[PASSWORD]), build_concurrency=9)
    found = await follow(loopback(script, lambda carrier: Stormy(carrier, seed)), [launch("Api")])
    assert found.wrongs == {}
    assert complete(found.ear.logs)[True] == 0


async def test_s3_over_sockets() -> None:
    script, launches = storm_world(3, 200)
    weather = LogWeather(3, lasts=(1.0 / SPEED, 16.0 / SPEED), archives=0.0, late=5.0 / SPEED)
    truth, ear, outcomes, proxy = await follow_over(script, launches, weather)
    assert all(outcome.ok for outcome in outcomes)
    assert wrongs(ear.logs, truth) == {}
    assert complete(ear.logs)[True] >= 4
    assert proxy.counts[Fault.CUT] > 20


END: Final = f"{'=' * 22} job-executor End. Duration: 1.00 seconds {'=' * 22}"
SSE: Final = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n"
MIB: Final = 1024 * 1024
QUICK: Final = world(workflow("api", [job("build", duration=20.0)]))


def framed(*lines: str) -> bytes:
    return b"".join(frames(line, Source.CONTAINER) for line in lines)


async def follow_raw(stream: Sequence[Step], *further: Sequence[Step], **logs: Any) -> tuple[Heard, Outcome]:
    """Follow a log whose stream, and what is asked for after it, are played by a raw server."""
    ear = LogEar()
    async with (
        asyncio.timeout(60),
        Emulator(QUICK, speed=SPEED) as emulator,
        RawServer([READ, *stream, HANG], *([READ, *each] for each in further)) as raw,
    ):
        calls = HttpCarrier(Connection(emulator.url, Secret(TOKEN)))
        streams = HttpCarrier(Connection(raw.url, Secret(TOKEN)))
        async with (
            ZadigClient.over(Parted(calls, streams), account="bot") as zadig,
            Orchestrator(zadig, policy(SPEED, **logs), on_event=ear.take) as orchestrator,
        ):
            (outcome,) = await orchestrator.run_all([launch()])
    return ear.logs[BUILD], outcome


def whole(*lines: str) -> bytes:
    """An archive."""
    return answer("".join(f"{line}\n" for line in lines).encode())


async def test_s4_a_line_of_2_mib_is_told_cut_and_marked() -> None:
    long = "x" * 2 * MIB
    lines = ["before", long, "after", END]
    heard, outcome = await follow_raw([Send(SSE + framed(*lines))], [Send(whole(*lines))])
    assert outcome.ok
    texts = [line for stretch in heard.stretches for line in stretch.lines]
    assert [text[:10] for text in texts] == ["before", "x" * 10, "after", END[:10]]
    assert len(texts[1]) <= MIB
    assert heard.report is not None
    assert heard.report.complete is True


@pytest.mark.parametrize("size", [1, 7, 1000])
async def test_s4_binary_and_progress_bars_come_in_drips(size: int) -> None:
    bar = "  10%\r 20%\r  100% done"
    binary = b"event:message\ndata:\xff\xfe\x00\x80 not text\n\n"
    stream = SSE + framed("中文", bar) + binary + framed("", "windows\r", END)
    archive = answer(
        f"中文\n{bar}\n".encode() + b"\xff\xfe\x00\x80 not text\n" + f"\nwindows\r\n{END}\n".encode()
    )
    heard, outcome = await follow_raw([Drip(stream, size, 0.0)], [Send(archive)])
    assert outcome.ok
    texts = [line for stretch in heard.stretches for line in stretch.lines]
    assert list(map(plain, texts)) == [
        "中文",
        "10%\r20%\r100% done",
        "\ufffd\ufffd\0\ufffd not text",
        "",
        "windows",
        END,
    ]
    assert heard.report is not None
    assert heard.report.complete is True


async def test_s4_a_line_without_an_end_takes_no_memory() -> None:
    piece = b"x" * 65_536

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(SSE + b"event:message\ndata:")
        for _ in range(512):
            writer.write(piece)
            await writer.drain()
        writer.write(b"\n\n")
        await reader.read()

    async with (
        serving(serve) as port,
        client(f"http://127.0.0.1:{port}") as zadig,
        zadig.logs.open(REF, "job-0-0-0-build") as stream,
    ):
        tracemalloc.start()
        try:
            batch = await anext(aiter(stream))
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    assert [line.truncated for line in batch] == [True]
    assert peak < 16 * MIB


@virtual_time
async def test_s5_streams_that_fall_silent_are_noticed_and_opened_anew() -> None:
    storm = Storm(lasts=(20.0, 20.0), silent=1.0, refused=0.0, archives=0.0, polls=0.0, bytes=(0, 0))
    found = await follow(loopback(LONG, lambda carrier: Stormy(carrier, 1, storm)))
    assert found.wrongs == {}
    assert complete(found.ear.logs) == {True: 1}
    pauses = [later - sooner for sooner, later in zip(found.streams.at, found.streams.at[1:], strict=False)]
    assert len(pauses) >= 3
    assert max(pauses) <= 20.0 + 90.0


async def test_s5_over_a_socket_that_is_half_open() -> None:
    def choose(exchange: Exchange) -> Spoil | None:
        return Spoil(Fault.HALF_OPEN, seconds=0.2) if exchange.target.startswith(STREAM) else None

    truth, ear, outcomes, proxy = await follow_over(SHORT, choose=choose)
    assert outcomes[0].ok
    assert wrongs(ear.logs, truth) == {}
    assert complete(ear.logs) == {True: 1}
    assert proxy.counts[Fault.HALF_OPEN] >= 3


def _gzipped(body: bytes) -> bytes:
    return SSE.replace(b"\r\n\r\n", b"\r\nContent-Encoding: gzip\r\n\r\n") + body


def _headed(headers: bytes) -> bytes:
    return SSE.replace(b"\r\n\r\n", b"\r\n" + headers + b"\r\n\r\n") + framed("told")


HOSTILE: Final[Mapping[str, Callable[[], bytes]]] = {
    "bomb": lambda: _gzipped(gzip.compress(b"event:message\ndata:" + b"x" * 40 * MIB + b"\n\n", 9)),
    "bomb of lines": lambda: _gzipped(gzip.compress(b"event:message\ndata:\n\n" * 50_000, 9)),
    "members": lambda: _gzipped(gzip.compress(b"event:message\ndata:\n\n", 9) * 20_000),
    "nonsense": lambda: _gzipped(b"no gzip at all"),
    "headers": lambda: _headed(b"\r\n".join(b"X-N%d: v" % number for number in range(300))),
    "long header": lambda: _headed(b"X-Long: " + b"v" * MIB),
}


@pytest.mark.parametrize("kind", HOSTILE)
async def test_s6_a_hostile_stream_is_bounded_and_the_watch_goes_on(kind: str) -> None:
    hostile = [Send(HOSTILE[kind]())]
    tracemalloc.start()
    try:
        heard, outcome = await follow_raw(hostile, hostile, archive=False)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert outcome.ok
    assert heard.report is not None
    assert heard.report.complete is not True
    assert peak < 16 * MIB


@pytest.mark.parametrize(
    ("kind", "read"), [("bomb", 3), ("members", None), ("nonsense", None), ("long header", None)]
)
async def test_s6_a_hostile_archive_is_bounded(kind: str, read: int | None) -> None:
    """Not even a member too many is taken for an archive; the one long line of three is cut."""

    async def lines(zadig: ZadigClient) -> int | None:
        count = 0
        try:
            async with zadig.logs.open_archive(REF, "job-0-0-0-build") as archive:
                async for batch in archive:
                    count += len(batch)
        except ZadigError:
            return None
        return count

    hostile = HOSTILE[kind]()
    tracemalloc.start()
    try:
        async with RawServer([READ, Send(hostile)]) as raw, client(raw.url) as zadig:
            assert await lines(zadig) == read
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 16 * MIB


async def test_h1_out_of_file_descriptors_streams_recover() -> None:
    """For a while no socket can be made; those that are open live on."""
    refused: list[int] = []

    def scarce(address: tuple[Any, ...]) -> socket.socket:
        if len(made) >= 4 and len(refused) < 5:
            refused.append(1)
            raise OSError(errno.EMFILE, "Too many open files")
        made.append(1)
        return probing_socket(address)

    made: list[int] = []
    truth, ear, outcomes, _ = await follow_over(SHORT, choose=cut_streams(seconds=0.1), socket_factory=scarce)
    assert outcomes[0].ok
    assert wrongs(ear.logs, truth) == {}
    assert complete(ear.logs) == {True: 1}
    assert len(refused) == 5


async def test_h1_names_that_cannot_be_found_for_a_while_cost_no_line() -> None:
    """The name server first hangs, and then says that there is no such host."""
    asked: list[str] = []
    gate = threading.Event()

    def flapping(host: str, port: int, *rest: int) -> list[Any]:
        asked.append(host)
        if len(asked) == 3:  # the first for a stream; polls and writes have theirs
            gate.wait(0.2)
        if 3 <= len(asked) < 7:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return socket.getaddrinfo(host, port, *rest)

    truth, ear, outcomes, _ = await follow_over(
        SHORT, choose=cut_streams(seconds=0.1), lookups=Lookups(flapping)
    )
    gate.set()
    assert outcomes[0].ok
    assert wrongs(ear.logs, truth) == {}
    assert complete(ear.logs) == {True: 1}
    assert len(asked) >= 7


TWO: Final = world(
    workflow("api", [job(f"j-{number}", duration=60.0, log=NUMBERED) for number in range(3)], parallel=True),
    build_concurrency=9,
)


@pytest.mark.parametrize("after", [0.0, 3.0, 4.4, 4.6, 5.0, 9.9, 30.0, 64.0, 65.0, 66.0, 67.5, 70.0])
@pytest.mark.parametrize("way", ["detach", "leave", "cancel"])
@virtual_time
async def test_h2_leaving_at_any_moment_leaves_nothing_behind(after: float, way: str, tmp_path: Path) -> None:
    found = loopback(TWO, lambda carrier: Stormy(carrier, 1, Storm(silent=0.5)))
    async with await Journal.open(tmp_path / "journal") as journal:
        async with ZadigClient.over(found.streams, account="bot") as zadig:
            orchestrator = Orchestrator(zadig, policy(), on_event=found.ear.take, journal=journal)
            async with orchestrator:
                running = asyncio.create_task(orchestrator.run(launch()))
                await asyncio.sleep(after)
                if way == "detach":
                    orchestrator.detach()
                    await running
                elif way == "cancel":
                    running.cancel()
                    await asyncio.wait([running])
            await asyncio.wait([running])
        assert found.streams.live == []
        assert not [task for task in asyncio.all_tasks() if task.get_name().startswith("log")]
        assert all(heard.report is not None for heard in found.ear.logs.values())
        assert not any(heard.wrongs for heard in found.ear.logs.values())
        runs = set(journal.history.runs)
        assert len(runs) == (0 if (after, way) == (0.0, "cancel") else 1)
    assert asyncio.all_tasks() == {asyncio.current_task()}
    async with await Journal.open(tmp_path / "journal") as again:  # what is written down can be read again
        await again.hold([run.scope for run in journal.history.runs.values()])
        assert set(again.history.runs) == runs


def files() -> int:
    """How many files and sockets this process has open."""
    return len(list(Path("/proc/self/fd").iterdir()))


@pytest.mark.parametrize("after", [0.02, 0.15, 0.3, 0.6, 1.0])
async def test_h2_over_sockets_no_socket_is_left(after: float) -> None:
    async with Emulator(TWO, speed=SPEED) as emulator, FaultProxy.before(emulator.url) as proxy:
        before = files(), len(asyncio.all_tasks())
        async with client(proxy.url) as zadig, Orchestrator(zadig, policy(SPEED)) as orchestrator:
            running = asyncio.create_task(orchestrator.run(launch()))
            await asyncio.sleep(after)
            orchestrator.detach()
            await running
        async with asyncio.timeout(10):
            while (files(), len(asyncio.all_tasks())) != before:  # noqa: ASYNC110 - the other side's go, too
                await asyncio.sleep(0.01)
        assert proxy.connections > 0


async def test_h3_hundreds_of_streams_leave_neither_tasks_nor_files_behind() -> None:
    jobs = [job(f"j-{number}", outcome="never", duration=400.0, log=NUMBERED) for number in range(20)]
    script = world(workflow("api", jobs, parallel=True), build_concurrency=20)
    seen: list[tuple[int, int]] = []
    opened = 0
    enough = asyncio.Event()

    def choose(exchange: Exchange) -> Spoil | None:
        nonlocal opened
        if not exchange.target.startswith(STREAM):
            return None
        opened += 1
        if opened % 20 == 0:
            seen.append((files(), len(asyncio.all_tasks())))
        if opened == 400:
            enough.set()
        if opened % 7 == 0:  # one that the client has to give up by itself
            return Spoil(Fault.HALF_OPEN, seconds=0.05)
        return Spoil(Fault.CUT, seconds=0.08, hard=opened % 2 == 0)

    async with Emulator(script, speed=SPEED) as emulator, FaultProxy.before(emulator.url, choose) as proxy:
        before = files(), len(asyncio.all_tasks())
        async with (
            client(proxy.url) as zadig,
            Orchestrator(zadig, policy(SPEED, silence=12.0 / SPEED)) as orchestrator,
        ):
            await orchestrator.start(launch())
            async with asyncio.timeout(60):
                await enough.wait()
        async with asyncio.timeout(10):
            while (files(), len(asyncio.all_tasks())) != before:  # noqa: ASYNC110 - the other side's go, too
                await asyncio.sleep(0.01)
    sooner, later = seen[2:10], seen[10:20]
    for which in (
        0,
        1,
    ):  # how many are open at a moment varies; one left by each of 200 streams would be 200 more
        assert max(each[which] for each in later) <= max(each[which] for each in sooner) + 100
