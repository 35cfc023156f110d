"""When calls may start under several rules at once: weeks as sets of minutes, and in words.

A week is a number whose bit n stands for minute n since Monday 00:00. Holidays are left aside.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from compliance.calling_hours.hours import DAY_MINUTES, HoursRule
from config.policies.applied import AppliedHours
from config.rules import Day, rules_of

WHOLE_WEEK: Final = (1 << 7 * DAY_MINUTES) - 1
_WHOLE_DAY: Final = (1 << DAY_MINUTES) - 1
_DAYS: Final = tuple(day.value for day in Day)


def covers(rule_region: str, region: str) -> bool:
    """Whether a rule of one region is about another one: "US" is about "US-FL", "" about everywhere."""
    return not rule_region or region == rule_region or region.startswith(f"{rule_region}-")


def open_weeks(hours: Sequence[AppliedHours]) -> dict[str, int]:
    """For every region that a rule names, the minutes in which it is open under all rules about it."""
    by_policy: dict[str, list[AppliedHours]] = {}
    for row in hours:
        by_policy.setdefault(row.policy, []).append(row)
    rules = [rule for rows in by_policy.values() for rule in rules_of(rows)]
    weeks: dict[str, int] = {}
    for region in sorted({rule.region for rule in rules}):
        week = WHOLE_WEEK
        for rule in rules:
            if covers(rule.region, region):
                week &= week_of(rule)
        weeks[region] = week
    return weeks


def week_of(rule: HoursRule) -> int:
    """The minutes in which a rule is open."""
    week = 0
    for window in rule.hours.windows:
        for day in window.days:
            week |= ((1 << window.closes - window.opens) - 1) << day * DAY_MINUTES + window.opens
    return week


def week_text(week: int) -> str:
    """`mon-fri 09:00-20:00; sat 09:00-17:00`, or `never`."""
    runs: list[tuple[int, int, str]] = []
    for day in range(7):
        text = _day_text(week >> day * DAY_MINUTES & _WHOLE_DAY)
        if runs and runs[-1][2] == text:
            runs[-1] = (runs[-1][0], day, text)
        else:
            runs.append((day, day, text))
    return "; ".join(f"{_span(first, last)} {text}" for first, last, text in runs if text) or "never"


def _span(first: int, last: int) -> str:
    return _DAYS[first] if first == last else f"{_DAYS[first]}-{_DAYS[last]}"


def _day_text(day: int) -> str:
    spans = []
    minute = 0
    while rest := day >> minute:
        opens = minute + _zeros(rest)
        closes = opens + _zeros(~(day >> opens))
        spans.append(f"{_clock(opens)}-{_clock(closes)}")
        minute = closes
    return " ".join(spans)


def _zeros(bits: int) -> int:
    """How many zeros stand before the first one, from the lowest bit on."""
    return (bits & -bits).bit_length() - 1


def _clock(minutes: int) -> str:
    return f"{minutes // 60:02}:{minutes % 60:02}"
