"""Calls that somebody on our side ends: an operator, an agent's desktop, the campaign's limit; and phones that died."""

from __future__ import annotations

import pytest

from dialer.core.agents.agent import AgentEventKind, AgentState
from dialer.core.calls.call import CallState
from dialer.core.effects import AgentChanged, Publish
from dialer.core.inputs import HangUpCall
from dialer.core.model import Disposition
from sip.causes import Cause, Leg
from sip.messages import Cancel, HangUp

K, D = AgentEventKind, Disposition


def test_an_operator_ends_a_talk(stage, of):
    """BYE to both, once; it was a talk, with a cause of its own, and the agent wraps up."""
    stage.login("ann")
    attempt = stage.talk()
    assert of(HangUp, stage.tell(HangUpCall(attempt))) == [HangUp(attempt)]
    assert of(HangUp, stage.tell(HangUpCall(attempt))) == []
    told = stage.end(attempt, Cause.NORMAL, Leg.DIALER)
    assert (told.disposition, told.cause, told.ended_by) == (D.CONNECTED, Cause.OPERATOR, Leg.DIALER)
    assert stage.agent("ann").state is AgentState.WRAPUP
    assert stage.anomalies() == []


def test_an_operator_ends_a_call_that_rings(stage, of):
    """CANCEL; nobody answered, because of the operator."""
    attempt = stage.dial()
    stage.ring(attempt)
    assert of(Cancel, stage.tell(HangUpCall(attempt))) == [Cancel(attempt)]
    told = stage.end(attempt, Cause.CANCELLED, Leg.DIALER, 487)
    assert (told.disposition, told.cause, told.charged) == (D.NO_ANSWER, Cause.OPERATOR, True)


def test_what_the_far_end_says_meanwhile_holds(stage):
    """The callee was busy, or hung up, before the operator's wish had come there."""
    ringing = stage.dial()
    stage.tell(HangUpCall(ringing))
    assert stage.end(ringing, Cause.BUSY, Leg.CALLEE, 486).cause is Cause.BUSY
    stage.login("ann")
    talk = stage.talk()
    stage.tell(HangUpCall(talk))
    told = stage.end(talk, Cause.NORMAL, Leg.CALLEE)
    assert (told.cause, told.ended_by) == (Cause.NORMAL, Leg.CALLEE)
    lost = stage.dial()
    stage.tell(HangUpCall(lost))
    assert stage.end(lost, Cause.WORKER_LOST, Leg.DIALER).disposition is D.WORKER_LOST


def test_a_call_that_waits_for_an_agent_and_is_ended_by_an_operator_is_abandoned(stage):
    """The callee was on the line: the ledger counts it."""
    attempt = stage.dial()
    stage.answer(attempt)
    stage.tell(HangUpCall(attempt))
    told = stage.end(attempt, Cause.NORMAL, Leg.DIALER)
    assert (told.disposition, told.cause, told.abandoned) == (D.ABANDONED, Cause.OPERATOR, True)


def test_an_agent_whose_phone_rang_for_it_is_free_again(stage):
    """The phone is not to blame, however long it rang."""
    stage.login("ann")
    attempt = stage.dial()
    stage.answer(attempt)
    stage.wait(1.5)
    stage.tell(HangUpCall(attempt))
    assert stage.call(attempt).state is CallState.HANGING_UP
    stage.end(attempt, Cause.NORMAL, Leg.DIALER)
    assert stage.agent("ann").state is AgentState.READY


def test_a_call_that_is_over_or_another_hosts_is_nothing(stage):
    """Every daemon hears the operator; who does not have the call does nothing."""
    assert stage.tell(HangUpCall("elsewhere")) == []
    assert stage.anomalies() == []


def test_an_agent_hangs_up_at_the_desktop(stage, of):
    """The agent need not reach for the phone; wrap-up follows, and the end says who wanted it."""
    stage.login("ann")
    attempt = stage.talk()
    assert of(HangUp, stage.say(K.HANGUP, "ann")) == [HangUp(attempt)]
    told = stage.end(attempt, Cause.NORMAL, Leg.DIALER)
    assert (told.disposition, told.cause, told.ended_by) == (D.CONNECTED, Cause.AGENT, Leg.AGENT)
    assert stage.agent("ann").state is AgentState.WRAPUP


def test_an_agent_without_a_talk_has_nothing_to_hang_up(stage, of):
    """It is refused with the reason, and changes nothing."""
    stage.login("ann")
    (refused,) = of(Publish, stage.say(K.HANGUP, "ann"))
    assert refused.kind == "agent_event_refused"
    assert refused.fields["reason"] == "hangup does not fit an agent who is ready"


def test_a_talk_lasts_as_long_as_its_campaign_lets_it(stage, of):
    """The campaign's limit, from when both heard each other; a talk that is over is not ended again."""
    stage.campaign(talk_limit_s=60.0)
    stage.login("ann", "bob")
    long = stage.talk()
    stage.wait(30.0)
    short = stage.talk()
    stage.end(short)
    assert of(HangUp, stage.wait(29.9)) == []
    assert of(HangUp, stage.wait(0.2)) == [HangUp(long)]
    told = stage.end(long, Cause.NORMAL, Leg.DIALER)
    assert (told.disposition, told.cause) == (D.CONNECTED, Cause.TALK_LIMIT)
    assert of(HangUp, stage.wait(60.0)) == []


@pytest.mark.parametrize("cause", [Cause.MEDIA_TIMEOUT, Cause.SESSION_EXPIRED])
def test_an_agent_whose_phone_died_is_paused_after_wrap_up(stage, of, cause):
    """The next caller would be lost as well; the CRM hears why, and of the talk that the agent's leg ended it."""
    stage.login("ann")
    attempt = stage.talk()
    told = stage.end(attempt, cause, Leg.AGENT)
    assert (told.disposition, told.cause, told.ended_by) == (D.CONNECTED, cause, Leg.AGENT)
    changed = of(AgentChanged, stage.done)[-1]
    assert (changed.state, changed.pending) == (AgentState.WRAPUP, AgentState.PAUSED)
    stage.say(K.WRAPUP_DONE, "ann")
    assert stage.agent("ann").state is AgentState.PAUSED
    assert stage.agent("ann").reason == f"phone is gone ({cause.replace('_', ' ')})"


def test_an_agent_who_hung_up_the_phone_goes_on(stage):
    """A BYE from the phone is an ordinary end, and so is a callee who vanished."""
    stage.login("ann")
    for cause, by in ((Cause.NORMAL, Leg.AGENT), (Cause.MEDIA_TIMEOUT, Leg.CALLEE)):
        stage.end(stage.talk(), cause, by)
        stage.say(K.WRAPUP_DONE, "ann")
        assert stage.agent("ann").state is AgentState.READY


def test_the_calls_on_the_line_can_be_seen(stage):
    """State, times and agent of each, the number masked."""
    stage.login("ann")
    attempt = stage.talk()
    stage.wait(5.0)
    ringing = stage.dial()
    talk, ring = stage.engine.calls()
    assert (talk.attempt_id, talk.state, talk.agent, talk.trunk) == (attempt, "talking", "ann", "north")
    assert (ring.attempt_id, ring.state, ring.agent, ring.answered_at) == (ringing, "dialling", "", None)
    assert talk.bridged_at == pytest.approx(stage.wall - 5.0)
    assert "****" in talk.phone
