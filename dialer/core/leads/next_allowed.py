"""When somebody who may not be dialled now may be: judged again, at the moment that each refusal names. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from compliance.api import Refusal, Rule

MOST_STEPS: Final = 20
"""A weekend, a holiday and a cap take three or four; who is refused so often is refused by something else."""

NOBODY_KNOWS: Final = frozenset({Rule.REGISTER_OUTDATED, Rule.REGISTER_UNREADABLE, Rule.CONTENDED, Rule.LEASE_LOST})
"""Rules that only name a moment to ask again: what ends them is somebody's doing."""

Judge = Callable[[float], Sequence[Refusal]]
"""What refuses at a moment, in seconds since the epoch."""


@dataclass(frozen=True, slots=True)
class NextAllowed:
    """From when on nothing refuses any more, if nothing changes; None: nobody can say, and `left` is why: the refusal
    that is for good, or that does not end by itself. `steps` are the refusals that time lifts, in order."""

    at: float | None
    steps: tuple[Refusal, ...] = ()
    left: Refusal | None = None

    @property
    def never(self) -> bool:
        """Whether it is refused for good."""
        return self.left is not None and self.left.until is None


def next_allowed(judge: Judge, start: float) -> NextAllowed:
    """Judge at `start`, then at the `until` of the latest refusal, and so on, until nothing refuses, something refuses
    for good, or `MOST_STEPS` have been taken."""
    at = start
    steps: list[Refusal] = []
    for _ in range(MOST_STEPS):
        refusals = judge(at)
        if not refusals:
            return NextAllowed(at, tuple(steps))
        stuck = next((refusal for refusal in refusals if refusal.until is None), None)
        stuck = stuck or next((refusal for refusal in refusals if refusal.rule in NOBODY_KNOWS), None)
        if stuck is not None:
            return NextAllowed(None, tuple(steps), stuck)
        latest = max(refusals, key=_until)
        if _until(latest) <= at:  # it names a moment that has passed: to ask again would not end
            return NextAllowed(None, tuple(steps), latest)
        steps.append(latest)
        at = _until(latest)
    return NextAllowed(None, tuple(steps), steps[-1])


def _until(refusal: Refusal) -> float:
    assert refusal.until is not None
    return refusal.until
