"""Impact Dialing's simulation and its dial loop."""

from __future__ import annotations

from random import Random

import pytest

from dialer.sim.baselines.impact import Impact, ImpactSettings, best_ratio, candidates, try_ratio
from pacing.api import CallAnswered, CallFailed, Ledger, Observation, TalkEnded
from tests.pacing.cases import snapshot

CLEAN = Ledger(1000, 0)


def attempts(answered: int, failed: int) -> tuple[Observation, ...]:
    talks = (TalkEnded(0.0, 60.0),) * answered
    return (*(CallAnswered(0.0, 9.0),) * answered, *(CallFailed(0.0, 20.0),) * failed, *talks)


def test_six_candidates_never_below_one() -> None:
    """At one answer in twelve the ratios are 2 to 12; at one in two they begin with five ones or so."""
    assert candidates(120, 10) == [2.0, 4.0, 6.0, 8.0, 10.0, 12.0]
    assert candidates(100, 50) == [1.0, 1.0, 1.0, pytest.approx(4 / 3), pytest.approx(5 / 3), 2.0]


def test_one_call_for_each_idle_agent_abandons_nobody() -> None:
    """At a ratio of 1 every answer finds the agent it was dialled for."""
    assert try_ratio(1.0, 10, 0.5, (60.0,), Random(1)).abandon_rate == 0.0


def test_an_answer_without_an_idle_agent_is_abandoned_on_the_spot() -> None:
    """Everybody idle at first, everybody answers: half of two calls for each agent are abandoned, all at once."""
    trial = try_ratio(2.0, 10, 1.0, (1000.0,), Random(1))
    assert trial.abandon_rate == 0.5
    assert trial.use == pytest.approx(230 / 240)  # the first ten seconds ring


def test_wrapup_and_ringing_take_their_time() -> None:
    """One agent, every call answered after 10 s, 20 s of talk, 5 s of wrap-up: 20 of every 35 s in use."""
    trial = try_ratio(1.0, 1, 1.0, (20.0,), Random(1))
    assert trial.use == pytest.approx((6 * 20 + 20) / 240)


def test_unanswered_calls_ring_fifteen_seconds() -> None:
    """Nobody answers: nobody is used, nobody is abandoned."""
    trial = try_ratio(3.0, 5, 0.0, (20.0,), Random(1))
    assert (trial.use, trial.abandon_rate) == (0.0, 0.0)


def test_the_best_acceptable_ratio_is_kept() -> None:
    """A tolerant campaign gets the highest ratio, a strict one a lower, one that accepts nothing 1."""
    outcomes = [True] * 10 + [False] * 90
    tolerant, strict = (best_ratio(20, outcomes, (60.0,), rate, Random(1)) for rate in (1.0, 0.03))
    assert tolerant == pytest.approx(10.0, rel=0.4)
    assert 1.0 <= strict < tolerant
    assert best_ratio(20, outcomes, (60.0,), 0.0, Random(1)) == 1.0


def test_nothing_to_learn_from_is_one() -> None:
    """No answer, or no talk yet."""
    assert best_ratio(20, [False] * 60, (60.0,), 0.03, Random(1)) == 1.0
    assert best_ratio(20, [True] * 60, (), 0.03, Random(1)) == 1.0


@pytest.mark.parametrize(("agents", "failed", "picks"), [(5, 40, True), (4, 40, False), (5, 39, False)])
def test_few_agents_or_attempts_get_one(agents: int, failed: int, picks: bool) -> None:
    """Five agents and fifty attempts are needed."""
    pacer = Impact(ImpactSettings(acceptable_rate=1.0))
    pacer.step(attempts(10, failed), snapshot(ready=agents, talking_age_s=(), wrapup_age_s=()))
    assert (pacer.best > 1.0) is picks


def ready_pacer(best: float) -> Impact:
    """One that dialled lately and has picked a ratio."""
    pacer = Impact(ImpactSettings())
    assert pacer.step((), snapshot(now=0.0, ready=10)).dial == 10
    pacer.best = best
    return pacer


def test_it_dials_the_picked_ratio() -> None:
    """Factor x ready less what rings and waits, the fraction cut off."""
    floor = snapshot(now=1.0, ready=3, ringing_age_s=(1.0,), waiting_age_s=(1.0,), ledger=CLEAN)
    assert ready_pacer(2.5).step((), floor).dial == 5


def test_the_admins_limit_caps_the_ratio() -> None:
    """However good nine lines look, four it is."""
    assert ready_pacer(9.0).step((), snapshot(now=1.0, ready=3, ledger=CLEAN)).dial == 12


def test_over_the_acceptable_rate_it_dials_three_quarters() -> None:
    """4 x 0.75 is 3 lines; never less than one."""
    over = Ledger(1000, 31)
    assert ready_pacer(4.0).step((), snapshot(now=1.0, ready=3, ledger=over)).dial == 9
    assert ready_pacer(1.0).step((), snapshot(now=1.0, ready=3, ledger=over)).dial == 3
    assert ready_pacer(4.0).step((), snapshot(now=1.0, ready=3, ledger=Ledger(1000, 30))).dial == 12


def test_after_ten_quiet_minutes_it_begins_with_one() -> None:
    """The picked ratio does not apply to the first calls after a pause."""
    pacer = ready_pacer(4.0)
    assert pacer.factor(snapshot(now=600.0, ledger=CLEAN)) == 4.0
    assert pacer.factor(snapshot(now=601.0, ledger=CLEAN)) == 1.0


def test_it_looks_every_second_and_picks_every_minute() -> None:
    """Asked every tenth of a second."""
    pacer = Impact(ImpactSettings())
    asked = [pacer.step((), snapshot(now=tenth / 10)) for tenth in range(31)]
    assert [tenth for tenth, decision in enumerate(asked) if decision.dial] == [0, 10, 20, 30]
    pacer.best = 3.0
    assert pacer.step((), snapshot(now=59.0, ledger=CLEAN)).dial == 9
    pacer.step((), snapshot(now=60.0, ledger=CLEAN))
    assert pacer.best == 1.0  # picked anew: nothing was seen


def test_settings_are_checked() -> None:
    """A limit below one call for each agent would never dial."""
    with pytest.raises(ValueError, match="most_ratio"):
        ImpactSettings(most_ratio=0.5)
    with pytest.raises(ValueError, match="acceptable_rate"):
        ImpactSettings(acceptable_rate=3.0)
