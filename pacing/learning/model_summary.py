"""What a pacer has learnt, for people: probabilities, laws of durations as quantiles and curves, the tolerated risk.

Pure: from a memory (`Pacer.memory()`) and the settings it was learnt under. What is missing or odd in a memory is as
it is in a pacer that goes on from it: the prior.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np

from pacing.api import Memory, Mode, Settings
from pacing.compiled import Floats
from pacing.kernels import RING_BIN_S
from pacing.learning.durations import Durations
from pacing.learning.learn import Model
from pacing.learning.ringing import FAILED
from pacing.learning.ringing import Law as RingLaw
from pacing.risk_control import RiskControl

SHARES: Final = (0.1, 0.5, 0.9)
"""The quantiles of a law."""

CURVE_POINTS: Final = 60
CURVE_ENDS_AT: Final = 0.98
"""A curve reaches to the time by which this share has ended."""

HORIZON_S: Final = 7 * 86_400.0
HOURS: Final = tuple(str(hour) for hour in range(24))


@dataclass(frozen=True, slots=True)
class Law:
    """A law of durations: how many were seen, their mean, the quantiles of `SHARES`, and the share that still lasts at
    the times `step_s * 0, 1, 2, ...`."""

    seen: int
    mean_s: float
    quantiles_s: tuple[float, ...]
    step_s: float
    lasting: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Share:
    """A probability of an answer, and how many (discounted) calls it rests upon."""

    probability: float
    calls: float


@dataclass(frozen=True, slots=True)
class ModelSummary:
    """Everything one pacer has learnt.

    `answers` is the overall probability that a call is answered, `hours` the same by the callees' hour of the day,
    `trunks` by trunk. `calls_to_go` finished calls are still to be seen before a forecast is made. `tolerated`
    is the risk of a single call that is tolerated before the ledger is looked at, `calibration` the abandoned calls for
    each one that the forecast predicted.
    """

    answers: Share
    hours: tuple[tuple[int, Share], ...]
    trunks: tuple[tuple[str, Share], ...]
    ringing: Law
    talk: Law
    wrapup: Law
    calls_to_go: float
    tolerated: float
    calibration: float


def model_summary(memory: Memory, settings: Settings) -> ModelSummary | None:
    """The summary of a memory; None where the mode learns nothing and nothing is known from before."""
    if settings.mode is not Mode.PREDICTIVE and not memory:
        return None
    model = Model(settings.ring_timeout_s, memory)
    risk_control = RiskControl(settings.max_abandon_rate, memory)
    answers = model.answers
    law = answers.ringing.law()
    return ModelSummary(
        answers=Share(law.probability * (1.0 - answers.refused_share), law.calls),
        hours=tuple(sorted((int(hour), share) for hour, share in _shares(memory, "hours") if hour in HOURS)),
        trunks=tuple(sorted(_shares(memory, "trunks"), key=lambda one: -one[1].calls)),
        ringing=_ringing(law, sum(answers.ringing.seen[:FAILED])),
        talk=_law(model.talk),
        wrapup=_law(model.wrapup),
        calls_to_go=model.calls_to_go,
        tolerated=risk_control.tolerated,
        calibration=risk_control.calibration,
    )


def _shares(memory: Memory, table: str) -> list[tuple[str, Share]]:
    """A table of a memory, name -> [answered, finished] calls (discounted); rows that are none are left out."""
    rows = memory.get(table)
    found = []
    for name, row in rows.items() if isinstance(rows, Mapping) else ():
        match row:
            case [int() | float() as answered, int() | float() as finished] if 0.0 <= answered <= finished < math.inf:
                if finished > 0.0 and isinstance(name, str):
                    found.append((name, Share(answered / finished, float(finished))))
    return found


def _law(durations: Durations) -> Law:
    """Of a hazard that is constant between edges: what lasts at the edges is exp(-sum of hazard x width), and between
    them the logarithm is linear; beyond the last edge its hazard goes on."""
    hazard = durations.hazard()
    spent = np.concatenate((np.zeros(1), np.cumsum(hazard[:-1] * np.diff(durations.edges_s))))

    def lasts(times_s: Floats) -> Floats:
        inside = np.interp(times_s, durations.edges_s, spent)
        beyond = hazard[-1] * np.maximum(0.0, times_s - durations.edges_s[-1])
        share: Floats = np.exp(-(inside + beyond))
        return share

    def when(share: float) -> float:
        wanted = -math.log1p(-share)
        if wanted > spent[-1]:
            return min(HORIZON_S, float(durations.edges_s[-1] + (wanted - spent[-1]) / hazard[-1]))
        return float(np.interp(wanted, spent, durations.edges_s))

    step_s = when(CURVE_ENDS_AT) / CURVE_POINTS
    curve = lasts(step_s * np.arange(CURVE_POINTS, dtype=np.float64))
    return Law(durations.seen, durations.mean_s, tuple(map(when, SHARES)), step_s, tuple(map(float, curve)))


def _ringing(answers: RingLaw, seen: int) -> Law:
    """How long calls ring that a person answers in the end."""
    cdf = answers.people / max(1e-9, float(answers.people[-1]))
    times_s = RING_BIN_S * np.arange(cdf.size)

    def when(share: float) -> float:
        return float(np.interp(share, cdf, times_s))

    step_s = when(CURVE_ENDS_AT) / CURVE_POINTS
    curve = 1.0 - np.interp(step_s * np.arange(CURVE_POINTS), times_s, cdf)
    return Law(seen, answers.mean_s, tuple(map(when, SHARES)), step_s, tuple(map(float, curve)))
