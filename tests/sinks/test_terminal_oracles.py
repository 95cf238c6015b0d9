"""What a terminal would obey and show: independent judges for the tests of the filter, and tests of them.

Nothing here uses the code under test or a regular expression: texts are read character by character, the way
ECMA-48 describes it.
"""

import unicodedata
from collections.abc import Iterator

import pytest

BIDI = set("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200e\u200f\u061c")
_STRINGS = {"\x90": "P", "\x98": "X", "\x9d": "]", "\x9e": "^", "\x9f": "_"}
_NAMES = {1: "bold", 2: "dim", 3: "italic", 4: "underlined", 7: "reversed", 9: "struck out", 21: "underlined"}
_ENDS = {22: ("bold", "dim"), 23: ("italic",), 24: ("underlined",), 27: ("reversed",), 29: ("struck out",)}

Look = dict[str, object]
"""How a character looks: its marks, and its colours under "text" and "ground"."""


def obeyed(shown: str) -> list[str]:
    """Return the characters of a text a terminal may obey instead of show."""
    return [
        character
        for character in shown
        if character != "\t"
        and (
            ord(character) < 0x20
            or 0x7F <= ord(character) <= 0x9F
            or 0xD800 <= ord(character) <= 0xDFFF
            or 0xE0000 <= ord(character) <= 0xE00FF  # tags
            or ord(character) & 0xFFFE == 0xFFFE
            or character in BIDI
            or unicodedata.category(character) in {"Cf", "Cn", "Zl", "Zp"}
        )
    ]


def without_colours(shown: str) -> str:
    """Return a text without the one exception, after judging that each colour is exactly as it may be."""
    pieces = shown.split("\x1b[")
    plain = [pieces[0]]
    for piece in pieces[1:]:
        parameters, final, rest = piece.partition("m")
        numbers = parameters.split(";")
        assert final, piece
        assert len(numbers) <= 32, piece
        assert all(number.isascii() and number.isdigit() and int(number) <= 255 for number in numbers), piece
        assert not {"6", "8"} & set(numbers), piece
        assert all(numbers[i - 1] in {"38", "48"} for i, number in enumerate(numbers) if number == "5"), piece
        plain.append(rest)
    return "".join(plain)


class Reader:
    """Reads the lines of a stream as a careful person with a terminal's manual would."""

    def __init__(self) -> None:
        self.look: Look = {}
        self.torn = ""

    def line(self, text: str) -> list[tuple[str, Look]]:
        """Return the characters that must be shown of the next line, and how they look."""
        text = text.rstrip("\r\n")
        joined = self.torn + text
        if self.torn and 0 < _control_end(joined, 0) <= len(self.torn) + 32:
            text = joined
        self.torn = ""
        parts: list[list[tuple[str, Look]]] = [[]]
        for piece in self._pieces(text):
            if len(piece) > 1 or piece in {"\x1b", *map(chr, range(0x80, 0xA0))}:
                self._colour(piece)
            elif piece == "\r":
                parts.append([])
            else:
                parts[-1] += [(shown, _fair(self.look)) for shown in _shape(piece)]
        if len(parts) == 1:
            return parts[0]
        holding = [part for part in parts if any(not character.isspace() for character, _ in part)]
        return holding[-1] if holding else []

    def text(self, text: str) -> str:
        """Return the characters that must be shown of the next line."""
        return "".join(character for character, _ in self.line(text))

    def _pieces(self, text: str) -> Iterator[str]:
        at = 0
        while at < len(text):
            end = _end(text, at)
            if _may_go_on(text, at) and len(text) - at <= 32:
                self.torn = text[at:]
                return
            yield text[at:end]
            at = end

    def _colour(self, sequence: str) -> None:
        body = sequence[2:] if sequence.startswith("\x1b[") else sequence[1:]
        introduced = sequence.startswith(("\x1b[", "\x9b"))
        if not introduced or not body.endswith("m") or set(body[:-1]) - set("0123456789;:"):
            return
        fields = [field.split(":") for field in body[:-1].split(";")]
        numbers = [number for field in fields for number in field]
        if len(numbers) > 32 or any(len(number) > 3 or int(number or 0) > 255 for number in numbers):
            return
        values = [[int(number or 0) for number in field] for field in fields]
        while values:
            self._one_colour(values)

    def _one_colour(self, values: list[list[int]]) -> None:
        code, *details = values.pop(0)
        if code in {38, 48, 58}:
            if not details:  # 38;5;n and 38;2;r;g;b: the numbers are fields of their own
                wanted = {5: 2, 2: 4}.get(values[0][0], 1) if values else 0
                details = [values.pop(0)[0] for _ in range(wanted) if values]
            elif len(details) >= 5:
                details = [details[0], *details[2:]]
            colour: object = None
            if details[:1] == [5] and len(details) >= 2:
                colour = details[1]
            elif details[:1] == [2] and len(details) >= 4:
                colour = tuple({5: 4, 6: 7, 8: 9}.get(number, number) for number in details[1:4])
            self._set({38: "text", 48: "ground", 58: "underline"}[code], colour)
        elif code == 4 and details:
            self._set("underlined", bool(details[0]) or len(details) > 1 or None)
        elif details:
            return
        elif code == 0:
            self.look = {}
        elif code in _NAMES:
            self._set(_NAMES[code], True)
        elif code in _ENDS:
            for name in _ENDS[code]:
                self._set(name, None)
        elif code // 10 in {3, 4, 9, 10} and code % 10 in {0, 1, 2, 3, 4, 5, 6, 7, 9}:
            if code % 10 != 9:
                bright = 8 if code >= 90 else 0
                self._set("text" if code // 10 in {3, 9} else "ground", code % 10 + bright)
            elif code in {39, 49}:
                self._set("text" if code == 39 else "ground", None)

    def _set(self, name: str, value: object) -> None:
        self.look = {key: old for key, old in self.look.items() if key != name}
        if value is not None and name != "underline":
            self.look[name] = value


def _fair(look: Look) -> Look:
    """Return a look in which text cannot hide in its ground."""
    if look.get("text") != look.get("ground"):
        return look
    return {name: value for name, value in look.items() if name not in {"text", "ground"}}


def _shape(character: str) -> str:
    if character == "\n":
        return " "
    if obeyed(character):
        return {"Zl": " ", "Zp": " ", "Cs": "\ufffd", "Cn": "\ufffd"}.get(unicodedata.category(character), "")
    return character


def _control_end(text: str, at: int) -> int:
    """Return where the control sequence that begins there ends, 0 if it is none or not complete."""
    if text[at] == "\x9b":
        at += 1
    elif text[at : at + 2] == "\x1b[":
        at += 2
    else:
        return 0
    while at < len(text) and 0x30 <= ord(text[at]) <= 0x3F:
        at += 1
    while at < len(text) and 0x20 <= ord(text[at]) <= 0x2F:
        at += 1
    return at + 1 if at < len(text) and 0x40 <= ord(text[at]) <= 0x7E else 0


def _may_go_on(text: str, at: int) -> bool:
    """Say whether what begins there would be a control sequence if the right text came after the end."""
    if text[at:] == "\x1b":
        return True
    return not _control_end(text, at) and _control_end(text + "m", at) == len(text) + 1


def _string_end(text: str, at: int, *, bell: bool) -> int:
    while at < len(text):
        if text[at] == "\x9c" or (text[at] == "\x07" and bell):
            return at + 1
        if text[at : at + 2] == "\x1b\\":
            return at + 2
        if text[at] in "\n\x18\x1a\x1b" or 0x80 <= ord(text[at]) <= 0x9F:
            return 0
        at += 1
    return 0


def _end(text: str, at: int) -> int:
    """Return where the character or sequence that begins there ends."""
    first, second = text[at], text[at + 1 : at + 2]
    if control := _control_end(text, at):
        return control
    if first in _STRINGS:
        return _string_end(text, at + 1, bell=first == "\x9d") or at + 1
    if first != "\x1b":
        return at + 1
    if second and second in "]PX^_":
        return _string_end(text, at + 2, bell=second == "]") or at + 2
    end = at + 1
    while end < len(text) and 0x20 <= ord(text[end]) <= 0x2F:
        end += 1
    return end + 1 if end < len(text) and 0x30 <= ord(text[end]) <= 0x7E else at + 1


@pytest.mark.parametrize(
    "character",
    "\x00\x07\x08\r\n\x0b\x0e\x1b\x7f\x80\x85\x9b\x9c\xad\u200b\u200d\u202e\u2028\u2069\ufeff\ufffe\ud800"
    "\U000e0001\U000e0041\U000e0080\U0010ffff\u0378",
)
def test_the_judge_knows_what_a_terminal_may_obey(character: str) -> None:
    assert obeyed(f"a{character}b") == [character]


def test_the_judge_lets_text_pass() -> None:
    assert obeyed("a\tb 部署\u3000é😀\ufe0f\ufffd\ue0b0\xa0") == []


@pytest.mark.parametrize(
    "shown",
    [
        *(
            "\x1b[8m",
            "\x1b[1;8m",
            "\x1b[5m",
            "\x1b[6m",
            "\x1b[m",
            "\x1b[256m",
            "\x1b[1",
            "\x1b[?1m",
            "\x1b[1;1H",
        ),
        "\x1b[" + "1;" * 32 + "1m",
    ],
)
def test_the_judge_of_colours_takes_no_other_sequence(shown: str) -> None:
    with pytest.raises(AssertionError):
        without_colours(shown)


def test_the_judge_of_colours_leaves_everything_else_to_be_judged() -> None:
    assert without_colours("a\x1b[1;38;5;99mb\x1b[0mc\x1bc\x9b") == "abc\x1bc\x9b"


@pytest.mark.parametrize(
    ("lines", "shown"),
    [
        (["\x1b[31mred\x1b[0m"], ["red"]),
        (["\x1b]0;a\x07b\x9d0;a\x9cc\x1bPq\x1b\\d"], ["bcd"]),
        (["\x1b]0;a", "b\x07c"], ["0;a", "bc"]),
        (["a\x1b[3", "1mb"], ["a", "b"]),
        (["a\x1b", "[1mb"], ["a", "b"]),
        (["a\x1b[3", "é"], ["a", "é"]),
        (["\x1b[3é\x1b(Bx\x1b"], ["3éx"]),
        (["\x1b[" + "1" * 40], ["1" * 40]),
        (["\x1b[", "1" * 31 + "m."], ["", "."]),
        (["\x1b[", "1" * 32 + "m."], ["", "1" * 32 + "m."]),
        (["1\r2\r "], ["2"]),
    ],
)
def test_the_reader_reads_as_ecma_48_has_it(lines: list[str], shown: list[str]) -> None:
    reader = Reader()
    assert [reader.text(line) for line in lines] == shown


@pytest.mark.parametrize(
    ("line", "look"),
    [
        ("\x1b[31mx", {"text": 1}),
        ("\x9b1;4;97mx", {"bold": True, "underlined": True, "text": 15}),
        ("\x1b[38;5;200;1mx", {"text": 200, "bold": True}),
        ("\x1b[48:2::1:2:3mx", {"ground": (1, 2, 3)}),
        ("\x1b[38;2;1;2;3;7mx", {"text": (1, 2, 3), "reversed": True}),
        ("\x1b[58;5;8;3mx", {"italic": True}),
        ("\x1b[1;22;8;5;6mx", {}),
        ("\x1b[1;31;0mx", {}),
        ("\x1b[1;mx", {}),
        ("\x1b[31;41;1mx", {"bold": True}),
        ("\x1b[1;256mx", {}),
        ("\x1b[>4;2mx", {}),
        ("\x1b[4:3mx", {"underlined": True}),
        ("\x1b[4;4:0mx", {}),
    ],
)
def test_the_reader_knows_how_text_looks(line: str, look: Look) -> None:
    assert Reader().line(line) == [("x", look)]
