"""A carrier that serves one job's log as Zadig does, in virtual time and without a world around it.

The harness at hand for what the emulator cannot do quickly: tens of thousands of lines, cut at will.
"""

import asyncio
import random
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Final

import attrs

from zadig_async.errors import TransportError
from zadig_async.wire.call import AnyCall, Reply

_LIVE: Final = "/openapi/logs/sse/v4/workflow/"
_ARCHIVED: Final = "/openapi/logs/log/v4/workflow/"
_SSE: Final = {"content-type": "text/event-stream"}


@attrs.frozen
class Cut:
    """How one opened stream ends before its time.

    Attributes:
        lines: After how many lines, or None.
        seconds: After how many seconds, or None.
        silent: Whether it goes silent instead of breaking: nobody says that the connection is dead.
    """

    lines: int | None = None
    seconds: float | None = None
    silent: bool = False


@attrs.define
class LogServer:
    """Serves a log that is written as time passes.

    Attributes:
        lines: When each line is written, in seconds of the event loop, and what it says.
        ended: When the job ends.
        cuts: How the streams end, in the order in which they are opened; the rest is not cut.
        rotated: After how many lines the file is begun anew, or None: what was before is gone.
        ignores_tail: Whether the whole log is sent whatever was asked for.
        archive_after: Seconds from the job's end to its archive, or None for never.
        archive: Turns the archived lines into what is served.
        opened: How many lines each opened stream was asked for, in order.
        batch: Most lines to send in one piece.
    """

    lines: Sequence[tuple[float, str]]
    ended: float
    cuts: list[Cut] = attrs.field(factory=list)
    rotated: int | None = None
    ignores_tail: bool = False
    archive_after: float | None = 3.0
    archive: Callable[[list[str]], list[str]] = list
    opened: list[int] = attrs.field(factory=list)
    batch: int = 50

    async def send(self, call: AnyCall) -> Reply:
        raise TransportError("only logs are served", call=call.label)

    @asynccontextmanager
    async def stream(self, call: AnyCall) -> AsyncIterator["_Bytes"]:
        if call.target.startswith(_LIVE):
            asked = int(call.target.rsplit("/", 1)[1])
            cut = self.cuts[len(self.opened)] if len(self.opened) < len(self.cuts) else Cut()
            self.opened.append(asked)
            yield _Bytes(Reply(200, _SSE, b""), self._live(asked, cut))
        else:
            assert call.target.startswith(_ARCHIVED)
            yield _Bytes(Reply(200, {"content-type": "text/plain"}, b""), self._archived())

    async def aclose(self) -> None:
        return

    def _begins(self, written: int) -> int:
        """Return the first line that is still in the file once so many were written."""
        return 0 if self.rotated is None or not written else (written - 1) // self.rotated * self.rotated

    async def _live(self, asked: int, cut: Cut) -> AsyncIterator[bytes]:
        loop = asyncio.get_running_loop()
        opened = loop.time()
        written = self._written(opened)
        first = self._begins(written)
        if asked > 0 and not self.ignores_tail:
            first = max(first, written - asked)
        sent = 0
        while first + sent < len(self.lines):
            if cut.lines is not None and sent >= cut.lines:
                break
            at = self.lines[first + sent][0]
            if cut.seconds is not None and max(at, loop.time()) > opened + cut.seconds:
                await asyncio.sleep(max(0.0, opened + cut.seconds - loop.time()))
                break
            await asyncio.sleep(max(0.0, at - loop.time()))
            now = self._written(loop.time())
            piece = self.lines[first + sent : min(now, first + sent + self.batch)]
            if cut.lines is not None:
                piece = piece[: cut.lines - sent]
            sent += len(piece)
            yield b"".join(frame(text) for _, text in piece)
        else:
            await asyncio.sleep(3600.0)
        if cut.silent:
            await asyncio.sleep(3600.0)
        raise TransportError("the connection was cut")

    def _written(self, now: float) -> int:
        low, high = 0, len(self.lines)
        while low < high:
            middle = (low + high) // 2
            low, high = (middle + 1, high) if self.lines[middle][0] <= now else (low, middle)
        return low

    async def _archived(self) -> AsyncIterator[bytes]:
        now = asyncio.get_running_loop().time()
        if self.archive_after is None or now < self.ended + self.archive_after:
            return
        kept = self.archive([text for _, text in self.lines[self._begins(len(self.lines)) :]])
        body = "".join(f"{text}\n" for text in kept).encode()
        for start in range(0, len(body), 10_000):
            yield body[start : start + 10_000]


@attrs.frozen
class _Bytes:
    head: Reply
    pieces: AsyncIterator[bytes]

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self.pieces


def frame(text: str) -> bytes:
    """One line as the server streams it; of a job container, without carriage returns."""
    return f"event:message\ndata:{text.strip()}\n\n".encode()


def a_log(seed: int, count: int, begun: float, seconds: float) -> list[tuple[float, str]]:
    """Make a log as jobs write them: steps, blank lines, the same line many times, blocks that come again."""
    chance = random.Random(seed)
    texts = ["====================== job-executor Start ======================"]
    block = [f"block line {number}" for number in range(37)]
    while len(texts) < count:
        match chance.randrange(6):
            case 0:
                texts += ["waiting for the pod"] * chance.randrange(1, 60)
            case 1:
                texts += block
            case 2:
                texts += [""] * chance.randrange(1, 3)
            case _:
                texts += [f"  step {len(texts)} of {count} 部署" for _ in range(chance.randrange(1, 200))]
    del texts[count:]
    moments = sorted(begun + chance.random() * seconds for _ in texts)
    return list(zip(moments, texts, strict=True))
