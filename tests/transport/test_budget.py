"""Retries that fail stay a small share of all requests."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zadig_async.errors import ConfigError
from zadig_async.transport.budget import RetryBudget


@given(
    st.floats(0, 50),
    st.floats(0, 1),
    st.lists(st.sampled_from(["first answered", "retry", "retry answered", "retry failed"]), max_size=300),
)
def test_failed_retries_are_bounded(capacity: float, refill: float, events: list[str]) -> None:
    budget = RetryBudget(capacity, refill)
    first = failed = in_flight = 0
    for event in events:
        if event == "first answered":
            budget.first_answered()
            first += 1
        elif event == "retry":
            in_flight += budget.take()
        elif in_flight:
            in_flight -= 1
            if event == "retry answered":
                budget.retry_answered()
            else:
                failed += 1
        assert 0 <= budget.tokens <= capacity
        assert failed + in_flight <= capacity + refill * first + 1e-6


def test_what_comes_back_to_a_full_bucket_is_spilt() -> None:
    budget = RetryBudget(capacity=1, refill=1)
    assert budget.take()
    budget.first_answered()
    budget.retry_answered()
    assert budget.tokens == 1


def test_it_recovers_when_the_server_does() -> None:
    budget = RetryBudget(capacity=1, refill=0.5)
    assert budget.take()
    assert not budget.take()
    budget.first_answered()
    assert not budget.take()
    budget.first_answered()
    assert budget.take()


@pytest.mark.parametrize(
    ("capacity", "refill"), [(-1, 0.1), (float("inf"), 0.1), (float("nan"), 0.1), (5, -0.1), (5, 2)]
)
def test_refuses_numbers_outside_their_range(capacity: float, refill: float) -> None:
    with pytest.raises(ConfigError, match=r"^retry budget: "):
        RetryBudget(capacity, refill)
