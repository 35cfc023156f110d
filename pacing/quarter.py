"""The newest quarter of an hour: what people on the list meet now, whatever the day has been.

A day that ends below its cap may have had a bad quarter of an hour. So the pacer keeps a window of its own, with a cap
above the campaign's, once the quarter has enough live answers for a rate to mean anything.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import Final

from pacing.api import AnswerCorrected, AnswerKind, CallAbandoned, CallAnswered, Ledger, Observation

QUARTER_S: Final = 900.0
ENOUGH: Final = 150
"""Live answers from which on the window counts."""

CAPS: Final = 2.0
"""Its cap, as a multiple of the campaign's."""

MOST: Final = 20_000


@dataclass(slots=True)
class Quarter:
    """Live answers and abandoned calls of the last quarter of an hour, as this process saw them."""

    seen: deque[tuple[float, int, int]] = field(default_factory=lambda: deque(maxlen=MOST))
    answered: int = 0
    abandoned: int = 0

    def observe(self, observation: Observation) -> None:
        """Take in one thing that happened."""
        match observation:
            case CallAnswered(kind=AnswerKind.MACHINE):
                return
            case CallAnswered():
                self._add(observation.at, 1, 0)
            case AnswerCorrected(kind=AnswerKind.MACHINE, was=was) if was is not AnswerKind.MACHINE:
                self._add(observation.at, -1, 0)
            case AnswerCorrected(was=AnswerKind.MACHINE, kind=kind) if kind is not AnswerKind.MACHINE:
                self._add(observation.at, 1, 0)
            case CallAbandoned():
                self._add(observation.at, 0, 1)

    def _add(self, at: float, answered: int, abandoned: int) -> None:
        if len(self.seen) == MOST:
            self._forget()
        self.seen.append((at, answered, abandoned))
        self.answered += answered
        self.abandoned += abandoned

    def _forget(self) -> None:
        _, answered, abandoned = self.seen.popleft()
        self.answered -= answered
        self.abandoned -= abandoned

    def window(self, cap: float, now: float) -> tuple[tuple[float, Ledger], ...]:
        """The window as (cap, ledger); nothing while it has too few live answers."""
        while self.seen and self.seen[0][0] <= now - QUARTER_S:
            self._forget()
        return ((CAPS * cap, Ledger(self.answered, self.abandoned)),) if self.answered >= ENOUGH else ()
