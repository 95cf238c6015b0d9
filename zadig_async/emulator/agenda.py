"""The world's diary: things that will happen, each at its exact moment, in a fixed order."""

import heapq
import itertools
from collections.abc import Callable

__all__ = ["Agenda"]


class Agenda:
    """A time-ordered list of actions. Actions at the same moment run in the order they were written down."""

    __slots__ = ("_entries", "_now", "_order")

    def __init__(self, start: float) -> None:
        self._now = start
        self._order = itertools.count()
        self._entries: list[tuple[float, int, Callable[[], None]]] = []

    @property
    def now(self) -> float:
        """The moment the world has reached, in Unix seconds."""
        return self._now

    def at(self, moment: float, action: Callable[[], None]) -> None:
        """Run `action` at `moment`; a moment already gone means as soon as possible."""
        heapq.heappush(self._entries, (max(moment, self._now), next(self._order), action))

    def after(self, seconds: float, action: Callable[[], None]) -> None:
        """Run `action` in `seconds`."""
        self.at(self._now + seconds, action)

    def next_moment(self) -> float | None:
        """When something will happen next, or None if nothing is planned."""
        return self._entries[0][0] if self._entries else None

    def advance(self, to: float) -> None:
        """Let everything happen that should have happened up to and including `to`."""
        while self._entries and self._entries[0][0] <= to:
            moment, _, action = heapq.heappop(self._entries)
            self._now = max(self._now, moment)
            action()
        self._now = max(self._now, to)
