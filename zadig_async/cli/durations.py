"""Durations as people write them: `90`, `45s`, `30m`, `2h`, `1h30m`."""

import re
from typing import Final

import click

_UNITS: Final = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86_400.0}
_PART: Final = re.compile(r"([0-9]+(?:\.[0-9]+)?)([smhd])")
_WHOLE: Final = re.compile(rf"(?:{_PART.pattern})+")
_NUMBER: Final = re.compile(r"[0-9]+(?:\.[0-9]+)?")

MEND: Final = "write seconds as a number, or something like 45s, 30m, 2h or 1h30m"


def parse_duration(text: str) -> float | None:
    """Return the seconds a text means, or None where it means none."""
    text = text.strip()
    if _NUMBER.fullmatch(text):
        return float(text)
    if not _WHOLE.fullmatch(text):
        return None
    return sum(float(number) * _UNITS[unit] for number, unit in _PART.findall(text))


def spell_duration(seconds: float) -> str:
    """Write a duration for people: `8.4s`, `1m05s`, `2h03m`."""
    if seconds < 60:
        return f"{seconds:.1f}s" if seconds < 10 else f"{seconds:.0f}s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes}m{rest:02d}s"
    return f"{minutes // 60}h{minutes % 60:02d}m"


def duration(text: str) -> float:
    """Read a duration on the command line, in seconds.

    Raises:
        click.BadParameter: It is none.
    """
    seconds = parse_duration(text)
    if seconds is None:
        raise click.BadParameter(f"{text!r} is not a duration: {MEND}.")
    return seconds
