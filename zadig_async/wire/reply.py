"""Replies: an answer that is not the value asked for becomes the right error."""

import email.utils
import math
from collections.abc import Callable, Mapping
from typing import Any, Final, TypeVar

from zadig_async.errors import (
    ApiError,
    ConfigError,
    ConflictError,
    DecodeError,
    ForbiddenError,
    NotFoundError,
    OutcomeUnknownError,
    RateLimitedError,
    RejectedError,
    ServerError,
    UnauthorizedError,
)
from zadig_async.wire import strict
from zadig_async.wire.call import Reply

T = TypeVar("T")

_MISSING: Final = "no documents in result"
_NO_VIEW: Final = "failed to find workflow view"
_NOT_CREATED: Final = 6160
"""No task was made, it says; the workflow was found, whatever else the description misses."""
_NOT_FOUND_CODES: Final = frozenset({6161, 6542})
_CONFLICT_CODES: Final = frozenset({6163, 6169, 6540, 6892})
_LICENCE: Final = "许可证"
_REFUSED_BEFORE_ANY_TASK: Final = (
    "param ",
    "invalid choice value",
    "undefined job type",
    "failed to update jobspec",
    "failed to find code host",
    "codehost ",
)
"""How plain errors of the trigger begin that are raised before a task can exist
(Zadig v4.1.0 workflow/service/workflow/openapi.go:71-121)."""

_WRONG_STATE: Final = ("工作流任务状态无法重试", "工作流任务状态无法手动执行")


def reader(label: str, decode: Callable[[Reply], T], *, repeatable: bool) -> Callable[[Reply], T]:
    """Return the function that turns a reply to this call into its value.

    It raises `ApiError` where Zadig said no, `ConfigError` where a redirect answered a read,
    `DecodeError` where an answer cannot be read, and `OutcomeUnknownError` instead of the last two where
    the call must not be repeated: then an unreadable answer is no proof that nothing happened.
    """

    def read(reply: Reply) -> T:
        if not 200 <= reply.status < 300:
            raise refusal(label, reply, repeatable=repeatable)
        try:
            return decode(reply)
        except ApiError as error:
            error.call = label
            raise
        except DecodeError as error:
            if not repeatable:
                raise OutcomeUnknownError(
                    f"{label}: HTTP {reply.status}, but {error}", call=label, hint=error.hint
                ) from None
            error.call, error.status = label, reply.status
            raise

    return read


def refusal(label: str, reply: Reply, *, repeatable: bool) -> ApiError | ConfigError | OutcomeUnknownError:
    """Return the error for a reply whose status is not 2xx."""
    if 300 <= reply.status < 400:
        return _redirect(label, reply, repeatable=repeatable)
    envelope = _envelope(reply)
    code = envelope.get("code")
    if not repeatable and _proves_nothing(reply.status, code):
        return OutcomeUnknownError(
            f"{label}: HTTP {reply.status} from Zadig or a proxy before it", call=label
        )
    description = _text(envelope.get("description"))
    kind, hint = _classify(label, reply, code if type(code) is int else None, description)
    message = _text(envelope.get("message")).rstrip(": ")
    detail = ": ".join(part for part in (message, description) if part)
    error = kind(
        f"{label}: HTTP {reply.status}{f' ({code})' if type(code) is int and code != reply.status else ''}"
        + (f": {detail}" if detail else ""),
        status=reply.status,
        code=code if type(code) is int else None,
        label=message,
        description=description,
        call=label,
        hint=hint,
    )
    if isinstance(error, RateLimitedError | ServerError):
        error.retry_after = retry_after(reply.header("retry-after"), reply.header("date"))
    return error


def _proves_nothing(status: int, code: object) -> bool:
    """Whether a request answered so may have taken effect all the same.

    Zadig's own no is a 4xx, or a 500 with a code in it. A 408 is a gateway that waited too long, perhaps
    for Zadig; every other 5xx is a gateway's or a crash.
    """
    return status == 408 or (status >= 500 and not (status == 500 and type(code) is int))


def _redirect(label: str, reply: Reply, *, repeatable: bool) -> ConfigError | OutcomeUnknownError:
    message = f"{label}: HTTP {reply.status}, a redirect; it was not followed"
    hint = (
        "Is there a login page before Zadig? Use the URL that answers itself, with its final scheme and host."
    )
    if repeatable:
        return ConfigError(message, hint=hint)
    return OutcomeUnknownError(message, call=label, hint=hint)


def _classify(label: str, reply: Reply, code: int | None, description: str) -> tuple[type[ApiError], str]:
    match reply.status:
        case 401:
            return UnauthorizedError, ""
        case 403:
            if b"mfa_" in reply.body[:2000]:
                return (
                    ForbiddenError,
                    "This account must pass a second factor first; use an account without it.",
                )
            return ForbiddenError, ""
        case 404:
            return (
                NotFoundError,
                "The server does not know this route: check the URL and the server's version.",
            )
        case 408:
            return ServerError, ""
        case 429:
            return RateLimitedError, ""
    if _LICENCE in description or code == 7050:
        return (
            RejectedError,
            "The server's licence does not allow this: approval jobs and tickets need Professional.",
        )
    if code == _NOT_CREATED:
        return RejectedError, ""
    if _MISSING in description or code in _NOT_FOUND_CODES or description.startswith(_NO_VIEW):
        return NotFoundError, "Check the keys: project, workflow and task number, in exact spelling."
    if code == 6169 and "no authority" in description:
        return (
            ForbiddenError,
            "The token's own user must be among the approvers; administrators cannot stand in.",
        )
    if code in _CONFLICT_CODES or description in _WRONG_STATE:
        return ConflictError, ""
    if reply.status >= 500:
        if label.startswith("POST") and description.startswith(_REFUSED_BEFORE_ANY_TASK):
            return RejectedError, ""
        return ServerError, ""
    if not reply.body:
        return RejectedError, "Zadig could not read a value of the request."
    return RejectedError, ""


def _envelope(reply: Reply) -> Mapping[str, Any]:
    """Return the JSON object of an error body, or an empty mapping where there is none."""
    if reply.body[:1] != b"{":
        return {}
    try:
        value = strict.parse(reply.body)
    except DecodeError:
        return {}
    return value if isinstance(value, dict) else {}


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def retry_after(header: str, date: str = "") -> float | None:
    """Return the seconds a `Retry-After` header asks for, or None where it says nothing usable.

    Args:
        header: The header as received: seconds, an HTTP date, or anything.
        date: The reply's own `Date` header, from which an HTTP date is counted: no clock is needed,
            and the server's own may be wrong.
    """
    header = header.strip()
    if header.isascii() and header.isdigit():
        seconds = float(header)
        return seconds if math.isfinite(seconds) else None
    try:
        until, since = email.utils.parsedate_to_datetime(header), email.utils.parsedate_to_datetime(date)
        return max(0.0, (until - since).total_seconds())
    except (ValueError, TypeError, OverflowError):
        return None


def success(reply: Reply) -> None:
    """Read the answer of an operation that returns nothing: `{"message":"success"}`.

    Raises:
        DecodeError: It is something else.
        RejectedError: Zadig answered with its collaboration notice and ran nothing.
    """
    value = document(reply)
    if not isinstance(value, dict) or value.get("message") != "success":
        raise DecodeError("the answer is not Zadig's success message", problems=["$.message: not 'success'"])


def document(reply: Reply) -> Any:
    """Return the JSON document of a reply.

    Raises:
        DecodeError: The body is no JSON document.
        RejectedError: Zadig answered with its collaboration notice and ran nothing.
    """
    value = strict.parse(reply.body)
    if isinstance(value, dict) and "ifSync" in value and "workflow" in value and "product" in value:
        raise RejectedError(
            "Zadig answered with its collaboration-mode notice and did not run the request",
            status=reply.status,
            hint="Open the project in Zadig once with this account and accept the pending resources.",
        )
    return value
