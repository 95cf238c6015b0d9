"""JSON, strictly: what Go's encoder would never send is an error, not a guess."""

import json
import math
import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

import msgspec

from zadig_async.errors import ConfigError, DecodeError

_MAX_DEPTH: Final = 200
_QUICK: Final = msgspec.json.Decoder()
_UNREADABLE: Final = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
_DOUBT: Final = object()
_SURROGATE: Final = re.compile(rb"\\u[dD][89a-fA-F]")


class _Twice(dict[str, Any]):
    """An object in which a key stands twice; its place is found after parsing."""

    def __init__(self, key: str, pairs: list[tuple[str, Any]]) -> None:
        super().__init__(pairs)
        self.key = key


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) == len(pairs):
        return made
    seen: set[str] = set()
    for name, _ in pairs:
        if name in seen:
            return _Twice(name, pairs)
        seen.add(name)
    raise AssertionError


def _constant(text: str) -> float:
    raise ValueError(f"{text} is not JSON")


def _float(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError("a number too large for a float")
    return value


def _twice(value: object, path: str, depth: int = 0) -> str | None:
    if isinstance(value, dict | list) and depth >= _MAX_DEPTH:
        return f"{path}: nested deeper than {_MAX_DEPTH} levels"
    if isinstance(value, _Twice):
        return f"{path}.{value.key}: the key stands twice"
    if isinstance(value, dict):
        items = ((f"{path}.{k}", v) for k, v in value.items())
    elif isinstance(value, list):
        items = ((f"{path}[{i}]", v) for i, v in enumerate(value))
    else:
        return None
    return next((found for p, v in items if (found := _twice(v, p, depth + 1)) is not None), None)


def parse(body: bytes) -> Any:
    """Read one JSON document.

    Refused are: a byte order mark, text that is not UTF-8, half a surrogate pair, NaN and infinities, a
    key that stands twice in one object, nesting beyond 200 levels, and anything after the document.

    Raises:
        DecodeError: It is no such document. The message never quotes its content.
    """
    value = _quick(body)
    return _careful(body) if value is _DOUBT else value


def _quick(body: bytes) -> Any:
    """Read a document four times as fast, or return `_DOUBT` where only the careful way can tell.

    msgspec refuses all that `parse` does but deep nesting and equal keys, of which it keeps the last.
    What it threw away shows: every text of a document, keys included, has two quotes around it.
    """
    try:
        value = _QUICK.decode(body)
        texts = _texts(value, 0)
    except _UNREADABLE:
        return _DOUBT
    quotes = body.count(b'"')
    if b"\\" in body:
        if b"\\\\" in body:
            return _DOUBT  # the quote behind it may be escaped or not
        quotes -= body.count(b'\\"')
    return value if quotes == 2 * texts else _DOUBT


def _texts(value: object, depth: int) -> int:
    """Count the texts of a document, keys included.

    Raises:
        RecursionError: It is nested too deeply.
    """
    parts: Iterable[object]
    if isinstance(value, dict):
        texts, parts = len(value), value.values()
    elif isinstance(value, list):
        texts, parts = 0, value
    else:
        return int(isinstance(value, str))
    if depth >= _MAX_DEPTH:
        raise RecursionError
    for part in parts:
        kind = type(part)
        if kind is str:
            texts += 1
        elif kind is dict or kind is list:
            texts += _texts(part, depth + 1)
    return texts


def _careful(body: bytes) -> Any:
    if not body.strip():
        raise DecodeError("the answer is empty", problems=["$: empty"])
    try:
        value = json.loads(
            body.decode("utf-8"), object_pairs_hook=_object, parse_constant=_constant, parse_float=_float
        )
    except json.JSONDecodeError as error:
        what = error.msg.lower().removesuffix(" at")
        raise _broken(body, f"$: {what} at character {error.pos}") from None
    except UnicodeDecodeError as error:
        raise _broken(body, f"$: not UTF-8 at byte {error.start}") from None
    except (ValueError, RecursionError) as error:
        reason = "nested too deeply" if isinstance(error, RecursionError) else "a number JSON cannot hold"
        raise _broken(body, f"$: {reason}") from None
    problem = _twice(value, "$")
    if problem is not None:
        raise DecodeError(f"the answer is not plain JSON: {problem}", problems=[problem])
    if _SURROGATE.search(body) is not None and not _encodable(value):
        problem = "$: holds half a character"
        raise DecodeError(f"the answer is not plain JSON: {problem}", problems=[problem])
    return value


def _encodable(value: object) -> bool:
    """Whether every text of a document can be written out again, which a lone surrogate cannot."""
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return False
    return True


def _broken(body: bytes, problem: str) -> DecodeError:
    if body.lstrip()[:1] == b"<":
        return DecodeError(
            "the answer is an HTML page, not JSON",
            problems=["$: an HTML page"],
            hint="Is there a login page or a proxy before Zadig? Check the URL.",
        )
    return DecodeError(f"the answer is not JSON: {problem}", problems=[problem])


def dump(value: Mapping[str, Any] | list[Any]) -> bytes:
    """Write one JSON document as compact UTF-8.

    Not escaped to ASCII: the workflow routes read the body as YAML, which refuses surrogate pairs
    (Zadig v4.1.0 workflow/handler/workflow_v4.go:85).

    Raises:
        ConfigError: It holds what JSON cannot: NaN, half a character, a date, itself.
    """
    try:
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode("utf-8")
    except (TypeError, ValueError, RecursionError) as error:
        raise ConfigError(
            f"the request holds a value that JSON cannot carry ({type(error).__name__})",
            hint="Use text, whole or finite numbers, true, false, lists and mappings only.",
        ) from None
