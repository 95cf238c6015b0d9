"""The report on streams: every case can be sent, and a broken promise is seen."""

from typing import Any

import pytest

from benchmarks.hostile import BODIES, END
from benchmarks.stream_client import READERS
from benchmarks.streams import GROWTH_MIB, S4, S6, Case, problems, rank

WHOLE = Case("a log", "open", "plain", lines=3)
LOOSE = Case("a bomb", "open", "bomb", whole=False)
GOOD = {"grown": 5 * 1024 * 1024, "error": "", "last": END, "lines": 3}


@pytest.mark.parametrize("case", [*S4, *S6], ids=lambda case: f"{case.reader} {case.what}")
def test_every_case_has_a_body_and_a_reader(case: Case) -> None:
    assert case.job in BODIES
    assert case.reader in READERS


@pytest.mark.parametrize(
    ("case", "found", "expected"),
    [
        (WHOLE, {}, []),
        (WHOLE, {"grown": (GROWTH_MIB + 1) * 1024 * 1024}, ["grew"]),
        (WHOLE, {"error": "TransportError"}, ["failed"]),
        (WHOLE, {"last": "the middle"}, ["not read to its end"]),
        (WHOLE, {"lines": 2}, ["lines lost"]),
        (LOOSE, {"error": "DecodeError", "last": "", "lines": 0}, []),
        (LOOSE, {"last": "", "grown": (GROWTH_MIB + 1) * 1024 * 1024}, ["grew"]),
    ],
)
def test_a_broken_promise_is_seen(case: Case, found: dict[str, Any], expected: list[str]) -> None:
    assert problems(case, GOOD | found) == expected


def test_ranks_are_values_that_were_measured() -> None:
    values = [float(number) for number in range(1, 201)]
    assert (rank(values, 0.5), rank(values, 0.99), rank(values, 1)) == (100.0, 198.0, 200.0)
    assert rank([7.0], 0.99) == 7.0
