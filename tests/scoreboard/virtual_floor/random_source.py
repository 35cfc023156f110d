"""Chance by counting: the n-th number of a stream is a function of its key and n alone, so that policies are paired."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from pacing.compiled import Floats, compiled
from tests.scoreboard.virtual_floor import layout as k

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_MIX_1 = np.uint64(0xBF58476D1CE4E5B9)
_MIX_2 = np.uint64(0x94D049BB133111EB)
_27, _30, _31, _11 = np.uint64(27), np.uint64(30), np.uint64(31), np.uint64(11)


@compiled
def mixed(z: np.uint64) -> np.uint64:
    """The finaliser of splitmix64 (Steele, Lea and Flood, 2014)."""
    z = (z ^ (z >> _30)) * _MIX_1
    z = (z ^ (z >> _27)) * _MIX_2
    return z ^ (z >> _31)


@compiled
def chance(keys: NDArray[np.uint64], stream: int, ordinal: int) -> float:
    """The `ordinal`-th number of a stream, above 0 and below 1."""
    z = mixed(keys[stream] + np.uint64(ordinal + 1) * _GOLDEN)
    return (float(z >> _11) + 0.5) * 1.1102230246251565e-16


@compiled
def length(laws: Floats, keys: NDArray[np.uint64], law: int, ordinal: int) -> float:
    """The `ordinal`-th duration of a law, in seconds. Lognormal by Box and Muller."""
    form, a, b = laws[law, 0], float(laws[law, 1]), float(laws[law, 2])
    if form == k.CONSTANT:
        return a
    u = chance(keys, 2 * law, ordinal)
    if form == k.LOGNORMAL:
        v = chance(keys, 2 * law + 1, ordinal)
        return math.exp(a + b * math.sqrt(-2.0 * math.log(u)) * math.cos(2.0 * math.pi * v))
    if form == k.EXPONENTIAL:
        return -math.log(u) * a
    return a + u * (b - a)
