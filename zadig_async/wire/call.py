"""`Call` and `Reply`: one HTTP exchange as values, with the facts that decide its fate."""

from collections.abc import Callable, Mapping
from enum import Enum, unique
from typing import Any, Final, Generic, TypeVar

import attrs

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)

MIB: Final = 1024 * 1024


@unique
class Lane(Enum):
    """Which connection pool a call travels in, so that one kind can never starve another."""

    WRITE = "write"
    """Triggers, approvals and every other change: a fresh connection each, a long read time-out."""
    POLL = "poll"
    """Reads: pooled connections, short time-outs."""
    STREAM = "stream"
    """Live logs: one connection each, no total time-out."""


@attrs.frozen
class Reply:
    """An answer as it was received: the status line really arrived and the body is whole.

    Attributes:
        status: HTTP status code.
        headers: Header values by lower-case name, each as received.
        body: The whole body in bytes, already inflated.
    """

    status: int
    headers: Mapping[str, str] = attrs.field(repr=False)
    body: bytes = attrs.field(repr=False)

    def header(self, name: str) -> str:
        """Return a header's value by lower-case name, or an empty string."""
        return self.headers.get(name, "")


@attrs.frozen(eq=False)
class Call(Generic[T_co]):
    """One request to Zadig and how to read its answer.

    Attributes:
        label: The call for messages, with placeholders for keys and no query: safe to log.
        method: HTTP method.
        target: Path and query, percent-encoded, starting with `/`. It goes on the wire as it is.
        read: Turns the reply into the value, or raises `ApiError`, `DecodeError` or, where the call must
            not be repeated and the reply proves nothing, `OutcomeUnknownError`.
        repeatable: Whether sending it twice does no more than sending it once.
        lane: The connection pool it travels in.
        body: Request body in bytes, or None.
        content_type: Media type of the body.
        max_reply: Largest reply body accepted, in bytes after inflating.
        before_send: Called right before each attempt goes on the wire, after any wait for its turn; what
            it raises is passed on, and that attempt is not sent.
    """

    label: str
    method: str
    target: str
    read: Callable[[Reply], T_co] = attrs.field(repr=False)
    repeatable: bool
    lane: Lane = Lane.POLL
    body: bytes | None = attrs.field(default=None, repr=False)
    content_type: str = "application/json"
    max_reply: int = 16 * MIB
    before_send: Callable[[], None] | None = attrs.field(default=None, repr=False)


AnyCall = Call[Any]
"""A call whose answer's type does not matter to the one who carries it."""
