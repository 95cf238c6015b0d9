"""When approving is allowed: windows by the wall clock of a place, and freezes between two moments."""

import re
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime, time, timedelta
from functools import partial
from itertools import pairwise
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

import attrs

from zadig_async.errors import ConfigError

DAYS: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
"""The days of the week as windows name them, in the order of `datetime.weekday`."""

HORIZON: Final = timedelta(days=8)
"""How far ahead the next opening is looked for: whoever waits longer looks at the plan, not at the clock."""

_SECOND: Final = timedelta(seconds=1)
_STEP: Final = timedelta(hours=1)
"""Between two looks for a change of the clocks; no place changes them twice within an hour."""

_MINUTE: Final = re.compile(r"([01][0-9]|2[0-3]):[0-5][0-9]|24:00")
_WINDOW: Final = re.compile(r"(?:(?P<days>[^\s:]+) +)?(?P<start>[0-9:]+)-(?P<end>[0-9:]+) +(?P<zone>\S+)")
_EDGE: Final = r"(?P<{0}_day>[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}})(?: (?P<{0}_time>[0-9]{{2}}:[0-9]{{2}}))?"
_FREEZE: Final = re.compile(
    _EDGE.format("start") + r" \.\. " + _EDGE.format("end") + r" (?P<zone>[^\s:]+)(?:: *(?P<reason>.*\S))?",
    re.DOTALL,
)

_OF_THE_MACHINE: Final = ("localtime", "posixrules")
"""Files beside the zones that stand for whatever this machine is set to."""
_SECOND_COPIES: Final = ("posix/", "right/")
"""Folders with copies of all zones; those in `right` count leap seconds, so they are off by half a minute."""


def _zone(what: str, name: object) -> ZoneInfo:
    """Return a time zone by its IANA name.

    Raises:
        ConfigError: There is no such zone, or no zones at all on this machine.
    """
    if not isinstance(name, str):
        raise ConfigError(f"{what}: expected a time zone's name, got {type(name).__name__}", hint=_ZONE_HINT)
    if name in _OF_THE_MACHINE or name.startswith(_SECOND_COPIES):
        raise ConfigError(f"{what}: {name[:80]!r} is not an IANA name", hint=_ZONE_HINT)
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        pass
    if not available_timezones():
        raise ConfigError(
            f"{what}: this machine has no time zone database, so {name[:80]!r} cannot be looked up",
            hint="Install the Python package tzdata, or the system's own.",
        )
    raise ConfigError(f"{what}: there is no time zone {name[:80]!r}", hint=_ZONE_HINT)


_ZONE_HINT: Final = "Use an IANA name such as Europe/Berlin or Asia/Shanghai."


def _utc(what: str, moment: object) -> datetime:
    """Return a moment in UTC: Python compares times of one zone by their wall clock, which jumps.

    Raises:
        ConfigError: It is no moment.
    """
    if not isinstance(moment, datetime):
        raise ConfigError(f"{what}: expected a datetime, got {type(moment).__name__}")
    if moment.utcoffset() is None:
        raise ConfigError(
            f"{what}: a time without a zone says no moment", hint="Use an aware one: datetime.now(UTC)."
        )
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        raise ConfigError(f"{what}: the year {moment.year} is out of range") from None


def _days(days: object) -> tuple[str, ...]:
    names: list[object] = []
    if isinstance(days, str):
        for part in days.split(",") if days else ():
            first, dash, last = part.partition("-")
            names += _run(first, last) if dash and first in DAYS and last in DAYS else [part]
    elif isinstance(days, Iterable):
        names += days
    else:
        raise ConfigError(f"Window.days: expected names of days, got {type(days).__name__}", hint=_DAYS_HINT)
    for name in names:
        if name not in DAYS:
            shown = repr(name[:80]) if isinstance(name, str) else type(name).__name__
            raise ConfigError(f"Window.days: {shown} is not a day", hint=_DAYS_HINT)
    return tuple(day for day in DAYS if day in names)


_DAYS_HINT: Final = "Use Mon, Tue, Wed, Thu, Fri, Sat, Sun, as in 'Mon-Fri' or 'Mon-Wed,Sat'."


def _run(first: str, last: str) -> Iterator[str]:
    start, end = DAYS.index(first), DAYS.index(last)
    yield from (DAYS[(start + step) % 7] for step in range((end - start) % 7 + 1))


def _clock(clock: object) -> str:
    if isinstance(clock, time):
        if clock.second or clock.microsecond or clock.tzinfo:
            raise ConfigError(
                "Window: expected hours and minutes only", hint="The zone is a field of its own."
            )
        return f"{clock:%H:%M}"
    if not isinstance(clock, str):
        raise ConfigError(
            f"Window: expected a time of day, got {type(clock).__name__}",
            hint="Write it as text, such as '09:00', quoted in YAML.",
        )
    if _MINUTE.fullmatch(clock) is None:
        raise ConfigError(f"Window: {clock[:80]!r} is not a time of day", hint=_CLOCK_HINT)
    return clock


_CLOCK_HINT: Final = "Use 00:00 to 23:59, with two digits each; only an end may be 24:00."


def _minute(clock: str) -> int:
    hours, minutes = clock.split(":")
    return int(hours) * 60 + int(minutes)


@attrs.frozen(kw_only=True)
class Window:
    """Hours of the week in which approving is allowed, by the wall clock of one place.

    A local time that occurs twice, as clocks go back, counts both times; one that is skipped never comes.

    Attributes:
        days: Names of days, `Mon` to `Sun`, in the order of the week; empty for every day. Text such as
            `Mon-Wed,Sat` is read.
        start: First minute, such as `09:00`; a `datetime.time` is read.
        end: First minute after it; up to `24:00`. An end before the start is one of the next day: such a
            window belongs to the day it starts on.
        zone: IANA name of the place's time zone.
    """

    days: tuple[str, ...] = attrs.field(default=(), converter=_days)
    start: str = attrs.field(converter=_clock)
    end: str = attrs.field(converter=_clock)
    zone: str
    _info: ZoneInfo = attrs.field(
        init=False,
        eq=False,
        repr=False,
        default=attrs.Factory(lambda self: _zone("Window.zone", self.zone), takes_self=True),
    )

    def __attrs_post_init__(self) -> None:
        if self.start == "24:00":
            raise ConfigError("Window: it cannot start at 24:00", hint=_CLOCK_HINT)
        if self.start == self.end:
            raise ConfigError(
                "Window: it ends when it starts",
                hint="Leave the window out to allow the whole day, or write 00:00-24:00 for whole days.",
            )

    @classmethod
    def parse(cls, text: str) -> "Window":
        """Read `Mon-Fri 09:00-17:00 Europe/Berlin`; without days it is every day.

        Raises:
            ConfigError: The text has another form, or names a day, time or zone that is none.
        """
        match = _WINDOW.fullmatch(_text("Window", text))
        if match is None:
            raise ConfigError(
                f"not a window: {text[:80]!r}", hint="Write it as in 'Mon-Fri 09:00-17:00 Europe/Berlin'."
            )
        return cls(days=match["days"] or "", start=match["start"], end=match["end"], zone=match["zone"])

    def holds(self, now: datetime) -> bool:
        """Whether approving is allowed at this moment.

        Raises:
            ConfigError: The time has no zone.
        """
        local = _utc("now", now).astimezone(self._info)
        minute = local.hour * 60 + local.minute
        start, end = _minute(self.start), _minute(self.end)
        if start < end:
            return self._includes(local.weekday()) and start <= minute < end
        return (self._includes(local.weekday()) and minute >= start) or (
            self._includes(local.weekday() - 1) and minute < end
        )

    def _includes(self, weekday: int) -> bool:
        return not self.days or DAYS[weekday % 7] in self.days

    def _may_open(self, now: datetime) -> Iterator[datetime]:
        """Yield every moment until the horizon at which it can begin to hold."""
        first = now.astimezone(self._info).date() - timedelta(days=1)
        start = divmod(_minute(self.start), 60)
        for ahead in range(HORIZON.days + 3):
            wall = datetime.combine(first + timedelta(days=ahead), time(*start))
            yield _moment(wall, self._info)
            yield _moment(wall, self._info, late=True)
        # clocks that jump can land in the middle of a window
        yield from _clock_changes(now, self._info)

    def __str__(self) -> str:
        days = f"{_written(self.days)} " if self.days else ""
        return f"{days}{self.start}-{self.end} {self.zone}"


def _written(days: tuple[str, ...]) -> str:
    """Return days as text, three and more in a row as a range."""
    runs: list[list[str]] = []
    for day in days:
        if runs and DAYS.index(day) == DAYS.index(runs[-1][-1]) + 1:
            runs[-1].append(day)
        else:
            runs.append([day])
    return ",".join(f"{run[0]}-{run[-1]}" if len(run) > 2 else ",".join(run) for run in runs)


def _text(what: str, text: object) -> str:
    if not isinstance(text, str):
        raise ConfigError(f"{what}: expected text, got {type(text).__name__}")
    return text


@attrs.frozen(kw_only=True)
class Freeze:
    """A span of time in which nothing is approved.

    Attributes:
        start: First moment of it, with a zone.
        end: First moment after it, with a zone.
        reason: Why, for whoever is refused.
    """

    start: datetime
    end: datetime
    reason: str = ""

    def __attrs_post_init__(self) -> None:
        if _utc("Freeze.start", self.start) >= _utc("Freeze.end", self.end):
            raise ConfigError("Freeze: it ends before it starts", hint="Put the earlier time first.")

    @classmethod
    def parse(cls, text: str) -> "Freeze":
        """Read `2026-12-23 .. 2027-01-04 Europe/Berlin: year's end`.

        A date is a whole day, the end day included; `2026-12-23 18:00` is a moment. Of an end that the
        clocks show twice the later one is meant, of such a start the earlier one.

        Raises:
            ConfigError: The text has another form, or names a time or zone that is none.
        """
        match = _FREEZE.fullmatch(_text("Freeze", text))
        if match is None:
            raise ConfigError(
                f"not a freeze: {text[:80]!r}",
                hint="Write it as in '2026-12-23 .. 2027-01-04 12:00 Europe/Berlin: year's end'.",
            )
        zone = _zone("Freeze", match["zone"])
        try:
            start = datetime.fromisoformat(f"{match['start_day']} {match['start_time'] or '00:00'}")
            end = datetime.fromisoformat(f"{match['end_day']} {match['end_time'] or '00:00'}")
            end += timedelta(days=0 if match["end_time"] else 1)
            return cls(
                start=_moment(start, zone).astimezone(zone),
                end=_moment(end, zone, late=True).astimezone(zone),
                reason=match["reason"] or "",
            )
        except (ValueError, OverflowError):
            raise ConfigError(
                f"Freeze: {text[:80]!r} names a day or time that does not exist",
                hint="Use dates as in 2026-12-23 and times as in 18:00.",
            ) from None

    def holds(self, now: datetime) -> bool:
        """Whether nothing may be approved at this moment.

        Raises:
            ConfigError: The time has no zone.
        """
        return _utc("Freeze.start", self.start) <= _utc("now", now) < _utc("Freeze.end", self.end)


def objection(windows: Sequence[Window], freezes: Sequence[Freeze], now: datetime) -> str:
    """Return why nothing may be approved at this moment, or an empty string.

    Args:
        windows: One that holds is enough; without any, every moment is allowed.
        freezes: One that holds forbids.
        now: A time with a zone.

    Raises:
        ConfigError: The time has no zone.
    """
    if _allowed(windows, freezes, now):
        return ""
    opens = next_opening(windows, freezes, now)
    frozen = next((freeze for freeze in freezes if freeze.holds(now)), None)
    if frozen is not None:
        zone = frozen.end.tzinfo
        why = f"frozen until {_shown(frozen.end)}" + (f" ({frozen.reason})" if frozen.reason else "")
    else:
        zone = ZoneInfo(windows[0].zone)
        why = f"outside of {' and '.join(map(str, windows))}"
    return why + (f"; opens {_shown(opens.astimezone(zone))}" if opens is not None else "")


def next_opening(windows: Sequence[Window], freezes: Sequence[Freeze], now: datetime) -> datetime | None:
    """Return the first moment after this one at which approving is allowed, in UTC.

    None stands for none within `HORIZON`. It means little while approving is allowed.

    Raises:
        ConfigError: The time has no zone.
    """
    now = _utc("now", now)
    moments = {_utc("Freeze.end", freeze.end) for freeze in freezes}
    for window in windows:
        moments.update(window._may_open(now))
    ahead = sorted(moment for moment in moments if now < moment <= now + HORIZON)
    return next((moment for moment in ahead if _allowed(windows, freezes, moment)), None)


def _allowed(windows: Sequence[Window], freezes: Sequence[Freeze], now: datetime) -> bool:
    if any(freeze.holds(now) for freeze in freezes):
        return False
    return not windows or any(window.holds(now) for window in windows)


def _moment(wall: datetime, zone: ZoneInfo, *, late: bool = False) -> datetime:
    """Return when clocks in a zone show a time, in UTC.

    Of two such moments it is the earlier one unless `late`; where clocks skip the time, the moment they
    jump.
    """
    early, after = sorted(wall.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1))
    if _wall(early, zone) == wall:
        return after if late else early
    return _first(early, after, lambda moment: _wall(moment, zone) >= wall)


def _wall(moment: datetime, zone: ZoneInfo) -> datetime:
    return moment.astimezone(zone).replace(tzinfo=None, fold=0)


def _clock_changes(now: datetime, zone: ZoneInfo) -> Iterator[datetime]:
    """Yield the moments until the horizon at which clocks in a zone jump."""
    hours = [now.replace(microsecond=0) + step * _STEP for step in range(HORIZON // _STEP + 2)]
    for before, after in pairwise(hours):
        new = after.astimezone(zone).utcoffset()
        if before.astimezone(zone).utcoffset() != new:
            yield _first(before, after, partial(_has_offset, zone, new))


def _has_offset(zone: ZoneInfo, offset: timedelta | None, moment: datetime) -> bool:
    return moment.astimezone(zone).utcoffset() == offset


def _first(before: datetime, after: datetime, reached: Callable[[datetime], bool]) -> datetime:
    """Return the first whole second after `before` from which something holds, `after` at the latest."""
    seconds = range((after - before) // _SECOND)
    return before + _SECOND * bisect_left(
        seconds, True, key=lambda second: reached(before + _SECOND * second)
    )


def _shown(moment: datetime) -> str:
    place = getattr(moment.tzinfo, "key", None) or moment.tzname()
    return f"{DAYS[moment.weekday()]} {moment:%Y-%m-%d %H:%M} {place}"
