"""From what was learnt and one snapshot to the numbers a predictive decision needs.

The tables depend on what was learnt only, so they are made at most once a second; each step looks its ages up in them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pacing.compiled import Floats, floats
from pacing.face import Snapshot
from pacing.kernels import EXACT_UP_TO, answered_by, dial_exact, dial_normal, free_by, lookup
from pacing.learn import RING_BIN_S, Learnt

HORIZONS = 8
SLICES = 10
AGE_FIRST_S = 4.0
AGES_PER_DECADE = 12.0
AGE_ROWS = 40
TABLES_LAST_S = 1.0


@dataclass(frozen=True, slots=True)
class Tables:
    """Probabilities by age (rows) and horizon (columns).

    `made_at` is the snapshot time they were made. `horizon_s` are the equally likely times to answer of a call started
    now. Talk and wrap-up rows stand at `AGE_FIRST_S * (10**(row / AGES_PER_DECADE) - 1)` seconds, ringing rows at
    multiples of `RING_BIN_S`.
    """

    made_at: float
    horizon_s: Floats
    talk_free: Floats
    wrapup_free: Floats
    answered: Floats
    probability: float


@dataclass(frozen=True, slots=True)
class Forecast:
    """One snapshot in probabilities: busy agents and ringing calls (rows) by horizon (columns)."""

    free: Floats
    ringing: Floats
    fresh: Floats
    spare: int
    probability: float
    horizon_s: float
    frees: float
    answers: float


@dataclass(frozen=True, slots=True)
class Proposal:
    """`dial` calls are tolerable; the one after them has the risk `next_risk`; `taken_risk` sums over the `dial`."""

    dial: int
    next_risk: float
    taken_risk: float


def make_tables(learnt: Learnt, snapshot: Snapshot, grace_s: float) -> Tables:
    """Tables for the present state of knowledge."""
    ages_s = AGE_FIRST_S * (10.0 ** (np.arange(AGE_ROWS) / AGES_PER_DECADE) - 1.0)
    answers = learnt.answers
    horizon_s = answers.quantiles_s(HORIZONS)
    within_s = horizon_s + grace_s
    talk = learnt.talk.hazard(snapshot.talking_age_s)
    wrapup = learnt.wrapup.hazard(snapshot.wrapup_age_s)
    none = floats(())
    return Tables(
        made_at=snapshot.now,
        horizon_s=horizon_s,
        talk_free=free_by(ages_s, within_s, learnt.talk.edges_s, talk, learnt.wrapup.edges_s, wrapup, SLICES),
        wrapup_free=free_by(ages_s, within_s, learnt.wrapup.edges_s, wrapup, none, none, SLICES),
        answered=answered_by(answers.probability, answers.answer_cdf(), answers.failure_cdf(), RING_BIN_S, horizon_s),
        probability=answers.probability,
    )


def stale(tables: Tables | None, now: float) -> bool:
    """Whether tables are missing or too old; also after a step back of the clock."""
    return tables is None or not 0.0 <= now - tables.made_at < TABLES_LAST_S


def make_forecast(tables: Tables, snapshot: Snapshot, grace_s: float) -> Forecast:
    """Look the ages of one snapshot up."""
    talk = lookup(floats(snapshot.talking_age_s), AGE_FIRST_S, AGES_PER_DECADE, tables.talk_free)
    wrapup = lookup(floats(snapshot.wrapup_age_s), AGE_FIRST_S, AGES_PER_DECADE, tables.wrapup_free)
    free = np.concatenate((talk, wrapup))
    ringing = lookup(floats(snapshot.ringing_age_s), RING_BIN_S, 0.0, tables.answered)
    # Calls past the grace are lost already and take no agent.
    waiting = sum(1 for age_s in snapshot.waiting_age_s if age_s < grace_s)
    return Forecast(
        free=free,
        ringing=ringing,
        fresh=np.ascontiguousarray(tables.answered[0]),
        spare=snapshot.ready - waiting,
        probability=tables.probability,
        horizon_s=float(tables.horizon_s.mean()),
        frees=float(free.mean(axis=1).sum()) if free.size else 0.0,
        answers=float(ringing.mean(axis=1).sum()) if ringing.size else 0.0,
    )


def dial_within(forecast: Forecast, tolerated: float, at_most: int) -> Proposal:
    """How many calls may start while the risk of each is tolerable, and at most `at_most`."""
    trials = forecast.free.shape[0] + forecast.ringing.shape[0] + max(0, forecast.spare)
    kernel = dial_exact if trials <= EXACT_UP_TO else dial_normal
    return Proposal(*kernel(forecast.free, forecast.ringing, forecast.fresh, forecast.spare, tolerated, at_most))
