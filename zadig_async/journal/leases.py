"""The rules of leases, the same in every store. Pure: a store's row in, a row or a refusal out."""

import attrs

from zadig_async.errors import LeaseHeldError, LeaseLostError
from zadig_async.journal.owner import describe, is_gone
from zadig_async.journal.records import Scope
from zadig_async.journal.store import Lease

NOBODY = ""
"""Owner of a scope that was given back. Its row stays, so that its token goes on growing."""


@attrs.frozen
class Held:
    """What a store knows of a scope that somebody had at some time.

    Attributes:
        owner: Who has it, or `NOBODY`.
        token: Fencing token of the one who had it last.
        until: When the lease runs out, in Unix seconds by the store's clock.
    """

    owner: str
    token: int
    until: float


def grant(held: Held | None, scope: Scope, owner: str, *, now: float, ttl: float, store: str) -> Held:
    """Give a scope to an owner.

    Args:
        held: What is known of it, or None.
        scope: The scope.
        owner: Who wants it.
        now: Time of the store's clock.
        ttl: Seconds until it runs out.
        store: Name of the store, for the message.

    Raises:
        LeaseHeldError: Another owner has it.
    """
    if held is None:
        return Held(owner, 1, now + ttl)
    if held.owner == owner:
        return Held(owner, held.token, now + ttl)
    if held.owner != NOBODY and now < held.until and not is_gone(held.owner):
        raise LeaseHeldError(f"{store}: {scope} belongs to {describe(held.owner)}")
    return Held(owner, held.token + 1, now + ttl)


def confirm(held: Held | None, lease: Lease, *, store: str) -> None:
    """Make sure that nobody has taken a scope since its lease was given, whether it has run out or not.

    Raises:
        LeaseLostError: Somebody has, or it was given back.
    """
    if not owns(held, lease):
        raise LeaseLostError(f"{store}: another driver has taken over {lease.scope}, or it was given back")


def owns(held: Held | None, lease: Lease) -> bool:
    """Whether a scope is still as its lease says."""
    return held is not None and (held.owner, held.token) == (lease.owner, lease.token)
