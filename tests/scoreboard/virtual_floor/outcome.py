"""What comes of one day on the floor."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from pacing.compiled import Floats
from tests.scoreboard.virtual_floor import layout as k
from tests.scoreboard.virtual_floor.quarters import quarters

SETTLED_FROM_MIN: Final = 30
HALF_HOUR_MIN: Final = 30
HOUR_MIN: Final = 60


@dataclass(frozen=True, slots=True)
class Outcome:
    """One day. Utilisation is (talk + wrap-up) / (logged in - paused); seconds are agents' seconds where not said
    otherwise. `answered` counts the abandoned ones. `settled` is utilisation from minute 30 on, 0 for shorter days.

    `answered`, `abandoned` and `connected` are of people; `machines` calls were answered by a machine, of which
    `machines_lost` found no agent in time. `first_quarter`, `worst_quarter`, `calm_quarter` and
    `shocked_quarter` are abandon rates of fifteen minutes, `quarter_answers` what a quarter must have to be looked at,
    `calm_counts` the quarters one by one (see `quarters`).

    `idle_*_s` is from the moment an agent is ready until the next talk begins. `worst_*` are the highest abandon rates
    of any so long window, by whole minutes. `over_cap_s` has for each cap the time in which the rate of the day so far
    was above it. `decide_*_us` is the time of one decision, 0 where no clock was given.
    """

    utilisation: float
    settled: float
    dialled: int
    failed: int
    answered: int
    abandoned: int
    connected: int
    worked_s: float
    talk_s: float
    wrapup_s: float
    worst_half_hour: float
    worst_hour: float
    over_cap_s: tuple[tuple[float, float], ...]
    idle_p50_s: float
    idle_p95_s: float
    idle_mean_s: float
    decisions: int
    first_quarter: float = 0.0
    worst_quarter: float = 0.0
    calm_quarter: float | None = None
    shocked_quarter: float | None = None
    quarter_answers: int = 0
    calm_counts: tuple[tuple[int, int], ...] = ()
    machines: int = 0
    machines_lost: int = 0
    decide_p50_us: float = 0.0
    decide_p99_us: float = 0.0
    decide_max_us: float = 0.0

    @property
    def abandon_rate(self) -> float:
        """Abandoned by answered, at the end of the day."""
        return self.abandoned / self.answered if self.answered else 0.0

    @property
    def connects_per_agent_hour(self) -> float:
        """Talks for each hour that an agent worked."""
        return 3600.0 * self.connected / self.worked_s if self.worked_s else 0.0

    @property
    def talk_min_per_agent_hour(self) -> float:
        """Minutes of talk for each hour that an agent worked."""
        return 60.0 * self.talk_s / self.worked_s if self.worked_s else 0.0

    def keeps(self, cap: float) -> bool:
        """Whether the day ended with the cap kept."""
        return self.abandoned <= cap * self.answered

    def over_s(self, cap: float) -> float:
        """Seconds of the day above a cap that was measured."""
        return dict(self.over_cap_s)[cap]


def outcome_of(state: k.State, idle_s: Floats, decide_s: Floats, shocks_min: Sequence[float] = ()) -> Outcome:
    """The figures of a day that is over, with shocks at these minutes."""
    n, minutes = state.n, state.minutes
    busy = minutes[:, k.TALK_S] + minutes[:, k.WRAPUP_S]
    worked = busy + minutes[:, k.READY_S]
    late = slice(SETTLED_FROM_MIN, None)
    idle = _quantiles(idle_s, (0.5, 0.95))
    decide = _quantiles(decide_s * 1e6, (0.5, 0.99, 1.0))
    found = quarters(minutes[:, k.LIVE], minutes[:, k.LOST], shocks_min)
    return Outcome(
        utilisation=_share(busy.sum(), worked.sum()),
        settled=_share(busy[late].sum(), worked[late].sum()),
        dialled=int(n[k.DIALLED]),
        failed=int(n[k.FAILED]),
        answered=int(n[k.ANSWERED]),
        abandoned=int(n[k.ABANDONED]),
        connected=int(n[k.TALKS]),
        worked_s=float(worked.sum()),
        talk_s=float(minutes[:, k.TALK_S].sum()),
        wrapup_s=float(minutes[:, k.WRAPUP_S].sum()),
        worst_half_hour=_worst(minutes, HALF_HOUR_MIN),
        worst_hour=_worst(minutes, HOUR_MIN),
        over_cap_s=tuple((float(cap), float(over_s)) for cap, over_s in state.caps),
        idle_p50_s=idle[0],
        idle_p95_s=idle[1],
        idle_mean_s=float(idle_s.mean()) if idle_s.size else 0.0,
        decisions=decide_s.size,
        first_quarter=found.first,
        worst_quarter=found.worst,
        calm_quarter=found.calm,
        shocked_quarter=found.shocked,
        quarter_answers=found.answers,
        calm_counts=found.calm_counts,
        machines=int(n[k.MACHINES]),
        machines_lost=int(n[k.MACHINES_LOST]),
        decide_p50_us=decide[0],
        decide_p99_us=decide[1],
        decide_max_us=decide[2],
    )


def _share(part: float, whole: float) -> float:
    return float(part / whole) if whole > 0 else 0.0


def _quantiles(values: Floats, shares: Sequence[float]) -> list[float]:
    if not values.size:
        return [0.0 for _ in shares]
    return [float(value) for value in np.quantile(values, shares)]


def _worst(minutes: Floats, width: int) -> float:
    """The highest abandon rate of `width` minutes in a row; of the whole day if it is shorter."""
    width = min(width, len(minutes))
    ones = np.ones(width)
    live = np.convolve(minutes[:, k.LIVE], ones, "valid")
    lost = np.convolve(minutes[:, k.LOST], ones, "valid")
    return float(np.max(lost / np.maximum(live, 1.0)))
