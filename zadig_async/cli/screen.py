"""`Screen`: standard output and standard error, written in the background.

While tasks are watched, nothing may wait for whoever reads what is written: see `sinks.writer`.
"""

import asyncio
import io
import sys
from collections.abc import Iterable
from contextlib import suppress
from types import TracebackType
from typing import Final, Self

from zadig_async.sinks.writer import ROOM, BackgroundWriter

_IN_ORDER: Final = 1.0
"""Seconds for which remarks wait for the results before them, so that a terminal shows both in order."""

_LAST: Final = 1.0
"""Seconds for what is said last."""


class Screen:
    """Where results and remarks go. A standard output that is stuck does not hold remarks back."""

    def __init__(self, room: int = ROOM) -> None:
        """Prepare.

        Args:
            room: Bytes of results that may wait to be written before `write` waits.
        """
        self._out = BackgroundWriter(room)
        self._err = BackgroundWriter()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            await self._out.__aexit__(kind, error, trace)
        except asyncio.CancelledError as cancelled:
            await self._err.__aexit__(type(cancelled), cancelled, cancelled.__traceback__)
            raise
        for failure in self._out.failures:
            self.remark(f"{failure}. What was to be printed is lost.")
        await self._err.__aexit__(kind, error, trace)

    @property
    def behind(self) -> bool:
        """Whether results wait to be written."""
        return self._out.waiting > 0

    @property
    def unread(self) -> bool:
        """Whether whoever read the results has gone away."""
        return self._out.is_gone(sys.stdout)

    async def write(self, text: str) -> None:
        """Write text of logs as a result; waits while too much is waiting.

        Raises:
            UnwritableError: Standard output cannot be written.
        """
        await self._out.write(sys.stdout, text)

    def put(self, text: str) -> None:
        """Write text as a result, and never wait."""
        self._out.put(sys.stdout, text)

    def say(self, text: str = "") -> None:
        """Write a line of result, and never wait."""
        self.put(f"{text}\n")

    def say_lines(self, lines: Iterable[str]) -> None:
        """Write lines of result, and never wait."""
        self.put("".join([f"{line}\n" for line in lines]))

    def remark(self, text: str) -> None:
        """Write a line for the person watching, to standard error, and never wait."""
        self._err.put(sys.stderr, f"{text}\n")

    async def in_order(self) -> None:
        """Wait a moment for the results to be written, so that remarks come after them."""
        with suppress(TimeoutError):
            async with asyncio.timeout(_IN_ORDER):
                await self._out.flush()


async def last_words(text: str) -> None:
    """Write a line to standard error before the end; one that takes nothing is waited for a moment only."""
    writer = BackgroundWriter()
    writer.put(sys.stderr, f"{text}\n")
    with suppress(TimeoutError):
        async with asyncio.timeout(_LAST):
            await writer.aclose()


class Ink(io.TextIOBase):
    """Standard output as a file for whoever wants to write to a terminal directly; it never blocks."""

    def __init__(self, screen: Screen) -> None:
        self._screen = screen

    @property
    def encoding(self) -> str:  # type: ignore[override]  # typeshed has it as an attribute
        """The encoding of standard output."""
        return sys.stdout.encoding

    def write(self, text: str, /) -> int:
        """Write text."""
        self._screen.put(text)
        return len(text)

    def writable(self) -> bool:
        """Whether it can be written."""
        return True

    def isatty(self) -> bool:
        """Whether it is a terminal."""
        return sys.stdout.isatty()

    def fileno(self) -> int:
        """Return the descriptor of the terminal, to ask it for its size."""
        return sys.stdout.fileno()
