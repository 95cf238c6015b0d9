"""One job's log through every kind of broken stream: each line once and in order, or a gap is said."""

import asyncio
import random
from collections.abc import Sequence

import attrs
import pytest

from tests.support.log_server import Cut, LogServer, a_log
from tests.support.virtual_time import START, virtual_time
from zadig_async import TaskRef, ZadigClient
from zadig_async.errors import NotFoundError
from zadig_async.model.log import LogReport
from zadig_async.model.secret import Secret
from zadig_async.orchestrator import events
from zadig_async.orchestrator.logs.tail import Tail
from zadig_async.orchestrator.logs.teller import Teller
from zadig_async.orchestrator.logs.told import Digest, Told, fingerprints
from zadig_async.orchestrator.policy import LogPolicy
from zadig_async.wire.loglines import LogLine
from zadig_async.wire.masking import Mask

REF = TaskRef("shop", "api", 1)
JOB = "job-0-0-0-build"


@attrs.define
class Reader:
    """Takes the events of one log and puts its lines together, fills in their places."""

    got: list[events.LogEvent] = attrs.field(factory=list)
    pause: float = 0.0

    async def __call__(self, event: events.LogEvent) -> None:
        self.got.append(event)
        if self.pause and isinstance(event, events.LogLines):
            await asyncio.sleep(self.pause)

    @property
    def parts(self) -> list[list[str]]:
        """The lines, divided where a gap is left."""
        parts: list[list[str]] = [[]]
        before: dict[int, list[str]] = {}
        for event in self.got:
            match event:
                case events.LogMissing():
                    parts.append([])
                case events.LogLines(fills=None):
                    parts[-1] += [line.text for line in event.lines]
                case events.LogLines():
                    assert event.fills is not None
                    place = [sum(map(len, parts[:n])) for n in range(1, len(parts))].index(event.fills.after)
                    before.setdefault(place + 1, []).extend(line.text for line in event.lines)
        whole: list[list[str]] = []
        for number, part in enumerate(parts):
            if number == 0 or number not in before:
                whole.append(part)
            else:
                whole[-1] += before[number] + part
        return whole

    @property
    def report(self) -> LogReport:
        (closed,) = [event for event in self.got if isinstance(event, events.LogClosed)]
        assert self.got[-1] is closed
        return closed.report


def tail_of(server: LogServer, reader: Reader, policy: LogPolicy | None = None) -> Tail:
    async def mask() -> Mask:
        return Mask([Secret("pass-word-1")])

    policy = policy or LogPolicy()
    told = Told(from_start=policy.tail is None)
    return Tail(
        zadig=ZadigClient.over(server),
        teller=Teller(ref=REF, job=JOB, attempt=1, take=reader, told=told),
        type="zadig-build",
        certain=True,
        policy=policy,
        mask=mask,
        archives=asyncio.Semaphore(1),
    )


async def read(
    server: LogServer, *, policy: LogPolicy | None = None, pause: float = 0.0, live: bool = True
) -> Reader:
    """Read a log as a watch does, that polls its job every three seconds."""
    reader = Reader(pause=pause)
    tail = tail_of(server, reader, policy)
    loop = asyncio.get_running_loop()
    loop.call_at(server.ended + 1.5, tail.job_ended)
    await tail.run(live=live)
    return reader


def texts(server: LogServer) -> list[str]:
    return [text.strip() for _, text in server.lines]


def digest(lines: Sequence[str]) -> str:
    made = Digest()
    made.add(fingerprints(map(LogLine, lines)))
    return made.hex


def stripped(parts: Sequence[Sequence[str]]) -> list[list[str]]:
    return [[text.strip() for text in part] for part in parts]


def random_cuts(seed: int) -> list[Cut]:
    chance = random.Random(seed)
    kinds = [
        lambda: Cut(lines=chance.randrange(900)),
        lambda: Cut(seconds=chance.random() * 20),
        lambda: Cut(lines=chance.randrange(3000), silent=True),
        lambda: Cut(seconds=chance.random() * 20, silent=True),
    ]
    return [chance.choice(kinds)() for _ in range(chance.randrange(60))]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("count", "seed"),
    [(40, seed) for seed in range(6)] + [(1500, 6), (1500, 7), (1500, 8), (9000, 9), (9000, 10)],
)
def test_streams_that_break_and_fall_silent_lose_and_repeat_nothing(count: int, seed: int) -> None:
    @virtual_time
    async def check() -> None:
        server = LogServer(a_log(seed, count, START, 600.0), START + 600.0, random_cuts(seed))
        reader = await read(server)
        assert stripped(reader.parts) == [texts(server)]
        assert (reader.report.complete, reader.report.reason) == (True, "equal to the archive")
        assert reader.report.lines == count
        assert reader.report.digest == digest(texts(server))

    check()


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
def test_a_job_whose_whole_log_is_always_sent_loses_and_repeats_nothing(seed: int) -> None:
    @virtual_time
    async def check() -> None:
        log = a_log(seed, 6000, START, 300.0)
        server = LogServer(log, START + 300.0, random_cuts(seed), ignores_tail=True)
        reader = await read(server)
        assert stripped(reader.parts) == [texts(server)]
        assert reader.report.complete is True

    check()


def placed(parts: Sequence[Sequence[str]], log: Sequence[str]) -> bool:
    """Whether parts stand in a log one behind the other, in any distance."""
    at = 0
    for part in parts:
        while log[at : at + len(part)] != part:
            at += 1
            if at + len(part) > len(log):
                return False
        at += len(part)
    return True


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("archive_after", [3.0, None])
def test_where_the_kubelet_has_thrown_lines_away_a_gap_is_said(
    seed: int, archive_after: float | None
) -> None:
    @virtual_time
    async def check() -> None:
        log = [(at, f"{number}: {text}") for number, (at, text) in enumerate(a_log(seed, 9000, START, 300.0))]
        server = LogServer(log, START + 300.0, random_cuts(seed), rotated=700, archive_after=archive_after)
        reader = await read(server)
        parts = stripped(reader.parts)
        assert placed(parts, texts(server))
        whole = parts == [texts(server)]
        if not whole:
            assert reader.report.complete is not True
            assert reader.report.gaps or reader.report.complete is False
        assert len(reader.report.gaps) in {len(parts) - 1, len(parts)}  # the last may be at the end

    check()


@virtual_time
async def test_nothing_is_claimed_without_an_archive() -> None:
    server = LogServer(a_log(1, 300, START, 60.0), START + 60.0, archive_after=None)
    reader = await read(server)
    assert stripped(reader.parts) == [texts(server)]
    assert (reader.report.complete, reader.report.reason) == (None, "no archive to compare with")


@virtual_time
async def test_a_stream_that_fell_silent_before_the_end_is_looked_at_again_after_it() -> None:
    server = LogServer(
        a_log(1, 300, START, 50.0), START + 50.0, [Cut(lines=100, silent=True)], archive_after=None
    )
    reader = await read(server)
    assert stripped(reader.parts) == [texts(server)]
    assert reader.report.complete is None
    assert len(server.opened) == 3  # the last one brings nothing new


@virtual_time
async def test_a_stream_that_broke_at_its_end_without_an_archive_may_lack_lines() -> None:
    server = LogServer(
        a_log(1, 300, START, 60.0), START + 60.0, [Cut(lines=290), *[Cut(lines=0)] * 50], archive_after=None
    )
    reader = await read(server)
    assert len(reader.parts[0]) == 290
    assert reader.report.complete is False
    assert reader.report.reason == "no archive to compare with, and its stream broke before its end"


@virtual_time
async def test_a_silent_stream_is_opened_anew() -> None:
    log = [(START + 1.0, "first"), (START + 200.0, "second"), (START + 900.0, "third")]
    server = LogServer(log, START + 901.0, [Cut(lines=1, silent=True)])
    reader = await read(server)
    assert stripped(reader.parts) == [["first", "second", "third"]]
    lines = [event for event in reader.got if isinstance(event, events.LogLines)]
    assert len(lines) == 3  # each as it came, none only from the archive
    assert 10 < len(server.opened) < 20  # about once a minute


@virtual_time
async def test_a_script_that_prints_the_end_marker_does_not_end_its_log() -> None:
    marker = "====================== job-executor End. Duration: 1.00 seconds ======================"
    log = [(START + 1.0, "a"), (START + 2.0, marker), (START + 300.0, "b"), (START + 301.0, marker)]
    server = LogServer(log, START + 301.0, archive_after=None)
    reader = await read(server)
    assert stripped(reader.parts) == [["a", marker, "b", marker]]
    assert reader.report.complete is None


@virtual_time
async def test_a_slow_reader_slows_the_log_and_loses_nothing() -> None:
    server = LogServer(a_log(2, 900, START, 10.0), START + 10.0)
    reader = await read(server, pause=7.0)
    assert stripped(reader.parts) == [texts(server)]
    assert reader.report.complete is True
    assert len(server.opened) <= 2  # waiting for the reader is no silence; one look comes after the end


@virtual_time
async def test_a_log_may_begin_with_its_last_lines() -> None:
    server = LogServer(a_log(3, 500, START - 100.0, 200.0), START + 100.0, [Cut(seconds=30.0)])
    reader = await read(server, policy=LogPolicy(tail=20))
    (part,) = stripped(reader.parts)
    assert part == texts(server)[-len(part) :]
    assert 20 <= len(part) < 500
    assert (reader.report.complete, reader.report.reason) == (
        True,
        "equal to the archive from where it was begun",
    )
    assert reader.report.digest == digest(part)


@virtual_time
async def test_credentials_are_masked_before_anything_is_told_and_compared() -> None:
    server = LogServer([(START + 1.0, "the pass-word-1 is"), (START + 2.0, "end")], START + 3.0)
    reader = await read(server)
    assert reader.parts == [["the ****** is", "end"]]
    assert reader.report.complete is True


@virtual_time
async def test_nothing_is_told_before_it_is_known_what_must_not_be() -> None:
    server = LogServer(a_log(5, 300, START, 50.0), START + 50.0)
    reader = Reader()
    tail = tail_of(server, reader)
    known = asyncio.Event()

    async def mask() -> Mask:
        await known.wait()
        return Mask(())

    tail.mask = mask
    asyncio.get_running_loop().call_at(server.ended, tail.job_ended)
    reading = asyncio.create_task(tail.run(live=True))
    await asyncio.sleep(30.0)
    assert [type(event).__name__ for event in reader.got] == ["LogOpened"]
    known.set()
    await reading
    assert stripped(reader.parts) == [texts(server)]


@virtual_time
async def test_a_task_that_cannot_be_read_has_a_log_that_is_not_shown() -> None:
    server = LogServer(a_log(5, 300, START, 50.0), START + 50.0)
    reader = Reader()
    tail = tail_of(server, reader)

    async def mask() -> Mask:
        raise NotFoundError("gone", status=500)

    tail.mask = mask
    await tail.run(live=True)
    assert reader.parts == [[]]
    assert reader.report.complete is False
    assert "what must not be shown is not known" in reader.report.reason


@virtual_time
async def test_a_log_that_was_never_streamed_comes_from_the_archive() -> None:
    server = LogServer(a_log(5, 5000, START - 100.0, 50.0), START - 50.0)
    reader = await read(server, live=False)
    assert stripped(reader.parts) == [texts(server)]
    assert server.opened == []


@virtual_time
async def test_of_a_log_that_has_ended_the_last_lines_may_be_had() -> None:
    server = LogServer(a_log(5, 500, START - 100.0, 50.0), START - 50.0)
    reader = await read(server, policy=LogPolicy(tail=20), live=False)
    assert stripped(reader.parts) == [texts(server)[-20:]]
    assert reader.report.complete is True
    assert reader.report.digest == digest(texts(server)[-20:])


@virtual_time
async def test_a_log_that_is_silent_for_hours_is_asked_for_little() -> None:
    log = [*a_log(5, 1500, START, 10.0), (START + 7200.0, "at last")]
    server = LogServer(log, START + 7201.0)
    reader = await read(server)
    assert stripped(reader.parts) == [texts(server)]
    assert set(server.opened[1:]) <= {128, 256, 1024, 0}
    assert server.opened[1:].count(128) > 100


@virtual_time
async def test_an_archive_that_lacks_lines_is_said_to_differ_and_where() -> None:
    server = LogServer(
        a_log(6, 3000, START, 60.0), START + 60.0, archive=lambda lines: lines[:2500] + lines[2600:]
    )
    reader = await read(server)
    assert stripped(reader.parts) == [texts(server)]
    assert reader.report.complete is False
    assert [gap.after for gap in reader.report.gaps] == [2048]


@virtual_time
async def test_a_log_cut_short_while_its_end_is_taken_ends_once() -> None:
    server = LogServer(a_log(7, 30, START, 5.0), START + 5.0)
    got: list[events.LogEvent] = []

    async def take(event: events.LogEvent) -> None:
        got.append(event)
        if isinstance(event, events.LogClosed):
            await asyncio.sleep(100.0)

    tail = tail_of(server, Reader())
    tail.teller.take = take
    asyncio.get_running_loop().call_at(server.ended, tail.job_ended)
    reading = asyncio.create_task(tail.run(live=True))
    await asyncio.sleep(60.0)
    reading.cancel()
    await asyncio.wait({reading})
    (closed,) = [event for event in got if isinstance(event, events.LogClosed)]
    assert closed.report.complete is True


@virtual_time
async def test_a_log_that_is_left_says_so() -> None:
    server = LogServer(a_log(7, 30, START, 5.0), START + 5.0)
    reader = Reader()
    tail = tail_of(server, reader)
    reading = asyncio.create_task(tail.run(live=True))
    await asyncio.sleep(4.0)
    reading.cancel()
    await asyncio.wait({reading})
    assert reading.cancelled()
    assert (reader.report.complete, reader.report.reason) == (False, "it was no longer read")
