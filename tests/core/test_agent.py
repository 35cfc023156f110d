"""The agents' table, stepped through completely, and the roster."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import pytest

from dialer.core.agents.agent import (
    BUSY,
    Agent,
    AgentEvent,
    AgentEventKind,
    AgentEventRefused,
    AgentState,
    LeadRef,
    Roster,
    apply,
    come_free,
    enter,
)

K, S = AgentEventKind, AgentState
REFUSED = "refused"

# (state, event) -> the state after it, and what is then pending
TABLE = {
    (S.OFFLINE, K.LOGIN): (S.PAUSED, None),
    (S.PAUSED, K.LOGIN): (S.PAUSED, None),
    (S.PAUSED, K.READY): (S.READY, None),
    (S.PAUSED, K.PAUSE): (S.PAUSED, None),
    (S.PAUSED, K.LOGOUT): (S.OFFLINE, None),
    (S.PAUSED, K.HEARTBEAT): (S.PAUSED, None),
    (S.PAUSED, K.LOST): (S.OFFLINE, None),
    (S.READY, K.LOGIN): (S.PAUSED, None),
    (S.READY, K.READY): (S.READY, None),
    (S.READY, K.PAUSE): (S.PAUSED, None),
    (S.READY, K.LOGOUT): (S.OFFLINE, None),
    (S.READY, K.HEARTBEAT): (S.READY, None),
    (S.READY, K.LOST): (S.OFFLINE, None),
    (S.PREVIEW, K.LOGIN): (S.PAUSED, None),
    (S.PREVIEW, K.READY): (S.PREVIEW, None),
    (S.PREVIEW, K.PAUSE): (S.PAUSED, None),
    (S.PREVIEW, K.DIAL): (S.DIALLING, None),
    (S.PREVIEW, K.SKIP): (S.READY, None),
    (S.PREVIEW, K.LOGOUT): (S.OFFLINE, None),
    (S.PREVIEW, K.HEARTBEAT): (S.PREVIEW, None),
    (S.PREVIEW, K.LOST): (S.OFFLINE, None),
    (S.DIALLING, K.READY): (S.DIALLING, None),
    (S.DIALLING, K.PAUSE): (S.DIALLING, S.PAUSED),
    (S.DIALLING, K.LOGOUT): (S.DIALLING, S.OFFLINE),
    (S.DIALLING, K.HEARTBEAT): (S.DIALLING, None),
    (S.DIALLING, K.LOST): (S.DIALLING, S.OFFLINE),
    (S.RINGING, K.READY): (S.RINGING, None),
    (S.RINGING, K.PAUSE): (S.RINGING, S.PAUSED),
    (S.RINGING, K.LOGOUT): (S.RINGING, S.OFFLINE),
    (S.RINGING, K.HEARTBEAT): (S.RINGING, None),
    (S.RINGING, K.LOST): (S.RINGING, S.OFFLINE),
    (S.TALKING, K.READY): (S.TALKING, None),
    (S.TALKING, K.PAUSE): (S.TALKING, S.PAUSED),
    (S.TALKING, K.LOGOUT): (S.TALKING, S.OFFLINE),
    (S.TALKING, K.HEARTBEAT): (S.TALKING, None),
    (S.TALKING, K.HANGUP): (S.TALKING, None),
    (S.TALKING, K.HOLD): (S.TALKING, None),
    (S.TALKING, K.RESUME): (S.TALKING, None),
    (S.TALKING, K.TRANSFER): (S.TALKING, None),
    (S.TALKING, K.CONFERENCE): (S.TALKING, None),
    (S.TALKING, K.RECORD_PAUSE): (S.TALKING, None),
    (S.TALKING, K.RECORD_RESUME): (S.TALKING, None),
    (S.TALKING, K.LOST): (S.TALKING, S.OFFLINE),
    (S.WRAPUP, K.READY): (S.READY, None),
    (S.WRAPUP, K.PAUSE): (S.WRAPUP, S.PAUSED),
    (S.WRAPUP, K.WRAPUP_DONE): (S.READY, None),
    (S.WRAPUP, K.LOGOUT): (S.OFFLINE, None),
    (S.WRAPUP, K.HEARTBEAT): (S.WRAPUP, None),
    (S.WRAPUP, K.LOST): (S.OFFLINE, None),
}


def an_agent(name="ann", state=S.READY, since=10.0, **given):
    on_call = state in {S.RINGING, S.TALKING}
    given = {"campaigns": ("sales",), "call": "attempt-1" if on_call else None, "heard_at": since, **given}
    if state in {S.PREVIEW, S.DIALLING}:
        given["lead"] = LeadRef("sales", "lead-1")
    return Agent(name, f"sip:{name}@phones", team="", state=state, since=since, **given)


def said(kind, name="ann", **given):
    return AgentEvent(kind, name, **{"uri": "sip:ann@phones", "campaigns": ("sales",), "lead_id": "lead-1", **given})


@pytest.mark.parametrize(("state", "kind"), list(product(AgentState, AgentEventKind)), ids=str)
def test_every_event_in_every_state(state, kind):
    """Every event in every state does what the table says, and the rest is refused."""
    agent = None if state is S.OFFLINE else an_agent(state=state)
    expected = TABLE.get((state, kind), REFUSED)
    if expected == REFUSED:
        with pytest.raises(AgentEventRefused, match=f"{kind} does not fit an agent who is {state}"):
            apply(agent, said(kind), 20.0)
        return
    after = apply(agent, said(kind), 20.0)
    assert (after.state, after.pending) == expected
    assert after.since == (10.0 if after.state is state and kind is not K.LOGIN else 20.0)
    assert after.heard_at == (10.0 if kind is K.LOST else 20.0)
    assert (after.call is not None) == (after.state in {S.RINGING, S.TALKING})
    assert (after.lead is not None) == (after.state in {S.PREVIEW, S.DIALLING})


@pytest.mark.parametrize("kind", [K.DIAL, K.SKIP])
def test_an_answer_is_about_the_lead_on_offer(kind):
    """A word about another lead changes nothing, and its sender is told which one is on offer."""
    with pytest.raises(AgentEventRefused, match=f"{kind} is about lead 'lead-2', on offer is lead 'lead-1'"):
        apply(an_agent(state=S.PREVIEW), said(kind, lead_id="lead-2"), 20.0)


@pytest.mark.parametrize(("given", "reason"), [({"uri": ""}, "SIP URI"), ({"campaigns": ()}, "campaign")])
def test_a_login_says_what_it_lacks(given, reason):
    """A login without a phone or without a campaign is refused with the reason."""
    with pytest.raises(AgentEventRefused, match=reason):
        apply(None, said(K.LOGIN, **given), 20.0)


def test_a_pause_asked_for_in_a_call_comes_after_its_wrapup():
    """What is pending survives talk and wrap-up, then happens with its reason."""
    agent = apply(an_agent(state=S.TALKING), said(K.PAUSE, reason="lunch"), 20.0)
    agent = come_free(enter(agent, S.WRAPUP, 30.0), 40.0)
    assert (agent.state, agent.reason, agent.pending) == (S.PAUSED, "lunch", None)


def test_a_ready_takes_a_pending_pause_back():
    """An agent who asks for a pause in a call and thinks better of it is ready after the call."""
    agent = apply(an_agent(state=S.TALKING), said(K.PAUSE), 20.0)
    agent = apply(agent, said(K.READY), 21.0)
    assert come_free(enter(agent, S.WRAPUP, 30.0), 40.0).state is S.READY


def test_a_second_pause_changes_the_reason_only():
    """An agent who is paused and pauses again keeps the time and gets the new reason."""
    agent = apply(an_agent(state=S.PAUSED), said(K.PAUSE, reason="training"), 20.0)
    assert (agent.since, agent.reason) == (10.0, "training")


def test_the_roster_forgets_who_went_offline():
    """An agent who is offline is in nobody's way."""
    roster = Roster()
    roster.put(an_agent())
    roster.put(enter(an_agent(), S.OFFLINE, 20.0))
    assert roster.get("ann") is None


def test_silent_agents_are_those_not_heard_of():
    """Silence longer than the timeout shows, unless the agent is on the way out already."""
    roster = Roster()
    roster.put(an_agent("ann", heard_at=10.0))
    roster.put(an_agent("bob", heard_at=11.0))
    roster.put(an_agent("cid", S.TALKING, heard_at=0.0, pending=S.OFFLINE))
    assert [agent.agent for agent in roster.silent(70.5, 60.0)] == ["ann"]
    assert list(roster.silent(70.0, 60.0)) == []


def test_busy_states_keep_what_is_pending():
    """Only the states of a call and its wrap-up keep a pending wish."""
    for state in AgentState:
        after = enter(an_agent(state=S.TALKING, pending=S.PAUSED, pending_reason="tea"), state, 20.0)
        assert (after.pending is S.PAUSED) == (state in BUSY)


def test_the_roster_knows_who_is_ready_and_how_many_serve():
    """Whatever happens: states, campaigns of a new login, and logouts."""
    roster = Roster()
    ann = an_agent("ann", state=S.READY)
    roster.put(ann)
    roster.put(an_agent("bob", state=S.TALKING))
    assert (list(roster.ready), roster.serving["sales"]) == (["ann"], 2)
    roster.put(replace(ann, state=S.PAUSED, campaigns=("service",)))
    assert (list(roster.ready), roster.serving["sales"], roster.serving["service"]) == ([], 1, 1)
    roster.put(replace(ann, state=S.OFFLINE))
    assert (list(roster.agents), roster.serving["service"]) == (["bob"], 0)
