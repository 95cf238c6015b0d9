"""No vote outside the rules, whatever happens in whatever order; see `tests/support/approval_machine.py`."""

from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.support.approval_machine import Approvals, Steps


def test_no_vote_is_ever_cast_outside_the_rules() -> None:
    run_state_machine_as_test(
        Approvals,
        settings=settings(
            max_examples=40,
            stateful_step_count=40,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
    assert Steps.votes > 0
