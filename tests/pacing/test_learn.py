"""Everything that happens is learnt where it belongs."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given

from pacing.api import (
    AnswerCorrected,
    AnswerKind,
    CallAbandoned,
    CallAnswered,
    CallFailed,
    Observation,
    TalkEnded,
    WrapupEnded,
)
from pacing.exposure import COMPLETE_CALLS
from pacing.learning.learn import Model
from tests.pacing.cases import EXPERIENCED, known_answers, observations, snapshot


def test_each_observation_goes_to_its_own_count() -> None:
    """Answers, failures and refusals, talks, wrap-ups; an abandoned call says nothing about callees."""
    model = Model(25.0)
    for one in (CallAnswered(9.0, 9.0, "north"), CallFailed(25.0, 25.0, "south"), CallFailed(25.0, 25.0)):
        model.observe(one)
    for other in (TalkEnded(60.0, 60.0), WrapupEnded(80.0, 20.0), CallAbandoned(80.0), CallFailed(80.0, 1.0)):
        model.observe(other)
    assert model.answers.ringing.seen == [1, 0, 2]
    assert model.answers.refused_share > 0.0
    assert (model.talk.seen, model.wrapup.seen) == (1, 1)
    model.look(snapshot(now=100.0))
    assert model.answers.shares()[1] == {"north": [1.0, 1.0], "south": [0.0, 1.0]}


def test_a_machine_is_learnt_as_one_and_a_correction_too() -> None:
    """Who answered, as it was heard, and as it turned out."""
    model = Model(25.0)
    model.observe(CallAnswered(9.0, 9.0, kind=AnswerKind.MACHINE))
    model.observe(CallAnswered(9.0, 8.0))
    assert model.answers.ringing.seen == [1, 1, 0]
    model.observe(AnswerCorrected(20.0, 9.0, 8.0, AnswerKind.UNKNOWN, AnswerKind.MACHINE))
    assert model.answers.ringing.seen == [0, 2, 0]
    assert model.summary()["answers_seen"] == 2.0


def test_a_cold_start_ends_when_calls_are_complete() -> None:
    """Twenty calls that began a ring time ago, however they ended; before that answers alone end nothing."""
    model = Model(25.0)
    assert model.calls_to_go == COMPLETE_CALLS
    for i in range(COMPLETE_CALLS - 5):
        model.observe(CallAnswered(9.0, 9.0) if i < 5 else CallFailed(25.0, 25.0))
    model.look(snapshot(now=30.0))
    assert model.calls_to_go == COMPLETE_CALLS
    model.look(snapshot(now=100.0))
    assert model.calls_to_go == 5.0
    for _ in range(5):
        model.observe(CallAnswered(110.0, 9.0))
    model.look(snapshot(now=200.0))
    assert model.calls_to_go == 0.0


def test_a_restart_begins_where_the_last_run_ended() -> None:
    """The memory of one run is the prior of the next, and its evidence ends the cold start."""
    first = Model(25.0, EXPERIENCED)
    for i in range(60):
        first.observe(TalkEnded(300.0 + i, 300.0))
    again = Model(25.0, first.memory())
    assert again.calls_to_go == 0.0
    assert again.summary() == pytest.approx(first.summary(), rel=0.02)
    assert again.summary()["talk_s"] > 200.0


def test_another_ring_timeout_keeps_what_still_fits() -> None:
    """The law of answers is of other ages then and begins anew; complete calls and talks stay."""
    model = Model(40.0, {**EXPERIENCED, "answers": known_answers(0.6)})
    assert model.summary()["answer_probability"] == pytest.approx(0.3, abs=0.01)
    assert model.calls_to_go == 0.0
    assert model.talk.mean_s == pytest.approx(Model(25.0, EXPERIENCED).talk.mean_s)
    assert model.answers.starts.rate_upper(0.001) == pytest.approx(0.6, abs=0.01)


def test_the_figures_shown_are_of_ringing_calls_too() -> None:
    """Amid a cold start the answers have come and the time-outs have not: it is not said that nearly all answer."""
    model = Model(25.0)
    for i in range(20):
        model.observe(CallAnswered(5.0 + i / 2.0, 5.0 + i / 2.0))
    model.look(snapshot(now=16.0, ringing_age_s=(16.0,) * 80))
    assert model.summary()["answer_probability"] < 0.35
    assert Model(25.0, model.memory()).summary()["answer_probability"] < 0.35


@given(observations())
def test_whatever_happens_the_laws_stay_laws(seen: tuple[Observation, ...]) -> None:
    """Hazards are positive and means finite."""
    model = Model(25.0)
    for one in seen:
        model.observe(one)
    assert np.all(model.talk.hazard() > 0.0)
    assert np.all(model.wrapup.hazard(300.0, (3.0,)) > 0.0)
    assert all(np.isfinite(value) for value in model.summary().values())
