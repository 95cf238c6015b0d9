"""One way to write a JSON value down: the same value is always the same bytes, so that it can be summed.

ASCII only, keys sorted, no white space, every control character escaped.
"""

import json
from collections.abc import Mapping
from typing import Any, Final

from zadig_async.errors import JournalError

_DEPTH: Final = 50
"""Deepest nesting taken; far beyond what a record needs, far below where Python's parser gives up."""


def text(value: object, what: str) -> str:
    """Return a JSON value as canonical text. Any mapping is an object, lists and tuples are arrays.

    Args:
        value: What to write.
        what: What to call it in messages, such as `data`.

    Raises:
        JournalError: JSON has no such value; names its place and kind, never the value.
    """
    try:
        return json.dumps(
            _plain(value, what, 0), ensure_ascii=True, allow_nan=False, sort_keys=True, separators=(",", ":")
        )
    except ValueError:  # NaN, infinity, or a number of thousands of digits
        raise JournalError(f"{what}: holds a number that JSON cannot hold") from None


def mapping(written: str | bytes) -> dict[str, Any]:
    """Read an object that `text` wrote.

    Raises:
        ValueError: It is no JSON object.
    """
    try:
        value = json.loads(written)
    except RecursionError:
        raise ValueError("nested too deeply") from None
    if not isinstance(value, dict):
        raise ValueError("not an object")  # noqa: TRY004 - like any other text that is not what it should be
    return value


def _plain(value: object, path: str, depth: int) -> object:
    if value is None or isinstance(value, str | int | float):
        return value
    if depth >= _DEPTH:
        raise JournalError(f"{path}: nested more than {_DEPTH} deep")
    if isinstance(value, Mapping):
        for key in value:
            if not isinstance(key, str):
                raise JournalError(f"{path}: expected keys that are strings, got {type(key).__name__}")
        return {key: _plain(each, f"{path}.{key}", depth + 1) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each, f"{path}[{index}]", depth + 1) for index, each in enumerate(value)]
    raise JournalError(f"{path}: expected a JSON value, got {type(value).__name__}")
