"""Whether and when calls are answered: the law by ring age, refusals apart, by hour of the day and by trunk.

The answer rate of a list moves slowly most of the time, and then it moves at once: another list, another hour, a trunk
that is down. So it is watched: every moment the law says how many of the calls that ring now, each at its age, should
be answered, and when what happens departs from that for good (Page's test, Biometrika 41, 1954), the law is moved.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

from pacing.api import AnswerKind, Memory, Snapshot
from pacing.compiled import Floats, floats
from pacing.kernels import RING_BIN_S, expected_within, hazard_of_answer
from pacing.learning.ringing import FAILED, FASTEST_S, MACHINE, PERSON, Law, Ringing
from pacing.learning.starts import Count, Starts
from pacing.learning.state_codec import counts_of, number_of

MEMORY_CALLS: Final = 1000.0
MEMORY_REFUSED: Final = 60.0
MEMORY_HOUR: Final = 5000.0
MEMORY_TRUNK: Final = 150.0
MOST_REFUSED: Final = 0.7
"""However many are refused, the forecast does not make up for more: they may all ring from the next call on."""

# Page's test: answers that come at twice (half) the expected rate are looked for; a sum of so many nats is no chance.
SHIFT: Final = 2.0
ALARM: Final = 9.0
HEARD: Final = 3.0
"""From here on the doubt raises the answer rate that a decision reckons with, before the alarm."""

LONGEST_LOOK_S: Final = 5.0
"""After a longer pause nothing is compared: too many calls have begun and been answered in between."""

CALLS_AFTER_MOVE: Final = 50.0
"""What the law is worth after it was moved, in calls."""

# So many calls of an hour (of a trunk) say something of their own; odds are never moved further than this.
EVIDENCE_HOUR: Final = 300.0
EVIDENCE_TRUNK: Final = 60.0
FURTHEST_ODDS: Final = 4.0
MOST_TRUNKS: Final = 64
HOURS: Final = tuple(str(hour) for hour in range(24))
CAUSE_OF: Final = {AnswerKind.PERSON: PERSON, AnswerKind.UNKNOWN: PERSON, AnswerKind.MACHINE: MACHINE}


@dataclass(slots=True)
class Watch:
    """One side of Page's test: the log-likelihood of answers at `ratio` times the expected rate, since it was 0 last.

    `answered` and `expected` are what was seen and expected since then.
    """

    ratio: float
    nats: float = 0.0
    answered: float = 0.0
    expected: float = 0.0

    def saw(self, answered: float, expected: float) -> None:
        """So many answers came where so many were expected."""
        self.nats += answered * math.log(self.ratio) - expected * (self.ratio - 1.0)
        self.answered += answered
        self.expected += expected
        if self.nats <= 0.0:
            self.clear()

    def clear(self) -> None:
        """Begin anew."""
        self.nats = self.answered = self.expected = 0.0

    @property
    def level(self) -> float:
        """What the answer rate is since then, as a multiple of the expected, drawn to 1 as by two more answers."""
        return (self.answered + 2.0) / (self.expected + 2.0)


class AnswerModel:
    """The law of answers of one campaign."""

    def __init__(self, ring_timeout_s: float, probability: float, answer_mean_s: float, prior_weight: float) -> None:
        self.ringing = Ringing(ring_timeout_s, probability, answer_mean_s, MEMORY_CALLS, prior_weight)
        self.starts = Starts(ring_timeout_s)
        self.refused = Count(0.0, prior_weight)
        self.rise = Watch(SHIFT)
        self.fall = Watch(1.0 / SHIFT)
        self.hours: dict[int, Count] = {}
        self.trunks: dict[str, Count] = {}
        self.hour = -1
        law = self.ringing.law()
        self.cumulative = hazard_of_answer(law.still, law.answers)
        self.before: tuple[float, Floats] = (-math.inf, floats(()))
        self.answers_since = 0
        self.moves = 0

    # --- what happened -------------------------------------------------------------------------------------------

    def answered(self, at: float, ring_s: float, kind: AnswerKind, trunk: str = "") -> None:
        """A call was answered."""
        self.ringing.observe(at, ring_s, CAUSE_OF[kind])
        self.starts.ended(at - ring_s, True, trunk)
        self.answers_since += 1

    def failed(self, at: float, ring_s: float, trunk: str = "") -> None:
        """A call ended without an answer; one that never rang says nothing about those that do."""
        if ring_s < FASTEST_S:
            self.refused.add(Count(1.0, 1.0), 1.0 - 1.0 / MEMORY_REFUSED)
            return
        self.ringing.observe(at, ring_s, FAILED)
        self.starts.ended(at - ring_s, False, trunk)

    def corrected(self, answered_at: float, ring_s: float, was: AnswerKind, kind: AnswerKind) -> None:
        """It has turned out who answered."""
        if CAUSE_OF[was] != CAUSE_OF[kind]:
            self.ringing.correct(answered_at, ring_s, CAUSE_OF[was], CAUSE_OF[kind])

    def look(self, snapshot: Snapshot) -> None:
        """Time has come to the snapshot's: compare the answers since the last one with those expected of the calls that
        rang then, and count what has become complete."""
        now, ages_s = snapshot.now, floats(snapshot.ringing_age_s)
        self.ringing.look(now, ages_s.size)
        before, rang_s = self.before
        passed_s = now - before
        if passed_s > 0.0:
            within_s = min(LONGEST_LOOK_S, passed_s)
            expected, not_refused = expected_within(rang_s, within_s, RING_BIN_S, self.cumulative, FASTEST_S)
            self.refused.add(Count(0.0, float(not_refused)), (1.0 - 1.0 / MEMORY_REFUSED) ** not_refused)
            # Answers of calls that nobody showed as ringing were not expected of any, and are no surprise.
            answered, self.answers_since = min(self.answers_since, rang_s.size), 0
            if passed_s <= LONGEST_LOOK_S:
                self._compare(answered, expected)
        self.before = now, ages_s
        for slot in self.starts.ripen(now):
            for trunk, count in slot.trunks.items():
                self._complete(trunk, count)
        self._turn_to(snapshot.hour)

    def _compare(self, answered: int, expected: float) -> None:
        if self.ringing.weight < CALLS_AFTER_MOVE:
            return  # too little is known for a surprise
        for watch in (self.rise, self.fall):
            watch.saw(answered, expected)
            if watch.nats > ALARM:
                level = min(2.0 * FURTHEST_ODDS, max(1.0 / FURTHEST_ODDS, watch.level))
                self.ringing.move(level, min(1.0, CALLS_AFTER_MOVE / self.ringing.weight))
                self._begin_anew()
                return

    def _begin_anew(self) -> None:
        self.rise.clear()
        self.fall.clear()
        self.moves += 1

    def _complete(self, trunk: str, count: Count) -> None:
        if self.hour >= 0:
            self.hours.setdefault(self.hour, Count()).add(count, math.exp(-count.ended / MEMORY_HOUR))
        if trunk and (trunk in self.trunks or len(self.trunks) < MOST_TRUNKS):
            self.trunks.setdefault(trunk, Count()).add(count, math.exp(-count.ended / MEMORY_TRUNK))

    def _turn_to(self, hour: int) -> None:
        """The hour of the day begins. If both hours are known, the rate moves as it did between them before."""
        if hour == self.hour:
            return
        before, after = self.hours.get(self.hour), self.hours.get(hour)
        self.hour = hour
        if before is None or after is None or min(before.ended, after.ended) < EVIDENCE_HOUR:
            return
        # Half of the certainty goes: today need not be like the days before.
        self.ringing.move(_bounded(_rate(after) / _rate(before)), 0.5)
        self._begin_anew()

    # --- what is known -------------------------------------------------------------------------------------------

    def law(self, now: float, ringing_s: Floats) -> Law:
        """The law as it is known now; what is expected from now on is by it."""
        law = self.ringing.law(now, ringing_s)
        self.cumulative = hazard_of_answer(law.still, law.answers)
        return law

    def last_law(self) -> Law:
        """The law as it was known at the last look."""
        return self.ringing.law(*self.before)

    @property
    def doubt(self) -> float:
        """By how much the answer rate may have risen lately, as a factor of at least 1: before the alarm, the more the
        nearer it is."""
        near = (self.rise.nats - HEARD) / (ALARM - HEARD)
        return max(1.0, self.rise.level) ** min(1.0, near) if near > 0.0 else 1.0

    @property
    def refused_share(self) -> float:
        """The share of calls that are refused at once, as far as the forecast makes up for them."""
        return min(MOST_REFUSED, self.refused.answered / self.refused.ended)

    @property
    def complete(self) -> float:
        """How many calls began at least a ring time ago."""
        return self.starts.complete

    def odds_of(self, trunk: str, probability: float) -> float:
        """The odds of an answer over this trunk as a multiple of the ordinary ones; 1 without evidence otherwise."""
        count = self.trunks.get(trunk)
        if count is None or len(self.trunks) < 2 or count.ended < EVIDENCE_TRUNK:
            return 1.0
        rate = _rate(count)
        spread = math.sqrt(rate * (1.0 - rate) / (2.0 * count.ended))
        if abs(rate - probability) < 2.0 * spread:
            return 1.0
        return _bounded(rate / (1.0 - rate) * (1.0 - probability) / probability)

    # --- memory --------------------------------------------------------------------------------------------------

    def memory(self) -> Memory:
        """What `recall` takes."""
        return {
            **self.ringing.memory(*self.before),
            "refused": [self.refused.answered, self.refused.ended],
            "complete": self.starts.complete,
            "long_run": [self.starts.long_run.answered, self.starts.long_run.ended],
            "hour": self.hour,
        }

    def recall(self, memory: Memory, hours: Memory, trunks: Memory, most: float) -> None:
        """Go on from earlier answers, as if at most `most` calls had ended. What is unusable changes nothing."""
        self.ringing.recall(memory, most)
        refused = counts_of(memory, "refused", 2)
        if refused is not None and 0.0 <= refused[0] <= refused[1] and refused[1] > 0.0:
            self.refused = Count(float(refused[0]), float(refused[1]))
        self.starts.complete = number_of(memory, "complete", 0.0, most, 0.0)
        self.starts.long_run = _count(memory.get("long_run"), most)
        self.starts.assume(self.starts.long_run)
        self.hour = int(number_of(memory, "hour", -1.0, 23.0, -1.0))
        for name, row in list(hours.items())[:24]:
            if name in HOURS:
                self.hours[HOURS.index(name)] = _count(row, MEMORY_HOUR)
        for name, row in list(trunks.items())[:MOST_TRUNKS]:
            if isinstance(name, str):
                self.trunks[name] = _count(row, MEMORY_TRUNK)

    def shares(self) -> tuple[Memory, Memory]:
        """Answered and ended calls by hour and by trunk, as `recall` takes them."""
        return (
            {str(hour): [count.answered, count.ended] for hour, count in sorted(self.hours.items())},
            {trunk: [count.answered, count.ended] for trunk, count in sorted(self.trunks.items())},
        )


def _rate(count: Count) -> float:
    return min(0.99, max(0.002, count.answered / count.ended)) if count.ended > 0.0 else 0.3


def _bounded(odds: float) -> float:
    return min(FURTHEST_ODDS, max(1.0 / FURTHEST_ODDS, odds))


def _count(row: object, most: float) -> Count:
    counts = counts_of({"row": row}, "row", 2)
    if counts is None:
        return Count()
    answered, ended = float(counts[0]), float(counts[1])
    share = min(answered, ended) / ended if ended > 0.0 else 0.0
    ended = min(most, ended)
    return Count(ended * share, ended)
