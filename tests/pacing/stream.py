"""A simulated stream of calls with ring ages, told to `AnswerModel` as the engine tells it: ends first, then a look."""

from __future__ import annotations

import heapq
import random
from collections.abc import Callable
from dataclasses import dataclass, field

from pacing.api import AnswerKind
from pacing.compiled import floats
from pacing.learning.answers import AnswerModel
from tests.pacing.cases import snapshot

Fate = tuple[float, AnswerKind | None]
"""How long a call rings, and who answers it then; nobody if None."""
Fates = Callable[[random.Random], Fate]

TIMEOUT_S = 25.0
TABLES_S = 2.0


def people(rate: float, refused: float = 0.0) -> Fates:
    """People who answer after 5 to 15 s; all other calls ring until the time-out, or are refused at once."""

    def fate(rng: random.Random) -> Fate:
        if rng.random() < refused:
            return rng.uniform(0.05, 2.5), None
        return (rng.uniform(5.0, 15.0), AnswerKind.PERSON) if rng.random() < rate else (TIMEOUT_S, None)

    return fate


@dataclass
class Stream:
    """Calls that begin at `per_s` on average, one second after another; `trunk` names that of the next calls."""

    answers: AnswerModel
    rng: random.Random
    per_s: float = 4.0
    now: float = 0.0
    hour: int = -1
    trunk: str = ""
    started: int = 0
    ringing: list[tuple[float, int, float, AnswerKind | None, str]] = field(default_factory=list)

    def call(self, fates: Fates, began_at: float) -> None:
        """One call begins."""
        ring_s, kind = fates(self.rng)
        self.started += 1
        heapq.heappush(self.ringing, (began_at + ring_s, self.started, began_at, kind, self.trunk))

    def begin(self, fates: Fates) -> None:
        """The calls of this second begin."""
        count = int(self.per_s) + (self.rng.random() < self.per_s % 1.0)
        for _ in range(count):
            self.call(fates, self.now + self.rng.random())

    def second(self) -> None:
        """A second passes: calls end, and the pacer looks at those that ring."""
        self.now += 1.0
        while self.ringing and self.ringing[0][0] <= self.now:
            at, _, began_at, kind, trunk = heapq.heappop(self.ringing)
            if kind is None:
                self.answers.failed(at, at - began_at, trunk)
            else:
                self.answers.answered(at, at - began_at, kind, trunk)
        ages_s = floats(tuple(self.now - began_at for _, _, began_at, _, _ in self.ringing))
        self.answers.look(snapshot(now=self.now, ringing_age_s=ages_s, hour=self.hour))
        if self.now % TABLES_S == 0.0:
            self.answers.law(self.now, ages_s)

    def run(self, fates: Fates, seconds: float) -> None:
        """So many seconds."""
        for _ in range(int(seconds)):
            self.begin(fates)
            self.second()

    def last(self) -> None:
        """No more calls begin, and all have their whole ring time."""
        self.run(lambda rng: (0.0, None), 0.0)
        while self.ringing:
            self.second()
