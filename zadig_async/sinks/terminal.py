"""Text of the server made safe for a terminal: a pure filter.

Logs, names, errors and comments are written by whoever may push a commit or name a job. Printed as they
are they could move the cursor, rewrite earlier lines, set the clipboard, or reorder what a person reads
(kubectl had this as CVE-2021-25743). So every character that a terminal might obey is dropped.

The filter keeps no state between two texts: the introducer of a sequence is dropped wherever it stands, so
the rest of a sequence that was torn apart is plain text by then, ugly but harmless.
"""

import re
import unicodedata
from typing import Final

_ESCAPES: Final = re.compile(
    # Strings for the terminal (DCS, SOS, OSC, PM, APC), to their terminator or as far as they go.
    r"(?:\x1b[PX\]^_]|[\x90\x98\x9d\x9e\x9f])[^\x07\x1b\x9c\n]*(?:\x07|\x1b\\|\x9c)?"
    # CSI with parameters, cut short or not.
    r"|(?:\x1b\[|\x9b)[\x30-\x3f]*[\x20-\x2f]*[\x40-\x7e]?"
    # All other escapes, a lone ESC included.
    r"|\x1b[\x20-\x2f]*[\x30-\x7e]?"
)

_UNKNOWN: Final = "�"


def safe_line(text: str) -> str:
    """Return one line of a log, safe to print; tabs stay.

    Of what was written over with carriage returns the last part that holds anything is kept, as a
    terminal would show a progress bar in the end.
    """
    if text.isprintable():
        return str(text)  # a `Status` becomes plain, so that its repr is, too
    text = _ESCAPES.sub("", text)
    if "\r" in text:
        text = next((part for part in reversed(text.split("\r")) if part.strip()), "")
    return "".join([_safe(character) for character in text])


def safe(text: str) -> str:
    """Return a name, status, comment or error as one safe line: nothing hidden, line ends become blanks."""
    if text.isprintable():
        return str(text)  # a `Status` becomes plain, so that its repr is, too
    text = _ESCAPES.sub("", text)
    return "".join([" " if character in "\r\n\t" else _safe(character) for character in text]).strip()


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


def _safe(character: str) -> str:
    """Return what one character becomes, escape sequences being gone already."""
    if character.isprintable() or character == "\t":
        return character
    match unicodedata.category(character):
        case "Cc" | "Cf":  # controls; joiners, marks of direction and whatever else has no shape
            return ""
        case "Zl" | "Zp":
            return " "
        case "Cs" | "Cn":  # half of a character; or one that a newer terminal may know and obey
            return _UNKNOWN
        case _:  # other blanks, such as the ideographic one, and private use
            return character
