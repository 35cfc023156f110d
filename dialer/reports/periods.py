"""Periods as people name them: yesterday, last-month, 2026-03-03, 2026-03, 2026-03-01..2026-03-15. Pure."""

from __future__ import annotations

from calendar import monthrange
from datetime import date, timedelta
from typing import Final

from dialer.disk.archive.sums import Period

WORDS: Final = ("today", "yesterday", "this-week", "last-week", "this-month", "last-month")
LONGEST_DAYS: Final = 400


def period_of(text: str, today: date) -> Period:
    """The days that are meant. Raises `ValueError`, with what may be said."""
    match text.strip():
        case "today":
            return Period(today, today)
        case "yesterday":
            return Period(today - timedelta(1), today - timedelta(1))
        case "this-week":
            return Period(today - timedelta(today.weekday()), today)
        case "last-week":
            monday = today - timedelta(today.weekday() + 7)
            return Period(monday, monday + timedelta(6))
        case "this-month":
            return Period(today.replace(day=1), today)
        case "last-month":
            last = today.replace(day=1) - timedelta(1)
            return Period(last.replace(day=1), last)
    first, dots, last_text = text.partition("..")
    try:
        begins, ends = _days(first), _days(last_text if dots else first)
    except ValueError:
        words = ", ".join(WORDS)
        raise ValueError(f"{text!r} is no period: {words}, 2026-03-03, 2026-03 or 2026-03-01..2026-03-15") from None
    period = Period(begins.first, ends.last)
    if not 1 <= period.days <= LONGEST_DAYS:
        raise ValueError(f"{text!r}: from the earlier to the later day, at most {LONGEST_DAYS} days")
    return period


def _days(text: str) -> Period:
    text = text.strip()
    if len(text) == len("2026-03"):
        first = date.fromisoformat(f"{text}-01")
        return Period(first, first.replace(day=monthrange(first.year, first.month)[1]))
    day = date.fromisoformat(text)
    return Period(day, day)
