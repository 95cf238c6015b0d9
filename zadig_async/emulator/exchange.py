"""Requests and answers as values, and the server's envelopes: success, errors, plain text, redirect."""

import functools
from collections.abc import AsyncGenerator, Mapping
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qsl, unquote_to_bytes

import attrs

from zadig_async.emulator.gojson import dumps

__all__ = [
    "Answer",
    "Dropped",
    "Garbage",
    "Request",
    "Response",
    "Stream",
    "coded_error",
    "empty",
    "http_error",
    "json_body",
    "json_bytes",
    "plain_error",
    "plain_text",
    "redirect",
    "success",
]

JSON_TYPE = "application/json; charset=utf-8"
TEXT_TYPE = "text/plain; charset=utf-8"


class Dropped(ConnectionError):  # noqa: N818 - an event on the wire, not a mistake
    """The server breaks the connection here: no answer, or no more of it, will come.

    `hard`: by a reset, as a process that dies; otherwise by an orderly close at the wrong moment.
    """

    def __init__(self, reason: str, *, hard: bool = False) -> None:
        super().__init__(reason)
        self.hard = hard


@attrs.frozen(kw_only=True)
class Request:
    """A request as it arrived. `target` is the raw path with its query, percent-encoding untouched."""

    method: str
    target: str
    headers: Mapping[str, str] = attrs.field(factory=dict, repr=False)
    body: bytes = attrs.field(default=b"", repr=False)

    @functools.cached_property
    def path(self) -> str:
        """The decoded path, as Go's `URL.Path`."""
        return unquote_to_bytes(self.target.partition("?")[0]).decode("utf-8", "replace")

    @functools.cached_property
    def pairs(self) -> list[tuple[str, str]]:
        """The query as it was written."""
        return parse_qsl(self.target.partition("?")[2], keep_blank_values=True)

    @functools.cached_property
    def query(self) -> Mapping[str, str]:
        """The query; of a repeated name the first value counts, as gin's `c.Query` does."""
        return dict(reversed(self.pairs))

    @property
    def text(self) -> str:
        """The body as text, verbatim."""
        return self.body.decode("utf-8", "replace")

    def header(self, name: str) -> str | None:
        """A header, whatever its case."""
        for key, value in self.headers.items():
            if key.lower() == name.lower():
                return value
        return None


@attrs.frozen(kw_only=True)
class Response:
    """A whole answer. `declared_length` differs from the body's only when the body is to be cut short."""

    status: int
    headers: Mapping[str, str] = attrs.field(factory=dict)
    body: bytes = attrs.field(default=b"", repr=False)
    declared_length: int | None = None


@attrs.frozen(kw_only=True)
class Stream:
    """An answer whose body comes in pieces. It ends only by `aclose`, or by raising `Dropped`."""

    status: int
    headers: Mapping[str, str]
    events: AsyncGenerator[bytes, None]


@attrs.frozen
class Garbage:
    """Bytes that are no HTTP at all."""

    data: bytes


Answer = Response | Stream | Garbage


def json_body(value: Any, status: int = 200) -> Response:
    """A bare JSON value: Zadig has no success envelope."""
    return json_bytes(dumps(value), status)


def json_bytes(body: bytes, status: int = 200) -> Response:
    """A JSON value that has been written already."""
    return Response(
        status=status, headers={"Content-Type": JSON_TYPE, "Content-Length": str(len(body))}, body=body
    )


def success() -> Response:
    """What operations without a result answer."""
    return json_body({"message": "success"})


def plain_text(text: str, status: int = 200) -> Response:
    """A raw string; an empty one has no bytes at all."""
    body = text.encode("utf-8", "replace")
    return Response(
        status=status, headers={"Content-Type": TEXT_TYPE, "Content-Length": str(len(body))}, body=body
    )


def empty(status: int) -> Response:
    """No body and no content type: failed binding (400), auth filter (401), permission (403), panic (500)."""
    return Response(status=status, headers={"Content-Length": "0"})


_MESSAGES = {
    6160: "创建工作流任务失败",
    6161: "获取工作流任务失败",
    6163: "取消工作流任务失败",
    6169: "批准工作流任务失败",
    6540: "新建或更新wokflow失败",
    6542: "查询workflow失败",
    6543: "删除workflow失败",
    6545: "校验workflow失败",
    6652: "获取操作日志列表失败",
    6892: "创建视图失败",
    6893: "更新视图失败",
    6894: "删除视图失败",
    7050: "用户许可证不可用，请检查许可证后重试",
    7100: "创建预审批单失败",
}


def coded_error(code: int, description: str) -> Response:
    """A business error: HTTP 400 whatever its code (Zadig v4.1.0 pkg/tool/errors/errors.go:127)."""
    return _error(400, _MESSAGES[code], code, description)


def http_error(status: int, description: str) -> Response:
    """An error whose code is its HTTP status."""
    labels = {400: "Bad Request", 401: "Unauthorized", 403: "Forbidden", 404: "Request Not Found"}
    return _error(status, labels.get(status, "Internal Error"), status, description)


def _error(status: int, message: str, code: int, description: str) -> Response:
    return json_body(
        {"type": "error", "message": message, "code": code, "description": description, "extra": {}}, status
    )


def plain_error(description: str) -> Response:
    """Any other Go error: HTTP 500, no type, no extra, and a colon too many."""
    return json_body({"message": "Internal Error: ", "code": 500, "description": description}, 500)


def redirect(status: int, location: str) -> Response:
    """Gin's redirect to the path without its trailing slash; only GET gets a body."""
    if status == HTTPStatus.MOVED_PERMANENTLY:
        body = f'<a href="{location}">Moved Permanently</a>.\n\n'.encode()
        headers = {"Content-Type": "text/html; charset=utf-8", "Location": location}
        return Response(status=status, headers={**headers, "Content-Length": str(len(body))}, body=body)
    return Response(status=status, headers={"Location": location, "Content-Length": "0"})
