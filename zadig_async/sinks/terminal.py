"""Text of the server made safe for a terminal: pure, but for what a `LineFilter` carries from line to line.

Logs, names, errors and comments are written by whoever may push a commit or name a job. Printed as they
are they could move the cursor, rewrite earlier lines, set the clipboard, or reorder what a person reads
(kubectl had this as CVE-2021-25743). So every character that a terminal might obey is dropped, and with it
the rest of its sequence where that is complete (`zadig_async.wire.ansi` has the grammar). What is not part of
a complete sequence is text, and is shown: nobody hides a line behind a string that never ends.

Colours can be kept. They are then understood and written anew, never passed on.
"""

import functools
import itertools
import re
import unicodedata
from collections.abc import Iterable, Iterator
from typing import Final

import attrs

from zadig_async.wire import ansi

_UNKNOWN: Final = "�"
_RESET: Final = "\x1b[0m"
_BLANKS: Final = str.maketrans("\r\n\t", "   ")

_TORN_AT_MOST: Final = 32
"""Characters of a torn control sequence on either side of a line end; more would only help to hide text."""

_PARAMETERS: Final = re.compile(r"(?:[0-9]{0,3}[:;]){0,31}[0-9]{0,3}")
"""The parameters of a colour sequence that is listened to."""

_MARK: Final = {1: 1, 2: 2, 3: 3, 4: 4, 7: 7, 9: 9, 21: 4}
"""Bold, dim, italic, underlined (once or twice), reversed, struck out.

Left out on purpose: blinking (5, 6), concealed (8), and fonts (10-20), in which some terminals show other
characters.
"""

_UNMARK: Final = {22: {1, 2}, 23: {3}, 24: {4}, 27: {7}, 29: {9}}

# Colours are tuples: none, the number of the palette, or red, green and blue.
_TEXT: Final[dict[int, tuple[int, ...]]] = {
    39: (),
    **{30 + number: (number,) for number in range(8)},
    **{82 + number: (number,) for number in range(8, 16)},
}
_GROUND: Final = {code + 10: colour for code, colour in _TEXT.items()}
_CODE: Final = {colour: code for code, colour in _TEXT.items()}

# An old terminal takes the red, green and blue of a colour for marks; beside these three it can do no harm.
_NEIGHBOUR: Final = {5: 4, 6: 7, 8: 9}


@attrs.frozen(cache_hash=True)
class _Style:
    """How text is shown."""

    marks: frozenset[int] = frozenset()
    text: tuple[int, ...] = ()
    ground: tuple[int, ...] = ()


_USUAL: Final = _Style()


class LineFilter:
    """Makes the lines of one log stream safe to print, one after the other.

    Whatever the lines, and wherever a sequence is torn, nothing comes out that a terminal might obey, except
    colours if they are asked for. All text comes out that is not part of a complete control sequence, but:

    - Of what was written over with carriage returns the last part that holds anything is kept, as a terminal
      would show a progress bar in the end.
    - A line may end in the beginning of a control sequence, of up to 32 characters. It is not shown, and if
      the next line completes the sequence within 32 characters, neither are those.

    Characters that have no shape are dropped, those Unicode does not know become U+FFFD, line separators
    become blanks, and tabs stay.

    With colours each line is whole: it begins with the colours that are on, and leaves none on. Concealed and
    blinking text is shown as usual, and so is text in the very colour of its ground (that two colours only
    look alike is not noticed).
    """

    __slots__ = ("_colour", "_on", "_style", "_torn")

    def __init__(self, *, colour: bool = False) -> None:
        """Begin a stream.

        Args:
            colour: Keep colours, and marks such as bold and underlined.
        """
        self._colour = colour
        self._style = _USUAL
        self._on = ""  # what turns `_style` on
        self._torn = ""  # the end of the last line if it may be the beginning of a control sequence

    def line(self, text: str) -> str:
        """Return the next line of the stream, safe to print.

        Args:
            text: The line; its end may be left on.
        """
        if text.isprintable() and not self._torn:
            return f"{self._on}{text}{_RESET}" if self._on and text else text
        if self._torn and ansi.CSI.match(self._torn + text[:_TORN_AT_MOST]):
            text = self._torn + text
        text, self._torn = _untorn(text.rstrip("\r\n"))
        if self._colour:
            return self._coloured(text)
        return _last(ansi.SEQUENCE.sub("", text))

    def _coloured(self, text: str) -> str:
        # Runs of one style: what turns it on, and the text. Of the part at hand, and of the last part written
        # over that holds anything; None where nothing was written over.
        part: list[tuple[str, str]] = []
        last: list[tuple[str, str]] | None = None
        for on, run in self._runs(text):
            first, *others = run.split("\r")
            part.append((on, _shown(first)))
            for other in others:
                last = part if _holds(part) else last or []
                part = [(on, _shown(other))]
        return _joined(part if last is None or _holds(part) else last)

    def _runs(self, text: str) -> Iterator[tuple[str, str]]:
        start = 0
        for sequence in ansi.SEQUENCE.finditer(text):
            yield self._on, text[start : sequence.start()]
            start = sequence.end()
            parameters: str | None = sequence[1]
            if parameters is not None and _PARAMETERS.fullmatch(parameters):
                self._style = _after(self._style, parameters)
                self._on = _turning_on(self._style)
        yield self._on, text[start:]


def safe_line(text: str) -> str:
    """Return one line of a log, safe to print: what a `LineFilter` makes of the first line of a stream."""
    return str(text) if text.isprintable() else LineFilter().line(text)  # a `Status` becomes plain


def safe(text: str) -> str:
    """Return a name, status, comment or error as one safe line: nothing hidden, line ends become blanks."""
    if text.isprintable():
        return str(text)  # a `Status` becomes plain, so that its repr is, too
    return _shown(ansi.SEQUENCE.sub("", _untorn(text)[0]).translate(_BLANKS)).strip()


def safe_block(text: str) -> list[str]:
    """Return a text of several lines as safe lines."""
    return [safe(line) for line in text.splitlines()]


def escape_json(document: str) -> str:
    r"""Return a JSON document in which all that a terminal might obey is written as `\uXXXX`.

    The document means the same as before, and Chinese stays readable. Line ends between values stay.
    """
    if document.isprintable():
        return document
    return "".join(
        [
            character if character in "\n " or not _dangerous(character) else _json_escape(character)
            for character in document
        ]
    )


def _json_escape(character: str) -> str:
    units = character.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[i]:02x}{units[i + 1]:02x}" for i in range(0, len(units), 2))


def _dangerous(character: str) -> bool:
    return not character.isprintable() and unicodedata.category(character) not in {"Zs", "Co"}


def _untorn(text: str) -> tuple[str, str]:
    """Return a text without the beginning of a control sequence it ends with, and that beginning or ""."""
    start = max(text.rfind("\x1b"), text.rfind("\x9b"))
    if start >= 0 and len(text) - start <= _TORN_AT_MOST and ansi.TORN_CSI.match(text, start):
        return text[:start], text[start:]
    return text, ""


def _last(text: str) -> str:
    """Return what is shown of a text without sequences in which carriage returns may stand."""
    if "\r" not in text:
        return _shown(text)
    parts = (_shown(part) for part in reversed(text.split("\r")))
    return next((part for part in parts if part.strip()), "")


def _holds(part: list[tuple[str, str]]) -> bool:
    return any(run.strip() for _, run in part)


def _joined(part: list[tuple[str, str]]) -> str:
    pieces = []
    now = ""
    for on, run in part:
        if run and on != now:
            pieces.append(_RESET + on if now else on)
            now = on
        pieces.append(run)
    if now:
        pieces.append(_RESET)
    return "".join(pieces)


@functools.lru_cache(maxsize=256)
def _after(style: _Style, parameters: str) -> _Style:
    """Return the style after a colour sequence (ECMA-48 8.3.117, ISO 8613-6, xterm)."""
    fields = [[int(number or 0) for number in field.split(":")] for field in parameters.split(";")]
    if any(number > 255 for number in itertools.chain(*fields)):
        return style
    marks, text, ground = set(style.marks), style.text, style.ground
    following = iter(fields)
    for code, *details in following:
        if code in {38, 48, 58}:  # 58 colours underlines
            if len(details) > 4:
                del details[1]  # the colour space
            colour = _colour(details or (field[0] for field in following))
            text = colour if code == 38 else text
            ground = colour if code == 48 else ground
        elif code == 4 and details == [0]:
            marks.discard(4)
        elif details and code != 4:
            continue
        elif code == 0:
            marks, text, ground = set(), (), ()
        else:
            marks |= {_MARK[code]} if code in _MARK else set()
            marks -= _UNMARK.get(code, set())
            text = _TEXT.get(code, text)
            ground = _GROUND.get(code, ground)
    return _Style(frozenset(marks), text, ground)


def _colour(numbers: Iterable[int]) -> tuple[int, ...]:
    """Return the colour behind a 38 or 48, taking no more numbers than it has; none where it is cut short."""
    following = iter(numbers)
    match next(following, 0):
        case 5:
            return tuple(itertools.islice(following, 1))
        case 2:
            colour = tuple(_NEIGHBOUR.get(number, number) for number in itertools.islice(following, 3))
            return colour if len(colour) == 3 else ()
        case _:
            return ()


@functools.lru_cache(maxsize=256)
def _turning_on(style: _Style) -> str:
    """Return the sequence that turns a style on where none is on, or "" for the usual one."""
    numbers = sorted(style.marks)
    if style.text != style.ground:  # else they would hide the text
        numbers += _colour_numbers(style.text, 0) + _colour_numbers(style.ground, 10)
    return f"\x1b[{';'.join(map(str, numbers))}m" if numbers else ""


def _colour_numbers(colour: tuple[int, ...], offset: int) -> list[int]:
    if not colour:
        return []
    if colour in _CODE:
        return [_CODE[colour] + offset]
    return [38 + offset, 5 if len(colour) == 1 else 2, *colour]


def _shown(text: str) -> str:
    """Return what is shown of a text without sequences."""
    if text.replace("\t", "").isprintable():
        return text
    return "".join([_safe(character) for character in text])


def _safe(character: str) -> str:
    """Return what one character becomes, sequences being gone already."""
    if character.isprintable() or character == "\t":
        return character
    if character == "\n":
        return " "
    match unicodedata.category(character):
        case "Cc" | "Cf":  # controls; joiners, marks of direction and whatever else has no shape
            return ""
        case "Zl" | "Zp":
            return " "
        case "Cs" | "Cn":  # half of a character; or one that a newer terminal may know and obey
            return _UNKNOWN
        case _:  # other blanks, such as the ideographic one, and private use
            return character
