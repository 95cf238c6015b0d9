"""How long a stream may be silent: it costs each line a look at the clock, and no timer."""

import asyncio
from collections.abc import Callable
from types import TracebackType
from typing import Final, Self

_WHILE_BUSY: Final = 1.0
"""Seconds until the next look while we do not listen."""


class Patience:
    """Ends what its context awaits with `TimeoutError` once nothing was heard for longer than a limit.

    The limit is asked for anew each time it could have passed, and after each `look`.
    """

    def __init__(self, limit: Callable[[float], float]) -> None:
        """Prepare.

        Args:
            limit: Gets the time something was heard last, and returns until when to wait, both by the event
                loop's clock.
        """
        self._limit = limit
        self._loop = asyncio.get_running_loop()
        self._timeout = asyncio.timeout(None)
        self._timer: asyncio.TimerHandle | None = None
        self._heard = self._loop.time()
        self._busy = False

    def heard(self) -> None:
        """Take note that something was heard, or that we listen again."""
        self._heard = self._loop.time()
        self._busy = False

    def busy(self) -> None:
        """Take note that for now we do not listen, because whoever reads us is slow: that is no silence.

        What is awaited from here to `heard` is never ended.
        """
        self._busy = True
        if self._timer is None:  # it was about to be ended
            self._timeout.reschedule(None)
            self._timer = self._loop.call_later(_WHILE_BUSY, self._check)

    def look(self) -> None:
        """Ask for the limit now: it may have become shorter."""
        if self._timer is None:
            return
        self._timer.cancel()
        self._check()

    def _check(self) -> None:
        now = self._loop.time()
        if self._busy:
            self._timer = self._loop.call_later(_WHILE_BUSY, self._check)
        elif (due := self._limit(self._heard)) <= now:
            self._timer = None
            self._timeout.reschedule(now)
        else:
            self._timer = self._loop.call_at(due, self._check)

    async def __aenter__(self) -> Self:
        await self._timeout.__aenter__()
        self._timer = self._loop.call_later(0, self._check)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        await self._timeout.__aexit__(kind, error, trace)
