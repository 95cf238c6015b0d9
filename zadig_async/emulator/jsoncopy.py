"""Deep copies of JSON values, much cheaper than those of the standard library."""

from typing import Final, TypeVar, cast

__all__ = ["clone"]

T = TypeVar("T")

_ATOMS: Final = frozenset({str, int, float, bool, type(None)})
"""Types whose values are shared without a closer look; nearly every value is of one of them."""


def clone(value: T) -> T:
    """Copy mappings and lists all the way down; every other value is immutable and is shared."""
    if isinstance(value, dict):
        pairs = value.items()
        return cast("T", {key: item if type(item) in _ATOMS else clone(item) for key, item in pairs})
    if isinstance(value, list):
        return cast("T", [item if type(item) in _ATOMS else clone(item) for item in value])
    if isinstance(value, tuple):
        return cast("T", tuple([clone(item) for item in value]))
    return value
