"""Pacers in a small call centre, hours of virtual time in seconds."""

from __future__ import annotations

import os

import pytest

from pacing.face import Guarantee, Mode, Settings
from pacing.policies import make
from tests.pacing.mini_sim import Floor, Outcome, run

pytestmark = pytest.mark.skipif(
    os.environ.get("NUMBA_DISABLE_JIT") == "1", reason="hours of decisions are too slow without the compiler"
)

TWENTY = Floor(agents=20, probability=0.3, hours=2.0)


def play(floor: Floor, settings: Settings, seed: int = 1) -> Outcome:
    return run(floor, make(settings), seed, settings.max_abandon_rate)


def test_predictive_beats_progressive_under_the_cap() -> None:
    """20 agents, 30 % answers, 2 hours from cold: at least 10 points more utilisation, abandon rate under 3 %."""
    predictive = play(TWENTY, Settings())
    progressive = play(TWENTY, Settings(mode=Mode.PROGRESSIVE))
    assert progressive.abandoned == 0
    assert predictive.abandon_rate <= 0.03
    assert predictive.abandon_rate >= 0.015  # the budget is used, not left
    assert predictive.utilisation >= progressive.utilisation + 0.10


def test_a_lower_cap_is_held_too() -> None:
    """At a 1 % cap the rate stays under it and the gain over progressive (45 %) is still large at 10 % answers."""
    outcome = play(Floor(agents=20, probability=0.1, hours=1.5), Settings(max_abandon_rate=0.01))
    assert outcome.abandon_rate <= 0.01
    assert outcome.utilisation >= 0.65


def test_every_new_window_is_held() -> None:
    """With a ledger that begins anew every hour, every window ends under the cap."""
    outcome = play(Floor(agents=30, probability=0.3, hours=3.0, window_s=3600.0), Settings())
    assert len(outcome.windows) >= 3
    assert all(window.abandoned <= 0.03 * max(1, window.answered) for window in outcome.windows)


def test_a_sudden_drift_up_does_not_break_the_cap() -> None:
    """When the answer rate jumps from 10 to 30 %, the budget pays for the surprise and the window stays under."""
    floor = Floor(agents=20, probability=0.1, hours=2.0, drift_at_s=3600.0, drift_probability=0.3)
    assert play(floor, Settings()).abandon_rate <= 0.03


def test_agents_leaving_together_do_not_break_the_cap() -> None:
    """When 40 % of the agents go on break at once and come back at once, the window stays under the cap."""
    floor = Floor(agents=20, probability=0.3, hours=1.5, break_at_s=2400.0, back_at_s=3600.0)
    assert play(floor, Settings()).abandon_rate <= 0.03


def test_the_hard_guarantee_is_never_over_the_cap() -> None:
    """With guarantee = hard there is not one second over the cap, and still more utilisation than progressive."""
    outcome = play(TWENTY, Settings(guarantee=Guarantee.HARD))
    assert outcome.over_cap_s == 0.0
    assert outcome.worst_excess <= 0.0
    assert outcome.utilisation >= 0.75
