"""A disk that is full or fails: what was not kept is never said to be, and the rest can be read."""

import errno
import json
import os
import sqlite3
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.journal.ground import (
    PAY,
    ROOT,
    SHOP,
    environment,
    numbers,
    run,
    write,
)
from tests.journal.journalfile import KILLED, beside, filled, kept
from zadig_async.errors import JournalError
from zadig_async.journal import files
from zadig_async.journal.rows import Link
from zadig_async.journal.sqlite import SqliteStore
from zadig_async.journal.store import Lease


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "journal.db"


@pytest.mark.parametrize("room", [0, 1, 24, 4119, 4120, 4121, 9000, 40_000])
def test_j2_disk_full_refuses_the_append_and_keeps_the_rest(path: Path, room: int) -> None:
    told, read, again = run("fill", path, room)
    assert str(path) in told["error"]
    assert read == list(range(1, told["kept"] + 1))
    assert "cannot be" in again or "failed" in again
    assert kept(path) == read
    assert run("append", path, 1, status=KILLED) == [told["kept"] + 1]


def test_j2_disk_full_for_real(tmp_path: Path) -> None:
    """A file system of its own, in a mount namespace of its own."""
    folder = tmp_path / "small"
    folder.mkdir(mode=0o700)
    script = f'mount -t tmpfs -o size=200k,mode=700 none {folder} && exec "$@"'
    try:
        told, read, again = run_in(
            ["unshare", "--mount", "sh", "-c", script, "sh"], "fill", folder / "journal.db"
        )
    except OSError as error:
        pytest.skip(f"needs the right to mount: {error}")
    assert told["kept"] > 1
    assert "disk is full" in told["error"]
    assert "Make room" in told["hint"]
    assert read == list(range(1, told["kept"] + 1))
    assert "disk is full" in again


class Failing(SqliteStore):
    """Fails at one place, as told."""

    commit: Exception | None = None
    head: Exception | None = None

    def _commit(self) -> None:
        if self.commit is not None:
            raise self.commit
        super()._commit()

    def _write_head(self, last: Link) -> None:
        if self.head is not None:
            raise self.head
        super()._write_head(last)


def sqlite_error(code: int, text: str) -> sqlite3.OperationalError:
    error = sqlite3.OperationalError(text)
    error.sqlite_errorcode = code
    return error


async def failing(path: Path) -> tuple[Failing, Lease]:
    store = await Failing.open(path)
    (lease,) = await store.acquire([SHOP], "a", 30)
    await store.append([write(lease, 1)])
    return store, lease


async def test_j2_disk_full_once_does_not_end_the_writing(path: Path) -> None:
    store, lease = await failing(path)
    store.commit = sqlite_error(sqlite3.SQLITE_FULL, "database or disk is full")
    with pytest.raises(JournalError, match="disk is full"):
        await store.append([write(lease, 2)])
    assert numbers(await store.read()) == [1]
    store.commit = None
    await store.append([write(lease, 3)])
    assert numbers(await store.read()) == [1, 3]
    await store.close()


async def test_j2_failed_sync_ends_the_writing_and_not_the_reading(path: Path) -> None:
    store, lease = await failing(path)
    store.commit = sqlite_error(sqlite3.SQLITE_IOERR | 4 << 8, "disk I/O error")
    with pytest.raises(
        JournalError, match=r"disk I/O error; whether the last records were kept is not known"
    ) as caught:
        await store.append([write(lease, 2)])
    assert "open it again" in caught.value.hint
    store.commit = None
    for verb in (store.append([write(lease, 3)]), store.renew([lease], 30), store.acquire([PAY], "a", 30)):
        with pytest.raises(JournalError, match="earlier write failed"):
            await verb
    assert numbers(await store.read()) == [1]
    await store.close()
    again = await SqliteStore.open(path)
    await again.append([write(lease, 4)])
    assert numbers(await again.read()) == [1, 4]
    await again.close()


async def test_j2_head_that_cannot_be_written_means_not_acknowledged(path: Path) -> None:
    store, lease = await failing(path)
    store.head = OSError(errno.EIO, os.strerror(errno.EIO))
    with pytest.raises(JournalError, match=r"Input/output error; whether the last records were kept"):
        await store.append([write(lease, 2)])
    store.head = None
    with pytest.raises(JournalError, match="earlier write failed"):
        await store.append([write(lease, 3)])
    await store.close()
    again = await SqliteStore.open(path)
    assert numbers(await again.read()) == [1, 2]
    await again.close()


async def test_an_append_returns_when_the_disk_has_it(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store, lease = await filled(path, 0)
    settings = {
        name: await store._in_thread(
            lambda name=name: store._database.execute(f"PRAGMA {name}").fetchone()[0]
        )
        for name in ("journal_mode", "synchronous")
    }
    assert settings == {"journal_mode": b"wal", "synchronous": 2}
    synced = []
    monkeypatch.setattr(files, "sync", lambda _: synced.append(content(beside(path, "-head"))))
    for number in (1, 2):
        await store.append([write(lease, number)])
        assert synced[number - 1 :] == [content(beside(path, "-head"))]
    assert synced[0] != synced[1]
    await store.close()


def content(path: Path) -> bytes:
    return path.read_bytes()


def run_in(wrapper: Sequence[str], action: str, *argv: object) -> list[Any]:
    """Like `run`, behind another program; OSError where that cannot do its part."""
    command = [*wrapper, sys.executable, "-m", "tests.journal.child", action, *map(str, argv)]
    done = subprocess.run(
        command, cwd=ROOT, env=environment(), capture_output=True, text=True, timeout=50, check=False
    )
    if done.returncode:
        raise OSError(done.stderr)
    return [json.loads(line) for line in done.stdout.splitlines()]
