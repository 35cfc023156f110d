"""Calling hours in words."""

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from compliance.calling_hours.hours import CallingHours, HoursRule, Window
from compliance.calling_hours.places import Places
from dialer.language.hours import clauses, said

EVERY_DAY = frozenset(range(7))
NEW_YORK = Places(("America/New_York",), (frozenset({"US", "US-PA"}),))
PENNSYLVANIA = (
    HoursRule(CallingHours((Window(EVERY_DAY, 8 * 60, 21 * 60),)), "US"),
    HoursRule(
        CallingHours((Window(frozenset(range(5)), 8 * 60, 20 * 60), Window(frozenset({5}), 8 * 60, 12 * 60))),
        "US-PA",
        closed_on_holidays=True,
    ),
)
LUNCH = (HoursRule(CallingHours((Window(EVERY_DAY, 9 * 60, 12 * 60), Window(EVERY_DAY, 14 * 60, 20 * 60)))),)


def at(text: str, zone: str = "America/New_York") -> float:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).timestamp()


@pytest.mark.parametrize(
    ("clock", "expected"),
    [
        ("2026-06-06 13:05", "Sat 13:05 in America/New_York; US-PA closes at 12:00 on Saturdays; opens Mon 08:00"),
        ("2026-06-06 10:00", "Sat 10:00 in America/New_York; open until Sat 12:00"),
        (
            "2026-06-06 11:59:50",
            "Sat 11:59 in America/New_York; a call of 25 s could still ring when US-PA closes at 12:00; "
            "opens Mon 08:00",
        ),
        ("2026-06-07 10:00", "Sun 10:00 in America/New_York; US-PA is closed on Sundays; opens Mon 08:00"),
        (
            "2026-06-08 07:00",
            "Mon 07:00 in America/New_York; US opens at 08:00 on Mondays; US-PA opens at 08:00 on Mondays; "
            "opens Mon 08:00",
        ),
        (
            "2026-12-25 10:00",
            "Fri 10:00 in America/New_York; US-PA is closed on public holidays (Christmas Day); opens Sat 08:00",
        ),
    ],
)
def test_reasons(clock: str, expected: str) -> None:
    """Which rule is closed, why, and when all are open again."""
    assert said(PENNSYLVANIA, NEW_YORK, at(clock), 25.0) == expected


def test_a_lunch_break() -> None:
    """A rule for everywhere has no name of a region."""
    assert said(LUNCH, Places(("Asia/Shanghai",)), at("2026-06-01 12:30", "Asia/Shanghai"), 25.0) == (
        "Mon 12:30 in Asia/Shanghai; the general rule is closed from 12:00 to 14:00; opens Mon 14:00"
    )


def test_several_zones() -> None:
    """The zone that is closed is named, and of many reasons three are told."""
    places = Places(("Europe/London", "Asia/Shanghai", "Asia/Tokyo", "Australia/Sydney", "Pacific/Auckland"))
    assert said(LUNCH, places, at("2026-06-01 13:30", "Europe/London"), 25.0) == (
        "Mon 13:30 in Europe/London, Mon 20:30 in Asia/Shanghai, Mon 21:30 in Asia/Tokyo and 2 zones more; "
        "the general rule in Europe/London is closed from 12:00 to 14:00; "
        "the general rule in Asia/Shanghai closes at 20:00 on Mondays; "
        "the general rule in Asia/Tokyo closes at 20:00 on Mondays; and 2 reasons more; "
        "does not open in the next 56 days"
    )


def test_an_opening_that_is_far_away_has_a_date() -> None:
    """Hours on one day a week, right after they ended."""
    weekly = (HoursRule(CallingHours((Window(frozenset({0}), 540, 600),))),)
    assert said(weekly, Places(("UTC",)), at("2026-06-01 10:00", "UTC"), 25.0) == (
        "Mon 10:00 in UTC; the general rule closes at 10:00 on Mondays; opens Mon 2026-06-08 09:00"
    )


@pytest.mark.parametrize(
    ("places", "expected"),
    [
        (Places(()), "the time zone of the number is not known"),
        (Places(("Mars/Olympus",)), "a time zone of the number is not in the zone database"),
        (Places(("Europe/Paris",), (frozenset({"FR"}),)), "no calling hours are known for FR"),
    ],
)
def test_what_cannot_be_answered(places: Places, expected: str) -> None:
    """No zone, no such zone, no rule."""
    assert said(PENNSYLVANIA, places, at("2026-06-01 10:00"), 25.0) == expected


def test_holidays_of_a_year_that_nobody_knows() -> None:
    """It says that, and not that there is one."""
    rule = (HoursRule(CallingHours((Window(EVERY_DAY, 0, 1440),)), "LK", closed_on_holidays=True),)
    places = Places(("Asia/Colombo",), (frozenset({"LK"}),))
    assert said(rule, places, at("2027-01-04 10:00", "Asia/Colombo"), 25.0) == (
        "Mon 10:00 in Asia/Colombo; LK is closed on public holidays (those of LK in 2027 are not known); "
        "does not open in the next 56 days"
    )


def test_hours_around_the_clock_have_no_closing_time() -> None:
    """They close on no Tuesday."""
    always = (HoursRule(CallingHours((Window(EVERY_DAY, 0, 24 * 60),))),)
    places = Places(("Asia/Shanghai",))
    assert clauses(always, places, at("2026-06-06 10:00"), 25.0)[1] == "open for the next 24 hours"
