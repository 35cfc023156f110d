"""Sinch Contact Center: a call for each free agent and for a moving share of the busy ones.

Described from its documentation: calls = free agents + ratio % x busy agents; the ratio is raised by and by and lowered
when the abandon ratio is met. Steps and their time are not published; here, every 60 s, it rises by 5 points while the
ledger's abandon rate is below the limit and else falls by 10, within 0..100. Left open as well, and here so: busy are
agents who talk or wrap up, it looks whenever it is asked.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from dialer.sim.baselines.limits import Beat, decided, idle, placeable, unserved
from pacing.api import Decision, Forgetful, Observation, Snapshot


@dataclass(frozen=True, slots=True)
class SinchSettings:
    """The abandon ratio is a share (documented default 1 %, at most 20 %); raises and falls are shares too."""

    abandon_limit: float = 0.01
    every_s: float = 60.0
    rise: float = 0.05
    fall: float = 0.10

    def __post_init__(self) -> None:
        """Raises ValueError for a limit outside the documented range."""
        if not 0.0 <= self.abandon_limit <= 0.2:
            raise ValueError(f"abandon_limit is {self.abandon_limit:g}, it must be within 0 and 0.2")


class Sinch(Forgetful):
    """A pacer that calls for free agents and a share of the busy ones."""

    def __init__(self, settings: SinchSettings) -> None:
        self.settings = settings
        self.share = 0.0
        self.moving: Beat | None = None

    def step(self, observations: tuple[Observation, ...], snapshot: Snapshot) -> Decision:
        """Move the share when its time has come; fill up."""
        settings, now, ledger = self.settings, snapshot.now, snapshot.ledger
        if self.moving is None:
            self.moving = Beat(settings.every_s, now + settings.every_s)
        if self.moving.due(now):
            below = ledger.abandoned < settings.abandon_limit * max(1, ledger.answered)
            self.share = max(0.0, min(1.0, self.share + (settings.rise if below else -settings.fall)))
        if snapshot.agents <= 0:
            return idle(snapshot)
        busy = snapshot.agents - snapshot.ready
        calls = snapshot.ready + math.floor(self.share * busy + 1e-9)
        dial = placeable(calls - unserved(snapshot), snapshot)
        return decided(dial, f"{snapshot.ready} free, {100.0 * self.share:.0f} % of {busy} busy")

    def learnt(self) -> dict[str, float]:
        """The share of busy agents that are called for."""
        return {"busy_share": self.share}
