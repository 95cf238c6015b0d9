"""Durations as people write and read them."""

import click
import pytest
from hypothesis import given
from hypothesis import strategies as st

from zadig_async.cli.durations import duration, parse_duration, spell_duration


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("0", 0),
        ("90", 90),
        ("1.5", 1.5),
        ("45s", 45),
        ("30m", 1800),
        ("2h", 7200),
        ("1h30m", 5400),
        ("1d", 86_400),
        ("0.5h", 1800),
        (" 3s ", 3),
    ],
)
def test_what_people_write_is_read(text: str, seconds: float) -> None:
    assert parse_duration(text) == seconds


@pytest.mark.parametrize("text", ["", "-1", "1x", "h", "1h 30m", "nan", "inf", "1e3", "١٠", "30 m"])
def test_anything_else_is_refused(text: str) -> None:
    assert parse_duration(text) is None
    with pytest.raises(click.BadParameter, match="30m"):
        duration(text)


@pytest.mark.parametrize(
    ("seconds", "spelled"),
    [(0, "0.0s"), (8.44, "8.4s"), (42.2, "42s"), (65, "1m05s"), (3599.6, "1h00m"), (7380, "2h03m")],
)
def test_durations_are_spelled_short(seconds: float, spelled: str) -> None:
    assert spell_duration(seconds) == spelled


@given(st.integers(min_value=60, max_value=10**7))
def test_a_spelled_duration_is_the_same_to_the_minute(seconds: int) -> None:
    read = parse_duration(spell_duration(seconds))
    assert read is not None
    assert abs(read - seconds) < 60
