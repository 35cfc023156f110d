"""Days, months, times of day and spans of time, as people say them."""

from __future__ import annotations

from datetime import date, datetime
from typing import Final

from dialer.language.phrases import N_, Phrase, phrase

_WEEKDAYS: Final = (N_("Mon"), N_("Tue"), N_("Wed"), N_("Thu"), N_("Fri"), N_("Sat"), N_("Sun"))
_EVERY_WEEKDAY: Final = (
    N_("Mondays"),
    N_("Tuesdays"),
    N_("Wednesdays"),
    N_("Thursdays"),
    N_("Fridays"),
    N_("Saturdays"),
    N_("Sundays"),
)
_MONTHS: Final = (
    N_("Jan"),
    N_("Feb"),
    N_("Mar"),
    N_("Apr"),
    N_("May"),
    N_("Jun"),
    N_("Jul"),
    N_("Aug"),
    N_("Sep"),
    N_("Oct"),
    N_("Nov"),
    N_("Dec"),
)

_MINUTE_S: Final = 60.0
_HOUR_S: Final = 3600.0
_DAY_S: Final = 86_400.0


def weekday(day: date) -> Phrase:
    """`Mon`."""
    return phrase(_WEEKDAYS[day.weekday()])


def every_weekday(day: date) -> Phrase:
    """`Mondays`."""
    return phrase(_EVERY_WEEKDAY[day.weekday()])


def month(day: date) -> Phrase:
    """`Mar`."""
    return phrase(_MONTHS[day.month - 1])


def day_of_month(day: date) -> Phrase:
    """`4 Mar`."""
    return phrase("{day} {month}", day=day.day, month=month(day))


def day_in_week(day: date) -> Phrase:
    """`Wed 4 Mar`."""
    return phrase("{weekday} {day}", weekday=weekday(day), day=day_of_month(day))


def at_weekday(local: datetime) -> Phrase:
    """`Mon 09:00`."""
    return phrase("{weekday} {time}", weekday=weekday(local), time=f"{local:%H:%M}")


def span(seconds: float) -> Phrase:
    """A span in words, in the largest unit that people would use: `30 days`, `24 hours`, `1.5 minutes`."""
    if seconds >= 2 * _DAY_S:
        return phrase("{days:g} days", days=seconds / _DAY_S)
    if seconds >= _HOUR_S:
        return phrase("1 hour") if seconds == _HOUR_S else phrase("{hours:g} hours", hours=seconds / _HOUR_S)
    if seconds >= _MINUTE_S:
        minutes = seconds / _MINUTE_S
        return phrase("1 minute") if minutes == 1 else phrase("{minutes:g} minutes", minutes=minutes)
    return phrase("1 second") if seconds == 1 else phrase("{seconds:g} seconds", seconds=seconds)
