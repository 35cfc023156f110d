"""Calling hours against a clock on the wall."""

import math
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import phonenumbers.tzdata
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from compliance.face import Refusal, Rule
from compliance.hours import CallingHours, Open, Window, check, is_zone

EVERY_DAY = frozenset(range(7))
SHANGHAI = ("Asia/Shanghai",)
OFFICE = CallingHours((Window(EVERY_DAY, 9 * 60, 12 * 60), Window(EVERY_DAY, 14 * 60, 20 * 60)))


def at(zone: str, text: str, fold: int = 0) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone), fold=fold).timestamp()


def wall_clock_open(hours: CallingHours, zones: tuple[str, ...], instant: float) -> bool:
    """The definition: look at the clock on the wall of every zone."""
    for zone in zones:
        local = datetime.fromtimestamp(instant, UTC).astimezone(ZoneInfo(zone))
        minute = local.hour * 60 + local.minute
        if not any(local.weekday() in w.days and w.opens <= minute < w.closes for w in hours.windows):
            return False
    return True


@st.composite
def windows(draw: st.DrawFn) -> Window:
    opens = draw(st.integers(0, 95)) * 15
    closes = draw(st.integers(opens // 15 + 1, 96)) * 15
    return Window(draw(st.frozensets(st.integers(0, 6), min_size=1)), opens, closes)


hours_sets = st.lists(windows(), min_size=1, max_size=4).map(lambda rows: CallingHours(tuple(rows)))
zone_names = ["Asia/Shanghai", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", "Africa/Casablanca", "UTC"]
zone_sets = st.lists(st.sampled_from(zone_names), min_size=1, max_size=3, unique=True).map(tuple)
# Around changes of daylight saving time, when anything that can go wrong does: in minutes.
days = ["2026-03-08", "2026-11-01", "2026-04-05", "2026-10-04", "2026-02-14", "2026-03-22", "2026-06-15"]
starts = st.sampled_from([int(datetime.fromisoformat(day).replace(tzinfo=UTC).timestamp()) // 60 for day in days])


@settings(max_examples=60)
@given(hours_sets, zone_sets, starts, st.integers(-1440, 2880), st.integers(0, 90))
@example(CallingHours((Window(EVERY_DAY, 0, 1440),)), ("UTC",), 29_000_000, 0, 30)
@example(CallingHours((Window(EVERY_DAY, 60, 150),)), ("America/New_York",), 29_625_480, 0, 10)
def test_check_agrees_with_the_clock_minute_by_minute(
    hours: CallingHours, zones: tuple[str, ...], start: int, shift: int, ring_minutes: int
) -> None:
    """Open, closing time and next opening are those found by looking at every single minute."""
    now = start + shift
    answer = check(hours, zones, now * 60.0, ring_minutes * 60.0)
    last = now + 14 * 1440 + 1440
    state = [wall_clock_open(hours, zones, minute * 60.0) for minute in range(now, last)]
    closing = next((index for index, is_open in enumerate(state) if not is_open), len(state))
    if state[0] and closing >= ring_minutes:
        assert isinstance(answer, Open)
        assert answer.closes_at == (now + min(closing, 14 * 1440)) * 60.0
        return
    assert isinstance(answer, Refusal)
    assert answer.rule is Rule.HOURS
    expected = None
    run = 0
    for index in range(len(state) - 1, 0, -1):
        run = run + 1 if state[index] else 0
        if state[index] and not state[index - 1] and run >= ring_minutes and index <= 14 * 1440:
            expected = (now + index) * 60.0
    assert answer.until == expected


def test_a_zone_is_closed_from_the_minute_in_which_it_closes() -> None:
    """Also for a call that would not ring at all."""
    noon = at("Asia/Shanghai", "2026-03-02 12:00")

    assert isinstance(check(OFFICE, SHANGHAI, noon - 1, 0.0), Open)
    refusal = check(OFFICE, SHANGHAI, noon, 0.0)

    assert isinstance(refusal, Refusal)
    assert refusal.until == at("Asia/Shanghai", "2026-03-02 14:00")


@pytest.mark.parametrize(
    ("clock", "opens_at"),
    [
        ("2026-03-02 08:59:59", "2026-03-02 09:00"),
        ("2026-03-02 09:00:00", None),
        ("2026-03-02 11:59:35", None),
        ("2026-03-02 11:59:36", "2026-03-02 14:00"),
        ("2026-03-02 12:00:00", "2026-03-02 14:00"),
        ("2026-03-02 14:00:00", None),
        ("2026-03-02 19:59:35", None),
        ("2026-03-02 19:59:36", "2026-03-03 09:00"),
    ],
)
def test_lunch_break_and_ringing_past_closing(clock: str, opens_at: str | None) -> None:
    """A call of 25 s may start up to 25 s before closing, and not at noon."""
    answer = check(OFFICE, SHANGHAI, at("Asia/Shanghai", clock), 25.0)
    if opens_at is None:
        assert isinstance(answer, Open)
    else:
        assert isinstance(answer, Refusal)
        assert answer.until == at("Asia/Shanghai", opens_at)


def test_clocks_go_forward() -> None:
    """New York skips 02:00 to 03:00 on 8 March 2026: hours from 02:30 open at 03:00, a minute after 01:59."""
    hours = CallingHours((Window(EVERY_DAY, 150, 240),))
    answer = check(hours, ("America/New_York",), at("America/New_York", "2026-03-08 01:59"), 20.0)
    assert isinstance(answer, Refusal)
    assert answer.until == at("America/New_York", "2026-03-08 03:00")
    assert answer.until - at("America/New_York", "2026-03-08 01:59") == 60.0
    # 09:00 comes an hour sooner than 24 h after the day before's.
    morning = check(OFFICE, ("America/New_York",), at("America/New_York", "2026-03-07 21:00"), 20.0)
    assert isinstance(morning, Refusal)
    assert morning.until == at("America/New_York", "2026-03-07 21:00") + 11 * 3600


def test_clocks_go_back() -> None:
    """New York has 01:00 to 02:00 twice on 1 November 2026: hours from 01:00 to 01:30 are open twice."""
    hours = CallingHours((Window(EVERY_DAY, 60, 90),))
    first = at("America/New_York", "2026-11-01 01:00")
    second = at("America/New_York", "2026-11-01 01:00", fold=1)
    assert second - first == 3600
    answer = check(hours, ("America/New_York",), first, 20.0)
    assert answer == Open(first + 1800)
    between = check(hours, ("America/New_York",), first + 1800, 20.0)
    assert isinstance(between, Refusal)
    assert between.until == second
    morning = check(OFFICE, ("America/New_York",), at("America/New_York", "2026-10-31 21:00"), 20.0)
    assert isinstance(morning, Refusal)
    assert morning.until == at("America/New_York", "2026-10-31 21:00") + 13 * 3600


def test_all_zones_must_be_open() -> None:
    """A number in New York or Los Angeles is called when both are open."""
    hours = CallingHours((Window(EVERY_DAY, 9 * 60, 20 * 60),))
    zones = ("America/New_York", "America/Los_Angeles")
    answer = check(hours, zones, at("America/New_York", "2026-06-01 10:00"), 25.0)
    assert isinstance(answer, Refusal)
    assert answer.until == at("America/Los_Angeles", "2026-06-01 09:00")
    assert answer.detail == "outside calling hours: Mon 10:00 in America/New_York, Mon 07:00 in America/Los_Angeles"
    assert check(hours, zones, answer.until, 25.0) == Open(at("America/New_York", "2026-06-01 20:00"))


def test_zones_that_are_never_open_together() -> None:
    """Nine to ten in Shanghai and in London never meet, and the search ends."""
    hours = CallingHours((Window(EVERY_DAY, 9 * 60, 10 * 60),))
    answer = check(hours, ("Asia/Shanghai", "Europe/London"), at("UTC", "2026-06-01 00:00"), 25.0)
    assert isinstance(answer, Refusal)
    assert answer.rule is Rule.HOURS
    assert answer.until is None


def test_hours_over_midnight_are_one_opening() -> None:
    """Two windows that touch at midnight do not close there."""
    hours = CallingHours((Window(frozenset({4}), 20 * 60, 1440), Window(frozenset({5}), 0, 60)))
    friday = at("Asia/Shanghai", "2026-03-06 23:59:50")
    assert check(hours, SHANGHAI, friday, 25.0) == Open(at("Asia/Shanghai", "2026-03-07 01:00"))


@pytest.mark.parametrize("zones", [(), ("Etc/Unknown",), ("Asia",), ("../../etc/passwd",), ("Asia/Shanghai", "Mars/X")])
def test_an_unknown_zone_is_refused_for_good(zones: tuple[str, ...]) -> None:
    """Nobody knows the time there."""
    answer = check(OFFICE, zones, 0.0, 25.0)
    assert isinstance(answer, Refusal)
    assert (answer.rule, answer.until) == (Rule.UNKNOWN_ZONE, None)


@pytest.mark.parametrize(
    "name",
    ["", "localtime", "Factory", "posix/UTC", "right/UTC", "zone.tab", "x\0y", "/etc/localtime", "A" * 300, "中国"],
)
def test_what_is_no_zone(name: str) -> None:
    """Only places of the zone database count, whatever the CRM sends."""
    assert not is_zone(name)


def test_every_zone_that_a_number_can_have_is_known() -> None:
    """No prefix of the numbering data names a zone that the clock does not know."""
    names = {zone for row in phonenumbers.tzdata.TIMEZONE_DATA.values() for zone in row}
    assert {name for name in names if not is_zone(name)} <= {"Etc/Unknown"}


@pytest.mark.parametrize(
    ("days", "opens", "closes"),
    [((), 0, 60), ((7,), 0, 60), ((0,), 60, 60), ((0,), 61, 60), ((0,), -1, 60), ((0,), 0, 1441)],
)
def test_impossible_windows_do_not_construct(days: tuple[int, ...], opens: int, closes: int) -> None:
    """A window has days, and opens before it closes."""
    with pytest.raises(ValueError, match=r"window|days"):
        Window(frozenset(days), opens, closes)


def test_no_hours_at_all_do_not_construct() -> None:
    """A campaign without hours is a mistake."""
    with pytest.raises(ValueError, match="at least one window"):
        CallingHours(())


@pytest.mark.parametrize(("now", "ring_s"), [(math.nan, 1.0), (math.inf, 1.0), (0.0, -1.0), (0.0, math.inf)])
def test_times_must_be_finite(now: float, ring_s: float) -> None:
    """A time that is no number is an error, not a permission."""
    with pytest.raises(ValueError, match="finite"):
        check(OFFICE, SHANGHAI, now, ring_s)


def test_the_sampling_assumption_holds() -> None:
    """No zone changes its offset twice within six hours, as the search for changes assumes."""
    step = timedelta(hours=6)
    for name in ("Africa/Casablanca", "Africa/El_Aaiun", "Australia/Lord_Howe", "Antarctica/Troll", "Asia/Gaza"):
        zone = ZoneInfo(name)
        moment, end = datetime(2026, 1, 1, tzinfo=UTC), datetime(2028, 1, 1, tzinfo=UTC)
        while moment < end:
            offsets = [(moment + step * part / 12).astimezone(zone).utcoffset() for part in range(13)]
            assert sum(a != b for a, b in pairwise(offsets)) <= 1
            moment += step
