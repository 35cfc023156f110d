"""Calls without agents, and calls that may ask for one: what is lost stays within the cap."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialer.language.decisions import sentence
from pacing.api import Brake, CallFailed, Guarantee, Ledger, Mode, Observation, ScriptEnded, Settings, Snapshot
from pacing.policies import Script, make
from pacing.policies.script import lost_share, most_asks
from tests.pacing.cases import snapshot

ALONE = Settings(mode=Mode.SCRIPT)
ASKS = Settings(mode=Mode.SCRIPT, transfers=True, max_calls_per_agent=50.0)


def floor(ready: int, ringing: int = 0, in_script: int = 0, **more: object) -> Snapshot:
    """Agents who are ready, and calls that may need them."""
    return snapshot(
        **{
            "ready": ready,
            "ringing_age_s": (1.0,) * ringing,
            "in_script": in_script,
            "waiting_age_s": (),
            "talking_age_s": (),
            "wrapup_age_s": (),
            "lines_free": 10_000,
            "leads_available": 10_000,
            **more,
        }
    )


def experience(calls: int, answered: float, asks: float) -> tuple[Observation, ...]:
    """So many ended calls, of which a share was answered, and of those a share asked for an agent."""
    scripts = round(calls * answered)
    asked = round(scripts * asks)
    return (
        *(ScriptEnded(0.0, place < asked) for place in range(scripts)),
        *(CallFailed(0.0, 20.0) for _ in range(calls - scripts)),
    )


def test_without_a_transfer_lines_and_leads_are_the_only_limits() -> None:
    """No agent is there, and none is missed."""
    pacer = make(ALONE)
    decision = pacer.step((), floor(0, lines_free=7))
    assert (decision.dial, decision.reason.brake) == (7, Brake.NO_LINE)
    assert pacer.step((), floor(0, leads_available=3)).dial == 3
    assert pacer.step((), floor(0, staffed_s=5.0)).dial == 0  # calling hours end
    assert "no agent" not in sentence(decision)


def test_until_it_is_known_how_many_ask_each_call_has_its_agent() -> None:
    """As in mode progressive, the calls in the script included."""
    pacer = make(ASKS)
    assert pacer.step((), floor(6, ringing=4, in_script=2)).dial == 2
    assert pacer.step((), floor(0)).dial == 0


def test_few_who_ask_let_many_calls_go_out() -> None:
    """With one in fifty asking, ten agents bear far more than ten calls; calls in the script weigh more."""
    pacer = make(ASKS)
    decision = pacer.step(experience(1000, 0.2, 0.1), floor(10))
    ringing, in_script = (pacer.step((), floor(10, ringing=40, in_script=count)).dial for count in (0, 40))
    assert 100 < decision.dial <= 500
    assert decision.reason.brake in {Brake.EXPOSURE, Brake.CALLS_PER_AGENT}
    assert ringing > in_script
    assert "of calls ask for an agent" in sentence(decision)


def test_the_budget_and_the_hard_guarantee_hold() -> None:
    """With the budget spent, or where no call may be lost, each call has its agent again."""
    known = experience(1000, 0.2, 0.1)
    assert make(ASKS).step(known, floor(10, ledger=Ledger(95, 3))).dial == 10
    hard = Settings(mode=Mode.SCRIPT, transfers=True, max_calls_per_agent=50.0, guarantee=Guarantee.HARD)
    assert make(hard).step(known, floor(10, ledger=Ledger(5, 0))).dial == 10


def test_what_was_learnt_is_kept_and_fades() -> None:
    """A new pacer goes on from the counts; of a campaign that has changed the old ones do not count for ever."""
    pacer = Script(ASKS)
    pacer.step(experience(1000, 0.2, 0.1), floor(0))
    assert Script(ASKS, pacer.memory()).learnt() == pacer.learnt() == {"asks_per_call": 0.02, "asks_per_answer": 0.1}
    pacer.step(experience(20_000, 0.2, 0.5), floor(0))
    assert pacer.learnt()["asks_per_answer"] > 0.4
    assert Script(ASKS, {"script_calls": "many", "script_asks": -1.0}).learnt()["asks_per_call"] == 0.0


@given(st.integers(1, 60), st.floats(0.005, 0.2))
def test_the_most_that_may_ask_is_what_the_cap_bears(agents: int, cap: float) -> None:
    """The share that is lost is at the cap there, by the sum that defines it."""
    asks = most_asks(agents, cap)
    assert lost_share(asks, agents) <= cap + 1e-6
    assert lost_share(asks * 1.01 + 0.01, agents) > cap - 1e-6


@pytest.mark.parametrize(("agents", "share"), [(3, 0.02), (10, 0.05), (40, 0.01)])
def test_even_if_all_asked_at_once_no_more_than_the_cap_is_lost(agents: int, share: float) -> None:
    """Drawn ten thousand times: calls as many as the pacer allows, each asks or not, agents take one each."""
    pacer, chance = make(ASKS), random.Random(7)
    calls = pacer.step(experience(2000, 1.0, share), floor(agents)).dial
    asked = lost = 0
    for _ in range(10_000):
        asks = sum(chance.random() < share for _ in range(calls))
        asked, lost = asked + asks, lost + max(0, asks - agents)
    assert calls >= agents
    assert lost / max(asked, 1) <= ASKS.max_abandon_rate
