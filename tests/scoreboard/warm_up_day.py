"""Ours on a day that is not its first: the daemon keeps what its pacers have learnt, so most mornings are not cold."""

from __future__ import annotations

from typing import Final

from dialer.sim.study.scenario import Scenario
from pacing.api import Pacer
from pacing.learning.state_codec import with_stale_rate
from pacing.policies import make
from tests.scoreboard.entrants import OURS, pacer_of, settings_of
from tests.scoreboard.virtual_floor.floor import play

EVE: Final = 10_000
"""What is added to the seed of a day for the day before it; no day of the page has such a seed."""


def next_day_pacer(scenario: Scenario, seed: int) -> Pacer:
    """The predictive pacer that goes on from the memory of one that has played another day of the same scenario.

    That day counts nowhere: its calls are in no ledger and its figures in no table.
    """
    before = pacer_of(OURS, scenario, seed + EVE)
    play(scenario, before, seed + EVE)
    return make(settings_of(scenario), with_stale_rate(before.memory()))
