"""Aligned columns of text that know how wide Chinese is on a terminal."""

from collections.abc import Sequence
from typing import Final

from rich.cells import cell_len

GAP: Final = "  "


def pad(text: str, width: int) -> str:
    """Fill a text with blanks up to a width in terminal cells."""
    return text + " " * max(0, width - cell_len(text))


def aligned(rows: Sequence[Sequence[str]]) -> list[list[str]]:
    """Pad the cells of every column but the last to one width."""
    if not rows:
        return []
    count = len(rows[0])
    widths = [max(cell_len(row[index]) for row in rows) for index in range(count - 1)]
    return [[*(pad(cell, width) for cell, width in zip(row, widths, strict=False)), row[-1]] for row in rows]


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Return the lines of a table; the last column may be of any length."""
    return [GAP.join(cells).rstrip() for cells in aligned([header, *rows])]
