"""Keys into targets: no key can climb, split or inject."""

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Final
from urllib.parse import quote, unquote

from zadig_async.errors import ConfigError

_KEY: Final = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,254}")
_FORBIDDEN_IN_NAME: Final = re.compile(r"[/\\?#%\x00-\x20\x7f-\x9f\u2028\u2029]")


def key(what: str, value: object) -> str:
    """Return a project or workflow key, checked.

    Zadig makes them of letters, digits and hyphens (v4.1.0 pkg/setting/consts.go:788); dots and
    underscores of older installations are let through, never in the first place.

    Raises:
        ConfigError: It is no such key. The message quotes it with escapes.
    """
    if not isinstance(value, str):
        raise ConfigError(f"{what}: expected a string, got {type(value).__name__}")
    if _KEY.fullmatch(value) is None:
        raise ConfigError(
            f"{what}: {value[:80]!r} is not a key of Zadig",
            hint="Use the key (标识): letters, digits, hyphens. The display name does not work here.",
        )
    return value


def name(what: str, value: object) -> str:
    """Return a view name or job task name, checked; most of Unicode is allowed, blanks are not in jobs.

    Raises:
        ConfigError: It holds a character that cannot be part of one path segment.
    """
    if not isinstance(value, str):
        raise ConfigError(f"{what}: expected a string, got {type(value).__name__}")
    if not value or value in {".", ".."}:
        raise ConfigError(f"{what}: {value!r} cannot be addressed")
    bad = _FORBIDDEN_IN_NAME.search(value.replace(" ", "_"))
    if bad is not None:
        raise ConfigError(
            f"{what}: {value[:80]!r} holds {bad[0]!r}, which Zadig's routes cannot address",
            hint="Rename it in Zadig.",
        )
    try:
        value.encode()
    except UnicodeEncodeError:
        raise ConfigError(f"{what}: {value[:80]!r} is not valid Unicode text") from None
    return value


def number(what: str, value: object, *, least: int = 0) -> int:
    """Return a whole number, checked.

    Raises:
        ConfigError: It is no whole number, or smaller than `least`.
    """
    if type(value) is not int:
        raise ConfigError(f"{what}: expected a whole number, got {type(value).__name__}")
    if value < least:
        raise ConfigError(f"{what}: must be at least {least}")
    return value


def target(*segments: str | int, query: Mapping[str, str | int | bool] | None = None) -> str:
    """Build path and query from checked segments, percent-encoded, and prove that they survive.

    Args:
        segments: Path segments in order, not encoded. Fixed parts of a route may hold slashes.
        query: Query values by name, not encoded.

    Raises:
        ConfigError: The path would not lead where it was meant to.
    """
    try:
        path = "".join(
            _route(segment) if isinstance(segment, Route) else _segment(str(segment)) for segment in segments
        )
        pairs = [f"{_quoted(k)}={_quoted(_text(v))}" for k, v in (query or {}).items()]
    except UnicodeEncodeError:
        raise ConfigError("cannot address text that is not valid Unicode") from None
    return f"{path}?{'&'.join(pairs)}" if pairs else path


class Route(str):
    """A fixed part of a route, slashes included; anything else is one segment."""

    __slots__ = ()


# Remembered, because a watch asks for the same few keys again and again.
@lru_cache(maxsize=4096)
def _quoted(text: str) -> str:
    return quote(text, safe="")


@lru_cache(maxsize=4096)
def _segment(text: str) -> str:
    """Encode one segment, its slash before it, and prove that it survives."""
    quoted = quote(text, safe="")
    if text in {"", ".", ".."} or unquote(quoted) != text:
        raise ConfigError(f"cannot address {text!r} safely")
    return f"/{quoted}"


@lru_cache(maxsize=64)
def _route(route: Route) -> str:
    return "".join(_segment(piece) for piece in route.strip("/").split("/"))


def _text(value: str | int | bool) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)
