"""A carrier through which no live stream lasts, for virtual time: the same storm for the same seed.

It is what `LogWeather` is to a proxy. Streams break after some seconds or some bytes, fall silent for ever,
are refused, or come late; archives break before their end; some polls fail.
"""

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import attrs

from zadig_async.errors import ConnectError, TransportError
from zadig_async.transport.base import ByteStream, Carrier
from zadig_async.wire.call import AnyCall, Reply

_GATEWAY = Reply(502, {"content-type": "text/html"}, b"<html>the gateway says</html>")


@attrs.define
class Storm:
    """How bad it is.

    Attributes:
        lasts: Between how many seconds a stream lasts.
        bytes: Between how many bytes a stream lasts that is cut by bytes.
        silent: Share of streams that end in silence, half-open.
        refused: Share of streams that are refused, evenly in three ways.
        archives: Share of archive reads that break.
        polls: Share of polls that fail.
    """

    lasts: tuple[float, float] = (1.0, 16.0)
    bytes: tuple[int, int] = (0, 60_000)
    silent: float = 0.1
    refused: float = 0.1
    archives: float = 0.4
    polls: float = 0.02


class Stormy:
    """See the module.

    Attributes:
        opened: How many streams were opened.
        silenced: How many fell silent.
    """

    def __init__(self, carrier: Carrier, seed: int | str, storm: Storm | None = None) -> None:
        self._carrier = carrier
        self._dice = random.Random(seed)
        self._storm = storm or Storm()
        self.opened = 0
        self.silenced = 0

    async def send(self, call: AnyCall) -> Reply:
        if call.method == "GET" and self._dice.random() < self._storm.polls:
            if self._dice.random() < 0.5:
                return _GATEWAY
            raise TransportError("the connection was reset", call=call.label)
        return await self._carrier.send(call)

    @asynccontextmanager
    async def stream(self, call: AnyCall) -> AsyncIterator[ByteStream]:
        if "/logs/sse/" not in call.target:
            async with self._carrier.stream(call) as stream:
                broken = self._dice.random() < self._storm.archives
                size = self._dice.randint(0, 50_000) if broken else None
                yield _Torn(stream, self._dice, size=size, label=call.label)
            return
        self.opened += 1
        if self._dice.random() < self._storm.refused:
            way = self._dice.randrange(3)
            if way == 0:
                raise ConnectError("nobody listens", call=call.label)
            if way == 1:
                raise TransportError("the connection was reset", call=call.label)
            yield _Torn(_Whole(_GATEWAY), self._dice, label=call.label)
            return
        await asyncio.sleep(self._dice.uniform(0, 1.0))
        silent = self._dice.random() < self._storm.silent
        self.silenced += silent
        async with self._carrier.stream(call) as stream:
            yield _Torn(
                stream,
                self._dice,
                seconds=self._dice.uniform(*self._storm.lasts),
                size=self._dice.randint(*self._storm.bytes) if self._dice.random() < 0.4 else None,
                silent=silent,
                label=call.label,
            )

    async def aclose(self) -> None:
        await self._carrier.aclose()


@attrs.frozen
class _Whole:
    head: Reply

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for piece in (self.head.body,):
            yield piece


@attrs.define
class _Torn:
    """A stream that ends early, in pieces other than those it came in."""

    _stream: ByteStream
    _dice: random.Random
    _seconds: float | None = attrs.field(default=None, kw_only=True)
    _size: int | None = attrs.field(default=None, kw_only=True)
    _silent: bool = attrs.field(default=False, kw_only=True)
    _label: str = attrs.field(kw_only=True)

    @property
    def head(self) -> Reply:
        return self._stream.head

    async def __aiter__(self) -> AsyncIterator[bytes]:
        left = self._size
        loop = asyncio.get_running_loop()
        due = None if self._seconds is None else loop.time() + self._seconds
        chunks = aiter(self._stream)
        while left is None or left > 0:
            try:
                async with asyncio.timeout_at(due):
                    chunk = await anext(chunks)
            except TimeoutError:
                break
            except StopAsyncIteration:
                return
            at = self._dice.randint(0, len(chunk))
            if left is not None:
                chunk = chunk[:left]
                left -= len(chunk)
            for piece in (chunk[:at], chunk[at:]):
                if piece:
                    yield piece
        if self._silent:
            await loop.create_future()
        raise TransportError("the connection was reset", call=self._label)
