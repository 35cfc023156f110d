"""Calling hours where the callee is.

A zone is open at an instant when the wall clock there shows a time inside a window. That is the whole definition, and
it settles daylight saving in both directions: an hour that is skipped is never open, an hour that happens twice is
open twice. A rule that closes on holidays is closed while the calendar on that wall shows one. Every rule that is about
a callee must be open, in every zone that the callee may be in: the strictest wins, by intersection.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache
from typing import Final

from compliance.api import Refusal, Rule
from compliance.calling_hours.days_off import EPOCH, days_off, holidays_known
from compliance.calling_hours.intervals import DAY_S, Interval, intersection, merged, pieces, wall_days
from compliance.calling_hours.places import Places
from compliance.calling_hours.regions import ANY_PART, country_of, is_zone

DAY_MINUTES: Final = 1440

STRETCH_DAYS: Final = 14
"""How far ahead hours are looked at in one go, and the furthest closing time that is told."""

ZONES_SHOWN: Final = 3
"""Zones that are named where a callee may be in many."""

SEARCH_DAYS: Final = 4 * STRETCH_DAYS
"""How far ahead `check` looks for an opening: longer than any row of holidays, also for hours on one day a week."""

_MARGIN_DAYS: Final = 2  # so that an interval that opens within a stretch is seen to its end
_RULE_SETS: Final = 256


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
class HoursRule:
    """Calling hours of a region: "" is everywhere, "US" a country (ISO 3166), "US-FL" a part of one (ISO 3166-2).

    `closed_on_holidays`: closed on the public holidays of that region; everywhere, on those of the callee's regions.
    """

    hours: CallingHours
    region: str = ""
    closed_on_holidays: bool = False


@dataclass(frozen=True, slots=True)
class Open:
    """Every rule is open in all zones from the instant asked about up to `closes_at`, in seconds since the epoch.

    `closes_at` is at most `STRETCH_DAYS` ahead: hours around the clock are said to close then.
    """

    closes_at: float


@dataclass(frozen=True, slots=True, eq=False)
class _RuleSet:
    """Rules by identity: their hash by value costs more than all the rest of a question."""

    rules: tuple[HoursRule, ...]


@dataclass(frozen=True, slots=True)
class _Openings:
    """When everything is open, ascending and disjoint: the starts and the ends."""

    opens: tuple[float, ...]
    closes: tuple[float, ...]


def check(rules: tuple[HoursRule, ...], places: Places, at: float, ring_s: float) -> Open | Refusal:
    """May a call start at `at` (seconds since the epoch) that may ring for `ring_s` seconds?

    It may if the whole of [at, at + ring_s) lies inside the hours of every rule that is about one of the regions of
    `places`, in every one of its zones. If not, `until` of the refusal is the next instant at which it may, or None if
    there is none within `SEARCH_DAYS` days. Refused for good is also who has no zone, or one that is not in the zone
    database (`UNKNOWN_ZONE`); whose number or address no rule is about; and who is in a region whose holidays nobody
    knows while a rule closes on them.
    """
    if not (math.isfinite(at) and math.isfinite(ring_s) and ring_s >= 0):
        raise ValueError(f"at and ring_s must be finite, ring_s 0 or more, got {at} and {ring_s}")
    rule_set, day = _rule_set(rules), int(at // DAY_S)
    openings = _openings(rule_set, places, day)
    if isinstance(openings, Refusal):
        return openings
    index = bisect_right(openings.opens, at) - 1
    if index >= 0 and at + ring_s <= openings.closes[index] and at < openings.closes[index]:
        return Open(min(openings.closes[index], at + STRETCH_DAYS * DAY_S))
    until = _next_opening(rule_set, places, at, ring_s)
    if until is None:
        zones = places.zones
        facts = {"number": len(zones), "first": zones[0], "last": zones[-1]}
        return Refusal(Rule.HOURS, "no_common_hours", None, facts)
    shown = places.zones[:ZONES_SHOWN]
    more = len(places.zones) - len(shown)
    return Refusal(Rule.HOURS, "outside_hours", until, {"zones": list(shown), "zones_more": more, "at_s": at})


def _next_opening(rule_set: _RuleSet, places: Places, at: float, ring_s: float) -> float | None:
    first_day, last = int(at // DAY_S), at + SEARCH_DAYS * DAY_S
    for day in range(first_day, first_day + SEARCH_DAYS, STRETCH_DAYS):
        openings = _openings(rule_set, places, day)
        if isinstance(openings, Refusal):
            return None
        for index in range(bisect_right(openings.opens, at), len(openings.opens)):
            if openings.opens[index] + ring_s <= openings.closes[index]:
                return openings.opens[index] if openings.opens[index] <= last else None
    return None


_rule_sets: dict[int, tuple[tuple[HoursRule, ...], _RuleSet]] = {}


def _rule_set(rules: tuple[HoursRule, ...]) -> _RuleSet:
    """The one set for equal rules. The table keeps the tuple itself, so that no other one can have its id meanwhile."""
    known = _rule_sets.get(id(rules))
    if known is not None and known[0] is rules:
        return known[1]
    if len(_rule_sets) >= _RULE_SETS:
        _rule_sets.clear()
    interned = _interned(rules)
    _rule_sets[id(rules)] = rules, interned
    return interned


@lru_cache(maxsize=_RULE_SETS)
def _interned(rules: tuple[HoursRule, ...]) -> _RuleSet:
    return _RuleSet(rules)


def rules_about(rules: tuple[HoursRule, ...], places: Places) -> tuple[HoursRule, ...] | Refusal:
    """The rules that must be open for somebody at `places`, or why there are none.

    Each claim must have one: a number and an address in different countries need hours for both.
    """
    for claim in places.claims:
        if not any(_is_about(rule, claim) for rule in rules):
            regions = sorted(name for name in claim if not name.endswith(ANY_PART))
            return Refusal(Rule.HOURS, "no_hours_known", None, {"regions": regions})
    applicable = tuple(
        rule for rule in rules if not rule.region or any(_is_about(rule, claim) for claim in places.claims)
    )
    return applicable or Refusal(Rule.HOURS, "no_hours_without_country", None)


def _is_about(rule: HoursRule, claim: frozenset[str]) -> bool:
    if not rule.region or rule.region in claim:
        return True
    country = country_of(rule.region)
    return country != rule.region and f"{country}-{ANY_PART}" in claim


@lru_cache(maxsize=4096)
def _openings(rule_set: _RuleSet, places: Places, day: int) -> _Openings | Refusal:
    """When all rules are open in all zones, from the day with number `day` (UTC, since the epoch) on."""
    if not places.zones:
        return Refusal(Rule.UNKNOWN_ZONE, "zone_unknown", None)
    if not all(map(is_zone, places.zones)):
        return Refusal(Rule.UNKNOWN_ZONE, "zone_not_in_database", None)
    rules = rules_about(rule_set.rules, places)
    if isinstance(rules, Refusal):
        return rules
    days = STRETCH_DAYS + _MARGIN_DAYS
    common: tuple[Interval, ...] = ((float(day * DAY_S), float((day + days) * DAY_S)),)
    for rule in rules:
        regions = holidays_of(rule, places) if rule.closed_on_holidays else ()
        for zone in places.zones:
            closed = _closed_days(regions, day, days)
            if isinstance(closed, Refusal):
                return closed
            common = intersection(common, _open_in(rule.hours, zone, day, days, closed))
    return _Openings(tuple(opens for opens, _ in common), tuple(closes for _, closes in common))


def holidays_of(rule: HoursRule, places: Places) -> tuple[str, ...]:
    """The regions whose holidays `rule` closes on for somebody at `places`, in order."""
    if rule.region:
        return (rule.region,)
    return tuple(sorted(name for claim in places.claims for name in claim if not name.endswith(ANY_PART)))


@lru_cache(maxsize=1024)
def _closed_days(regions: tuple[str, ...], day: int, days: int) -> frozenset[int] | Refusal:
    """Numbers of the days off in any of `regions` on any wall clock from day `day` on.

    Years for which the holidays of a region are not known yet are days off from end to end.
    """
    first, last = EPOCH + timedelta(day - 1), EPOCH + timedelta(day + days + 1)
    closed: set[int] = set()
    for region in regions:
        if not holidays_known(region):
            return Refusal(Rule.HOURS, "holidays_unknown", None, {"region": region})
        for year in range(first.year, last.year + 1):
            holidays = days_off(region, year)
            closed.update(_whole(year) if holidays is None else holidays)
    return frozenset(closed)


def _whole(year: int) -> range:
    return range((date(year, 1, 1) - EPOCH).days, (date(year + 1, 1, 1) - EPOCH).days)


def _open_in(hours: CallingHours, zone: str, day: int, days: int, closed: frozenset[int]) -> tuple[Interval, ...]:
    """The open intervals of one zone in `days` days (UTC) from day `day` on."""
    return merged(
        (max(opens - offset, start), min(closes - offset, end))
        for start, end, offset in pieces(zone, day, days)
        for opens, closes in _wall_windows(hours, start + offset, end + offset, closed)
    )


def _wall_windows(hours: CallingHours, start: float, end: float, closed: frozenset[int]) -> Iterator[Interval]:
    """Every window that touches [start, end), all in seconds of a wall clock that never jumps."""
    for day in wall_days(start, end):
        if day in closed:
            continue
        weekday = (day + 3) % 7  # 1 January 1970 was a Thursday
        for window in hours.windows:
            opens, closes = day * DAY_S + window.opens * 60.0, day * DAY_S + window.closes * 60.0
            if weekday in window.days and opens < end and closes > start:
                yield opens, closes
