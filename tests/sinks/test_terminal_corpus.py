"""Fault S7: hostile lines, generated systematically, never reach a terminal as anything but text."""

import itertools
from collections.abc import Iterator

import pytest

from tests.sinks.test_terminal_oracles import Reader, obeyed, without_colours
from zadig_async.sinks.terminal import LineFilter

BEFORE, AFTER = "前", "後"

# Words, parted by blanks.
_OSC = """
0;owned 1;icon 2;title 4;1;rgb:ff/00/00 7;file://host/tmp 8;;https://evil 8;id=1;x:y 9;notify 9;4;1;50 10;?
104 11;#000000 50;font 52;c;Y3VybA== 52;c;? 112 133;A 133;D;0 633;E;rm 777;notify;a;b 1337;File=name=YQ==:AAAA
1337;SetMark 部署 P0ff0000 R llabel
"""
_DCS = """
q#0;2;0;0;0#0~~@@vv@@~~$ 0;1q"1;1;9;9#1~ pS(E)P[0,0]V[9,9] $qm $q"p +q544e +p544e=78 0;1|17/414243 1$r0m
1!~ABCD =1s 1;2{@A
"""
_CONTROLS = """
2J 3J K H 1;1H 99;99f A 999B 10C 10D E F 5G S T L M P X @ s u r 1;10r g 3g !p 6n 5n ?6n ?15n c >c =c 0c x 21t
20t 18t 11t 22;0t 8;1;1t 3;0;0t ?1000h ?1002h ?1003h ?1006h ?9h ?2004h ?1049h ?47h ?1047l ?25l ?25h ?5h ?7l
?3h ?6h ?1h ?2026h 4h 20h 2l 12l i 4i 5i ?5i 0q 1"q ?0;0;99S >4;2m >0q ?u >1u 8m 28m 5m 6m 0;8m 1;31m m ;m
38;5;8m 38;2;8;8;8m 48:2::6:5:8m 58;5;8m 30;40m 4:3m 11m 256m $} 1$~ 1;1;5;5$z *x 'w 3 1; ? 3é [A
"""
_ESCAPES = r"""
c 7 8 D E H M N O V W Z \ n o | } ~ = > < #3 #6 #8 (0 (B )0 *A +C -A .A /A %G %@ l m 6 9 Y!! ( # % %/G
ktitle é
"""
_STRINGS = {
    ("\x1b]", "\x9d"): ["", "l label", "L icon", *_OSC.split()],
    ("\x1bP", "\x90"): ["", "1;2{ @A", "tmux;\x1b\x1b]52;c;QQ==\x07", *_DCS.split()],
    ("\x1b_", "\x9f"): ["", "Ga=T,f=24,s=1,v=1;AAAA", "Gi=1,a=q;", "tmux"],
    ("\x1b^", "\x9e"): ["", "private message"],
    ("\x1bX", "\x98"): ["", "start of string"],
}
_TERMINATORS = ["\x07", "\x1b\\", "\x9c", "", "\x18", "\x1a", "\x1b", "\x1b[0m", "\x1b]0;nested\x07"]
_TERMINATORS += ["\r", "\x90q\x9c", "\x85t\x1b\\"]
_TORN_INSIDE = ["", "1 ", "3 q", "3\x7f1m", "3\x081m", "3\r1m", "3\n1m", "3\x1b1m", "\x9b1m", "1;" * 40 + "m"]
_AFTER_ESCAPE = [" ", " F", " G", "k title\x1b\\", "\x1bc", "\x1b[2J", "\x7f", "\x00c", "\x08c"]
_HALVES = ["\x1b]0;a", "\x1bPq", "\x1b[3", "\x9d8;;x", "\x9b1", "\x1b", "\x9c", "\x1b\\", "\x07", "\x18", "m"]
_WHOLE = ["\x1b[2J", "\x1b]52;c;QQ==\x07", "\x9b8m", "\x1bc", "\x1b[?1049h", "\u202e", "\x1b_Ga=T;A\x1b\\"]
_AROUND = ["\r", "\n", "\b", "\t", "\r\n", "\x7f", "\x00"]
_FORMATS = [
    *"\xad\u0600\u061c\u06dd\u070f\u180e\u200b\u200c\u200d\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2060\u2061",
    *"\u2064\u2066\u2067\u2068\u2069\u206a\u206f\ufeff\ufff9\ufffa\ufffb\U000110bd\U0001bca0\U0001d173\U000e0001",
    *"\U000e0020\U000e0041\U000e007f\u2028\u2029\ufe0f\U000e0100\u034f\u3164",
    *"\u0378\u2065\u0870\ufff0\U000e0080\U000e0fff\ufdd0\ufdef\ufffe\uffff\U0001fffe\U0010ffff\ud800\udbff\udc00",
    *("\udfff", "\ud83d\ude00", "\udc1b[31m", "\u202e\u2066x\u2069"),
]


def _cases() -> Iterator[str]:
    for (seven, eight), payloads in _STRINGS.items():
        for introducer, payload, terminator in itertools.product((seven, eight), payloads, _TERMINATORS):
            yield introducer + payload + terminator
    for introducer, rest in itertools.product(("\x1b[", "\x9b"), [*_CONTROLS.split(), *_TORN_INSIDE]):
        yield introducer + rest
    yield from ("\x1b" + rest for rest in [*_ESCAPES.split(), *_AFTER_ESCAPE, *map(chr, range(0x20, 0x7F))])
    yield from map(chr, [*range(0x20), *range(0x7F, 0xA0)])
    yield from _FORMATS
    yield from map("".join, itertools.product(_HALVES, repeat=2))
    yield from map("".join, itertools.product(_AROUND, _WHOLE, _AROUND))
    for whole, cut in itertools.product(_WHOLE, _AROUND):
        yield from (whole[:at] + cut + whole[at:] for at in range(1, len(whole)))


CORPUS = list(dict.fromkeys(_cases()))


def shown(*lines: str, colour: bool = False) -> list[str]:
    stream = LineFilter(colour=colour)
    return [stream.line(line) for line in lines]


def torn() -> Iterator[tuple[str, str]]:
    """Yield every case in two lines, torn at every index."""
    for case in CORPUS:
        yield from ((BEFORE + case[:at], case[at:] + AFTER) for at in range(len(case) + 1))


def test_s7_the_corpus_has_at_least_500_distinct_cases_that_a_terminal_would_obey() -> None:
    assert len({case for case in CORPUS if obeyed(case)}) >= 500
    assert len(CORPUS) == len(set(CORPUS))


@pytest.mark.parametrize(
    "case",
    [
        *("\x1b]52;c;Y3VybA==\x07", "\x9d8;;https://evil\x9c", "\x1b[21t", "\x9b6n", "\x1b[c", "\x1b[?1006h"),
        *(
            "\x1b[?2004h",
            "\x1b[?1049h",
            "\x1b#8",
            "\x1bc",
            "\x0e",
            "\x0f",
            "\u202e",
            "\u2028",
            "\x90$qm\x1b\\",
        ),
        *(
            "\x1b_Ga=T,f=24,s=1,v=1;AAAA\x1b\\",
            "\x1bPtmux;\x1b\x1b]52;c;QQ==\x07\x1b\\",
            "\x1bPpS(E)P[0,0]V[9,9]\x9c",
        ),
    ],
)
def test_s7_the_corpus_has_what_terminals_were_attacked_with(case: str) -> None:
    assert case in CORPUS


@pytest.mark.parametrize("colour", [False, True])
def test_s7_nothing_that_a_terminal_obeys_comes_out_of_any_case_alone(colour: bool) -> None:
    for case in CORPUS:
        [line] = shown(case, colour=colour)
        assert obeyed(without_colours(line) if colour else line) == [], repr(case)


@pytest.mark.parametrize("colour", [False, True])
def test_s7_nothing_that_a_terminal_obeys_comes_out_of_any_case_torn_anywhere(colour: bool) -> None:
    for lines in torn():
        for line in shown(*lines, colour=colour):
            assert obeyed(without_colours(line) if colour else line) == [], lines


def test_s7_no_control_byte_reaches_standard_output() -> None:
    for lines in torn():
        written = "\n".join(shown(*lines)).encode()
        assert [byte for byte in written if (byte < 0x20 and byte not in b"\t\n") or byte == 0x7F] == [], (
            lines
        )
        assert not any(bytes([0xC2, byte]) in written for byte in range(0x80, 0xA0)), lines


@pytest.mark.parametrize("colour", [False, True])
def test_s7_the_text_around_every_case_is_kept(colour: bool) -> None:
    for case in CORPUS:
        [line] = shown(BEFORE + case + AFTER, colour=colour)
        assert line.count(AFTER) == 1, repr(case)
        assert line.count(BEFORE) == 1 or "\r" in case, repr(case)


@pytest.mark.parametrize("colour", [False, True])
def test_s7_the_text_around_every_torn_case_is_kept(colour: bool) -> None:
    for first, second in torn():
        one, other = shown(first, second, colour=colour)
        assert one.count(BEFORE) == 1 or "\r" in first, (first, second)
        assert other.count(AFTER) == 1, (first, second)


def test_s7_of_every_case_exactly_what_is_in_no_complete_sequence_is_kept() -> None:
    for lines in torn():
        reader = Reader()
        assert shown(*lines) == [reader.text(line) for line in lines], lines


def test_s7_colours_change_no_text_of_any_case() -> None:
    for lines in torn():
        assert [without_colours(line) for line in shown(*lines, colour=True)] == shown(*lines), lines
