"""The clocks a world can run on: the event loop's time (scaled if wished), or a hand that turns it."""

import asyncio
import contextlib
import heapq
import itertools
import time
from typing import Protocol

__all__ = ["Clock", "LoopClock", "ManualClock"]


class Clock(Protocol):
    """World time: seconds since the Unix epoch, as the emulated server sees them."""

    def now(self) -> float:
        """The present moment of the world, in Unix seconds."""

    async def sleep(self, world_seconds: float) -> None:
        """Wait until `world_seconds` of world time have passed; zero or less yields once."""


class LoopClock:
    """World time that follows the running event loop, `speed` world seconds per loop second.

    It reads `loop.time()` and waits with `asyncio.sleep`, so it also works on a virtual-time loop. The loop
    is looked up at the first use, therefore the clock may be built before the loop runs.
    """

    __slots__ = ("_origin", "_speed", "_start")

    def __init__(self, start: float | None = None, speed: float = 1.0) -> None:
        if speed <= 0:
            raise ValueError(f"speed must be positive, not {speed}")
        self._start = time.time() if start is None else start
        self._speed = speed
        self._origin: float | None = None

    def now(self) -> float:
        """The present moment of the world, in Unix seconds."""
        present = asyncio.get_running_loop().time()
        if self._origin is None:
            self._origin = present
        return self._start + (present - self._origin) * self._speed

    async def sleep(self, world_seconds: float) -> None:
        """Wait until `world_seconds` of world time have passed."""
        self.now()  # fixes the origin even if nobody has asked for the time yet
        await asyncio.sleep(max(0.0, world_seconds) / self._speed)


class ManualClock:
    """World time that moves only when `advance` is called, which makes every run of a test the same."""

    __slots__ = ("_now", "_order", "_sleepers")

    def __init__(self, start: float = 1_750_000_000.0) -> None:
        self._now = start
        self._order = itertools.count()
        self._sleepers: list[tuple[float, int, asyncio.Future[None]]] = []

    def now(self) -> float:
        """The present moment of the world, in Unix seconds."""
        return self._now

    def advance(self, seconds: float) -> None:
        """Move time forward and wake everyone whose moment has come, earliest first."""
        if seconds < 0:
            raise ValueError(f"time cannot go back, not even by {-seconds} s")
        self._now += seconds
        while self._sleepers and self._sleepers[0][0] <= self._now:
            _, _, sleeper = heapq.heappop(self._sleepers)
            if not sleeper.done() and not sleeper.get_loop().is_closed():
                sleeper.set_result(None)

    async def sleep(self, world_seconds: float) -> None:
        """Wait until `advance` has moved time by at least `world_seconds`."""
        if world_seconds <= 0:
            await asyncio.sleep(0)
            return
        sleeper: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        entry = (self._now + world_seconds, next(self._order), sleeper)
        heapq.heappush(self._sleepers, entry)
        try:
            await sleeper
        finally:
            if not sleeper.done() or sleeper.cancelled():
                with contextlib.suppress(ValueError):
                    self._sleepers.remove(entry)
                    heapq.heapify(self._sleepers)
