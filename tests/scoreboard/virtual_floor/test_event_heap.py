"""What comes, comes in order of time, and of setting where times are equal."""

from __future__ import annotations

from random import Random

import numpy as np

from tests.scoreboard.virtual_floor import layout as k
from tests.scoreboard.virtual_floor.event_heap import pop, push


def test_the_soonest_comes_first() -> None:
    """Whatever the order in which things are set, and between takings."""
    dice = Random(1)
    coming, n = np.zeros((400, k.EVENT_COLUMNS)), np.zeros(k.COUNTERS, np.int64)
    expected: list[tuple[float, int]] = []
    for serial in range(2000):
        if n[k.COMING] < 300 and (dice.random() < 0.55 or not expected):
            at = float(dice.randrange(50))
            push(coming, n, at, k.FAIL, serial)
            expected.append((at, serial))
        else:
            expected.sort()
            assert (coming[0, k.AT], coming[0, k.WHO]) == expected.pop(0)
            pop(coming, n)
