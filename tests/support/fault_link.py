"""One client's connection through a `FaultProxy`, and the connection to the server behind it.

A clean exchange is passed on as it comes, by plain callbacks. An exchange to spoil is first read to the end
of its request, and then played by a coroutine of `fault_play`, which may read the answer piece by piece.

One exchange at a time: what a client sends before its last answer is complete waits here. So an answer
always belongs to the request it is spoiled for.
"""

import asyncio
from collections.abc import Callable
from enum import Enum, auto, unique
from typing import Final

from tests.support.fault_courier import Courier, reset
from tests.support.fault_play import Inbox, play
from tests.support.fault_spoils import Exchange, Spoil
from tests.support.http_ends import AnswerEnd, Body, RequestHead, request_head

Decide = Callable[[str, str], tuple[Exchange, Spoil] | None]
"""Says whether to spoil the exchange with this method and target, and counts it."""

_ROOM: Final = 64 * 1024
"""Bytes to hold for a peer that does not take them before the other one is told to wait."""


@unique
class _Phase(Enum):
    """What the client is heard for."""

    HEAD = auto()
    """The head of its next request."""
    BODY = auto()
    """The rest of the request."""
    ANSWER = auto()
    """Nothing: its answer is awaited."""


class Link(asyncio.Protocol):
    """See the module."""

    def __init__(self, courier: Courier, decide: Decide) -> None:
        self._courier = courier
        self._decide = decide
        self._phase = _Phase.HEAD
        self._pending = b""
        self._request: RequestHead | None = None
        self._answer = AnswerEnd("")
        self._server: asyncio.Transport | None = None
        self._outbox: list[bytes] = []
        self._connecting: asyncio.Task[None] | None = None
        self._client_full = self._server_full = False
        self._client_left = self._client_finished = False
        self._ending: tuple[Exception | None] | None = None
        self._order: tuple[Exchange, Spoil] | None = None
        self._held: list[bytes] = []
        self._inbox: Inbox | None = None
        self._play: asyncio.Task[None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.client = transport
        self._courier.opened(transport)

    def data_received(self, data: bytes) -> None:
        if self._phase is _Phase.HEAD:
            self._take_head(self._pending + data)
        elif self._phase is _Phase.BODY:
            self._take_body(data, 0)
        else:
            self._pending += data
            self._mind_client()

    def eof_received(self) -> bool:
        """Pass FIN on while a clean answer is under way; otherwise the client has left."""
        if self._phase is _Phase.HEAD or self._order is not None:
            return False
        self._client_finished = True
        if self._server is not None and not self._pending:
            self._server.write_eof()
        return True

    def pause_writing(self) -> None:
        self._client_full = True
        self._mind_server()

    def resume_writing(self) -> None:
        self._client_full = False
        self._mind_server()

    def connection_lost(self, exc: Exception | None) -> None:
        self._courier.closed(self.client)
        self._client_left = True
        if self._play is not None:
            self._play.cancel()
        if self._server is not None:
            _end(self._server, exc)

    def server_made(self, transport: asyncio.Transport) -> None:
        """Send what was waiting for the server."""
        self._courier.opened(transport)
        self._connecting = None
        self._server = transport
        for piece in self._outbox:
            transport.write(piece)
        self._outbox.clear()
        if self._client_left:
            transport.close()
        elif self._client_finished and not self._pending:
            transport.write_eof()
        self._mind_client()
        self._mind_server()

    def answer_received(self, data: bytes) -> None:
        """Pass an answer on, or lay it before whoever spoils it."""
        if self._inbox is not None:
            if not self._inbox.ended:
                stop = self._answer.take(data)
                self._inbox.put(data[:stop], last=self._answer.done)
                self._mind_server()
            return
        if self._order is not None:
            return  # nobody asked for it: nothing of this exchange was passed on
        self.client.write(data)
        self._answer.take(data)
        if self._answer.done and self._phase is _Phase.ANSWER:
            self.next()

    def server_full(self, full: bool) -> None:
        """Let the client wait for the server, or wait no more."""
        self._server_full = full
        self._mind_client()

    def server_left(self, exc: Exception | None) -> None:
        """End the client's connection as the server's ended, unless an exchange is being spoiled."""
        if self._server is not None:
            self._courier.closed(self._server)
            self._server = None
        self._connecting = None
        self._server_full = False
        if self._inbox is not None:
            self._ending = (exc,)
            self._inbox.end()
        elif self._order is None:
            _end(self.client, exc)

    @property
    def last(self) -> bool:
        """Whether the connection is to end with this exchange: the client or the server wants it so."""
        return self._ending is not None or (self._request is not None and self._request.last)

    def fetch(self, request: bytes) -> Inbox:
        """Pass the request of an exchange to spoil on; its answer comes into the inbox."""
        self._inbox = Inbox(self._mind_server)
        self._forward(request)
        return self._inbox

    def next(self) -> None:
        """Close the exchange that is over, and turn to the next."""
        self._phase = _Phase.HEAD
        self._order = self._inbox = None
        if self._ending is not None:
            _end(self.client, *self._ending)
            return
        if self._pending:
            pending, self._pending = self._pending, b""
            self._take_head(pending)
            self._mind_client()
        if self._client_finished and self._phase is _Phase.HEAD:
            self.client.close()

    def _take_head(self, data: bytes) -> None:
        request = request_head(data)
        if request is None:
            self._pending = data
            return
        self._pending = b""
        self._request = request
        self._answer = AnswerEnd(request.method)
        self._phase = _Phase.BODY
        if request.method:
            self._order = self._decide(request.method, request.target)
        self._take_body(data, request.stop)

    def _take_body(self, data: bytes, start: int) -> None:
        """Take what belongs to the present request: all up to `start`, and what its body has of the rest."""
        assert self._request is not None
        body: Body = self._request.body
        stop = body.take(data, start)
        mine = data if stop == len(data) else data[:stop]
        if self._order is None:
            self._forward(mine)
        else:
            self._held.append(mine)
        if body.done:
            self._pending = data[stop:]
            self._phase = _Phase.ANSWER
            if self._order is not None:
                request, self._held = b"".join(self._held), []
                self._play = self._courier.spawn(play(self, self._courier, *self._order, request))
            elif self._answer.done:
                self.next()
        elif self._connecting is not None:
            self._mind_client()

    def _forward(self, data: bytes) -> None:
        if self._server is not None:
            self._server.write(data)
            return
        self._outbox.append(data)
        if self._connecting is None:
            self._connecting = self._courier.spawn(self._connect())

    async def _connect(self) -> None:
        try:
            await self._courier.connect(_ServerSide(self))
        except OSError as error:
            self.server_left(error)

    def _mind_client(self) -> None:
        waiting = self._connecting is not None and self._phase is _Phase.BODY
        if waiting or self._server_full or (self._phase is _Phase.ANSWER and len(self._pending) > _ROOM):
            self.client.pause_reading()
        else:
            self.client.resume_reading()

    def _mind_server(self) -> None:
        if self._server is None:
            return
        if self._client_full or (self._inbox is not None and self._inbox.size > _ROOM):
            self._server.pause_reading()
        else:
            self._server.resume_reading()


class _ServerSide(asyncio.Protocol):
    """The connection to the server, which only tells its link."""

    def __init__(self, link: Link) -> None:
        self._link = link

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._link.server_made(transport)

    def data_received(self, data: bytes) -> None:
        self._link.answer_received(data)

    def pause_writing(self) -> None:
        self._link.server_full(True)

    def resume_writing(self) -> None:
        self._link.server_full(False)

    def connection_lost(self, exc: Exception | None) -> None:
        self._link.server_left(exc)


def _end(transport: asyncio.Transport, exc: Exception | None) -> None:
    """Close a connection in the way in which the other one was closed: with FIN, or with RST."""
    if exc is None:
        transport.close()
    else:
        reset(transport)
