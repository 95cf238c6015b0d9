"""Nothing hides words from `strip`, and no input makes the grammar slow."""

import re
import subprocess
import sys
import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from zadig_async.sinks.terminal import LineFilter
from zadig_async.wire.ansi import CSI, SEQUENCE, TORN_CSI, strip

# Default_Ignorable_Code_Point of Unicode 16, the whole of it.
IGNORABLE = {
    *(0xAD, 0x34F, 0x61C, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x3164, 0xFEFF, 0xFFA0),
    *range(0x180B, 0x1810),
    *range(0x200B, 0x2010),
    *range(0x202A, 0x202F),
    *range(0x2060, 0x2070),
    *range(0xFE00, 0xFE10),
    *range(0xFFF0, 0xFFF9),
    *range(0x1BCA0, 0x1BCA4),
    *range(0x1D173, 0x1D17B),
    *range(0xE0000, 0xE1000),
}
COMPLETE = [
    *("\x1b[m", "\x1b[1;31m", "\x1b[38:2::1:2:3m", "\x9b0m", "\x1b[?1049h", "\x9b q", "\x1b[!p", "\x1b[1 q"),
    *(
        "\x1b]0;t\x07",
        "\x1b]8;;x\x1b\\",
        "\x9d52;c;QQ==\x9c",
        "\x1b]\x07",
        "\x1bPq\x07#0\x1b\\",
        "\x90$qm\x9c",
    ),
    *("\x1b_Ga=T;A\x1b\\", "\x9fx\x9c", "\x1b^x\x1b\\", "\x9ex\x9c", "\x1bXx\x1b\\", "\x98x\x9c", "\x1bc"),
    *("\x1b#8", "\x1b(B", "\x1b%/G", "\x1b7", "\x1b\\", "\x9c", "\x85", "\x1bP\t部署\x1b\\"),
]
SHAPELESS = [
    *"\x00\x07\x08\x0b\x0c\x0e\x1f\x7f\xad\u200b\u202e\u2066\u3164\ufe0f\ufeff\U000e0041\U000e0100\ud800\ufffe"
]
INCOMPLETE = [
    *(
        "\x1b",
        "\x1b[",
        "\x1b[3",
        "\x9b3",
        "\x1b]0;",
        "\x9d8;",
        "\x1bPq",
        "\x90",
        "\x1b_G",
        "\x1bX",
        "\x1b(",
        "\x18",
    )
]
pieces = COMPLETE + SHAPELESS + INCOMPLETE + [*"\\r\\n\\t; m1部"]
text = st.text() | st.lists(st.sampled_from(pieces) | st.text(max_size=3)).map("".join)


@pytest.mark.parametrize("sequence", COMPLETE)
def test_a_complete_sequence_is_one_match(sequence: str) -> None:
    assert SEQUENCE.sub("", sequence) == ""
    assert len(SEQUENCE.findall(sequence)) == 1


@pytest.mark.parametrize(
    ("sequence", "parameters"),
    [
        *(
            ("\x1b[m", ""),
            ("\x9b1;31m", "1;31"),
            ("\x1b[4:3m", "4:3"),
            ("\x1b[?4m", None),
            ("\x1b[1 m", None),
        ),
        *(("\x1b[>4;2m", None), ("\x1b[1H", None)),
    ],
)
def test_only_a_colour_has_parameters_in_its_match(sequence: str, parameters: str | None) -> None:
    for pattern in (SEQUENCE, CSI):
        match = pattern.fullmatch(sequence)
        assert match is not None
        assert match[1] == parameters


@pytest.mark.parametrize(
    ("given_text", "left"),
    [
        ("pa\x1b[1mss", "pass"),
        ("pa\x1b]0;t\x07ss", "pass"),
        ("\x1b]0;password", "0;password"),
        ("\x1b]0;pass\x18word\x07", "0;password"),
        ("\x1b]0;pass\nword\x07", "0;pass\nword"),
        ("\x1bPpass\x07word", "password"),
        ("\x1bPpass\x90word\x1b\\", "pass"),
        ("\x1b]0;pass\x85word\x07", "0;password"),
        ("\x9dpass\x9dword", "password"),
        ("\x1b[3é\x1b(é", "3é(é"),
        ("\x1b[31", "31"),
        ("a\tb\rc\nd\u3000e\u2028f\xa0g\ue0b0", "a\tb\rc\nd\u3000e\u2028f\xa0g\ue0b0"),
        ("e\u0301 ✔\ufe0f 👨\u200d👩", "e\u0301 ✔ 👨👩"),
    ],
)
def test_what_is_left_when_everything_that_hides_is_gone(given_text: str, left: str) -> None:
    assert strip(given_text) == left


@given(st.lists(st.tuples(st.sampled_from("päs部0"), st.lists(st.sampled_from(COMPLETE + SHAPELESS)))))
def test_no_sequence_and_no_shapeless_character_hides_a_word(letters: list[tuple[str, list[str]]]) -> None:
    written = "".join(letter + "".join(between) for letter, between in letters)
    assert strip(written) == "".join(letter for letter, _ in letters)


@given(text)
@example("\x1b\x1b[31m")
@example("\x1b]0;\x1b[1m\x07")
def test_nothing_without_a_shape_is_left(given_text: str) -> None:
    left = strip(given_text)
    assert [
        character
        for character in left
        if (unicodedata.category(character) in {"Cc", "Cf", "Cn", "Cs"} and character not in "\t\r\n")
        or ord(character) in IGNORABLE
    ] == []
    assert strip(left) == left


def test_every_character_that_unicode_says_to_ignore_goes() -> None:
    assert [hex(code) for code in IGNORABLE if strip(f"a{chr(code)}b") != "ab"] == []


@given(st.lists(text))
@example(["\x1b[", "31mpass"])
@example(["pass\nword"])
def test_every_word_that_is_shown_is_in_what_is_left(lines: list[str]) -> None:
    stream = LineFilter()
    for line in lines:
        left = strip(line)
        assert [word for word in re.findall("[!-~]+", stream.line(line)) if word not in left] == []


@given(st.text(st.characters(codec="ascii", exclude_categories=["C"])) | st.sampled_from(["部署 完成", ""]))
def test_plain_text_is_left_as_it_is(plain: str) -> None:
    assert strip(plain) == plain


@pytest.mark.parametrize("torn", ["\x1b", "\x1b[", "\x9b", "\x1b[3", "\x9b1;", "\x1b[?", "\x1b[1 "])
def test_the_beginning_of_a_control_sequence_is_torn_only_at_the_end(torn: str) -> None:
    assert TORN_CSI.match(torn)
    assert not TORN_CSI.match(torn + "é")
    assert not TORN_CSI.match(torn + "\n")
    assert not TORN_CSI.match(torn + "[A")


# In a process of its own: a regular expression that runs wild cannot be interrupted, only killed.
_LONG = r"""
from zadig_async.sinks.terminal import LineFilter
from zadig_async.wire.ansi import strip

def told(what, text):
    print(what, ascii(text[:8]), len(text), flush=True)
    return text

strings = ["\x1b]", "\x9d", "\x1bP", "\x90", "\x1b_", "\x9f", "\x1b^", "\x9e", "\x1bX", "\x98"]
others = ["\x1b", "\x1b[", "\x9b", "\x1b(", "\x1b\\", "\x9c", "\x85", "\x18", "\x07", "\r", "\n"]
longer = ["\x1b[3", "\x9b3", "\x1b[1;", "\x1b ", "\x1b]0;", "\x9d0;", "\x1bP ", "\x1b\x1b]"]
longer += ["\x1b[1m", "\x9b1m"]
for unit in strings + others + longer:
    strip(told("strip", unit * 1_000_000))
    LineFilter().line(told("line", unit * 300_000))
    LineFilter(colour=True).line(told("colour", unit * 100_000))
    for rest in ("1", " ", "a"):
        strip(told("strip", unit + rest * 1_000_000))
    strip(told("strip", unit * 500_000 + "1" * 500_000))
stream = LineFilter(colour=True)
for _ in range(1_000):
    stream.line("1" * 1_000 + "\x1b[" + "1" * 30)
print("done")
"""


@pytest.mark.slow
@pytest.mark.timeout(240)
def test_a_million_of_anything_takes_time_that_only_grows_with_the_length() -> None:
    # Were any of it quadratic, it would be 10^12 steps.
    done = subprocess.run(
        [sys.executable, "-c", _LONG], capture_output=True, text=True, timeout=200, check=False
    )
    assert done.stdout.endswith("done\n"), done.stderr
