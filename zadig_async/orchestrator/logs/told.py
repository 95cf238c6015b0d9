"""What was told of one log: enough to go on from, and to compare with an archive, in bounded memory.

Lines are remembered by hashes: the newest `WINDOW` of them, the first `HEAD` of each unbroken part, and one
running digest for each part. A log of any length takes the same memory; a hole takes some hundred bytes.
"""

from collections import deque
from collections.abc import Iterable, Sequence
from hashlib import blake2b
from typing import Final

import attrs

from zadig_async.model.log import LogGap
from zadig_async.wire.loglines import LogLine, normalise_line

WINDOW: Final = 4096
"""Newest lines remembered one by one: the longest overlap by which a replay can be recognised."""

HEAD: Final = 16
"""First lines of each part remembered one by one: what the part is found by in an archive."""

MARK: Final = 1024
"""Lines after which a part remembers its digest so far, so that a difference can be placed."""

_COMPARED: Final = 262_144
"""Characters of a line that count. A longer one reaches us cut, and not at the same place every time."""


def fingerprint(text: str) -> str:
    """Return what two sights of one line of a log have in common: what the server trims is left out.

    Args:
        text: The line, credentials masked.
    """
    text = normalise_line(text)
    return text if len(text) <= _COMPARED else text[:_COMPARED]


def fingerprints(lines: Iterable[LogLine]) -> list[str]:
    """Return the fingerprints of lines."""
    return [fingerprint(line.text) for line in lines]


class Digest:
    """A digest of lines: BLAKE2b, 16 bytes, each fingerprint followed by a line feed."""

    __slots__ = ("_state",)

    def __init__(self) -> None:
        self._state = blake2b(digest_size=16)

    def add(self, prints: Sequence[str]) -> None:
        """Add fingerprints."""
        if prints:
            self._state.update(("\n".join(prints) + "\n").encode("utf-8", "surrogatepass"))

    def copy(self) -> "Digest":
        """Return one that goes on from here by itself."""
        made = Digest()
        made._state = self._state.copy()
        return made

    @property
    def hex(self) -> str:
        """The digest so far."""
        return self._state.hexdigest()


@attrs.define(eq=False)
class Part:
    """Lines that follow each other without a hole.

    Attributes:
        gap: The hole before it; None for the first part of a log that was told from its start.
        filled: Whether the lines of that hole have been told since.
        count: How many lines it has.
        head: Hashes of its first lines, at most `HEAD`.
        digest: Digest of all of them.
        marks: Hashes of that digest after each `MARK` lines.
    """

    gap: LogGap | None
    filled: bool = False
    count: int = 0
    head: list[int] = attrs.field(factory=list)
    digest: Digest = attrs.field(factory=Digest)
    marks: list[int] = attrs.field(factory=list)

    def add(self, prints: Sequence[str]) -> None:
        """Take fingerprints of lines that follow those before."""
        until = MARK - self.count % MARK
        while len(prints) >= until:
            self.digest.add(prints[:until])
            self.count += until
            self.marks.append(hash(self.digest.hex))
            prints = prints[until:]
            until = MARK
        self.digest.add(prints)
        self.count += len(prints)


class Told:
    """The lines of one log that were told.

    Attributes:
        count: How many lines were told in order.
        fills: How many more were told late, to fill holes.
        parts: Its unbroken parts, at least one; the last is the one that grows.
        newest: Hashes of the newest lines.
        from_start: Whether the first line told is the log's first.
    """

    __slots__ = ("_whole", "count", "fills", "from_start", "newest", "parts")

    def __init__(self, *, from_start: bool = True) -> None:
        self.from_start = from_start
        self.count = 0
        self.fills = 0
        self.newest: deque[int] = deque(maxlen=WINDOW)
        self.parts = [Part(None)]
        self._whole: Digest | None = None

    def add(self, prints: Sequence[str]) -> None:
        """Take fingerprints of lines that follow those before."""
        hashes = [hash(each) for each in prints]
        part = self.parts[-1]
        if len(part.head) < HEAD:
            part.head += hashes[: HEAD - len(part.head)]
        part.add(prints)
        if self._whole is not None:
            self._whole.add(prints)
        self.newest.extend(hashes)
        self.count += len(prints)

    def miss(self, count: int | None = None) -> LogGap:
        """Take note of a hole: what is added from now on comes after it.

        Args:
            count: How many lines are missing, or None.
        """
        last = self.parts[-1]
        if last.gap is not None and not last.count:  # nothing was told since the hole before: it is one hole
            known = None if count is None or last.gap.count is None else last.gap.count + count
            last.gap = LogGap(self.count, known)
            return last.gap
        if self._whole is None:
            self._whole = last.digest.copy()
        gap = LogGap(self.count, count)
        self.parts.append(Part(gap))
        return gap

    def fill(self, part: Part, lines: int) -> None:
        """Take note that the hole before a part was filled with so many lines."""
        part.filled = True
        self.fills += lines

    @property
    def exact(self) -> bool:
        """Whether `count` is the place in the log at which it stands."""
        return self.from_start and len(self.parts) == 1

    @property
    def gaps(self) -> tuple[LogGap, ...]:
        """The holes that were not filled."""
        return tuple(part.gap for part in self.parts if part.gap is not None and not part.filled)

    @property
    def digest(self) -> Digest:
        """Digest of the lines in the order in which they were told, fills left out."""
        return self.parts[0].digest if self._whole is None else self._whole
