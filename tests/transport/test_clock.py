"""The server's time, from the `Date` header of its answers."""

import pytest

from zadig_async.transport.clock import ServerClock

NOON = "Tue, 24 Nov 2026 12:00:00 GMT"
NOON_UNIX = 1_795_521_600.0


def test_time_goes_on_from_the_newest_header() -> None:
    clock = ServerClock()
    clock.note("Tue, 24 Nov 2026 11:00:00 GMT", 10.0)
    clock.note(NOON, 100.0)
    assert clock.now(100.0) == NOON_UNIX
    assert clock.now(130.5) == NOON_UNIX + 30.5


def test_an_answer_without_a_header_changes_nothing() -> None:
    clock = ServerClock()
    clock.note("", 1.0)
    assert clock.now(2.0) is None
    clock.note(NOON, 100.0)
    clock.note("", 200.0)
    assert clock.now(100.0) == NOON_UNIX


@pytest.mark.parametrize("date", ["now", "Tue, 99 Nov 2026 12:00:00 GMT", "1795521600", "\x00"])
def test_a_header_that_is_no_date_says_no_time(date: str) -> None:
    clock = ServerClock()
    clock.note(date, 1.0)
    assert clock.now(1.0) is None
