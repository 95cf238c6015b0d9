"""`SqliteStore`: a journal in a file, which survives kill -9, a loss of power, a full disk and flipped bits.

A record is kept when its transaction is on the disk and the head vouches for it (`zadig_async.journal.head`).
Whatever is read is checked: each record's sum, that none is missing, and that the end is where the head says.
"""

import contextlib
import sqlite3
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final, Self, TypeVar

from zadig_async.errors import JournalError
from zadig_async.journal import canonical, schema
from zadig_async.journal.head import Head
from zadig_async.journal.leases import NOBODY, Held, confirm, grant, owns
from zadig_async.journal.leasetable import LeaseTable
from zadig_async.journal.records import Record, Scope
from zadig_async.journal.rows import COLUMNS, START, Link, Row, record_of, seal, unseal
from zadig_async.journal.store import Lease, Write
from zadig_async.journal.thread import FileThread

T = TypeVar("T")

_ANEW: Final = "Close the journal and open it again."


class SqliteStore:
    """Implements `Store` in an SQLite database. Made by `open`.

    Several stores, in one process or in many, may have one file open. All work is done in one thread of the
    store's own, in the order in which it was asked for.

    Where a commit fails for anything but a full disk, or the head cannot be written, nobody can tell whether
    the records will be found again. `append` then raises `JournalError`, nothing more is written through this
    store, and reading goes on; opening the file anew tells.
    """

    def __init__(self, path: Path, clock: Callable[[], float]) -> None:
        self._path = path
        self._clock = clock
        self._thread = FileThread(str(path))
        self._opened = contextlib.ExitStack()
        self._database: sqlite3.Connection
        self._leases: LeaseTable
        self._head: Head
        self._unsure = False

    @classmethod
    async def open(cls, path: Path, *, clock: Callable[[], float] = time.time) -> Self:
        """Open a journal file, or begin one, and check everything in it.

        Args:
            path: The file. SQLite keeps `PATH-wal` and `PATH-shm` beside it, and we `PATH-head`.
            clock: Unix time in seconds; called in the store's thread.

        Raises:
            JournalError: It cannot be used or trusted; says why and what to do.
        """
        store = cls(path, clock)
        try:
            await store._in_thread(store._open)
        except JournalError:
            await store.close()
            raise
        except BaseException:
            store._thread.abandon(store._opened.close)
            raise
        return store

    @property
    def name(self) -> str:
        """The path."""
        return str(self._path)

    async def acquire(self, scopes: Sequence[Scope], owner: str, ttl: float) -> tuple[Lease, ...]:
        """See `Store.acquire`."""
        return await self._in_thread(self._acquire, tuple(scopes), owner, ttl)

    async def renew(self, leases: Sequence[Lease], ttl: float) -> None:
        """See `Store.renew`."""
        await self._in_thread(self._renew, tuple(leases), ttl)

    async def release(self, leases: Sequence[Lease]) -> None:
        """See `Store.release`."""
        await self._in_thread(self._release, tuple(leases))

    async def append(self, writes: Sequence[Write]) -> tuple[Record, ...]:
        """See `Store.append`, and the class for what a `JournalError` leaves open."""
        return await self._in_thread(self._append, tuple(writes))

    async def read(self, after: int = 0) -> tuple[Record, ...]:
        """See `Store.read`."""
        return await self._in_thread(self._read, after)

    async def close(self) -> None:
        """See `Store.close`."""
        await self._thread.end(self._opened.close)

    async def _in_thread(self, job: Callable[..., T], *args: Any) -> T:
        return await self._thread.run(self._explained, job, args)

    # All that follows runs in the store's thread.

    def _explained(self, job: Callable[..., T], args: tuple[Any, ...]) -> T:
        unsure = self._unsure
        try:
            return job(*args)
        except sqlite3.Error as error:
            failure = schema.explain(self.name, error)
        except OSError as error:
            failure = JournalError(f"{self.name}: cannot be read or written: {error.strerror or error}")
        except (UnicodeError, OverflowError):
            failure = JournalError(f"{self.name}: was given a text or number that it cannot hold")
        except JournalError as error:
            failure = error
        if self._unsure and not unsure:
            failure = JournalError(f"{failure}; whether the last records were kept is not known", hint=_ANEW)
        raise failure from None

    def _open(self) -> None:
        self._database = schema.connect(self._path)
        self._opened.callback(self._database.close)
        self._leases = LeaseTable(self._database, self.name)
        self._head = Head.open(schema.beside(self._path, "-head"), lambda: self._last() == START)
        self._opened.callback(self._head.close)
        records, last = self._read_to_end(0)
        leases = self._leases.all()  # after the records, so that it has the lease of each of them
        for record in records:
            if record.scope not in leases or leases[record.scope].token < record.token:
                raise schema.damage(self.name, f"the lease of {record.scope} is missing or outdated")
        # Whoever was killed between commit and head left records nobody was told about. They are whole.
        self._write_head(last)

    def _acquire(self, scopes: Sequence[Scope], owner: str, ttl: float) -> tuple[Lease, ...]:
        with self._transaction():
            now = self._clock()
            leases = []
            for scope in scopes:
                held = grant(self._leases.get(scope), scope, owner, now=now, ttl=ttl, store=self.name)
                self._leases.put(scope, held)
                leases.append(Lease(scope, owner, held.token))
        return tuple(leases)

    def _renew(self, leases: Sequence[Lease], ttl: float) -> None:
        with self._transaction():
            until = self._clock() + ttl
            for lease in leases:
                confirm(self._leases.get(lease.scope), lease, store=self.name)
                self._leases.put(lease.scope, Held(lease.owner, lease.token, until))

    def _release(self, leases: Sequence[Lease]) -> None:
        with self._transaction():
            for lease in leases:
                if owns(self._leases.get(lease.scope), lease):
                    self._leases.put(lease.scope, Held(NOBODY, lease.token, 0.0))

    def _append(self, writes: Sequence[Write]) -> tuple[Record, ...]:
        if not writes:
            return ()
        contents = [canonical.text(write.draft.data, "data of a record") for write in writes]
        with self._transaction():
            for lease in dict.fromkeys(write.lease for write in writes):
                confirm(self._leases.get(lease.scope), lease, store=self.name)
            last = self._last()
            self._check_end(last, self._head.read())
            at = float(self._clock())
            rows = []
            for write, content in zip(writes, contents, strict=True):
                rows.append(seal(last, at, write, content))
                last = Link(rows[-1][0], rows[-1][-1])
            self._insert(rows)
        try:
            self._write_head(last)
        except BaseException:
            self._unsure = True
            raise
        first = last.seq - len(writes) + 1
        return tuple(
            record_of(first + index, at, write, content)
            for index, (write, content) in enumerate(zip(writes, contents, strict=True))
        )

    def _read(self, after: int) -> tuple[Record, ...]:
        return tuple(self._read_to_end(after)[0])

    def _read_to_end(self, after: int) -> tuple[list[Record], Link]:
        # The head first: what it vouches for was committed before, so whatever is read next must hold it.
        head = self._head.read()
        last = self._link(after)
        records = []
        query = f"SELECT {COLUMNS} FROM records WHERE seq > ? ORDER BY seq"  # noqa: S608 - a constant
        with contextlib.closing(self._database.execute(query, (after,))) as rows:
            for row in rows:
                try:
                    record, last = unseal(row, last)
                except JournalError as error:
                    raise schema.damage(self.name, str(error), error.hint) from None
                records.append(record)
                if last.seq == head.seq:
                    self._check_end(last, head)
        self._check_end(last, head)
        return records, last

    def _check_end(self, last: Link, head: Link) -> None:
        """Make sure that the journal, read up to a record, holds the one the head vouches for."""
        if last.seq < head.seq:
            raise schema.damage(
                self.name, f"ends with record {last.seq}, while {head.seq} were kept: the others are missing"
            )
        if last.seq == head.seq and last != head:
            raise schema.damage(self.name, f"record {last.seq} is not the one that was kept")

    def _last(self) -> Link:
        return self._link_of("SELECT seq, crc FROM records ORDER BY seq DESC LIMIT 1") or START

    def _link(self, seq: int) -> Link:
        if seq == START.seq:
            return START
        link = self._link_of("SELECT seq, crc FROM records WHERE seq = ?", seq)
        if link is None:
            raise schema.damage(self.name, f"record {seq} is missing")
        return link

    def _link_of(self, query: str, *values: int) -> Link | None:
        row = self._database.execute(query, values).fetchone()
        if row is None:
            return None
        seq, crc = row
        if type(seq) is not int or type(crc) is not int:
            raise schema.damage(self.name, "is damaged: the number or checksum of a record is none")
        return Link(seq, crc)

    def _insert(self, rows: Sequence[Row]) -> None:
        marks = ", ".join("?" * len(rows[0]))
        self._database.executemany(f"INSERT INTO records ({COLUMNS}) VALUES ({marks})", rows)  # noqa: S608

    def _commit(self) -> None:
        self._database.execute("COMMIT")

    def _write_head(self, last: Link) -> None:
        self._head.advance(last)

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[None]:
        """Have the file for ourselves; what is done is kept whole, or not at all."""
        if self._unsure:
            raise JournalError(
                f"{self.name}: an earlier write failed, so nothing more is written", hint=_ANEW
            )
        self._database.execute("BEGIN IMMEDIATE")
        try:
            yield
            self._unsure = True
            self._commit()
            self._unsure = False
        except BaseException as error:
            # A full disk is found before anything counts as written. After any other failure of a commit the
            # transaction may be on the disk, and a disk that failed to sync once may claim success later.
            if isinstance(error, sqlite3.Error) and schema.primary_code(error) == sqlite3.SQLITE_FULL:
                self._unsure = False
            with contextlib.suppress(sqlite3.Error):
                if self._database.in_transaction:
                    self._database.execute("ROLLBACK")
            raise
