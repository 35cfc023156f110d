"""Every decision says why, in a sentence a campaign manager understands."""

from __future__ import annotations

import re

import pytest

from pacing.face import Ledger, Settings
from pacing.policies import make, progressive
from pacing.sentence import percent
from tests.pacing.cases import EXPERIENCED, snapshot


@pytest.mark.parametrize(
    ("fraction", "text"), [(0.024, "2.4 %"), (0.03, "3 %"), (0.0, "0 %"), (0.0004, "0.04 %"), (1.0, "100 %")]
)
def test_percentages_are_short(fraction: float, text: str) -> None:
    """One digit is enough, two below a tenth of a percent."""
    assert percent(fraction) == text


def test_a_prediction_names_its_numbers() -> None:
    """Ready agents, expected frees and when, calls in flight, answer probability, risk."""
    decision = make(Settings(), EXPERIENCED).step((), snapshot(ringing_age_s=(2.0, 4.0)))
    assert re.fullmatch(
        r"dial \d+: 3 ready, 0\.\d expected to free up in 1\d s, 2 ringing, p\(answer\) 0\.30, "
        r"abandon risk of the next call [\d.]+ %, tolerated [\d.]+ %",
        decision.reason,
    )


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"ready": 0, "talking_age_s": (), "wrapup_age_s": (), "paused": 3}, "dial 0: no agent is working (3 paused)"),
        ({"ready": 0, "talking_age_s": (), "wrapup_age_s": ()}, "dial 0: no agent is working"),
        (
            {"ready": 0, "ledger": Ledger(95, 3)},
            "dial 0: abandonment budget is spent (3 of 95 live answers, cap 3 %), progressive until 100 live answers; "
            "no agent is ready (1 talking, 1 in wrap-up)",
        ),
        (
            {"ready": 2, "ledger": Ledger(1, 1)},
            "dial 2: abandonment budget is spent (1 of 1 live answer, cap 3 %), progressive until 33 live answers; "
            "2 ready, 0 ringing",
        ),
    ],
)
def test_a_predictive_zero_is_explained(changes: dict[str, object], reason: str) -> None:
    """Nobody works; the budget is spent and until when."""
    assert make(Settings(), EXPERIENCED).step((), snapshot(**changes)).reason == reason


@pytest.mark.parametrize(
    ("changes", "end"),
    [
        ({"lines_free": 0}, "no line is free"),
        ({"lines_free": 1}, "1 line free"),
        ({"leads_available": 0}, "no lead is due"),
        ({"leads_available": 2}, "2 leads due"),
    ],
)
def test_a_limit_is_named_at_the_end(changes: dict[str, object], end: str) -> None:
    """Forecasting or not, the limit that bound is the last word."""
    seen = snapshot(**changes)
    assert make(Settings(), EXPERIENCED).step((), seen).reason.endswith(end)
    assert progressive(seen).reason.endswith(end)


def test_the_limit_of_calls_for_each_agent_is_named() -> None:
    """The knob and the number of agents are in the sentence."""
    decision = make(Settings(max_calls_per_agent=1.0), EXPERIENCED).step((), snapshot(ringing_age_s=(20.0,) * 5))
    assert decision.reason.endswith("at most 1 calls in flight for each of 5 agents")


def test_a_cold_start_says_what_it_waits_for() -> None:
    """Progressive while learning, and what is missing."""
    decision = make(Settings()).step((), snapshot())
    assert decision.reason == (
        "dial 3: learning (30 finished calls, 10 answers, 10 ended talks to go), one call for each ready agent until "
        "then; 3 ready, 0 ringing"
    )
