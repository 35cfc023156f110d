"""Preview: a lead is offered to one agent, and the agent decides."""

from __future__ import annotations

import pytest

from compliance.api import Refusal, Rule
from dialer.core.agents.agent import AgentEventKind, AgentState, LeadRef
from dialer.core.calls.call import CallState
from dialer.core.calls.previewing import LINE_LIMIT_S, NO_DECISION, sentence
from dialer.core.calls.trunk_load import TrunkLimits
from dialer.core.effects import AgentChanged, Postpone, Publish, Release, Reserve, Settle
from dialer.core.inputs import (
    CampaignState,
    Drain,
    HangUpAll,
    LeadsLeased,
    Permitted,
    Refused,
    StoreFailed,
    StoreHealth,
)
from dialer.core.leads.lead_reasons import Kind, Why
from dialer.core.model import Disposition
from pacing.api import Ledger
from sip.causes import Cause, Leg
from sip.messages import Dial, HangUp, PlayMessage

K, S = AgentEventKind, AgentState


@pytest.fixture
def stage(make_stage):
    """A stage whose campaign is in mode preview."""
    stage = make_stage()
    stage.campaign(mode="preview", abandon_message="")
    return stage


def told(of, effects, kind):
    return [effect.fields for effect in of(Publish, effects) if effect.kind == kind]


def ends(of, effects):
    return [(fields["agent"], fields["lead_id"], fields["end"]) for fields in told(of, effects, "preview_ended")]


def accept(stage, agent):
    """The agent says dial of the lead on offer."""
    return stage.say(K.DIAL, agent, lead_id=stage.agent(agent).lead.lead_id)


def skip(stage, agent, **given):
    return stage.say(K.SKIP, agent, lead_id=stage.agent(agent).lead.lead_id, **given)


def preview_call(stage, of, agent="ann"):
    """A call that an agent asked for, on its way to the callee."""
    (reserve,) = of(Reserve, accept(stage, agent))
    attempt, _ = stage.permit(reserve.leads[0])
    return attempt


# --- offers -----------------------------------------------------------------------------------------------------------


def test_a_lead_is_offered_to_whoever_waited_longest(stage, of):
    """One lead, one agent; the screen shows what `connected` would, the number masked, and until when to decide."""
    stage.login("ann", "bob")
    (lead,) = stage.lease()
    (fields,) = told(of, stage.done, "preview")
    assert (fields["agent"], fields["lead_id"], fields["try"]) == ("ann", lead.lead_id, 1)
    assert fields["until"] == pytest.approx(stage.now + 120.0)
    assert "*" in fields["phone"]
    assert {"customer_id", "name", "attrs"} <= fields.keys()
    assert stage.agent("ann").state is S.PREVIEW
    assert stage.agent("ann").lead == LeadRef("sales", lead.lead_id)
    assert stage.agent("bob").state is S.READY
    assert of(Reserve, stage.done) == []


def test_whoever_becomes_ready_gets_the_next_lead(stage):
    """Leads on hand are offered in order, one to each."""
    first, second = stage.lease(2)
    stage.login("ann", "bob")
    assert [stage.agent(name).lead.lead_id for name in ("ann", "bob")] == [first.lead_id, second.lead_id]


def test_the_pacer_starts_nothing(stage, of):
    """A decision from before the campaign was put into preview has no say."""
    stage.login("ann")
    stage.lease(2)
    assert of(Reserve, stage.pace(5)) == []


def test_callers_come_before_leads(stage, of, rung):
    """Where somebody waits on the line, an agent who becomes ready takes the call."""
    stage.campaign("other", mode="progressive")
    attempt = stage.dial("other")
    stage.answer(attempt)
    stage.lease()
    stage.say(K.LOGIN, "ann", uri="sip:ann@phones", campaigns=("sales", "other"))
    assert rung(stage.say(K.READY, "ann")) == ["sip:ann@phones"]
    assert told(of, stage.done, "preview") == []


def test_an_agent_of_several_campaigns_decides_for_the_first_with_leads(make_stage, of):
    """By priority: no offers while a more important campaign dials for the agent, and no calls of a less important one
    are made for an agent who has a lead on offer."""
    stage = make_stage()
    stage.campaign("urgent", priority=9)
    stage.campaign("sales", mode="preview", priority=5)
    stage.campaign("later", priority=1)
    stage.login("ann", campaigns=("urgent", "sales", "later"))
    stage.lease(1, "urgent")
    stage.lease(1, "sales")
    stage.lease(1, "later")
    assert stage.agent("ann").state is S.READY
    stage.pace(1, "urgent")
    assert stage.agent("ann").lead == LeadRef("sales", "lead-2")
    assert {q.campaign: q.snapshot.ready for q in stage.engine.pacer_requests(stage.now, everyone=True)}["later"] == 0


def test_the_pacer_sees_agents_who_decide_as_paused(stage, of):
    """Neither ready nor talking, nor is a call that has its agent one that needs an agent."""
    stage.login("ann", "bob", "cid")
    stage.lease(2)
    preview_call(stage, of, "ann")
    (question,) = stage.engine.pacer_requests(stage.now, everyone=True)
    seen = question.snapshot
    assert (seen.ready, seen.paused, len(seen.talking_age_s), len(seen.ringing_age_s)) == (1, 2, 0, 0)


# --- dial -------------------------------------------------------------------------------------------------------------


def test_dial_takes_the_lead_through_the_gates(stage, of):
    """Reserve first, the INVITE with the permit, and the CRM hears which attempt came of the offer."""
    stage.login("ann")
    (lead,) = stage.lease()
    effects = accept(stage, "ann")
    (reserve,) = of(Reserve, effects)
    assert reserve.leads == (lead,)
    assert of(Dial, effects) == []
    assert stage.agent("ann").state is S.DIALLING
    attempt, effects = stage.permit(lead)
    assert of(Dial, effects)[0].call == attempt
    (fields,) = told(of, effects, "preview_ended")
    assert (fields["end"], fields["attempt_id"], fields["agent"]) == ("dialled", attempt, "ann")


def test_an_answer_goes_to_whoever_asked(stage, of, rung):
    """However long others have been ready."""
    stage.login("ann")
    stage.lease()
    attempt = preview_call(stage, of)
    stage.login("bob")
    stage.ring(attempt)
    assert rung(stage.answer(attempt)) == ["sip:ann@phones"]
    assert stage.agent("ann").state is S.RINGING
    effects = stage.bridge(attempt)
    assert told(of, effects, "connected")[0]["agent"] == "ann"
    settlement = stage.end(attempt)
    assert (settlement.disposition, settlement.agent) == (Disposition.CONNECTED, "ann")
    assert stage.agent("ann").state is S.WRAPUP


def test_no_answer_brings_the_next_lead(stage, of):
    """Ready after the disposition, and in the same step with another lead to decide on."""
    stage.login("ann")
    stage.lease(2)
    attempt = preview_call(stage, of)
    stage.ring(attempt)
    stage.end(attempt, Cause.BUSY, Leg.CALLEE, 486)
    assert (stage.agent("ann").state, stage.agent("ann").lead.lead_id) == (S.PREVIEW, "lead-2")


def test_a_refusal_is_told_and_the_next_lead_comes(stage, of):
    """The gate's reason is in the event; the store has written the lead's future down already."""
    stage.login("ann")
    first, second = stage.lease(2)
    accept(stage, "ann")
    effects = stage.tell(Refused(first, Refusal(Rule.CAP, "called often enough", stage.wall + 60.0)))
    (fields,) = told(of, effects, "preview_ended")
    assert (fields["end"], fields["reason"]) == ("refused", "cap: called often enough")
    assert of(Release, effects) + of(Postpone, effects) == []
    assert stage.agent("ann").lead.lead_id == second.lead_id


def test_a_permit_that_comes_too_late_is_given_back(stage, of, make_permit):
    """The attempt is settled as not sent, and the agent is told."""
    stage.login("ann")
    (lead,) = stage.lease()
    accept(stage, "ann")
    permit = make_permit(lead, "attempt-1", stage.wall)
    stage.wait(31.0)
    effects = stage.tell(Permitted(lead, permit))
    assert stage.settled() == [Disposition.NOT_SENT]
    assert ends(of, effects) == [("ann", lead.lead_id, "refused")]
    assert stage.agent("ann").state is S.READY


@pytest.mark.parametrize("overdue", [False, True])
def test_a_store_that_does_not_answer_frees_the_agent(stage, of, overdue):
    """Whether it says so or says nothing for a minute; the lead's lease ends by itself."""
    stage.login("ann")
    (lead,) = stage.lease()
    accept(stage, "ann")
    stage.wait(40.0)
    stage.say(K.HEARTBEAT, "ann")
    effects = stage.wait(21.0) if overdue else stage.tell(StoreFailed("sales", (lead,), lease=False))
    assert ends(of, effects) == [("ann", lead.lead_id, "refused")]
    assert stage.agent("ann").state is S.READY


def test_a_call_waits_a_moment_for_a_line(make_stage, of):
    """A trunk that takes one call a second makes the second agent wait, not ask again."""
    stage = make_stage(trunks=(TrunkLimits("north", 1.0, 10),))
    stage.campaign(mode="preview")
    stage.login("ann", "bob")
    stage.lease(2)
    preview_call(stage, of, "ann")
    assert of(Reserve, accept(stage, "bob")) == []
    assert stage.agent("bob").state is S.DIALLING
    assert len(of(Reserve, stage.wait(1.2))) == 1


def test_who_waits_for_a_line_comes_before_the_pacer(make_stage, of):
    """A campaign that dials by itself leaves the next line to the agent who has asked."""
    stage = make_stage(trunks=(TrunkLimits("north", 1.0, 10),))
    stage.campaign(mode="preview")
    stage.campaign("eager")
    stage.login("ann")
    stage.lease(1)
    stage.dial("eager")
    accept(stage, "ann")
    stage.lease(1, "eager")
    stage.now += 1.0  # the trunk takes a call again, and the pacer is heard first
    assert of(Reserve, stage.pace(1, "eager")) == []
    assert [reserve.campaign for reserve in of(Reserve, stage.wait(0.2))] == ["sales"]


def test_without_a_line_the_lead_is_offered_again(make_stage, of):
    """After the limit the agent hears why, and has the lead before them as before."""
    stage = make_stage(trunks=(TrunkLimits("north", 10.0, 1),))
    stage.campaign(mode="preview")
    stage.login("ann", "bob")
    stage.lease(2)
    preview_call(stage, of, "ann")
    accept(stage, "bob")
    effects = stage.wait(LINE_LIMIT_S + 0.2)
    (fields,) = told(of, effects, "preview_ended")
    assert (fields["agent"], fields["reason"]) == ("bob", "no line was free for 10 s")
    assert stage.agent("bob").lead == LeadRef("sales", "lead-2")
    assert len(told(of, effects, "preview")) == 1


@pytest.mark.parametrize("reason", ["the store does not answer", "the campaign is not ready to call"])
def test_while_no_call_may_start_the_offer_stands(stage, of, reason):
    """The desktop is told why; a later dial is good."""
    stage.login("ann")
    stage.lease()
    if "store" in reason:
        stage.tell(StoreHealth(False))
    else:
        stage.state.campaigns["sales"].day = ""
    effects = accept(stage, "ann")
    assert told(of, effects, "agent_event_refused")[0]["reason"] == f"no call may start now: {reason}"
    assert stage.agent("ann").state is S.PREVIEW


def test_contradictory_words_are_refused(stage, of):
    """A dial for another lead, a second dial, and answers without an offer change nothing and are told."""
    stage.login("ann", "bob")
    stage.lease()
    effects = [
        *stage.say(K.DIAL, "ann", lead_id="lead-7"),
        *stage.say(K.DIAL, "bob", lead_id="lead-1"),
        *accept(stage, "ann"),
        *stage.say(K.DIAL, "ann", lead_id="lead-1"),
        *stage.say(K.SKIP, "ann", lead_id="lead-1"),
        *stage.say(K.DIAL, "cid", lead_id="lead-1"),
    ]
    assert [fields["reason"] for fields in told(of, effects, "agent_event_refused")] == [
        "dial is about lead 'lead-7', on offer is lead 'lead-1'",
        "dial does not fit an agent who is ready",
        "dial does not fit an agent who is dialling",
        "skip does not fit an agent who is dialling",
        "dial does not fit an agent who is offline",
    ]
    assert len(of(Reserve, effects)) == 1


# --- agents who leave -------------------------------------------------------------------------------------------------


def test_an_agent_who_is_lost_does_not_abandon_a_call_whose_phone_is_there(stage, of, rung):
    """The desktop is silent, the phone may not be: it is rung, and the agent leaves after the call."""
    stage.login("ann")
    stage.lease()
    attempt = preview_call(stage, of)
    stage.say(K.LOST, "ann")
    assert rung(stage.answer(attempt)) == ["sip:ann@phones"]
    stage.bridge(attempt)
    stage.end(attempt)
    stage.say(K.WRAPUP_DONE, "ann")
    assert stage.state.roster.get("ann") is None


def test_a_phone_that_fails_abandons_the_call(stage, of, rung):
    """Nobody else is given it; message or hang-up at the limit, and it is charged."""
    stage.campaign(mode="preview", abandon_message="/sorry.wav")
    stage.login("ann")
    stage.lease()
    attempt = preview_call(stage, of)
    stage.login("bob")
    stage.answer(attempt)
    assert rung(stage.leg_ends(attempt, Cause.BUSY)) == []
    effects = stage.wait(2.1)
    assert len(of(PlayMessage, effects)) == 1
    assert len(told(of, effects, "abandoned")) == 1
    assert stage.end(attempt).disposition is Disposition.ABANDONED
    assert stage.state.campaigns["sales"].ledger == Ledger(1, 1)
    assert stage.agent("ann").state is S.PAUSED


def test_without_a_message_an_abandoned_preview_is_hung_up(stage, of):
    """Mode preview needs no message."""
    stage.login("ann")
    stage.lease()
    attempt = preview_call(stage, of)
    stage.answer(attempt)
    stage.leg_ends(attempt, Cause.BUSY)
    assert len(of(HangUp, stage.wait(2.1))) == 1


@pytest.mark.parametrize("kind", [K.PAUSE, K.LOGOUT, K.LOST, K.LOGIN])
def test_whoever_leaves_gives_the_lead_back(stage, of, kind):
    """It is offered to the next agent in the same step, and the first is told that the offer has ended."""
    stage.login("ann", "bob")
    (lead,) = stage.lease()
    effects = stage.say(kind, "ann", uri="sip:ann@phones", campaigns=("sales",))
    assert ends(of, effects) == [("ann", lead.lead_id, "withdrawn")]
    assert stage.agent("bob").lead.lead_id == lead.lead_id
    assert stage.state.campaigns["sales"].offers.keys() == {"bob"}


@pytest.mark.parametrize("kind", [K.LOGOUT, K.LOST])
def test_a_call_is_not_started_for_somebody_who_has_gone(stage, of, kind):
    """Gone between dial and permit: no INVITE; the attempt is given back."""
    stage.login("ann")
    (lead,) = stage.lease()
    accept(stage, "ann")
    stage.say(kind, "ann")
    _, effects = stage.permit(lead)
    assert of(Dial, effects) == []
    assert stage.settled() == [Disposition.NOT_SENT]
    assert stage.state.roster.get("ann") is None


def test_a_pause_asked_for_while_the_phone_rings_comes_after_the_call(stage, of):
    """As with any other call."""
    stage.login("ann")
    stage.lease(2)
    attempt = preview_call(stage, of)
    stage.say(K.PAUSE, "ann", reason="tea")
    stage.end(attempt, Cause.NO_ANSWER, Leg.DIALER, 487)
    assert (stage.agent("ann").state, stage.agent("ann").reason) == (S.PAUSED, "tea")


# --- skip and silence -------------------------------------------------------------------------------------------------


def test_a_skipped_lead_is_put_off(stage, of):
    """With the reason, for as long as the campaign says; no attempt is made, and the next lead comes."""
    stage.campaign(mode="preview", preview_skip_s=600.0)
    stage.login("ann")
    first, second = stage.lease(2)
    effects = skip(stage, "ann", reason="knows me")
    assert of(Postpone, effects) == [
        Postpone("sales", first, 600.0, Why(Kind.SKIPPED, facts={"agent": "ann", "reason": "knows me"}))
    ]
    (fields,) = told(of, effects, "preview_ended")
    assert (fields["end"], fields["reason"], fields["attempt_id"]) == ("skipped", "knows me", "")
    assert of(Reserve, effects) + of(Settle, effects) == []
    assert stage.agent("ann").lead.lead_id == second.lead_id


def test_whoever_does_not_decide_is_paused(stage, of):
    """At the limit the lead goes to somebody else."""
    stage.campaign(mode="preview", preview_limit_s=30.0)
    stage.login("ann", "bob")
    (lead,) = stage.lease()
    assert ends(of, stage.wait(29.0)) == []
    effects = stage.wait(1.1)
    assert ends(of, effects) == [("ann", lead.lead_id, "lapsed")]
    assert (stage.agent("ann").state, stage.agent("ann").reason) == (S.PAUSED, NO_DECISION)
    assert stage.agent("bob").lead.lead_id == lead.lead_id


def test_nobody_is_paused_for_what_the_store_has_swallowed(stage, of):
    """While the store is away neither offers nor answers get through: the time to decide begins anew."""
    stage.campaign(mode="preview", preview_limit_s=30.0)
    stage.login("ann")
    stage.lease()
    stage.tell(StoreHealth(False))
    assert ends(of, stage.wait(31.0)) == []
    stage.tell(StoreHealth(True))
    assert ends(of, stage.wait(28.0)) == []
    assert ends(of, stage.wait(2.0)) == [("ann", "lead-1", "lapsed")]


def test_the_limit_is_over_once_the_agent_has_decided(stage, of):
    """A call that rings past the limit rings on."""
    stage.campaign(mode="preview", preview_limit_s=5.0)
    stage.login("ann")
    stage.lease()
    attempt = preview_call(stage, of)
    stage.ring(attempt)
    stage.wait(6.0)
    assert (stage.agent("ann").state, stage.call(attempt).state) == (S.DIALLING, CallState.RINGING)


# --- the campaign and the dialer --------------------------------------------------------------------------------------


@pytest.mark.parametrize("state", [CampaignState.PAUSED, CampaignState.STOPPED])
def test_a_campaign_that_halts_takes_its_offers_back(stage, of, state):
    """Leads are released, agents are ready for others; the call that rings goes on."""
    stage.login("ann", "bob")
    stage.lease(3)
    attempt = preview_call(stage, of, "ann")
    effects = stage.campaign(state=state, mode="preview")
    assert ends(of, effects) == [("bob", "lead-2", "withdrawn")]
    (release,) = of(Release, effects)
    assert {lead.lead_id for lead in release.leads} == {"lead-2", "lead-3"}
    assert stage.agent("bob").state is S.READY
    assert stage.call(attempt).state is CallState.DIALLING


def test_another_mode_dials_the_offered_leads_itself(stage, of, rung):
    """Offers are taken back and paced; the call that an agent asked for stays that agent's."""
    stage.login("ann", "bob")
    stage.lease(2)
    attempt = preview_call(stage, of, "ann")
    effects = stage.campaign(mode="predictive")
    assert ends(of, effects) == [("bob", "lead-2", "withdrawn")]
    assert [lead.lead_id for lead in of(Reserve, stage.pace(2))[0].leads] == ["lead-2"]
    assert rung(stage.answer(attempt)) == ["sip:ann@phones"]


def test_preview_lets_the_calls_in_flight_finish(make_stage, of, rung):
    """Put into preview, a campaign serves what it has dialled and offers the rest."""
    stage = make_stage()
    stage.campaign(mode="predictive")
    stage.login("ann", "bob")
    attempt = stage.dial()
    stage.campaign(mode="preview")
    assert rung(stage.answer(attempt)) == ["sip:ann@phones"]
    stage.lease()
    assert stage.agent("bob").state is S.PREVIEW


def test_a_drain_withdraws_offers(stage, of):
    """No lead stays with anybody, and nothing new is offered."""
    stage.login("ann", "bob")
    stage.lease(3)
    accept(stage, "bob")
    effects = stage.tell(Drain())
    assert ends(of, effects) == [("ann", "lead-1", "withdrawn")]
    assert {lead.lead_id for release in of(Release, effects) for lead in release.leads} == {"lead-1", "lead-3"}
    _, effects = stage.permit(stage.state.campaigns["sales"].reserving["lead-2"].lead)
    assert ends(of, effects) == [("bob", "lead-2", "refused")]
    assert stage.agent("bob").state is S.READY
    assert stage.engine.is_idle()


def test_hanging_up_frees_whoever_waits_for_the_answer(stage, of):
    """An answer that comes then is hung up on, and its agent is not blamed for a phone that was never rung."""
    stage.login("ann")
    stage.lease()
    attempt = preview_call(stage, of)
    stage.wait(2.0)
    stage.tell(HangUpAll())
    stage.answer(attempt, crossed=True)
    stage.end(attempt, Cause.NORMAL, Leg.DIALER)
    assert stage.agent("ann").state is S.READY


def test_states_are_shown_as_they_follow(stage, of):
    """Preview, dialling, ringing, talking, wrap-up: each once."""
    stage.login("ann")
    stage.lease()
    attempt = preview_call(stage, of)
    stage.answer(attempt)
    stage.bridge(attempt)
    stage.end(attempt)
    shown = [change.state for change in of(AgentChanged, stage.done)]
    assert shown == [S.PAUSED, S.READY, S.PREVIEW, S.DIALLING, S.RINGING, S.TALKING, S.WRAPUP]


def test_a_permit_for_nobody_is_an_anomaly(stage, of, make_lead, make_permit):
    """As in the other modes."""
    lead = make_lead(5)
    stage.tell(Permitted(lead, make_permit(lead, "attempt-x", stage.wall)))
    assert stage.settled() == [Disposition.NOT_SENT]
    assert "not at the gates" in stage.anomalies()[0]


def test_the_sentence_says_who_does_what(stage, of):
    """For the board, in the place of the pacer's sentence."""
    run = stage.state.campaigns["sales"]
    stage.login("ann", "bob", "cid", "dan")
    assert sentence(stage.state, run) == "preview: 4 ready, no lead is due"
    stage.lease(3)
    preview_call(stage, of, "ann")
    expected = "preview: 2 agents decide on a lead, 1 agent waits for an answer, 1 ready, no lead is due"
    assert sentence(stage.state, run) == expected
    stage.tell(LeadsLeased("sales", (), 7, 0))
    stage.tell(StoreHealth(False))
    assert sentence(stage.state, run).endswith("1 ready, no call may start now")
