"""What the floor cannot play is refused with a reason."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from dialer.sim.study.scenario import load_scenario
from tests.scoreboard.virtual_floor import layout as k
from tests.scoreboard.virtual_floor.random_source import length
from tests.scoreboard.virtual_floor.rules import Unplayable, new_state

SCREENED = {"machines": "screened"}


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"callees": SCREENED | {"patience_s": 4.0}}, "callees.patience_s"),
        ({"callees": SCREENED, "dialling": {"leads": 100}}, "dialling.leads"),
        ({"callees": SCREENED, "agents": {"ramp_down_s": 60.0, "shifts_known": True}}, "agents.shifts_known"),
    ],
)
def test_what_the_floor_does_not_have_is_refused(changes: dict[str, Any], reason: str) -> None:
    """With the setting's path, and never left out in silence."""
    with pytest.raises(Unplayable, match=reason):
        new_state(load_scenario(changes), 1, ())


@pytest.mark.parametrize(
    ("law", "mean_s", "deviation_s"),
    [
        ({"law": "lognormal", "mean_s": 120.0, "cv": 1.0}, 120.0, 120.0),
        ({"law": "exponential", "mean_s": 50.0}, 50.0, 50.0),
        ({"law": "uniform", "low_s": 600.0, "high_s": 1200.0}, 900.0, 173.2),
        ({"law": "constant", "mean_s": 9.0}, 9.0, 0.0),
    ],
)
def test_durations_follow_their_laws(law: dict[str, Any], mean_s: float, deviation_s: float) -> None:
    """Mean and standard deviation over many draws."""
    state = new_state(load_scenario({"callees": SCREENED, "agents": {"talk": law}}), 1, ())
    drawn = np.array([length(state.laws, state.keys, k.TALK_LAW, n) for n in range(40_000)])

    assert drawn.mean() == pytest.approx(mean_s, rel=0.02)
    assert drawn.std() == pytest.approx(deviation_s, rel=0.06, abs=1e-9)


def test_streams_are_independent_of_each_other() -> None:
    """Talks say nothing about wrap-ups, nor one seed about another."""
    talks, wrapups = [], []
    for seed in (1, 2):
        state = new_state(load_scenario({"callees": SCREENED}), seed, ())
        talks.append(np.log([length(state.laws, state.keys, k.TALK_LAW, n) for n in range(5000)]))
        wrapups.append(np.log([length(state.laws, state.keys, k.WRAPUP_LAW, n) for n in range(5000)]))

    assert abs(np.corrcoef(talks[0], wrapups[0])[0, 1]) < 0.05
    assert abs(np.corrcoef(talks[0], talks[1])[0, 1]) < 0.05
