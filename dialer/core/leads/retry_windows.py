"""When a lead is called again: the next day, and at another time of day than the one that found nobody. Pure.

Who is out in the morning is likelier found in the evening: under two attempts in thirty days the second one is too dear
to be spent an hour after the first. The day of the callee has four windows, and the weekend is one by itself, as people
are at home then at all hours.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from enum import StrEnum
from typing import Final
from zoneinfo import ZoneInfo

from compliance.api import Callee
from compliance.calling_hours.places import Places, places_of
from config.campaign import NEXT_DAY, RetrySettings
from dialer.core.model import Lead

_DAYS_AHEAD: Final = 4  # past a weekend


class Window(StrEnum):
    """A time of the callee's day; their order is that of the day."""

    MORNING = "morning"  # until 12:00
    MIDDAY = "midday"  # 12:00 to 14:00
    AFTERNOON = "afternoon"  # 14:00 to 18:00
    EVENING = "evening"  # from 18:00 on
    WEEKEND = "weekend"  # Saturday and Sunday, all day


_BEGINS: Final = {0: Window.MORNING, 12: Window.MIDDAY, 14: Window.AFTERNOON, 18: Window.EVENING}
_SATURDAY: Final = 5


@dataclass(frozen=True, slots=True)
class Again:
    """When to call again, in seconds since the epoch: from `earliest` on where nothing else is due, from `preferred` on
    in any case. They are the same where nothing is preferred."""

    earliest: float
    preferred: float


def window_of(at: float, zone: tzinfo | None) -> Window:
    """The window in which a moment (seconds since the epoch) is in a time zone; None: the host's."""
    wall = datetime.fromtimestamp(at, zone)
    if wall.weekday() >= _SATURDAY:
        return Window.WEEKEND
    return _BEGINS[max(hour for hour in _BEGINS if hour <= wall.hour)]


def again(rule: RetrySettings, at: float, zones: Sequence[tzinfo | None]) -> Again:
    """When a row of the retry table has a lead called again whose attempt ended at `at` (seconds since the epoch). The
    callee may be in each of `zones`, of which there is at least one: the next day has begun in all of them, and the
    window is another one in the first."""
    earliest = at + rule.delay_s
    if rule.not_before == NEXT_DAY:
        earliest = max(earliest, *(_next_midnight(at, zone) for zone in zones))
    if not rule.prefer:
        return Again(earliest, earliest)
    return Again(earliest, _other_window(earliest, window_of(at, zones[0]), zones[0]))


def _next_midnight(at: float, zone: tzinfo | None) -> float:
    wall = datetime.fromtimestamp(at, zone)
    return _moment(wall, 1, 0, zone)


def _other_window(start: float, tried: Window, zone: tzinfo | None) -> float:
    """The first moment from `start` on that is not in the window that was tried."""
    if window_of(start, zone) is not tried:
        return start
    wall = datetime.fromtimestamp(start, zone)
    seams = [_moment(wall, days, hour, zone) for days in range(_DAYS_AHEAD) for hour in _BEGINS]
    return next(seam for seam in seams if seam > start and window_of(seam, zone) is not tried)


def _moment(wall: datetime, days: int, hour: int, zone: tzinfo | None) -> float:
    """An hour of the wall clock some days later; where the clock skips it, the first moment after."""
    day = wall.date() + timedelta(days)
    moment = datetime(day.year, day.month, day.day, hour, tzinfo=zone)
    return (moment if zone is not None else moment.astimezone()).timestamp()


def zones_of(lead: Lead, believe_stated_zone: bool, otherwise: tzinfo | None) -> tuple[tzinfo | None, ...]:
    """The time zones in which the callee may be, as the calling hours have them; `otherwise` where nobody knows."""
    places = places_of(Callee(lead.number, stated_zone=lead.timezone, region=lead.region), believe_stated_zone)
    if isinstance(places, Places) and places.zones:
        return tuple(ZoneInfo(name) for name in places.zones)
    return (otherwise,)
