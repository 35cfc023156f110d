"""What a pacer learns from what happened: answer probability, time to answer, talk and wrap-up times.

Everything is counted with exponential forgetting: each new observation multiplies the old counts by 1 - 1/memory, so
about `memory` observations are remembered and a drift is followed. The counts start as a few imagined observations of
a plausible campaign (the prior), which are forgotten like all others.
"""

from __future__ import annotations

from pacing.api import AnswerCorrected, CallAnswered, CallFailed, Memory, Observation, Snapshot, TalkEnded, WrapupEnded
from pacing.exposure import COMPLETE_CALLS
from pacing.learning.answers import AnswerModel
from pacing.learning.durations import Durations
from pacing.learning.ringing import FAILED
from pacing.learning.state_codec import part_of

MEMORY_TALKS = 500.0
# How many imagined observations the priors are worth, and how many at most what an earlier pacer had learnt.
PRIOR_CALLS = 10.0
PRIOR_TALKS = 5.0
RECALLED_MOST = 100.0


class Model:
    """Everything one pacer has learnt of its campaign."""

    def __init__(self, ring_timeout_s: float, memory: Memory | None = None) -> None:
        self.answers = AnswerModel(ring_timeout_s, 0.3, 11.0, PRIOR_CALLS)
        self.talk = Durations(120.0, 1.0, MEMORY_TALKS, PRIOR_TALKS)
        self.wrapup = Durations(30.0, 0.7, MEMORY_TALKS, PRIOR_TALKS)
        hours, trunks = part_of(memory, "hours"), part_of(memory, "trunks")
        self.answers.recall(part_of(memory, "answers"), hours, trunks, RECALLED_MOST)
        self.talk.recall(part_of(memory, "talk"), RECALLED_MOST)
        self.wrapup.recall(part_of(memory, "wrapup"), RECALLED_MOST)

    def observe(self, observation: Observation) -> None:
        """Take in one thing that happened."""
        if isinstance(observation, CallAnswered):
            self.answers.answered(observation.at, observation.ring_s, observation.kind, observation.trunk)
        elif isinstance(observation, CallFailed):
            self.answers.failed(observation.at, observation.ring_s, observation.trunk)
        elif isinstance(observation, AnswerCorrected):
            self.answers.corrected(observation.answered_at, observation.ring_s, observation.was, observation.kind)
        elif isinstance(observation, TalkEnded):
            self.talk.observe(observation.at, observation.talk_s)
        elif isinstance(observation, WrapupEnded):
            self.wrapup.observe(observation.at, observation.wrapup_s)

    def look(self, snapshot: Snapshot) -> None:
        """Time has come to the snapshot's; before that everything that happened until then was observed."""
        self.talk.look(snapshot.now, snapshot.talking_age_s)
        self.wrapup.look(snapshot.now, snapshot.wrapup_age_s)
        self.answers.look(snapshot)

    @property
    def calls_to_go(self) -> float:
        """How many calls must still have their whole ring time before a forecast is worth anything."""
        return max(0.0, COMPLETE_CALLS - self.answers.complete)

    def summary(self) -> dict[str, float]:
        """The learnt means by name, for people."""
        law = self.answers.last_law()
        return {
            "answer_probability": law.probability * (1.0 - self.answers.refused_share),
            "time_to_answer_s": law.mean_s,
            "talk_s": self.talk.mean_s,
            "wrapup_s": self.wrapup.mean_s,
            "calls_seen": float(sum(self.answers.ringing.seen)),
            "answers_seen": float(sum(self.answers.ringing.seen[:FAILED])),
            "talks_seen": float(self.talk.seen),
        }

    def memory(self) -> Memory:
        """What a new `Model` goes on from; plain data."""
        hours, trunks = self.answers.shares()
        return {
            "answers": self.answers.memory(),
            "hours": hours,
            "trunks": trunks,
            "talk": self.talk.memory(),
            "wrapup": self.wrapup.memory(),
        }
