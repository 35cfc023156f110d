"""Calling hours in words: why somebody may not be called now, and from when on."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final
from zoneinfo import ZoneInfo

from compliance.api import Refusal, Rule
from compliance.calling_hours.days_off import EPOCH, days_off
from compliance.calling_hours.hours import SEARCH_DAYS, HoursRule, Open, check, holidays_of, rules_about
from compliance.calling_hours.places import Places
from dialer.language.moments import at_weekday, every_weekday, weekday
from dialer.language.phrases import Phrase, listed, phrase, phrases
from dialer.language.refusals import clocks_words, detail

_MOST_REASONS: Final = 3
_A_DAY_S: Final = 86_400
_A_WEEK_S: Final = 6 * _A_DAY_S


def said(rules: tuple[HoursRule, ...], places: Places, at: float, ring_s: float) -> str:
    """What `hours.check` answers to the same question, with its reasons.

    For example "Sat 13:05 in America/New_York; US-PA closes at 12:00 on Saturdays; opens Mon 08:00".
    """
    return listed(clauses(rules, places, at, ring_s), "; ")


def clauses(rules: tuple[HoursRule, ...], places: Places, at: float, ring_s: float) -> tuple[str, ...]:
    """The clauses of `said`: what the clocks show, why it is closed, until when it is open or closed."""
    answer = check(rules, places, at, ring_s)
    about = rules_about(rules, places)
    if isinstance(about, Refusal) or (isinstance(answer, Refusal) and answer.rule is Rule.UNKNOWN_ZONE):
        return (detail(answer),) if isinstance(answer, Refusal) else ()
    now = clocks_words(places.zones, int(at // 60))
    if isinstance(answer, Open):
        if answer.closes_at - at > _A_DAY_S:  # around the clock, or nearly: when `check` stopped looking means nothing
            return now, phrase("open for the next 24 hours")
        return now, phrase("open until {time}", time=_moment(answer.closes_at, at, places.zones[0]))
    each_reason = (_reason(rule, zone, places, at, ring_s) for rule in about for zone in places.zones)
    reasons = list(dict.fromkeys(reason for reason in each_reason if reason))
    if len(reasons) > _MOST_REASONS:
        more = len(reasons) - _MOST_REASONS
        reasons[_MOST_REASONS:] = [phrases("and {number} reason more", "and {number} reasons more", more)]
    if answer.until is None:
        upcoming = phrase("does not open in the next {days} days", days=SEARCH_DAYS)
    else:
        upcoming = phrase("opens {time}", time=_moment(answer.until, at, places.zones[0]))
    return (now, *reasons, upcoming)


def _reason(rule: HoursRule, zone: str, places: Places, at: float, ring_s: float) -> str:
    """Why one rule is closed in one zone; "" if it is open long enough."""
    local = _local(at, zone)
    who: str = rule.region or phrase("the general rule")
    if len(places.zones) > 1:
        who = phrase("{rule} in {zone}", rule=who, zone=zone)
    if rule.closed_on_holidays and (name := _holiday(rule, places, local)):
        return phrase("{rule} is closed on public holidays ({name})", rule=who, name=name)
    minute, day = local.hour * 60 + local.minute, every_weekday(local)
    today = sorted((window.opens, window.closes) for window in rule.hours.windows if local.weekday() in window.days)
    if not today:
        return phrase("{rule} is closed on {days}", rule=who, days=day)
    over = [closes for opens, closes in today if closes <= minute]
    if any(opens <= minute < closes for opens, closes in today):
        ends = _local(at + ring_s, zone)
        closes = max(closes for opens, closes in today if opens <= minute < closes)
        if ends.date() == local.date() and ends.hour * 60 + ends.minute < closes:
            return ""
        return phrase(
            "a call of {ring_s:g} s could still ring when {rule} closes at {time}",
            ring_s=ring_s,
            rule=who,
            time=_clock(closes),
        )
    upcoming = min((opens for opens, _ in today if opens > minute), default=None)
    if upcoming is None:
        return phrase("{rule} closes at {time} on {days}", rule=who, time=_clock(max(over)), days=day)
    if over:
        return phrase("{rule} is closed from {start} to {end}", rule=who, start=_clock(max(over)), end=_clock(upcoming))
    return phrase("{rule} opens at {time} on {days}", rule=who, time=_clock(upcoming), days=day)


def _holiday(rule: HoursRule, places: Places, local: datetime) -> str:
    for region in holidays_of(rule, places):
        days = days_off(region, local.year)
        if days is None:
            return phrase("those of {region} in {year} are not known", region=region, year=local.year)
        if name := days.get((local.date() - EPOCH).days):
            return name
    return ""


def _moment(at: float, now: float, zone: str) -> Phrase:
    """The weekday and the time there, with the date if that is more than six days from `now`."""
    local = _local(at, zone)
    if at - now <= _A_WEEK_S:
        return at_weekday(local)
    return phrase("{weekday} {time}", weekday=weekday(local), time=f"{local:%Y-%m-%d %H:%M}")


def _local(at: float, zone: str) -> datetime:
    return datetime.fromtimestamp(at, UTC).astimezone(ZoneInfo(zone))


def _clock(minutes: int) -> str:
    return f"{minutes // 60:02}:{minutes % 60:02}"
