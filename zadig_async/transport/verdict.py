"""`verdict`: what a failed attempt means for a call, as one pure table."""

from enum import Enum, unique
from typing import Final

from zadig_async.errors import (
    ConnectError,
    DecodeError,
    OutcomeUnknownError,
    RateLimitedError,
    ServerError,
    TransportError,
    ZadigError,
)
from zadig_async.wire.call import AnyCall

_GATEWAY: Final = frozenset({502, 503, 504})
"""Statuses by which a gateway says that the server behind it gave no answer."""


@unique
class Verdict(Enum):
    """What to do about a failed attempt."""

    RETRY = "retry"
    """Send it again."""
    RETRY_ONCE = "retry once"
    """Send it again, unless this call failed in this way before."""
    RAISE = "raise"
    """Let the caller see it."""
    UNKNOWN = "unknown"
    """Let the caller see an `OutcomeUnknownError` in its place: it was sent and must not be repeated."""


def verdict(call: AnyCall, error: ZadigError) -> Verdict:
    """Decide what a failed attempt means for a call.

    | error | repeatable call | other call |
    |---|---|---|
    | `ConnectError`: nothing was sent | RETRY | RETRY |
    | `OutcomeUnknownError`: the call's own reading of the answer | RAISE | RAISE |
    | any other `TransportError`: sent, and no whole answer | RETRY | UNKNOWN |
    | `DecodeError`: a body cut short, a proxy's page, or a fault of ours | RETRY_ONCE | UNKNOWN |
    | `RateLimitedError` | RETRY | RAISE |
    | `ServerError` with 502, 503 or 504, or another 5xx that carries no code of Zadig | RETRY | RAISE |
    | anything else | RAISE | RAISE |
    """
    if isinstance(error, ConnectError):
        return Verdict.RETRY
    if isinstance(error, OutcomeUnknownError):
        return Verdict.RAISE
    if isinstance(error, TransportError):
        return Verdict.RETRY if call.repeatable else Verdict.UNKNOWN
    if isinstance(error, DecodeError):
        return Verdict.RETRY_ONCE if call.repeatable else Verdict.UNKNOWN
    if call.repeatable and _is_transient(error):
        return Verdict.RETRY
    return Verdict.RAISE


def _is_transient(error: ZadigError) -> bool:
    if isinstance(error, RateLimitedError):
        return True
    if not isinstance(error, ServerError):
        return False
    # A 500 with Zadig's own code is a decision, such as "no documents in result", and stays one.
    return error.status in _GATEWAY or (error.status >= 500 and error.code is None)
