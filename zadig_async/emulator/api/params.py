"""Reads path and query values with Go's number rules."""

import json
import re

__all__ = ["atoi", "bound_int", "go_int"]

_INTEGER = re.compile(r"[+-]?[0-9]+")
_LIMIT = 2**63


def go_int(text: str) -> int | None:
    """`strconv.ParseInt(text, 10, 64)`; None when it would fail."""
    if not _INTEGER.fullmatch(text):
        return None
    value = int(text)
    return value if -_LIMIT <= value < _LIMIT else None


def bound_int(text: str | None, default: int) -> int | None:
    """A query value as gin binds it: absent is the default, present but empty is 0, not a number is None."""
    if text is None:
        return default
    return go_int(text) if text else 0


def atoi(text: str) -> int:
    """`strconv.Atoi(text)`.

    Raises:
        ValueError: with Go's own words.
    """
    value = go_int(text)
    if value is None:
        quoted = json.dumps(text, ensure_ascii=False)
        reason = "value out of range" if _INTEGER.fullmatch(text) else "invalid syntax"
        raise ValueError(f"strconv.Atoi: parsing {quoted}: {reason}")
    return value
