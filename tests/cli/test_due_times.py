"""Bars by the hour and by the day."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from dialer.cli.campaigns.due_times import span_words

ZONE = ZoneInfo("Asia/Shanghai")


def at(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=ZONE).timestamp()


NOW = at("2026-03-02 10:30")  # a Monday


@pytest.mark.parametrize(
    ("begin", "end", "words"),
    [
        ("2026-03-02 10:30", "2026-03-02 11:00", "now to 11:00"),
        ("2026-03-02 15:00", "2026-03-02 16:00", "15:00"),
        ("2026-03-03 09:00", "2026-03-03 10:00", "Tue 09:00"),
        ("2026-03-03 11:00", "2026-03-04 00:00", "Tue 11:00 to 24:00"),
        ("2026-03-04 00:00", "2026-03-05 00:00", "Wed 4 Mar"),
        ("2026-03-09 00:00", "2026-03-10 00:00", "Mon 9 Mar"),
        ("2026-04-02 00:00", "2126-04-02 00:00", "Thu 2 Apr or later"),
    ],
)
def test_a_span_says_which_hours_or_days_it_is(begin: str, end: str, words: str) -> None:
    """The rest of a day is not one hour, and a day in a week is not today."""
    assert span_words(at(begin), at(end), NOW, ZONE) == words


def test_an_open_end() -> None:
    """What comes last has no end."""
    assert span_words(at("2026-04-02 00:00"), None, NOW, ZONE) == "Thu 2 Apr or later"
