"""Who answered: known at the answer, or said later."""

from __future__ import annotations

import pytest

from dialer.core.agents.agent import AgentEventKind, AgentState
from dialer.core.calls import routing
from dialer.core.calls.call import CallState
from dialer.core.effects import Publish
from dialer.core.inputs import AnswerReported
from dialer.core.model import Close, Disposition, Retry
from pacing.api import AnswerCorrected, AnswerKind, CallAbandoned, CallAnswered, Ledger, TalkEnded
from sip.causes import Answerer, Cause, Leg
from sip.messages import HangUp, PlayMessage

K = AgentEventKind
MACHINE, UNKNOWN = AnswerKind.MACHINE, AnswerKind.UNKNOWN


def learnt(stage):
    return [
        seen for question in stage.engine.pacer_requests(stage.now, everyone=True) for seen in question.observations
    ]


@pytest.mark.parametrize("kind", list(Answerer), ids=str)
def test_the_pacer_hears_who_answered(stage, kind):
    """What the SIP side knows goes on to the pacer as it is."""
    attempt = stage.dial()
    stage.answer(attempt, kind=kind)
    assert learnt(stage) == [CallAnswered(stage.now, 0.0, "north", AnswerKind(kind.value))]


def test_a_machine_goes_to_an_agent_and_is_no_live_answer(stage):
    """It takes an agent like anybody else; the ledger does not count it."""
    stage.login("ann")
    attempt = stage.dial()
    stage.answer(attempt, kind=Answerer.MACHINE)
    stage.bridge(attempt)
    stage.wait(9.0)
    told = stage.end(attempt)
    assert (told.disposition, told.answer_kind, told.live, told.abandoned) == (D.CONNECTED, MACHINE, False, False)
    assert told.charged
    assert stage.state.campaigns["sales"].ledger == Ledger(0, 0)
    assert [type(one) for one in learnt(stage)] == [CallAnswered, TalkEnded]


def test_a_machine_without_an_agent_is_hung_up(stage, of):
    """At the limit, without the message; nobody was abandoned and nobody is told so."""
    stage.campaign("sales", abandon_message="/sorry.wav")
    attempt = stage.dial()
    stage.answer(attempt, kind=Answerer.MACHINE)
    effects = stage.wait(2.0)
    assert stage.call(attempt).state is CallState.HANGING_UP
    assert [of(kind, effects) != [] for kind in (HangUp, PlayMessage, Publish)] == [True, False, False]
    told = stage.end(attempt, Cause.NORMAL, Leg.DIALER)
    assert (told.disposition, told.live, told.abandoned, told.hung_up) == (D.MACHINE, False, False, False)
    assert told.next_step == Retry(24 * 3600.0, 0)
    assert stage.state.campaigns["sales"].ledger == Ledger(0, 0)
    assert CallAbandoned not in {type(one) for one in learnt(stage)}


def test_a_machine_that_ends_the_call_hangs_up_on_nobody(stage):
    """Its greeting was over before an agent came: no abandoned call, called again by the row for machines."""
    stage.campaign("sales", retry={"machine": {"max_attempts": 0}})
    attempt = stage.dial()
    stage.answer(attempt, kind=Answerer.MACHINE)
    told = stage.end(attempt)
    assert (told.disposition, told.live) == (D.MACHINE, False)
    assert isinstance(told.next_step, Close)


def test_people_go_before_machines(stage, rung):
    """An agent who becomes ready gets the person, though the machine answered first."""
    machine, person = stage.dial(), stage.dial()
    stage.answer(machine, kind=Answerer.MACHINE)
    stage.wait(0.5)
    stage.answer(person)
    stage.say(K.LOGIN, "ann", uri="sip:ann@phones", campaigns=("sales",))
    assert rung(stage.say(K.READY, "ann")) == ["sip:ann@phones"]
    assert stage.call(person).state is CallState.CONNECTING
    assert stage.agent("ann").state is AgentState.RINGING


def test_a_later_word_reaches_the_pacer(stage):
    """Also after the call has ended; with the answer that it is about."""
    stage.login("ann")
    attempt = stage.dial()
    stage.wait(6.0)
    stage.answer(attempt)
    answered_at = stage.now
    stage.bridge(attempt)
    stage.end(attempt)
    learnt(stage)
    stage.wait(10.0)
    stage.tell(AnswerReported(attempt, machine=True))
    assert learnt(stage) == [AnswerCorrected(stage.now, answered_at, 6.0, UNKNOWN, MACHINE, "north")]


def test_a_word_that_replaces_another_takes_it_back(stage):
    """Each change is told once; the same word again, or one that says nothing about machines, is no news."""
    attempt = stage.dial()
    stage.answer(attempt)
    learnt(stage)
    for machine in (False, True, True, False, False):
        stage.tell(AnswerReported(attempt, machine))
    told = learnt(stage)
    assert [(one.was, one.kind) for one in told] == [(UNKNOWN, MACHINE), (MACHINE, UNKNOWN)]


def test_what_the_sip_side_knew_outlasts_other_words(stage):
    """A word that is not machine does not make a person of what was known to be a machine."""
    attempt = stage.dial()
    stage.answer(attempt, kind=Answerer.MACHINE)
    learnt(stage)
    stage.tell(AnswerReported(attempt, machine=False))
    assert learnt(stage) == []


def test_a_word_about_a_call_that_is_not_known_is_ignored(stage, monkeypatch):
    """Another host's, one that nobody answered, or one from long ago."""
    monkeypatch.setattr(routing, "ANSWERS_KEPT", 1)
    old, new = stage.dial(), stage.dial()
    stage.answer(old)
    stage.answer(new)
    ringing = stage.dial()
    learnt(stage)
    for attempt in ("another host's", ringing, old):
        stage.tell(AnswerReported(attempt, machine=True))
    assert learnt(stage) == []
    stage.tell(AnswerReported(new, machine=True))
    assert [type(one) for one in learnt(stage)] == [AnswerCorrected]


D = Disposition
