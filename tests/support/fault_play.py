"""How each fault is played out, once its request is here."""

import asyncio
from collections import deque
from collections.abc import Callable
from contextlib import nullcontext
from typing import Final, Protocol, Self

from tests.support.fault_courier import Courier, reset
from tests.support.fault_spoils import Exchange, Fault, Spoil
from tests.support.http_ends import HEAD_END, dechunked

_MISSING: Final = 100
"""Bytes that an answer of the wrong length lacks."""

_NOISE: Final = b"\x16\x03\x01 this is not HTTP\r\n\r\n"


class Inbox:
    """The pieces of an answer, for whoever spoils it.

    Attributes:
        size: Bytes that have come and were not looked at yet.
        ended: Whether nothing more will come.
        whole: Whether the last byte of the answer has come.
    """

    def __init__(self, looked: Callable[[], None]) -> None:
        self._looked = looked
        self._pieces: deque[bytes] = deque()
        self._news = asyncio.Event()
        self.size = 0
        self.ended = False
        self.whole = False

    @property
    def empty(self) -> bool:
        """Whether all that has come was looked at."""
        return not self._pieces

    def put(self, piece: bytes, *, last: bool) -> None:
        """Take a piece; after the last one nothing more will come."""
        self._pieces.append(piece)
        self.size += len(piece)
        self.whole = self.ended = last
        self._news.set()

    def end(self) -> None:
        """Say that nothing more will come."""
        self.ended = True
        self._news.set()

    async def begun(self) -> None:
        """Wait until there is something to look at, or never will be."""
        while not self._pieces and not self.ended:
            self._news.clear()
            await self._news.wait()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> bytes:
        await self.begun()
        if not self._pieces:
            raise StopAsyncIteration
        piece = self._pieces.popleft()
        self.size -= len(piece)
        self._looked()
        return piece

    async def drain(self) -> None:
        """Throw everything away until the end."""
        async for _ in self:
            pass

    async def rest(self) -> bytes:
        """Return everything until the end."""
        return b"".join([piece async for piece in self])


class Stage(Protocol):
    """What a play needs of the connection on which it is played."""

    @property
    def client(self) -> asyncio.Transport:
        """The connection of the client."""

    @property
    def last(self) -> bool:
        """Whether the connection is to end with this exchange."""

    def fetch(self, request: bytes) -> Inbox:
        """Pass a request on; its answer comes into the inbox."""

    def next(self) -> None:
        """Turn to the client's next request; a play that does not call it leaves the client waiting."""


async def play(stage: Stage, courier: Courier, exchange: Exchange, spoil: Spoil, request: bytes) -> None:
    """Spoil an exchange whose whole request is here. Cancelled when the client leaves."""
    match spoil.kind:
        case Fault.BLACK_HOLE:
            return
        case Fault.RESET_BEFORE:
            reset(stage.client)
        case Fault.BAD_GATEWAY_BEFORE:
            _say(stage, exchange, "502 Bad Gateway")
        case Fault.DELIVER_LATE:
            courier.deliver(request, exchange.method, spoil.wait)
            reset(stage.client)
        case Fault.GATEWAY_TIMEOUT:
            courier.deliver(request, exchange.method, spoil.wait)
            _say(stage, exchange, "504 Gateway Time-out")
        case Fault.DELAY:
            await _delay(courier, exchange, spoil.wait, request)
            await _pass_all(stage, stage.fetch(request))
        case Fault.DUPLICATE:
            inbox = stage.fetch(request)
            try:
                await inbox.begun()
            finally:  # a client that leaves does not take it back
                courier.deliver(request, exchange.method, spoil.wait)
            await _pass_all(stage, inbox)
        case _:
            await _spoil_answer(stage, courier, exchange, spoil, stage.fetch(request))


async def _spoil_answer(
    stage: Stage, courier: Courier, exchange: Exchange, spoil: Spoil, inbox: Inbox
) -> None:
    match spoil.kind:
        case Fault.BLACK_HOLE_AFTER:
            await inbox.drain()
        case Fault.RESET_AFTER:
            await inbox.drain()
            reset(stage.client)
        case Fault.BAD_GATEWAY_AFTER:
            await inbox.drain()
            _say(stage, exchange, "502 Bad Gateway")
        case Fault.GARBAGE:
            await inbox.drain()
            stage.client.write(_NOISE)
            stage.client.close()
        case Fault.WRONG_LENGTH:
            stage.client.write(_too_short(await inbox.rest()))
            stage.client.close()
        case Fault.CUT:
            if not await _began(stage, courier, spoil, inbox):
                reset(stage.client) if spoil.hard else stage.client.close()
        case Fault.HALF_OPEN:
            if not await _began(stage, courier, spoil, inbox):
                await inbox.drain()
        case Fault.DRIP:
            async for piece in inbox:
                for start in range(0, len(piece), spoil.bytes):
                    stage.client.write(piece[start : start + spoil.bytes])
                    await asyncio.sleep(spoil.wait)
            stage.next()
        case _:
            raise NotImplementedError(spoil.kind)


async def _delay(courier: Courier, exchange: Exchange, seconds: float, request: bytes) -> None:
    due = asyncio.get_running_loop().time() + seconds
    try:
        await courier.pause(seconds)
    except asyncio.CancelledError:
        courier.deliver(request, exchange.method, max(0.0, due - asyncio.get_running_loop().time()))
        raise


async def _began(stage: Stage, courier: Courier, spoil: Spoil, inbox: Inbox) -> bool:
    """Pass the beginning of an answer; return whether it ended in time, and so was passed as a whole."""
    try:
        async with nullcontext() if spoil.seconds is None else courier.limit(spoil.seconds):
            if spoil.size is None and spoil.seconds is not None:
                await _pass_all(stage, inbox)
                return True
            await _pass_some(stage, inbox, spoil.bytes)
    except TimeoutError:
        pass
    return False


async def _pass_all(stage: Stage, inbox: Inbox) -> None:
    async for piece in inbox:
        stage.client.write(piece)
    stage.next()


async def _pass_some(stage: Stage, inbox: Inbox, left: int) -> None:
    """Pass so many bytes, but never the last one of an answer that says where it ends."""
    async for piece in inbox:
        part = piece[:-1] if inbox.whole and inbox.empty else piece
        stage.client.write(part[:left])
        left -= len(piece)
        if left <= 0:
            return


def _say(stage: Stage, exchange: Exchange, status: str) -> None:
    """Answer as a gateway does, and turn to the next request unless the connection is to end."""
    page = f"<html><body><h1>{status}</h1><p>the gateway says</p></body></html>\r\n".encode()
    head = f"HTTP/1.1 {status}\r\nContent-Type: text/html\r\nContent-Length: {len(page)}".encode()
    stage.client.write(head + HEAD_END + (b"" if exchange.method == "HEAD" else page))
    if stage.last:
        stage.client.close()
    else:
        stage.next()


def _too_short(answer: bytes) -> bytes:
    """Return an answer that announces more bytes than it has."""
    head, end, body = answer.partition(HEAD_END)
    if not end:
        return answer
    status, *fields = head.split(b"\r\n")
    names = [field.partition(b":")[0].lower() for field in fields]
    if b"transfer-encoding" in names:
        body = dechunked(body)
    kept = [
        field
        for name, field in zip(names, fields, strict=True)
        if name not in {b"content-length", b"transfer-encoding"}
    ]
    length = b"Content-Length: %d" % (len(body) + _MISSING)
    return b"\r\n".join([status, *kept, length]) + HEAD_END + body
