"""Forgetting by when something began, not by when it ended.

What ends first is not typical: of calls started together answers end after 5 to 15 s and time-outs after 25. If each
end made older ends count for less, the order of the ends would be learnt. So whatever began together keeps the same
weight for ever, whether it has ended or still runs: the weight of a start falls as later things pass.
"""

from __future__ import annotations

import math

import numpy as np

from pacing.compiled import Floats, compiled

GRID_S = 1.0
MOST_ROWS = 1024


@compiled
def weight_of(began_at: float, grid_at: Floats, grid_mark: Floats, rows: int, mark: float) -> float:
    """exp(mark of the start - mark now); what began before the grid counts as begun with it. It has so many rows."""
    row = int(np.searchsorted(grid_at[:rows], began_at, side="right")) - 1
    return math.exp(min(0.0, grid_mark[max(0, row)] - mark))


@compiled
def weights_of(began_at: Floats, grid_at: Floats, grid_mark: Floats, mark: float) -> Floats:
    """The weight of every start."""
    weights = np.empty(began_at.size)
    for i in range(began_at.size):
        weights[i] = weight_of(began_at[i], grid_at, grid_mark, grid_at.size, mark)
    return weights


class Forgetting:
    """The mark rises by 1 / memory whenever something ends; a start weighs exp(its mark - the mark now).

    The marks of the past are kept on a grid of a second, and coarser the longer ago, so that weights are known for
    whatever may still be running.
    """

    def __init__(self) -> None:
        self.mark = 0.0
        self.rows = 1
        self.at = np.full(MOST_ROWS, -np.inf)
        self.marks = np.zeros(MOST_ROWS)

    def now(self, at: float) -> None:
        """Time has come to `at`; a clock that steps back is waited for."""
        if at < self.at[self.rows - 1] + GRID_S:
            return
        if self.rows == MOST_ROWS:
            self._thin()
        self.at[self.rows] = at
        self.marks[self.rows] = self.mark
        self.rows += 1

    def passed(self, share: float) -> None:
        """Something ended: what has begun so far counts for less by this share."""
        self.mark += share

    def of(self, began_at: Floats) -> Floats:
        """The weights of starts."""
        return weights_of(began_at, self.at[: self.rows], self.marks[: self.rows], self.mark)

    def of_one(self, began_at: float) -> float:
        """The weight of one start."""
        return float(weight_of(began_at, self.at, self.marks, self.rows, self.mark))

    def _thin(self) -> None:
        """Drop every second row of the older half."""
        half = MOST_ROWS // 2
        kept = np.r_[np.arange(0, half, 2), np.arange(half, MOST_ROWS)]
        self.at[: kept.size], self.marks[: kept.size] = self.at[kept], self.marks[kept]
        self.rows = kept.size


@compiled
def add_life(lasted_s: float, weight: float, edges_s: Floats, within: Floats, seconds: Floats) -> None:
    """Add a life that has lasted so long: its weight to `within` where it stands now or ended, and to `seconds` the
    time that it spent in every bin. `edges_s` are the lower edges; the last bin is open."""
    lasted_s = max(0.0, lasted_s)
    last = np.searchsorted(edges_s, lasted_s, side="right") - 1
    for b in range(last):
        seconds[b] += weight * (edges_s[b + 1] - edges_s[b])
    seconds[last] += weight * (lasted_s - edges_s[last])
    within[last] += weight


@compiled
def end_life(lasted_s: float, weight: float, kept: float, edges_s: Floats, ended: Floats, seconds: Floats) -> None:
    """What is there counts for `kept`; then add a life that has ended."""
    for b in range(edges_s.size):
        ended[b] *= kept
        seconds[b] *= kept
    add_life(lasted_s, weight, edges_s, ended, seconds)


@compiled
def spread(lasted_s: Floats, weights: Floats, edges_s: Floats, within: Floats, seconds: Floats) -> None:
    """Add many lives, as `add_life` does with one."""
    for i in range(lasted_s.size):
        add_life(lasted_s[i], weights[i], edges_s, within, seconds)
