"""One number for every outcome, every error and every mixture."""

import pytest

from zadig_async import errors
from zadig_async.cli import exits
from zadig_async.errors import ZadigError
from zadig_async.model.ids import WorkflowRef
from zadig_async.model.outcome import Outcome, Verdict
from zadig_async.orchestrator.writes import HaltedError

UNAUTHORIZED = errors.UnauthorizedError("no", status=401)
NOT_FOUND = errors.NotFoundError("no", status=500)
UNREACHABLE = errors.ConnectError("no")


def outcome(verdict: Verdict, error: ZadigError | None = None) -> Outcome:
    return Outcome(workflow=WorkflowRef("shop", "api"), verdict=verdict, error=error)


ERRORS = [
    (errors.ConfigError("x"), 2),
    (errors.PreflightError("x"), 2),
    (errors.DecodeError("x"), 2),
    (errors.JournalError("x"), 2),
    (errors.LeaseHeldError("x"), 75),
    (errors.LeaseLostError("x"), 75),
    (UNAUTHORIZED, 2),
    (errors.ForbiddenError("x", status=403), 2),
    (NOT_FOUND, 2),
    (errors.ConflictError("x", status=400), 2),
    (errors.RejectedError("x", status=400), 2),
    (errors.RateLimitedError("x", status=429), 75),
    (errors.ServerError("x", status=502), 75),
    (errors.TransportError("x"), 75),
    (errors.DeadlineError("x"), 75),
    (UNREACHABLE, 75),
    (errors.OutcomeUnknownError("x"), 3),
]

ALONE = [
    (Verdict.SUCCEEDED, None, 0),
    (Verdict.FAILED, None, 1),
    (Verdict.REJECTED, None, 1),
    (Verdict.CANCELLED, None, 1),
    (Verdict.TIMED_OUT, None, 1),
    (Verdict.SKIPPED, None, 1),
    (Verdict.REFUSED, errors.PreflightError("x"), 2),
    (Verdict.REFUSED, errors.RejectedError("x", status=400), 2),
    (Verdict.REFUSED, UNREACHABLE, 75),
    (Verdict.REFUSED, None, 2),
    (Verdict.UNKNOWN, errors.OutcomeUnknownError("x"), 3),
    (Verdict.REFUSED, errors.LeaseHeldError("x"), 75),
    (Verdict.BLOCKED, None, 4),
    (Verdict.BLOCKED, HaltedError("x"), 4),
    (Verdict.DEADLINE, errors.DeadlineError("x"), 75),
    (Verdict.LOST, UNREACHABLE, 75),
    (Verdict.LOST, errors.LeaseLostError("x"), 75),
    (Verdict.LOST, NOT_FOUND, 2),
    (Verdict.LOST, UNAUTHORIZED, 2),
    (Verdict.DETACHED, None, 130),
]

TOGETHER = [
    ([], 0),
    ([Verdict.SUCCEEDED, Verdict.SUCCEEDED], 0),
    ([Verdict.SUCCEEDED, Verdict.FAILED], 5),
    ([Verdict.SUCCEEDED, Verdict.REFUSED], 5),
    ([Verdict.SUCCEEDED, Verdict.BLOCKED], 5),
    ([Verdict.SUCCEEDED, Verdict.DEADLINE], 5),
    ([Verdict.SUCCEEDED, Verdict.UNKNOWN], 3),
    ([Verdict.DETACHED, Verdict.UNKNOWN], 3),
    ([Verdict.SUCCEEDED, Verdict.DETACHED], 130),
    ([Verdict.FAILED, Verdict.REFUSED, Verdict.BLOCKED, Verdict.DEADLINE], 1),
    ([Verdict.REFUSED, Verdict.BLOCKED, Verdict.DEADLINE], 2),
    ([Verdict.BLOCKED, Verdict.DEADLINE], 4),
    ([Verdict.FAILED, Verdict.REJECTED], 1),
]


@pytest.mark.parametrize(("error", "code"), ERRORS, ids=lambda item: type(item).__name__)
def test_an_error_has_a_code(error: ZadigError, code: int) -> None:
    assert exits.of_error(error) == code


@pytest.mark.parametrize(("verdict", "error", "code"), ALONE)
def test_an_outcome_has_a_code(verdict: Verdict, error: ZadigError | None, code: int) -> None:
    assert exits.of_outcome(outcome(verdict, error)) == code
    assert exits.of_outcomes([outcome(verdict, error)]) == code


def test_the_tables_above_leave_nothing_out() -> None:
    def family(cls: type[ZadigError]) -> set[type[ZadigError]]:
        return {cls}.union(
            *(family(sub) for sub in cls.__subclasses__() if sub.__module__ == errors.__name__)
        )

    abstract = {errors.ZadigError, errors.ApiError}
    assert family(errors.ZadigError) - abstract == {type(error) for error, _ in ERRORS}
    assert {verdict for verdict, _, _ in ALONE} == set(Verdict)


@pytest.mark.parametrize(("verdicts", "code"), TOGETHER)
def test_outcomes_together_have_one_code_whatever_their_order(verdicts: list[Verdict], code: int) -> None:
    assert exits.of_outcomes(map(outcome, verdicts)) == code
    assert exits.of_outcomes(map(outcome, reversed(verdicts))) == code


def test_help_tells_every_code() -> None:
    told = {int(line.split()[0]) for line in exits.HELP.splitlines() if line.strip()[:1].isdigit()}
    assert told == {int(code) for code in exits.ExitCode}
