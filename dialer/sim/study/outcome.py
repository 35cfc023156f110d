"""What comes of one shift: totals, quantiles and a row for each minute."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Totals:
    """Sums over a shift. Seconds are agents' seconds. `live` counts answered calls, the abandoned ones included.

    `ready_s` is waiting for a call, the moment in which the phone is rung included. `over_cap_s` is time in which the
    abandon rate since the start was above the cap; `worst_window_rate` that of the worst 30 minutes. `most_lines` is
    the busiest minute's mean. `exhausted_at_s` is when the list first had nobody to call, None if it always had.
    """

    ready_s: float
    talk_s: float
    wrapup_s: float
    paused_s: float
    calls: int
    live: int
    abandoned: int
    connected: int
    over_cap_s: float
    worst_window_rate: float
    most_lines: float
    exhausted_at_s: float | None
    anomalies: int

    @property
    def worked_s(self) -> float:
        """Logged in and not paused."""
        return self.ready_s + self.talk_s + self.wrapup_s

    @property
    def utilisation(self) -> float:
        """(talk + wrap-up) / (logged in - paused)."""
        return (self.talk_s + self.wrapup_s) / self.worked_s if self.worked_s else 0.0

    @property
    def abandon_rate(self) -> float:
        """Abandoned by live answers."""
        return self.abandoned / self.live if self.live else 0.0

    def per_agent_hour(self, count: float) -> float:
        """A count for each hour that an agent worked."""
        return count / (self.worked_s / 3600.0) if self.worked_s else 0.0


@dataclass(frozen=True, slots=True)
class Minute:
    """One minute of a shift: agents by state and lines in use (means), and what happened in it (counts)."""

    ready: float
    talking: float
    wrapup: float
    paused: float
    lines: float
    calls: int
    live: int
    abandoned: int


@dataclass(frozen=True, slots=True)
class Run:
    """One shift under one policy and one seed. `idle_s` is the time between two calls of an agent and `wait_s` from
    the answer to the agent, each as (median, 95th percentile)."""

    policy: str
    seed: int
    totals: Totals
    idle_s: tuple[float, ...]
    wait_s: tuple[float, ...]
    minutes: tuple[Minute, ...]
