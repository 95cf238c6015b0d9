"""What a failed attempt means, as a table over every error class there is."""

import inspect

import pytest

from tests.support.calls import get, post
from zadig_async import errors
from zadig_async.errors import (
    ConflictError,
    ConnectError,
    DeadlineError,
    DecodeError,
    ForbiddenError,
    NotFoundError,
    OutcomeUnknownError,
    RateLimitedError,
    RejectedError,
    ServerError,
    TransportError,
    UnauthorizedError,
    ZadigError,
)
from zadig_async.transport.verdict import Verdict, verdict

RETRY, ONCE, RAISE, UNKNOWN = Verdict.RETRY, Verdict.RETRY_ONCE, Verdict.RAISE, Verdict.UNKNOWN

TABLE: list[tuple[ZadigError, Verdict, Verdict]] = [
    (ConnectError("x"), RETRY, RETRY),
    (TransportError("x"), RETRY, UNKNOWN),
    (DeadlineError("x"), RETRY, UNKNOWN),
    (OutcomeUnknownError("x"), RAISE, RAISE),
    (DecodeError("x"), ONCE, UNKNOWN),
    (RateLimitedError("x", status=429), RETRY, RAISE),
    (ServerError("x", status=502), RETRY, RAISE),
    (ServerError("x", status=503), RETRY, RAISE),
    (ServerError("x", status=504), RETRY, RAISE),
    (ServerError("x", status=503, code=6000), RETRY, RAISE),
    (ServerError("x", status=500), RETRY, RAISE),
    (ServerError("x", status=522), RETRY, RAISE),
    (ServerError("x", status=500, code=500), RAISE, RAISE),
    (ServerError("x", status=400, code=6000), RAISE, RAISE),
    (ServerError("x", status=400), RAISE, RAISE),
    (UnauthorizedError("x", status=401), RAISE, RAISE),
    (ForbiddenError("x", status=403), RAISE, RAISE),
    (NotFoundError("x", status=500), RAISE, RAISE),
    (ConflictError("x", status=400), RAISE, RAISE),
    (RejectedError("x", status=400), RAISE, RAISE),
    (errors.ApiError("x", status=302), RAISE, RAISE),
    (errors.ConfigError("x"), RAISE, RAISE),
]


@pytest.mark.parametrize(("error", "repeatable", "other"), TABLE)
def test_verdict(error: ZadigError, repeatable: Verdict, other: Verdict) -> None:
    assert verdict(get(), error) is repeatable
    assert verdict(post(), error) is other


def test_the_table_knows_every_error_of_an_exchange() -> None:
    known = {type(error) for error, _, _ in TABLE}
    exchange = (errors.TransportError, errors.ApiError, errors.DecodeError)
    defined = {each for _, each in inspect.getmembers(errors, inspect.isclass) if issubclass(each, exchange)}
    assert defined - known == set()


def test_only_what_was_never_sent_is_repeated_for_a_write() -> None:
    repeated = {type(error) for error, _, _ in TABLE if verdict(post(), error) in {RETRY, ONCE}}
    assert repeated == {ConnectError}
