"""A replay goes on where it stands, or says that nobody can tell."""

import random
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zadig_async.orchestrator.logs.splice import WHOLE, Splice, State
from zadig_async.orchestrator.logs.told import WINDOW, Told, fingerprints
from zadig_async.wire.loglines import LogLine

lines = st.lists(st.sampled_from(["", "a", "b", "same", "same", "a\rb"]), max_size=80)
"""Logs that repeat themselves as logs do, and worse."""

cuts = st.lists(st.integers(1, 9), min_size=1)


def told_of(log: Sequence[str], *, from_start: bool = True) -> Told:
    told = Told(from_start=from_start)
    told.add(fingerprints(map(LogLine, log)))
    return told


def fed(splice: Splice, replay: Sequence[str], sizes: Sequence[int] = (7,)) -> list[str]:
    """What a splice lets through of a replay that comes in batches of these sizes."""
    new: list[str] = []
    at = turn = 0
    while at < len(replay):
        batch = [LogLine(text) for text in replay[at : at + sizes[turn % len(sizes)]]]
        at, turn = at + len(batch), turn + 1
        passed, prints = splice.feed(batch, fingerprints(batch))
        assert fingerprints(passed) == prints
        new += [line.text for line in passed]
    return new


@given(lines, lines, st.integers(1, 100), cuts)
def test_a_replay_that_overlaps_is_never_laid_at_the_wrong_place(
    before: list[str], since: list[str], asked: int, sizes: list[int]
) -> None:
    log = before + since
    asked = max(asked, len(since) + 1)  # one that does not reach back is a hole, see below
    splice = Splice(told_of(before), asked)
    new = fed(splice, log[-asked:], sizes)
    if splice.state is State.OPEN:
        assert new == since
    else:
        assert splice.state is not State.SKIPPING
        assert new == []


@given(lines, lines, cuts)
def test_a_replay_of_the_whole_log_goes_on_behind_what_was_told(
    before: list[str], since: list[str], sizes: list[int]
) -> None:
    splice = Splice(told_of(before), WHOLE)
    assert fed(splice, before + since, sizes) == since
    assert splice.state is State.OPEN


def numbered(first: int, last: int) -> list[str]:
    return [f"line {number}" for number in range(first, last)]


@pytest.mark.parametrize("asked", [20, 256])
def test_a_replay_that_does_not_reach_back_is_lost(asked: int) -> None:
    splice = Splice(told_of(numbered(0, 5000)), asked)
    assert fed(splice, numbered(5001, 5001 + asked)) == []
    assert splice.state is State.LOST


def test_a_replay_that_does_not_reach_back_is_a_gap_where_there_is_no_other_way() -> None:
    splice = Splice(told_of(numbered(0, 50)), 10, forced=True)
    assert fed(splice, numbered(60, 75)) == numbered(60, 75)
    assert splice.gap
    assert splice.state is State.OPEN


@pytest.mark.parametrize("overlap", [1, 15, 63])
def test_few_lines_of_overlap_are_not_trusted(overlap: int) -> None:
    splice = Splice(told_of(numbered(0, 100)), 80)
    assert fed(splice, numbered(100 - overlap, 180 - overlap)) == []
    assert splice.state is State.LOST


def test_a_log_that_says_the_same_again_and_again_is_lost_and_found_as_a_whole() -> None:
    log = ["waiting"] * 500
    splice = Splice(told_of(log[:300]), 256)
    assert fed(splice, log[300 - 256 + 10 : 310]) == []
    assert splice.state is State.LOST
    whole = Splice(told_of(log[:300]), WHOLE)
    assert fed(whole, log) == log[300:]


def test_an_overlap_that_stood_in_the_log_before_is_not_trusted() -> None:
    block = numbered(0, 40)
    splice = Splice(told_of([*block, "x", *block]), 40)
    assert fed(splice, [*block, "y"]) == []
    assert splice.state is State.LOST


def test_a_silent_stream_ends_the_replay() -> None:
    splice = Splice(told_of([*numbered(0, 30), *numbered(0, 5)]), 256)
    assert fed(splice, numbered(0, 5), [1]) == []
    assert splice.fits
    assert splice.settle() == ([], [])
    assert splice.state is State.LOST


@pytest.mark.parametrize("asked", [16, 256, WHOLE])
def test_a_server_that_sends_the_whole_log_whatever_was_asked_is_understood(asked: int) -> None:
    log = numbered(0, WINDOW + 900)
    count = WINDOW + 500
    splice = Splice(told_of(log[:count]), asked)
    assert fed(splice, log, [61]) == log[count:]
    assert splice.state is State.OPEN


def test_a_whole_log_whose_beginning_is_gone_is_lost() -> None:
    log = numbered(0, 3000)
    splice = Splice(told_of(log[:2000]), WHOLE)
    assert fed(splice, log[1500:]) == []
    assert splice.state is State.LOST


def test_a_whole_log_that_differs_in_the_middle_is_lost() -> None:
    log = numbered(0, 300)
    other = [*log[:100], "another", *log[101:]]
    splice = Splice(told_of(log), WHOLE)
    assert fed(splice, [*other, "new"]) == []
    assert splice.state is State.LOST


def test_after_a_hole_the_count_is_no_place() -> None:
    told = told_of(numbered(0, 50))
    told.miss()
    told.add(numbered(80, 180))
    splice = Splice(told, 128)
    assert fed(splice, numbered(110, 190)) == numbered(180, 190)


def test_after_a_hole_a_replay_may_begin_with_lines_never_told() -> None:
    told = told_of(numbered(0, 50))
    told.miss()
    told.add(numbered(80, 150))
    splice = Splice(told, 256)
    assert fed(splice, numbered(60, 180)) == numbered(150, 180)
    assert fed(splice, numbered(180, 190)) == numbered(180, 190)


@given(lines, lines, lines, st.integers(1, 100), cuts, st.booleans())
def test_after_a_hole_it_is_never_laid_at_the_wrong_place_either(
    lost: list[str], before: list[str], since: list[str], asked: int, sizes: list[int], silent: bool
) -> None:
    told = told_of(["first", "second"])
    told.miss()
    told.add(fingerprints(map(LogLine, before)))
    log = ["first", "second", *lost, *before, *since]
    asked = max(asked, len(since) + len(before) + 1)
    splice = Splice(told, asked)
    new = fed(splice, log[-asked:], sizes)
    if silent:
        new += [line.text for line in splice.settle()[0]]
    if splice.state is State.OPEN and before:
        assert new == since


def test_a_log_begun_in_the_middle_goes_on_by_the_few_lines_it_has() -> None:
    splice = Splice(told_of(numbered(100, 120), from_start=False), 64)
    assert fed(splice, numbered(70, 134)) == numbered(120, 134)
    silent = Splice(told_of(numbered(100, 120), from_start=False), 64)
    assert fed(silent, numbered(90, 125), [1]) == []
    assert [line.text for line in silent.settle()[0]] == numbered(120, 125)


def test_where_there_is_no_other_way_the_longest_overlap_is_waited_for() -> None:
    told = told_of(numbered(0, 10))
    told.miss()
    told.add(fingerprints(map(LogLine, ["same"] * 5)))
    splice = Splice(told, 64, forced=True)
    assert fed(splice, [*["same"] * 5, *numbered(20, 90)], [1]) == numbered(20, 90)
    assert splice.gap


def test_any_number_of_reconnections_loses_and_repeats_nothing() -> None:
    chance = random.Random(4)
    log = [chance.choice(["", "ok", f"step {number}", "same"]) for number in range(9000)]
    told = Told()
    got: list[str] = []
    written = 0
    while written < len(log):
        written = min(len(log), written + chance.randrange(400))
        for asked in (256, 1024, WHOLE) if told.count else (WHOLE,):
            splice = Splice(told, asked)
            replay = log[:written][-asked:] if asked else log[:written]
            new = fed(splice, replay, [chance.randrange(1, 90)])
            if splice.state is State.OPEN:
                told.add(fingerprints(map(LogLine, new)))
                got += new
                break
    assert got == log
