"""Where leads are, and what follows."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialer.core.leads.lead_counts import LeadCounts, clock_words, hours_and_days, last_word

NOW = 1_772_500_000.0  # 2026-03-03 01:06:40 UTC, a Tuesday

counts = st.integers(0, 3)
later = st.floats(1.0, 1e7).map(lambda seconds: NOW + seconds)


def standing(**given_: Any) -> LeadCounts:
    """A standing of now; the first of those that wait comes in an hour unless it is said."""
    times = {
        "next_due_at": NOW + 3600 if given_.get("waiting") else None,
        "lease_ends_at": NOW + 120 if given_.get("leased") else None,
    }
    return LeadCounts(at=NOW, **(times | given_))


@st.composite
def mixes(draw: st.DrawFn) -> LeadCounts:
    """Any number of leads anywhere."""
    waiting, leased = draw(counts), draw(counts)
    return LeadCounts(
        at=NOW,
        queued=draw(counts),
        due=draw(counts),
        waiting=waiting,
        leased=leased,
        in_attempt=draw(counts),
        closed=draw(counts),
        next_due_at=draw(later) if waiting else None,
        lease_ends_at=draw(later) if leased else None,
    )


@given(mixes())
def test_it_is_finished_or_something_can_happen(mix: LeadCounts) -> None:
    """Work that is left has a time at which it goes on; a list without work is finished."""
    left = mix.queued + mix.due + mix.waiting + mix.leased + mix.in_attempt

    assert mix.finished == (left == 0) == (mix.wakes_at is None)
    if mix.wakes_at is not None:
        assert NOW <= mix.wakes_at < math.inf
    if mix.diallable:
        assert mix.wakes_at == NOW
        assert not mix.finished


@given(mixes())
def test_the_last_word_agrees(mix: LeadCounts) -> None:
    """It says finished where it is, and nowhere else; what can be dialled, too."""
    word = last_word(mix, UTC)

    assert (word in {"finished", "no leads"}) == mix.finished
    assert word.startswith("due now") == (mix.diallable > 0)


@pytest.mark.parametrize(
    ("mix", "word"),
    [
        (standing(), "no leads"),
        (standing(closed=4), "finished"),
        (standing(due=1200, waiting=3, closed=4), "due now: 1,200"),
        (standing(waiting=3, closed=4), "nothing due until 02:06"),
        (standing(waiting=3, in_attempt=2, leased=1), "nothing due until 02:06, 2 in a call, 1 with a daemon"),
        (standing(in_attempt=1), "nothing due, 1 in a call"),
        (standing(queued=7), "nothing due, 7 to be taken in"),
    ],
)
def test_the_last_word(mix: LeadCounts, word: str) -> None:
    """One line that says what is next."""
    assert last_word(mix, UTC) == word


@pytest.mark.parametrize(
    "impossible",
    [
        {"due": -1},
        {"waiting": 1, "next_due_at": None},
        {"waiting": 1, "next_due_at": NOW},
        {"next_due_at": NOW + 1},
        {"leased": 1, "lease_ends_at": None},
    ],
)
def test_what_cannot_be_does_not_construct(impossible: dict[str, Any]) -> None:
    """Leads wait until a time that is to come, or not at all."""
    with pytest.raises(ValueError, match="leads"):
        standing(**impossible)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(3600, "02:06"), (86_400, "Wed 01:06"), (10 * 86_400, "2026-03-13 01:06")],
)
def test_a_moment_is_said_as_people_near_it_do(seconds: float, words: str) -> None:
    """Today, within a week, and beyond."""
    assert clock_words(NOW + seconds, NOW, UTC) == words


def test_the_hours_and_days_ahead() -> None:
    """The rest of this hour, hours up to midnight of the next day, then days; no edge twice."""
    edges = hours_and_days(NOW, UTC)

    assert edges == sorted(set(edges))
    assert edges[0] == NOW
    assert edges[1] - NOW <= 3600.0
    clocks = [datetime.fromtimestamp(edge, UTC) for edge in edges[1:-1]]
    assert all(clock.minute == 0 for clock in clocks)
    assert edges[-2] - NOW > 30 * 86_400
