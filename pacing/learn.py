"""What a pacer learns from what happened: answer probability, time to answer, talk and wrap-up times.

Everything is counted with exponential forgetting: each new observation multiplies the old counts by 1 - 1/memory, so
about `memory` observations are remembered and a drift is followed. The counts start as a few imagined observations of
a plausible campaign (the prior), which are forgotten like all others.
"""

from __future__ import annotations

from pacing.answers import Answers
from pacing.durations import Durations
from pacing.face import CallAnswered, CallFailed, Memory, Observation, TalkEnded, WrapupEnded
from pacing.recall import part_of

MEMORY_TALKS = 500.0
# How many imagined observations the priors are worth, and how many at most what an earlier pacer had learnt.
PRIOR_CALLS = 10.0
PRIOR_TALKS = 5.0
RECALLED_MOST = 100.0
# Progressive until this much has been seen (cold start).
CALLS_NEEDED = 20
ANSWERS_NEEDED = 5
TALKS_NEEDED = 4


class Learnt:
    """Everything one pacer has learnt of its campaign."""

    def __init__(self, ring_timeout_s: float, memory: Memory | None = None) -> None:
        self.answers = Answers(ring_timeout_s, 0.3, 11.0, PRIOR_CALLS)
        self.talk = Durations(120.0, 1.0, MEMORY_TALKS, PRIOR_TALKS)
        self.wrapup = Durations(30.0, 0.7, MEMORY_TALKS, PRIOR_TALKS)
        hours, trunks = part_of(memory, "hours"), part_of(memory, "trunks")
        self.answers.recall(part_of(memory, "answers"), hours, trunks, RECALLED_MOST)
        self.talk.recall(part_of(memory, "talk"), RECALLED_MOST)
        self.wrapup.recall(part_of(memory, "wrapup"), RECALLED_MOST)

    def observe(self, observation: Observation) -> None:
        """Take in one thing that happened."""
        if isinstance(observation, CallAnswered):
            self.answers.observe(True, observation.ring_s, observation.trunk)
        elif isinstance(observation, CallFailed):
            self.answers.observe(False, observation.ring_s, observation.trunk)
        elif isinstance(observation, TalkEnded):
            self.talk.observe(observation.talk_s)
        elif isinstance(observation, WrapupEnded):
            self.wrapup.observe(observation.wrapup_s)

    def missing(self) -> dict[str, float]:
        """How much is still to be seen before a forecast is worth anything, by the name of the figure."""
        lacks = {
            "calls_to_go": CALLS_NEEDED - self.answers.seen,
            "answers_to_go": ANSWERS_NEEDED - self.answers.seen_answered,
            "talks_to_go": TALKS_NEEDED - self.talk.seen,
        }
        return {name: float(lack) for name, lack in lacks.items() if lack > 0}

    def summary(self) -> dict[str, float]:
        """The learnt means by name, for people."""
        return {
            "answer_probability": self.answers.probability,
            "time_to_answer_s": self.answers.mean_s,
            "talk_s": self.talk.mean_s,
            "wrapup_s": self.wrapup.mean_s,
            "calls_seen": float(self.answers.seen),
            "answers_seen": float(self.answers.seen_answered),
            "talks_seen": float(self.talk.seen),
        }

    def memory(self) -> Memory:
        """What a new `Learnt` goes on from; plain data."""
        hours, trunks = self.answers.shares()
        return {
            "answers": self.answers.memory(),
            "hours": hours,
            "trunks": trunks,
            "talk": self.talk.memory(),
            "wrapup": self.wrapup.memory(),
        }
