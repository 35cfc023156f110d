"""Weeks as sets of minutes, and in words."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from compliance.calling_hours.hours import CallingHours, HoursRule, Window
from config.policies.applied import AppliedHours
from config.policies.weeks import WHOLE_WEEK, covers, open_weeks, week_of, week_text

windows = st.builds(
    lambda days, opens, length: Window(frozenset(days), opens, min(opens + length, 1440)),
    st.sets(st.integers(0, 6), min_size=1),
    st.integers(0, 1439),
    st.integers(1, 1440),
)


@given(st.lists(windows, min_size=1, max_size=4))
def test_a_week_has_the_minutes_of_its_windows(rows: list[Window]) -> None:
    """And no other."""
    week = week_of(HoursRule(CallingHours(tuple(rows))))
    open_ = {day * 1440 + minute for row in rows for day in row.days for minute in range(row.opens, row.closes)}

    assert {minute for minute in range(7 * 1440) if week >> minute & 1} == open_
    assert week <= WHOLE_WEEK


def test_a_week_in_words() -> None:
    """Days that are alike stand together."""
    work, saturday = Window(frozenset(range(5)), 540, 1200), Window(frozenset({5}), 540, 1020)
    lunch = (Window(frozenset(range(7)), 540, 720), Window(frozenset(range(7)), 840, 1440))

    assert week_text(week_of(HoursRule(CallingHours((work, saturday))))) == "mon-fri 09:00-20:00; sat 09:00-17:00"
    assert week_text(week_of(HoursRule(CallingHours(lunch)))) == "mon-sun 09:00-12:00 14:00-24:00"
    assert week_text(WHOLE_WEEK) == "mon-sun 00:00-24:00"
    assert week_text(0) == "never"


def test_a_rule_is_about_its_region_and_the_parts_of_it() -> None:
    """Not about a country whose code begins alike."""
    assert covers("", "FR")
    assert covers("US", "US-FL")
    assert covers("US-FL", "US-FL")
    assert not covers("US-FL", "US")
    assert not covers("US", "USA")
    assert not covers("FR", "")


def test_all_rules_about_a_region_must_be_open() -> None:
    """Of one policy the rows of a region add up; two policies cut each other."""
    rows = [("a", "08:00", "12:00", "US"), ("a", "13:00", "20:00", "US"), ("b", "10:00", "15:00", "")]
    hours = [
        AppliedHours(days=("mon",), opens=opens, closes=closes, region=region, policy=policy)  # type: ignore[arg-type]
        for policy, opens, closes, region in rows
    ]

    assert {region: week_text(week) for region, week in open_weeks(hours).items()} == {
        "": "mon 10:00-15:00",
        "US": "mon 10:00-12:00 13:00-15:00",
    }
