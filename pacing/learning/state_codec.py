"""Reading what an earlier pacer remembered. It comes from a database, so nothing in it is taken on trust."""

from __future__ import annotations

from pacing.api import Memory
from pacing.compiled import Floats, floats

MOST = 1e12
"""No count and no number of seconds is larger: sums and quotients of them stay finite."""

STALE_AFTER_S = 3600.0
"""So long after the last observation the answer rate may be another one: a break, another list, another morning."""

LAW = ("person", "machine", "failed")
"""What the law of answers counts, by ring age."""

STALE_CALLS = 15.0
"""So many calls a stale answer rate is worth."""


def with_stale_rate(memory: Memory) -> Memory:
    """The same memory, some time later: talks, wrap-ups and times to answer stay what they are, the answer rate is
    doubted and some calls are seen again before there is a forecast.

    A list that ended the evening at 8 % and begins the morning at 30 % would else be met with the evening's many calls.
    """
    answers = part_of(memory, "answers")
    calls = {name: row for name in LAW if isinstance(row := answers.get(name), list | tuple)}
    total = sum(float(sum(rows_of(row))) for row in calls.values())
    if total <= 0.0:
        return memory
    kept = min(1.0, STALE_CALLS / total)
    doubted = {name: [count * kept for count in rows_of(row)] for name, row in calls.items()}
    return {**memory, "answers": {**answers, **doubted, "seen": [0, 0, 0], "complete": 0.0, "long_run": [0.0, 0.0]}}


def rows_of(row: object) -> list[float]:
    """The numbers of a list; empty if there is anything else in it."""
    counts = counts_of({"row": row}, "row", len(row)) if isinstance(row, list | tuple) else None
    return [] if counts is None else counts.tolist()


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
