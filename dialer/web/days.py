"""Days as forms give them."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from dialer.language.translation import _
from dialer.operating.desk import Refused


def day_given(since: str, until: str, now: float) -> tuple[float, float]:
    """From the beginning of one day to the end of another, by this machine's clock, in seconds since the epoch; empty:
    from the beginning of all, until now. Raises `Refused`."""
    try:
        first = _begin(date.fromisoformat(since)) if since else 0.0
        last = _begin(date.fromisoformat(until) + timedelta(1)) if until else now + 1.0
    except (ValueError, OverflowError):
        raise Refused(_("a day is written like 2026-03-31")) from None
    return max(first, 0.0), max(last, 0.0)


def _begin(day: date) -> float:
    return datetime.combine(day, datetime.min.time()).timestamp()
