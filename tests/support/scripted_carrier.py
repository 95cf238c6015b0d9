"""A carrier that plays answers and failures from a list, with no network under it."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager

import attrs

from zadig_async.transport.base import ByteStream
from zadig_async.wire.call import AnyCall, Reply


@attrs.frozen
class After:
    """Wait some seconds, then do the rest."""

    seconds: float
    then: "Move"


Move = Reply | BaseException | After
"""What one attempt meets: an answer, a failure, or either after a while."""


@attrs.define
class _Bytes:
    head: Reply
    chunks: Sequence[bytes]

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for chunk in self.chunks:
            yield chunk


class ScriptedCarrier:
    """Answers each attempt with the next move, and further ones with `otherwise` or else the last move.

    A failure that is played twice is one object, whose traceback and notes grow: for many, give `otherwise`.

    Attributes:
        times: Loop time at which each attempt began, in seconds.
        sent: The call of each attempt.
        closed: How often `aclose` was called.
    """

    def __init__(self, *moves: Move, otherwise: Callable[[AnyCall], Move] | None = None) -> None:
        self._moves = list(moves)
        self._otherwise = otherwise
        self.times: list[float] = []
        self.sent: list[AnyCall] = []
        self.closed = 0

    async def send(self, call: AnyCall) -> Reply:
        self.times.append(asyncio.get_running_loop().time())
        self.sent.append(call)
        move = self._next(call)
        while isinstance(move, After):
            await asyncio.sleep(move.seconds)
            move = move.then
        if isinstance(move, BaseException):
            raise move
        return move

    @asynccontextmanager
    async def stream(self, call: AnyCall) -> AsyncIterator[ByteStream]:
        reply = await self.send(call)
        if reply.status == 200:
            yield _Bytes(attrs.evolve(reply, body=b""), [reply.body])
        else:
            yield _Bytes(reply, [])

    async def aclose(self) -> None:
        self.closed += 1

    def _next(self, call: AnyCall) -> Move:
        if self._otherwise is not None and not self._moves:
            return self._otherwise(call)
        return self._moves.pop(0) if len(self._moves) > 1 or self._otherwise else self._moves[0]
