"""The streams that are measured are such as the server's, and are read to their last line."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from benchmarks import ours, worker
from benchmarks.feed import RELEASE, Feed
from benchmarks.logs import (
    ENDING,
    ENDING_MIXED,
    ENDING_VM,
    HELD,
    LAST_CHUNK,
    LOGS,
    PACED,
    PREFIX,
    Log,
    blocks,
    body_size,
)
from benchmarks.server import Static
from benchmarks.worker import ReadLog, read_all
from zadig_async import TaskRef, ZadigClient

TASK = TaskRef("shop", "shop-release", 1)
FRAME = re.compile(rb"event:message\ndata:([^\n]+)(\ndata:)?\n\n")


@asynccontextmanager
async def static_server() -> AsyncIterator[str]:
    server = await asyncio.get_running_loop().create_server(Static, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"


def frames(wire: bytes) -> list[bytes]:
    """Undo the chunks of a body and return what each of them held."""
    found = []
    while wire:
        size, _, rest = wire.partition(b"\r\n")
        end = int(size, 16)
        assert rest[end : end + 2] == b"\r\n"
        found.append(rest[:end])
        wire = rest[end + 2 :]
    return found


@pytest.mark.parametrize("job", [ENDING, ENDING_MIXED, ENDING_VM, HELD])
def test_each_line_is_one_frame_of_gin_and_one_chunk(job: str) -> None:
    sent = frames(b"".join(blocks(job, 1_203)))
    assert len(sent) == 1_203
    matches = [FRAME.fullmatch(frame) for frame in sent]
    assert {match and match[2] for match in matches} == {b"\ndata:" if job == ENDING_VM else None}
    assert all(matches)
    size = sum(map(len, sent))
    assert size == body_size(Log("", job, 1_203))
    assert size / len(sent) == pytest.approx(125, rel=0.1)
    assert any(not frame.isascii() for frame in sent) == (job == ENDING_MIXED)


@pytest.mark.parametrize("log", LOGS.values(), ids=lambda log: log.name)
def test_what_a_suite_reads_ends_or_is_held(log: Log) -> None:
    assert log.job in {ENDING, ENDING_MIXED, ENDING_VM, HELD} or float(log.job.removeprefix(PACED)) > 0
    assert log.lines > 0


@pytest.mark.parametrize("job", [ENDING, ENDING_MIXED, ENDING_VM])
async def test_every_line_arrives_in_its_place(job: str) -> None:
    expected = [FRAME.fullmatch(frame) for frame in frames(b"".join(blocks(job, 5_003)))]
    async with (
        static_server() as url,
        ZadigClient.connect(url, token="t") as zadig,
        zadig.logs.open(TASK, job, tail=5_003) as stream,
    ):
        lines = [line async for batch in stream for line in batch]
    assert [line.text.encode() for line in lines] == [match[1] for match in expected if match]


@pytest.mark.parametrize("subject", [ours.open_log, ours.follow_log])
async def test_many_streams_are_counted_to_their_ends(subject: worker.SubjectLog) -> None:
    async with static_server() as url, subject(url) as read:
        assert await read_all(read, Log("", ENDING, 1_203), 7) == 7 * 1_203


async def test_a_lost_line_is_no_result() -> None:
    async def read(log: Log) -> int:
        return log.lines - 1

    careless: ReadLog = read
    with pytest.raises(RuntimeError, match="9 lines of 10"):
        await read_all(careless, Log("", ENDING, 10), 2)


async def test_held_streams_end_when_they_are_released() -> None:
    async with static_server() as url, ours.open_log(url) as read:
        reading = [asyncio.ensure_future(read(Log("", HELD, 3))) for _ in range(5)]
        while len(Feed.open) < 5:  # noqa: ASYNC110 - a set has no event
            await asyncio.sleep(0)
        assert not any(task.done() for task in reading)
        await worker.release(url)
        assert await asyncio.gather(*reading) == [3] * 5
    assert RELEASE.startswith(b"/")
    assert not Feed.open


async def test_a_paced_stream_goes_on_until_its_reader_leaves() -> None:
    async with static_server() as url, ZadigClient.connect(url, token="t") as zadig:
        lines = 0
        async with zadig.logs.open(TASK, f"{PACED}200", tail=1) as stream:
            async for batch in stream:
                lines += len(batch)
                if lines >= 5:
                    break
        assert lines >= 5
        while Feed.open:  # noqa: ASYNC110 - a set has no event
            await asyncio.sleep(0)


class SlowReader(asyncio.Transport):
    """A connection that takes one piece and then asks to wait."""

    def __init__(self) -> None:
        super().__init__()
        self.pieces: list[bytes] = []
        self.feed: Feed | None = None

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.pieces.append(bytes(data))
        if self.feed is not None:
            self.feed.pause()


def test_a_slow_reader_is_waited_for() -> None:
    reader = SlowReader()
    feed = reader.feed = Feed(reader, PREFIX + f"shop/1/{ENDING}/2000".encode())
    sent = []
    for _ in range(4):
        feed.go_on()
        sent.append(len(reader.pieces))
    assert sent == [1, 2, 3, 4]
    reader.feed = None
    feed.go_on()
    assert reader.pieces[-1] == LAST_CHUNK
    assert len(frames(b"".join(reader.pieces[1:-1]))) == 2_000
