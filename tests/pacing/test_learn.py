"""Everything that happens is learnt where it belongs."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given

from pacing.face import CallAbandoned, CallAnswered, CallFailed, Observation, TalkEnded, WrapupEnded
from pacing.learn import ANSWERS_NEEDED, CALLS_NEEDED, TALKS_NEEDED, Learnt
from tests.pacing.cases import EXPERIENCED, observations


def test_each_observation_goes_to_its_own_count() -> None:
    """Answers and failures with their trunk, talks, wrap-ups; an abandoned call says nothing about callees."""
    learnt = Learnt(25.0)
    for one in (CallAnswered(0.0, 9.0, "north"), CallFailed(0.0, 25.0, "south"), CallFailed(0.0, 25.0)):
        learnt.observe(one)
    for one in (TalkEnded(0.0, 60.0), WrapupEnded(0.0, 20.0), CallAbandoned(0.0)):
        learnt.observe(one)
    assert (learnt.answers.seen, learnt.answers.seen_answered) == (3, 1)
    assert (learnt.talk.seen, learnt.wrapup.seen) == (1, 1)
    assert learnt.answers.shares()[1] == {"north": [1.0, 1.0], "south": [0.0, 1.0]}


def test_a_cold_start_ends_with_enough_seen() -> None:
    """Calls, answers and talks; what is missing is named until nothing is."""
    learnt = Learnt(25.0)
    assert learnt.missing() == {"calls_to_go": 20.0, "answers_to_go": 5.0, "talks_to_go": 4.0}
    for i in range(CALLS_NEEDED):
        learnt.observe(CallAnswered(0.0, 9.0) if i < ANSWERS_NEEDED else CallFailed(0.0, 25.0))
    assert learnt.missing() == {"talks_to_go": 4.0}
    for _ in range(TALKS_NEEDED):
        learnt.observe(TalkEnded(0.0, 60.0))
    assert learnt.missing() == {}


def test_a_restart_begins_where_the_last_run_ended() -> None:
    """The memory of one run is the prior of the next, and its evidence ends the cold start."""
    first = Learnt(25.0, EXPERIENCED)
    for _ in range(60):
        first.observe(TalkEnded(0.0, 300.0))
    again = Learnt(25.0, first.memory())
    assert again.missing() == {}
    assert again.summary() == pytest.approx(first.summary())
    assert again.summary()["talk_s"] > 200.0


def test_another_ring_timeout_keeps_what_still_fits() -> None:
    """Times to answer are of another length then and begin anew; the rate and the talks stay."""
    learnt = Learnt(40.0, {**EXPERIENCED, "answers": {**EXPERIENCED["answers"], "answered": 60.0}})
    assert learnt.answers.probability == pytest.approx(0.6)
    assert learnt.answers.answer_times.size == Learnt(40.0).answers.answer_times.size


@given(observations())
def test_whatever_happens_the_laws_stay_laws(seen: tuple[Observation, ...]) -> None:
    """Hazards are positive and means finite."""
    learnt = Learnt(25.0)
    for one in seen:
        learnt.observe(one)
    assert np.all(learnt.talk.hazard() > 0.0)
    assert np.all(learnt.wrapup.hazard((3.0,)) > 0.0)
    assert all(np.isfinite(value) for value in learnt.summary().values())
