"""Keys into targets: no key can climb, split or inject."""

import re
from collections.abc import Mapping
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
    parts = [piece for segment in segments for piece in _pieces(segment)]
    try:
        path = "/" + "/".join(quote(piece, safe="") for piece in parts)
        pairs = [f"{quote(k, safe='')}={quote(_text(v), safe='')}" for k, v in (query or {}).items()]
    except UnicodeEncodeError:
        raise ConfigError("cannot address text that is not valid Unicode") from None
    if [unquote(piece) for piece in path[1:].split("/")] != parts or not {"", ".", ".."}.isdisjoint(parts):
        raise ConfigError(f"cannot address {parts[-1]!r} safely")
    return f"{path}?{'&'.join(pairs)}" if pairs else path


class Route(str):
    """A fixed part of a route, slashes included; anything else is one segment."""

    __slots__ = ()


def _pieces(segment: str | int) -> list[str]:
    if isinstance(segment, Route):
        return segment.strip("/").split("/")
    return [str(segment)]


def _text(value: str | int | bool) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)
