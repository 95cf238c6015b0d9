"""Fault S7: a million hostile lines, drawn by lot but the same in every run."""

import re
from collections.abc import Iterator
from random import Random

import pytest

from tests.sinks.test_terminal_oracles import Reader, obeyed, without_colours
from zadig_async.sinks.terminal import LineFilter

LINES = 1_000_000
_STREAM = 2_000  # lines of one filter

_PIECES = [
    *("\x1b[", "\x9b", "\x1b]", "\x9d", "\x1bP", "\x90", "\x1b_", "\x9f", "\x1b^", "\x9e", "\x1bX", "\x98"),
    *("\x07", "\x1b\\", "\x9c", "\x18", "\x1a", "\r", "\n", "\r\n", "\x08", "\t", "\x00", "\x7f", "\x1b"),
    *("0;t", "52;c;", "8;;x", "1337;", "q#0", "Ga=T", "tmux;", "?1049h", "?2004", "2J", "6n", "c", "#8"),
    *("31m", "m", "0m", "1;", "38;5;", "38:2::", "8m", "5;6m", "300m", "48;2;1;2;3m", "7", ";", ":", " "),
    *("\x1b[31m", "\x1b[1;42m", "\x1b[0m", "\x1b[m", "\x9b38;5;99m", "\x1b[8m", "\x1b[30;40m", "\x1b[2K"),
    *"\u202e\u2066\u2028\u200b\ufeff\U000e0041\U000e0080\u0378\ufffe\ud83d\ude00\xad\ufe0f\x85\x0e3H",
    *("text", "部署", "é", "😀", "[INFO]", "10%", "a b", "\u3000", "\\", "]", "[", "1" * 33, "21t", "(B"),
]
_COLOUR = re.compile(r"\x1b\[(?:[0-9]{1,3};){0,31}[0-9]{1,3}m")


def streams(seed: int, lines: int) -> Iterator[list[str]]:
    lot = Random(seed)
    counts = range(1, 7)
    for _ in range(lines // _STREAM):
        yield ["".join(lot.choices(_PIECES, k=count)) for count in lot.choices(counts, k=_STREAM)]


def filtered(lines: list[str], *, colour: bool) -> list[str]:
    stream = LineFilter(colour=colour)
    return [stream.line(line) for line in lines]


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_s7_of_a_million_lines_not_one_character_is_obeyed() -> None:
    count = 0
    for lines in streams(1, LINES):
        plain = filtered(lines, colour=False)
        assert obeyed("".join(set("".join(plain)))) == [], "without colours"
        coloured = "".join(filtered(lines, colour=True))
        assert obeyed("".join(set(_COLOUR.sub("", coloured)))) == [], "with colours"
        assert {without_colours(found) for found in set(_COLOUR.findall(coloured))} <= {""}
        count += len(lines)
    assert count == LINES


@pytest.mark.slow
def test_s7_of_a_hundred_thousand_lines_exactly_the_text_is_kept() -> None:
    for lines in streams(2, 100_000):
        reader = Reader()
        expected = [reader.text(line) for line in lines]
        assert filtered(lines, colour=False) == expected
        assert [without_colours(line) for line in filtered(lines, colour=True)] == expected


@pytest.mark.slow
def test_s7_of_fifty_thousand_lines_every_character_looks_as_it_should() -> None:
    for lines in streams(3, 50_000):
        reader = Reader()
        for line, shown in zip(lines, filtered(lines, colour=True), strict=True):
            alone = Reader()
            assert alone.line(shown) == reader.line(line), line
            assert alone.look == {}, line
