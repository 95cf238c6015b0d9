"""Secrets: nothing but `reveal` leads to the value."""

import copy
import io
import json
import logging
import pickle
import traceback
from collections.abc import Callable

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.canary import CANARY
from zadig_async.model.inputs import InputValue
from zadig_async.model.repository import Repository
from zadig_async.model.secret import MASK, Secret

SECRET = Secret(CANARY)


@attrs.frozen
class Holder:
    token: Secret
    others: list[Secret]


HOLDER = Holder(SECRET, [SECRET])


def logged(*args: object) -> str:
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    logger = logging.getLogger("tests.secret")
    logger.addHandler(handler)
    logger.propagate = False
    try:
        logger.warning(*args)
    finally:
        logger.removeHandler(handler)
    return stream.getvalue()


def raised() -> str:
    with pytest.raises(ValueError) as caught:
        raise ValueError(SECRET)
    return "".join(traceback.format_exception(caught.value))


SHOWS: dict[str, Callable[[], str]] = {
    "str": lambda: str(SECRET),
    "repr": lambda: repr(SECRET),
    "ascii": lambda: ascii(SECRET),
    "f-string": lambda: f"{SECRET} {SECRET!r} {SECRET!s} {SECRET:>80}",
    "format": lambda: format(SECRET, "^100"),
    "str.format": lambda: "{0} {0!r} {0:5}".format(SECRET),  # noqa: UP032 - str.format is what is shown
    "percent": lambda: "%s %r" % (SECRET, SECRET),  # noqa: UP031 - percent is what is shown
    "print": lambda: printed(SECRET, [SECRET], {"token": SECRET}),
    "log message": lambda: logged(SECRET),
    "log argument": lambda: logged("token is %s and %r", SECRET, SECRET),
    "log mapping": lambda: logged("token is %(token)s", {"token": SECRET}),
    "traceback": raised,
    "list": lambda: repr([SECRET, (SECRET,), {SECRET}, {"k": SECRET}]),
    "holder": lambda: f"{HOLDER} {HOLDER!r}",
    "asdict": lambda: repr(attrs.asdict(HOLDER)),
    "astuple": lambda: repr(attrs.astuple(HOLDER)),
    "json with default": lambda: json.dumps(attrs.asdict(HOLDER), default=str),
    "input": lambda: repr(attrs.asdict(InputValue(key="k", value=CANARY))),
    "repository": lambda: repr(Repository(oauth_token=SECRET, password=SECRET, ssh_key=SECRET)),
}


def printed(*values: object) -> str:
    stream = io.StringIO()
    print(*values, file=stream)
    return stream.getvalue()


@pytest.mark.parametrize("way", SHOWS)
def test_no_way_shows_the_value(way: str) -> None:
    shown = SHOWS[way]()
    assert CANARY not in shown
    assert MASK in shown


LEAVES: dict[str, Callable[[], object]] = {
    "pickle": lambda: pickle.dumps(SECRET),
    "pickle of a holder": lambda: pickle.dumps(HOLDER),
    "copy": lambda: copy.copy(SECRET),
    "deep copy": lambda: copy.deepcopy(HOLDER),
    "json": lambda: json.dumps({"token": SECRET}),
    "join": lambda: str.join(" ", [SECRET, SECRET]),  # type: ignore[list-item]  # the point of the test
    "concatenation": lambda: "Bearer " + SECRET,  # type: ignore[operator]  # the point of the test
    "encode": lambda: bytes(SECRET),  # type: ignore[call-overload]  # the point of the test
    "order": lambda: sorted([SECRET, SECRET]),  # type: ignore[type-var]  # the point of the test
    "vars": lambda: vars(SECRET),
    "length": lambda: len(SECRET),  # type: ignore[arg-type]  # the point of the test
    "iteration": lambda: list(SECRET),  # type: ignore[call-overload]  # the point of the test
}


@pytest.mark.parametrize("way", LEAVES)
def test_it_never_leaves_as_data(way: str) -> None:
    with pytest.raises(TypeError) as caught:
        LEAVES[way]()
    assert CANARY not in str(caught.value)


def test_reveal_is_the_way() -> None:
    assert SECRET.reveal() == CANARY


def test_an_empty_one_says_so() -> None:
    assert not Secret("")
    assert SECRET
    assert repr(Secret("")) == "Secret(empty)"
    assert str(Secret("")) == ""


@given(st.text(), st.text())
def test_equality_is_that_of_the_values(one: str, other: str) -> None:
    assert (Secret(one) == Secret(other)) == (one == other)
    assert hash(Secret(one)) == hash(Secret(one))
    assert Secret(one) != one
    assert hash(Secret(one)) != hash(one)


@given(st.text(min_size=1))
def test_what_is_shown_does_not_depend_on_the_value(value: str) -> None:
    assert (str(Secret(value)), repr(Secret(value))) == (MASK, f"Secret({MASK})")
