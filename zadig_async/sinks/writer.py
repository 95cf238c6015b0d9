"""`BackgroundWriter`: writes text in a thread of its own, so that whoever reads it slowly stops nobody else.

A terminal stopped by Ctrl-S, a pipe nobody reads and a slow disk block whoever writes to them, for minutes or
for ever. The event loop polls and approves, so it must never be the one that waits there.
"""

import asyncio
import io
import os
import threading
import time
from collections import deque
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Protocol, Self

import attrs

from zadig_async.errors import ConfigError

ROOM: Final = 1 << 20
"""Bytes that may wait to be written before `BackgroundWriter.write` waits."""

_AT_ONCE: Final = 1 << 16
"""Bytes a target gets at once: as many as a pipe holds, so that no other target waits long for its turn."""

_FULL: Final = 0.02
"""Seconds until a stream that does not block, and takes nothing now, is tried again."""

_LAST: Final = 1.0
"""Seconds for what is still to be written when everything is cancelled."""


class UnwritableError(ConfigError):
    """A file or stream cannot be written any more. What was sent to the server stays sent."""

    hint = "Make room there, or name another place. What runs on the server goes on."


class Target(Protocol):
    """Somewhere text goes: a text stream, or anything like one. Used in the writer's thread only."""

    def write(self, text: str, /) -> object:
        """Write all of a text."""
        ...

    def flush(self) -> object:
        """Pass on what was written."""
        ...

    def close(self) -> object:
        """Write nothing more; called where somebody asked for it by `BackgroundWriter.close`."""
        ...


@attrs.define(eq=False)
class _Queue:
    """What waits to be written to one target."""

    target: Target
    pieces: deque[tuple[str, int]] = attrs.field(factory=deque)
    in_turn: bool = False
    closing: bool = False
    failure: str = ""
    gone: bool = False

    def take(self) -> tuple[str, int]:
        """Return as many pieces as are written at once, as one text, and their bytes."""
        texts, size = [], 0
        while self.pieces and size < _AT_ONCE:
            text, more = self.pieces.popleft()
            texts.append(text)
            size += more
        return "".join(texts), size

    def check(self) -> None:
        """Raise what went wrong earlier."""
        if self.failure:
            raise UnwritableError(self.failure)


class BackgroundWriter:
    """One thread that writes to any number of targets; texts of one target stay in their order.

    Targets take turns, but one that blocks keeps the others of its writer waiting: give those that must not
    wait for it a writer of their own. The thread begins with the first text. It never keeps a process alive,
    so a program that must lose nothing leaves the writer's context, or calls `aclose`.

    A reader that has gone away (`BrokenPipeError`) is no error: what is still to come for it goes nowhere.
    """

    def __init__(self, room: int = ROOM) -> None:
        """Prepare to write.

        Args:
            room: Bytes that may wait to be written before `write` waits.
        """
        self._room = room
        self._ready = threading.Condition()
        self._queues: dict[Target, _Queue] = {}
        self._turns: deque[_Queue] = deque()
        self._waiting = 0
        self._at_work = False
        self._over = False
        self._thread: threading.Thread | None = None
        self._failures: list[str] = []
        self._for_room: deque[asyncio.Future[None]] = deque()
        self._for_all: deque[asyncio.Future[None]] = deque()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None or not issubclass(kind, asyncio.CancelledError):
            await self.aclose()
            return
        # Told to stop at once: an ordinary terminal takes the rest, a stopped one is not waited for.
        with suppress(TimeoutError):
            async with asyncio.timeout(_LAST):
                await self.aclose()

    @property
    def waiting(self) -> int:
        """Bytes that are not written yet."""
        return self._waiting

    @property
    def failures(self) -> tuple[str, ...]:
        """What could not be written, in words that name the target; each target once."""
        return tuple(self._failures)

    def is_gone(self, target: Target) -> bool:
        """Whether a target's reader has gone away, as far as that was noticed."""
        queue = self._queues.get(target)
        return queue is not None and queue.gone

    async def write(self, target: Target, text: str) -> None:
        """Write a text, once there is room for it.

        Raises:
            UnwritableError: An earlier text could not be written to this target: it names the target.
        """
        while True:
            with self._ready:
                self._queue(target).check()
                if self._waiting <= self._room:
                    self._add(target, text)
                    return
                waiter = _waiter(self._for_room)
            await waiter

    def put(self, target: Target, text: str) -> None:
        """Write a text, room or not, and without a word where that cannot be done: for few texts only."""
        with self._ready:
            if not self._over:
                self._add(target, text)

    def close(self, target: Target) -> None:
        """Close a target once everything for it is written, and forget it; never waits."""
        with self._ready:
            queue = self._queues.pop(target, None) or _Queue(target)
            queue.closing = True
            self._take_turn(queue)

    async def flush(self) -> None:
        """Wait until nothing waits to be written."""
        with self._ready:
            if not self._turns and not self._at_work:
                return
            waiter = _waiter(self._for_all)
        await waiter

    async def aclose(self) -> None:
        """Write all that waits, and end the thread. Nothing may be written after it."""
        while not self._over:
            await self.flush()
            with self._ready:
                self._over = not self._turns and not self._at_work
                self._ready.notify()
        if self._thread is not None:
            self._thread.join()

    def _queue(self, target: Target) -> _Queue:
        return self._queues.setdefault(target, _Queue(target))

    def _add(self, target: Target, text: str) -> None:
        if not text:
            return
        queue = self._queue(target)
        size = len(text) if text.isascii() else len(text.encode("utf-8", "surrogatepass"))
        queue.pieces.append((text, size))
        self._waiting += size
        self._take_turn(queue)

    def _take_turn(self, queue: _Queue) -> None:
        if self._over:
            raise RuntimeError("this writer was closed")
        if not queue.in_turn:
            queue.in_turn = True
            self._turns.append(queue)
        if self._thread is None:
            self._thread = threading.Thread(target=self._work, name="zadig-async writer", daemon=True)
            self._thread.start()
        self._ready.notify()

    def _work(self) -> None:
        """Write what waits until there is nothing more to come; the thread's work."""
        while True:
            with self._ready:
                while not self._turns:
                    if self._over:
                        return
                    self._ready.wait()
                queue = self._turns.popleft()
                queue.in_turn = False
                text, size = queue.take()
                last = queue.closing and not queue.pieces
                self._at_work = True
            failure = _deliver(queue, text)
            if last:
                with suppress(OSError, ValueError):
                    queue.target.close()
            with self._ready:
                self._written(queue, size, failure, last=last)

    def _written(self, queue: _Queue, size: int, failure: str, *, last: bool) -> None:
        self._at_work = False
        self._waiting -= size
        if failure:
            queue.failure = failure
            self._failures.append(failure)
            self._waiting -= sum(more for _, more in queue.pieces)
            queue.pieces.clear()
        if queue.pieces or (queue.closing and not last):
            self._take_turn(queue)
        if self._waiting <= self._room:
            _wake(self._for_room)
        if not self._turns:
            _wake(self._for_all)


def mute(stream: Any) -> None:
    """Send what is still to come nowhere: whoever read it has gone.

    The file descriptor itself is turned, so that what is buffered already does not fail at exit either.
    """
    with Path(os.devnull).open("w", encoding="utf-8") as nowhere:
        os.dup2(nowhere.fileno(), stream.fileno())


def write_all(raw: io.RawIOBase, data: bytes) -> None:
    """Write all of some bytes, however few a stream takes at once, and whether or not it blocks.

    Raises:
        OSError: They could not be written.
    """
    left = memoryview(data)
    while left:
        taken = raw.write(left[:_AT_ONCE])
        if taken is None:  # somebody who shares the terminal has made it so that it does not block
            time.sleep(_FULL)
        else:
            left = left[taken:]


def _deliver(queue: _Queue, text: str) -> str:
    """Write a text to its target; return what went wrong in words, or an empty string."""
    if queue.gone or queue.failure or not text:
        return ""
    try:
        _write(queue.target, text)
    except BrokenPipeError:
        queue.gone = True
        with suppress(OSError, AttributeError):
            mute(queue.target)
    except OSError as error:
        return f"{_name(queue.target)}: {error.strerror or type(error).__name__}"
    except Exception as error:  # noqa: BLE001 - whatever a target does, the others must be written on
        return f"{_name(queue.target)}: it cannot be written ({type(error).__name__})"
    return ""


def _write(target: Target, text: str) -> None:
    """Write a text to a target, past the buffer where it has one.

    A thread that blocks in a buffer holds its lock, and the interpreter waits for that lock when it ends.
    Everybody else has to flush what they write to the stream themselves.
    """
    if isinstance(target, io.TextIOWrapper):
        buffer: object = target.buffer
        raw = buffer if isinstance(buffer, io.RawIOBase) else getattr(buffer, "raw", None)
        if isinstance(raw, io.RawIOBase):
            if os.linesep != "\n":
                text = text.replace("\n", os.linesep)
            write_all(raw, text.encode(target.encoding, target.errors or "strict"))
            return
    target.write(text)
    target.flush()


def _name(target: Target) -> str:
    name = str(getattr(target, "name", type(target).__name__))
    return {"<stdout>": "standard output", "<stderr>": "standard error"}.get(name, name)


def _waiter(waiters: "deque[asyncio.Future[None]]") -> "asyncio.Future[None]":
    waiter = asyncio.get_running_loop().create_future()
    waiters.append(waiter)
    return waiter


def _wake(waiters: "deque[asyncio.Future[None]]") -> None:
    """Let everybody go on who waits; called in the writer's thread."""
    while waiters:
        waiter = waiters.popleft()
        with suppress(RuntimeError):  # its event loop has been closed meanwhile
            waiter.get_loop().call_soon_threadsafe(_go_on, waiter)


def _go_on(waiter: "asyncio.Future[None]") -> None:
    if not waiter.done():
        waiter.set_result(None)
