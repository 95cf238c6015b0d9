r"""The grammar of terminal control in text (ECMA-48, and what terminals made of it), pure and linear in time.

    control sequence   ESC [ or U+009B, parameters 0-?, intermediates blank-/, one final @-~
    control string     DCS (ESC P, U+0090), SOS (ESC X, U+0098), OSC (ESC ], U+009D), PM (ESC ^, U+009E) or
                       APC (ESC _, U+009F), to ST (ESC \, U+009C); an OSC also to BEL, as xterm has it
    other escape       ESC, intermediates blank-/, one final 0-~
    colour (SGR)       a control sequence of digits, ; and : with the final m

A string ends without a terminator, and then hides nothing, where a terminal gives it up: before CAN, SUB, ESC
or any C1 control. A line feed ends it as well, for a line of a log is one line.

No pattern is more than linear: what may stand inside of a sequence cannot introduce one, so no character is
read again for a later introducer, and the quantifiers are possessive.
"""

import re
import unicodedata
from typing import Final

# What follows the introducers. Everything a terminal gives a string up at is excluded from strings.
_CSI: Final = r"(?:([0-9:;]*+)m|[0-?]*+[ -/]*+[@-~])"
_OSC: Final = r"[^\x07\n\x18\x1a\x1b\x80-\x9f]*+(?:\x07|\x1b\\|\x9c)"
_STRING: Final = r"[^\n\x18\x1a\x1b\x80-\x9f]*+(?:\x1b\\|\x9c)"
_ESCAPE: Final = r"[ -/]*+[0-~]"

SEQUENCE: Final = re.compile(
    # One class of first characters and then a look back: an ordinary text is searched ten times faster so.
    r"[\x1b\x80-\x9f](?:"
    rf"(?:(?<=\x1b)\[|(?<=\x9b)){_CSI}"
    rf"|(?:(?<=\x1b)\]|(?<=\x9d)){_OSC}"
    rf"|(?:(?<=\x1b)[PX^_]|(?<=[\x90\x98\x9e\x9f])){_STRING}"
    rf"|(?<=\x1b){_ESCAPE}"
    r")?"
)
"""A complete sequence or string, the introducer of one that is not complete, or any other C1 control.

A text without its matches holds no ESC and no C1 control. The group holds the parameters of a colour.
"""

CSI: Final = re.compile(rf"(?:\x1b\[|\x9b){_CSI}")
"""A complete control sequence; the group holds the parameters of a colour."""

TORN_CSI: Final = re.compile(r"(?:\x1b(?:\[[0-?]*+[ -/]*+)?|\x9b[0-?]*+[ -/]*+)\Z")
"""What may be the beginning of a control sequence, up to the end of the text."""

# Controls, and the characters Python calls printable that show as nothing (Default_Ignorable_Code_Point).
_SHAPELESS: Final = re.compile(
    r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f"
    r"\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180d\u180f\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef]"
)
_PARTING: Final = frozenset("\t\n\r")


def strip(text: str) -> str:
    """Return a text without anything that could hide words in it, for finding words.

    Complete sequences and strings go, and so do all other characters that have no shape: controls, joiners,
    marks of direction, variation selectors, tags, fillers, halves of characters, and what Unicode has not
    assigned. What parts text stays: tab, carriage return, line feed, and blanks of all kinds.

    Every word that `zadig_async.sinks.terminal` shows is in it. What stands inside of a complete string, such
    as the address of a link, is not: look for that in the text itself.
    """
    if text.isascii() and text.isprintable():
        return text
    text = _SHAPELESS.sub("", SEQUENCE.sub("", text))
    if text.isascii() or text.isprintable():
        return text
    return "".join([character for character in text if _has_shape(character)])


def _has_shape(character: str) -> bool:
    return (
        character.isprintable()
        or character in _PARTING
        or unicodedata.category(character) in {"Zs", "Zl", "Zp", "Co"}
    )
