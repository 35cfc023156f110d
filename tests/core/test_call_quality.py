"""The figures that carriers judge callers by."""

from __future__ import annotations

from dataclasses import replace

import pytest

from dialer.core.call_quality import GIVEN_BACK, NEWEST, NO_CALLS, NewestCalls
from dialer.core.model import Close, Disposition, Settlement
from sip.causes import Cause, Leg
from tests.core.conftest import a_lead


def an_end(**given) -> Settlement:
    ended = Settlement(
        attempt="a1",
        lead=a_lead(),
        trunk="north",
        disposition=Disposition.NO_ANSWER,
        next_step=Close(""),
        live=False,
        abandoned=False,
        charged=True,
        cause=Cause.NO_ANSWER,
        ended_by=Leg.NETWORK,
        reason="",
        reserved_at=99.0,
        dialled_at=100.0,
        ringing_at=102.0,
        ended_at=130.0,
    )
    return replace(ended, **given)


def test_answers_short_calls_delays_and_causes():
    """Of four attempts two were answered, one of them for 12 s, one for longer; one never rang."""
    calls = NewestCalls()
    assert calls.figures() == NO_CALLS
    calls.ended(an_end())
    calls.ended(an_end(cause=Cause.NORMAL, answered_at=110.0, ended_at=122.0))
    calls.ended(an_end(cause=Cause.NORMAL, answered_at=110.0, ended_at=123.0, ringing_at=104.0))
    calls.ended(an_end(cause=Cause.CONGESTION, ringing_at=None))
    figures = calls.figures()
    assert (figures.attempts, figures.answered, figures.short) == (4, 2, 1)
    assert (figures.answer_seizure_ratio, figures.short_share) == (0.5, 0.5)
    assert (figures.post_dial_p50_s, figures.post_dial_p95_s) == (2.0, 4.0)
    assert figures.causes == {"normal": 2, "no_answer": 1, "congestion": 1}


def test_what_never_left_is_no_attempt_and_what_went_elsewhere_is_one():
    """The carrier has seen nothing of the first, and has refused the second."""
    calls = NewestCalls()
    calls.ended(an_end(disposition=Disposition.NOT_SENT, cause=Cause.NOT_SENT))
    calls.gave_back()
    assert calls.figures().causes == {GIVEN_BACK: 1}


def test_only_the_newest_attempts_count_but_for_the_totals():
    """A bad morning is not held against the afternoon; counters go on."""
    calls = NewestCalls()
    for _ in range(NEWEST):
        calls.ended(an_end(cause=Cause.CONGESTION))
    for _ in range(NEWEST):
        calls.ended(an_end(cause=Cause.NORMAL, answered_at=105.0))
    figures = calls.figures()
    assert (figures.attempts, figures.answer_seizure_ratio) == (NEWEST, 1.0)
    assert calls.totals == {"congestion": NEWEST, "normal": NEWEST}


@pytest.mark.parametrize("figures", [NO_CALLS])
def test_no_calls_divide_by_nothing(figures):
    """Zero, not an error."""
    assert (figures.answer_seizure_ratio, figures.short_share) == (0.0, 0.0)
