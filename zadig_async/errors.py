"""Every error this package raises on purpose.

    ZadigError
      ConfigError               a file, option or launch cannot be used: where, what, how to mend
      TransportError            no usable answer arrived
        ConnectError            the request was never sent: repeating it is safe
        OutcomeUnknownError     sent, not repeatable, no clear answer: it may have deployed
        DeadlineError           our own clock ran out
      ApiError                  Zadig answered no
        UnauthorizedError       401: no token, or one the server does not accept
        ForbiddenError          403: the token's user may not do this
        NotFoundError           no such project, workflow, task, job or view
        ConflictError           it clashes with what is there (state, duplicate name, a vote already cast)
        RejectedError           the request was understood and refused
        RateLimitedError        429: slow down
        ServerError             the server or a proxy before it failed
      DecodeError               an answer arrived that cannot be read: every path and reason
      PreflightError            the plan does not fit the live workflow definition: all findings at once
      JournalError              the journal cannot be written or trusted: nothing was sent
        LeaseHeldError          another driver owns this: nothing was begun
        LeaseLostError          another driver owns this now: stand down

A workflow that failed is an answer, not an exception: see `zadig_async.Outcome`.
No message here ever holds a token, a header, a request body or a query value marked as credential.
"""

from collections.abc import Sequence
from typing import Any


def _rebuild(cls: type["ZadigError"], message: str, state: dict[str, Any]) -> "ZadigError":
    """Give `pickle` and `copy` a way back that does not depend on each subclass's constructor."""
    error = cls.__new__(cls)
    Exception.__init__(error, message)
    error.__dict__.update(state)
    return error


class ZadigError(Exception):
    """Anything this package raises on purpose.

    Attributes:
        hint: What to do about it, in one sentence, or an empty string.
    """

    hint: str = ""

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        if hint:
            self.hint = hint

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuild, (type(self), str(self), dict(self.__dict__))


class ConfigError(ZadigError):
    """A file, option or launch cannot be used as it stands; nothing was sent."""


class TransportError(ZadigError):
    """No usable answer arrived.

    Attributes:
        call: The call it happened to, such as `GET /openapi/workflows`, without query values.
    """

    def __init__(self, message: str, *, call: str = "", hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.call = call


class ConnectError(TransportError):
    """The request provably never left this machine, so repeating it is safe, a trigger included."""

    hint = "Check the URL, DNS, proxy and TLS certificate of the Zadig server."


class OutcomeUnknownError(TransportError):
    """A request that must not be repeated was sent and got no clear answer.

    Zadig has no idempotency key: the task may exist, may appear later, or may never appear.
    Read the task list before sending anything again.
    """

    hint = "It may have taken effect. Look at the workflow's task list before sending it again."


class DeadlineError(TransportError):
    """Our own clock ran out: a total deadline of a call or of a watch, in seconds."""


class ApiError(ZadigError):
    """Zadig answered no.

    Decide on the class, `status` and `code`; `description` may belong to another request, because
    the server keeps its error objects in shared globals (Zadig v4.1.0 pkg/tool/errors/errors.go:87).

    Attributes:
        status: HTTP status that was really received.
        code: Zadig's own code (6163, 6542, ...), or None where the body carries none.
        label: Zadig's short message for the code, often Chinese.
        description: Zadig's detail, may be empty.
        call: The call it answers, such as `POST /openapi/workflows/custom/task`.
    """

    def __init__(
        self,
        message: str,
        *,
        status: int,
        code: int | None = None,
        label: str = "",
        description: str = "",
        call: str = "",
        hint: str = "",
    ) -> None:
        super().__init__(message, hint=hint)
        self.status = status
        self.code = code
        self.label = label
        self.description = description
        self.call = call


class UnauthorizedError(ApiError):
    """401: no token was sent, or one the server does not accept."""

    hint = "Copy the API token again from the account page in Zadig; it must be one word without 'Bearer'."


class ForbiddenError(ApiError):
    """403: the token's user may not do this, or the project key does not match the workflow."""

    hint = "Ask for the permission in Zadig, and check that the project key is the workflow's own project."


class NotFoundError(ApiError):
    """There is no such project, workflow, task, job or view. Zadig says so with 400 or 500, never 404."""


class ConflictError(ApiError):
    """The request clashes with what is there: a state, a duplicate name, a vote already cast."""


class RejectedError(ApiError):
    """The request was understood and refused."""


class RateLimitedError(ApiError):
    """429: the server or a proxy before it asks to slow down.

    Attributes:
        retry_after: Seconds to wait before asking again, or None where the answer did not say.
    """

    retry_after: float | None = None


class ServerError(ApiError):
    """The server, or a proxy before it, failed.

    Attributes:
        retry_after: Seconds to wait before asking again, or None where the answer did not say.
    """

    retry_after: float | None = None


class DecodeError(ZadigError):
    """An answer arrived that cannot be read as what it should be.

    Attributes:
        problems: Every problem found, each as `path: what is wrong`, for example
            `$.stages[0].jobs[2].status: expected a string, got a number`. Values are never shown.
        call: The call it answers.
        status: HTTP status of the answer.
    """

    def __init__(
        self, message: str, *, problems: Sequence[str] = (), call: str = "", status: int = 0, hint: str = ""
    ) -> None:
        super().__init__(message, hint=hint)
        self.problems = tuple(problems)
        self.call = call
        self.status = status


class PreflightError(ZadigError):
    """The plan does not fit the live workflow definition; nothing was sent.

    Attributes:
        findings: Every finding, each a sentence that says what is wrong and how to mend it.
    """

    def __init__(self, message: str, *, findings: Sequence[str] = (), hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.findings = tuple(findings)


class JournalError(ZadigError):
    """The journal cannot be written or trusted; nothing was sent."""


class LeaseHeldError(JournalError):
    """Another driver owns this workflow in the same journal; nothing was begun."""

    hint = "Let that driver finish, or stop it; what it leaves behind can then be resumed."


class LeaseLostError(JournalError):
    """Another driver owns this journal entry now: stand down and write nothing more."""
