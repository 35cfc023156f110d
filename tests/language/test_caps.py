"""Frequency caps in words."""

from __future__ import annotations

import pytest

from compliance.api import Per
from compliance.cap_windows import DAY_S, CalendarDays, CalendarMonths, Rolling
from compliance.caps import Cap, Counts, Over
from dialer.language.caps import cap_words
from dialer.language.moments import span


@pytest.mark.parametrize(
    ("cap", "text"),
    [
        (Cap(2, Rolling(30 * DAY_S), rest_s=90 * DAY_S), "2 attempts in 30 days, then 90 days of rest"),
        (Cap(1, CalendarDays(61), counts=Counts.REFUSALS), "1 refusal in 61 calendar days"),
        (Cap(3, CalendarDays(1), counts=Counts.CONNECTS), "3 connects in 1 calendar day"),
        (Cap(1, CalendarMonths(1), over=Over.CAMPAIGN), "1 attempt in 1 calendar month within the campaign"),
        (
            Cap(2, CalendarMonths(3), Counts.CONVERSATIONS, Per.CUSTOMER, Over.GROUP, 1.5 * DAY_S),
            "2 conversations in 3 calendar months per customer within the group, then 36 hours of rest",
        ),
    ],
)
def test_a_cap_reads_as_part_of_a_sentence(cap: Cap, text: str) -> None:
    """People see it."""
    assert cap_words(cap) == text


def test_spans_are_said() -> None:
    """In the largest unit that people would use."""
    assert [span(s) for s in (1, 90, 60, 3600, 86_400, 172_800, 2_592_000)] == [
        "1 second",
        "1.5 minutes",
        "1 minute",
        "1 hour",
        "24 hours",
        "2 days",
        "30 days",
    ]
