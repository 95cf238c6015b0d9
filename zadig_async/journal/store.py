"""`Store`: where records and leases are kept; the seam behind which SQLite or a database server stand.

A lease is for one `Scope` and runs by the store's own clock, so that drivers need not agree on the time. Each
time a scope changes hands its fencing token grows by one, and every append carries the token: a driver that
slept through its lease finds its token outdated and writes nothing more.
"""

from collections.abc import Sequence
from typing import Protocol

import attrs

from zadig_async.journal.records import Draft, Record, Scope


@attrs.frozen
class Lease:
    """The right to write about one scope.

    Attributes:
        scope: What is owned.
        owner: Who owns it, see `zadig_async.journal.owner`.
        token: Fencing token: it grows by one each time the scope changes hands.
    """

    scope: Scope
    owner: str
    token: int


@attrs.frozen
class Write:
    """One record to append, under a lease.

    Attributes:
        lease: The right to do so.
        draft: What to write.
    """

    lease: Lease
    draft: Draft


class Store(Protocol):
    """Keeps records and leases. Every store passes the same tests (`tests/journal/test_conformance.py`).

    Every verb raises `JournalError` where the store cannot be read, written or trusted. A cancelled append
    may or may not have been written.
    """

    @property
    def name(self) -> str:
        """What to call it in messages, such as its path."""
        ...

    async def acquire(self, scopes: Sequence[Scope], owner: str, ttl: float) -> tuple[Lease, ...]:
        """Take scopes, all of them or none.

        A scope is free where nobody has it, where its lease has run out, where its owner is provably gone, or
        where it is this owner's already; in the last case lease and token stay as they are.

        Args:
            scopes: What to take.
            owner: Who takes it.
            ttl: Seconds until the leases run out unless they are renewed.

        Raises:
            LeaseHeldError: Another driver has one of them; nothing was taken.
        """
        ...

    async def renew(self, leases: Sequence[Lease], ttl: float) -> None:
        """Let leases run for `ttl` seconds from now. One that ran out and that nobody took is renewed too.

        Raises:
            LeaseLostError: Another driver has taken one of them; none was renewed.
        """
        ...

    async def release(self, leases: Sequence[Lease]) -> None:
        """Give scopes back; those that others have taken are left alone."""
        ...

    async def append(self, writes: Sequence[Write]) -> tuple[Record, ...]:
        """Write records, all of them or none; when this returns they survive a loss of power.

        Raises:
            LeaseLostError: Another driver has taken one of the scopes; nothing was written.
            JournalError: They could not be written; nothing was.
        """
        ...

    async def read(self, after: int = 0) -> tuple[Record, ...]:
        """Return every record, oldest first.

        Args:
            after: Leave out records up to this number.

        Raises:
            JournalError: One is damaged or missing; names which.
        """
        ...

    async def close(self) -> None:
        """Give back what is held open, leases not included. Calling it again does nothing."""
        ...
