"""Several stores on one file, and files that are none of ours."""

import asyncio
import json
import os
import sqlite3
import stat
import time
from collections.abc import Callable
from enum import StrEnum
from itertools import chain
from pathlib import Path
from typing import Any

import attrs
import pytest

from tests.journal.ground import (
    SHOP,
    draft,
    numbers,
    run,
    start,
    write,
)
from tests.journal.journalfile import KILLED, beside, closed, filled, kept
from zadig_async.errors import JournalError, LeaseHeldError
from zadig_async.journal.owner import identity
from zadig_async.journal.sqlite import SqliteStore
from zadig_async.journal.store import Lease, Write


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "journal.db"


def test_j3_two_writers_and_more_in_processes_lose_nothing(path: Path) -> None:
    children = [start("contend", path, name, 25) for name in ("one", "two", "three", "four")]
    said = [child.communicate(timeout=50)[0] for child in children]
    assert [child.returncode for child in children] == [0] * 4
    told = [[json.loads(line) for line in each.splitlines()] for each in said]
    assert sorted(chain(*told)) == list(range(1, 101))

    async def check() -> None:
        store = await SqliteStore.open(path)
        records = await store.read()
        for seqs, name in zip(told, ("one", "two", "three", "four"), strict=True):
            mine = [record for record in records if record.scope.workflow.workflow == name]
            assert [record.seq for record in mine] == seqs
            assert [record.data["number"] for record in mine] == list(range(25))
        await store.close()

    asyncio.run(check())


def test_j3_two_writers_of_one_scope_second_is_refused_until_the_first_is_dead(path: Path) -> None:
    async def take() -> Lease:
        store = await SqliteStore.open(path)
        try:
            (lease,) = await store.acquire([SHOP], identity(), 30)
            return lease
        finally:
            await store.close()

    with start("hold", path) as child:
        assert child.stdout is not None
        child.stdout.readline()
        with pytest.raises(LeaseHeldError, match=f"process {child.pid} "):
            asyncio.run(take())
        child.kill()
        child.wait()
    assert asyncio.run(take()).token == 2


async def test_a_new_journal_another_process_is_just_making_is_waited_for(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    set_mode(path, 0o600)
    other.execute("BEGIN IMMEDIATE")
    waited = []

    def make_it(seconds: float) -> None:
        waited.append(seconds)
        other.execute("ROLLBACK")

    with monkeypatch.context() as patch:
        patch.setattr(time, "sleep", make_it)
        store = await SqliteStore.open(path)
    assert len(waited) == 1
    await store.close()
    other.close()


def set_mode(path: Path, mode: int) -> None:
    path.chmod(mode)


async def test_closing_one_store_leaves_the_other_its_locks(path: Path) -> None:
    """A process that closes any descriptor of the database drops the locks of all its stores on it."""
    first, lease = await filled(path, 1)
    second = await SqliteStore.open(path)
    await second.close()
    # Unless `first` still has its lock, this one believes to be the last, and throws the log away.
    children = await asyncio.to_thread(run, "contend", path, "other", 2)
    assert children == [2, 3]
    assert beside(path, "-wal").exists()
    await first.append([write(lease, 4)])
    assert [record.seq for record in await first.read()] == [1, 2, 3, 4]
    await first.close()


async def test_a_store_notices_that_others_have_thrown_records_away(path: Path) -> None:
    store, lease = await filled(path, 3)
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("DELETE FROM records WHERE seq = 3")
    other.close()
    for verb in (store.append([write(lease, 4)]), store.read(), store.read(1)):
        with pytest.raises(JournalError, match="ends with record 2, while 3 were kept"):
            await verb
    with pytest.raises(JournalError, match="record 3 is missing"):
        await store.read(3)
    await store.close()


async def test_a_locked_database_is_told_after_a_while(path: Path) -> None:
    store, lease = await filled(path, 1)
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    await store._in_thread(lambda: store._database.execute("PRAGMA busy_timeout=1"))
    with pytest.raises(JournalError, match="another process keeps it locked"):
        await store.append([write(lease, 2)])
    other.execute("ROLLBACK")
    other.close()
    await store.append([write(lease, 2)])
    assert numbers(await store.read()) == [1, 2]
    await store.close()


def modes(folder: Path) -> dict[str, int]:
    return {each.name: stat.S_IMODE(each.stat().st_mode) for each in folder.iterdir()}


async def test_every_file_is_ours_alone(path: Path, tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        store, _ = await filled(path, 1)
    finally:
        os.umask(before)
    assert modes(tmp_path) == dict.fromkeys(
        ["journal.db", "journal.db-wal", "journal.db-shm", "journal.db-head"], 0o600
    )
    await store.close()


@pytest.mark.parametrize("suffix", ["", "-wal", "-head"])
@pytest.mark.parametrize("fault", ["link", "mode", "folder"])
def test_a_file_others_may_touch_is_refused(path: Path, suffix: str, fault: str) -> None:
    run("append", path, 2, status=KILLED)
    file = beside(path, suffix)
    if fault == "link":
        file.rename(beside(path, "-elsewhere"))
        file.symlink_to(beside(path, "-elsewhere"))
        expected = "is a symbolic link"
    elif fault == "mode":
        file.chmod(0o644)
        expected = "mode 644"
    else:
        file.unlink()
        file.mkdir()
        expected = "is not a regular file"
    with pytest.raises(JournalError, match=f"{file.name}: .*{expected}"):
        kept(path)


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(JournalError, match=r"the folder .*missing does not exist"):
        kept(tmp_path / "missing" / "journal.db")


def foreign_database(path: Path) -> None:
    database = sqlite3.connect(path)
    database.execute("CREATE TABLE theirs (a)")
    database.close()


def foreign_text(path: Path) -> None:
    path.write_text("a journal of another kind\n" * 100)


def newer(path: Path) -> None:
    closed(path, 2)
    database = sqlite3.connect(path)
    database.execute("PRAGMA user_version = 2")
    database.close()


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (foreign_database, "is a database, but no journal"),
        (foreign_text, "is no journal, or damaged: file is not a database"),
        (newer, "newer version of zadig-async .schema 2"),
    ],
)
def test_a_file_of_somebody_else_is_refused_and_left_alone(
    path: Path, make: Callable[[Path], None], message: str
) -> None:
    make(path)
    path.chmod(0o600)
    before = path.read_bytes()
    with pytest.raises(JournalError, match=message) as caught:
        kept(path)
    assert caught.value.hint
    assert path.read_bytes() == before


class Later(StrEnum):
    """Kinds and acts that do not exist yet."""

    NEW = "new"


@pytest.mark.parametrize("field", ["kind", "act"])
async def test_a_record_of_a_newer_version_is_named(path: Path, field: str) -> None:
    store, lease = await filled(path, 1)
    change: dict[str, Any] = {field: Later.NEW}
    await store.append([Write(lease, attrs.evolve(draft(2), **change))])
    with pytest.raises(JournalError, match="record 2 was written by a newer version") as caught:
        await store.read()
    assert caught.value.hint == "Use that version with this journal."
    await store.close()


def test_odd_names_are_only_names(tmp_path: Path) -> None:
    path = tmp_path / "a?mode=memory#b%41 ü'.db"
    closed(path, 2)
    assert kept(path) == [1, 2]
    assert path.stat().st_size > 0
