"""Calling hours where the callee is.

A zone is open at an instant when the wall clock there shows a time inside a window. That is the whole definition, and
it settles daylight saving in both directions: an hour that is skipped is never open, an hour that happens twice is
open twice. Where a number may be in several zones, all of them must be open.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache, lru_cache
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from compliance.face import Refusal, Rule

DAY_MINUTES: Final = 1440
SEARCH_DAYS: Final = 14
"""How far ahead `check` looks for an opening."""

_DAY_S: Final = 86_400
_SAMPLE_S: Final = 6 * 3600
_MAX_ZONE_NAME: Final = 64
_NO_PLACE: Final = frozenset({"localtime", "posixrules", "Factory"})
_OTHER_COUNTINGS: Final = ("posix/", "right/")  # copies of the database; "right" counts leap seconds

Interval = tuple[float, float]
"""From, up to but not including, in seconds since the epoch."""


@dataclass(frozen=True, slots=True)
class Window:
    """Open on `days` (0 is Monday) from `opens` up to, not including, `closes`: minutes since local midnight.

    `closes` may be 1440, the end of the day. Hours over midnight are two windows.
    """

    days: frozenset[int]
    opens: int
    closes: int

    def __post_init__(self) -> None:
        if not self.days:
            raise ValueError("a window of calling hours needs at least one day")
        if not self.days <= frozenset(range(7)):
            raise ValueError(f"days are 0 (Monday) to 6 (Sunday), got {sorted(self.days)}")
        if not 0 <= self.opens < self.closes <= DAY_MINUTES:
            raise ValueError(f"a window opens before it closes, within one day, got {self.opens} to {self.closes} min")


@dataclass(frozen=True, slots=True)
class CallingHours:
    """A week of calling hours in local time. Windows may touch and overlap; a lunch break is the gap between two."""

    windows: tuple[Window, ...]

    def __post_init__(self) -> None:
        if not self.windows:
            raise ValueError("calling hours need at least one window")


@dataclass(frozen=True, slots=True)
class Open:
    """All zones are open from the instant asked about up to `closes_at`, in seconds since the epoch.

    `closes_at` is at most `SEARCH_DAYS` ahead: hours around the clock are said to close then.
    """

    closes_at: float


def check(hours: CallingHours, zones: tuple[str, ...], at: float, ring_s: float) -> Open | Refusal:
    """May a call start at `at` (seconds since the epoch) that may ring for `ring_s` seconds?

    It may if the whole of [at, at + ring_s) lies inside the hours of every zone in `zones` (IANA names). If not,
    `until` of the refusal is the next instant at which it may, or None if there is none within `SEARCH_DAYS` days.
    No zone at all, or one that is not in the zone database, is refused as `UNKNOWN_ZONE` for good.
    """
    if not (math.isfinite(at) and math.isfinite(ring_s) and ring_s >= 0):
        raise ValueError(f"at and ring_s must be finite, ring_s 0 or more, got {at} and {ring_s}")
    if not zones:
        return Refusal(Rule.UNKNOWN_ZONE, "the time zone of the number is not known", None)
    if not all(is_zone(zone) for zone in zones):
        return Refusal(Rule.UNKNOWN_ZONE, "a time zone of the number is not in the zone database", None)
    until: float | None = None
    for opens, closes in _open_intervals(hours, zones, math.floor(at / _DAY_S)):
        if opens <= at < closes and at + ring_s <= closes:
            return Open(min(closes, at + SEARCH_DAYS * _DAY_S))
        if at < opens <= at + SEARCH_DAYS * _DAY_S and opens + ring_s <= closes:
            until = opens
            break
    if until is None:
        detail = f"no common calling hours of {_named(zones)} in the next {SEARCH_DAYS} days"
    else:
        detail = f"outside calling hours: {_clocks(zones, at)}"
    return Refusal(Rule.HOURS, detail, until)


def is_zone(name: str) -> bool:
    """Whether `name` is a zone of the zone database. Paths are not, nor is whatever zone this machine is in."""
    if not 0 < len(name) <= _MAX_ZONE_NAME or name in _NO_PLACE or name.startswith(_OTHER_COUNTINGS):
        return False
    try:
        return _found(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):  # OSError: the name of a directory, such as "Asia"
        return False


@cache
def _found(name: str) -> bool:
    """True, or what `ZoneInfo` raises. Only names that exist are kept, so nobody can fill the cache."""
    ZoneInfo(name)
    return True


def _named(zones: tuple[str, ...]) -> str:
    return zones[0] if len(zones) == 1 else f"{len(zones)} zones, {zones[0]} to {zones[-1]}"


def _clocks(zones: tuple[str, ...], at: float) -> str:
    shown = ", ".join(f"{datetime.fromtimestamp(at, ZoneInfo(zone)):%a %H:%M} in {zone}" for zone in zones[:3])
    return shown if len(zones) <= 3 else f"{shown} and {len(zones) - 3} zones more"


@lru_cache(maxsize=1024)
def _open_intervals(hours: CallingHours, zones: tuple[str, ...], day: int) -> tuple[Interval, ...]:
    """When all zones are open, ascending and disjoint, from the day with number `day` (UTC, since the epoch) on.

    Two days more than the search, so that an interval that opens within it is seen to its end.
    """
    start, end = float(day * _DAY_S), float((day + SEARCH_DAYS + 2) * _DAY_S)
    common: tuple[Interval, ...] = ((start, end),)
    for zone in zones:
        common = _intersection(common, _open_in(hours, ZoneInfo(zone), start, end))
    return common


def _open_in(hours: CallingHours, zone: ZoneInfo, start: float, end: float) -> tuple[Interval, ...]:
    """The open intervals of one zone within [start, end)."""
    found = [
        (max(opens - offset, piece_start), min(closes - offset, piece_end))
        for piece_start, piece_end, offset in _pieces(zone, start, end)
        for opens, closes in _wall_windows(hours, piece_start + offset, piece_end + offset)
    ]
    merged: list[Interval] = []
    for opens, closes in sorted(found):
        if merged and opens <= merged[-1][1]:
            merged[-1] = merged[-1][0], max(closes, merged[-1][1])
        elif opens < closes:
            merged.append((opens, closes))
    return tuple(merged)


def _wall_windows(hours: CallingHours, start: float, end: float) -> Iterator[Interval]:
    """Every window that touches [start, end), all in seconds of a wall clock that never jumps."""
    for day in range(math.floor(start / _DAY_S), math.floor(end / _DAY_S) + 1):
        weekday = (day + 3) % 7  # 1 January 1970 was a Thursday
        for window in hours.windows:
            opens, closes = day * _DAY_S + window.opens * 60.0, day * _DAY_S + window.closes * 60.0
            if weekday in window.days and opens < end and closes > start:
                yield opens, closes


def _pieces(zone: ZoneInfo, start: float, end: float) -> Iterator[tuple[float, float, float]]:
    """[start, end) cut where the zone's offset from UTC changes: (from, to, offset in seconds).

    Offsets are sampled every six hours and a change between two samples is found by bisection to the second; no zone
    has ever changed its offset twice within six hours.
    """
    piece_start, offset = start, _offset(zone, start)
    sample = start
    while sample < end:
        upcoming = min(sample + _SAMPLE_S, end)
        if _offset(zone, upcoming) != offset:
            low, high = int(sample), int(upcoming)
            while high - low > 1:
                middle = (low + high) // 2
                low, high = (middle, high) if _offset(zone, middle) == offset else (low, middle)
            yield piece_start, float(high), offset
            piece_start, offset = float(high), _offset(zone, high)
        sample = upcoming
    yield piece_start, end, offset


def _offset(zone: ZoneInfo, at: float) -> float:
    delta = datetime.fromtimestamp(at, UTC).astimezone(zone).utcoffset()
    assert delta is not None  # a datetime with a ZoneInfo always has one
    return delta.total_seconds()


def _intersection(left: tuple[Interval, ...], right: tuple[Interval, ...]) -> tuple[Interval, ...]:
    """What two ascending rows of disjoint intervals have in common."""
    common: list[Interval] = []
    i = j = 0
    while i < len(left) and j < len(right):
        opens, closes = max(left[i][0], right[j][0]), min(left[i][1], right[j][1])
        if opens < closes:
            common.append((opens, closes))
        if left[i][1] < right[j][1]:
            i += 1
        else:
            j += 1
    return tuple(common)
