"""The rate that the ledger comes to is the one that the floor shows the pacer."""

from __future__ import annotations

import pytest

from dialer.sim.study.scenario import Heard, load_scenario
from pacing.api import Decision, Ledger, Observation, Snapshot
from tests.scoreboard.counted import counted_rate
from tests.scoreboard.virtual_floor.floor import play


class Reckless:
    """Starts more calls than agents can take, and remembers the ledger."""

    ledger = Ledger()

    def step(self, _observations: tuple[Observation, ...], snapshot: Snapshot) -> Decision:
        self.ledger = snapshot.ledger
        return Decision(max(0, 40 - len(snapshot.ringing_age_s)))

    def learnt(self) -> dict[str, float]:
        return {}

    def memory(self) -> dict[str, object]:
        return {}


@pytest.mark.parametrize("heard", Heard)
def test_the_counted_rate_is_the_ledgers(heard: Heard) -> None:
    """At the end of a day on which many machines found no agent; and it is above the rate of people unless machines are
    known at once."""
    callees = {"answer_rate": 0.2, "machine_rate": 0.3, "machines": "agent", "kinds": heard.value}
    pacer = Reckless()
    day = play(load_scenario({"hours": 1.0, "agents": {"count": 10}, "callees": callees}), pacer, 1)

    assert day.machines_lost > 50
    assert counted_rate(day, heard) == pytest.approx(pacer.ledger.abandoned / pacer.ledger.answered, abs=0.005)
    assert (counted_rate(day, heard) == day.abandon_rate) == (heard is Heard.AT_ONCE)
