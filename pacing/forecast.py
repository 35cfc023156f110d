"""From what was learnt and one snapshot to the numbers a predictive decision needs.

The tables depend on what was learnt only, so they are made every few seconds; each step looks its ages up in them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from pacing.api import Snapshot
from pacing.compiled import Floats, floats
from pacing.kernels import AGE_FIRST_S, AGE_ROWS, AGES_PER_DECADE, RING_BIN_S, answered_by, decide, free_by
from pacing.learning.learn import Model
from pacing.learning.ringing import FASTEST_S, Law

HORIZONS = 8
SLICES = 8
TABLES_LAST_S = 5.0
YOUNG_TABLES_LAST_S = 1.0
CALLS_YOUNG = 300.0
"""With fewer calls known, tables are made more often: each call changes them."""
AGES_S = AGE_FIRST_S * (10.0 ** (np.arange(AGE_ROWS) / AGES_PER_DECADE) - 1.0)
NONE = floats(())
ORDINARY = np.ones(4096)
"""The odds of ordinary calls: no step should have to make them."""


@dataclass(frozen=True, slots=True)
class Tables:
    """Probabilities by age (rows) and horizon (columns).

    `made_at` is the snapshot time they were made, `moves` how often the law of answers had been moved by then.
    `horizon_s` are the equally likely times to answer of a call started now. Talk and wrap-up rows stand at `AGES_S`,
    ringing rows at multiples of `RING_BIN_S`; `will` is the probability that a call of that age is answered at all.
    `odds` are those of an answer over the trunks that differ from the ordinary ones, as multiples of these.
    """

    made_at: float
    moves: int
    horizon_s: Floats
    talk_free: Floats
    wrapup_free: Floats
    answered: Floats
    will: Floats
    law: Law
    odds: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Proposal:
    """`dial` calls are tolerable; the one after them has the risk `next_risk`; `taken_risk` sums over the `dial`.

    `frees` agents are expected to come free and `answers` ringing calls to be answered in about `horizon_s`;
    `probability` is that of an answer to a call started now.
    """

    dial: int
    next_risk: float
    taken_risk: float
    frees: float
    answers: float
    horizon_s: float
    probability: float


def make_tables(model: Model, snapshot: Snapshot, grace_s: float) -> Tables:
    """Tables for the present state of knowledge."""
    answers = model.answers
    law = answers.law(snapshot.now, floats(snapshot.ringing_age_s))
    horizon_s = law.quantiles_s(HORIZONS)
    within_s = horizon_s + grace_s
    talk = model.talk.hazard(snapshot.now, snapshot.talking_age_s)
    wrapup = model.wrapup.hazard(snapshot.now, snapshot.wrapup_age_s)
    answered, will = answered_by(law.still, law.answers, RING_BIN_S, horizon_s)
    return Tables(
        made_at=snapshot.now,
        moves=answers.moves,
        horizon_s=horizon_s,
        talk_free=free_by(AGES_S, within_s, model.talk.edges_s, talk, model.wrapup.edges_s, wrapup, SLICES),
        wrapup_free=free_by(AGES_S, within_s, model.wrapup.edges_s, wrapup, NONE, NONE, SLICES),
        answered=answered,
        will=will,
        law=law,
        odds={trunk: odds for trunk in answers.trunks if (odds := answers.odds_of(trunk, law.probability)) != 1.0},
    )


def stale(tables: Tables, model: Model, now: float) -> bool:
    """Whether tables are too old; also after a step back of the clock, and when the law of answers has been moved."""
    last_s = TABLES_LAST_S if tables.law.calls >= CALLS_YOUNG else YOUNG_TABLES_LAST_S
    return not 0.0 <= now - tables.made_at < last_s or tables.moves != model.answers.moves


@dataclass(frozen=True, slots=True)
class Doubt:
    """What moves faster than the tables: the share of calls that is `refused` at once, and the factor `answers` by
    which answers are reckoned more likely than they seem."""

    refused: float
    answers: float


def propose(
    tables: Tables, snapshot: Snapshot, grace_s: float, doubt: Doubt, tolerated: float, at_most: int
) -> Proposal:
    """How many calls may start while the risk of each is at most `tolerated`, and at most `at_most`."""
    # Calls past the grace are lost already and take no agent.
    waiting = sum(1 for age_s in snapshot.waiting_age_s if age_s < grace_s)
    dial, next_risk, taken_risk, frees, answers = decide(
        floats(snapshot.talking_age_s),
        floats(snapshot.wrapup_age_s),
        floats(snapshot.ringing_age_s),
        _odds(tables, snapshot),
        tables.talk_free,
        tables.wrapup_free,
        tables.answered,
        tables.will,
        doubt.refused,
        FASTEST_S,
        doubt.answers,
        snapshot.ready - waiting,
        tolerated,
        at_most,
    )
    probability = tables.law.probability * (1.0 - doubt.refused)
    return Proposal(dial, next_risk, taken_risk, frees, answers, float(tables.horizon_s[HORIZONS // 2]), probability)


def _odds(tables: Tables, snapshot: Snapshot) -> Floats:
    """The odds of an answer of every ringing call, and last of the next one, as multiples of the ordinary call's."""
    size = len(snapshot.ringing_age_s) + 1
    if not tables.odds or len(snapshot.ringing_trunk) != size - 1:
        return ORDINARY[:size] if size <= ORDINARY.size else np.ones(size)
    odds = np.ones(size)
    odds[:-1] = [tables.odds.get(trunk, 1.0) for trunk in snapshot.ringing_trunk]
    odds[-1] = tables.odds.get(snapshot.next_trunk, 1.0)
    return odds
