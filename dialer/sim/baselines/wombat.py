"""WombatDialer's queue endpoint: available agents times a fixed boost.

Described from its documentation ("understand queue ep"). The adaptive model of the campaign is not published and not
modelled. Left open, and here so: agents in wrap-up are not available; an attempt is concurrent until it is served; no
limit of channels beside the simulated lines; it looks whenever it is asked.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from dialer.sim.baselines.limits import decided, idle, placeable, unserved
from pacing.api import Decision, Forgetful, Observation, Snapshot


@dataclass(frozen=True, slots=True)
class WombatSettings:
    """`boost` in attempts for each available agent; nothing is placed while more than `most_waiting` calls wait."""

    boost: float = 1.0
    most_waiting: int = 2

    def __post_init__(self) -> None:
        """Raises ValueError for a negative boost."""
        if self.boost < 0.0:
            raise ValueError(f"boost is {self.boost:g}, it must not be negative")


class Wombat(Forgetful):
    """A pacer that keeps floor(available x boost) attempts going."""

    def __init__(self, settings: WombatSettings) -> None:
        self.settings = settings

    def step(self, observations: tuple[Observation, ...], snapshot: Snapshot) -> Decision:
        """Fill up to the target, unless too many wait."""
        if snapshot.agents <= 0:
            return idle(snapshot)
        waiting = len(snapshot.waiting_age_s)
        if waiting > self.settings.most_waiting:
            return decided(0, f"{waiting} calls wait, at most {self.settings.most_waiting} may")
        target = math.floor(snapshot.ready * self.settings.boost + 1e-9)
        dial = placeable(target - unserved(snapshot), snapshot)
        return decided(dial, f"{snapshot.ready} available, target {target} attempts")
