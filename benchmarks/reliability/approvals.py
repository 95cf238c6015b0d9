"""Gates in every state anybody could bring them into: no vote outside the rules.

The machine of `tests/support/approval_machine.py`, for as many steps as asked. Each vote that leaves is
judged by an oracle that shares no code with what decides.
"""

import sys
import time
from typing import Final

from hypothesis import HealthCheck, Phase, settings
from hypothesis.errors import HypothesisException
from hypothesis.stateful import run_state_machine_as_test

from tests.support.approval_machine import Approvals, Steps

_STEPS_EACH: Final = 50
_EXAMPLES: Final = 50
"""Machines between two looks at the count."""


def run(steps: int) -> int:
    """Move gates until so many steps were done, and print what was voted.

    Returns:
        0 where every vote was within the rules.
    """
    began = time.monotonic()
    broken = False
    while Steps.steps < steps and not broken:
        try:
            run_state_machine_as_test(
                Approvals,
                settings=settings(
                    max_examples=_EXAMPLES,
                    stateful_step_count=_STEPS_EACH,
                    deadline=None,
                    database=None,
                    phases=[Phase.generate],
                    suppress_health_check=list(HealthCheck),
                ),
            )
        except (AssertionError, HypothesisException) as error:
            print(f"WRONG {error}", file=sys.stderr)
            broken = True
    print(f"steps                    {Steps.steps}")
    print(
        f"votes cast               {Steps.votes} ({', '.join(f'{k} {v}' for k, v in Steps.judged.items())})"
    )
    print(f"votes outside the rules  {'at least 1' if broken else 0}")
    print(f"switch pulled            {Steps.pulled} times, votes after it: {'?' if broken else 0}")
    print(f"{time.monotonic() - began:.0f} s")
    return 1 if broken or not Steps.votes else 0
