"""Journals on disk for tests: made, read, copied as a crash left them, and put back with changes."""

import asyncio
from pathlib import Path
from typing import Final

import attrs

from tests.journal.ground import SHOP, numbers, write
from zadig_async.journal.sqlite import SqliteStore
from zadig_async.journal.store import Lease

KILLED: Final = -9
"""Status of a process that was killed."""

SUFFIXES = ("", "-wal", "-head")


def beside(path: Path, suffix: str) -> Path:
    return path.with_name(path.name + suffix)


def kept(path: Path) -> list[int]:
    """Open, read, close; the numbers of all records."""

    async def read() -> list[int]:
        store = await SqliteStore.open(path)
        try:
            return numbers(await store.read())
        finally:
            await store.close()

    return asyncio.run(read())


async def filled(path: Path, count: int) -> tuple[SqliteStore, Lease]:
    store = await SqliteStore.open(path)
    (lease,) = await store.acquire([SHOP], "a", 30)
    for number in range(1, count + 1):
        await store.append([write(lease, number)])
    return store, lease


def closed(path: Path, count: int) -> None:
    """Make a journal that was closed in order."""

    async def fill() -> None:
        store, _ = await filled(path, count)
        await store.close()

    asyncio.run(fill())


@attrs.frozen
class Image:
    """The files of a journal as a crash left them."""

    content: dict[str, bytes]

    @classmethod
    def of(cls, path: Path) -> "Image":
        return cls(
            {
                suffix: beside(path, suffix).read_bytes()
                for suffix in SUFFIXES
                if beside(path, suffix).exists()
            }
        )

    def restore(self, path: Path, **changed: bytes) -> None:
        """Put the files back, some of them changed; `db`, `wal` or `head`."""
        beside(path, "-shm").unlink(missing_ok=True)
        beside(path, "-wal").unlink(missing_ok=True)
        for suffix, content in self.content.items():
            file = beside(path, suffix)
            file.write_bytes(changed.get(suffix.strip("-") or "db", content))
            file.chmod(0o600)
