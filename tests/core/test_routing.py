"""From an answer to an agent, or to the abandon message."""

from __future__ import annotations

import pytest

from dialer.core.agents.agent import AgentEventKind, AgentState
from dialer.core.calls.call import STATE_LIMIT_S, CallState
from dialer.core.effects import AgentChanged, OptOut, Publish, Send, Settle
from dialer.core.inputs import CampaignState, HangUpAll
from dialer.core.model import Close, Disposition, Retry
from pacing.api import Ledger
from sip.causes import Cause, Leg
from sip.messages import AgentEnded, Bridged, Cancel, CancelAgent, Dial, DialAgent, Digit, HangUp, PlayMessage

K = AgentEventKind


def published(of, effects, kind):
    return [told.fields for told in of(Publish, effects) if told.kind == kind]


def test_the_agent_who_waited_longest_gets_the_call(stage, rung):
    """In the step of the answer, and the phone is shown the masked number only."""
    stage.login("ann", "bob")
    attempt = stage.dial()
    effects = stage.answer(attempt)
    assert rung(effects) == ["sip:ann@phones"]
    (command,) = [effect.command for effect in effects if hasattr(effect, "command")]
    assert command.about == str(stage.call(attempt).lead.number)
    assert "*" in command.about
    assert stage.agent("ann").state is AgentState.RINGING


def test_two_answers_get_two_agents(stage, rung):
    """An agent is reserved with the decision; nobody is given two calls."""
    stage.login("ann", "bob")
    first, second = stage.dial(), stage.dial()
    assert rung(stage.answer(first)) + rung(stage.answer(second)) == ["sip:ann@phones", "sip:bob@phones"]


def test_the_caller_who_waited_longest_is_served_first(stage, rung):
    """An agent who becomes ready gets the oldest answer."""
    first, second = stage.dial(), stage.dial()
    stage.answer(first)
    stage.wait(0.5)
    stage.answer(second)
    stage.say(K.LOGIN, "ann", uri="sip:ann@phones", campaigns=("sales",))
    effects = stage.say(K.READY, "ann")
    assert [effect.command.call for effect in effects if hasattr(effect, "command")] == [first]


def test_a_bridge_tells_the_crm(stage, of):
    """Screen pop: who, for whom, after how long; the number masked."""
    stage.login("ann")
    attempt = stage.dial()
    stage.answer(attempt)
    stage.wait(0.25)
    effects = stage.bridge(attempt)
    (fields,) = published(of, effects, "connected")
    assert (fields["attempt_id"], fields["agent"], fields["wait_s"]) == (attempt, "ann", 0.25)
    assert "*" in fields["phone"]
    assert stage.agent("ann").state is AgentState.TALKING


def test_a_busy_phone_passes_the_call_on_and_pauses_its_agent(stage, rung):
    """The next agent is tried at once; the first is paused with the reason, or would lose the next caller too."""
    stage.login("ann", "bob")
    attempt = stage.dial()
    stage.answer(attempt)
    assert rung(stage.leg_ends(attempt, Cause.BUSY)) == ["sip:bob@phones"]
    ann = stage.agent("ann")
    assert (ann.state, ann.reason) == (AgentState.PAUSED, "phone refused the call (busy, 486)")
    stage.bridge(attempt)
    assert stage.end(attempt).agent == "bob"


def test_an_agent_is_tried_once_for_a_call(stage, rung):
    """An agent who is ready again is not rung for the caller whom the phone refused before."""
    stage.login("ann")
    attempt = stage.dial()
    stage.answer(attempt)
    stage.leg_ends(attempt, Cause.BUSY)
    assert rung(stage.say(K.READY, "ann")) == []
    assert stage.call(attempt).state is CallState.WAITING


def test_at_the_limit_the_phone_is_called_off_and_the_message_plays(stage, of):
    """2.0 s after the answer: CancelAgent, PlayMessage, and the CRM hears of it."""
    stage.login("ann")
    attempt = stage.dial()
    stage.answer(attempt)
    assert of(PlayMessage, stage.wait(1.99)) == []
    effects = stage.wait(0.02)
    assert [of(kind, effects)[0].call for kind in (CancelAgent, PlayMessage)] == [attempt, attempt]
    assert of(PlayMessage, effects)[0].path == "/sorry.wav"
    (fields,) = published(of, effects, "abandoned")
    assert fields["message_played"] is True
    stage.leg_ends(attempt, Cause.CANCELLED, 487)
    assert stage.agent("ann").reason == "phone did not answer"
    told = stage.end(attempt, Cause.NORMAL, Leg.DIALER)
    assert (told.disposition, told.message_played, told.agent) == (Disposition.ABANDONED, True, "")
    assert stage.state.campaigns["sales"].ledger == Ledger(1, 1)


def listening(stage, **given):
    """A call whose callee hears the message."""
    stage.campaign(**given)
    attempt = stage.dial()
    stage.answer(attempt)
    stage.wait(2.5)
    return attempt


def press(stage, attempt, key="9"):
    return stage.tell(Digit(attempt, stage.now, key))


def test_a_message_that_could_not_be_played_was_not_heard(stage):
    """Its file is gone, or the callee had no audio: an abandoned call without a message, whatever was meant."""
    attempt = stage.dial()
    stage.answer(attempt)
    stage.wait(2.1)
    told = stage.end(attempt, Cause.MEDIA_ERROR, Leg.DIALER)
    assert (told.disposition, told.abandoned, told.message_played) == (Disposition.ABANDONED, True, False)


def test_the_key_during_the_message_is_an_opt_out(stage, of):
    """The number is blocked in that very step, the call ends, and the lead is closed whatever the retry table says."""
    attempt = listening(stage)
    lead = stage.call(attempt).lead
    stage.wait(0.7)

    effects = press(stage, attempt)

    assert effects == [
        OptOut("sales", attempt, lead.number, "9", stage.now),
        Send(HangUp(attempt)),
    ]
    assert press(stage, attempt) == [], "once is enough"
    told = stage.end(attempt, by=Leg.DIALER)
    assert (told.disposition, told.opted_out, told.abandoned) == (Disposition.ABANDONED, True, True)
    assert told.next_step == Close("opted out by a key during the message")


def test_a_key_after_the_message_still_counts(stage, of):
    """While the call ends: whoever pressed it had heard the message."""
    attempt = listening(stage)
    stage.wait(STATE_LIMIT_S[CallState.MESSAGE])
    assert stage.call(attempt).state is CallState.HANGING_UP

    assert of(OptOut, press(stage, attempt))
    assert stage.end(attempt, by=Leg.DIALER).opted_out is True


@pytest.mark.parametrize(("setting", "key"), [("9", "1"), ("*", "9"), ("", "9")])
def test_another_key_means_nothing(stage, setting, key):
    """And where the campaign has no key, none does."""
    attempt = listening(stage, opt_out_key=setting)

    assert press(stage, attempt, key) == []
    told = stage.end(attempt, by=Leg.DIALER)
    assert told.opted_out is False
    assert isinstance(told.next_step, Retry)


def test_keys_before_the_message_and_in_a_talk_mean_nothing(stage, rung):
    """Nobody has told the callee yet what they would mean; an agent hears what the callee wants."""
    stage.campaign()
    attempt = stage.dial()
    stage.answer(attempt)
    assert press(stage, attempt) == []
    stage.login("ann")
    stage.bridge(attempt)
    assert press(stage, attempt) == []
    assert stage.end(attempt).opted_out is False


def test_without_a_message_the_call_is_hung_up(stage, of):
    """A campaign that cannot overdial needs no message; its unserved caller is hung up on."""
    stage.campaign(mode="progressive", abandon_message="")
    attempt = stage.dial()
    stage.answer(attempt)
    effects = stage.wait(2.01)
    assert [command.call for command in of(HangUp, effects)] == [attempt]
    assert of(PlayMessage, effects) == []
    assert stage.end(attempt, Cause.NORMAL, Leg.DIALER).disposition is Disposition.ABANDONED


def test_a_phone_that_rang_till_the_limit_pauses_its_agent_also_without_its_own_end(stage):
    """The whole call's end may come before the leg's: the silent phone is not given the next caller."""
    stage.campaign(mode="progressive", abandon_message="")
    stage.login("ann")
    attempt = stage.dial()
    stage.answer(attempt)
    stage.wait(2.1)
    stage.end(attempt, Cause.NORMAL, Leg.DIALER)
    assert (stage.agent("ann").state, stage.agent("ann").reason) == (AgentState.PAUSED, "phone did not answer")


def test_a_phone_that_was_rung_only_for_a_moment_is_not_blamed(stage):
    """An agent who became ready just before the limit is ready again after it."""
    attempt = stage.dial()
    stage.answer(attempt)
    stage.wait(1.7)
    stage.login("ann")
    stage.wait(0.3)
    stage.leg_ends(attempt, Cause.CANCELLED, 487)
    assert stage.agent("ann").state is AgentState.READY


def test_an_agent_who_answers_as_the_message_starts_has_won(stage):
    """Bridged crosses the message: the talk goes on, and the ledger counts it as late."""
    stage.login("ann")
    attempt = stage.dial()
    stage.answer(attempt)
    stage.wait(2.01)
    assert stage.call(attempt).state is CallState.MESSAGE
    stage.bridge(attempt)
    assert stage.agent("ann").state is AgentState.TALKING
    stage.wait(30.0)
    told = stage.end(attempt)
    assert (told.disposition, told.live, told.abandoned, told.agent) == (Disposition.CONNECTED, True, True, "ann")


def test_a_bridge_of_another_leg_is_ignored(stage):
    """A leg that was given up cannot bring its agent back."""
    stage.login("ann", "bob")
    attempt = stage.dial()
    stage.answer(attempt)
    old = stage.call(attempt).leg
    stage.leg_ends(attempt, Cause.BUSY)
    stage.tell(Bridged(attempt, old, stage.now))
    stage.tell(AgentEnded(attempt, old, stage.now, Cause.BUSY, 486))
    assert stage.call(attempt).state is CallState.CONNECTING
    assert stage.agent("bob").state is AgentState.RINGING
    assert sum("is the one that matters" in detail for detail in stage.anomalies()) == 2


def test_an_answer_that_crosses_the_cancel_is_served(stage, rung):
    """A person is on the line: the agent is rung although we had given up."""
    stage.login("ann")
    attempt = stage.dial()
    stage.wait(26.0)
    assert rung(stage.answer(attempt, crossed=True)) == ["sip:ann@phones"]
    stage.bridge(attempt)
    told = stage.end(attempt)
    assert (told.disposition, told.crossed_cancel, told.abandoned) == (Disposition.CONNECTED, True, False)


@pytest.mark.parametrize("state", [CampaignState.PAUSED, CampaignState.STOPPED])
def test_calls_in_progress_are_served_when_the_campaign_is_not_running(stage, rung, state):
    """Pause and stop start nothing and cut nothing."""
    stage.login("ann")
    attempt = stage.dial()
    stage.campaign(state=state)
    assert rung(stage.answer(attempt)) == ["sip:ann@phones"]


def test_hang_up_all_ends_every_state(stage, of):
    """Answered calls all get one HangUp, ringing ones a Cancel; leads go back; a second time says nothing."""
    stage.login("ann")
    talking = stage.talk()
    message, waiting, ringing = stage.dial(), stage.dial(), stage.dial()
    stage.answer(message)
    stage.wait(2.01)
    stage.answer(waiting)
    stage.ring(ringing)
    effects = stage.tell(HangUpAll())
    assert {command.call for command in of(HangUp, effects)} == {talking, message, waiting}
    assert [command.call for command in of(Cancel, effects)] == [ringing]
    assert stage.tell(HangUpAll()) == []
    assert stage.end(talking, Cause.NORMAL, Leg.DIALER).disposition is Disposition.CONNECTED
    assert stage.end(ringing, Cause.CANCELLED, Leg.DIALER).disposition is Disposition.NO_ANSWER
    for attempt in (message, waiting):
        assert stage.end(attempt, Cause.NORMAL, Leg.DIALER).disposition is Disposition.ABANDONED
    assert stage.engine.is_idle()


def test_hang_up_all_releases_leads(stage, of):
    """Leads that wait for their turn go back."""
    stage.lease(2)
    stage.tell(HangUpAll())
    assert not stage.state.campaigns["sales"].leads


def test_a_talk_that_does_not_end_when_hung_up_is_given_up(stage):
    """A worker that never confirms the hang-up leaks neither line nor agent."""
    stage.login("ann")
    stage.talk()
    stage.tell(HangUpAll())
    stage.wait(70.1)
    assert stage.settled() == [Disposition.WORKER_LOST]
    assert stage.engine.is_idle()


def test_an_answer_after_hang_up_all_is_hung_up(stage, of, rung):
    """Nobody is connected to an agent when everything ends."""
    stage.login("ann")
    attempt = stage.dial()
    stage.tell(HangUpAll())
    effects = stage.answer(attempt, crossed=True)
    assert rung(effects) == []
    assert len(of(HangUp, effects)) == 1


# --- agents ---------------------------------------------------------------------------------------------------------


def test_a_silent_idle_agent_is_gone(stage, rung):
    """No heartbeat for 60 s: the agent is offline and gets no call."""
    stage.login("ann")
    stage.wait(61.5)
    assert stage.state.roster.get("ann") is None
    attempt = stage.dial()
    assert rung(stage.answer(attempt)) == []


def test_a_silent_agent_who_talks_leaves_after_the_call(stage, of):
    """The talk goes on; after its wrap-up the agent is offline."""
    stage.campaign(wrapup_limit_s=10.0)
    stage.login("ann")
    attempt = stage.talk()
    stage.wait(62.0)
    assert (stage.agent("ann").state, stage.agent("ann").pending) == (AgentState.TALKING, AgentState.OFFLINE)
    stage.end(attempt)
    assert stage.agent("ann").state is AgentState.WRAPUP
    effects = stage.wait(10.0)
    assert [told.state for told in of(AgentChanged, effects)] == [AgentState.OFFLINE]


def test_a_heartbeat_keeps_an_agent(stage):
    """Heartbeats every 30 s are enough."""
    stage.login("ann")
    for _ in range(5):
        stage.wait(30.0)
        stage.say(K.HEARTBEAT, "ann")
    assert stage.agent("ann").state is AgentState.READY


def test_wrapup_has_a_limit(stage, rung):
    """After the limit the agent is ready, and the next caller is served at once."""
    stage.campaign(wrapup_limit_s=10.0)
    stage.login("ann")
    stage.end(stage.talk())
    stage.wait(9.9)
    assert stage.agent("ann").state is AgentState.WRAPUP
    attempt = stage.dial()
    stage.answer(attempt)
    assert rung(stage.wait(0.2)) == ["sip:ann@phones"]


def test_a_wrapup_that_was_ended_by_hand_is_not_ended_again(stage):
    """The timer of an earlier wrap-up does not touch a later one."""
    stage.campaign(wrapup_limit_s=10.0)
    stage.login("ann")
    stage.end(stage.talk())
    stage.wait(2.0)
    stage.say(K.WRAPUP_DONE, "ann")
    stage.end(stage.talk())
    stage.wait(9.0)
    assert stage.agent("ann").state is AgentState.WRAPUP


def test_an_agent_hears_that_the_wish_is_noted(stage, of):
    """A pause asked for during a talk shows as pending at once."""
    stage.login("ann")
    stage.talk()
    (told,) = of(AgentChanged, stage.say(K.PAUSE, "ann", reason="lunch"))
    assert (told.state, told.pending) == (AgentState.TALKING, AgentState.PAUSED)


def test_a_logout_during_ringing_happens_after_the_call(stage):
    """The phone refuses: the agent is offline as asked, not paused."""
    stage.login("ann")
    attempt = stage.dial()
    stage.answer(attempt)
    stage.say(K.LOGOUT, "ann")
    stage.leg_ends(attempt, Cause.BUSY)
    assert stage.state.roster.get("ann") is None


def test_nonsense_from_a_desktop_is_answered(stage, of):
    """What does not fit changes nothing and comes back with a reason."""
    (fields,) = published(of, stage.say(K.WRAPUP_DONE, "ann"), "agent_event_refused")
    assert fields == {
        "agent": "ann",
        "event": "wrapup_done",
        "reason": "wrapup_done does not fit an agent who is offline",
        "ref": "",
    }


def test_a_heartbeat_does_not_wake_the_pacers(stage):
    """Nothing that a pacer could see changed."""
    stage.login("ann")
    stage.engine.pacer_requests(stage.now)
    stage.say(K.HEARTBEAT, "ann")
    assert stage.engine.pacer_requests(stage.now) == []


@pytest.mark.parametrize("cause", [Cause.NORMAL, Cause.WORKER_LOST])
def test_the_end_of_a_call_frees_an_agent_whose_phone_rings(stage, cause):
    """The callee hung up, or the worker died, while the agent's phone rang: the agent is ready."""
    stage.login("ann")
    attempt = stage.dial()
    stage.answer(attempt)
    stage.end(attempt, cause)
    assert stage.agent("ann").state is AgentState.READY


def test_one_ended_call_serves_the_next_waiting_one(stage, rung):
    """The agent who comes free in a step gets the waiting caller in the same step."""
    stage.login("ann")
    first, second = stage.dial(), stage.dial()
    stage.answer(first)
    stage.answer(second)
    stage.end(first)
    assert stage.call(second).state is CallState.CONNECTING
    assert stage.agent("ann").call == second


def test_no_effect_is_lost_between_steps(stage, of):
    """Effects of a step come with that step, none twice."""
    stage.login("ann")
    attempt = stage.talk()
    stage.end(attempt)
    assert len(of(Dial, stage.done)) == len(of(DialAgent, stage.done)) == len(of(Settle, stage.done)) == 1
