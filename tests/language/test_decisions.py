"""Every decision says why, in a sentence a campaign manager understands."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialer.language.decisions import FIGURES, percent, sentence
from pacing.api import Decision, Guarantee, Ledger, Memory, Mode, Settings, Snapshot, TalkEnded, Window
from pacing.policies import make, progressive
from tests.pacing.cases import EXPERIENCED, snapshot, snapshots


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
        sentence(decision),
    )


NOBODY = {"ready": 0, "talking_age_s": (), "wrapup_age_s": ()}
HARD = Settings(guarantee=Guarantee.HARD)


@pytest.mark.parametrize(
    ("settings", "changes", "reason"),
    [
        (Settings(), {**NOBODY, "paused": 3}, "dial 0: no agent is working (3 paused)"),
        (Settings(), NOBODY, "dial 0: no agent is working"),
        (
            HARD,
            {"ready": 0, "ledger": Ledger(95, 3)},
            "dial 0: abandonment budget is spent (3 of 95 live answers, cap 3 %), progressive: 3 abandoned calls need "
            "100 live answers; no agent is ready (1 talking, 1 in wrap-up)",
        ),
        (
            HARD,
            {"ready": 2, "ledger": Ledger(1, 1)},
            "dial 2: abandonment budget is spent (1 of 1 live answer, cap 3 %), progressive: 1 abandoned call needs "
            "33 live answers; 2 ready, 0 ringing",
        ),
        (
            HARD,
            {"ready": 2, "windows": (Window("the last hour", 0.06, Ledger(95, 6)),)},
            "dial 2: abandonment budget is spent (the last hour: 6 of 95 live answers, cap 6 %), progressive: "
            "6 abandoned calls need 100 live answers; 2 ready, 0 ringing",
        ),
    ],
)
def test_a_predictive_zero_is_explained(settings: Settings, changes: dict[str, object], reason: str) -> None:
    """Nobody works; the budget is spent, in which window and what that window needs."""
    assert sentence(make(settings, EXPERIENCED).step((), snapshot(**changes))) == reason


@pytest.mark.parametrize(
    ("windows", "said"),
    [
        ((), "(31 of 1000 live answers, cap 3 %)"),
        (
            (Window("the last hour", 0.06, Ledger(50, 4)), Window("the month", 0.03, Ledger(9000, 20))),
            "(the last hour: 4 of 50 live answers, cap 6 %)",
        ),
    ],
)
def test_a_spent_budget_is_named_with_its_window(windows: tuple[Window, ...], said: str) -> None:
    """The statistical guarantee goes on with almost no risk, and says which window has the least room."""
    ledger = Ledger(1000, 10 if windows else 31)
    reason = sentence(make(Settings(), EXPERIENCED).step((), snapshot(ledger=ledger, windows=windows)))
    assert f"abandonment budget is spent {said}, almost no risk: " in reason


def test_a_rolling_window_is_not_promised_its_room_at_a_number_of_answers() -> None:
    """Its abandoned calls pass out of it by time, long before so many answers: the sentence says what they need now."""
    windows = [(Window("the last hour", 0.06, ledger),) for ledger in (Ledger(60, 5), Ledger(55, 4), Ledger(50, 2))]
    pacer = make(Settings(), EXPERIENCED)
    reasons = [sentence(pacer.step((), snapshot(windows=some))) for some in windows]
    assert reasons[0].endswith("almost no risk: 5 abandoned calls need 83 live answers")
    assert reasons[1].endswith("almost no risk: 4 abandoned calls need 66 live answers")
    assert "spent" not in reasons[2]
    assert not any("until" in reason for reason in reasons)


@pytest.mark.parametrize("guarantee", Guarantee)
def test_no_number_of_answers_makes_room_under_a_cap_of_nothing(guarantee: Guarantee) -> None:
    """So none is named."""
    settings = Settings(max_abandon_rate=0.0, guarantee=guarantee)
    reason = sentence(make(settings, EXPERIENCED).step((), snapshot(ledger=Ledger(50, 1))))
    assert "abandonment budget is spent (1 of 50 live answers, cap 0 %)" in reason
    assert "need" not in reason


@pytest.mark.parametrize("memory", [None, EXPERIENCED])
@pytest.mark.parametrize("mode", [Mode.PREDICTIVE, Mode.PROGRESSIVE, Mode.RATIO])
def test_the_end_of_the_shift_is_named(mode: Mode, memory: Memory | None) -> None:
    """With less time left than a call may ring nothing is dialled, and the sentence says so; with more it is."""
    pacer = make(Settings(mode=mode), memory)
    late = pacer.step((), snapshot(staffed_s=12.4))
    assert late.dial == 0
    assert sentence(late).endswith("the agents leave in 12 s, too soon to serve another call")
    assert pacer.step((), snapshot(staffed_s=25.0)).dial >= 3


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
    assert sentence(make(Settings(), EXPERIENCED).step((), seen)).endswith(end)
    assert sentence(progressive(seen)).endswith(end)


def test_the_limit_of_calls_for_each_agent_is_named() -> None:
    """The knob and the number of agents are in the sentence."""
    decision = make(Settings(max_calls_per_agent=1.0), EXPERIENCED).step((), snapshot(ringing_age_s=(20.0,) * 5))
    assert sentence(decision).endswith("at most 1 calls in flight for each of 5 agents")


def test_a_cold_start_says_what_it_waits_for() -> None:
    """Progressive while learning, and what is missing."""
    decision = make(Settings()).step((), snapshot())
    assert sentence(decision) == (
        "dial 3: learning (20 finished calls to go), one call for each ready agent until then; 3 ready, 0 ringing"
    )


FREED = tuple(TalkEnded(999.0, 100.0) for _ in range(10))
COMING = {"ready": 0, "talking_age_s": (), "wrapup_age_s": (35.0,) * 30}


def forecast(settings: Settings, memory: Memory, **changes: object) -> Decision:
    """A pacer's decision where ten talks have just ended."""
    return make(settings, memory).step(FREED, snapshot(**changes))


def test_the_limit_by_counts_is_put_into_words() -> None:
    """How many answers there is room for, and how many there may be; and a spent budget, for that is why."""
    hour = (Window("the last hour", 0.06, Ledger(60, 3)),)
    assert sentence(forecast(Settings(), EXPERIENCED, **COMING, windows=hour)) == (
        "dial 12: 0 ready, 10.3 expected to free up in 11 s, 0 ringing, p(answer) 0.30, as many calls are in flight as "
        "may be answered: room for 4.9 answers, and up to 0.38 of the calls may be answered"
    )
    hour = (Window("the last hour", 0.06, Ledger(60, 5)),)
    assert sentence(forecast(Settings(), EXPERIENCED, **COMING, windows=hour)).endswith(
        "room for 3.2 answers, and up to 0.38 of the calls may be answered; abandonment budget is spent (the last "
        "hour: 5 of 60 live answers, cap 6 %), almost no risk: 5 abandoned calls need 83 live answers"
    )


def test_the_limit_of_growth_is_put_into_words() -> None:
    """With the number that it allows now."""
    floor = {"wrapup_age_s": (60.0,) * 3, "ringing_age_s": (20.0,) * 11, "ledger": Ledger(10_000, 0)}
    decision = forecast(Settings(max_calls_per_agent=50.0), EXPERIENCED | {"tolerated_risk": 0.15}, **floor)
    assert sentence(decision).endswith("p(answer) 0.27, calls in flight may at most double in a ring time: 14 now")


def test_an_overdrawn_budget_is_put_into_words() -> None:
    """A forecast goes on with a spent budget; far beyond it only covered calls start, and that is said once."""
    assert sentence(forecast(Settings(), EXPERIENCED, **COMING, ledger=Ledger(1000, 60))) == (
        "dial 0: 0 ready, 10.3 expected to free up in 11 s, 0 ringing, p(answer) 0.30, abandonment budget is overdrawn "
        "(60 of 1000 live answers, cap 3 %), progressive: 60 abandoned calls need 2000 live answers"
    )


@given(snapshots(), st.sampled_from((None, EXPERIENCED)), st.sampled_from(Guarantee))
def test_every_figure_of_a_reason_has_a_meaning(seen: Snapshot, memory: Memory | None, guarantee: Guarantee) -> None:
    """Whoever reads reasons as data finds each of them in the table."""
    assert set(make(Settings(guarantee=guarantee), memory).step(FREED, seen).reason.figures) <= set(FIGURES)
