"""Exit codes: from outcomes or an error to one number, in this one place."""

from collections.abc import Iterable
from enum import IntEnum, unique
from typing import Final

from zadig_async.errors import (
    ForbiddenError,
    LeaseHeldError,
    LeaseLostError,
    NotFoundError,
    OutcomeUnknownError,
    RateLimitedError,
    ServerError,
    TransportError,
    UnauthorizedError,
    ZadigError,
)
from zadig_async.model.outcome import Outcome, Verdict


@unique
class ExitCode(IntEnum):
    """What the exit code tells the script that called us."""

    SUCCEEDED = 0
    FAILED = 1
    """A run failed, was rejected, cancelled, timed out or skipped."""
    USAGE = 2
    """Wrong usage or configuration, or a request that was refused: nothing was started."""
    UNKNOWN = 3
    """A request that may deploy was sent and got no clear answer."""
    BLOCKED = 4
    """It waits for a human, a human said no here, or the kill switch is pulled."""
    PARTIAL = 5
    """Some succeeded, some did not."""
    FAULT = 70
    """A fault of this program."""
    TRY_LATER = 75
    """The server cannot be reached or used now, another driver is at work, or our own deadline passed."""
    DETACHED = 130
    """Told to stop watching; the tasks go on."""


HELP: Final = """\b
Exit codes:
    0  all succeeded
    1  a run failed, was rejected, cancelled, timed out or skipped
    2  wrong usage, configuration, key or token; a refused launch
    3  unknown: a request that may deploy got no clear answer (always wins)
    4  blocked: it waits for a human, you answered no, or the stop file is there
    5  partial: some succeeded, some did not
   70  a fault of this program
   75  the server cannot be used now, another driver is at work, or a deadline passed: try later
  130  stopped by Ctrl-C; tasks on the server go on
"""

_OF_VERDICT: Final = {
    Verdict.SUCCEEDED: ExitCode.SUCCEEDED,
    Verdict.FAILED: ExitCode.FAILED,
    Verdict.REJECTED: ExitCode.FAILED,
    Verdict.CANCELLED: ExitCode.FAILED,
    Verdict.TIMED_OUT: ExitCode.FAILED,
    Verdict.SKIPPED: ExitCode.FAILED,
    Verdict.REFUSED: ExitCode.USAGE,
    Verdict.UNKNOWN: ExitCode.UNKNOWN,
    Verdict.BLOCKED: ExitCode.BLOCKED,
    Verdict.DEADLINE: ExitCode.TRY_LATER,
    Verdict.LOST: ExitCode.TRY_LATER,
    Verdict.DETACHED: ExitCode.DETACHED,
}

_OF_NO_USE_TO_REPEAT: Final = (UnauthorizedError, ForbiddenError, NotFoundError)

_WORST_FIRST: Final = (ExitCode.FAILED, ExitCode.USAGE, ExitCode.BLOCKED, ExitCode.TRY_LATER)
"""Which code speaks for several launches of which none succeeded: the more definite one."""


def of_error(error: ZadigError) -> ExitCode:
    """Return the exit code of a command that ended with an error."""
    match error:
        case OutcomeUnknownError():
            return ExitCode.UNKNOWN
        case TransportError() | RateLimitedError() | ServerError() | LeaseHeldError() | LeaseLostError():
            return ExitCode.TRY_LATER
        case _:
            return ExitCode.USAGE


def of_outcome(outcome: Outcome) -> ExitCode:
    """Return the exit code of one outcome alone."""
    if outcome.verdict is Verdict.REFUSED and outcome.error is not None:
        return of_error(outcome.error)
    if outcome.verdict is Verdict.LOST and isinstance(outcome.error, _OF_NO_USE_TO_REPEAT):
        return ExitCode.USAGE
    return _OF_VERDICT[outcome.verdict]


def of_outcomes(outcomes: Iterable[Outcome]) -> ExitCode:
    """Return the exit code of several outcomes together; none at all is a success."""
    codes = {of_outcome(outcome) for outcome in outcomes}
    for code in (ExitCode.UNKNOWN, ExitCode.DETACHED):
        if code in codes:
            return code
    if codes <= {ExitCode.SUCCEEDED}:
        return ExitCode.SUCCEEDED
    if ExitCode.SUCCEEDED in codes:
        return ExitCode.PARTIAL
    return next(code for code in _WORST_FIRST if code in codes)
