"""Calls in mode script and surveys after a talk, step by step through the engine."""

from __future__ import annotations

import json
from typing import Any

import pytest

from dialer.core.abandonment.rate import AnswerCounts
from dialer.core.agents.agent import AgentEventKind, AgentState
from dialer.core.calls.call import CallState
from dialer.core.effects import Lease, OptOut, Publish, Settle
from dialer.core.inputs import HangUpCall
from dialer.core.model import Close, Disposition
from pacing.api import ScriptEnded, TalkEnded
from sip.causes import Cause, Leg
from sip.messages import Dial, DialAgent, Digit, HangUp, PlayMessage
from sip.scripts.messages import AgentLeft, EndMessage, HangUpAgent, Prompt, PromptDone, TakeMessage

ASK = {
    "name": "ask",
    "play": "/ask.wav",
    "keys": {"1": "transfer", "2345": "thanks", "9": "stop", "7": "say"},
    "scores": "2345",
    "next": "hang_up",
}
STEPS = [
    ASK,
    {"name": "say", "record_s": 20.0, "next": "thanks"},
    {"name": "thanks", "play": "/thanks.wav", "next": "hang_up"},
    {"name": "stop", "opt_out": True, "play": "/stop.wav", "next": "hang_up"},
]
SURVEY = [{**ASK, "keys": {"2345": "thanks", "7": "say", "9": "stop"}}, *STEPS[1:]]


@pytest.fixture
def automated(make_stage):
    """A stage whose campaign is in mode script."""
    stage = make_stage()
    stage.campaign(mode="script", max_lines=50, script={"steps": STEPS, "limit_s": 60.0})
    return stage


@pytest.fixture
def surveyed(make_stage):
    """A stage whose campaign has a survey after each talk, with one agent."""
    stage = make_stage()
    stage.campaign(survey={"steps": SURVEY})
    stage.login("ann")
    return stage


def asked(stage) -> str:
    """A call whose callee hears the question."""
    attempt = stage.dial()
    stage.answer(attempt)
    return attempt


def left(stage, cause: Cause = Cause.NORMAL) -> str:
    """A call whose agent has hung up."""
    attempt = stage.talk()
    stage.wait(30.0)
    stage.tell(AgentLeft(attempt, stage.now, cause))
    return attempt


def press(stage, attempt: str, key: str) -> list[Any]:
    return stage.tell(Digit(attempt, stage.now, key))


def answers(stage) -> list[tuple[str, str, int | None]]:
    events = [effect.fields for effect in stage.done if isinstance(effect, Publish) and effect.kind == "script_answer"]
    return [(fields["step"], fields["key"], fields["score"]) for fields in events]


def test_leads_are_dialled_without_an_agent_only_where_none_is_ever_asked_for(make_stage, of):
    """A script that hangs up by itself needs nobody; one that may ask for an agent keeps no leads without one."""
    stage = make_stage()
    alone = [{**ASK, "keys": {"2345": "thanks"}}, STEPS[2]]
    stage.campaign("alone", mode="script", max_lines=5, script={"steps": alone})
    stage.campaign("asks", mode="script", max_lines=5, script={"steps": STEPS})

    assert [effect.campaign for effect in of(Lease, stage.engine.lease_more(stage.now))] == ["alone"]
    stage.login("ann", campaigns=("alone", "asks"))
    assert [agent.agent for agent in stage.state.staff()["asks"]] == ["ann"]
    assert stage.state.staff()["alone"] == []


def test_an_answer_is_asked_and_an_answer_goes_to_the_crm(automated, of):
    """The question plays at once; the key is told with its mark, and after the thanks the dialer hangs up."""
    attempt = automated.dial()
    assert of(Prompt, automated.answer(attempt)) == [Prompt(attempt, 1, "/ask.wav")]

    assert of(Prompt, press(automated, attempt, "4")) == [Prompt(attempt, 2, "/thanks.wav")]
    automated.tell(PromptDone(attempt, 1, automated.now))  # of the question, on its way when the key came
    assert of(HangUp, automated.tell(PromptDone(attempt, 2, automated.now))) == [HangUp(attempt)]
    told = automated.end(attempt, Cause.NORMAL, Leg.DIALER)

    assert answers(automated) == [("ask", "4", 4)]
    assert (told.disposition, told.live, told.abandoned) == (Disposition.SCRIPT_DONE, False, False)
    assert told.next_step == Close("the callee heard the script to its end")
    assert told.agent_wanted_at is None
    assert list(automated.state.campaigns["sales"].observations)[-1] == ScriptEnded(automated.now, wanted_agent=False)
    assert automated.anomalies() == []


SCRIPTED = {"mode": "script", "max_lines": 50, "script": {"steps": STEPS, "limit_s": 60.0}}


def test_who_was_called_for_an_agent_hears_no_script(make_stage, of):
    """The mode was changed while the phone rang: nobody has asked whether this callee agreed to automated calls."""
    stage = make_stage()
    stage.campaign()
    stage.login("ann")
    attempt = stage.dial()
    stage.campaign(**SCRIPTED)
    assert (of(Prompt, effects := stage.answer(attempt)), len(of(DialAgent, effects))) == ([], 1)


def test_who_was_called_for_a_script_that_is_gone_has_an_agent(automated, of):
    """Or the abandon message: there is nothing else to say."""
    attempt = automated.dial()
    automated.campaign()
    automated.answer(attempt)
    assert automated.call(attempt).state is CallState.WAITING
    assert of(PlayMessage, automated.wait(2.1))


def test_a_permit_of_another_mode_is_given_back(make_stage, of):
    """The lead was judged by the rules of the mode before, and is judged again."""
    stage = make_stage()
    stage.campaign()
    stage.login("ann")
    (lead,) = stage.lease(1)
    stage.pace()
    stage.campaign(**SCRIPTED)
    _, effects = stage.permit(lead)
    (settle,) = of(Settle, effects)
    assert (settle.settlement.disposition, of(Dial, effects)) == (Disposition.NOT_SENT, [])


def test_silence_is_waited_out_and_repeated(automated, of):
    """The wait begins when the question has played; a key within it ends it."""
    attempt = asked(automated)
    automated.tell(PromptDone(attempt, 1, automated.now))
    assert of(Prompt, automated.wait(4.9)) == []
    assert of(Prompt, automated.wait(0.2)) == [Prompt(attempt, 2, "/ask.wav")]
    automated.tell(PromptDone(attempt, 2, automated.now))
    press(automated, attempt, "3")
    assert of(HangUp, automated.wait(6.0)) == []
    automated.tell(PromptDone(attempt, 3, automated.now))
    assert automated.end(attempt, Cause.NORMAL, Leg.DIALER).disposition is Disposition.SCRIPT_DONE


def test_who_presses_the_key_for_an_agent_waits_like_anybody_who_answered(automated):
    """With a ready agent it is a talk, which counts from the key, not from the answer."""
    automated.login("ann")
    attempt = asked(automated)
    automated.wait(20.0)
    press(automated, attempt, "1")
    automated.wait(0.4)
    automated.bridge(attempt)
    automated.wait(10.0)
    told = automated.end(attempt)

    assert (told.disposition, told.agent, told.live, told.abandoned) == (Disposition.CONNECTED, "ann", True, False)
    assert told.transfer_at == pytest.approx(told.answered_at + 20.0)
    connected = [effect for effect in automated.done if isinstance(effect, Publish) and effect.kind == "connected"]
    assert connected[0].fields["wait_s"] == 0.4


def test_who_asks_for_an_agent_in_vain_is_abandoned(automated, of):
    """The limit counts from the key; then the message, and the ledger."""
    automated.login("ann")
    automated.say(AgentEventKind.PAUSE, "ann")
    attempt = asked(automated)
    automated.wait(20.0)
    press(automated, attempt, "1")
    assert of(PlayMessage, automated.wait(1.9)) == []
    assert of(PlayMessage, automated.wait(0.2)) == [PlayMessage(attempt, "/sorry.wav")]
    told = automated.end(attempt, Cause.NORMAL, Leg.DIALER)

    assert (told.disposition, told.live, told.abandoned) == (Disposition.ABANDONED, True, True)
    assert automated.state.campaigns["sales"].own == AnswerCounts(answered=1, abandoned=1)


def test_a_callee_who_hangs_up_in_the_script_was_promised_no_agent(automated):
    """It is in no abandonment ledger, and is not called again by itself."""
    attempt = asked(automated)
    told = automated.end(attempt)

    assert (told.disposition, told.live) == (Disposition.SCRIPT_LEFT, False)
    assert told.next_step == Close("script left: not called again")


def test_never_again_is_blocked_before_anything_is_said(automated, of):
    """Once, however often the step is heard."""
    attempt = asked(automated)
    effects = press(automated, attempt, "9")
    assert [type(effect).__name__ for effect in effects] == ["Publish", "OptOut", "Send"]
    assert of(OptOut, effects)[0].key == "9"
    automated.tell(PromptDone(attempt, 2, automated.now))
    told = automated.end(attempt, Cause.NORMAL, Leg.DIALER)

    assert (told.opted_out, told.next_step) == (True, Close("opted out by a key during the message"))


def test_a_message_is_recorded_under_its_own_name_and_ended_by_a_key(automated, of):
    """What is kept with it says of whom it is, and nothing that identifies them."""
    attempt = asked(automated)
    (order,) = of(TakeMessage, press(automated, attempt, "7"))
    facts = json.loads(order.facts)
    assert order.name == f"{attempt}-m1"
    assert (facts["campaign"], facts["step"], facts["phone"]) == (
        "sales",
        "say",
        str(automated.call(attempt).lead.number),
    )
    assert automated.call(attempt).lead.number.clear not in order.facts

    assert of(EndMessage, press(automated, attempt, "#")) == [EndMessage(attempt)]
    automated.tell(PromptDone(attempt, 2, automated.now))
    assert automated.end(attempt, Cause.NORMAL, Leg.DIALER).disposition is Disposition.SCRIPT_DONE


def test_a_message_that_cannot_be_recorded_is_passed_over(automated, of):
    """The callee is thanked all the same, and the reason is said."""
    attempt = asked(automated)
    press(automated, attempt, "7")
    assert of(Prompt, automated.tell(PromptDone(attempt, 0, automated.now, "disk full")))
    assert "disk full" in automated.anomalies()[0]


def test_a_recording_that_cannot_be_played_ends_the_call(automated, of):
    """Nobody is left in silence; it is no end of the script."""
    attempt = asked(automated)
    assert of(HangUp, automated.tell(PromptDone(attempt, 1, automated.now, "no such file"))) == [HangUp(attempt)]
    told = automated.end(attempt, Cause.NORMAL, Leg.DIALER)
    assert (told.disposition, told.cause) == (Disposition.SCRIPT_LEFT, Cause.MEDIA_ERROR)


def test_a_script_lasts_no_longer_than_its_limit(automated, of):
    """Whatever the worker fails to say."""
    attempt = asked(automated)
    assert of(HangUp, automated.wait(59.9)) == []
    assert of(HangUp, automated.wait(0.2)) == [HangUp(attempt)]
    assert automated.end(attempt, Cause.NORMAL, Leg.DIALER).cause is Cause.TALK_LIMIT


def test_an_operator_can_end_a_script(automated, of):
    """The keys that come meanwhile mean nothing any more."""
    attempt = asked(automated)
    assert of(HangUp, automated.tell(HangUpCall(attempt))) == [HangUp(attempt)]
    assert press(automated, attempt, "4") == []
    assert automated.end(attempt, Cause.NORMAL, Leg.DIALER).cause is Cause.OPERATOR


def test_the_pacer_sees_calls_in_the_script_as_calls_that_may_need_an_agent(automated):
    """They are in flight until they have asked, or ended."""
    automated.login("ann")
    asked(automated)
    automated.dial()
    (request,) = automated.engine.pacer_requests(automated.now, everyone=True)
    assert (len(request.snapshot.ringing_age_s), request.snapshot.in_script) == (2, 1)
    assert request.settings.transfers


# --- surveys ----------------------------------------------------------------------------------------------------------


def test_the_callee_is_asked_when_the_agent_has_left(surveyed, of):
    """The agent wraps up at once, the talk ends there, and answers name agent and attempt."""
    attempt = surveyed.talk()
    surveyed.wait(30.0)
    effects = surveyed.tell(AgentLeft(attempt, surveyed.now, Cause.NORMAL))
    assert of(Prompt, effects) == [Prompt(attempt, 1, "/ask.wav")]
    assert surveyed.agent("ann").state is AgentState.WRAPUP
    surveyed.say(AgentEventKind.WRAPUP_DONE, "ann")
    assert surveyed.agent("ann").state is AgentState.READY

    surveyed.wait(5.0)
    press(surveyed, attempt, "5")
    surveyed.tell(PromptDone(attempt, 2, surveyed.now))
    told = surveyed.end(attempt, Cause.NORMAL, Leg.DIALER)
    (answer,) = [e.fields for e in surveyed.done if isinstance(e, Publish) and e.kind == "script_answer"]

    assert (told.disposition, told.agent) == (Disposition.CONNECTED, "ann")
    assert told.agent_left_at - told.bridged_at == pytest.approx(30.0)
    assert (answer["agent"], answer["attempt_id"], answer["script"], answer["score"]) == ("ann", attempt, "survey", 5)
    talks = [seen for seen in surveyed.state.campaigns["sales"].observations if isinstance(seen, TalkEnded)]
    assert [seen.talk_s for seen in talks] == [pytest.approx(30.0)]
    assert surveyed.anomalies() == []


def test_another_call_of_the_agent_is_not_touched_by_the_survey(surveyed):
    """Callees who are asked keep nobody: the agent talks on the next call meanwhile, and it goes on."""
    first = left(surveyed)
    surveyed.say(AgentEventKind.WRAPUP_DONE, "ann")
    second = surveyed.talk()
    surveyed.end(first)
    assert (surveyed.agent("ann").state, surveyed.agent("ann").call) == (AgentState.TALKING, second)


@pytest.mark.parametrize("by", ["callee in the talk", "callee in the survey"])
def test_a_callee_may_hang_up_at_any_moment(surveyed, by):
    """It is a talk either way."""
    attempt = surveyed.talk() if by == "callee in the talk" else left(surveyed)
    assert surveyed.end(attempt).disposition is Disposition.CONNECTED
    assert surveyed.agent("ann").state is AgentState.WRAPUP


def test_the_desktop_hangs_up_on_the_agent_alone(surveyed, of):
    """The word `hangup` begins the survey, too, where it always begins."""
    attempt = surveyed.talk()
    assert of(HangUpAgent, surveyed.say(AgentEventKind.HANGUP, "ann")) == [HangUpAgent(attempt)]
    assert surveyed.call(attempt).state is CallState.TALKING


def test_where_the_agent_asks_for_it_only_that_word_begins_it(make_stage, of):
    """`hangup` ends the call, `survey` the agent's part of it."""
    stage = make_stage()
    stage.campaign(survey={"steps": SURVEY, "starts": "asked"})
    stage.login("ann", "bob")
    asked_for, not_asked_for = stage.talk(), stage.talk()

    assert of(HangUpAgent, stage.say(AgentEventKind.SURVEY, "ann")) == [HangUpAgent(asked_for)]
    assert of(HangUp, stage.say(AgentEventKind.HANGUP, "bob")) == [HangUp(not_asked_for)]


def test_a_campaign_without_a_survey_says_so(stage, of):
    """The desktop hears why."""
    stage.login("ann")
    stage.talk()
    (refused,) = of(Publish, stage.say(AgentEventKind.SURVEY, "ann"))
    assert refused.fields["reason"] == "campaign sales has no survey"


def test_a_phone_that_died_pauses_its_agent_and_the_callee_is_asked(surveyed, of):
    """The callee is still there."""
    attempt = left(surveyed, Cause.MEDIA_TIMEOUT)
    surveyed.say(AgentEventKind.WRAPUP_DONE, "ann")
    assert surveyed.agent("ann").state is AgentState.PAUSED
    assert surveyed.call(attempt).state is CallState.SURVEY


def test_an_operator_can_end_a_survey(surveyed, of):
    """It is a talk all the same."""
    attempt = left(surveyed)
    assert of(HangUp, surveyed.tell(HangUpCall(attempt))) == [HangUp(attempt)]
    told = surveyed.end(attempt, Cause.NORMAL, Leg.DIALER)
    assert (told.disposition, told.cause) == (Disposition.CONNECTED, Cause.OPERATOR)
    assert len([effect for effect in surveyed.done if isinstance(effect, Settle)]) == 1
