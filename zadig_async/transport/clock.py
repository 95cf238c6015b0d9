"""`ServerClock`: what time it is where Zadig runs, from the `Date` header of its answers."""

import email.utils

_Mark = tuple[str, float]


class ServerClock:
    """Remembers the newest `Date` header; it is read only when somebody asks, since every answer has one."""

    __slots__ = ("_mark",)

    def __init__(self) -> None:
        self._mark: _Mark | None = None

    def note(self, date: str, at: float) -> None:
        """Remember a header.

        Args:
            date: The header as received.
            at: When it was received, in seconds of a clock that never jumps.
        """
        if date:
            self._mark = (date, at)

    def now(self, at: float) -> float | None:
        """Return the server's time in Unix seconds, true to a second or two, or None where it is not known.

        Args:
            at: The present moment by the clock of `note`.
        """
        if self._mark is None:
            return None
        date, noted = self._mark
        try:
            return email.utils.parsedate_to_datetime(date).timestamp() + (at - noted)
        except (ValueError, TypeError, OverflowError):
            return None
