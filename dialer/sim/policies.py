"""The policies that a study compares, by name: this product's modes, and the published methods of other dialers."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Final

from dialer.sim.baselines import BASELINES, MakeBaseline
from pacing.api import Guarantee, Mode, Pacer, Settings
from pacing.policies import make

_GUARANTEES: Final = {"predictive": Guarantee.STATISTICAL, "predictive-hard": Guarantee.HARD}


def _predictive(guarantee: Guarantee, settings: Settings, _: int) -> Pacer:
    return make(replace(settings, mode=Mode.PREDICTIVE, guarantee=guarantee))


POLICIES: Final[dict[str, MakeBaseline]] = {
    **{name: partial(_predictive, guarantee) for name, guarantee in _GUARANTEES.items()},
    **BASELINES,
}
"""Name -> what makes a pacer from settings and a seed. `predictive`, `predictive-hard`, `progressive` and `ratio` are
this product's; the others follow the published rules of other dialers (`dialer.sim.baselines`)."""


def pacer_after_restart(policy: str, settings: Settings, seed: int, before: Pacer | None) -> Pacer:
    """The pacer after a restart of the daemon, from the memory of the one `before`; fresh without one, or where a
    policy remembers nothing."""
    memory = before.memory() if before is not None else None
    guarantee = _GUARANTEES.get(policy)
    if not memory or guarantee is None:
        return POLICIES[policy](settings, seed)
    return make(replace(settings, mode=Mode.PREDICTIVE, guarantee=guarantee), memory)
