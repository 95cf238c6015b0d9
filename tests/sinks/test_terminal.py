"""Nothing of the server's reaches a terminal that the terminal might obey."""

import json

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.sinks.test_terminal_oracles import Reader, obeyed, without_colours
from zadig_async.sinks.terminal import LineFilter, escape_json, safe, safe_block, safe_line

_ESCAPES = [
    *("\x1b[31m", "\x1b[", "\x1b]0;title\x07", "\x1b]8;;http://x\x1b\\", "\x1b]52;c;", "\x1bP", "\x1b_"),
    *("\x1b^", "\x1bX", "\x1b\\", "\x1b", "\x1b(B", "\x1bc", "\x9b31m", "\x9d0;x\x9c", "\x90"),
]
_CONTROLS = [*"\x07\x08\r\n\t\x7f\x85\u202e\u2066\u200f\u061c\u200b\ufeff\u2028\ud800\udc00\U000e0041\u0378"]
_PLAIN = [*"部é😀\u3000\ue0b0m;][0", "abc"]
_PIECES = _ESCAPES + _CONTROLS + _PLAIN
text = st.one_of(st.text(), st.lists(st.sampled_from(_PIECES)).map("".join))

_COLOURS = [
    *("\x1b[31m", "\x1b[1;42m", "\x1b[0m", "\x1b[m", "\x9b38;5;5m", "\x1b[48;2;8;6;5m", "\x1b[38:2::9:6:5m"),
    *("\x1b[8m", "\x1b[5;6m", "\x1b[30;40m", "\x1b[4:3m", "\x1b[22;24m", "\x1b[39;49m", "\x1b[7", "1m", "\r"),
    *("\x1b[58;5;8m", "\x1b[21;90;107m", "\x1b[38;2;5;5;5;48;2;4;4;4m", "\x1b[38;5m", "\x1b[9;1"),
]
_FIELDS = """
0 1 2 3 4 5 6 7 8 9 21 22 23 24 27 28 29 31 39 42 49 97 98 107 256 4:0 4:3 4: 1:2 0:1 31:1 38;5;8 48:5:200
38;5 58;5;4 38;2;8;6;5 48:2:1:2:3 48:2::1:2:3 38:2:0:1:2:3:9 38;2;1 38:2:1 38 48;3;1 58:2::1:2:8
"""
parameters = st.lists(st.sampled_from(["", *_FIELDS.split()]), max_size=6).map(
    lambda fields: f"\x1b[{';'.join(fields)}m"
)
RED = "\x1b[31mred\x1b[0m"
coloured = st.lists(parameters | st.sampled_from(_COLOURS + _PIECES)).map("".join)
streams = st.lists(text | coloured, max_size=6)


def shown(lines: list[str], *, colour: bool = False) -> list[str]:
    stream = LineFilter(colour=colour)
    return [stream.line(line) for line in lines]


@given(text)
@example("\x1b\x1b[31m")
@example("\x1b]0;a\x1b[31mb")
def test_a_line_is_harmless_and_stays_as_it_is_when_filtered_again(given_text: str) -> None:
    once = safe_line(given_text)
    assert obeyed(once) == []
    assert safe_line(once) == once


@given(text)
def test_a_name_is_harmless_one_line_and_stays_as_it_is_when_filtered_again(given_text: str) -> None:
    once = safe(given_text)
    assert obeyed(once) == []
    assert "\t" not in once
    assert safe(once) == once


@given(text)
def test_every_line_of_a_block_is_harmless(given_text: str) -> None:
    assert obeyed("".join(safe_block(given_text))) == []


@given(st.text(st.characters(codec="utf-8", exclude_categories=["C", "Z"], include_characters=" ")))
def test_plain_text_of_any_language_is_untouched(plain: str) -> None:
    assert safe_line(plain) == plain
    assert safe(plain) == plain


@given(text, text)
def test_a_sequence_torn_over_two_lines_is_harmless(first: str, second: str) -> None:
    assert obeyed(safe_line(first) + safe_line(second)) == []


@given(streams)
def test_nothing_that_a_terminal_obeys_comes_out_of_any_stream(lines: list[str]) -> None:
    assert [obeyed(line) for line in shown(lines)] == [[]] * len(lines)


@given(streams)
def test_with_colours_nothing_else_that_a_terminal_obeys_comes_out(lines: list[str]) -> None:
    assert [obeyed(without_colours(line)) for line in shown(lines, colour=True)] == [[]] * len(lines)


@given(streams)
@example(["\x1b]0;never ended", "text\x07"])
@example(["50%\r\x07"])
@example(["\x1b[" + "1" * 31, "m"])
@example(["\x1b[" + "1" * 30, "m", "m"])
def test_all_text_comes_out_that_is_in_no_complete_sequence(lines: list[str]) -> None:
    reader = Reader()
    assert shown(lines) == [reader.text(line) for line in lines]


@given(streams)
def test_what_was_filtered_stays_as_it_is_when_filtered_again(lines: list[str]) -> None:
    once = shown(lines)
    assert shown(once) == once


@given(streams)
def test_colours_that_were_kept_stay_as_they_are_when_filtered_again(lines: list[str]) -> None:
    once = shown(lines, colour=True)
    assert shown(once, colour=True) == once


@given(streams)
@example(["\t\x1b]0;\r\x07"])
def test_colours_change_no_text(lines: list[str]) -> None:
    assert [without_colours(line) for line in shown(lines, colour=True)] == shown(lines)


@given(streams)
@example(["\x1b[31mred", "still red", "\x1b[0mplain"])
def test_each_line_alone_looks_as_in_its_stream_and_leaves_no_colour_on(lines: list[str]) -> None:
    stream = Reader()
    for line, printed in zip(lines, shown(lines, colour=True), strict=True):
        alone = Reader()
        assert alone.line(printed) == stream.line(line)
        assert alone.look == {}


@given(text)
def test_a_line_on_its_own_is_the_first_of_a_stream(line: str) -> None:
    assert safe_line(line) == shown([line])[0]


@given(streams, streams)
def test_two_streams_know_nothing_of_each_other(lines: list[str], others: list[str]) -> None:
    one, other = LineFilter(colour=True), LineFilter(colour=True)
    mixed = []
    for at in range(max(len(lines), len(others))):
        mixed += [one.line(line) for line in lines[at : at + 1]]
        for line in others[at : at + 1]:
            other.line(line)
    assert mixed == shown(lines, colour=True)


@pytest.mark.parametrize(
    ("sent", "shown"),
    [
        ("\x1b[1;31mred\x1b[0m", "red"),
        ("\x1b]0;owned\x07after", "after"),
        ("\x1b]8;;https://evil\x1b\\link\x1b]8;;\x1b\\", "link"),
        ("\x1b]52;c;Y3VybA==", "52;c;Y3VybA=="),
        ("\x1b]52;c;Y3VybA==\x07", ""),
        ("\x9b3é", "3é"),
        ("\x1bPq#0\x1b\\x", "x"),
        ("\x9b2Jx", "x"),
        ("\x1b(Bx\x1bcy\x1b7z", "xyz"),
        ("\x9d0;t\x9cx", "x"),
        ("cut \x1b[3", "cut "),
        ("cut \x1b", "cut "),
        ("10%\r20%\r30%", "30%"),
        ("done\r", "done"),
        ("50%\r   ", "50%"),
        ("50%\r\x1b[2K\x07\u200b", "50%"),
        ("60\x1b]0;\r\x07%", "60%"),
        ("two\nlines\n", "two lines"),
        ("a\tb", "a\tb"),
        ("sha\u202egnp.exe", "shagnp.exe"),
        ("zero\u200bwidth", "zerowidth"),
        ("half \ud83d", "half \ufffd"),
        ("正在拉取代码 ✓ 😀", "正在拉取代码 ✓ 😀"),
        ("\u3000indented", "\u3000indented"),
    ],
)
def test_a_line_shows_what_a_person_should_read(sent: str, shown: str) -> None:
    assert safe_line(sent) == shown


@pytest.mark.parametrize(
    ("lines", "plain", "with_colours"),
    [
        (["\x1b[1;31mred\x1b[m!"], ["red!"], ["\x1b[1;31mred\x1b[0m!"]),
        (["\x1b[31mred", "red", "", "\x1b[0m."], ["red", "red", "", "."], [RED, RED, "", "."]),
        (["\x9b31mred"], ["red"], [RED]),
        (["\x1b[0031mred", "\x1b[31;300m."], ["red", "."], ["red", "."]),
        (["\x1b[" + "1;" * 31 + "31mred"], ["red"], ["\x1b[1;31mred\x1b[0m"]),
        (["\x1b[" + "1;" * 32 + "31mred"], ["red"], ["red"]),
        (["\x1b[8mhidden\x1b[5;6mx"], ["hiddenx"], ["hiddenx"]),
        (["\x1b[31;41mhidden"], ["hidden"], ["hidden"]),
        (["\x1b[38;2;8;8;8mx"], ["x"], ["\x1b[38;2;9;9;9mx\x1b[0m"]),
        (["\x1b[38;5;9mx\x1b[48:5:200mx"], ["xx"], ["\x1b[91mx\x1b[0m\x1b[91;48;5;200mx\x1b[0m"]),
        (["\x1b[38;5;16;1;4:3mx\x1b[22mx"], ["xx"], ["\x1b[1;4;38;5;16mx\x1b[0m\x1b[4;38;5;16mx\x1b[0m"]),
        (["\x1b[31m10%\r\x1b[32m20%\r\x1b[0m "], ["20%"], ["\x1b[32m20%\x1b[0m"]),
        (["\x1b[31m10%\r\x1b[32m \r", "ok"], ["10%", "ok"], ["\x1b[31m10%\x1b[0m", "\x1b[32mok\x1b[0m"]),
        (["\x1b[38:2::1:2:3;4:0mx\x1b[38;2;1mx"], ["xx"], ["\x1b[38;2;1;2;3mx\x1b[0mx"]),
        (["\x1b[4;4:0;1:2mx"], ["x"], ["x"]),
        (["\x1b[58;5;1;31mred"], ["red"], [RED]),
        (["\x1b[31mred\r \r\x1b[m "], ["red"], [RED]),
        (["cut \x1b[3", "1mred"], ["cut ", "red"], ["cut ", RED]),
        (["cut \x1b", "[31mred"], ["cut ", "red"], ["cut ", RED]),
        (["cut \x9b31\r\n", "mred"], ["cut ", "red"], ["cut ", RED]),
        (["cut \x1b[3", "部署"], ["cut ", "部署"], ["cut ", "部署"]),
        (["cut \x1b[3", "", "1mred"], ["cut ", "", "1mred"], ["cut ", "", "1mred"]),
        (["cut \x1b[", "0" * 31 + "m"], ["cut ", ""], ["cut ", ""]),
        (["cut \x1b[", "0" * 32 + "m"], ["cut ", "0" * 32 + "m"], ["cut ", "0" * 32 + "m"]),
        (["\x1b[" + "0" * 30, "m"], ["", ""], ["", ""]),
        (["\x1b[" + "0" * 31, "m"], ["0" * 31, "m"], ["0" * 31, "m"]),
        (["\x1b]0;ti", "tle\x07x"], ["0;ti", "tlex"], ["0;ti", "tlex"]),
    ],
)
def test_a_stream_shows_what_a_person_should_read(
    lines: list[str], plain: list[str], with_colours: list[str]
) -> None:
    assert shown(lines) == plain
    assert shown(lines, colour=True) == with_colours


def test_a_name_hides_nothing_behind_a_carriage_return() -> None:
    assert safe("failed\rpassed") == "failed passed"
    assert safe("two\nlines") == "two lines"
    assert safe("\x1b]0;title\n\x07text \x1b[3") == "0;title text"


@given(st.recursive(text, lambda inner: st.lists(inner) | st.dictionaries(text, inner), max_leaves=5))
def test_json_means_the_same_and_is_harmless(value: object) -> None:
    document = escape_json(json.dumps(value, ensure_ascii=False, indent=1))
    # Two halves of a character that stand together become that character; json reads them so, too.
    assert json.loads(document) == json.loads(json.dumps(value))
    assert obeyed(document.replace("\n", "")) == []


def test_json_keeps_chinese_readable() -> None:
    assert escape_json('"部署\u009b31m\u202e\u3000"') == '"部署\\u009b31m\\u202e\u3000"'
