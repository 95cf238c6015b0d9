"""The exception tree: its shape, and that an error survives another process and a copy."""

import copy
import pickle
from collections.abc import Iterator

import pytest

from zadig_async import errors
from zadig_async.errors import (
    ApiError,
    ConfigError,
    ConflictError,
    ConnectError,
    DeadlineError,
    DecodeError,
    ForbiddenError,
    JournalError,
    LeaseHeldError,
    LeaseLostError,
    NotFoundError,
    OutcomeUnknownError,
    PreflightError,
    RateLimitedError,
    RejectedError,
    ServerError,
    TransportError,
    UnauthorizedError,
    ZadigError,
)

PARENT: dict[type[ZadigError], type[Exception]] = {
    ZadigError: Exception,
    ConfigError: ZadigError,
    TransportError: ZadigError,
    ConnectError: TransportError,
    OutcomeUnknownError: TransportError,
    DeadlineError: TransportError,
    ApiError: ZadigError,
    UnauthorizedError: ApiError,
    ForbiddenError: ApiError,
    NotFoundError: ApiError,
    ConflictError: ApiError,
    RejectedError: ApiError,
    RateLimitedError: ApiError,
    ServerError: ApiError,
    DecodeError: ZadigError,
    PreflightError: ZadigError,
    JournalError: ZadigError,
    LeaseHeldError: JournalError,
    LeaseLostError: JournalError,
}


def tree(kind: type[ZadigError]) -> Iterator[type[ZadigError]]:
    yield kind
    for each in kind.__subclasses__():
        yield from tree(each)


def test_the_tree() -> None:
    ours = [kind for kind in tree(ZadigError) if kind.__module__ == errors.__name__]
    assert {kind: kind.__base__ for kind in ours} == PARENT


def test_the_tree_is_drawn_as_it_is() -> None:
    drawn = (errors.__doc__ or "").split("\n\n")[1]
    depth = {
        line.split()[0]: (len(line) - len(line.lstrip())) // 2 - 2
        for line in drawn.splitlines()
        if line.split()[0].endswith("Error")
    }
    assert depth == {kind.__name__: len(kind.__mro__) - len(ZadigError.__mro__) for kind in PARENT}


def examples() -> list[ZadigError]:
    limited = RateLimitedError("slow", status=429, call="GET /x")
    limited.retry_after = 7.5
    noted = ConnectError("refused", call="GET /x", hint="look")
    noted.add_note("Gave up after 4 attempts.")
    made: list[ZadigError] = [
        ZadigError("one", hint="two"),
        ConfigError("bad file"),
        limited,
        noted,
        OutcomeUnknownError("sent", call="POST /x"),
        DeadlineError("late"),
        ServerError("x", status=502),
        DecodeError("y", problems=["$.a: missing"], call="GET /x", status=200, hint="z"),
        PreflightError("p", findings=["a", "b"]),
        LeaseHeldError("taken"),
        LeaseLostError("gone"),
    ]
    answers = [kind for kind in tree(ApiError) if issubclass(kind, ApiError)]
    made += [
        kind("no", status=400, code=6163, label="取消", description="d", call="GET /x") for kind in answers
    ]
    return made


@pytest.mark.parametrize("error", examples(), ids=lambda error: type(error).__name__)
def test_an_error_survives_a_copy_and_another_process(error: ZadigError) -> None:
    restored = pickle.loads(pickle.dumps(error))  # noqa: S301 - our own bytes
    for other in (restored, copy.copy(error), copy.deepcopy(error)):
        assert type(other) is type(error)
        assert str(other) == str(error)
        assert other.args == error.args
        assert vars(other) == vars(error)
        assert other.hint == error.hint


def test_hints_of_a_class_and_of_an_error() -> None:
    assert "DNS" in ConnectError("x").hint
    assert ConnectError("x", hint="y").hint == "y"
    assert "DNS" in ConnectError.hint
    assert ConfigError("x").hint == ""


def test_what_was_found_cannot_be_changed() -> None:
    findings = ["a"]
    error = PreflightError("x", findings=findings)
    findings.append("b")
    assert error.findings == ("a",)
    assert DecodeError("x", problems=["p"]).problems == ("p",)
