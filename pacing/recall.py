"""Reading what an earlier pacer remembered. It comes from a database, so nothing in it is taken on trust."""

from __future__ import annotations

from pacing.compiled import Floats, floats
from pacing.face import Memory

MOST = 1e12
"""No count and no number of seconds is larger: sums and quotients of them stay finite."""


def number_of(memory: Memory | None, name: str, low: float, high: float, default: float) -> float:
    """One number, kept between bounds; `default` if it is missing or not a finite number."""
    value = (memory or {}).get(name, default)
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) <= MOST:
        return default
    return min(high, max(low, float(value)))


def part_of(memory: Memory | None, name: str) -> Memory:
    """A map inside the memory; empty if it is missing or not a map."""
    value = (memory or {}).get(name)
    return value if isinstance(value, dict) else {}


def counts_of(memory: Memory, name: str, size: int) -> Floats | None:
    """A list of `size` counts, none below 0; None if it is anything else."""
    value = memory.get(name)
    if not isinstance(value, list | tuple) or len(value) != size:
        return None
    if not all(isinstance(v, int | float) and not isinstance(v, bool) and 0.0 <= v <= MOST for v in value):
        return None
    return floats(tuple(float(v) for v in value))
