"""What will happen on the floor, soonest first: a binary heap in the rows of an array."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pacing.compiled import Floats, compiled
from tests.scoreboard.virtual_floor import layout as k


@compiled
def push(coming: Floats, n: NDArray[np.int64], at: float, kind: int, who: int) -> None:
    """Let something happen. Of two things at the same instant the one set first happens first."""
    place = n[k.COMING]
    n[k.COMING] += 1
    n[k.SERIAL] += 1
    while place > 0:
        up = (place - 1) >> 1
        if coming[up, k.AT] <= at:
            break
        for column in range(k.EVENT_COLUMNS):
            coming[place, column] = coming[up, column]
        place = up
    coming[place, k.AT] = at
    coming[place, k.ORDER] = n[k.SERIAL]
    coming[place, k.KIND] = kind
    coming[place, k.WHO] = who


@compiled
def pop(coming: Floats, n: NDArray[np.int64]) -> None:
    """Take the first away."""
    n[k.COMING] -= 1
    last = n[k.COMING]
    at, order = coming[last, k.AT], coming[last, k.ORDER]
    place = 0
    while True:
        down = 2 * place + 1
        if down >= last:
            break
        other = down + 1
        if other < last and (
            coming[other, k.AT] < coming[down, k.AT]
            or (coming[other, k.AT] == coming[down, k.AT] and coming[other, k.ORDER] < coming[down, k.ORDER])
        ):
            down = other
        if at < coming[down, k.AT] or (at == coming[down, k.AT] and order < coming[down, k.ORDER]):
            break
        for column in range(k.EVENT_COLUMNS):
            coming[place, column] = coming[down, column]
        place = down
    for column in range(k.EVENT_COLUMNS):
        coming[place, column] = coming[last, column]
