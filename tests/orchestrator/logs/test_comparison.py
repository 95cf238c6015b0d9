"""An archive fills holes, adds what was not told, and shows every difference."""

from collections.abc import Sequence

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from zadig_async.orchestrator.logs.comparison import Comparison
from zadig_async.orchestrator.logs.search import Search
from zadig_async.orchestrator.logs.told import MARK, Digest, Part, Told, fingerprints
from zadig_async.wire.loglines import LogLine

texts = st.lists(st.sampled_from(["", "a", "b", "same", "x" * 30]), max_size=60)


@attrs.define
class Reader:
    """Who is told: keeps every part with what fills the hole before it."""

    told: Told
    parts: list[list[str]] = attrs.field(factory=lambda: [[]])
    fills: dict[int, list[str]] = attrs.field(factory=dict)

    def take(self, texts: Sequence[str]) -> None:
        self.told.add(fingerprints(map(LogLine, texts)))
        self.parts[-1] += texts

    def miss(self) -> None:
        self.told.miss()
        if len(self.told.parts) > len(self.parts):  # two holes with nothing between them are one
            self.parts.append([])

    def compare(self, archive: Sequence[str], size: int = 7) -> Comparison:
        comparison = Comparison(self.told)
        for start in range(0, len(archive), size):
            lines = [LogLine(text) for text in archive[start : start + size]]
            for found in comparison.feed(lines, fingerprints(lines)):
                new = [line.text for line in found.lines]
                if found.fills is None:
                    self.take(new)
                else:
                    self.told.fill(found.fills, len(new))
                    self.fills.setdefault(self.told.parts.index(found.fills), []).extend(new)
        return comparison

    @property
    def log(self) -> list[str]:
        """All lines in their order, fills in their places."""
        return [
            text for number, part in enumerate(self.parts) for text in (*self.fills.get(number, ()), *part)
        ]


def digest_of(texts: Sequence[str]) -> str:
    digest = Digest()
    digest.add(fingerprints(map(LogLine, texts)))
    return digest.hex


@given(st.lists(st.tuples(texts, texts), min_size=1, max_size=5), texts, st.integers(1, 20))
def test_whatever_is_missing_is_filled_or_said_to_differ(
    pieces: list[tuple[list[str], list[str]]], rest: list[str], size: int
) -> None:
    reader = Reader(Told())
    archive: list[str] = []
    for number, (lost, got) in enumerate(pieces):
        if number:
            archive += lost
            reader.miss()
        archive += got
        reader.take(got)
    archive += rest
    comparison = reader.compare(archive, size)
    if not comparison.differs:
        assert reader.log == archive
        assert comparison.digest == digest_of(archive)
    else:
        assert len(pieces) > 1  # only what follows a hole can be mistaken


@given(texts, texts, texts, st.integers(1, 20))
def test_one_hole_before_a_line_unlike_any_other_is_always_filled(
    before: list[str], lost: list[str], after: list[str], size: int
) -> None:
    reader = Reader(Told())
    reader.take(before)
    reader.miss()
    reader.take(["unlike any other", *after])
    archive = [*before, *lost, "unlike any other", *after, "last"]
    comparison = reader.compare(archive, size)
    assert comparison.differs == ""
    assert reader.log == archive


def test_a_second_reading_tells_nothing_twice() -> None:
    reader = Reader(Told())
    reader.take(["a", "b"])
    reader.miss()
    reader.take(["e", "f"])
    archive = ["a", "b", "c", "d", "e", "f", "g"]
    reader.compare(archive[:6])
    assert reader.fills == {1: ["c", "d"]}
    for _ in range(2):
        assert reader.compare(archive).differs == ""
        assert reader.log == archive
    assert reader.told.gaps == ()


def test_an_archive_that_ends_too_early_is_short() -> None:
    reader = Reader(Told())
    reader.take(["a", "b", "c"])
    comparison = reader.compare(["a", "b"])
    assert comparison.short
    assert comparison.differs == "the archive ends earlier than what was told"
    assert reader.log == ["a", "b", "c"]


def test_an_empty_archive_says_nothing() -> None:
    reader = Reader(Told())
    assert reader.compare([]).empty


def numbered(first: int, last: int) -> list[str]:
    return [f"line {number}" for number in range(first, last)]


def test_an_archive_without_its_beginning_is_compared_at_its_end() -> None:
    reader = Reader(Told())
    reader.take(numbered(0, 900))
    comparison = reader.compare(numbered(700, 950))
    assert comparison.begins_later
    assert reader.log == numbered(0, 950)


def test_an_archive_of_another_log_differs_and_adds_nothing() -> None:
    reader = Reader(Told())
    reader.take(numbered(0, 100))
    comparison = reader.compare(numbered(200, 400))
    assert comparison.differs == "the archive begins otherwise"
    assert not comparison.begins_later
    assert reader.log == numbered(0, 100)


@pytest.mark.parametrize("place", [0, MARK + 10, 3 * MARK - 1])
def test_a_difference_is_placed_and_what_follows_is_told_all_the_same(place: int) -> None:
    log = numbered(0, 3 * MARK)
    reader = Reader(Told())
    reader.take([*log[:place], "changed", *log[place + 1 :], *numbered(7000, 7100)])
    comparison = reader.compare([*log, *numbered(7000, 7100), "new"])
    assert comparison.differs
    assert comparison.same_until == place // MARK * MARK
    assert reader.parts[-1][-1] == "new"


def test_lines_swallowed_unnoticed_are_a_difference() -> None:
    reader = Reader(Told())
    reader.take([*numbered(0, 1500), *numbered(1600, 2000)])
    comparison = reader.compare(numbered(0, 2010))
    assert comparison.differs == "the archive differs"
    assert comparison.same_until == MARK
    assert reader.log[-10:] == numbered(2000, 2010)


def test_what_a_hole_at_the_very_end_swallowed_is_told() -> None:
    reader = Reader(Told())
    reader.take(["a"])
    reader.miss()
    assert reader.compare(["a", "b", "c"], 1).differs == ""
    assert reader.log == ["a", "b", "c"]


def test_a_log_begun_in_the_middle_is_found_in_its_archive() -> None:
    reader = Reader(Told(from_start=False))
    reader.take(numbered(30, 60))
    comparison = reader.compare(numbered(0, 70))
    assert comparison.differs == ""
    assert reader.log == numbered(30, 70)


def test_a_hole_that_is_too_large_to_hold_is_left() -> None:
    reader = Reader(Told())
    reader.take(["first"])
    reader.miss()
    reader.take(["last"])
    comparison = reader.compare(["first", *["x" * 1_000_000] * 20, "last"])
    assert comparison.differs == "what follows a gap is not in the archive"
    assert reader.log == ["first", "last"]


@given(st.lists(st.sampled_from([1, 2]), min_size=1, max_size=6), st.lists(st.sampled_from([1, 2])))
def test_a_search_finds_what_stands_there(wanted: list[int], stream: list[int]) -> None:
    search = Search(wanted)
    ends = [index + 1 for index, each in enumerate(stream) if search.found(each)]
    n = len(wanted)
    assert ends == [end for end in range(n, len(stream) + 1) if stream[end - n : end] == wanted]


@given(st.lists(st.integers(0, 3000), max_size=4))
def test_a_part_remembers_the_same_however_it_was_told(sizes: list[int]) -> None:
    whole, pieces = Part(None), Part(None)
    log = [str(number) for number in range(sum(sizes))]
    whole.add(log)
    at = 0
    for size in sizes:
        pieces.add(log[at : at + size])
        at += size
    assert (whole.count, whole.digest.hex, whole.marks) == (pieces.count, pieces.digest.hex, pieces.marks)
