"""Faults to order: which requests they strike, how often, and what goes wrong."""

import gzip
from collections.abc import Mapping
from fnmatch import fnmatchcase
from typing import Any

import attrs

from zadig_async.emulator.exchange import Answer, Garbage, Response
from zadig_async.emulator.loader import ScriptError, build

__all__ = ["KINDS", "Fault", "FaultError", "Faults"]

KINDS = (
    "status",
    "html",
    "redirect",
    "empty",
    "big",
    "garbage",
    "truncate",
    "delay",
    "hang",
    "reset_before",
    "reset_after",
    "late",
    "drop_stream",
    "ghost",
)

_LOGIN_PAGE = b"<!DOCTYPE html><html><head><title>Zadig</title></head><body>Please log in</body></html>"


class FaultError(ValueError):
    """A fault that was ordered makes no sense."""


@attrs.frozen(kw_only=True)
class Fault:
    """What goes wrong with the requests it strikes.

    It strikes a request whose `method` (None: any) and decoded path match; `path` is a glob without the
    query. It strikes `times` requests (None: all), after letting `skip` matching ones pass. Kinds:

    - `status`: answers `status` with `headers` and `body`
    - `html`: answers 200 with a login page; `redirect`: 302 to `location`; `empty`: 200 and no bytes
    - `big`: answers 200 JSON of `size` bytes of white space, compressed when `gzip`
    - `garbage`: answers bytes that are no HTTP
    - `truncate`: the true answer, cut after `size` bytes while its full length was declared
    - `delay`: waits `seconds` before the request takes effect
    - `hang`: never answers
    - `reset_before`, `reset_after`: breaks the connection before or after the request took effect
    - `late`: breaks the connection at once, the request takes effect `seconds` later
    - `drop_stream`: breaks a live log after `lines` lines
    - `ghost`: a trigger stores its task but cannot queue it: 400 with code 6160, and the task waits for ever;
      any other request is answered as if nothing had been ordered

    With `after`, the kinds that replace the answer (and `hang`) first let the request take effect.
    """

    kind: str
    path: str = "*"
    method: str | None = None
    times: int | None = 1
    skip: int = 0
    after: bool = False
    status: int = 503
    headers: Mapping[str, str] = attrs.field(factory=dict)
    body: str = ""
    location: str = "/signin"
    seconds: float = 1.0
    size: int = 10
    gzip: bool = False
    lines: int = 1

    def __attrs_post_init__(self) -> None:
        if self.kind not in KINDS:
            raise FaultError(f"kind {self.kind!r} is none of {', '.join(KINDS)}")
        if self.times is not None and self.times < 1:
            raise FaultError(f"times must be at least 1 or None, not {self.times}")

    def matches(self, method: str, path: str) -> bool:
        """Whether it concerns this request."""
        return self.method in (None, method) and fnmatchcase(path, self.path)

    @classmethod
    def from_json(cls, value: Any) -> "Fault":
        """Read a fault from JSON.

        Raises:
            FaultError: not an object, an unknown key, a wrong type, or an unknown kind.
        """
        try:
            return build(cls, value, origin="fault")
        except ScriptError as failure:
            raise FaultError(str(failure)) from None

    def substitute(self) -> Answer | None:
        """The answer it gives instead of the true one, if it is of that kind."""
        match self.kind:
            case "status":
                return _response(self.status, self.body.encode(), dict(self.headers))
            case "html":
                return _response(200, _LOGIN_PAGE, {"Content-Type": "text/html; charset=utf-8"})
            case "redirect":
                return _response(302, b"", {"Location": self.location})
            case "empty":
                return _response(200, b"", {})
            case "big":
                return self._big()
            case "garbage":
                return Garbage(b"\x16\x03\x01 this is not HTTP\r\n\r\n")
            case _:
                return None

    def _big(self) -> Response:
        headers = {"Content-Type": "application/json; charset=utf-8"}
        if not self.gzip:
            return _response(200, b" " * self.size, headers)
        chunk = b" " * min(self.size, 1_048_576)
        whole, rest = divmod(self.size, len(chunk) or 1)
        # members may be concatenated; the server never holds the inflated bytes
        packed = gzip.compress(chunk, 9) * whole + (gzip.compress(b" " * rest, 9) if rest else b"")
        return _response(200, packed, {**headers, "Content-Encoding": "gzip"})


def _response(status: int, body: bytes, headers: dict[str, str]) -> Response:
    return Response(status=status, headers={**headers, "Content-Length": str(len(body))}, body=body)


@attrs.define
class _Ordered:
    fault: Fault
    left: int | None
    skip: int


class Faults:
    """The faults that are still to strike; earlier orders go first."""

    def __init__(self) -> None:
        self._ordered: list[_Ordered] = []

    def __len__(self) -> int:
        return len(self._ordered)

    def add(self, fault: Fault) -> None:
        """Order a fault."""
        self._ordered.append(_Ordered(fault, fault.times, fault.skip))

    def clear(self) -> None:
        """Withdraw all faults."""
        self._ordered.clear()

    def take(self, method: str, path: str) -> Fault | None:
        """The fault that strikes this request, if any; it is used up by one."""
        for entry in self._ordered:
            if not entry.fault.matches(method, path):
                continue
            if entry.skip > 0:
                entry.skip -= 1
                continue
            if entry.left is not None:
                entry.left -= 1
                if entry.left == 0:
                    self._ordered.remove(entry)
            return entry.fault
        return None
