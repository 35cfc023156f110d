"""The trunk's breaker, as the daemon has it (`dialer.core.calls.trunk_load`). Compiled.

After some faults in a row the trunk rests, then one call probes it; each failed probe doubles the rest, any other end
of a call ends it. While it is open, what becomes of calls that started before is old news.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from dialer.core.calls.trunk_load import FAULTS_TO_OPEN, FIRST_REST_S, LONGEST_REST_S
from pacing.compiled import Floats, compiled
from tests.scoreboard.virtual_floor import layout as k


@compiled
def rest(n: NDArray[np.int64], t: Floats) -> None:
    """No call for a while, longer after each failed probe."""
    doublings = min(n[k.FAULTS] - FAULTS_TO_OPEN, 10)
    t[k.RESTS_UNTIL] = t[k.NOW] + min(FIRST_REST_S * 2.0**doublings, LONGEST_REST_S)


@compiled
def faulted(n: NDArray[np.int64], t: Floats, started_at: float) -> None:
    """A call that started at `started_at` ended with a fault of the trunk."""
    if n[k.FAULTS] >= FAULTS_TO_OPEN and started_at < t[k.OPENED_AT]:
        return
    if n[k.FAULTS] == FAULTS_TO_OPEN - 1:
        t[k.OPENED_AT] = t[k.NOW]
    n[k.FAULTS] += 1
    if n[k.FAULTS] >= FAULTS_TO_OPEN:
        rest(n, t)


@compiled
def worked(n: NDArray[np.int64], t: Floats, started_at: float) -> None:
    """A call that started at `started_at` ended in any other way."""
    if n[k.FAULTS] > 0 and not (n[k.FAULTS] >= FAULTS_TO_OPEN and started_at < t[k.OPENED_AT]):
        n[k.FAULTS] = 0
        t[k.RESTS_UNTIL] = 0.0


@compiled
def probing(n: NDArray[np.int64], t: Floats) -> None:
    """A call starts: while the breaker is open it is the only one of this rest."""
    if n[k.FAULTS] >= FAULTS_TO_OPEN:
        rest(n, t)


@compiled
def room(n: NDArray[np.int64], t: Floats, free: int) -> int:
    """How many of the free lines the trunk takes now."""
    if t[k.NOW] < t[k.RESTS_UNTIL]:
        return 0
    return min(free, 1) if n[k.FAULTS] >= FAULTS_TO_OPEN else free
