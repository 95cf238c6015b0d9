"""A carrier that lets a test do something right before a call goes out, such as fail in its place."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import attrs

from zadig_async.transport.base import ByteStream, Carrier
from zadig_async.wire.call import AnyCall, Reply


@attrs.frozen
class Meddling:
    """Carries calls as another carrier does, after `before` was awaited with the call.

    Attributes:
        carrier: Who really carries them.
        before: What it raises is raised in place of an answer.
    """

    carrier: Carrier
    before: Callable[[AnyCall], Awaitable[None]]

    async def send(self, call: AnyCall) -> Reply:
        await self.before(call)
        return await self.carrier.send(call)

    @asynccontextmanager
    async def stream(self, call: AnyCall) -> AsyncIterator[ByteStream]:
        await self.before(call)
        async with self.carrier.stream(call) as stream:
            yield stream

    async def aclose(self) -> None:
        await self.carrier.aclose()
