"""JSON bytes as Go's encoding/json writes them: compact, real UTF-8, HTML characters escaped."""

import json
import re
from typing import Any

__all__ = ["dumps", "sorted_without_nulls", "spelled", "to_bytes"]

_ESCAPES = (
    ("<", "\\u003c"),
    (">", "\\u003e"),
    ("&", "\\u0026"),
    ("\u2028", "\\u2028"),
    ("\u2029", "\\u2029"),
)

_PYTHON_ONLY = re.compile(r"\\.")
_GO_SPELLING = {"\\b": "\\u0008", "\\f": "\\u000c"}
_ENCODE = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode


def spelled(value: Any) -> str:
    """Encode `value` as text; what is escaped can only occur inside strings, so replacing it is safe."""
    text = _ENCODE(value)
    if "\\" in text:
        text = _PYTHON_ONLY.sub(lambda found: _GO_SPELLING.get(found[0], found[0]), text)
    for character, escape in _ESCAPES:
        text = text.replace(character, escape)
    return text


def dumps(value: Any) -> bytes:
    """Encode `value` as the bytes of an answer."""
    return to_bytes(spelled(value))


def to_bytes(text: str) -> bytes:
    """JSON text as bytes; half a surrogate pair, which is no character, becomes a question mark."""
    return text.encode("utf-8", "replace")


def sorted_without_nulls(value: Any) -> Any:
    """Normalise a value that the server stores untyped (a job's raw `spec`, `job_info`).

    Such values are decoded as BSON maps: keys come out in alphabetical order and keys holding null vanish,
    while nulls inside arrays stay (Zadig v4.1.0 pkg/shared/handler/base.go:343).
    """
    if isinstance(value, dict):
        return {key: sorted_without_nulls(value[key]) for key in sorted(value) if value[key] is not None}
    if isinstance(value, list | tuple):
        return [sorted_without_nulls(item) for item in value]
    return value
