"""`Journal`: what we meant to do and what became of it, with the right to do more of it.

Whoever is about to change something on a server holds the workflow's scope, writes the intent, and is asked
once more by `check` right before the request leaves. A driver whose lease another one has taken writes
nothing more, here or there.
"""

import asyncio
import logging
import math
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import attrs

from zadig_async.errors import ConfigError, JournalError, LeaseLostError
from zadig_async.journal.history import History
from zadig_async.journal.memory import MemoryStore
from zadig_async.journal.owner import identity
from zadig_async.journal.records import Draft, Record, Scope
from zadig_async.journal.store import Lease, Store, Write
from zadig_async.journal.turns import Turns

LEASE_SECONDS: Final = 30.0
"""How long a driver that has vanished without a trace keeps others from going on in its place."""

_REMEMBERED: Final = 5_000
"""How many runs that have ended a journal in memory remembers; a task of an older one is no longer ours to
cancel or retry."""

_RENEWALS: Final = 3
"""How often a lease is renewed within its time."""

_LOG: Final = logging.getLogger("zadig_async")


@attrs.define(eq=False)
class _Held:
    """A scope we own, how many need it, and until when that is certain by the event loop's clock."""

    lease: Lease
    until: float
    needed: int = 0
    lost: bool = False


class Journal:
    """The memory of one driver.

    Use it as `async with await Journal.open(path) as journal`. Leaving the context gives every scope back.

    Attributes:
        history: What all records add up to, those of other drivers as of the last `hold`.
        turns: Keeps launches apart that could not be told from one another.
    """

    def __init__(self, store: Store, *, lease: float = LEASE_SECONDS, keeps: int | None = None) -> None:
        """Remember in a store; `open` and `in_memory` are the usual ways.

        Args:
            store: Where records and leases are kept; closed with the journal.
            lease: Seconds until others may go on in our place if we vanish.
            keeps: How many runs that have ended `history` remembers; None remembers all.
        """
        if not lease > 0:
            raise ConfigError(f"journal: lease: expected seconds above 0, got {lease}")
        self.history = History(keeps=keeps)
        self.turns = Turns()
        self._store = store
        self._ttl = lease
        self._owner = identity()
        self._held: dict[Scope, _Held] = {}
        self._at_work: set[str] = set()
        self._changing = asyncio.Lock()
        self._heart: asyncio.Task[None] | None = None

    @classmethod
    async def open(cls, path: str | Path, *, lease: float = LEASE_SECONDS) -> Self:
        """Open a journal file, or begin one.

        Args:
            path: A file of our own; SQLite keeps two more beside it.
            lease: Seconds until others may go on in our place if we vanish.

        Raises:
            JournalError: The file cannot be used or trusted; says why and what to do.
        """
        from zadig_async.journal.sqlite import SqliteStore  # noqa: PLC0415 - only journals on disk need it

        store = await SqliteStore.open(Path(path))
        journal = cls(store, lease=lease)
        try:
            await journal.refresh()
        except BaseException:
            await store.close()
            raise
        return journal

    @classmethod
    def in_memory(cls) -> Self:
        """Return a journal that is gone with the process: no promise outlives a crash.

        So that a service may run for years, it remembers only the last thousands of runs that have ended, and
        all that are under way.
        """
        # Nobody else can see it: no lease has to be renewed, and nothing is read again.
        return cls(MemoryStore(keeps=0), lease=math.inf, keeps=_REMEMBERED)

    @property
    def name(self) -> str:
        """What to call it in messages, such as its path."""
        return self._store.name

    async def refresh(self) -> None:
        """Take in what other drivers have written.

        Raises:
            JournalError: The store cannot be read or trusted.
        """
        for record in await self._store.read(self.history.last_seq):
            self.history.apply(record)

    async def records(self) -> tuple[Record, ...]:
        """Read every record, oldest first.

        Raises:
            JournalError: The store cannot be read or trusted.
        """
        return await self._store.read()

    async def hold(self, scopes: Iterable[Scope]) -> None:
        """Own scopes, all or none, until as many calls of `drop`.

        Raises:
            LeaseHeldError: Another driver owns one of them.
            LeaseLostError: Another driver has taken one of them from us.
            JournalError: The store cannot be written.
        """
        wanted = list(dict.fromkeys(scopes))
        async with self._changing:
            for scope in wanted:
                if scope in self._held:
                    self.check(scope)
            fresh = [scope for scope in wanted if scope not in self._held]
            if fresh:
                asked = self._now()
                leases = await self._store.acquire(fresh, self._owner, self._ttl)
                try:
                    await self.refresh()
                except BaseException:
                    with suppress(JournalError):
                        await self._store.release(leases)
                    raise
                for lease in leases:
                    self._held[lease.scope] = _Held(lease, asked + self._ttl)
            for scope in wanted:
                self._held[scope].needed += 1
            if self._heart is None and math.isfinite(self._ttl):
                self._heart = asyncio.create_task(self._beat(), name=f"leases of {self.name}")

    async def drop(self, scopes: Iterable[Scope]) -> None:
        """Need scopes no longer; those nobody else here needs are given back.

        A store that fails now keeps nothing from us: its leases run out by themselves.
        """
        await asyncio.shield(self._drop(scopes))

    async def _drop(self, scopes: Iterable[Scope]) -> None:
        async with self._changing:
            done = []
            for scope in dict.fromkeys(scopes):
                held = self._held.get(scope)
                if held is None:
                    continue
                held.needed -= 1
                if held.needed <= 0:
                    del self._held[scope]
                    if not held.lost:
                        done.append(held.lease)
            if done:
                with suppress(JournalError):
                    await self._store.release(done)

    def check(self, scope: Scope) -> None:
        """Make sure, without waiting, that we own a scope at this moment.

        Raises:
            LeaseLostError: Another driver has taken it, or might have: it was not renewed in time.
            ConfigError: It is not held.
        """
        held = self._held.get(scope)
        if held is None:
            raise ConfigError(f"{self.name}: {scope} is not held")
        if held.lost:
            raise LeaseLostError(f"{self.name}: another driver has taken over {scope}")
        if self._now() > held.until:
            raise LeaseLostError(f"{self.name}: the lease of {scope} was not renewed in time")

    def lost(self, scope: Scope) -> LeaseLostError | None:
        """Return the error to end with where another driver has taken a scope from us, else None."""
        held = self._held.get(scope)
        if held is None or not held.lost:
            return None
        return LeaseLostError(f"{self.name}: another driver has taken over {scope}")

    def take_up(self, run: str) -> bool:
        """Say that this process is at work on a run; False where it is already.

        A lease keeps other drivers away. This keeps two parts of one program from sending the same run.
        """
        if run in self._at_work:
            return False
        self._at_work.add(run)
        return True

    def lay_down(self, run: str) -> None:
        """Say that this process is no longer at work on a run."""
        self._at_work.discard(run)

    async def write(self, scope: Scope, *drafts: Draft) -> None:
        """Write records about one scope; when this returns they survive a crash.

        Raises:
            LeaseLostError: Another driver has taken it; nothing was written.
            JournalError: They could not be written.
        """
        await self.write_all([(scope, draft) for draft in drafts])

    async def write_all(self, drafts: Sequence[tuple[Scope, Draft]]) -> None:
        """Write records, all or none; see `write`."""
        writes = []
        for scope, draft in drafts:
            held = self._held.get(scope)
            if held is None:
                raise ConfigError(f"{self.name}: {scope} is not held")
            if held.lost:
                self.check(scope)
            writes.append(Write(held.lease, draft))
        if not writes:
            return
        # Shielded, so that what was written is also what we believe.
        await asyncio.shield(self._append(writes))

    async def _append(self, writes: Sequence[Write]) -> None:
        try:
            records = await self._store.append(writes)
        except LeaseLostError:
            await self._find_lost([write.lease.scope for write in writes])
            raise
        if records[0].seq > self.history.last_seq + 1:
            await self.refresh()  # another driver has written in between
        for record in records:
            self.history.apply(record)

    async def _beat(self) -> None:
        """Renew what is held, for as long as the journal is open."""
        while True:
            await asyncio.sleep(self._ttl / _RENEWALS)
            async with self._changing:
                await self._renew()

    async def renew(self, scope: Scope) -> None:
        """Renew one scope now if its lease is no longer fresh, so that a `check` soon after holds.

        Raises:
            LeaseLostError: Another driver has taken it.
            JournalError: The store cannot be written.
        """
        held = self._held.get(scope)
        if held is None or held.lost or held.until - self._now() > self._ttl / 2:
            return
        asked = self._now()
        try:
            await self._store.renew([held.lease], self._ttl)
        except LeaseLostError:
            self._lose(held)
            raise
        held.until = asked + self._ttl

    async def _renew(self) -> None:
        held = [each for each in self._held.values() if not each.lost]
        if not held:
            return
        asked = self._now()
        try:
            await self._store.renew([each.lease for each in held], self._ttl)
        except LeaseLostError:
            await self._find_lost([each.lease.scope for each in held])
        except JournalError as error:
            # `check` refuses once the time is up; until then another try may work.
            _LOG.warning("the leases of %s could not be renewed: %s", self.name, error)
        else:
            for each in held:
                each.until = asked + self._ttl

    async def _find_lost(self, scopes: Iterable[Scope]) -> None:
        for scope in dict.fromkeys(scopes):
            held = self._held.get(scope)
            if held is None or held.lost:
                continue
            asked = self._now()
            try:
                await self._store.renew([held.lease], self._ttl)
            except LeaseLostError:
                self._lose(held)
            except JournalError:
                continue
            else:
                held.until = asked + self._ttl

    def _lose(self, held: _Held) -> None:
        held.lost = True
        _LOG.error("%s: another driver has taken over %s: standing down", self.name, held.lease.scope)

    async def aclose(self) -> None:
        """Give every scope back and close the store. Calling it again does nothing."""
        if self._heart is not None:
            self._heart.cancel()
            await asyncio.wait({self._heart})
            self._heart = None
        async with self._changing:
            leases = [each.lease for each in self._held.values() if not each.lost]
            self._held.clear()
            with suppress(JournalError):
                if leases:
                    await self._store.release(leases)
        await self._store.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    def _now(self) -> float:
        return asyncio.get_running_loop().time()
