"""What a row of the scoreboard is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from dialer.sim.study.scenario import Scenario

CAP: Final = 0.03
STRICT_CAP: Final = 0.01


class Group(StrEnum):
    """What a row is about; its heading on the page."""

    STEADY = "Steady days"
    AT_ONCE = "Everybody at once"
    MACHINES = "Machines"
    SHOCKS = "Shocks"


@dataclass(frozen=True, slots=True)
class Row:
    """One scenario, and the caps that it is played under. `targets` has the utilisation wanted at a cap.
    `baseline_days`: how many days others than ours and the yardstick play, None for all."""

    name: str
    title: str
    scenario: Scenario
    caps: tuple[float, ...] = (CAP,)
    targets: Mapping[float, float] = field(default_factory=dict)
    group: Group = Group.STEADY
    baseline_days: int | None = None

    @property
    def agents(self) -> int:
        """How many agents there are."""
        return self.scenario.agents.count
