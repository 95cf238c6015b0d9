"""Torn, flipped, removed, swapped: a damaged journal is refused, never read as another one."""

import asyncio
import random
import shutil
import sqlite3
from pathlib import Path

import pytest

from tests.journal.ground import (
    CANARY,
    run,
    write,
)
from tests.journal.journalfile import KILLED, Image, beside, closed, filled, kept
from zadig_async.errors import JournalError
from zadig_async.journal.head import Head
from zadig_async.journal.rows import Link


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "journal.db"


@pytest.fixture(scope="module")
def torn(tmp_path_factory: pytest.TempPathFactory) -> tuple[Image, int]:
    """Two acknowledged records, and three committed ones nobody was told of; where those begin in the log."""
    path = tmp_path_factory.mktemp("torn") / "journal.db"
    *_, before = run("append", path, 2, "before head", status=KILLED)
    return Image.of(path), before


def spots(first: int, end: int, step: int) -> list[int]:
    """Every `step`th place from `first`, and those around the edges of frames and blocks."""
    edges = {
        edge + near for edge in range(first, end, 4096 + 24) for near in (0, 1, 8, 23, 24, 25, 4095, 4119)
    }
    return sorted({*range(first, end, step), *(edge for edge in edges if edge < end), end - 1})


def test_j3_torn_last_record_anywhere_in_the_log_loses_only_what_nobody_was_told(
    torn: tuple[Image, int], path: Path
) -> None:
    image, before = torn
    log = image.content["-wal"]
    assert len(log) > before + 4096
    for size in spots(before, len(log), 61):
        image.restore(path, wal=log[:size])
        assert kept(path) == [1, 2], size
    image.restore(path)
    assert kept(path) == [1, 2, 3, 4, 5]


def test_j3_torn_last_record_with_a_block_that_never_arrived(torn: tuple[Image, int], path: Path) -> None:
    image, before = torn
    log = image.content["-wal"]
    for block in range(before, len(log), 512):
        hole = log[:block] + bytes(min(512, len(log) - block)) + log[block + 512 :]
        image.restore(path, wal=hole)
        assert kept(path) == ([1, 2] if hole != log else [1, 2, 3, 4, 5]), block


def test_j3_torn_log_before_what_was_acknowledged_is_refused(torn: tuple[Image, int], path: Path) -> None:
    image, before = torn
    for size in spots(0, before, 301):
        image.restore(path, wal=image.content["-wal"][:size])
        with pytest.raises(JournalError) as caught:
            kept(path)
        assert "are missing" in str(caught.value)


def test_j3_torn_head_leaves_the_slot_before_it(path: Path) -> None:
    closed(path, 3)
    image = Image.of(path)
    head = image.content["-head"]
    for size in range(1, 30):
        # The next write goes into the older slot, here the first; it stops after `size` bytes.
        image.restore(path, head=bytes([0x55]) * size + head[size:])
        try:
            assert kept(path) == [1, 2, 3]
        except JournalError:
            pytest.fail(f"torn after {size} bytes")
        image.restore(path, head=head[:4096] + bytes([0x55]) * size + head[4096 + size :])
        assert kept(path) == [1, 2, 3]


@pytest.fixture(scope="module")
def damaged(tmp_path_factory: pytest.TempPathFactory) -> Image:
    """Records in the database, in its log, and both vouched for."""
    path = tmp_path_factory.mktemp("damaged") / "journal.db"
    run("moved", path, 30)
    run("append", path, 6, status=KILLED)
    return Image.of(path)


ALL = list(range(1, 37))


def survives(image: Image, path: Path, name: str, place: int, bit: int) -> bool:
    """Flip one bit. Whether the journal is as it was; else it is refused, in words that show no data."""
    content = bytearray(image.content[{"db": "", "wal": "-wal", "head": "-head"}[name]])
    content[place] ^= 1 << bit
    image.restore(path, **{name: bytes(content)})
    try:
        found = kept(path)
    except JournalError as error:
        told = f"{error} {error.hint}"
    else:
        assert found == ALL, f"bit {bit} of byte {place} of {name}"
        return True
    assert CANARY not in told
    assert str(path) in told
    return False


@pytest.mark.parametrize("name", ["db", "wal", "head"])
def test_j3_bit_flip_anywhere_is_harmless_or_refused(damaged: Image, path: Path, name: str) -> None:
    content = damaged.content[{"db": "", "wal": "-wal", "head": "-head"}[name]]
    chance = random.Random(name)
    places = {*range(0, 100, 3), *chance.sample(range(len(content)), 200)}
    outcomes = [survives(damaged, path, name, place, chance.randrange(8)) for place in sorted(places)]
    # Every byte of the log matters, as all of it is summed and the last record stands in it; one slot of the
    # head is enough.
    assert any(outcomes) is (name != "wal")
    assert all(outcomes) is (name == "head")


def test_j3_bit_flip_in_the_log_is_refused_wherever_it_would_hide_a_record(
    damaged: Image, path: Path
) -> None:
    log = damaged.content["-wal"]
    used = log.index(b"run-31")  # within the first record that is nowhere else
    assert not survives(damaged, path, "wal", used, 0)
    assert not survives(damaged, path, "wal", 16, 0), "a salt of its header"


async def test_j3_bit_flip_while_open_is_found_by_the_next_read(path: Path) -> None:
    store, _ = await filled(path, 3)
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("UPDATE records SET data = replace(data, 'number\":2', 'number\":7')")
    other.close()
    with pytest.raises(JournalError, match="record 2 is damaged: its checksum does not fit"):
        await store.read()
    with pytest.raises(JournalError, match="record 2 is damaged"):
        await store.read(1)
    await store.close()


CHANGES = {
    "seq": "UPDATE records SET seq = 9 WHERE seq = 3",
    "first": "DELETE FROM records WHERE seq = 1",
    "middle": "DELETE FROM records WHERE seq = 2",
    "last": "DELETE FROM records WHERE seq = 3",
    "all": "DELETE FROM records",
    "swapped": "UPDATE records SET seq = CASE seq WHEN 1 THEN -2 WHEN 2 THEN -1 ELSE -3 END;"
    " UPDATE records SET seq = -seq",
    "at": "UPDATE records SET at = at + 1 WHERE seq = 2",
    "server": "UPDATE records SET server = 'https://other' WHERE seq = 2",
    "project": "UPDATE records SET project = 'pay' WHERE seq = 2",
    "workflow": "UPDATE records SET workflow = 'other' WHERE seq = 2",
    "token": "UPDATE records SET token = 7 WHERE seq = 2",
    "kind": "UPDATE records SET kind = 'finished' WHERE seq = 2",
    "run": "UPDATE records SET run = 'run-9' WHERE seq = 2",
    "act": "UPDATE records SET act = 'approve' WHERE seq = 2",
    "data": "UPDATE records SET data = '{}' WHERE seq = 2",
    "crc": "UPDATE records SET crc = crc + 1 WHERE seq = 2",
    "last crc": "UPDATE records SET crc = crc + 1 WHERE seq = 3",
    "not text": "UPDATE records SET run = CAST(x'ff' AS TEXT) WHERE seq = 2",
    "table": "DROP TABLE records",
    "leases": "DELETE FROM leases",
    "lease owner": "UPDATE leases SET owner = 'b'",
    "lease token": "UPDATE leases SET token = 0",
    "lease until": "UPDATE leases SET until = 0",
    "lease text": "UPDATE leases SET owner = CAST(x'ff' AS TEXT)",
    "schema": "PRAGMA user_version = 0",
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_changed_database_is_refused(path: Path, change: str) -> None:
    closed(path, 3)
    database = sqlite3.connect(path)
    database.executescript(CHANGES[change])
    database.close()
    with pytest.raises(JournalError, match=r"damaged|missing|not the one") as caught:
        kept(path)
    assert str(path) in str(caught.value)
    assert caught.value.hint


def test_damage_outside_of_the_records_is_refused_before_it_spreads(path: Path) -> None:
    closed(path, 3)
    database = sqlite3.connect(path)
    database.executescript("CREATE TABLE t (x); INSERT INTO t VALUES (zeroblob(20000)); DROP TABLE t")
    database.close()
    assert kept(path) == [1, 2, 3]
    content = bytearray(path.read_bytes())
    content[39] += 1  # how many pages are free (https://sqlite.org/fileformat2.html, offset 36)
    path.write_bytes(content)
    with pytest.raises(JournalError, match=r"is damaged: .*size"):
        kept(path)


@pytest.mark.parametrize("seq", [1, 2])
def test_a_removed_record_is_named(path: Path, seq: int) -> None:
    closed(path, 3)
    database = sqlite3.connect(path, isolation_level=None)
    database.execute("DELETE FROM records WHERE seq = ?", (seq,))
    database.close()
    with pytest.raises(JournalError, match=rf"journal\.db: record {seq} is missing"):
        kept(path)


def test_a_row_of_another_journal_in_its_place_is_refused(path: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.db"
    closed(path, 3)
    closed(other, 3)
    database = sqlite3.connect(path)
    database.execute("ATTACH ? AS other", (str(other),))
    database.executescript("REPLACE INTO records SELECT * FROM other.records WHERE seq = 2")
    database.close()
    with pytest.raises(JournalError, match="record 2 is damaged: its checksum does not fit"):
        kept(path)


def test_a_copy_without_its_log_is_refused(damaged: Image, path: Path) -> None:
    damaged.restore(path, wal=b"")
    with pytest.raises(JournalError, match="ends with record 30, while 36 were kept"):
        kept(path)


def test_an_older_database_under_a_newer_head_is_refused(path: Path) -> None:
    run("moved", path, 2)
    old = Image.of(path)
    run("append", path, 2, status=KILLED)
    assert kept(path) == [1, 2, 3, 4]
    old.restore(path, head=beside(path, "-head").read_bytes())
    with pytest.raises(JournalError, match="ends with record 2, while 4 were kept"):
        kept(path)


@pytest.mark.parametrize("count", [2, 3])
def test_another_journal_s_head_is_refused(path: Path, tmp_path: Path, count: int) -> None:
    closed(path, count)
    other = tmp_path / "other.db"
    closed(other, 2)
    shutil.copy(beside(other, "-head"), beside(path, "-head"))
    with pytest.raises(JournalError, match="record 2 is not the one that was kept"):
        kept(path)


def test_a_database_that_vanished_is_refused_and_its_log_is_left(damaged: Image, path: Path) -> None:
    damaged.restore(path)
    path.unlink()
    with pytest.raises(JournalError, match=r"is missing or empty, but .*-wal is not"):
        kept(path)
    assert beside(path, "-wal").read_bytes() == damaged.content["-wal"]
    beside(path, "-wal").unlink()
    with pytest.raises(JournalError, match="36 were kept"):
        kept(path)


def test_a_missing_head_is_refused_and_says_how_to_mend(path: Path) -> None:
    closed(path, 2)
    beside(path, "-head").unlink()
    with pytest.raises(JournalError, match=r"journal\.db-head: is missing") as caught:
        kept(path)
    assert "look in Zadig" in caught.value.hint
    assert not beside(path, "-head").exists()


@pytest.mark.parametrize("content", [b"", b"short", bytes(8192), b"\xff" * 8192])
def test_an_unreadable_head_is_refused(path: Path, content: bytes) -> None:
    closed(path, 2)
    beside(path, "-head").write_bytes(content)
    with pytest.raises(JournalError, match=r"journal\.db-head: is damaged") as caught:
        kept(path)
    assert "look in Zadig" in caught.value.hint
    assert beside(path, "-head").read_bytes() == content


@pytest.mark.parametrize("content", [b"", b"short", bytes(8192)])
def test_an_unfinished_head_of_an_empty_journal_is_finished(path: Path, content: bytes) -> None:
    closed(path, 0)
    beside(path, "-head").write_bytes(content)
    closed(path, 2)
    assert kept(path) == [1, 2]


def test_a_head_that_breaks_while_open_ends_the_writing(path: Path) -> None:
    async def check() -> None:
        store, lease = await filled(path, 2)
        beside(path, "-head").write_bytes(bytes(8192))
        with pytest.raises(JournalError, match=r"head: is damaged, .* whether records are missing$"):
            await store.append([write(lease, 3)])
        with pytest.raises(JournalError, match="head: is damaged"):
            await store.read()
        await store.close()

    asyncio.run(check())


def test_the_head_never_moves_back(tmp_path: Path) -> None:
    first = Head.open(tmp_path / "head", lambda: True)
    second = Head.open(tmp_path / "head", lambda: False)
    first.advance(Link(1, 11))
    second.advance(Link(3, 33))
    before = (tmp_path / "head").read_bytes()
    first.advance(Link(2, 22))
    assert first.read() == second.read() == Link(3, 33)
    assert (tmp_path / "head").read_bytes() == before
    first.close()
    second.close()


def test_whatever_interrupts_the_writing_of_a_head_the_one_before_it_is_there(tmp_path: Path) -> None:
    path = tmp_path / "head"
    head = Head.open(path, lambda: True)
    for seq in range(1, 5):
        before = path.read_bytes()
        head.advance(Link(seq, seq))
        after = path.read_bytes()
        assert head.read() == Link(seq, seq)
        changed = [place for place in range(len(after)) if after[place] != before[place]]
        path.write_bytes(after[: changed[0]] + b"?" + after[changed[0] + 1 :])
        assert head.read().seq == seq - 1
        path.write_bytes(after)
    head.close()
