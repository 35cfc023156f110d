"""Promised callbacks: who has the call."""

from __future__ import annotations

from dataclasses import replace

from dialer.core.calls.promises import LOOK_AGAIN_S
from dialer.core.effects import Postpone, Reserve
from dialer.core.inputs import LeadsLeased
from tests.core.conftest import a_lead


def promised(stage, serial, agent, late_s=0.0):
    """A lead whose callback by an agent is so late."""
    return replace(a_lead(serial), wanted_agent=agent, promised_at=stage.wall - late_s)


def leased(stage, *leads):
    return stage.tell(LeadsLeased("sales", leads, 0, 0))


def test_a_callback_waits_for_its_agent(make_stage, of):
    """It is put off for a moment while that agent is not ready; others are dialled."""
    stage = make_stage()
    stage.campaign()
    stage.login("bob")
    mine, other = promised(stage, 1, "ann"), a_lead(2)

    effects = leased(stage, mine, other)

    (put_off,) = of(Postpone, effects)
    assert (put_off.lead, put_off.after_s) == (mine, LOOK_AGAIN_S)
    (reserve,) = of(Reserve, stage.pace(2))
    assert reserve.leads == (other,)


def test_a_late_callback_is_anybodys(make_stage, of):
    """After `callback_agent_wait_s`."""
    stage = make_stage()
    stage.campaign(callback_agent_wait_s=600)
    stage.login("bob")

    assert of(Postpone, leased(stage, promised(stage, 1, "ann", 599)))
    assert not of(Postpone, leased(stage, promised(stage, 2, "ann", 601)))


def test_the_agent_who_promised_has_the_call(make_stage, of):
    """Though another has waited for longer."""
    stage = make_stage()
    stage.campaign()
    stage.login("bob", "ann")
    leased(stage, promised(stage, 1, "ann"))
    (reserve,) = of(Reserve, stage.pace(1))
    attempt, _ = stage.permit(reserve.leads[0])

    stage.answer(attempt)

    assert stage.call(attempt).agent == "ann"


def test_nobody_who_has_answered_waits_for_an_agent(make_stage, of):
    """Whoever is free has the call."""
    stage = make_stage()
    stage.campaign()
    stage.login("bob", "ann")
    leased(stage, promised(stage, 1, "ann"), a_lead(2))
    (reserve,) = of(Reserve, stage.pace(2))
    first, _ = stage.permit(reserve.leads[0])
    second, _ = stage.permit(reserve.leads[1])
    stage.say("pause", "ann")

    stage.answer(first)

    assert stage.call(first).agent == "bob"
    assert stage.call(second).agent == ""


def test_an_offer_goes_to_the_agent_who_promised(make_stage, of):
    """In mode preview, whatever the order of the leads."""
    stage = make_stage()
    stage.campaign(mode="preview", abandon_message="")
    stage.login("ann", "bob")
    mine = promised(stage, 3, "bob")

    leased(stage, a_lead(1), a_lead(2), mine)

    assert stage.agent("bob").lead.lead_id == mine.lead_id
