"""People who call back: matched, served before dialling goes on, or told who called; one end each."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from compliance.numbers import E164
from config.inbound.settings import InboundSettings
from dialer.core.agents.agent import AgentEventKind, AgentState
from dialer.core.calls.call import CallState
from dialer.core.effects import FindCaller, OptOut, Publish, Settle
from dialer.core.inbound.ending import InboundEnd, end_of
from dialer.core.inputs import CallerFound, Drain, HangUpCall
from dialer.core.model import NOBODY, Close, Retry, Settlement
from sip.causes import Cause, Leg
from sip.inbound.messages import Answer, Arrived, PlayMusic, Reject
from sip.messages import CancelAgent, DialAgent, Digit, Ended, HangUp, PlayMessage
from tests.core.conftest import EPOCH, Stage, a_lead, a_stage, of, rung

K = AgentEventKind
SHOWN, CALLER = "+8610000", "+8613800000100"
SETTINGS = InboundSettings(
    used=True, message="/who.wav", wait_music="/music.wav", opt_out_key="9", callback_key="1", max_calls=3
)


@pytest.fixture
def stage(make_stage) -> Stage:
    stage = make_stage(inbound=SETTINGS)
    stage.campaign()
    return stage


def arrives(stage: Stage, call: str = "in-1", caller: str = CALLER, called: str = SHOWN) -> list[Any]:
    return stage.tell(Arrived(call, stage.now, "north", caller, (called,)))


def known(stage: Stage, call: str = "in-1", **lead: Any) -> list[Any]:
    """A caller who is lead 1, and whose lead was due in an hour."""
    arrives(stage, call)
    return stage.tell(CallerFound(call, a_lead(1, **lead), 0, held=True, due_at=stage.wall + 3600))


def waits(stage: Stage, call: str = "in-1", **lead: Any) -> list[Any]:
    known(stage, call, **lead)
    return stage.answer(call)


def ended(stage: Stage, call: str = "in-1", by: Leg = Leg.CALLEE, cause: Cause = Cause.NORMAL) -> Settlement:
    (settle,) = of(Settle, stage.tell(Ended(call, stage.now, cause, by, 200, 0, "")))
    assert (settle.settlement.live, settle.settlement.abandoned, settle.settlement.charged) == (False, False, False)
    assert settle.settlement.inbound
    return settle.settlement


def test_who_calls_is_asked_and_then_the_call_is_answered(stage):
    """The store is asked about the number in every campaign; the caller hears nothing until it has answered."""
    (wish,) = of(FindCaller, arrives(stage))
    assert (wish.call, wish.number.clear, wish.caller_id, wish.campaigns) == ("in-1", CALLER, SHOWN, ("sales",))
    (answer,) = of(Answer, stage.tell(CallerFound("in-1", a_lead(1))))
    assert (answer.call, answer.trunk) == ("in-1", "north")


def test_the_last_agent_has_the_caller(stage):
    """Before one who has waited longer, and whatever order the campaign has; the screen pops up as for any call."""
    stage.login("ann", "bob")
    assert rung(waits(stage, last_agent="bob")) == ["sip:bob@phones"]
    (connected,) = [event.fields for event in of(Publish, stage.bridge("in-1")) if event.kind == "connected"]
    assert (connected["agent"], connected["direction"], connected["lead_id"]) == ("bob", "inbound", "lead-1")
    stage.wait(30)
    settlement = ended(stage)
    assert (end_of(settlement), settlement.agent) == (InboundEnd.CONNECTED, "bob")
    assert isinstance(settlement.next_step, Close)
    assert stage.agent("bob").state is AgentState.WRAPUP


def test_the_next_free_agent_has_a_caller_who_waits(stage):
    """Music meanwhile; and the pacer counts the agent for nobody else."""
    stage.login("ann")
    talk = stage.talk()
    (music,) = of(PlayMusic, waits(stage))
    assert music.path == "/music.wav"
    (request,) = stage.engine.pacer_requests(stage.now, everyone=True)
    assert (len(request.snapshot.talking_age_s), request.snapshot.ready, request.snapshot.paused) == (0, 0, 1)
    assert not len(request.snapshot.waiting_age_s)
    stage.end(talk)
    assert rung(stage.say(K.READY, "ann")) == ["sip:ann@phones"]


def test_whom_we_called_goes_first(stage):
    """A callee has a moment by law, a caller music."""
    stage.login("ann")
    talk = stage.talk()
    waits(stage)
    answered = stage.dial()
    stage.answer(answered)
    stage.end(talk)
    effects = stage.say(K.READY, "ann")
    assert [command.call for command in of(DialAgent, effects)] == [answered]


def test_nobody_comes_in_time(stage):
    """After the limit the message, in the campaign's own words if it has any; no abandon, no event of one."""
    stage.campaign(return_message="/sales.wav")
    stage.login("ann")
    stage.talk()
    waits(stage)
    effects = stage.wait(SETTINGS.longest_wait_s + 1)
    assert [command.path for command in of(PlayMessage, effects)] == ["/sales.wav"]
    assert not [event for event in of(Publish, effects) if event.kind == "abandoned"]
    settlement = ended(stage, by=Leg.DIALER)
    assert end_of(settlement) is InboundEnd.NOT_SERVED
    assert settlement.next_step == Retry(pytest.approx(3600 - SETTINGS.longest_wait_s - 1.1, abs=2), 0)
    assert stage.state.campaigns["sales"].own.answered == 0, "nothing for the ledger"


def test_a_phone_that_rings_at_the_limit_is_let_go(stage):
    """And the caller hears the message."""
    stage.login("ann")
    waits(stage)
    effects = stage.wait(SETTINGS.longest_wait_s + 1)
    assert of(CancelAgent, effects)
    assert of(PlayMessage, effects)


def test_without_an_agent_of_the_campaign_nobody_waits(stage):
    """The message at once."""
    assert of(PlayMessage, waits(stage))


@pytest.mark.parametrize("caller", [CALLER, ""])
def test_a_stranger_hears_the_message_and_that_is_all(stage, caller):
    """Free agents are not rung, keys mean nothing; the campaign that shows the number has the end."""
    stage.login("ann")
    effects = arrives(stage, caller=caller)
    if caller:
        effects = stage.tell(CallerFound("in-1"))
    assert of(Answer, effects)
    effects = stage.answer("in-1")
    assert (rung(effects), [command.path for command in of(PlayMessage, effects)]) == ([], ["/who.wav"])
    assert not stage.tell(Digit("in-1", stage.now, "9"))
    settlement = ended(stage)
    assert (end_of(settlement), settlement.campaign, settlement.lead.lead_id) == (InboundEnd.STRANGER, "sales", "")
    assert settlement.lead.number == (E164(caller) if caller else NOBODY)


@pytest.mark.parametrize("while_waiting", [True, False])
def test_a_key_takes_the_caller_off_the_list(stage, while_waiting):
    """While the music or the message plays; the lead is closed."""
    stage.login("ann")
    stage.talk()
    waits(stage)
    if not while_waiting:
        stage.wait(SETTINGS.longest_wait_s + 1)
    effects = stage.tell(Digit("in-1", stage.now, "9"))
    (opted_out,) = of(OptOut, effects)
    assert (opted_out.number.clear, opted_out.key) == (CALLER, "9")
    assert of(HangUp, effects)
    settlement = ended(stage, by=Leg.DIALER)
    assert settlement.opted_out
    assert isinstance(settlement.next_step, Close)


def test_a_key_counts_while_an_agents_phone_rings(stage):
    """The caller still hears the music. The agent is free at once, however long the phone rang."""
    stage.login("ann")
    waits(stage)
    stage.wait(5.0)
    assert of(OptOut, stage.tell(Digit("in-1", stage.now, "9")))
    assert ended(stage, by=Leg.DIALER).opted_out
    assert stage.agent("ann").state is AgentState.READY


def test_a_key_asks_for_a_call(stage):
    """Another key does nothing."""
    stage.login("ann")
    stage.talk()
    waits(stage)
    assert not stage.tell(Digit("in-1", stage.now, "5"))
    assert of(HangUp, stage.tell(Digit("in-1", stage.now, "1")))
    settlement = ended(stage, by=Leg.DIALER)
    assert settlement.wants_callback
    assert isinstance(settlement.next_step, Retry)


def test_a_caller_who_hangs_up_leaves_the_lead_as_it_was(stage):
    """Due when it was before, at the number that was next; no attempt of it is counted."""
    stage.login("ann")
    stage.talk()
    arrives(stage)
    lead = a_lead(1, numbers=2)
    stage.tell(CallerFound("in-1", lead, 1, held=True, due_at=EPOCH + stage.now + 600))
    stage.answer("in-1")
    stage.wait(60)
    settlement = ended(stage)
    assert (end_of(settlement), settlement.lead.number) == (InboundEnd.HUNG_UP, lead.numbers[1])
    assert settlement.next_step == Retry(pytest.approx(540), 0)


def test_a_closed_lead_stays_closed(stage):
    """It has no time to go back to."""
    stage.login("ann")
    stage.talk()
    arrives(stage)
    stage.tell(CallerFound("in-1", a_lead(1)))
    stage.answer("in-1")
    assert isinstance(ended(stage).next_step, Close)


def test_dialling_of_the_lead_pauses(stage):
    """A lead that is leased here and held by the store for its caller is not dialled."""
    (lead,) = stage.lease()
    arrives(stage)
    stage.tell(CallerFound("in-1", lead, held=True, due_at=stage.wall))
    assert lead.lead_id not in {each.lead_id for each in stage.state.campaigns["sales"].leads}


def test_who_gives_up_before_the_answer_is_settled_once(stage):
    """Whether the store has answered or not."""
    arrives(stage, "in-1")
    stage.tell(Ended("in-1", stage.now, Cause.CANCELLED, Leg.CALLEE, 487, 0, ""))
    (settle,) = of(Settle, stage.tell(CallerFound("in-1", a_lead(1), held=True, due_at=stage.wall)))
    assert end_of(settle.settlement) is InboundEnd.HUNG_UP
    known(stage, "in-2")
    assert end_of(ended(stage, "in-2", cause=Cause.CANCELLED)) is InboundEnd.HUNG_UP
    assert stage.engine.is_idle()


def test_a_broken_call_is_said_to_be_one(stage):
    """A worker that dies is no caller who hangs up."""
    stage.login("ann")
    waits(stage)
    assert end_of(ended(stage, by=Leg.DIALER, cause=Cause.WORKER_LOST)) is InboundEnd.FAILED
    assert stage.agent("ann").state is AgentState.READY


def test_a_message_that_cannot_be_played_was_not_heard(stage):
    """The file is gone: the call has failed, whoever called."""
    known(stage)
    stage.answer("in-1")
    settlement = ended(stage, by=Leg.DIALER, cause=Cause.MEDIA_ERROR)
    assert (settlement.message_played, end_of(settlement)) == (False, InboundEnd.FAILED)


def test_a_number_that_we_do_not_show_is_none_of_ours(stage):
    """404."""
    (reject,) = of(Reject, arrives(stage, called="+8610001"))
    assert reject.sip_code == 404


def test_the_line_is_busy_beyond_the_limits(stage, make_stage):
    """So many at once, so many of one number in an hour, and no more than there are lines."""
    for number in range(SETTINGS.max_calls):
        assert of(FindCaller, arrives(stage, f"in-{number}", caller=f"+861380000020{number}"))
    assert [reject.sip_code for reject in of(Reject, arrives(stage, "in-9"))] == [486]

    often = make_stage(inbound=SETTINGS.model_copy(update={"calls_per_caller": 2}))
    often.campaign()
    for number in range(2):
        known(often, f"in-{number}")
        ended(often, f"in-{number}")
    assert [reject.sip_code for reject in of(Reject, arrives(often, "in-3"))] == [486]
    often.wait(3601)
    assert of(FindCaller, arrives(often, "in-4"))

    full = make_stage(inbound=SETTINGS, slots=2)
    full.campaign()
    full.dial()
    assert [reject.sip_code for reject in of(Reject, arrives(full))] == [486]


def test_a_caller_takes_a_line(stage):
    """As long as the call lasts, and the trunk's channel with it."""
    known(stage)
    assert (stage.state.lines_used, stage.state.trunks["north"].calls) == (1, 1)
    ended(stage)
    assert (stage.state.lines_used, stage.state.trunks["north"].calls) == (0, 0)


def test_off_or_draining_nobody_is_let_in(stage, make_stage):
    """480, as before there were such calls."""
    off = make_stage()
    off.campaign()
    assert [reject.sip_code for reject in of(Reject, arrives(off))] == [480]
    stage.tell(Drain())
    assert [reject.sip_code for reject in of(Reject, arrives(stage))] == [480]


def test_an_operator_and_the_agent_can_hang_up(stage):
    """As on any call."""
    stage.login("ann")
    waits(stage)
    stage.bridge("in-1")
    assert of(HangUp, stage.say(K.HANGUP, "ann"))
    assert ended(stage, by=Leg.DIALER).cause is Cause.AGENT
    known(stage, "in-2")
    stage.answer("in-2")
    assert of(HangUp, stage.tell(HangUpCall("in-2")))


def test_the_pacer_learns_nothing_about_answers(stage):
    """A return call is no answer to a call of ours; how long it was talked counts."""
    stage.login("ann")
    waits(stage)
    stage.bridge("in-1")
    stage.wait(10)
    ended(stage)
    kinds = [type(each).__name__ for each in stage.state.campaigns["sales"].observations]
    assert kinds == ["TalkEnded"]


def test_a_state_that_never_ends_is_given_up(stage):
    """Nothing leaks."""
    waits(stage)
    assert stage.call("in-1").state is CallState.MESSAGE
    stage.wait(400)
    assert stage.engine.is_idle()
    assert len(of(Settle, stage.done)) == 1


WHAT_HAPPENS = st.lists(
    st.tuples(
        st.sampled_from(
            ["arrives", "found", "nobody", "answered", "bridged", "key", "ended", "gave_up", "wait", "agent"]
        ),
        st.integers(0, 4),
        st.sampled_from(["9", "1", "5"]),
    ),
    max_size=40,
)


@given(WHAT_HAPPENS)
@settings(max_examples=150, deadline=None)
def test_every_call_that_was_let_in_ends_exactly_once(happens):
    """Whatever comes in whatever order: one settlement for each, no line and no agent is kept, nothing for the
    ledger."""
    stage = a_stage(inbound=SETTINGS, slots=8, agent_heartbeat_timeout_s=1e6)
    stage.campaign()
    stage.login("ann")
    asked: set[str] = set()
    for number, (what, place, key) in enumerate(happens):
        call = f"in-{place}"
        match what:
            case "arrives" if call not in asked:
                asked |= {wish.call for wish in of(FindCaller, arrives(stage, call, caller=f"+86138000{number:05}"))}
            case "found":
                stage.tell(CallerFound(call, a_lead(place), held=True, due_at=stage.wall))
            case "nobody":
                stage.tell(CallerFound(call))
            case "answered":
                stage.answer(call)
            case "bridged" if call in stage.state.calls:
                stage.bridge(call)
            case "key":
                stage.tell(Digit(call, stage.now, key))
            case "ended":
                stage.tell(Ended(call, stage.now, Cause.NORMAL, Leg.CALLEE, 200, 0, ""))
            case "gave_up":
                stage.tell(Ended(call, stage.now, Cause.CANCELLED, Leg.CALLEE, 487, 0, ""))
            case "wait":
                stage.wait(place * 40.0)
            case "agent":
                stage.say(K.PAUSE if place % 2 else K.READY, "ann")
    for call in list(stage.state.callers.pending):
        stage.tell(CallerFound(call))
    for call in list(stage.state.calls):
        stage.tell(Ended(call, stage.now, Cause.NORMAL, Leg.CALLEE, 200, 0, ""))
    ends = [effect.settlement for effect in of(Settle, stage.done)]
    assert sorted(end.attempt for end in ends) == sorted(asked)
    assert not any(end.live or end.abandoned or end.charged for end in ends)
    assert (stage.state.lines_used, stage.state.trunks["north"].calls, stage.state.waiting) == (0, 0, {})
    assert stage.agent("ann").call is None
