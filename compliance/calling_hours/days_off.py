"""Public holidays by region, out of the `holidays` package.

The package is loaded when the hours of a rule that closes on holidays are first asked for: it takes 0.2 s and 17 MB,
which campaigns without such a rule do not pay. Holidays are as good as the installed version: a government's notice
reaches us with an update.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from compliance.calling_hours.regions import country_of, is_region, own_name

if TYPE_CHECKING:
    from holidays import HolidayBase

EPOCH: Final = date(1970, 1, 1)

_FRIDAY: Final = 4
_ESTIMATED: Final = "(estimated)"  # the package's mark on days that depend on a sighting of the moon
_ONE_DAY: Final = timedelta(days=1)
_LONGEST_BREAK: Final = timedelta(days=12)
_ENOUGH_DAYS: Final = 30  # the State Council's notice for a year comes in November of the year before


def holidays_known(region: str) -> bool:
    """Whether the public holidays of `region` ("FR", "US-FL") are known, so that a rule may close on them.

    The package knows every country of ISO 3166-1 (a test holds it to that), so this does not load it.
    """
    return is_region(region)


def known_until(region: str) -> int:
    """The last year whose holidays are known for `region`; 0 if none are.

    For China that is the last year for which the State Council's notice is in the package; the days of the law
    itself go on after it, without the days that are swapped with weekends.
    """
    calendar = _of(region, 2020)
    if calendar is None:
        return 0
    if country_of(own_name(region)) == "CN":
        notices: dict[int, object] = getattr(calendar, "special_public_holidays", {})
        return max(notices, default=0)
    return int(calendar.end_year)


def running_out(region: str, now: float) -> str:
    """That fewer than 30 days are left at `now` (seconds since the epoch) for which the holidays of `region` are known,
    and what follows, in a sentence; "" while there are more."""
    year, today = known_until(region), datetime.fromtimestamp(now, UTC).date()
    if date(year, 12, 31) - today >= timedelta(_ENOUGH_DAYS):
        return ""
    return (
        f"the public holidays of {region} are known until the end of {year} only, and rules close on them: bring the "
        "package holidays up to date"
    )


@lru_cache(maxsize=1024)
def days_off(region: str, year: int) -> Mapping[int, str] | None:
    """The public holidays of `region` in `year` and their names: by the number of the day since 1 January 1970.

    A part of a country has those that are kept there, which need not be all of the country's; a part that the package
    does not know apart has the country's. Days that depend on the moon and are only estimated are joined by the day
    before and the day after. In China the weekends that a holiday runs into are days off, too, and working days that
    make up for it are none (the State Council's yearly notices: "from 15 to 23 February, nine days; work on Saturday
    14"). None: nobody knows.
    """
    calendar = _of(region, year) if holidays_known(region) else None
    if calendar is None or not calendar.start_year <= year <= calendar.end_year:
        return None
    days = dict(calendar.items())
    for day, name in tuple(days.items()):
        if _ESTIMATED in name:
            days.setdefault(day - _ONE_DAY, name)
            days.setdefault(day + _ONE_DAY, name)
    if country_of(own_name(region)) == "CN":
        days |= _weekends_between(days, calendar)
    return {(day - EPOCH).days: name for day, name in sorted(days.items()) if day.year == year}


def _weekends_between(days: dict[date, str], calendar: HolidayBase) -> dict[date, str]:
    """The Saturdays and Sundays without work that touch a holiday, directly or through each other."""
    more: dict[date, str] = {}
    for start, name in days.items():
        for step in (-_ONE_DAY, _ONE_DAY):
            day = start + step
            while abs(day - start) <= _LONGEST_BREAK and day not in days and _is_free_weekend(day, calendar):
                more[day] = name
                day += step
    return more


def _is_free_weekend(day: date, calendar: HolidayBase) -> bool:
    return day.weekday() > _FRIDAY and day not in calendar.weekend_workdays


@lru_cache(maxsize=1024)
def _of(region: str, year: int) -> HolidayBase | None:
    """What the package says, for the year and the ones around it; None for a country that it does not have."""
    import holidays

    country, _, part = own_name(region).partition("-")
    supported = holidays.list_supported_countries(include_aliases=False)
    if country not in supported:
        return None
    # With its neighbours: a holiday on a weekend is made up for on the other side of New Year.
    years = (year - 1, year, year + 1)
    subdivision = part if part in supported[country] else None
    return holidays.country_holidays(country, subdiv=subdivision, years=years, language="en_US")
