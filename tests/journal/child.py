"""A process of its own: `python -m tests.journal.child ACTION PATH ...`. Says JSON, line by line."""

import asyncio
import json
import os
import resource
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from tests.journal.ground import SHOP, write
from zadig_async.errors import JournalError
from zadig_async.journal.audit import Audit
from zadig_async.journal.owner import identity
from zadig_async.journal.records import Scope
from zadig_async.journal.rows import Link, Row
from zadig_async.journal.sqlite import SqliteStore
from zadig_async.model.ids import WorkflowRef


def say(value: object) -> None:
    sys.stdout.write(json.dumps(value) + "\n")
    sys.stdout.flush()


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


class Mortal(SqliteStore):
    """Dies at one point of an append."""

    point = ""

    def at(self, point: str) -> None:
        if self.point == point:
            die()

    def _insert(self, rows: Sequence[Row]) -> None:
        self.at("before insert")
        super()._insert(rows)
        self.at("after insert")

    def _commit(self) -> None:
        self.at("before commit")
        super()._commit()
        self.at("after commit")

    def _write_head(self, last: Link) -> None:
        self.at("before head")
        super()._write_head(last)
        self.at("after head")


def log_size(path: Path) -> int:
    return path.with_name(path.name + "-wal").stat().st_size


async def append(path: Path, count: str, point: str = "") -> None:
    """Append records one by one, then three at once; die at a point of that, or after it."""
    store = await Mortal.open(path)
    (lease,) = await store.acquire([SHOP], identity(), 30)
    first = len(await store.read()) + 1
    for number in range(first, first + int(count)):
        await store.append([write(lease, number)])
        say(number)
    if point:
        say(log_size(path))
        store.point = point
        await store.append([write(lease, first + int(count) + index) for index in range(3)])
    die()


async def moved(path: Path, count: str) -> None:
    """Append records and close, so that they are moved from the log into the database."""
    store = await SqliteStore.open(path)
    (lease,) = await store.acquire([SHOP], identity(), 30)
    for number in range(1, int(count) + 1):
        await store.append([write(lease, number)])
    await store.release([lease])
    await store.close()


async def contend(path: Path, name: str, count: str) -> None:
    """Append records under a scope of its own, at the same time as others."""
    store = await SqliteStore.open(path)
    scope = Scope("", WorkflowRef("p", name))
    (lease,) = await store.acquire([scope], identity(), 30)
    for number in range(int(count)):
        (record,) = await store.append([write(lease, number)])
        say(record.seq)
    await store.close()


async def hold(path: Path) -> None:
    """Own a scope until the end of input."""
    store = await SqliteStore.open(path)
    await store.acquire([SHOP], identity(), 3600)
    say("held")
    sys.stdin.read()
    await store.close()


async def fill(path: Path, room: str = "") -> None:
    """Append until it fails, with the size of files limited to the log's and `room` bytes more if given."""
    store = await SqliteStore.open(path)
    (lease,) = await store.acquire([SHOP], identity(), 30)
    await store.append([write(lease, 1)])
    if room:
        limit = log_size(path) + int(room)
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
    number = 1
    try:
        while number < 10_000:
            await store.append([write(lease, number + 1)])
            number += 1
    except JournalError as error:
        say({"kept": number, "error": str(error), "hint": error.hint})
    say([record.data["number"] for record in await store.read()])
    try:
        await store.append([write(lease, number + 1)])
    except JournalError as error:
        say(str(error))
    await store.close()


async def fill_audit(path: Path, room: str) -> None:
    """Write to an audit trail until it fails, with the size of files limited."""
    audit = await Audit.open(path)
    resource.setrlimit(resource.RLIMIT_FSIZE, (int(room), int(room)))
    kept = 0
    try:
        while kept < 10_000:
            await audit.write("event", {"number": kept})
            kept += 1
    except JournalError as error:
        say({"kept": kept, "error": str(error)})
    await audit.close()


async def hold_audit(path: Path) -> None:
    """Have an audit trail open until the end of input."""
    audit = await Audit.open(path)
    await audit.write("event", {})
    say("held")
    sys.stdin.read()
    await audit.close()


async def own(_: Path) -> None:
    """Say who we are, and live until the end of input."""
    say(identity())
    sys.stdin.read()


ACTIONS = {
    action.__name__: action for action in (append, moved, contend, hold, fill, fill_audit, hold_audit, own)
}

if __name__ == "__main__":
    name, where, *rest = sys.argv[1:]
    asyncio.run(ACTIONS[name](Path(where), *rest))
