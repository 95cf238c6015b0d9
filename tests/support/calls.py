"""Calls without a meaning, for tests of what carries them."""

from collections.abc import Callable
from typing import TypeVar

from zadig_async.wire.call import Call, Lane, Reply

T = TypeVar("T")


def as_is(reply: Reply) -> Reply:
    """Read an answer as itself."""
    return reply


def make_call(
    read: Callable[[Reply], T],
    *,
    method: str = "GET",
    target: str = "/openapi/things",
    repeatable: bool | None = None,
    lane: Lane | None = None,
    body: bytes | None = None,
    max_reply: int = 1024 * 1024,
) -> Call[T]:
    """Make a call; unless told otherwise, GET is repeatable and polls, and all else is not and writes."""
    is_get = method == "GET"
    return Call(
        label=f"{method} /openapi/things",
        method=method,
        target=target,
        read=read,
        repeatable=is_get if repeatable is None else repeatable,
        lane=(Lane.POLL if is_get else Lane.WRITE) if lane is None else lane,
        body=body,
        max_reply=max_reply,
    )


def get(target: str = "/openapi/things", *, max_reply: int = 1024 * 1024) -> Call[Reply]:
    """Make a call that may be repeated."""
    return make_call(as_is, target=target, max_reply=max_reply)


def post(body: bytes = b"{}", *, max_reply: int = 1024 * 1024) -> Call[Reply]:
    """Make a call that must not be repeated."""
    return make_call(as_is, method="POST", body=body, max_reply=max_reply)


def follow(target: str = "/openapi/log", *, read: Callable[[Reply], object] = as_is) -> Call[object]:
    """Make a call whose answer keeps coming."""
    return make_call(read, target=target, lane=Lane.STREAM)
