"""Orders that make sense, and dice that fall alike each time."""

from collections import Counter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.fault_spoils import Dice, Exchange, Fault, Spoil, cut_streams

ALL = list(Fault)
LATE = {Fault.DELAY, Fault.DELIVER_LATE, Fault.GATEWAY_TIMEOUT, Fault.DUPLICATE}


def roll(dice: Dice, count: int) -> list[Spoil | None]:
    return [dice(Exchange(number, "GET", "/")) for number in range(1, count + 1)]


@pytest.mark.parametrize(
    ("kind", "options", "problem"),
    [
        (Fault.CUT, {}, "CUT needs"),
        (Fault.CUT, {"size": -1}, "below 0"),
        (Fault.DELAY, {"seconds": -0.1}, "below 0"),
        (Fault.DRIP, {"size": 0}, "above 0"),
        (Fault.RESET_AFTER, {"seconds": 1.0}, "seconds mean nothing to RESET_AFTER"),
        (Fault.DUPLICATE, {"size": 1}, "size mean nothing to DUPLICATE"),
        (Fault.HALF_OPEN, {"hard": True}, "hard means nothing to HALF_OPEN"),
    ],
)
def test_senseless_orders(kind: Fault, options: dict[str, Any], problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        Spoil(kind, **options)


@pytest.mark.parametrize("kind", [kind for kind in Fault if kind is not Fault.CUT])
def test_every_kind_but_cut_has_its_defaults(kind: Fault) -> None:
    spoil = Spoil(kind)
    assert spoil.wait >= 0
    assert spoil.bytes >= 0


def test_what_is_given_goes_before_the_default() -> None:
    drip = Spoil(Fault.DRIP, seconds=0.0, size=1)
    assert (drip.wait, drip.bytes) == (0.0, 1)


@pytest.mark.parametrize(("rate", "kinds"), [(-0.1, ALL), (1.1, ALL), (0.5, [])])
def test_dice_that_cannot_be_thrown(rate: float, kinds: list[Fault]) -> None:
    with pytest.raises(ValueError, match=r"rate|kind"):
        Dice(1, rate, kinds)


@given(seed=st.integers(), rate=st.floats(0, 1))
def test_the_same_seed_falls_the_same(seed: int, rate: float) -> None:
    assert roll(Dice(seed, rate, ALL), 50) == roll(Dice(seed, rate, ALL), 50)


@given(seed=st.integers(), rate=st.floats(0, 1))
def test_what_strikes_does_not_depend_on_the_rate(seed: int, rate: float) -> None:
    always = roll(Dice(seed, 1, ALL), 50)
    assert None not in always
    for spoil, certain in zip(roll(Dice(seed, rate, ALL), 50), always, strict=True):
        assert spoil in {None, certain}


def test_only_what_matches_counts() -> None:
    dice = Dice("seed", 0.5, ALL, matches=lambda exchange: exchange.method == "POST")
    plain = roll(Dice("seed", 0.5, ALL), 20)
    mixed = [dice(Exchange(number, "POST" if number % 3 == 0 else "GET", "/")) for number in range(1, 61)]
    assert mixed[2::3] == plain
    assert set(mixed[::3] + mixed[1::3]) == {None}
    assert dice.matched == 20


def test_the_rate_and_the_kinds_are_kept() -> None:
    fallen = Counter(spoil and spoil.kind for spoil in roll(Dice(7, 0.1, ALL), 30_000))
    assert 26_700 < fallen[None] < 27_300
    assert all(120 < fallen[kind] < 280 for kind in Fault)
    assert set(roll(Dice(7, 0, ALL), 100)) == {None}


def test_bounds() -> None:
    spoils = [spoil for spoil in roll(Dice(3, 1, ALL, seconds=(2, 3), size=(5, 7)), 2000) if spoil]
    assert {spoil.size for spoil in spoils} == {None, 5, 6, 7}
    for spoil in spoils:
        assert (spoil.seconds is not None) == (spoil.kind in LATE)
        assert (spoil.size is not None) == (spoil.kind in {Fault.CUT, Fault.HALF_OPEN})
        assert spoil.seconds is None or 2 <= spoil.seconds <= 3


def test_cut_streams() -> None:
    choose = cut_streams(seconds=10)
    assert choose(Exchange(1, "GET", "/openapi/logs/sse/v4/workflow/w/1/j/0")) == Spoil(Fault.CUT, seconds=10)
    assert choose(Exchange(2, "GET", "/openapi/workflows")) is None
