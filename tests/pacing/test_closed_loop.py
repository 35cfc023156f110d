"""Pacers on the scoreboard's floor, hours of virtual time in a second, the cold start included."""

from __future__ import annotations

import os
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from dialer.sim.study.scenario import Scenario, load_scenario
from pacing.api import Decision, Guarantee, Ledger, Memory, Mode, Observation, Pacer, Rule, Settings, Snapshot, Window
from pacing.policies import make
from tests.pacing.cases import snapshot
from tests.scoreboard.virtual_floor.floor import play
from tests.scoreboard.virtual_floor.outcome import Outcome

pytestmark = pytest.mark.skipif(
    os.environ.get("NUMBA_DISABLE_JIT") == "1", reason="hours of decisions are too slow without the compiler"
)

SEEDS = (1, 2, 3)
HOUR_S = 3600.0


def floor(answer_rate: float, agents: int = 20, hours: float = 2.0, **changes: Any) -> Scenario:
    """Talks of two minutes, wrap-ups of half a minute, no machines; an agent has the call at once."""
    return load_scenario(
        {
            "hours": hours,
            "agents": {"count": agents, "pick_up_s": 0.0},
            "callees": {"answer_rate": answer_rate, "machine_rate": 0.0},
            **changes,
        }
    )


def day(scenario: Scenario, seed: int = 1, **settings: Any) -> Outcome:
    return play(scenario, make(Settings(ring_timeout_s=scenario.dialling.ring_timeout_s, **settings)), seed)


@pytest.mark.parametrize("seed", SEEDS[:2])
def test_predictive_beats_progressive_under_the_cap(seed: int) -> None:
    """20 agents, 30 % answers, 2 hours from cold: at least 10 points more utilisation, abandon rate under 3 %."""
    predictive = day(floor(0.3), seed)
    progressive = day(floor(0.3), seed, mode=Mode.PROGRESSIVE)
    assert progressive.abandoned == 0
    assert predictive.abandon_rate <= 0.03
    assert predictive.abandon_rate >= 0.015  # the budget is used, not left
    assert predictive.utilisation >= progressive.utilisation + 0.10


def test_a_lower_cap_is_held_too() -> None:
    """At a 1 % cap the rate stays under it, and the gain over progressive (43 %) is still large at 10 % answers."""
    outcome = day(floor(0.1), max_abandon_rate=0.01)
    assert outcome.abandon_rate <= 0.01
    assert outcome.utilisation >= 0.70


def test_a_surge_of_answers_does_not_break_the_cap() -> None:
    """When the answer rate triples within a minute, the window stays under the cap and the agents busy."""
    surge = {"of": "answer_rate", "at_min": 60.0, "over_min": 1.0, "to": 0.3}
    outcome = day(floor(0.1, drifts=[surge]))
    assert outcome.abandon_rate <= 0.03
    assert outcome.utilisation >= 0.80


def test_agents_leaving_together_do_not_break_the_cap() -> None:
    """When 40 % of the agents go within a minute and come back later, the window stays under the cap."""
    leave = {"kind": "agents_leave", "at_min": 60.0, "share": 0.4, "within_s": 60.0, "for_min": 20.0}
    assert day(floor(0.3, shocks=[leave])).abandon_rate <= 0.03


@pytest.mark.parametrize("cap", [0.03, 0.01])
def test_the_hard_guarantee_is_never_over_the_cap(cap: float) -> None:
    """With guarantee = hard there is not one second over the cap, and still more utilisation than progressive."""
    outcome = day(floor(0.3), guarantee=Guarantee.HARD, max_abandon_rate=cap)
    assert outcome.over_s(cap) == 0.0
    assert outcome.utilisation >= day(floor(0.3), mode=Mode.PROGRESSIVE).utilisation + 0.05


@dataclass
class Counted:
    """A pacer that is shown other counting windows than the day: `hourly`, each hour by itself, with its cap."""

    pacer: Pacer
    hourly: float
    instead: bool
    begun: Ledger = field(default_factory=Ledger)
    now: Ledger = field(default_factory=Ledger)
    hours: list[Ledger] = field(default_factory=list)

    def step(self, observations: tuple[Observation, ...], snapshot: Snapshot) -> Decision:
        if snapshot.now >= (len(self.hours) + 1) * HOUR_S:
            self.hours.append(self.now)
            self.begun = snapshot.ledger
        day = snapshot.ledger
        self.now = Ledger(day.answered - self.begun.answered, day.abandoned - self.begun.abandoned)
        if self.instead:
            return self.pacer.step(observations, replace(snapshot, ledger=self.now))
        windows = (Window("the hour", self.hourly, self.now),)
        return self.pacer.step(observations, replace(snapshot, windows=windows))

    def learnt(self) -> dict[str, float]:
        return self.pacer.learnt()

    def memory(self) -> Memory:
        return self.pacer.memory()


@pytest.mark.parametrize("instead", [True, False], ids=["the only window", "beside the day"])
def test_every_new_window_is_held(instead: bool) -> None:
    """With a ledger that begins anew every hour, every hour ends under its cap, and the day under its own."""
    pacer = Counted(make(Settings(ring_timeout_s=20.0)), 0.03, instead)
    outcome = play(floor(0.3, agents=30, hours=4.0), pacer, 1)
    ended = [*pacer.hours, pacer.now]
    assert len(ended) == 4
    assert all(hour.abandoned <= 0.03 * hour.answered for hour in ended)
    assert outcome.abandon_rate <= 0.03
    assert outcome.utilisation >= 0.80


@pytest.mark.parametrize(("answer_rate", "agents"), [(0.3, 60), (0.15, 100), (0.1, 200)])
def test_a_cold_start_of_a_large_floor_abandons_few(answer_rate: float, agents: int) -> None:
    """Everybody begins at once and nothing is known: the first quarter of an hour is under the cap, nobody idle long.

    Answers come before time-outs do; whoever counts calls as they end loses most of the first hundreds of people.
    """
    for seed in SEEDS[:2]:
        outcome = day(floor(answer_rate, agents, hours=0.25), seed)
        assert outcome.abandon_rate <= 0.035
        assert outcome.utilisation >= 0.80


def test_a_restart_in_the_middle_is_no_cold_start() -> None:
    """A pacer that goes on from another one's memory is predictive from its first decision, and agents wait less."""
    learnt = make(Settings(ring_timeout_s=20.0))
    play(floor(0.1, hours=1.0), learnt, 1)
    first = snapshot(ready=20, talking_age_s=(), wrapup_age_s=(), ledger=Ledger())
    rules = [make(Settings(ring_timeout_s=20.0), m).step((), first).reason.rule for m in (None, learnt.memory())]
    assert rules == [Rule.LEARNING, Rule.PREDICTIVE]
    cold, warm = (
        [play(floor(0.1, hours=0.25), make(Settings(ring_timeout_s=20.0), m), seed) for seed in SEEDS]
        for m in (None, learnt.memory())
    )
    assert sum(one.utilisation for one in warm) > sum(one.utilisation for one in cold)
    assert sum(one.abandoned for one in warm) <= 0.05 * sum(one.answered for one in warm)
