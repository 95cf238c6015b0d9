"""Reads path and query values with Go's number rules."""

import re

__all__ = ["bound_int", "go_int"]

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
