"""Periods as people name them."""

from __future__ import annotations

from datetime import date

import pytest

from dialer.disk.archive.sums import Period
from dialer.reports.periods import period_of

TUESDAY = date(2026, 3, 3)


@pytest.mark.parametrize(
    ("text", "first", "last"),
    [
        ("today", "2026-03-03", "2026-03-03"),
        ("yesterday", "2026-03-02", "2026-03-02"),
        ("this-week", "2026-03-02", "2026-03-03"),
        ("last-week", "2026-02-23", "2026-03-01"),
        ("this-month", "2026-03-01", "2026-03-03"),
        ("last-month", "2026-02-01", "2026-02-28"),
        ("2024-02", "2024-02-01", "2024-02-29"),
        ("2026-02-28", "2026-02-28", "2026-02-28"),
        ("2025-12-31..2026-01-01", "2025-12-31", "2026-01-01"),
        ("2026-01..2026-02", "2026-01-01", "2026-02-28"),
    ],
)
def test_a_period(text: str, first: str, last: str) -> None:
    """A word, a day, a month, or from one to another."""
    assert period_of(text, TUESDAY) == Period(date.fromisoformat(first), date.fromisoformat(last))


@pytest.mark.parametrize(
    "text", ["", "tomorrow", "2026-13", "2026-03-02..2026-03-01", "2020..2026", "2020-01..2026-01"]
)
def test_no_period(text: str) -> None:
    """The message says what one looks like, or what is wrong with it."""
    with pytest.raises(ValueError, match=r"period|day"):
        period_of(text, TUESDAY)


def test_last_month_in_january() -> None:
    """It is that of the year before."""
    assert period_of("last-month", date(2026, 1, 31)) == Period(date(2025, 12, 1), date(2025, 12, 31))
