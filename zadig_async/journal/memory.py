"""`MemoryStore`: a journal that is gone with its process, for runs without a file and for tests."""

import time
from collections.abc import Callable, Sequence

import attrs

from zadig_async.errors import JournalError
from zadig_async.journal import canonical
from zadig_async.journal.leases import NOBODY, Held, confirm, grant, owns
from zadig_async.journal.records import Record, Scope
from zadig_async.journal.rows import record_of
from zadig_async.journal.store import Lease, Write


class MemoryStore:
    """Implements `Store` without a file or a thread. No call waits for anything."""

    def __init__(
        self, name: str = "memory", *, clock: Callable[[], float] = time.time, keeps: int | None = None
    ) -> None:
        """Begin an empty journal.

        Args:
            name: What to call it in messages.
            clock: Unix time in seconds.
            keeps: How many records to keep at least; older ones are forgotten. None keeps all.
        """
        self._name = name
        self._keeps = keeps
        self._forgotten = 0
        self._clock = clock
        self._leases: dict[Scope, Held] = {}
        self._records: list[tuple[Record, str]] = []
        self._closed = False

    @property
    def name(self) -> str:
        """What it was called."""
        return self._name

    async def acquire(self, scopes: Sequence[Scope], owner: str, ttl: float) -> tuple[Lease, ...]:
        """See `Store.acquire`."""
        self._check_open()
        now = self._clock()
        fresh = {
            scope: grant(self._leases.get(scope), scope, owner, now=now, ttl=ttl, store=self._name)
            for scope in scopes
        }
        self._leases.update(fresh)
        return tuple(Lease(scope, owner, fresh[scope].token) for scope in scopes)

    async def renew(self, leases: Sequence[Lease], ttl: float) -> None:
        """See `Store.renew`."""
        self._confirm(leases)
        until = self._clock() + ttl
        for lease in leases:
            self._leases[lease.scope] = Held(lease.owner, lease.token, until)

    async def release(self, leases: Sequence[Lease]) -> None:
        """See `Store.release`."""
        self._check_open()
        for lease in leases:
            if owns(self._leases.get(lease.scope), lease):
                self._leases[lease.scope] = Held(NOBODY, lease.token, 0.0)

    async def append(self, writes: Sequence[Write]) -> tuple[Record, ...]:
        """See `Store.append`; nothing here survives the process."""
        self._confirm([write.lease for write in writes])
        contents = [canonical.text(write.draft.data, "data of a record") for write in writes]
        at = float(self._clock())
        first = self._forgotten + len(self._records) + 1
        records = tuple(
            record_of(first + index, at, write, content)
            for index, (write, content) in enumerate(zip(writes, contents, strict=True))
        )
        self._records.extend(zip(records, contents, strict=True))
        if self._keeps is not None and len(self._records) > 2 * self._keeps:
            old = len(self._records) - self._keeps
            del self._records[:old]
            self._forgotten += old
        return records

    async def read(self, after: int = 0) -> tuple[Record, ...]:
        """See `Store.read`; the records are copies."""
        self._check_open()
        if after > self._forgotten + len(self._records):
            raise JournalError(f"{self._name}: record {after} is missing")
        kept = self._records[max(0, after - self._forgotten) :]
        return tuple(attrs.evolve(record, data=canonical.mapping(content)) for record, content in kept)

    async def close(self) -> None:
        """See `Store.close`."""
        self._closed = True

    def _confirm(self, leases: Sequence[Lease]) -> None:
        self._check_open()
        for lease in leases:
            confirm(self._leases.get(lease.scope), lease, store=self._name)

    def _check_open(self) -> None:
        if self._closed:
            raise JournalError(f"{self._name}: is closed")
