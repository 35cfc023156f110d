"""VICIdial's controller: the dial level, moved by idle agents and held by the drops of the day.

Described from bin/AST_VDadapt.pl (SVN r3884). Its loop sleeps 1 s and takes a sample of agents; every 15 s the averages
of the last 15 samples move the level; the drop statistics it also looks at are as of the last minute mark.

The description leaves open, and here it is so:
- an attempt counts when it is answered or fails, for that is when its log row is written;
- drops and answers of the day are the snapshot's ledger, attempts of the day are counted here since midnight;
- statistics are refreshed before the level moves, so a reading acts at the mark and on the three ticks after it;
- the first tick comes 15 s after the first look, when the averages are full;
- database time is zero, in VICIdial's favour;
- the agent threshold is met by the average of all logged-in agents.
The Ofcom correction needs machines marked by agents, which no snapshot tells, and is left out.
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass
from enum import StrEnum

from dialer.sim.baselines.limits import Beat, Recent
from pacing.api import CallAbandoned, CallAnswered, CallFailed, Observation, Snapshot

SAMPLES = 15
SAMPLE_EVERY_S = 1.0
LEVEL_EVERY_S = 15.0
DROPS_EVERY_S = 60.0
PANIC_ATTEMPTS = 20  # more than these in the last minute,
PANIC_SHARE = 0.5  # and more than this share of them dropped: the level is halved
ATTEMPTS_NEEDED = 50  # the drop limit sleeps until more than these were made today
DAY_S = 86_400.0


class Method(StrEnum):
    """How the dial level moves."""

    RATIO = "RATIO"  # it does not
    HARD_LIMIT = "ADAPT_HARD_LIMIT"  # over the drop limit: 1.0
    AVERAGE = "ADAPT_AVERAGE"  # over the drop limit: half
    TAPERED = "ADAPT_TAPERED"  # over the drop limit: less and less as the day ends


@dataclass(frozen=True, slots=True)
class VicidialSettings:
    """One campaign of VICIdial with its schema's defaults.

    `level` is where the dial level starts, in lines for each agent; RATIO leaves it there. `intensity` is in percent,
    `difference_target` in agents (negative: waiting calls). `target_in_calls` is the CALLS_PLACED way of the
    difference target, which adds it to the agents counted by the placer too. Times of day are HHMM as integers;
    `starts_at_hhmm` is the time of day where the snapshot's `now` is 0. `least_agents` is the agent-count threshold.
    """

    method: Method = Method.AVERAGE
    level: float = 1.0
    most_level: float = 3.0
    drop_limit_percent: float = 3.0
    intensity: float = 0.0
    difference_target: int = 0
    target_in_calls: bool = False
    available_only: bool = False
    least_agents: int = 0
    calls_per_second: float = 5.0
    latest_hhmm: int = 2100
    starts_at_hhmm: int = 900

    def __post_init__(self) -> None:
        """Raises ValueError for a level out of range or a time of day that does not exist."""
        if self.most_level < 1.0:
            raise ValueError(f"most_level is {self.most_level:g}, it must be at least 1")
        if self.level < 0.0 or (self.method is not Method.RATIO and not 1.0 <= self.level <= self.most_level):
            raise ValueError(f"level is {self.level:g}, it must be within 1 and most_level ({self.most_level:g})")
        for name, hhmm in (("latest_hhmm", self.latest_hhmm), ("starts_at_hhmm", self.starts_at_hhmm)):
            if not (0 <= hhmm <= 2359 and hhmm % 100 < 60):
                raise ValueError(f"{name} is {hhmm}, which is no time of day")

    @property
    def starts_at_s(self) -> float:
        """`starts_at_hhmm` in seconds since midnight."""
        return self.starts_at_hhmm // 100 * 3600.0 + self.starts_at_hhmm % 100 * 60.0


@dataclass(frozen=True, slots=True)
class Averages:
    """Means of the last samples: logged-in agents (paused ones too), ready agents, calls that wait for one."""

    agents: float
    ready: float
    waiting: float


@dataclass(frozen=True, slots=True)
class Drops:
    """The drop statistics as of the last refresh; `percent` is of the answers of the day."""

    percent: float = 0.0
    attempts_today: int = 0
    attempts_minute: int = 0
    drops_minute: int = 0

    @property
    def panic(self) -> bool:
        """Whether more than half of a busy minute's attempts were dropped."""
        return self.attempts_minute > PANIC_ATTEMPTS and self.drops_minute > PANIC_SHARE * self.attempts_minute


def hhmm_at(settings: VicidialSettings, now: float) -> int:
    """The time of day as VICIdial reckons with it: 14:30 is the integer 1430."""
    minutes = math.floor((settings.starts_at_s + now) % DAY_S / 60.0)
    return minutes // 60 * 100 + minutes % 60


def next_level(level: float, averages: Averages, drops: Drops, settings: VicidialSettings, hhmm: int) -> float:
    """The dial level after one tick, in lines for each agent."""
    surplus = averages.ready - averages.waiting + settings.difference_target
    percent = 100.0 * surplus / averages.agents if averages.agents else 0.0
    percent *= abs(settings.intensity / 100.0 - 1.0) if percent < 0.0 else 1.0 + settings.intensity / 100.0
    level = round(level * (1.0 + percent / 100.0), 3)
    level = max(1.0, min(settings.most_level, level))
    if drops.panic:
        level /= 2.0
    if drops.attempts_today > ATTEMPTS_NEEDED and drops.percent > settings.drop_limit_percent:
        level *= over_limit(settings, hhmm)
    if averages.agents < settings.least_agents:
        level = 1.0
    return max(1.0, level)


def over_limit(settings: VicidialSettings, hhmm: int) -> float:
    """By what the level is multiplied while the day's drops are over the limit. The caller keeps it at 1.0 or more."""
    if settings.method is Method.AVERAGE:
        return 0.5
    if settings.method is Method.TAPERED:
        # A difference of clock readings, not of times: from 12:30 to 21:00 is 870.
        return min(1.0, max(0, settings.latest_hhmm - hhmm) / 1000.0)
    return 0.0


class Level:
    """The dial level of one campaign, and what moves it."""

    def __init__(self, settings: VicidialSettings) -> None:
        self.settings = settings
        self.value = settings.level
        self.samples: deque[tuple[int, int, int]] = deque(maxlen=SAMPLES)
        self.drops = Drops()
        self.attempts = Recent(DROPS_EVERY_S)
        self.dropped = Recent(DROPS_EVERY_S)
        self.attempts_today = 0
        self.day = 0
        self.sampling = Beat(SAMPLE_EVERY_S)
        self.refreshing = Beat(DROPS_EVERY_S)
        self.ticking: Beat | None = None

    def observe(self, observations: tuple[Observation, ...], now: float) -> None:
        """Count attempts and drops."""
        if self.settings.method is Method.RATIO:
            return
        day = math.floor((self.settings.starts_at_s + now) / DAY_S)
        if day != self.day:
            self.day, self.attempts_today = day, 0
        for observation in observations:
            if isinstance(observation, CallAnswered | CallFailed):
                self.attempts_today += 1
                self.attempts.add(observation.at, isinstance(observation, CallAnswered))
            elif isinstance(observation, CallAbandoned):
                self.dropped.add(observation.at, True)

    def look(self, snapshot: Snapshot) -> None:
        """One turn of the controller's loop, if it is due."""
        now = snapshot.now
        if self.settings.method is Method.RATIO or not self.sampling.due(now):
            return
        logged_in = snapshot.agents + snapshot.paused
        self.samples.append((logged_in, snapshot.ready, len(snapshot.waiting_age_s)))
        if self.refreshing.due(now):
            self.drops = self.refreshed(snapshot)
        if self.ticking is None:
            self.ticking = Beat(LEVEL_EVERY_S, now + LEVEL_EVERY_S)
        averages = self.averages()
        if averages.agents > 0.0 and self.ticking.due(now):
            self.value = next_level(self.value, averages, self.drops, self.settings, hhmm_at(self.settings, now))

    def refreshed(self, snapshot: Snapshot) -> Drops:
        """The drop statistics of now."""
        ledger, now = snapshot.ledger, snapshot.now
        percent = 100.0 * ledger.abandoned / ledger.answered if ledger.answered else 0.0
        return Drops(percent, self.attempts_today, self.attempts.count(now), self.dropped.count(now))

    def averages(self) -> Averages:
        """The means over the samples at hand."""
        agents, ready, waiting = (sum(column) / len(self.samples) for column in zip(*self.samples, strict=True))
        return Averages(agents, ready, waiting)
