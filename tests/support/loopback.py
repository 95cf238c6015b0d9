"""A carrier that speaks to the emulated server without sockets, so that time may be virtual.

It plays the network as far as a caller can tell: a connection broken before the answer is a
`TransportError` (it may have been sent), one refused is a `ConnectError`, and every answer bears the date of
the server's clock.
"""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from email.utils import formatdate

import attrs

from zadig_async.emulator.dialect import Dialect
from zadig_async.emulator.exchange import Dropped, Garbage, Request, Response, Stream
from zadig_async.errors import ConnectError, TransportError
from zadig_async.wire.call import AnyCall, Reply


@attrs.define
class Loopback:
    """Carries calls to a dialect in this process.

    Attributes:
        dialect: The other side.
        token: Sent as the bearer token.
        refused: How many calls from now on find nobody listening.
        sent: Labels of the calls that reached the other side, in order.
    """

    dialect: Dialect
    token: str
    refused: int = 0
    sent: list[str] = attrs.field(factory=list)

    async def send(self, call: AnyCall) -> Reply:
        answer = await self._answer(call)
        if isinstance(answer, Stream):
            raise TransportError("an endless answer to a plain call", call=call.label)
        if answer.declared_length is not None and answer.declared_length != len(answer.body):
            raise TransportError("the answer was cut", call=call.label)
        return _reply(answer)

    @asynccontextmanager
    async def stream(self, call: AnyCall) -> AsyncIterator["_Bytes"]:
        answer = await self._answer(call)
        if isinstance(answer, Response):
            head = _reply(answer)
            if answer.status != 200:
                yield _Bytes(head, None, call.label)
                return
            yield _Bytes(Reply(head.status, head.headers, b""), _pieces(answer), call.label)
            return
        try:
            yield _Bytes(Reply(answer.status, _lower(answer.headers), b""), answer.events, call.label)
        finally:
            await answer.events.aclose()

    async def aclose(self) -> None:
        return

    async def _answer(self, call: AnyCall) -> Response | Stream:
        if self.refused:
            self.refused -= 1
            raise ConnectError("nobody listens", call=call.label)
        self.sent.append(call.label)
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": call.content_type}
        request = Request(method=call.method, target=call.target, headers=headers, body=call.body or b"")
        try:
            answer = await self.dialect.respond(request)
        except Dropped:
            raise TransportError("the connection was reset", call=call.label) from None
        if isinstance(answer, Garbage):
            raise TransportError("the answer is not HTTP", call=call.label)
        date = formatdate(self.dialect.clock.now(), usegmt=True)
        return attrs.evolve(answer, headers={"Date": date, **answer.headers})


class _Bytes:
    """The byte stream of one answer."""

    def __init__(self, head: Reply, pieces: AsyncIterator[bytes] | None, label: str) -> None:
        self._head = head
        self._pieces = pieces
        self._label = label

    @property
    def head(self) -> Reply:
        return self._head

    async def __aiter__(self) -> AsyncIterator[bytes]:
        if self._pieces is None:
            return
        try:
            async for chunk in self._pieces:
                yield chunk
        except Dropped:
            raise TransportError("the connection was reset", call=self._label) from None


async def _pieces(answer: Response) -> AsyncIterator[bytes]:
    """The body of a whole answer in two pieces, or as much of it as it is cut to."""
    half = len(answer.body) // 2
    for piece in (answer.body[:half], answer.body[half:]):
        if piece:
            yield piece
    if answer.declared_length is not None and answer.declared_length != len(answer.body):
        raise Dropped("the answer was cut")


def _reply(answer: Response) -> Reply:
    return Reply(answer.status, _lower(answer.headers), answer.body)


def _lower(headers: Mapping[str, str]) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}
