"""Other dialers' published pacing, to measure ours against: `BASELINES[name](settings, seed)` makes a pacer.

Every baseline gets the campaign's abandonment cap as its own drop limit and the campaign's ratio where it has a fixed
one; everything else is as that product ships. Lines, leads, grace and ring timeout are the simulated floor's, alike
for all. `progressive` and `ratio` are this product's own, under its governor; VICIdial's RATIO has no governor. A cap
that a product cannot be set to raises ValueError.

A pacer that acts only now and then has an attribute `asks_in_s`: after each step, when it wants to be asked again. A
simulator need not ask it before.

VICIdial's time of day is 09:00 where the snapshot's `now` is 0, so ADAPT_TAPERED has no brake for the first two hours;
make a `Vicidial` with another `starts_at_hhmm` to see it later in the day.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from types import MappingProxyType
from typing import Final

from dialer.sim.baselines.cisco import Cisco, CiscoSettings
from dialer.sim.baselines.impact import Impact, ImpactSettings
from dialer.sim.baselines.issabel import Issabel, IssabelSettings
from dialer.sim.baselines.sinch import Sinch, SinchSettings
from dialer.sim.baselines.vicidial import Vicidial
from dialer.sim.baselines.vicidial_level import Method, VicidialSettings
from dialer.sim.baselines.wombat import Wombat, WombatSettings
from pacing.api import Mode, Pacer, Settings
from pacing.policies import make

__all__ = ["BASELINES", "MakeBaseline"]

MakeBaseline = Callable[[Settings, int], Pacer]


def _ours(mode: Mode, settings: Settings, _: int) -> Pacer:
    return make(replace(settings, mode=mode))


def _vicidial(method: Method, available_only: bool, settings: Settings, _: int) -> Pacer:
    return Vicidial(
        VicidialSettings(
            method=method,
            level=settings.ratio if method is Method.RATIO else 1.0,
            drop_limit_percent=100.0 * settings.max_abandon_rate,
            available_only=available_only,
        )
    )


def _issabel(overcommit: bool, _settings: Settings, _seed: int) -> Pacer:
    return Issabel(IssabelSettings(overcommit=overcommit))


def _impact(settings: Settings, seed: int) -> Pacer:
    return Impact(ImpactSettings(acceptable_rate=settings.max_abandon_rate, seed=seed))


def _wombat(settings: Settings, _: int) -> Pacer:
    return Wombat(WombatSettings(boost=settings.ratio))


def _cisco(settings: Settings, _: int) -> Pacer:
    return Cisco(CiscoSettings(abandon_limit=settings.max_abandon_rate))


def _sinch(settings: Settings, _: int) -> Pacer:
    return Sinch(SinchSettings(abandon_limit=settings.max_abandon_rate))


BASELINES: Final[Mapping[str, MakeBaseline]] = MappingProxyType(
    {
        "progressive": partial(_ours, Mode.PROGRESSIVE),
        "ratio": partial(_ours, Mode.RATIO),
        "vicidial-ratio": partial(_vicidial, Method.RATIO, False),
        "vicidial-hard-limit": partial(_vicidial, Method.HARD_LIMIT, False),
        "vicidial-average": partial(_vicidial, Method.AVERAGE, False),
        "vicidial-tapered": partial(_vicidial, Method.TAPERED, False),
        "vicidial-ratio-available-only": partial(_vicidial, Method.RATIO, True),
        "vicidial-hard-limit-available-only": partial(_vicidial, Method.HARD_LIMIT, True),
        "vicidial-average-available-only": partial(_vicidial, Method.AVERAGE, True),
        "vicidial-tapered-available-only": partial(_vicidial, Method.TAPERED, True),
        "issabel": partial(_issabel, False),
        "issabel-overcommit": partial(_issabel, True),
        "impact": _impact,
        "wombat": _wombat,
        "cisco": _cisco,
        "sinch": _sinch,
    }
)
