"""Issabel's predictor and overcommit."""

from __future__ import annotations

import pytest

from dialer.language.decisions import sentence
from dialer.sim.baselines.issabel import Issabel, IssabelSettings, free_soon, overcommitted
from pacing.api import CallAnswered, CallFailed, Observation, TalkEnded
from tests.pacing.cases import snapshot

PLAIN = IssabelSettings()
OVERCOMMIT = IssabelSettings(overcommit=True)


def talks(count: int, talk_s: float) -> tuple[Observation, ...]:
    return tuple(TalkEnded(0.0, talk_s) for _ in range(count))


def outcomes(answered: int, failed: int, at: float = 0.0) -> tuple[Observation, ...]:
    return (*(CallAnswered(at, 8.0),) * answered, *(CallFailed(at, 20.0),) * failed)


def test_almost_nobody_is_free_soon() -> None:
    """At q = 0.97 a talk has to have lasted 3.51 times the mean, less the answer time."""
    mean_s = 120.0
    edge_s = 3.51 * mean_s - 8.0
    assert free_soon((edge_s - 1.0, edge_s + 1.0), 8.0, mean_s, 0.97) == 1
    assert free_soon((mean_s, 2 * mean_s, 3 * mean_s), 8.0, mean_s, 0.97) == 0


def test_the_predictor_needs_ten_calls() -> None:
    """After nine talks nobody is free soon, after ten an agent of long standing is."""
    floor = snapshot(ready=0, talking_age_s=(600.0, 10.0))
    for count, dial in ((9, 0), (10, 1)):
        assert Issabel(PLAIN).step(talks(count, 120.0), floor).dial == dial
    assert Issabel(IssabelSettings(predictive=False)).step(talks(10, 120.0), floor).dial == 0


def test_it_covers_free_agents_less_calls_in_flight() -> None:
    """Three free, one waiting, one ringing: one call."""
    assert Issabel(PLAIN).step((), snapshot(waiting_age_s=(1.0,), ringing_age_s=(5.0,))).dial == 1


def test_forced_calls_come_only_on_top_of_a_need() -> None:
    """Extra calls are added where a call is needed, and not elsewhere."""
    settings = IssabelSettings(extra=2)
    assert Issabel(settings).step((), snapshot()).dial == 5
    assert Issabel(settings).step((), snapshot(ready=0)).dial == 0


def test_it_looks_every_five_seconds() -> None:
    """Asked every tenth of a second it acts at 0, 5 and 10 s, and says so in between."""
    pacer = Issabel(PLAIN)
    decisions = [pacer.step((), snapshot(now=tenth / 10)) for tenth in range(101)]
    assert [tenth for tenth, decision in enumerate(decisions) if decision.dial] == [0, 50, 100]
    assert sentence(decisions[20]) == "dial 0: the next look is in 3.0 s"


@pytest.mark.parametrize(
    ("successes", "attempts", "dial"),
    [(9, 9, 3), (5, 10, 6), (0, 10, 3), (1, 10, 15), (2, 3, 3), (6, 15, 8)],
)
def test_overcommit_divides_by_the_success_rate(successes: int, attempts: int, dial: int) -> None:
    """Ten attempts and one success are needed; the rate is never taken below a fifth; halves round up."""
    assert overcommitted(3, successes, attempts, OVERCOMMIT) == dial


def test_overcommit_is_of_the_last_half_hour() -> None:
    """Outcomes of 30 minutes ago no longer count."""
    pacer = Issabel(OVERCOMMIT)
    assert pacer.step(outcomes(5, 5), snapshot(now=10.0)).dial == 6
    assert pacer.step((), snapshot(now=1801.0)).dial == 3
    assert Issabel(PLAIN).step(outcomes(5, 5), snapshot(now=10.0)).dial == 3


def test_the_answer_time_is_learnt() -> None:
    """Eight seconds, then the mean."""
    pacer = Issabel(PLAIN)
    assert pacer.learnt()["answer_s"] == 8.0
    pacer.step((CallAnswered(0.0, 10.0), CallAnswered(0.0, 14.0)), snapshot())
    assert pacer.learnt()["answer_s"] == 12.0


def test_no_agent_no_call() -> None:
    """When all agents have left, it stops."""
    assert Issabel(OVERCOMMIT).step((), snapshot(ready=0, talking_age_s=(), wrapup_age_s=(), paused=9)).dial == 0


def test_shares_are_checked() -> None:
    """A certainty of 1 would never be met."""
    with pytest.raises(ValueError, match="certainty"):
        IssabelSettings(certainty=1.0)
