"""Nothing of the server's reaches a terminal that the terminal might obey."""

import json
import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from zadig_async.sinks.terminal import escape_json, safe, safe_block, safe_line

_ESCAPES = [
    *("\x1b[31m", "\x1b[", "\x1b]0;title\x07", "\x1b]8;;http://x\x1b\\", "\x1b]52;c;", "\x1bP", "\x1b_"),
    *("\x1b^", "\x1bX", "\x1b\\", "\x1b", "\x1b(B", "\x1bc", "\x9b31m", "\x9d0;x\x9c", "\x90"),
]
_CONTROLS = [*"\x07\x08\r\n\t\x7f\x85\u202e\u2066\u200f\u061c\u200b\ufeff\u2028\ud800\udc00\U000e0041\u0378"]
_PLAIN = [*"部é😀\u3000\ue0b0m;][0", "abc"]
_PIECES = _ESCAPES + _CONTROLS + _PLAIN
text = st.one_of(st.text(), st.lists(st.sampled_from(_PIECES)).map("".join))

BIDI = set("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200e\u200f\u061c")


def obeyed(shown: str) -> list[str]:
    """Return the characters of a text a terminal may obey instead of show."""
    return [
        character
        for character in shown
        if (unicodedata.category(character) in {"Cc", "Cf", "Cs", "Zl", "Zp"} and character != "\t")
        or character in BIDI
    ]


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


@pytest.mark.parametrize(
    ("sent", "shown"),
    [
        ("\x1b[1;31mred\x1b[0m", "red"),
        ("\x1b]0;owned\x07after", "after"),
        ("\x1b]8;;https://evil\x1b\\link\x1b]8;;\x1b\\", "link"),
        ("\x1b]52;c;Y3VybA==", ""),
        ("\x1bPq#0\x1b\\x", "x"),
        ("\x9b2Jx", "x"),
        ("\x1b(Bx\x1bcy\x1b7z", "xyz"),
        ("\x9d0;t\x9cx", "x"),
        ("cut \x1b[3", "cut "),
        ("cut \x1b", "cut "),
        ("10%\r20%\r30%", "30%"),
        ("done\r", "done"),
        ("50%\r   ", "50%"),
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


def test_a_name_hides_nothing_behind_a_carriage_return() -> None:
    assert safe("failed\rpassed") == "failed passed"
    assert safe("two\nlines") == "two lines"


@given(st.recursive(text, lambda inner: st.lists(inner) | st.dictionaries(text, inner), max_leaves=5))
def test_json_means_the_same_and_is_harmless(value: object) -> None:
    document = escape_json(json.dumps(value, ensure_ascii=False, indent=1))
    # Two halves of a character that stand together become that character; json reads them so, too.
    assert json.loads(document) == json.loads(json.dumps(value))
    assert obeyed(document.replace("\n", "")) == []


def test_json_keeps_chinese_readable() -> None:
    assert escape_json('"部署\u009b31m\u202e\u3000"') == '"部署\\u009b31m\\u202e\u3000"'
