"""The abandon rate as the ledger of a campaign comes to it, where machines answer and nobody knows in time."""

from __future__ import annotations

from dialer.sim.study.scenario import Heard
from tests.scoreboard.virtual_floor.outcome import Outcome


def counted_rate(day: Outcome, heard: Heard) -> float:
    """Abandoned by answered as the ledger ends the day. A machine that found no agent is an abandoned person to it,
    unless it was known at once; one that an agent has met leaves it when the agent says so, or never. At once, the
    rate is that of people alone."""
    if heard is Heard.AT_ONCE:
        return day.abandon_rate
    machines = day.machines_lost if heard is Heard.LATER else day.machines
    answered = day.answered + machines
    return (day.abandoned + day.machines_lost) / answered if answered else 0.0
