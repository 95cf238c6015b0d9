"""`Carrier`: what carries one attempt of a call; the seam between us and any HTTP library."""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from typing import Protocol

from zadig_async.wire.call import AnyCall, Reply


class ByteStream(Protocol):
    """An open answer whose body keeps coming."""

    @property
    def head(self) -> Reply:
        """Status and headers; the body is empty for a 200 and whole for any other status."""
        ...

    def __aiter__(self) -> AsyncIterator[bytes]:
        """Yield the body as it comes, in chunks of any size, until the server ends or cuts it.

        Raises:
            TransportError: The connection broke before the body ended.
            DecodeError: The body is compressed in a way that cannot be undone.
        """
        ...


class Carrier(Protocol):
    """Carries one attempt of a call and interprets nothing.

    One `send` or `stream` puts at most one request on the wire: repeating is decided above, by
    `zadig_async.transport.retry`, which knows whether a call may be repeated.

    Raises from both verbs:
        ConfigError: The call or the carrier cannot be used as it stands; nothing was sent.
        ConnectError: Not one byte of the request left.
        TransportError: It may have left, and no whole answer came back. `DeadlineError` where it was
            the carrier's own clock that ran out.
        DecodeError: An answer came whose body is too large, or compressed in a way that cannot be undone.
        asyncio.CancelledError: Passed on untouched.
    """

    async def send(self, call: AnyCall) -> Reply:
        """Send a call once and return its whole answer, whatever its status.

        A carrier that lets calls wait for their turn asks `call.before_send` when it has come.
        """
        ...

    def stream(self, call: AnyCall) -> AbstractAsyncContextManager[ByteStream]:
        """Open a call whose answer keeps coming; leaving the context closes its connection."""
        ...

    async def aclose(self) -> None:
        """Close every connection. Calling it again does nothing."""
        ...
