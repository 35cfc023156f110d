"""Stretches of time: what rows of them have in common, and how a zone's wall clock lies in them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo

DAY_S: Final = 86_400

_SAMPLE_S: Final = 6 * 3600

Interval = tuple[float, float]
"""From, up to but not including, in seconds since the epoch."""


@lru_cache(maxsize=2048)
def pieces(zone: str, first_day: int, days: int) -> tuple[tuple[float, float, float], ...]:
    """`days` days (UTC) from day number `first_day` since the epoch on, cut where the zone's offset from UTC changes:
    (from, to, offset in seconds).

    Offsets are sampled every six hours and a change between two samples is found by bisection to the second; no zone
    has ever changed its offset twice within six hours.
    """
    return tuple(_pieces(ZoneInfo(zone), float(first_day * DAY_S), float((first_day + days) * DAY_S)))


def _pieces(zone: ZoneInfo, start: float, end: float) -> Iterator[tuple[float, float, float]]:
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


def wall_days(start: float, end: float) -> range:
    """Numbers of the days (since 1 January 1970) that [start, end) touches on a wall clock that never jumps."""
    return range(math.floor(start / DAY_S), math.ceil(end / DAY_S))


def merged(intervals: Iterable[Interval]) -> tuple[Interval, ...]:
    """The same time as ascending intervals that neither overlap nor touch."""
    rows: list[Interval] = []
    for opens, closes in sorted(intervals):
        if rows and opens <= rows[-1][1]:
            rows[-1] = rows[-1][0], max(closes, rows[-1][1])
        elif opens < closes:
            rows.append((opens, closes))
    return tuple(rows)


def intersection(left: tuple[Interval, ...], right: tuple[Interval, ...]) -> tuple[Interval, ...]:
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
