"""Where a replay goes on from what was told: pure sequence alignment.

A stream that broke is opened again with some of its last lines replayed, or all of them, and nothing in it
says where the replay stands. So it is laid over the newest lines told. A place counts only if it is the one
place: where a log repeats itself so that the replay would fit twice, or fits by few lines, the answer is not
guessed but `lost`, and the caller asks for a longer replay. That of the whole log has its place by itself,
as long as it does begin with the log's first line: the kubelet throws away the beginning of long logs.

The server may send the whole log whatever was asked for: it does for jobs on VMs, and for deploy jobs from
v4.2 on (Zadig v4.2.0 .../core/log/service/sse.go, waitVmAndGetLog and waitAndGetDeployLog).
"""

from enum import Enum, auto, unique
from typing import Final

from zadig_async.orchestrator.logs.search import Search
from zadig_async.orchestrator.logs.told import HEAD, WINDOW, Digest, Told
from zadig_async.wire.loglines import LogLine

WHOLE: Final = 0
"""As `asked`: the whole log."""

_HELD: Final = 8_388_608
"""Characters of lines to hold back while it is not clear yet whether they are new."""

_TRUSTED: Final = 64
"""Lines by which a place is believed: a log may print a shorter block of lines again and again."""

Lines = tuple[list[LogLine], list[str]]
"""Lines, and their fingerprints."""


@unique
class State(Enum):
    """How far a splice is."""

    SEEKING = auto()
    """It is not clear yet where the replay stands."""
    SKIPPING = auto()
    """The replay stands at the log's start; lines told before are passed over."""
    OPEN = auto()
    """All that comes is new."""
    LOST = auto()
    """Nobody can tell where the replay stands. Ask for a longer one."""


class Splice:
    """Lays one replay over what was told.

    Attributes:
        state: How far it is.
        gap: Whether lines may be missing before the first new one; only where it was `forced`.
    """

    def __init__(self, told: Told, asked: int, *, forced: bool = False) -> None:
        """Prepare for a stream that was just opened.

        Args:
            told: What was told before.
            asked: How many lines of replay were asked for, or `WHOLE`.
            forced: Whether to go on in any case: what does not fit is taken for new, and `gap` says so.
        """
        self.gap = False
        self._asked = asked
        self._forced = forced
        self._told = told
        self._newest = list(told.newest)
        self._head = told.parts[0].head
        self._skipped = Digest()
        self._left = told.count
        self._seen = 0
        self._lines: list[LogLine] = []
        self._prints: list[str] = []
        self._size = 0
        self._places: list[int] | None = None
        # After a hole, and where it was begun in the middle, a replay may begin with lines never told.
        part = told.parts[-1]
        anchor = self._newest[-min(_TRUSTED, part.count) :] if part.count and not told.exact else []
        self._anchor = Search(anchor) if anchor else None
        self._sure = len(anchor) == _TRUSTED and _count(anchor, self._newest) == 1
        self._anchored: list[int] = []
        self._from_start = told.exact
        if not told.count:
            self.state = State.OPEN
        elif asked == WHOLE and told.exact:
            self.state = State.SKIPPING
        else:
            self.state = State.SEEKING

    def feed(self, lines: list[LogLine], prints: list[str]) -> Lines:
        """Take the next lines of the stream; return those that are new.

        Args:
            lines: The lines.
            prints: Their fingerprints.
        """
        if self.state is State.OPEN:
            return lines, prints
        if self.state is State.SEEKING:
            taken = self._seek_all(lines, prints)
            lines, prints = self._go_on(lines[taken:], prints[taken:])
            return self._released(lines, prints)
        return self._go_on(lines, prints)

    def settle(self) -> Lines:
        """Take note that the stream is silent, so the replay is over; return what turns out to be new."""
        if self.fits:
            if self._anchor is None:
                self._give_up()
            else:
                self._judge_all()
            return self._released([], [])
        return [], []

    @property
    def fits(self) -> bool:
        """Whether the replay fits somewhere, and more of it is needed to be sure that it stands there."""
        return self.state is State.SEEKING and bool(self._overlaps())

    def _go_on(self, lines: list[LogLine], prints: list[str]) -> Lines:
        if self.state is State.SKIPPING:
            return self._skip(lines, prints)
        return (lines, prints) if self.state is State.OPEN else ([], [])

    def _skip(self, lines: list[LogLine], prints: list[str]) -> Lines:
        """Pass over lines told before, making sure that they are."""
        old = prints[: self._left]
        if any(hash(each) != known for each, known in zip(old, self._head[self._seen :], strict=False)):
            self._give_up()
            return [], []
        self._seen += len(old)
        self._left -= len(old)
        self._skipped.add(old)
        if self._left:
            return [], []
        if self._skipped.hex != self._told.parts[0].digest.hex:
            self._give_up()
            return [], []
        self.state = State.OPEN
        return lines[len(old) :], prints[len(old) :]

    def _seek_all(self, lines: list[LogLine], prints: list[str]) -> int:
        """Take lines until it is clear where the replay stands; return how many were taken."""
        for index, (line, each) in enumerate(zip(lines, prints, strict=True)):
            self._seek(line, each)
            if self.state is not State.SEEKING:
                return index + 1
        return len(lines)

    def _seek(self, line: LogLine, each: str) -> None:
        """Take one line of a replay whose place is not known."""
        known = hash(each)
        if self._places is None:
            self._places = [place for place, newest in enumerate(self._newest) if newest == known]
        else:
            end = len(self._newest)
            self._places = [
                place
                for place in self._places
                if (at := place + self._seen) >= end or self._newest[at] == known
            ]
        if self._from_start and self._seen < len(self._head):
            self._from_start = self._head[self._seen] == known
        if self._from_start:
            self._skipped.add([each])
        self._lines.append(line)
        self._prints.append(each)
        self._size += len(line.text)
        self._seen += 1
        if self._anchor is None:
            self._judge()
            return
        if self._anchor.found(known):
            self._anchored.append(self._seen)
        places = self._places or []
        complete = self._complete()
        if self._anchored and self._sure:
            self._open_after(self._anchored[-1])
        elif len(places) == 1 and complete and len(self._newest) - complete[0] >= _TRUSTED:
            self._open_after(len(self._newest) - complete[0])
        elif self._seen >= self._asked > 0 or self._size > _HELD:
            self._judge_all()

    def _judge(self) -> None:
        places, complete = self._places or [], self._complete()
        # A log that fits into the window is at its start at the window's start: one place, not two.
        elsewhere = self._from_start and self._told.count > WINDOW
        if elsewhere and not places and self._seen >= HEAD:
            self._left = self._told.count - self._seen
            self.state = State.SKIPPING
            self._drop_held()
        elif len(places) == 1 and complete and not elsewhere:
            overlap = len(self._newest) - places[0]
            if overlap >= min(_TRUSTED, self._told.count):
                self._open_after(overlap)
            else:
                self._give_up()
        elif (
            (not places and not elsewhere)
            or (len(complete) > 1 and not (self._forced and len(complete) < len(places)))
            or (self._seen >= self._asked > 0 and not elsewhere)
            or self._size > _HELD
        ):
            self._give_up()

    def _judge_all(self) -> None:
        """Judge a replay that has come to its end: what was told ends in it at one place, or nobody knows."""
        overlaps = self._overlaps()
        # A log begun in the middle may have had few lines yet; after a hole few lines are too few.
        least = _TRUSTED if len(self._told.parts) > 1 else min(_TRUSTED, self._told.count)
        if len(overlaps) == 1 and overlaps[0] >= least:
            self._open_after(overlaps[0])
        else:
            self._give_up()

    def _open_after(self, overlap: int) -> None:
        """Take what follows so many lines of the replay for new."""
        self.state = State.OPEN
        del self._lines[:overlap], self._prints[:overlap]

    def _overlaps(self) -> list[int]:
        """Return after how many of its lines the replay may be new, shortest first."""
        return sorted({*(len(self._newest) - place for place in self._complete()), *self._anchored})

    def _complete(self) -> list[int]:
        """Return the places whose overlap has been seen to its end."""
        return [place for place in self._places or () if place + self._seen >= len(self._newest)]

    def _give_up(self) -> None:
        if not self._forced:
            self.state = State.LOST
            self._drop_held()
            return
        # The longest overlap: rather a line missing, which is said, than one told twice, which is not.
        self._open_after(max(self._overlaps(), default=0))
        self.gap = True

    def _drop_held(self) -> None:
        self._lines, self._prints, self._size = [], [], 0

    def _released(self, lines: list[LogLine], prints: list[str]) -> Lines:
        """Return what was held and turned out to be new, and what follows it; nothing until then."""
        if self.state is State.SEEKING:
            return [], []
        held, held_prints = self._lines, self._prints
        self._drop_held()
        return [*held, *lines], [*held_prints, *prints]


def _count(wanted: list[int], within: list[int]) -> int:
    search = Search(wanted)
    return sum(search.found(each) for each in within)
