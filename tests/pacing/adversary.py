"""A floor whose callees choose, to do the most harm, who answers and when. Agents stay; nothing else is fair.

Played in steps of a second. What is promised for any behaviour of callees is checked after everything that happens.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from random import Random
from typing import Final, Protocol

from pacing.api import (
    AnswerKind,
    CallAbandoned,
    CallAnswered,
    CallFailed,
    Decision,
    Ledger,
    Observation,
    Settings,
    Snapshot,
    TalkEnded,
)
from pacing.exposure import GROWTH, Exposure, overdraft
from pacing.governor import covered, govern, limit
from pacing.learning.starts import Starts

RING_S: Final = 25.0
GRACE_S: Final = 2.0
NEVER_S: Final = 1e9

PERSON, MACHINE, REFUSED, VANISHED = "person", "machine", "refused", "vanished"


@dataclass(slots=True)
class Call:
    """A call that rings; `luck` is its own, between 0 and 1."""

    began_at: float
    luck: float


@dataclass(frozen=True, slots=True)
class Phase:
    """For so long all callees do the same, and talks that begin last so long."""

    callees: str
    lasts_s: int
    talk_s: float


Answer = Callable[["Floor", float, float], str | None]
"""What becomes of a call now, by the floor, its age and its luck; None: it rings on."""

CALLEES: Final[dict[str, Answer]] = {
    "nobody answers": lambda floor, age_s, luck: None,
    "everybody answers at once": lambda floor, age_s, luck: PERSON,
    "everybody answers while no agent is ready": lambda floor, age_s, luck: PERSON if floor.none_ready else None,
    "everybody answers when the oldest call has rung for long": lambda floor, age_s, luck: (
        PERSON if floor.oldest_s >= 20.0 else None
    ),
    "all or nobody, by the half minute": lambda floor, age_s, luck: PERSON if floor.now // 30 % 2 else None,
    "one in four answers": lambda floor, age_s, luck: PERSON if luck < 0.25 and age_s >= 4.0 + 30.0 * luck else None,
    "the trunk refuses": lambda floor, age_s, luck: REFUSED,
    "the trunk dies in silence": lambda floor, age_s, luck: VANISHED if age_s >= 5.0 else None,
    "machines answer late": lambda floor, age_s, luck: MACHINE if age_s >= 17.0 + 6.0 * luck else None,
    "people early, machines late": lambda floor, age_s, luck: (
        PERSON if luck < 0.15 and age_s >= 6.0 else MACHINE if luck < 0.5 and age_s >= 20.0 else None
    ),
}


class Decides(Protocol):
    """What the floor asks of a pacer."""

    def step(self, observations: tuple[Observation, ...], snapshot: Snapshot) -> Decision:
        """As `pacing.api.Pacer`."""
        ...


class Greedy:
    """The worst forecast there can be: it believes that nobody answers, and starts all that the limits let through."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.exposure = Exposure(settings.ring_timeout_s)
        self.starts = Starts(settings.ring_timeout_s)

    def step(self, observations: tuple[Observation, ...], snapshot: Snapshot) -> Decision:
        """As many as are allowed."""
        for seen in observations:
            match seen:
                case TalkEnded():
                    self.exposure.came_free(seen.at)
                case CallAnswered() | CallFailed():
                    self.starts.ended(seen.at - seen.ring_s, isinstance(seen, CallAnswered), seen.trunk)
        self.starts.ripen(snapshot.now)
        self.exposure.look(snapshot)
        bound = self.exposure.limit(self.settings, snapshot, self.starts, 0.002)
        most = min(limit(self.settings, snapshot), bound, key=lambda one: one.dial)
        return Decision(govern(10_000, most, self.settings, snapshot).dial)


class Floor:
    """Agents, calls and one counting window that only grows."""

    def __init__(self, pacer: Decides, cap: float, agents: int, seed: int = 0) -> None:
        self.pacer, self.cap, self.agents = pacer, cap, agents
        self.rng = Random(seed)
        self.now = 0.0
        self.ready = agents
        self.talks: list[tuple[float, float]] = []
        """Begin and end of every talk that runs."""
        self.ringing: list[Call] = []
        self.waiting: list[tuple[float, str]] = []
        self.answered = self.abandoned = self.most_uncovered = self.uncovered_starts = 0
        self.happened: list[Observation] = []
        self.earlier: deque[tuple[float, int]] = deque()
        self.most_earlier = 0
        self.none_ready = False
        self.oldest_s = 0.0

    def play(self, phases: Iterable[Phase]) -> None:
        """Play one phase after the other."""
        for phase in phases:
            for _ in range(phase.lasts_s):
                self.now += 1.0
                self.free()
                self.give_up()
                self.ring(CALLEES[phase.callees], phase.talk_s)
                self.decide()

    def check(self) -> None:
        """The bound of `pacing.exposure`."""
        most = self.cap * self.answered + overdraft(self.agents) + self.most_uncovered
        assert self.abandoned <= most + 1e-9, f"at {self.now:.0f} s {self.abandoned} are abandoned, at most {most:.1f}"

    def free(self) -> None:
        """Talks end. The call that waits longest takes the agent."""
        for talk in [talk for talk in self.talks if talk[1] <= self.now]:
            self.talks.remove(talk)
            self.happened.append(TalkEnded(self.now, self.now - talk[0]))
            if self.waiting:
                self.waiting.pop(0)
                self.talks.append((self.now, self.now + talk[1] - talk[0]))
            else:
                self.ready += 1

    def give_up(self) -> None:
        """Whoever has waited too long is abandoned; of machines nobody speaks."""
        while self.waiting and self.waiting[0][0] <= self.now - GRACE_S:
            _, who = self.waiting.pop(0)
            if who == PERSON:
                self.abandoned += 1
                self.happened.append(CallAbandoned(self.now))
            self.check()

    def ring(self, callees: Answer, talk_s: float) -> None:
        """Every call that rings is answered or not."""
        ringing, self.ringing = self.ringing, []
        self.none_ready = self.ready == 0
        self.oldest_s = max((self.now - call.began_at for call in ringing), default=0.0)
        for call in ringing:
            age_s = self.now - call.began_at
            fate = callees(self, age_s, call.luck)
            if fate in {PERSON, MACHINE}:
                self.answer(age_s, fate or "", talk_s)
            elif fate == REFUSED and age_s <= 1.0:
                self.happened.append(CallFailed(self.now, 0.2))
            elif age_s >= RING_S:
                self.happened.append(CallFailed(self.now, age_s))
            elif fate != VANISHED:
                self.ringing.append(call)

    def answer(self, age_s: float, who: str, talk_s: float) -> None:
        """A call is answered: an agent takes it, or it waits."""
        self.answered += who == PERSON
        kind = AnswerKind.PERSON if who == PERSON else AnswerKind.MACHINE
        self.happened.append(CallAnswered(self.now, age_s, kind=kind))
        if self.ready:
            self.ready -= 1
            self.talks.append((self.now, self.now + talk_s))
        else:
            self.waiting.append((self.now, who))

    def decide(self) -> None:
        """Ask the pacer, start what it says."""
        in_flight = len(self.ringing) + len(self.waiting)
        snapshot = self.snapshot()
        dial = self.pacer.step(tuple(self.happened), snapshot).dial
        self.happened = []
        self.ringing += [Call(self.now, self.rng.random()) for _ in range(dial)]
        self.check_growth(in_flight, in_flight + dial)
        self.uncovered_starts += max(0, dial - covered(snapshot))
        self.most_uncovered = max(self.most_uncovered, in_flight + dial - self.ready)

    def check_growth(self, before: int, after: int) -> None:
        """Calls in flight at most double in a ring time, from one for each agent."""
        self.earlier.append((self.now, after))
        while self.earlier[0][0] <= self.now - RING_S:
            self.most_earlier = max(self.most_earlier, self.earlier.popleft()[1])
        assert after <= max(before, GROWTH * max(self.agents, self.most_earlier))

    def snapshot(self) -> Snapshot:
        """What the pacer sees."""
        return Snapshot(
            now=self.now,
            ready=self.ready,
            talking_age_s=tuple(self.now - began_at for began_at, _ in self.talks),
            wrapup_age_s=(),
            paused=0,
            ringing_age_s=tuple(self.now - call.began_at for call in self.ringing),
            waiting_age_s=tuple(self.now - at for at, _ in self.waiting),
            lines_free=10_000,
            leads_available=10_000,
            ledger=Ledger(self.answered, self.abandoned),
        )
