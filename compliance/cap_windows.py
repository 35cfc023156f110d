"""The time over which a cap counts: the last so many seconds, or days and months of the calendar."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta, tzinfo
from typing import Final

DAY_S: Final = 86_400.0
MAX_CALENDAR: Final = 3660
"""Longest calendar window, in days or in months."""

_CLOCKS_CHANGE_S: Final = 2 * DAY_S
"""More than any day can be longer than 24 hours, and more than any two zones are apart."""


@dataclass(frozen=True, slots=True)
class Rolling:
    """The last so many seconds. An event exactly so old no longer counts."""

    seconds: float

    def __post_init__(self) -> None:
        if not (math.isfinite(self.seconds) and self.seconds > 0):
            raise ValueError(f"a cap's window must be more than 0 s, got {self.seconds}")


@dataclass(frozen=True, slots=True)
class CalendarDays:
    """Today and the days before, so many in all, each from midnight to midnight."""

    days: int

    def __post_init__(self) -> None:
        if not 1 <= self.days <= MAX_CALENDAR:
            raise ValueError(f"a cap's window must be 1 to {MAX_CALENDAR} calendar days, got {self.days}")


@dataclass(frozen=True, slots=True)
class CalendarMonths:
    """This month and the months before, so many in all."""

    months: int

    def __post_init__(self) -> None:
        if not 1 <= self.months <= MAX_CALENDAR:
            raise ValueError(f"a cap's window must be 1 to {MAX_CALENDAR} calendar months, got {self.months}")


Window = Rolling | CalendarDays | CalendarMonths


def longest_s(window: Window) -> float:
    """The longest that an event can count, in seconds."""
    match window:
        case Rolling(seconds):
            return seconds
        case CalendarDays(days):
            return days * DAY_S + _CLOCKS_CHANGE_S
        case CalendarMonths(months):
            return months * 31 * DAY_S + _CLOCKS_CHANGE_S


def frees(window: Window, zone: tzinfo | None) -> Callable[[float], float]:
    """Until when an event counts, by its moment."""
    if isinstance(window, Rolling):
        return float(window.seconds).__add__
    match window:
        case CalendarDays(days):
            return lambda at: _midnight(_day(at, zone) + timedelta(days=days), zone)
        case CalendarMonths(months):
            return lambda at: _midnight(_month_after(_day(at, zone), months), zone)


def _day(at: float, zone: tzinfo | None) -> date:
    return datetime.fromtimestamp(at, zone).date()


def _month_after(day: date, months: int) -> date:
    count = day.year * 12 + day.month - 1 + months
    return date(count // 12, count % 12 + 1, 1)


def _midnight(day: date, zone: tzinfo | None) -> float:
    """The first moment of a day. Where the clocks skip midnight it is the moment of the change."""
    return datetime(day.year, day.month, day.day, tzinfo=zone).timestamp()
