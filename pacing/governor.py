"""The governor: whatever a policy proposes, it can only reduce.

It knows the campaign's limits, the abandonment budget of the counting window and, if asked for, the hard guarantee.
Everything here is a pure function of the settings and the snapshot.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from pacing.api import Brake, Guarantee, Ledger, Mode, Settings, Snapshot, Window


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
    if snapshot.staffed_s < settings.ring_timeout_s:
        return Governed(0, Brake.SHIFT_END)
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


def ledgers(cap: float, snapshot: Snapshot) -> tuple[tuple[float, Ledger], ...]:
    """Every counting window as (cap, ledger), the campaign's own first."""
    return ((cap, snapshot.ledger), *((window.cap, window.ledger) for window in snapshot.windows))


def tightest(cap: float, snapshot: Snapshot) -> Window:
    """The counting window with the least slack; the campaign's own has no name."""
    own = Window("", cap, snapshot.ledger)
    if not snapshot.windows:
        return own
    return min((own, *snapshot.windows), key=lambda window: slack_calls(window.cap, window.ledger))


def budget_spent(cap: float, snapshot: Snapshot) -> bool:
    """Whether in some window the abandoned calls have reached the cap."""
    return any(slack_calls(limit, ledger) <= 0.0 for limit, ledger in ledgers(cap, snapshot))


def guaranteed(cap: float, snapshot: Snapshot) -> int:
    """The most calls that may start so that the cap holds even if every uncovered call is answered and abandoned.

    Section A.6: with k calls in flight beyond the ready agents, (A + k) / (n + k) <= cap. Waiting calls are in n
    already, so they do not enlarge the denominator again. Covered calls may always start: they leave k as it is. What
    the rule cannot foresee is a ready agent who leaves while the covering call rings.
    """
    waiting = len(snapshot.waiting_age_s)
    # A + k <= cap * (n + k - waiting), solved for k.
    uncovered = min(
        (
            math.floor((limit * (ledger.answered - waiting) - ledger.abandoned) / (1.0 - limit) + 1e-9)
            for limit, ledger in ledgers(cap, snapshot)
            if limit < 1.0
        ),
        default=snapshot.lines_free,
    )
    return max(0, snapshot.ready + uncovered - len(snapshot.ringing_age_s) - waiting)


def govern(proposed: int, most: Governed, settings: Settings, snapshot: Snapshot) -> Governed:
    """Reduce a proposal to what budget, guarantee and `most` (the `limit` of the same moment) permit.

    Never more than proposed, never negative.
    """
    proposed = max(0, proposed)
    dial, brake = (most.dial, most.brake) if most.dial < proposed else (proposed, None)
    if not settings.mode.can_abandon:
        return Governed(dial, brake)
    safe = covered(snapshot)
    hard = settings.guarantee is Guarantee.HARD
    # Predictive with the statistical guarantee steers by the ledger itself.
    if dial > safe and (hard or settings.mode is Mode.RATIO) and budget_spent(settings.max_abandon_rate, snapshot):
        return Governed(safe, Brake.BUDGET)
    if hard and dial > safe:
        firm = max(safe, guaranteed(settings.max_abandon_rate, snapshot))
        if dial > firm:
            dial, brake = firm, Brake.GUARANTEE
    return Governed(dial, brake)
