"""Leads that are cancelled or moved while the engine has them."""

from __future__ import annotations

from config.campaign import MIN_RING_TIMEOUT_S
from dialer.core.agents.agent import AgentEventKind, AgentState
from dialer.core.calls.dialling import LEAD_TAKEN
from dialer.core.effects import Anomaly, Publish, Reserve, Send, Settle
from dialer.core.inputs import LeadsTaken
from dialer.core.model import Disposition
from sip.causes import Cause, Leg
from sip.messages import Cancel, Dial


def taken(stage, *leads):
    return stage.tell(LeadsTaken("sales", frozenset(lead.lead_id for lead in leads)))


def test_a_lead_in_memory_is_not_dialled(make_stage, of):
    """The others are."""
    stage = make_stage()
    stage.campaign()
    first, second = stage.lease(2)

    taken(stage, first)

    (reserve,) = of(Reserve, stage.pace(2))
    assert reserve.leads == (second,)


def test_a_lead_at_the_gates_is_given_back(make_stage, of):
    """Its permit comes too late."""
    stage = make_stage()
    stage.campaign()
    (lead,) = stage.lease()
    stage.pace()

    taken(stage, lead)
    _, effects = stage.permit(lead)

    assert not of(Send, effects)
    assert [one.settlement.disposition for one in of(Settle, effects)] == [Disposition.NOT_SENT]
    assert not of(Anomaly, stage.done)


def test_a_phone_that_rings_rings_for_the_legal_minimum(make_stage, of):
    """And no longer."""
    stage = make_stage()
    stage.campaign(ring_timeout_s=40)
    attempt = stage.dial()
    stage.ring(attempt)
    stage.wait(2)

    taken(stage, stage.call(attempt).lead)

    assert not of(Send, stage.wait(MIN_RING_TIMEOUT_S - 3))
    assert [one.command for one in of(Send, stage.wait(1.5))] == [Cancel(attempt)]


def test_who_answers_all_the_same_is_served(make_stage, of):
    """Nobody is hung up on for a cancel that came while the phone rang."""
    stage = make_stage()
    stage.campaign()
    stage.login("ann")
    attempt = stage.dial()
    taken(stage, stage.call(attempt).lead)

    stage.answer(attempt)
    stage.bridge(attempt)

    assert stage.agent("ann").state is AgentState.TALKING
    assert stage.end(attempt, Cause.NORMAL, Leg.CALLEE).disposition is Disposition.CONNECTED


def test_an_offer_is_withdrawn(make_stage, of):
    """The agent gets the next lead, and is told why the first one went."""
    stage = make_stage()
    stage.campaign(mode="preview", abandon_message="")
    stage.login("ann")
    first, second = stage.lease(2)
    assert stage.agent("ann").lead.lead_id == first.lead_id

    effects = taken(stage, first)

    (ended,) = [one.fields for one in of(Publish, effects) if one.kind == "preview_ended"]
    assert (ended["lead_id"], ended["end"], ended["reason"]) == (first.lead_id, "withdrawn", LEAD_TAKEN)
    assert stage.agent("ann").lead.lead_id == second.lead_id
    stage.say(AgentEventKind.DIAL, "ann", lead_id=second.lead_id)
    assert not [one for one in of(Send, stage.done) if isinstance(one.command, Dial)]
