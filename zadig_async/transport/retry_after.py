"""Reading the `Retry-After` header."""

from datetime import datetime
from email.utils import parsedate_to_datetime

_MAX_DIGITS = 10


def retry_after_seconds(value: str, date: str) -> float | None:
    """Return the seconds a server asks us to wait, or None where it does not say so intelligibly.

    A point in time is measured against the answer's own `Date` header: the two come from one clock,
    which need not agree with ours.

    Args:
        value: `Retry-After` header: whole seconds or an HTTP date.
        date: `Date` header of the same answer, may be empty.
    """
    value = value.strip()
    if value.isascii() and value.isdecimal():
        return float(value[-_MAX_DIGITS:]) if len(value) <= _MAX_DIGITS else 10.0**_MAX_DIGITS
    until, now = _point_in_time(value), _point_in_time(date)
    if until is None or now is None:
        return None
    return max(0.0, (until - now).total_seconds())


def _point_in_time(value: str) -> datetime | None:
    try:
        parsed = parsedate_to_datetime(value)
    except ValueError:
        return None
    # HTTP dates are in GMT; one without a zone cannot be compared with one that has it.
    return parsed if parsed.tzinfo is not None else None
