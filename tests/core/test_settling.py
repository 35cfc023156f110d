"""The end of an attempt: charges, ledger, what the pacer learns, what is freed."""

from __future__ import annotations

import pytest

from dialer.core.agents.agent import AgentEventKind, AgentState
from dialer.core.calls.call import CallState
from dialer.core.effects import OptOut, Settle
from dialer.core.model import Close, Disposition, Retry
from pacing.api import CallAbandoned, CallAnswered, CallFailed, Ledger, TalkEnded, WrapupEnded
from sip.causes import Cause, Leg
from sip.messages import Ended, HangUp

D = Disposition


def learnt(stage):
    """What the pacer of the campaign is told next."""
    return [type(seen) for question in stage.engine.pacer_requests(stage.now) for seen in question.observations]


def test_a_talk_is_settled_with_its_whole_story(stage):
    """Times, agent, cause and disposition of a call that went well."""
    stage.login("ann")
    attempt = stage.dial()
    stage.wait(3.0)
    stage.ring(attempt)
    stage.wait(5.0)
    stage.answer(attempt)
    stage.bridge(attempt)
    stage.wait(60.0)
    told = stage.end(attempt)
    assert (told.disposition, told.agent, told.live, told.abandoned, told.charged) == (
        D.CONNECTED,
        "ann",
        True,
        False,
        True,
    )
    times = [told.dialled_at, told.ringing_at, told.answered_at, told.agent_dialled_at, told.bridged_at, told.ended_at]
    start = told.reserved_at
    assert [round(at - start, 3) for at in times] == [0.0, 3.0, 8.0, 8.0, 8.0, 68.0]
    assert isinstance(told.next_step, Close)
    assert stage.agent("ann").state is AgentState.WRAPUP
    assert learnt(stage) == [CallAnswered, TalkEnded]


def test_an_answer_that_our_own_bye_ended_is_abandoned(stage):
    """A 200 OK crosses our CANCEL and the SIP stack ends it: the callee heard silence, and the ledger says so."""
    attempt = stage.dial()
    stage.wait(26.0)
    assert stage.call(attempt).state is CallState.CANCELLING
    stage.answer(attempt, crossed=True)
    told = stage.end(attempt, Cause.NORMAL, Leg.DIALER)
    assert (told.disposition, told.live, told.abandoned, told.crossed_cancel) == (D.ABANDONED, True, True, True)
    assert stage.state.campaigns["sales"].ledger == Ledger(1, 1)
    assert told.next_step == Retry(72 * 3600.0, 0)


def test_the_agent_of_a_crossed_call_is_free_again(stage):
    """The agent whose phone had just begun to ring goes back to ready."""
    stage.login("ann")
    attempt = stage.dial()
    stage.wait(26.0)
    stage.answer(attempt, crossed=True)
    assert stage.agent("ann").state is AgentState.RINGING
    assert stage.end(attempt, Cause.NORMAL, Leg.DIALER).agent == ""
    assert stage.agent("ann").state is AgentState.READY


@pytest.mark.parametrize(
    ("cause", "charged"),
    [(Cause.BUSY, True), (Cause.NOT_SENT, False), (Cause.TRUNK_UNREACHABLE, False), (Cause.WORKER_LOST, True)],
)
def test_what_failed_on_our_side_is_not_charged(stage, cause, charged):
    """The caps are charged for calls that may have reached somebody."""
    attempt = stage.dial()
    assert stage.end(attempt, cause).charged is charged


@pytest.mark.parametrize("cause", list(Cause), ids=str)
def test_the_pacer_learns_nothing_from_our_own_faults(stage, cause):
    """A trunk that was down must not teach the pacer that nobody ever answers."""
    ours = {Cause.NOT_SENT, Cause.TRUNK_UNREACHABLE, Cause.ROUTE_ERROR, Cause.AUTH_ERROR, Cause.MEDIA_ERROR}
    ours |= {Cause.PROTOCOL_ERROR, Cause.WORKER_LOST}
    attempt = stage.dial()
    stage.engine.pacer_requests(stage.now)
    stage.end(attempt, cause)
    assert learnt(stage) == ([] if cause in ours else [CallFailed])


def test_a_callee_who_hangs_up_in_the_silence_counts_as_abandoned(stage):
    """Answered, hung up before the limit, no agent: HUNG_UP for the CRM, abandoned in the ledger."""
    attempt = stage.dial()
    stage.answer(attempt)
    stage.wait(1.0)
    told = stage.end(attempt)
    assert (told.disposition, told.live, told.abandoned) == (D.HUNG_UP, True, True)
    assert learnt(stage) == [CallAnswered, CallAbandoned]


def test_an_end_for_an_unknown_call_is_noted_and_changes_nothing(stage):
    """An Ended that comes twice settles once."""
    attempt = stage.dial()
    stage.end(attempt, Cause.BUSY)
    stage.tell(Ended(attempt, stage.now, Cause.BUSY, Leg.CALLEE, 486, 0, ""))
    assert stage.settled() == [D.BUSY]
    assert any("unknown call" in detail for detail in stage.anomalies())


def test_a_cancel_without_an_end_is_given_up(stage, of):
    """70 s after a CANCEL that nobody answers the call is settled as lost, hung up once more, and its line is free."""
    attempt = stage.dial()
    stage.wait(26.0)
    assert stage.state.lines_used == 1
    effects = stage.wait(70.0)
    assert stage.settled() == [D.WORKER_LOST]
    assert [command.call for command in of(HangUp, effects)] == [attempt]
    assert stage.state.lines_used == 0


def test_a_message_that_does_not_stop_is_hung_up_then_given_up(stage, of):
    """After 120 s the message is cut off; it still is an abandoned call, unless no end comes at all."""
    attempt = stage.dial()
    stage.answer(attempt)
    stage.wait(2.0)
    assert of(HangUp, stage.wait(119.0)) == []
    assert [command.call for command in of(HangUp, stage.wait(1.5))] == [attempt]
    assert stage.end(attempt, Cause.NORMAL, Leg.DIALER).disposition is D.ABANDONED


def test_an_answer_after_a_cancel_ends_the_watch_over_the_cancel(stage):
    """A talk that began by crossing our CANCEL is not given up 70 s after that CANCEL."""
    stage.login("ann")
    attempt = stage.dial()
    stage.wait(26.0)
    stage.answer(attempt, crossed=True)
    stage.bridge(attempt)
    for _ in range(10):
        stage.wait(20.0)
        stage.say(AgentEventKind.HEARTBEAT, "ann")
    assert stage.call(attempt).state is CallState.TALKING


def test_wrapups_that_nobody_asks_about_are_not_collected_for_ever(stage):
    """A stopped campaign that its agents still name keeps a bounded number of observations."""
    observations = stage.state.campaigns["sales"].observations
    observations.extend(WrapupEnded(float(at), 1.0) for at in range(20_000))
    assert len(observations) == 10_000


def test_a_trunk_that_refuses_everything_does_not_burn_the_list(stage):
    """503 or 403 to every INVITE: after twenty no more than a probe now and then; a phone that rang is no refusal."""
    trunk = stage.state.trunks["north"]
    for _ in range(19):
        stage.end(stage.dial(), Cause.CONGESTION, Leg.NETWORK, 503)
    rings = stage.dial()
    stage.ring(rings)
    stage.end(rings, Cause.CONGESTION, Leg.NETWORK, 503)
    assert trunk.room(stage.now) > 0
    assert not stage.end(stage.dial(), Cause.ROUTE_ERROR, Leg.NETWORK, 403).charged
    assert trunk.room(stage.now) == 0


def test_a_trunk_is_left_alone_for_as_long_as_it_asks(stage):
    """503 with Retry-After: 40 rests it for 40 s; from a callee who is busy the same header says nothing of it."""
    trunk = stage.state.trunks["north"]
    stage.tell(Ended(stage.dial(), stage.now, Cause.BUSY, Leg.CALLEE, 486, 0, "", retry_after_s=40.0))
    assert trunk.room(stage.now) > 0
    stage.tell(Ended(stage.dial(), stage.now, Cause.CONGESTION, Leg.NETWORK, 503, 0, "", retry_after_s=40.0))
    assert trunk.room(stage.now + 39.9) == 0
    assert trunk.room(stage.now + 40.0) > 0


def test_an_answer_without_usable_media_is_the_trunks_fault(stage):
    """The callee was there and met silence: an abandoned live answer, charged, and called again as one abandoned; after
    three the trunk rests."""
    trunk = stage.state.trunks["north"]
    for _ in range(3):
        attempt = stage.dial()
        stage.ring(attempt)
        stage.answer(attempt)
        told = stage.end(attempt, Cause.MEDIA_ERROR, Leg.NETWORK)
    assert (told.disposition, told.live, told.abandoned, told.charged) == (D.MEDIA_ERROR, True, True, True)
    assert told.next_step == Retry(72 * 3600.0, 0)
    assert trunk.room(stage.now) == 0


def test_the_end_of_a_call_says_which_number_it_showed(stage):
    """A block by the network is counted against it."""
    attempt = stage.dial()
    told = stage.end(attempt, Cause.BLOCKED, Leg.NETWORK)
    assert (told.disposition, told.caller_id) == (D.BLOCKED, "+8610000")
    assert isinstance(told.next_step, Close)


def test_a_call_marked_as_unwanted_is_an_opt_out(stage, of):
    """SIP 607: the number is blocked for all campaigns, as if a key had been pressed."""
    stage.login("ann")
    attempt = stage.dial()
    lead = stage.call(attempt).lead
    effects = stage.tell(Ended(attempt, stage.now, Cause.UNWANTED, Leg.CALLEE, sip_code=607, q850=0, reason="Unwanted"))

    assert of(OptOut, effects) == [OptOut("sales", attempt, lead.number, "", stage.now)]
    (told,) = of(Settle, effects)
    assert (told.settlement.disposition, told.settlement.opted_out) == (D.UNWANTED, False)
    assert isinstance(told.settlement.next_step, Close)


def test_a_call_without_an_answer_is_not_in_the_ledger(stage):
    """No answer, no live answer, no abandon; nobody is let into the counts."""
    settlement = stage.end(stage.dial(), Cause.NO_ANSWER, sip_code=480)

    assert (settlement.live, settlement.abandoned, settlement.hung_up) == (False, False, False)
    assert stage.state.campaigns["sales"].ledger.answered == 0
