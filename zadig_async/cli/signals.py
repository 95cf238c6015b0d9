"""Ctrl-C and SIGTERM: stop watching first, then at once, then by force.

The first signal stops all writing and watching in order; the second cancels what still waits; the third, or
20 seconds after the first, ends the process. Tasks on the server are never stopped by any of them.
"""

import asyncio
import os
import signal
import threading
from collections.abc import Callable
from types import FrameType, TracebackType
from typing import Any, Final, Self

from zadig_async.cli.exits import ExitCode

_PATIENCE: Final = 20.0
"""Seconds from the first signal until the process is ended by force: CI systems kill soon after."""

_LAST_WORDS: Final = 1.0
"""Seconds the terminal is given to take what is said last."""

_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM)


class Ladder:
    """Handles signals while its context is open, in the main thread; elsewhere it does nothing.

    Attributes:
        count: How many signals came.
    """

    def __init__(self, detach: Callable[[], None], last: Callable[[], tuple[str, ExitCode]]) -> None:
        """Prepare; must be entered within a task of the event loop.

        Args:
            detach: Called in the event loop after the first signal.
            last: Returns what to say before the process is ended by force, and the exit code; it must be
                quick and safe at any moment.
        """
        self.count = 0
        self._detach = detach
        self._last = last
        self._before: dict[signal.Signals, Any] = {}
        self._timer: threading.Timer | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._task: asyncio.Task[Any] | None = None

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():
            self._loop = asyncio.get_running_loop()
            self._task = asyncio.current_task()
            # Not loop.add_signal_handler: this works on Windows too, and when the loop hangs.
            self._before = {number: signal.signal(number, self._handle) for number in _SIGNALS}
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._task = None
        if not self.count:
            # After a signal the program is ending, and another one must not end it with Python's own code.
            for number, handler in self._before.items():
                signal.signal(number, handler)
        if self._timer is not None:
            self._timer.cancel()

    def _handle(self, _number: int, _frame: FrameType | None) -> None:
        self.count += 1
        if self._loop is None or self._task is None or self.count >= 3:
            self._end()
        elif self.count == 1:
            self._timer = threading.Timer(_PATIENCE, self._end)
            self._timer.daemon = True
            self._timer.start()
            self._loop.call_soon_threadsafe(self._detach)
        else:
            self._loop.call_soon_threadsafe(self._task.cancel)

    def _end(self) -> None:
        """End the process without waiting for anything."""
        code = ExitCode.DETACHED
        try:
            text, code = self._last()
            words = f"\n{text}\n".encode(errors="backslashreplace")
            writing = threading.Thread(target=os.write, args=(2, words), daemon=True)
            writing.start()
            writing.join(_LAST_WORDS)  # a terminal that was stopped takes them never
        finally:
            os._exit(code)
