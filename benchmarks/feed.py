"""`Feed`: one log stream while it is sent, and the few things a stream can be told to do."""

import asyncio
from collections.abc import Iterator
from typing import Final

from benchmarks.logs import HEAD, HELD, LAST_CHUNK, PACED, PREFIX, blocks, line_chunk

RELEASE: Final = b"/release"
"""Where to ask that every stream still open be ended."""


class Feed:
    """Sends one stream: lines as fast as its reader takes them, then what the job's name asks for."""

    open: Final[set["Feed"]] = set()
    """Those that wait to be released."""

    def __init__(self, transport: asyncio.Transport, target: bytes) -> None:
        """Prepare to answer a request for `target`, which starts with `PREFIX`; `go_on` begins."""
        _, _, job, lines = target.removeprefix(PREFIX).split(b"/")
        self._transport = transport
        self._job = job.decode()
        self._lines = int(lines)
        self._ends = self._job != HELD and not self._job.startswith(PACED)
        self._blocks = self._pieces()
        self._timer: asyncio.TimerHandle | None = None
        self._paused = False

    def _pieces(self) -> Iterator[bytes]:
        yield HEAD
        yield from blocks(self._job, self._lines)
        if self._ends:
            yield LAST_CHUNK

    def pause(self) -> None:
        """Stop sending: the reader is slow."""
        self._paused = True

    def go_on(self) -> None:
        """Send until the reader is slow or nothing is left."""
        self._paused = False
        while not self._paused:
            block = next(self._blocks, None)
            if block is None:
                self._keep()
                return
            self._transport.write(block)

    def _keep(self) -> None:
        if self._ends or self in Feed.open:
            return
        Feed.open.add(self)
        if self._job.startswith(PACED):
            seconds = 1 / float(self._job.removeprefix(PACED))
            # Streams that were opened together must not all have a line at the same moment.
            self._tick(seconds, asyncio.get_running_loop().time() + seconds * (len(Feed.open) * 0.618 % 1))

    def _tick(self, seconds: float, due: float) -> None:
        def send() -> None:
            self._lines += 1
            if not self._paused:
                self._transport.write(line_chunk(self._lines))
            self._tick(seconds, due + seconds)

        self._timer = asyncio.get_running_loop().call_at(due, send)

    def stop(self) -> None:
        """Send no more: the connection is gone, or the body has ended."""
        self._ends = True
        Feed.open.discard(self)
        if self._timer is not None:
            self._timer.cancel()

    @classmethod
    def release(cls) -> None:
        """End the body of every stream that is held open."""
        for feed in list(cls.open):
            feed._transport.write(LAST_CHUNK)
            feed.stop()
