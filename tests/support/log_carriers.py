"""Carriers for tests of logs: one that counts open streams, and one whose streams go another way."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import attrs

from zadig_async.transport.base import ByteStream, Carrier
from zadig_async.wire.call import AnyCall, Reply


@attrs.define
class OpenStreams:
    """Carries calls as another carrier does, and counts.

    Attributes:
        carrier: Who really carries them.
        live: Targets of the live logs that are open now.
        at: When live logs were opened, by the event loop's clock.
        calls: How many plain calls were answered.
    """

    carrier: Carrier
    live: list[str] = attrs.field(factory=list)
    at: list[float] = attrs.field(factory=list)
    calls: int = 0

    async def send(self, call: AnyCall) -> Reply:
        reply = await self.carrier.send(call)
        self.calls += 1
        return reply

    @asynccontextmanager
    async def stream(self, call: AnyCall) -> AsyncIterator[ByteStream]:
        if "/logs/sse/" not in call.target:
            async with self.carrier.stream(call) as stream:
                yield stream
            return
        self.at.append(asyncio.get_running_loop().time())
        self.live.append(call.target)
        try:
            async with self.carrier.stream(call) as stream:
                yield stream
        finally:
            self.live.remove(call.target)

    async def aclose(self) -> None:
        await self.carrier.aclose()


@attrs.frozen
class Parted:
    """Carries streams, live logs and archives, to another server than all else.

    Attributes:
        calls: Carries what is no stream.
        streams: Carries streams.
    """

    calls: Carrier
    streams: Carrier

    async def send(self, call: AnyCall) -> Reply:
        return await self.calls.send(call)

    @asynccontextmanager
    async def stream(self, call: AnyCall) -> AsyncIterator[ByteStream]:
        async with self.streams.stream(call) as stream:
            yield stream

    async def aclose(self) -> None:
        await self.calls.aclose()
        await self.streams.aclose()
