"""Counting windows against a list of events and a calendar."""

from __future__ import annotations

from datetime import date, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from config.abandonment import AbandonWindow, WindowKind
from config.campaign import CampaignSettings
from config.policies import AppliedSettings, applied
from dialer.core.abandonment.rate import AnswerCounts, one_more
from dialer.core.abandonment.windows import (
    SLOT_S,
    CountingWindow,
    calls_left,
    counted_since,
    counting,
    counting_day,
    next_day,
    slot_of,
    zone_of,
)
from tests.rules import AT_ANY_HOUR

DAY_S = 86_400
ZONES = (
    "Asia/Shanghai",
    "Europe/London",
    "America/New_York",
    "America/Havana",  # the clock goes back to midnight
    "Asia/Beirut",  # the clock skips midnight
    "Australia/Lord_Howe",  # half an hour of summer time
    "Pacific/Chatham",
    "Asia/Kathmandu",
)

windows = st.one_of(
    st.just(AbandonWindow(kind=WindowKind.CALENDAR_DAY)),
    st.just(AbandonWindow(kind=WindowKind.CALENDAR_MONTH)),
    st.builds(
        AbandonWindow,
        kind=st.just(WindowKind.SUCCESSIVE_DAYS),
        days=st.integers(1, 366),
        start=st.just("") | st.dates(date(2024, 1, 1), date(2027, 12, 31)).map(date.isoformat),
    ),
    st.builds(AbandonWindow, kind=st.just(WindowKind.ROLLING_HOUR), hours=st.integers(1, 24)),
)
moments = st.integers(1_704_067_200, 1_830_297_600)  # 2024 to 2027
ages = st.lists(
    st.one_of(st.integers(0, 2 * 3600), st.integers(0, 3 * DAY_S), st.integers(0, 400 * DAY_S)), max_size=40
)


def at(text: str, zone: str) -> float:
    """A local time as seconds since the epoch."""
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).timestamp()


def campaign(zone: str, *rows: AbandonWindow) -> AppliedSettings:
    rules = {**AT_ANY_HOUR, "abandon_windows": rows}
    return applied(CampaignSettings(name="spring", abandon_message="/m.wav", time_zone=zone, **rules))


def belongs(row: AbandonWindow, zone: str, created: float, now: float, event: float) -> bool:
    """Whether an event that is over belongs to the window that is open now: the rule, said naively."""
    day, today, first = (datetime.fromtimestamp(one, ZoneInfo(zone)).date() for one in (event, now, created))
    match row.kind:
        case WindowKind.CALENDAR_DAY:
            return day == today
        case WindowKind.CALENDAR_MONTH:
            return (day.year, day.month) == (today.year, today.month)
        case WindowKind.SUCCESSIVE_DAYS:
            start = date.fromisoformat(row.start) if row.start else first
            return (day - start).days // row.days == (today - start).days // row.days
        case WindowKind.ROLLING_HOUR:
            return event >= (now - row.hours * 3600) // SLOT_S * SLOT_S


def holds(window: CountingWindow, zone: str, event: float) -> bool:
    """Whether a window takes an event in, by where it is booked."""
    if window.days:
        return counting_day(event, ZoneInfo(zone)) in window.closed + window.days
    return slot_of(event) >= slot_of(window.since)


@given(windows, st.sampled_from(ZONES), moments, moments, ages)
@example(AbandonWindow(kind=WindowKind.CALENDAR_DAY), "America/Havana", 0, 1_730_610_000, [0, 1800, 3600, 5400, 7200])
@example(AbandonWindow(kind=WindowKind.CALENDAR_DAY), "Asia/Beirut", 0, 1_774_737_000, [0, 1800, 3600, 5400, 7200])
def test_a_window_holds_the_events_that_the_rule_says(
    row: AbandonWindow, zone: str, created: float, now: float, before: list[int]
) -> None:
    """Days, months, periods from a start date (also one to come) and rolling hours, clock changes or not."""
    (window,) = counting(campaign(zone, row), created, now).windows

    for event in (now - age for age in before):
        assert holds(window, zone, event) == belongs(row, zone, created, now, event)


@given(windows, st.sampled_from(ZONES), moments, ages)
def test_what_is_counted_in_memory_is_what_is_not_read(
    row: AbandonWindow, zone: str, now: float, before: list[int]
) -> None:
    """Own counts since `since` are exactly those of the fresh days: nothing is counted twice or left out."""
    (window,) = counting(campaign(zone, row), now - 100 * DAY_S, now).windows
    events = [now - age for age in before]

    slots: dict[int, AnswerCounts] = {}
    for event in events:
        slots[slot_of(event)] = one_more(slots.get(slot_of(event), AnswerCounts()), abandoned=False)
    fresh = [
        event
        for event in events
        if (counting_day(event, ZoneInfo(zone)) in window.days if window.days else holds(window, zone, event))
    ]

    assert counted_since(slots, window.since).answered == len(fresh)
    assert window.since >= now - 3 * DAY_S, "own counts need not be kept for longer"


def test_the_windows_are_named_for_people_and_programs() -> None:
    """With their caps; the rolling hour's is twice the campaign's unless it says otherwise."""
    created, now = at("2026-11-13T10:00", "Asia/Shanghai"), at("2026-11-21T15:00", "Asia/Shanghai")
    rows = (
        *AT_ANY_HOUR["abandon_windows"],
        AbandonWindow(kind=WindowKind.CALENDAR_MONTH, max_rate=0.05),
        AbandonWindow(kind=WindowKind.ROLLING_HOUR, hours=3),
    )

    found = counting(campaign("Asia/Shanghai", *rows), created, now)

    assert [(window.label, window.name, window.cap) for window in found.windows] == [
        ("calendar_day", "today", 0.03),
        ("successive_30_days", "30 days to 12 Dec", 0.03),
        ("rolling_hour", "the last hour", 0.06),
        ("calendar_month", "Nov", 0.05),
        ("rolling_3_hours", "the last 3 hours", 0.06),
    ]
    assert found.today.days == ("2026-11-21",)
    assert [found.windows[place].since for place in (2, 4)] == [now - 3600.0, now - 3 * 3600.0]


def test_a_new_period_begins_at_local_midnight() -> None:
    """The last second of the thirtieth day is in the old one."""
    row, zone = AbandonWindow(kind=WindowKind.SUCCESSIVE_DAYS), "America/New_York"
    created, midnight = at("2026-10-20T09:00", zone), at("2026-11-19T00:00", zone)

    before, after = (counting(campaign(zone, row), created, midnight + s).windows[0] for s in (-1, 0))

    assert (before.name, len(before.closed + before.days)) == ("30 days to 18 Nov", 30)
    assert (after.name, after.closed, after.days, after.since) == ("30 days to 18 Dec", (), ("2026-11-19",), midnight)


def test_the_hosts_zone_is_used_where_the_campaign_names_none() -> None:
    """Its midnights end the days, as the machine's own clock shows them."""
    settings = applied(CampaignSettings(name="spring", abandon_message="/m.wav"))
    now = datetime(2026, 11, 21, 15).timestamp()

    assert zone_of(settings) is None
    assert counting(settings, now, now).today.days == ("2026-11-21",)
    assert counting(settings, now, now).today.since == datetime(2026, 11, 21).timestamp()


@given(st.floats(0.001, 0.5), st.integers(0, 5000), st.integers(0, 500))
def test_the_budget_left_is_the_most_that_keeps_the_cap(cap: float, answered: int, abandoned: int) -> None:
    """One more would break it; none is left once it is broken."""
    abandoned = min(abandoned, answered)
    left = calls_left(cap, answered, abandoned)

    if left:
        assert (abandoned + left) / (answered + left) <= cap + 1e-9
    assert (abandoned + left + 1) / (answered + left + 1) > cap - 1e-9


def test_a_cap_of_everything_has_no_budget() -> None:
    """Such a cap cannot be configured."""
    with pytest.raises(ValueError, match="below 1"):
        calls_left(1.0, 10, 0)


@pytest.mark.parametrize(
    ("zone", "hours"), [("Asia/Shanghai", 24), ("Europe/Berlin", 23), ("Etc/UTC", 24)], ids=["plain", "spring", "utc"]
)
def test_the_next_day_begins_at_the_midnight_of_the_zone(zone: str, hours: int) -> None:
    """Also where the day is an hour shorter."""
    where = ZoneInfo(zone)
    midnight = datetime(2026, 3, 29, tzinfo=where).timestamp()

    assert {next_day(midnight + s, where) - midnight for s in (0.0, 1.0, 3600.0 * hours - 1)} == {3600.0 * hours}
    assert next_day(next_day(midnight, where), where) - next_day(midnight, where) == 86_400.0
