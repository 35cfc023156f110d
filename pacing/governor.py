"""The governor: whatever a policy proposes, it can only reduce.

It knows the campaign's limits, the abandonment budget of the counting window and, if asked for, the hard guarantee.
Everything here is a pure function of the settings and the snapshot.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum

from pacing.face import Guarantee, Ledger, Settings, Snapshot


class Brake(StrEnum):
    """What held a decision down."""

    NO_AGENT = "no agent is working"
    NO_LEAD = "no lead is due"
    NO_LINE = "no line is free"
    CALLS_PER_AGENT = "the limit of calls for each agent is reached"
    BUDGET = "the abandonment budget is spent"
    GUARANTEE = "the hard guarantee allows no more"


@dataclass(frozen=True, slots=True)
class Governed:
    """The number that may be dialled, and what held it down; `brake` is None if nothing did."""

    dial: int
    brake: Brake | None


def covered(snapshot: Snapshot) -> int:
    """How many calls may start so that every call in flight has a ready agent: the progressive rule."""
    return max(0, snapshot.ready - len(snapshot.ringing_age_s) - len(snapshot.waiting_age_s))


def limit(settings: Settings, snapshot: Snapshot) -> Governed:
    """The most that lines, leads and agents permit, and the brake that binds first."""
    agents = snapshot.agents
    if agents <= 0:
        return Governed(0, Brake.NO_AGENT)
    in_flight = len(snapshot.ringing_age_s) + len(snapshot.waiting_age_s)
    choices = (
        (snapshot.leads_available, Brake.NO_LEAD),
        (snapshot.lines_free, Brake.NO_LINE),
        (math.floor(settings.max_calls_per_agent * agents) - in_flight, Brake.CALLS_PER_AGENT),
    )
    most, brake = min(choices, key=lambda choice: choice[0])
    return Governed(max(0, most), brake)


def slack_calls(cap: float, ledger: Ledger) -> float:
    """How many more calls could be abandoned if the next one is a live answer: cap * (n + 1) - A, in calls.

    With a slack of at least 1 the next answer may be abandoned and the cap still holds. Section A.6.
    """
    return cap * (ledger.answered + 1) - ledger.abandoned


def budget_spent(cap: float, ledger: Ledger) -> bool:
    """Whether the abandoned calls have reached the cap; then only covered calls may start."""
    return slack_calls(cap, ledger) <= 0.0


def guaranteed(cap: float, snapshot: Snapshot) -> int:
    """The most calls that may start so that the cap holds even if every uncovered call is answered and abandoned.

    Section A.6: with k calls in flight beyond the ready agents, (A + k) / (n + k) <= cap. Waiting calls are in n
    already, so they do not enlarge the denominator again. Covered calls may always start: they leave k as it is. What
    the rule cannot foresee is a ready agent who leaves while the covering call rings.
    """
    ledger = snapshot.ledger
    waiting = len(snapshot.waiting_age_s)
    if cap >= 1.0:
        return max(0, snapshot.lines_free)
    # A + k <= cap * (n + k - waiting), solved for k.
    uncovered = math.floor((cap * (ledger.answered - waiting) - ledger.abandoned) / (1.0 - cap) + 1e-9)
    return max(0, snapshot.ready + uncovered - len(snapshot.ringing_age_s) - waiting)


def govern(proposed: int, settings: Settings, snapshot: Snapshot) -> Governed:
    """Reduce a proposal to what limits, budget and guarantee permit; never more than proposed, never negative."""
    proposed = max(0, proposed)
    most = limit(settings, snapshot)
    dial, brake = (most.dial, most.brake) if most.dial < proposed else (proposed, None)
    if not settings.mode.can_abandon:
        return Governed(dial, brake)
    safe = covered(snapshot)
    if dial > safe and budget_spent(settings.max_abandon_rate, snapshot.ledger):
        dial, brake = safe, Brake.BUDGET
    if settings.guarantee is Guarantee.HARD and dial > safe:
        firm = max(safe, guaranteed(settings.max_abandon_rate, snapshot))
        if dial > firm:
            dial, brake = firm, Brake.GUARANTEE
    return Governed(dial, brake)
