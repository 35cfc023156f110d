"""Calling hours in words: why somebody may not be called now, and from when on."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final
from zoneinfo import ZoneInfo

from compliance.api import Refusal, Rule
from compliance.calling_hours.days_off import EPOCH, days_off
from compliance.calling_hours.hours import SEARCH_DAYS, HoursRule, Open, check, clocks, holidays_of, rules_about
from compliance.calling_hours.places import Places
from compliance.words import detail

_MOST_REASONS: Final = 3
_A_DAY_S: Final = 86_400
_A_WEEK_S: Final = 6 * _A_DAY_S


def said(rules: tuple[HoursRule, ...], places: Places, at: float, ring_s: float) -> str:
    """What `hours.check` answers to the same question, with its reasons.

    For example "Sat 13:05 in America/New_York; US-PA closes at 12:00 on Saturdays; opens Mon 08:00".
    """
    return "; ".join(clauses(rules, places, at, ring_s))


def clauses(rules: tuple[HoursRule, ...], places: Places, at: float, ring_s: float) -> tuple[str, ...]:
    """The clauses of `said`: what the clocks show, why it is closed, until when it is open or closed."""
    answer = check(rules, places, at, ring_s)
    about = rules_about(rules, places)
    if isinstance(about, Refusal) or (isinstance(answer, Refusal) and answer.rule is Rule.UNKNOWN_ZONE):
        return (detail(answer),) if isinstance(answer, Refusal) else ()
    now = clocks(places.zones, int(at // 60))
    if isinstance(answer, Open):
        if answer.closes_at - at > _A_DAY_S:  # around the clock, or nearly: when `check` stopped looking means nothing
            return now, "open for the next 24 hours"
        return now, f"open until {_moment(answer.closes_at, at, places.zones[0])}"
    each_reason = (_reason(rule, zone, places, at, ring_s) for rule in about for zone in places.zones)
    reasons = list(dict.fromkeys(reason for reason in each_reason if reason))
    if len(reasons) > _MOST_REASONS:
        reasons[_MOST_REASONS:] = [f"and {len(reasons) - _MOST_REASONS} reasons more"]
    if answer.until is None:
        upcoming = f"does not open in the next {SEARCH_DAYS} days"
    else:
        upcoming = f"opens {_moment(answer.until, at, places.zones[0])}"
    return (now, *reasons, upcoming)


def _reason(rule: HoursRule, zone: str, places: Places, at: float, ring_s: float) -> str:
    """Why one rule is closed in one zone; "" if it is open long enough."""
    local = _local(at, zone)
    who = rule.region or "the general rule"
    where = f" in {zone}" if len(places.zones) > 1 else ""
    if rule.closed_on_holidays and (name := _holiday(rule, places, local)):
        return f"{who} is closed on public holidays ({name}{where})"
    minute, day = local.hour * 60 + local.minute, f"{local:%A}s"
    today = sorted((window.opens, window.closes) for window in rule.hours.windows if local.weekday() in window.days)
    if not today:
        return f"{who} is closed on {day}{where}"
    over = [closes for opens, closes in today if closes <= minute]
    if any(opens <= minute < closes for opens, closes in today):
        ends = _local(at + ring_s, zone)
        closes = max(closes for opens, closes in today if opens <= minute < closes)
        if ends.date() == local.date() and ends.hour * 60 + ends.minute < closes:
            return ""
        return f"a call of {ring_s:g} s could still ring when {who} closes at {_clock(closes)}{where}"
    upcoming = min((opens for opens, _ in today if opens > minute), default=None)
    if upcoming is None:
        return f"{who} closes at {_clock(max(over))} on {day}{where}"
    if over:
        return f"{who} is closed from {_clock(max(over))} to {_clock(upcoming)}{where}"
    return f"{who} opens at {_clock(upcoming)} on {day}{where}"


def _holiday(rule: HoursRule, places: Places, local: datetime) -> str:
    for region in holidays_of(rule, places):
        days = days_off(region, local.year)
        if days is None:
            return f"those of {region} in {local.year} are not known"
        if name := days.get((local.date() - EPOCH).days):
            return name
    return ""


def _moment(at: float, now: float, zone: str) -> str:
    """The weekday and the time there, with the date if that is more than six days from `now`."""
    local = _local(at, zone)
    return f"{local:%a %H:%M}" if at - now <= _A_WEEK_S else f"{local:%a %Y-%m-%d %H:%M}"


def _local(at: float, zone: str) -> datetime:
    return datetime.fromtimestamp(at, UTC).astimezone(ZoneInfo(zone))


def _clock(minutes: int) -> str:
    return f"{minutes // 60:02}:{minutes % 60:02}"
