"""What comes of one shift: totals, quantiles and a row for each minute, recorded while it is played."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Final

from dialer.core.agents.agent import AgentState
from dialer.core.effects import AgentChanged
from dialer.core.model import Settlement

MINUTE_S: Final = 60.0
WINDOW_MIN: Final = 30
STATES: Final = (AgentState.READY, AgentState.RINGING, AgentState.TALKING, AgentState.WRAPUP, AgentState.PAUSED)
PLACES: Final = {state: place for place, state in enumerate(STATES)}


@dataclass(frozen=True, slots=True)
class Totals:
    """Sums over a shift. Seconds are agents' seconds. `live` counts answered calls, the abandoned ones included.

    `ready_s` is waiting for a call, the moment in which the phone is rung included. `over_cap_s` is time in which the
    abandon rate since the start was above the cap; `worst_window_rate` that of the worst 30 minutes. `most_lines` is
    the busiest minute's mean. `exhausted_at_s` is when the list first had nobody to call, None if it always had.
    """

    ready_s: float
    talk_s: float
    wrapup_s: float
    paused_s: float
    calls: int
    live: int
    abandoned: int
    connected: int
    over_cap_s: float
    worst_window_rate: float
    most_lines: float
    exhausted_at_s: float | None
    anomalies: int

    @property
    def worked_s(self) -> float:
        """Logged in and not paused."""
        return self.ready_s + self.talk_s + self.wrapup_s

    @property
    def utilisation(self) -> float:
        """(talk + wrap-up) / (logged in - paused)."""
        return (self.talk_s + self.wrapup_s) / self.worked_s if self.worked_s else 0.0

    @property
    def abandon_rate(self) -> float:
        """Abandoned by live answers."""
        return self.abandoned / self.live if self.live else 0.0

    def per_agent_hour(self, count: float) -> float:
        """A count for each hour that an agent worked."""
        return count / (self.worked_s / 3600.0) if self.worked_s else 0.0


@dataclass(frozen=True, slots=True)
class Minute:
    """One minute of a shift: agents by state and lines in use (means), and what happened in it (counts)."""

    ready: float
    talking: float
    wrapup: float
    paused: float
    lines: float
    calls: int
    live: int
    abandoned: int


@dataclass(frozen=True, slots=True)
class Run:
    """One shift under one policy and one seed. `idle_s` is the time between two calls of an agent and `wait_s` from
    the answer to the agent, each as (median, 95th percentile)."""

    policy: str
    seed: int
    totals: Totals
    idle_s: tuple[float, ...]
    wait_s: tuple[float, ...]
    minutes: tuple[Minute, ...]


@dataclass(slots=True)
class Recorder:
    """Counts until `end_s`; calls that are in progress then are followed to their end."""

    end_s: float
    at: float = 0.0
    states: dict[str, AgentState] = field(default_factory=dict)
    idle_since: dict[str, float] = field(default_factory=dict)
    idle_s: list[float] = field(default_factory=list)
    now_in: list[int] = field(default_factory=lambda: [0] * len(STATES))
    lines: int = 0
    minute: list[float] = field(default_factory=lambda: [0.0] * (len(STATES) + 1))
    minutes: list[list[float]] = field(default_factory=list)
    settled: list[Settlement] = field(default_factory=list)
    dialled: Counter[int] = field(default_factory=Counter)

    def advance(self, now: float) -> None:
        """Time passes: charge it to whoever is where."""
        now = min(now, self.end_s)
        while self.at < now:
            closes = (len(self.minutes) + 1) * MINUTE_S
            until = min(now, closes)
            passed = until - self.at
            minute = self.minute
            for place, agents in enumerate(self.now_in):
                if agents:
                    minute[place] += agents * passed
            minute[-1] += self.lines * passed
            self.at = until
            if until >= closes or until >= self.end_s:
                self.minutes.append(minute)
                self.minute = [0.0] * (len(STATES) + 1)

    def agent(self, change: AgentChanged, now: float) -> None:
        """An agent's state changes."""
        before = self.states.get(change.agent, AgentState.OFFLINE)
        if change.state is before:
            return
        self.advance(now)
        if before in PLACES:
            self.now_in[PLACES[before]] -= 1
        if change.state in PLACES:
            self.now_in[PLACES[change.state]] += 1
        self.states[change.agent] = change.state
        match change.state:
            case AgentState.READY:
                self.idle_since.setdefault(change.agent, now)
            case AgentState.TALKING:
                since = self.idle_since.pop(change.agent, None)
                if since is not None and now <= self.end_s:
                    self.idle_s.append(now - since)
            case AgentState.PAUSED | AgentState.OFFLINE:
                self.idle_since.pop(change.agent, None)
            case _:
                pass

    def call_starts(self, now: float) -> None:
        """A call takes a line."""
        self.advance(now)
        self.lines += 1
        self.dialled[int(now // MINUTE_S)] += 1

    def call_ends(self, settlement: Settlement, now: float) -> None:
        """A call gives its line back."""
        self.advance(now)
        self.lines -= 1
        self.settled.append(settlement)

    def run(self, policy: str, seed: int, cap: float, exhausted_at: float | None, anomalies: int) -> Run:
        """The figures of the shift."""
        self.advance(self.end_s)
        live = sorted((call.answered_at or 0.0, call.abandoned) for call in self.settled if call.live)
        connected = [call for call in self.settled if call.bridged_at is not None]
        minutes = self._minutes(live)
        states = [sum(row[place] for row in self.minutes) for place in range(len(STATES))]
        totals = Totals(
            ready_s=states[0] + states[1],
            talk_s=states[2],
            wrapup_s=states[3],
            paused_s=states[4],
            calls=sum(self.dialled.values()),
            live=len(live),
            abandoned=sum(abandoned for _, abandoned in live),
            connected=len(connected),
            over_cap_s=_over_cap_s(live, cap, self.end_s),
            worst_window_rate=_worst_window(minutes),
            most_lines=max((minute.lines for minute in minutes), default=0.0),
            exhausted_at_s=exhausted_at,
            anomalies=anomalies,
        )
        waits = [(call.bridged_at or 0.0) - (call.answered_at or 0.0) for call in connected]
        return Run(policy, seed, totals, tuple(quantiles(self.idle_s)), tuple(quantiles(waits)), tuple(minutes))

    def _minutes(self, live: list[tuple[float, bool]]) -> list[Minute]:
        answers: Counter[int] = Counter()
        abandons: Counter[int] = Counter()
        last = len(self.minutes) - 1
        for at, abandoned in live:
            place = min(int(at // MINUTE_S), last)  # what is answered in the drain counts for the last minute
            answers[place] += 1
            abandons[place] += abandoned
        length = MINUTE_S
        return [
            Minute(
                ready=(row[0] + row[1]) / length,
                talking=row[2] / length,
                wrapup=row[3] / length,
                paused=row[4] / length,
                lines=row[5] / length,
                calls=self.dialled[place],
                live=answers[place],
                abandoned=abandons[place],
            )
            for place, row in enumerate(self.minutes)
        ]


def quantiles(values: list[float], shares: tuple[float, ...] = (0.5, 0.95)) -> list[float]:
    """Values that the given shares of all are not above; 0 where there are none."""
    ordered = sorted(values)
    return [ordered[min(int(share * len(ordered)), len(ordered) - 1)] if ordered else 0.0 for share in shares]


def _over_cap_s(live: list[tuple[float, bool]], cap: float, end_s: float) -> float:
    """Seconds of the shift in which the abandon rate since its start was above the cap."""
    over_s, since, abandoned = 0.0, None, 0
    for answered, (at, lost) in enumerate(live, 1):
        abandoned += lost
        is_over = abandoned > cap * answered
        if is_over and since is None:
            since = at
        elif not is_over and since is not None:
            over_s += min(at, end_s) - min(since, end_s)
            since = None
    return over_s + (max(end_s - since, 0.0) if since is not None else 0.0)


def _worst_window(minutes: list[Minute]) -> float:
    """The highest abandon rate of any 30 minutes in a row; of the whole shift if it is shorter."""
    width = min(WINDOW_MIN, len(minutes))
    live = abandoned = 0
    worst = 0.0
    for place, minute in enumerate(minutes):
        live += minute.live
        abandoned += minute.abandoned
        if place >= width:
            live -= minutes[place - width].live
            abandoned -= minutes[place - width].abandoned
        if place >= width - 1 and live:
            worst = max(worst, abandoned / live)
    return worst
