"""Windows and freezes: right at every minute, changes of the clocks included, whatever the machine's zone."""

import sys
import time as system_time
import zoneinfo
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, time, timedelta, timezone
from functools import partial
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from zadig_async.errors import ConfigError
from zadig_async.orchestrator.calendar import DAYS, HORIZON, Freeze, Window, next_opening, objection

MINUTE: Final = timedelta(minutes=1)
OFFICE: Final = Window.parse("Mon-Fri 09:00-17:00 Europe/Berlin")
BERLIN: Final = ZoneInfo("Europe/Berlin")


def at(text: str, zone: str = "Europe/Berlin", *, fold: int = 0) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone), fold=fold)


# What the oracle knows of the world is written down here by hand: minutes ahead of UTC, and from when.
CLOCKS: Final[dict[str, list[tuple[str, int]]]] = {
    "Europe/Berlin": [("2026-01-01 00:00", 60), ("2026-03-29 01:00", 120), ("2026-10-25 01:00", 60)],
    "America/New_York": [("2026-01-01 00:00", -300), ("2026-03-08 07:00", -240), ("2026-11-01 06:00", -300)],
    "Australia/Lord_Howe": [("2026-01-01 00:00", 660), ("2026-04-04 15:00", 630), ("2026-10-03 15:30", 660)],
    "America/Havana": [("2026-01-01 00:00", -300), ("2026-03-08 05:00", -240), ("2026-11-01 05:00", -300)],
    "Asia/Shanghai": [("2026-01-01 00:00", 480)],
    "UTC": [("2026-01-01 00:00", 0)],
}
CHANGES: Final = [
    (zone, datetime.fromisoformat(since).replace(tzinfo=UTC))
    for zone, rows in CLOCKS.items()
    for since, _ in rows[1:]
]


def wall(moment: datetime, zone: str) -> datetime:
    """Return what clocks in a zone show at a moment of 2026, by the table above."""
    offset = [ahead for since, ahead in CLOCKS[zone] if moment >= datetime.fromisoformat(since + "Z")][-1]
    return moment.replace(tzinfo=None) + timedelta(minutes=offset)


def minutes_of(days: tuple[str, ...], start: str, end: str) -> set[tuple[int, int]]:
    """Return every minute of the week a window covers, walked from its start to its end."""
    covered = set()
    for first in range(7):
        if days and DAYS[first] not in days:
            continue
        weekday, (hour, minute) = first, map(int, start.split(":"))
        for _ in range(24 * 60):
            covered.add((weekday, hour * 60 + minute))
            minute += 1
            if minute == 60:
                hour, minute = hour + 1, 0
            if f"{hour:02}:{minute:02}" == end:
                break
            if hour == 24:
                weekday, hour = (weekday + 1) % 7, 0
                if end == "00:00":
                    break
    return covered


def oracle(window: Window, moment: datetime) -> bool:
    shown = wall(moment, window.zone)
    covered = minutes_of(window.days, window.start, window.end)
    return (shown.weekday(), shown.hour * 60 + shown.minute) in covered


# more often the small hours, in which clocks change
HOUR = st.integers(0, 4) | st.integers(0, 23)
CLOCK = st.builds("{:02}:{:02}".format, HOUR, st.sampled_from([0, 1, 15, 30, 45, 59]))


def windows(zone: st.SearchStrategy[str]) -> st.SearchStrategy[Window]:
    ends = st.tuples(CLOCK, CLOCK | st.just("24:00")).filter(lambda pair: pair[0] != pair[1])
    days = st.lists(st.sampled_from(DAYS), unique=True).map(tuple)
    return st.builds(
        lambda days, ends, zone: Window(days=days, start=ends[0], end=ends[1], zone=zone), days, ends, zone
    )


@st.composite
def around_a_change(draw: st.DrawFn) -> tuple[Window, datetime]:
    zone, change = draw(st.sampled_from(CHANGES))
    return draw(windows(st.just(zone))), change


@pytest.mark.parametrize("zone", CLOCKS)
def test_the_table_of_the_oracle_is_right(zone: str) -> None:
    for hour in range(365 * 24 - 1):
        moment = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(hours=hour, minutes=30)
        assert wall(moment, zone) == moment.astimezone(ZoneInfo(zone)).replace(tzinfo=None)


@settings(max_examples=60)
@given(around_a_change())
def test_a_window_is_right_at_every_minute_around_a_change_of_the_clocks(
    case: tuple[Window, datetime],
) -> None:
    window, change = case
    covered = minutes_of(window.days, window.start, window.end)
    for minute in range(-27 * 60, 27 * 60):
        moment = change + minute * MINUTE
        shown = wall(moment, window.zone)
        expected = (shown.weekday(), shown.hour * 60 + shown.minute) in covered
        assert window.holds(moment) is expected, f"{window} at {moment}"


@given(
    windows(st.sampled_from(list(CLOCKS))),
    st.datetimes(datetime(2026, 1, 1), datetime(2026, 12, 30)),
    st.sampled_from([UTC, BERLIN, timezone(timedelta(hours=-9, minutes=-30))]),
)
def test_a_window_is_right_at_any_moment_told_in_any_zone(window: Window, when: datetime, told: Any) -> None:
    moment = when.replace(tzinfo=UTC)
    assert window.holds(moment.astimezone(told)) is oracle(window, moment)


@pytest.mark.parametrize(
    ("text", "inside", "outside"),
    [
        (
            "Mon-Fri 09:00-17:00 Europe/Berlin",
            ["2026-03-27 09:00:00", "2026-03-27 16:59:59.999999"],
            ["2026-03-27 08:59:59", "2026-03-27 17:00:00", "2026-03-28 12:00", "2026-03-29 12:00"],
        ),
        (
            "Sat 22:00-02:00 UTC",
            ["2026-03-28 22:00", "2026-03-29 01:59"],
            ["2026-03-28 01:00", "2026-03-29 22:00"],
        ),
        (
            "Sun 22:00-02:00 UTC",
            ["2026-03-29 22:00", "2026-03-30 01:59"],
            ["2026-03-30 02:00", "2026-03-29 01:00"],
        ),
        (
            "22:00-02:00 UTC",
            ["2026-03-28 01:00", "2026-03-29 23:00"],
            ["2026-03-28 02:00", "2026-03-28 21:59"],
        ),
        ("Sat 20:00-24:00 UTC", ["2026-03-28 23:59:59"], ["2026-03-29 00:00", "2026-03-28 00:00"]),
        ("Sat 20:00-00:00 UTC", ["2026-03-28 23:59:59"], ["2026-03-29 00:00", "2026-03-28 00:00"]),
        (
            "Sat,Sun 00:00-24:00 UTC",
            ["2026-03-28 00:00", "2026-03-29 23:59"],
            ["2026-03-27 23:59", "2026-03-30 00:00"],
        ),
        # the day that only leap years have is a Tuesday in 2028; 2100 has none
        (
            "Tue 00:00-24:00 UTC",
            ["2028-02-29 00:00", "2028-02-29 23:59"],
            ["2028-02-28 23:59", "2028-03-01 00:00"],
        ),
        (
            "Tue 22:00-02:00 UTC",
            ["2028-02-29 23:00", "2028-03-01 01:00"],
            ["2028-03-01 02:00", "2028-02-29 01:00"],
        ),
        ("Sun 22:00-02:00 UTC", ["2100-02-28 23:00", "2100-03-01 01:00"], ["2100-03-01 22:00"]),
    ],
)
def test_a_window_holds_from_its_start_to_its_end(text: str, inside: list[str], outside: list[str]) -> None:
    window = Window.parse(text)
    assert {moment: window.holds(at(moment, window.zone)) for moment in inside} == dict.fromkeys(inside, True)
    assert {moment: window.holds(at(moment, window.zone)) for moment in outside} == dict.fromkeys(
        outside, False
    )


def test_a_time_that_comes_twice_counts_twice_and_a_skipped_one_never() -> None:
    window = Window.parse("02:15-02:45 Europe/Berlin")
    twice = at("2026-10-25 02:30"), at("2026-10-25 02:30", fold=1)
    assert twice[0].astimezone(UTC) != twice[1].astimezone(UTC)
    assert all(window.holds(moment) for moment in twice)
    spring = [datetime(2026, 3, 29, tzinfo=UTC) + minute * MINUTE for minute in range(24 * 60 - 120)]
    assert not any(window.holds(moment) for moment in spring)


def test_the_zone_of_the_machine_does_not_matter(monkeypatch: pytest.MonkeyPatch) -> None:
    moment = datetime(2026, 3, 27, 8, 30, tzinfo=UTC)
    told = []
    try:
        for zone in ("UTC", "Asia/Shanghai", "America/New_York"):
            monkeypatch.setenv("TZ", zone)
            system_time.tzset()
            told.append((OFFICE.holds(moment), objection([OFFICE], [], moment + timedelta(hours=9))))
    finally:
        monkeypatch.undo()
        system_time.tzset()
    assert len(set(told)) == 1
    assert told[0][0] is True


@pytest.mark.parametrize(
    "text",
    [
        "Mon-Fri 09:00-17:00 Europe/Berlin",
        "Mon-Wed,Sat 22:00-02:00 America/New_York",
        "Mon,Tue,Thu 00:00-24:00 Asia/Shanghai",
        "Mon-Sun 00:01-00:00 UTC",
        "Sun 09:00-10:00 Etc/GMT+5",
        "09:00-17:00 Australia/Lord_Howe",
    ],
)
def test_a_window_is_written_as_it_is_read(text: str) -> None:
    assert str(Window.parse(text)) == text


@given(windows(st.sampled_from(list(CLOCKS))))
def test_a_window_that_is_written_and_read_is_the_same(window: Window) -> None:
    again = Window.parse(str(window))
    assert again == window
    assert hash(again) == hash(window)


@pytest.mark.parametrize(
    ("days", "expected"),
    [
        ((), ()),
        ("", ()),
        ("Mon", ("Mon",)),
        ("Sat,Mon", ("Mon", "Sat")),
        ("Fri-Mon", ("Mon", "Fri", "Sat", "Sun")),
        ("Wed-Wed", ("Wed",)),
        ("Mon-Wed,Tue-Thu", ("Mon", "Tue", "Wed", "Thu")),
        (["Sun", "Sat"], ("Sat", "Sun")),
        (iter(["Sun"]), ("Sun",)),
    ],
)
def test_days_are_read_from_names_and_text(days: Any, expected: tuple[str, ...]) -> None:
    window = Window(days=days, start=time(9), end="10:30", zone="UTC")
    assert (window.days, window.start, window.end) == (expected, "09:00", "10:30")


WINDOW: Final[dict[str, Any]] = {"days": "Mon", "start": "09:00", "end": "17:00", "zone": "UTC"}


@pytest.mark.parametrize(
    ("fields", "told", "mend"),
    [
        ({"days": "Mon-Fry"}, "'Mon-Fry' is not a day", "Mon-Wed,Sat"),
        ({"days": "mon"}, "'mon' is not a day", "Mon-Wed,Sat"),
        ({"days": "Mon,"}, "'' is not a day", "Mon-Wed,Sat"),
        ({"days": ("Mon-Fri",)}, "'Mon-Fri' is not a day", "Mon-Wed,Sat"),
        ({"days": (1,)}, "int is not a day", "Mon-Wed,Sat"),
        ({"days": 5}, "expected names of days, got int", "Mon-Wed,Sat"),
        ({"start": "9:00"}, "'9:00' is not a time of day", "two digits"),
        ({"start": "24:00"}, "cannot start at 24:00", "only an end may be 24:00"),
        ({"end": "24:01"}, "'24:01' is not a time of day", "only an end may be 24:00"),
        ({"end": "17:60"}, "'17:60' is not a time of day", "two digits"),
        ({"end": "17:00:00"}, "'17:00:00' is not a time of day", "two digits"),
        ({"end": "１７:00"}, "is not a time of day", "two digits"),
        ({"end": 1020}, "expected a time of day, got int", "quoted in YAML"),
        ({"end": time(17, 0, 1)}, "hours and minutes only", "zone"),
        ({"end": time(17, tzinfo=UTC)}, "hours and minutes only", "zone"),
        ({"end": "09:00"}, "ends when it starts", "Leave the window out to allow the whole day"),
        ({"start": "00:00", "end": "00:00"}, "ends when it starts", "00:00-24:00"),
        ({"zone": "Europe/Berln"}, "there is no time zone 'Europe/Berln'", "Europe/Berlin"),
        ({"zone": ""}, "there is no time zone ''", "IANA name"),
        ({"zone": "Europe"}, "there is no time zone 'Europe'", "IANA name"),
        ({"zone": "/etc/localtime"}, "there is no time zone", "IANA name"),
        ({"zone": "../zoneinfo/UTC"}, "there is no time zone", "IANA name"),
        ({"zone": "zone.tab"}, "there is no time zone", "IANA name"),
        ({"zone": "a\x00b"}, "there is no time zone", "IANA name"),
        ({"zone": "x" * 5000}, "there is no time zone", "IANA name"),
        ({"zone": "localtime"}, "'localtime' is not an IANA name", "IANA name"),
        ({"zone": "posixrules"}, "'posixrules' is not an IANA name", "IANA name"),
        ({"zone": "right/UTC"}, "'right/UTC' is not an IANA name", "IANA name"),
        ({"zone": None}, "expected a time zone's name, got NoneType", "IANA name"),
        ({"zone": UTC}, "expected a time zone's name, got timezone", "IANA name"),
    ],
)
def test_a_window_that_makes_no_sense_is_refused(fields: dict[str, Any], told: str, mend: str) -> None:
    with pytest.raises(ConfigError) as refused:
        Window(**{**WINDOW, **fields})
    assert told in str(refused.value)
    assert mend in refused.value.hint
    assert len(str(refused.value)) < 250


def test_a_window_needs_a_zone() -> None:
    with pytest.raises(TypeError, match="zone"):
        Window(start="09:00", end="17:00")  # type: ignore[call-arg]  # the point of the test


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Mon-Fri",
        "Mon-Fri 09:00-17:00",
        "09:00 - 17:00 UTC",
        "Mon Fri 09:00-17:00 UTC",
        " 09:00-17:00 UTC",
    ],
)
def test_text_that_is_no_window_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(ConfigError, match="not a window") as refused:
        Window.parse(text)
    assert "Mon-Fri 09:00-17:00 Europe/Berlin" in refused.value.hint


@pytest.fixture
def no_zones(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setitem(sys.modules, "tzdata", None)
    before = zoneinfo.TZPATH
    zoneinfo.reset_tzpath(to=[tmp_path])
    ZoneInfo.clear_cache()
    yield
    zoneinfo.reset_tzpath(to=before)
    ZoneInfo.clear_cache()


@pytest.mark.usefixtures("no_zones")
@pytest.mark.parametrize("read", [Window.parse, Freeze.parse])
def test_a_machine_without_zones_says_so(read: Any) -> None:
    text = "09:00-17:00 Europe/Berlin" if read == Window.parse else "2026-12-23 .. 2027-01-04 Europe/Berlin"
    with pytest.raises(ConfigError, match="no time zone database") as refused:
        read(text)
    assert "tzdata" in refused.value.hint


@pytest.mark.parametrize(
    ("text", "first", "last"),
    [
        ("2026-12-23 .. 2027-01-04 Europe/Berlin: year's end", "2026-12-22T23:00Z", "2027-01-04T22:59:59Z"),
        ("2026-12-23 .. 2026-12-23 Asia/Shanghai", "2026-12-22T16:00Z", "2026-12-23T15:59:59Z"),
        ("2026-12-23 18:00 .. 2026-12-24 06:30 UTC", "2026-12-23T18:00Z", "2026-12-24T06:29:59Z"),
        ("2026-12-23 18:00 .. 2026-12-24 UTC", "2026-12-23T18:00Z", "2026-12-24T23:59:59Z"),
        ("2028-02-28 .. 2028-02-29 UTC", "2028-02-28T00:00Z", "2028-02-29T23:59:59Z"),
        # a day with 23 hours, and one with 25
        ("2026-03-29 .. 2026-03-29 Europe/Berlin", "2026-03-28T23:00Z", "2026-03-29T21:59:59Z"),
        ("2026-10-25 .. 2026-10-25 Europe/Berlin", "2026-10-24T22:00Z", "2026-10-25T22:59:59Z"),
        # times that come twice: both are inside
        ("2026-10-25 02:30 .. 2026-10-25 03:30 Europe/Berlin", "2026-10-25T00:30Z", "2026-10-25T02:29:59Z"),
        ("2026-10-25 01:00 .. 2026-10-25 02:30 Europe/Berlin", "2026-10-24T23:00Z", "2026-10-25T01:29:59Z"),
        # times that are skipped: the moment the clocks jump
        ("2026-03-29 02:30 .. 2026-03-29 04:00 Europe/Berlin", "2026-03-29T01:00Z", "2026-03-29T01:59:59Z"),
        ("2026-03-29 01:00 .. 2026-03-29 02:30 Europe/Berlin", "2026-03-29T00:00Z", "2026-03-29T00:59:59Z"),
        # a day without a midnight, and one whose last hour comes twice
        ("2026-03-08 .. 2026-03-08 America/Havana", "2026-03-08T05:00Z", "2026-03-09T03:59:59Z"),
        ("2026-03-07 .. 2026-03-07 America/Havana", "2026-03-07T05:00Z", "2026-03-08T04:59:59Z"),
        ("2026-11-01 .. 2026-11-01 America/Havana", "2026-11-01T04:00Z", "2026-11-02T04:59:59Z"),
        # a day that never was: Samoa went to the other side of the date line
        ("2011-12-30 .. 2011-12-31 Pacific/Apia", "2011-12-30T10:00Z", "2011-12-31T09:59:59Z"),
    ],
)
def test_a_freeze_holds_from_its_first_to_its_last_second(text: str, first: str, last: str) -> None:
    freeze = Freeze.parse(text)
    start, end = datetime.fromisoformat(first), datetime.fromisoformat(last)
    second = timedelta(seconds=1)
    moments = (start - second, start, end, end + second)
    assert [freeze.holds(moment) for moment in moments] == [False, True, True, False]
    assert [freeze.holds(moment.astimezone(BERLIN)) for moment in moments] == [False, True, True, False]


def test_a_freeze_keeps_its_reason() -> None:
    assert (
        Freeze.parse("2026-12-23 .. 2026-12-24 UTC: year's end: all of it").reason == "year's end: all of it"
    )
    assert Freeze.parse("2026-12-23 .. 2026-12-24 UTC").reason == ""


def test_a_freeze_of_moments_goes_by_moments_and_not_by_clocks() -> None:
    freeze = Freeze(start=at("2026-10-25 02:30"), end=at("2026-10-25 02:30", fold=1))
    assert freeze.holds(datetime(2026, 10, 25, 0, 30, tzinfo=UTC))
    assert freeze.holds(at("2026-10-25 02:59"))
    assert not freeze.holds(at("2026-10-25 02:30", fold=1))


@pytest.mark.parametrize(
    ("start", "end", "told"),
    [
        (at("2026-03-02 00:00"), at("2026-03-02 00:00"), "ends before it starts"),
        (at("2026-03-02 00:00"), at("2026-03-01 00:00"), "ends before it starts"),
        (at("2026-10-25 02:30", fold=1), at("2026-10-25 02:45"), "ends before it starts"),
        (datetime(2026, 3, 2), at("2026-03-03 00:00"), "Freeze.start: a time without a zone"),
        (at("2026-03-02 00:00"), datetime(2026, 3, 3), "Freeze.end: a time without a zone"),
        ("2026-03-02", at("2026-03-03 00:00"), "Freeze.start: expected a datetime, got str"),
        (at("2026-03-02 00:00"), datetime.max.replace(tzinfo=timezone(-timedelta(hours=1))), "out of range"),
    ],
)
def test_a_freeze_that_makes_no_sense_is_refused(start: Any, end: Any, told: str) -> None:
    with pytest.raises(ConfigError, match=told):
        Freeze(start=start, end=end)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("2026-12-23 - 2027-01-04 UTC", "not a freeze"),
        ("2026-12-23 UTC", "not a freeze"),
        ("2026-12-23 .. 2027-01-04", "not a freeze"),
        ("2026-12-23..2027-01-04 UTC", "not a freeze"),
        ("2026-12-23T18:00 .. 2027-01-04 UTC", "not a freeze"),
        ("２０２６-12-23 .. 2027-01-04 UTC", "not a freeze"),
        ("", "not a freeze"),
        ("2026-02-29 .. 2026-03-01 UTC", "does not exist"),
        ("2026-12-23 .. 2026-13-01 UTC", "does not exist"),
        ("2026-12-23 24:00 .. 2026-12-29 UTC", "does not exist"),
        ("2026-12-23 .. 9999-12-31 UTC", "does not exist"),
        ("2027-01-04 .. 2026-12-23 UTC", "ends before it starts"),
        ("2026-12-23 .. 2027-01-04 Europe/Berln", "no time zone 'Europe/Berln'"),
        ("2026-12-23 .. 2027-01-04 localtime", "not an IANA name"),
    ],
)
def test_text_that_is_no_freeze_is_refused(text: str, told: str) -> None:
    with pytest.raises(ConfigError, match=told) as refused:
        Freeze.parse(text)
    assert refused.value.hint


@pytest.mark.parametrize("read", [Window.parse, Freeze.parse])
@pytest.mark.parametrize("text", [None, 7, b"09:00-17:00 UTC"])
def test_only_text_is_read(read: Any, text: Any) -> None:
    with pytest.raises(ConfigError, match=f"expected text, got {type(text).__name__}"):
        read(text)


@pytest.mark.parametrize("now", [datetime(2026, 3, 27, 12, 0), "2026-03-27", None, 1790000000])
def test_a_time_that_is_no_moment_is_refused(now: Any) -> None:
    freeze = Freeze.parse("2026-12-23 .. 2027-01-04 UTC")
    asks: list[Callable[[Any], object]] = [
        OFFICE.holds,
        freeze.holds,
        partial(objection, [OFFICE], [freeze]),
        partial(next_opening, [OFFICE], [freeze]),
    ]
    for ask in asks:
        with pytest.raises(ConfigError, match=r"now: (a time without a zone|expected a datetime)"):
            ask(now)


YEARS_END: Final = Freeze.parse("2026-12-23 .. 2027-01-04 Europe/Berlin: year's end")
LONG: Final = Freeze.parse("2026-01-01 .. 2026-12-31 UTC")


@pytest.mark.parametrize(
    ("windows", "freezes", "now", "words"),
    [
        ([], [], "2026-03-28 12:00", ""),
        ([OFFICE], [], "2026-03-27 12:00", ""),
        ([OFFICE], [YEARS_END], "2026-12-22 12:00", ""),
        (
            [OFFICE],
            [],
            "2026-03-28 12:00",
            "outside of Mon-Fri 09:00-17:00 Europe/Berlin; opens Mon 2026-03-30 09:00 Europe/Berlin",
        ),
        (
            [OFFICE, Window.parse("Sat 20:00-22:00 UTC")],
            [],
            "2026-03-28 12:00",
            (
                "outside of Mon-Fri 09:00-17:00 Europe/Berlin and Sat 20:00-22:00 UTC; "
                "opens Sat 2026-03-28 21:00 Europe/Berlin"
            ),
        ),
        (
            [],
            [YEARS_END],
            "2027-01-01 12:00",
            (
                "frozen until Tue 2027-01-05 00:00 Europe/Berlin (year's end); "
                "opens Tue 2027-01-05 00:00 Europe/Berlin"
            ),
        ),
        (
            [OFFICE],
            [YEARS_END],
            "2027-01-01 12:00",
            (
                "frozen until Tue 2027-01-05 00:00 Europe/Berlin (year's end); "
                "opens Tue 2027-01-05 09:00 Europe/Berlin"
            ),
        ),
        (
            [OFFICE],
            [YEARS_END],
            "2026-12-24 12:00",
            "frozen until Tue 2027-01-05 00:00 Europe/Berlin (year's end)",
        ),
        # the gap between freezes is outside of the window
        (
            [OFFICE],
            [
                Freeze.parse("2026-03-27 .. 2026-03-27 Europe/Berlin"),
                Freeze.parse("2026-03-30 .. 2026-03-30 Europe/Berlin"),
            ],
            "2026-03-27 12:00",
            "frozen until Sat 2026-03-28 00:00 Europe/Berlin; opens Tue 2026-03-31 09:00 Europe/Berlin",
        ),
        ([OFFICE], [LONG], "2026-03-27 12:00", "frozen until Fri 2027-01-01 00:00 UTC"),
    ],
)
def test_an_objection_says_why_and_when_it_ends(
    windows: list[Window], freezes: list[Freeze], now: str, words: str
) -> None:
    assert objection(windows, freezes, at(now)) == words


@pytest.mark.parametrize(
    ("window", "now", "opens"),
    [
        # skipped start, start that comes twice, clocks that jump into the window forwards and backwards
        ("02:15-04:00 Europe/Berlin", "2026-03-28T12:00Z", "2026-03-29T01:00Z"),
        ("02:15-02:45 Europe/Berlin", "2026-03-28T12:00Z", "2026-03-30T00:15Z"),
        ("02:15-02:30 Europe/Berlin", "2026-10-24T12:00Z", "2026-10-25T00:15Z"),
        ("02:15-02:30 Europe/Berlin", "2026-10-25T00:40Z", "2026-10-25T01:15Z"),
        ("01:30-02:30 Europe/Berlin", "2026-10-25T00:45Z", "2026-10-25T01:00Z"),
        ("Sun 00:15-00:30 America/Havana", "2026-11-01T04:30Z", "2026-11-01T05:15Z"),
        ("Sun 00:00-00:30 America/Havana", "2026-03-07T12:00Z", "2026-03-15T04:00Z"),
        ("Sun 00:30-01:30 America/Havana", "2026-03-07T12:00Z", "2026-03-08T05:00Z"),
        ("Tue 10:00-11:00 UTC", "2026-03-24T11:00Z", "2026-03-31T10:00Z"),
        ("Tue 10:00-11:00 UTC", "2026-03-24T09:59:59.5Z", "2026-03-24T10:00Z"),
    ],
)
def test_the_next_opening_knows_the_clocks(window: str, now: str, opens: str) -> None:
    found = next_opening([Window.parse(window)], [], datetime.fromisoformat(now))
    assert found == datetime.fromisoformat(opens)


def test_the_next_opening_may_be_where_clocks_jump_days_ahead() -> None:
    now = datetime(2026, 10, 20, tzinfo=UTC)
    freeze = Freeze(start=now, end=datetime(2026, 10, 25, 0, 45, tzinfo=UTC))
    window = Window.parse("Sun 01:30-02:30 Europe/Berlin")
    assert next_opening([window], [freeze], now) == datetime(2026, 10, 25, 1, tzinfo=UTC)


@pytest.mark.parametrize(("more", "known"), [(timedelta(0), True), (timedelta(seconds=1), False)])
def test_the_next_opening_is_looked_for_eight_days_ahead(more: timedelta, known: bool) -> None:
    now = datetime(2026, 3, 27, 12, tzinfo=UTC)
    end = now + timedelta(days=8) + more
    found = next_opening([Window.parse("00:00-24:00 UTC")], [Freeze(start=now, end=end)], now)
    assert found == (end if known else None)


SOON = st.integers(0, 4 * 24 * 60).map(lambda minutes: minutes * MINUTE)


@settings(max_examples=40)
@given(
    st.sampled_from([change for _, change in CHANGES]),
    st.lists(windows(st.sampled_from(list(CLOCKS))), min_size=1, max_size=2),
    st.lists(st.tuples(SOON, SOON.filter(bool)), max_size=2),
    st.integers(-24 * 60, 180).map(lambda minutes: minutes * MINUTE),
)
@example(CHANGES[0][1], [], [(-6 * MINUTE, 12 * MINUTE)], timedelta(0))
def test_the_next_opening_is_what_trying_every_minute_finds(
    change: datetime, windows: list[Window], spans: list[tuple[timedelta, timedelta]], before: timedelta
) -> None:
    now = change + before
    freezes = [Freeze(start=now + start, end=now + start + length) for start, length in spans]
    covered = [(window.zone, minutes_of(window.days, window.start, window.end)) for window in windows]

    def allowed(moment: datetime) -> bool:
        if any(freeze.start <= moment < freeze.end for freeze in freezes):
            return False
        shown = ((wall(moment, zone), minutes) for zone, minutes in covered)
        return not covered or any(
            (at.weekday(), at.hour * 60 + at.minute) in minutes for at, minutes in shown
        )

    if allowed(now):
        assert objection(windows, freezes, now) == ""
        return
    moments = (now + number * MINUTE for number in range(1, HORIZON // MINUTE + 1))
    expected = next((moment for moment in moments if allowed(moment)), None)
    assert next_opening(windows, freezes, now) == expected
    assert ("; opens " in objection(windows, freezes, now)) is (expected is not None)
