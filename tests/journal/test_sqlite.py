"""What a file promises: nothing acknowledged is lost, and nothing waits for a disk in the event loop."""

import asyncio
import threading
import time
from pathlib import Path

import attrs
import pytest

from tests.journal.ground import (
    CANARY,
    SHOP,
    numbers,
    run,
    write,
)
from tests.journal.journalfile import KILLED, Image, beside, filled, kept
from tests.support.virtual_time import virtual_time
from zadig_async.errors import JournalError, LeaseHeldError, LeaseLostError
from zadig_async.journal.records import Draft, Kind
from zadig_async.journal.sqlite import SqliteStore
from zadig_async.journal.store import Lease, Write


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "journal.db"


def test_records_and_leases_outlive_the_store(path: Path) -> None:
    async def check() -> None:
        store, lease = await filled(path, 3)
        await store.close()
        again = await SqliteStore.open(path)
        assert numbers(await again.read()) == [1, 2, 3]
        with pytest.raises(LeaseHeldError):
            await again.acquire([SHOP], "b", 30)
        await again.append([write(lease, 4)])
        await again.close()

    asyncio.run(check())
    assert kept(path) == [1, 2, 3, 4]


def test_j1_killed_right_after_append_returned_loses_nothing(path: Path) -> None:
    for round_ in range(3):
        told = run("append", path, 5, status=KILLED)
        assert told == [5 * round_ + each for each in (1, 2, 3, 4, 5)]
        assert kept(path) == list(range(1, 5 * round_ + 6))


POINTS = {
    "before insert": False,
    "after insert": False,
    "before commit": False,
    "after commit": True,
    "before head": True,
    "after head": True,
}


@pytest.mark.parametrize(("point", "written"), POINTS.items())
def test_j1_killed_within_an_append_keeps_all_of_it_or_nothing(path: Path, point: str, written: bool) -> None:
    run("append", path, 2, point, status=KILLED)
    expected = [1, 2, 3, 4, 5] if written else [1, 2]
    assert kept(path) == expected
    told = run("append", path, 1, status=KILLED)
    assert told == [len(expected) + 1]
    assert kept(path) == [*expected, len(expected) + 1]


def test_a_head_behind_the_records_is_moved_on_at_once(path: Path) -> None:
    run("append", path, 2, "before head", status=KILLED)
    image = Image.of(path)
    assert kept(path) == [1, 2, 3, 4, 5]
    assert beside(path, "-head").read_bytes() != image.content["-head"]
    image.restore(path, head=beside(path, "-head").read_bytes(), wal=b"")
    with pytest.raises(JournalError, match="5 were kept"):
        kept(path)


@virtual_time
async def test_nothing_is_done_in_the_event_loop_s_thread(tmp_path: Path) -> None:
    threads = set()

    def clock() -> float:
        threads.add(threading.current_thread())
        return 1.5

    store = await SqliteStore.open(tmp_path / "journal.db", clock=clock)
    (lease,) = await store.acquire([SHOP], "a", 30)
    await store.append([write(lease, 1)])
    await store.close()
    assert len(threads) == 1
    assert threading.current_thread() not in threads


async def test_appends_asked_for_at_once_are_all_kept(path: Path) -> None:
    store, lease = await filled(path, 0)
    done = await asyncio.gather(*(store.append([write(lease, number)]) for number in range(1, 31)))
    assert [record.seq for (record,) in done] == list(range(1, 31))
    assert numbers(await store.read()) == list(range(1, 31))
    await store.close()


async def test_a_cancelled_append_leaves_the_store_whole(path: Path) -> None:
    store, lease = await filled(path, 1)
    appends = [asyncio.ensure_future(store.append([write(lease, number)])) for number in range(2, 12)]
    await asyncio.sleep(0)
    for each in appends:
        each.cancel()
    await asyncio.gather(*appends, return_exceptions=True)
    found = numbers(await store.read())
    assert found == sorted(set(found))
    assert set(found) <= set(range(1, 12))
    await store.append([write(lease, 12)])
    assert numbers(await store.read()) == [*found, 12]
    await store.close()


def descriptors() -> int:
    return len(list(Path("/dev/fd").iterdir()))


def wait_for_descriptors(before: int) -> None:
    """Wait until no more are open than before."""
    while descriptors() > before:
        time.sleep(0)


async def test_a_cancelled_open_leaves_nothing_open(path: Path) -> None:
    await asyncio.to_thread(descriptors)
    before = descriptors()
    opening = asyncio.ensure_future(SqliteStore.open(path))
    await asyncio.sleep(0)
    opening.cancel()
    await asyncio.wait([opening])
    assert opening.cancelled()
    await asyncio.to_thread(wait_for_descriptors, before)


async def test_a_refused_open_leaves_nothing_open(path: Path) -> None:
    store, _ = await filled(path, 1)
    await store.close()
    remove(beside(path, "-head"))
    before = descriptors()
    with pytest.raises(JournalError):
        await SqliteStore.open(path)
    await asyncio.to_thread(wait_for_descriptors, before)


def remove(path: Path) -> None:
    path.unlink()


async def test_an_append_that_is_lost_to_another_driver_shows_no_data(path: Path) -> None:
    store, _ = await filled(path, 1)
    with pytest.raises(LeaseLostError) as caught:
        await store.append([write(Lease(SHOP, "b", 1), 2)])
    assert CANARY not in str(caught.value)
    await store.close()


@pytest.mark.parametrize("text", ["\ud800", "a\0b", "ü"])
async def test_any_text_is_kept_or_refused_in_words(path: Path, text: str) -> None:
    store, lease = await filled(path, 0)
    wanted = Draft(kind=Kind.NOTE, run=text, data={"text": text})
    if text == "\ud800":
        with pytest.raises(JournalError, match="was given a text or number that it cannot hold"):
            await store.append([Write(lease, wanted)])
        wanted = attrs.evolve(wanted, run="")
    (record,) = await store.append([Write(lease, wanted)])
    assert (record.run, record.data) == (wanted.run, wanted.data)
    assert await store.read() == (record,)
    await store.close()
