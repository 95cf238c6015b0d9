"""What an archive adds to what was told, and whether the two are one log: pure, in bounded memory.

The archive is read once, from its start. Each part of what was told has to stand in it, in order: the first
at its very start, each further one after the lines that its hole swallowed, which are found that way. What
follows the last part was not told yet.

An archive may begin later than the log, because the kubelet had thrown away the beginning by the time the
archive was made (Zadig v4.1.0 .../jobcontroller/kubernetes.go, saveContainerLog reads the container's log at
the job's end). Then only its end is compared.
"""

import itertools
from collections import deque
from enum import Enum, auto, unique
from typing import Final

import attrs

from zadig_async.orchestrator.logs.search import Search
from zadig_async.orchestrator.logs.told import MARK, Digest, Part, Told
from zadig_async.wire.loglines import LogLine

_ANCHOR: Final = 64
"""Newest lines told by which the end of what was told is found in an archive that differs before."""

_HELD: Final = 16_777_216
"""Characters of lines to hold back until the part after a hole is found: more than that is no hole."""


_OTHERWISE: Final = "the archive begins otherwise"


@unique
class _State(Enum):
    VERIFYING = auto()
    SEEKING = auto()
    ANCHORING = auto()
    ADDING = auto()


@attrs.frozen
class Found:
    """Lines of an archive that were not told yet.

    Attributes:
        lines: The lines.
        prints: Their fingerprints.
        fills: The part whose hole they fill, or None where they follow all that was told.
    """

    lines: list[LogLine]
    prints: list[str]
    fills: Part | None = None


class Comparison:
    """Compares one reading of an archive with what was told.

    What it finds is for the caller to tell, and to add to `told`, before the next lines are fed.
    """

    def __init__(self, told: Told) -> None:
        """Prepare to read an archive from its start."""
        self._told = told
        self._parts = list(told.parts)
        self._anchor = list(told.newest)[-_ANCHOR:]
        self._at = 0
        self._digest = Digest()
        self._differs = ""
        self._same_until = 0
        self._lines = 0
        self._recent: deque[int] = deque(maxlen=_ANCHOR)
        self._held: list[LogLine] = []
        self._held_prints: list[str] = []
        self._size = 0
        self._begin(first=True)

    def _begin(self, *, first: bool = False) -> None:
        """Turn to the present part, or to what follows the last one."""
        if self._at == len(self._parts):
            self._state = _State.ADDING
            return
        part = self._parts[self._at]
        self._left = part.count
        self._same = Part(None)
        self._seen: list[int] = []
        if first and self._told.from_start:
            self._state = _State.VERIFYING
        elif not part.count:  # a hole at the very end: whatever follows is what it swallowed
            self._state = _State.ADDING
        else:
            self._state = _State.SEEKING
            self._search = Search(part.head)
        if self._state is _State.VERIFYING and not part.count:
            self._at += 1
            self._begin()

    def feed(self, lines: list[LogLine], prints: list[str]) -> list[Found]:
        """Take the next lines of the archive; return those that were not told yet, in order.

        Args:
            lines: The lines.
            prints: Their fingerprints.
        """
        found: list[Found] = []
        self._digest.add(prints)
        self._lines += len(lines)
        while lines:
            match self._state:
                case _State.VERIFYING:
                    taken = self._verify(prints)
                case _State.SEEKING:
                    taken = self._seek(lines, prints, found)
                case _State.ANCHORING:
                    taken = self._look_for_anchor(prints)
                case _State.ADDING:
                    fills = self._parts[-1] if self._hole_at_end() else None
                    found.append(Found(lines, prints, fills))
                    return found
            lines, prints = lines[taken:], prints[taken:]
        return found

    def _hole_at_end(self) -> bool:
        return self._at < len(self._parts) and not self._parts[self._at].filled

    def _verify(self, prints: list[str]) -> int:
        part = self._parts[self._at]
        taken = prints[: self._left]
        hashes = [hash(each) for each in taken]
        if len(self._seen) < len(part.head):
            self._seen += hashes[: len(part.head) - len(self._seen)]
            if self._seen != part.head[: len(self._seen)]:
                self._differ(_OTHERWISE if self._at == 0 else "the archive differs")
                return 0
        self._recent.extend(hashes)
        self._same.add(taken)
        self._left -= len(taken)
        marks = len(self._same.marks)
        if self._same.marks[-1:] != part.marks[max(0, marks - 1) : marks]:
            self._differ("the archive differs")
            if not self._left:
                self._resume_if_in_step()
        elif not self._left:
            if self._same.digest.hex != part.digest.hex:
                self._differ("the archive differs")
                self._resume_if_in_step()
            else:
                self._at += 1
                self._begin()
        return len(taken)

    def _differ(self, how: str) -> None:
        """Note that the archive is not what was told, and look only for the end of that from now on."""
        if not self._differs:
            self._differs = how
            self._same_until = self._told_before() + self._equal_marks() * MARK
        self._state = _State.ANCHORING
        self._search = Search(self._anchor)

    def _told_before(self) -> int:
        return sum(part.count for part in self._parts[: self._at])

    def _equal_marks(self) -> int:
        pairs = zip(self._same.marks, self._parts[self._at].marks, strict=False)
        return sum(1 for _ in itertools.takewhile(lambda pair: pair[0] == pair[1], pairs))

    def _resume_if_in_step(self) -> None:
        """Where the lines just before are the newest ones told, what follows them is new all the same."""
        if self._at == len(self._parts) - 1 and list(self._recent)[-len(self._anchor) :] == self._anchor:
            self._at = len(self._parts)
            self._state = _State.ADDING

    def _look_for_anchor(self, prints: list[str]) -> int:
        for index, each in enumerate(prints):
            if self._search.found(hash(each)):
                self._at = len(self._parts)
                self._state = _State.ADDING
                return index + 1
        return len(prints)

    def _seek(self, lines: list[LogLine], prints: list[str], found: list[Found]) -> int:
        """Look for the first lines of a part; those before it are what its hole swallowed."""
        part = self._parts[self._at]
        for index, each in enumerate(prints):
            self._held.append(lines[index])
            self._held_prints.append(each)
            self._size += len(lines[index].text)
            if self._search.found(hash(each)):
                missing = len(self._held) - len(part.head)
                if self._at and not part.filled:
                    found.append(Found(self._held[:missing], self._held_prints[:missing], part))
                head = self._held_prints[missing:]
                if not self._at:
                    self._digest = Digest()
                    self._digest.add([*head, *prints[index + 1 :]])
                self._drop_held()
                self._state = _State.VERIFYING
                self._verify(head)
                return index + 1
            if self._size > _HELD and self._at:
                self._drop_held()
                self._differ("what follows a gap is not in the archive")
                return index + 1
            if not self._at:  # before the place from which the log was asked for: nobody wants it
                self._trim_held(len(part.head))
        return len(prints)

    def _trim_held(self, kept: int) -> None:
        if len(self._held) > kept:
            self._size -= len(self._held[0].text)
            del self._held[0], self._held_prints[0]

    def _drop_held(self) -> None:
        self._held, self._held_prints, self._size = [], [], 0

    @property
    def empty(self) -> bool:
        """Whether the archive has no line."""
        return not self._lines

    @property
    def digest(self) -> str:
        """Digest of the archive's lines, from where the log was begun."""
        return self._digest.hex

    @property
    def same_until(self) -> int:
        """How many lines told are the archive's for certain, where it differs."""
        if self._differs == _OTHERWISE and self.short:
            return self._told.count  # or it begins behind all that was told
        if self._differs or self._at == len(self._parts):
            return self._same_until
        return self._told_before() + self._equal_marks() * MARK

    @property
    def short(self) -> bool:
        """Whether the archive ended before all that was told: perhaps it is not the last one."""
        return self._state is not _State.ADDING

    @property
    def differs(self) -> str:
        """In what the archive is another log than what was told, or an empty text."""
        if self._differs or not self.short:
            return self._differs
        return "the archive ends earlier than what was told"

    @property
    def begins_later(self) -> bool:
        """Whether the archive only lacks the beginning, as far as can be told."""
        return self._differs == _OTHERWISE and not self.short
