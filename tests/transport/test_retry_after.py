"""`Retry-After` is read strictly, and garbage is no answer."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zadig_async.transport.retry_after import retry_after_seconds

NOW = "Mon, 23 Nov 2026 12:00:00 GMT"


@pytest.mark.parametrize(
    ("value", "date", "seconds"),
    [
        ("5", "", 5.0),
        (" 5 ", "", 5.0),
        ("0", "", 0.0),
        ("1000000000", "", 1e9),
        ("9" * 5000, "", 1e10),
        ("Mon, 23 Nov 2026 12:01:30 GMT", NOW, 90.0),
        ("Mon, 23 Nov 2026 11:00:00 GMT", NOW, 0.0),
        ("Monday, 23-Nov-26 12:00:10 GMT", NOW, 10.0),
        ("Mon, 23 Nov 2026 13:00:10 +0100", NOW, 10.0),
        ("Mon, 23 Nov 2026 12:01:30 GMT", "", None),
        ("Mon, 23 Nov 2026 12:01:30 GMT", "yesterday", None),
        ("Mon, 23 Nov 2026 12:01:30", NOW, None),
        ("", NOW, None),
        ("soon", NOW, None),
        ("-5", NOW, None),
        ("+5", NOW, None),
        ("5.5", NOW, None),
        ("1e3", NOW, None),
        ("٥", NOW, None),
        ("5, 6", NOW, None),
        ("Mon, 99 Nov 2026 12:01:30 GMT", NOW, None),
    ],
)
def test_reads(value: str, date: str, seconds: float | None) -> None:
    assert retry_after_seconds(value, date) == seconds


@given(st.text(), st.text() | st.just(NOW))
def test_any_text_is_seconds_or_nothing(value: str, date: str) -> None:
    seconds = retry_after_seconds(value, date)
    assert seconds is None or 0 <= seconds < 1e12
