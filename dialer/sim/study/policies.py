"""The policies that a study compares, by name: this product's modes, and the published methods of other dialers."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Final

from dialer.sim.baselines import BASELINES, MakeBaseline
from pacing.face import Guarantee, Mode, Pacer, Settings
from pacing.policies import make


def _predictive(guarantee: Guarantee, settings: Settings, _: int) -> Pacer:
    return make(replace(settings, mode=Mode.PREDICTIVE, guarantee=guarantee))


POLICIES: Final[dict[str, MakeBaseline]] = {
    "predictive": partial(_predictive, Guarantee.STATISTICAL),
    "predictive-hard": partial(_predictive, Guarantee.HARD),
    **BASELINES,
}
"""Name -> what makes a pacer from settings and a seed. `predictive`, `predictive-hard`, `progressive` and `ratio` are
this product's; the others follow the published rules of other dialers (`dialer.sim.baselines`)."""
