"""Preview dialling: one lead is offered to one agent, and the agent decides.

An agent who is ready, and counts for a campaign in mode preview (`EngineState.staff`), gets its next lead on offer, in
the campaign's order of agents. `dial` takes the lead to the compliance gates like any other, and the call that comes of
it is for this agent alone; `skip` puts the lead off. Whoever does not decide in time is paused.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Final

from dialer.core.agents.agent import Agent, AgentEvent, AgentEventKind, AgentState, LeadRef, enter
from dialer.core.agents.choice import turn_by
from dialer.core.calls import trunk_selection
from dialer.core.calls.dialling import asker_has_gone, may_start, to_gates
from dialer.core.calls.offers import OfferEnd, announce, deny, take_back
from dialer.core.calls.promises import take_lead
from dialer.core.campaign_run import CampaignRun, Offer
from dialer.core.effects import Postpone, Publish
from dialer.core.engine_state import EngineState, TimerKind
from dialer.core.leads.lead_counts import NO_LEAD
from dialer.core.leads.lead_reasons import Kind, Why
from dialer.language.phrases import listed, phrase, phrases

NO_DECISION: Final = "no decision on preview"

LINE_RETRY_S: Final = 0.1
LINE_LIMIT_S: Final = 10.0
"""A call that was asked for waits so long for a line; trunks that limit calls per second make it wait a moment."""


def offer(state: EngineState, now: float) -> None:
    """Offer leads to every agent who is ready for one."""
    while _offer_round(state, now):
        pass  # a campaign whose last lead has gone leaves its agents to the next campaign


def _offer_round(state: EngineState, now: float) -> bool:
    offered = False
    runs = [run for run in state.in_preview if _offers(state, run)]
    staff = state.ready_staff() if runs else {}
    for run in runs:
        ready = staff[run.name]
        turn = turn_by(run.settings.agent_choice.order, now)
        ready.sort(key=lambda agent: (turn(agent), agent.agent))
        for agent in ready[: len(run.leads)]:
            _offer(state, run, agent, now)
            offered = True
    return offered


def _offers(state: EngineState, run: CampaignRun) -> bool:
    return bool(run.leads) and state.roster.ready_serving[run.name] > 0 and may_start(state, run)


def _offer(state: EngineState, run: CampaignRun, agent: Agent, now: float) -> None:
    lead = take_lead(run, agent.agent)
    run.offers[agent.agent] = Offer(lead, now)
    until = now + run.settings.preview_limit_s
    state.set_timer(until, TimerKind.OFFER, agent.agent, now)
    state.put_agent(enter(agent, AgentState.PREVIEW, now, lead=LeadRef(run.name, lead.lead_id)))
    state.do(
        Publish(
            "preview",
            run.name,
            {
                **lead.shown,
                "agent": agent.agent,
                "try": sum(lead.tries.values()) + 1,
                "until": until,
            },
        )
    )


# --- what agents decide -----------------------------------------------------------------------------------------------


def obstacle(state: EngineState, agent: Agent) -> str:
    """Why an agent who has a lead on offer may not have it dialled at this moment; empty where nothing is in the way.
    The offer stands."""
    run = state.campaigns.get(agent.lead.campaign) if agent.lead is not None else None
    if run is None or may_start(state, run):
        return ""
    why = "the store does not answer" if not state.healthy else "the campaign is not ready to call"
    return f"no call may start now: {why}"


def decided(state: EngineState, event: AgentEvent, after: Agent, now: float) -> None:
    """An agent with a lead on offer has said `event`, which fits, and will be `after`: what becomes of the lead."""
    run, offered = _offer_before(state, event.agent)
    if run is None or offered is None:
        return
    match event.kind:
        case AgentEventKind.DIAL:
            _ask(state, run, event.agent, now)
        case AgentEventKind.SKIP:
            reason = event.reason or "no reason given"
            why = Why(Kind.SKIPPED, facts={"agent": event.agent, "reason": reason})
            del run.offers[event.agent]
            state.do(Postpone(run.name, offered.lead, run.settings.preview_skip_s, why))
            announce(state, run, event.agent, offered.lead, OfferEnd.SKIPPED, reason=reason)
        case _ if after.state is not AgentState.PREVIEW:
            take_back(state, run, event.agent, OfferEnd.WITHDRAWN, after.reason)
        case _:
            pass  # a heartbeat, or ready once more


def _offer_before(state: EngineState, agent: str) -> tuple[CampaignRun | None, Offer | None]:
    """The offer before an agent, also one that was accepted and waits for a line."""
    known = state.roster.get(agent)
    run = state.campaigns.get(known.lead.campaign) if known is not None and known.lead is not None else None
    return run, run.offers.get(agent) if run is not None else None


def _ask(state: EngineState, run: CampaignRun, agent: str, now: float) -> None:
    """The agent wants the call: to the gates at once, or as soon as there is a line."""
    if not _go(state, run, agent, now):
        run.offers[agent] = replace(run.offers[agent], asked_at=now)
        state.set_timer(now + LINE_RETRY_S, TimerKind.LINE, agent, now)


def _go(state: EngineState, run: CampaignRun, agent: str, now: float) -> bool:
    if not state.opening(run, now, asked=True)[1]:
        return False
    trunks, lead = state.trunks_of(run), run.offers[agent].lead
    rooms = {trunk.name: state.room(trunk, now) for trunk in trunks}
    trunk = trunk_selection.choose(trunks, rooms, lead.number.clear)
    if trunk is None:
        return False
    del run.offers[agent]
    to_gates(state, run, trunk.name, (lead,), now, agent=agent)
    return True


def line(state: EngineState, agent: str, about: float, now: float) -> None:
    """Look again whether a line is free for the call that was asked for at `about`."""
    run, offered = _offer_before(state, agent)
    if run is None or offered is None or offered.asked_at != about:
        return
    if not may_start(state, run):
        _give_back(state, run, agent, "no call may start now", now)
    elif asker_has_gone(state, agent):
        _give_back(state, run, agent, "the agent has gone", now)
    elif _go(state, run, agent, now):
        return
    elif now - about >= LINE_LIMIT_S:
        lead = offered.lead
        served = any(trunk_selection.serves(trunk, lead.number.clear) for trunk in state.trunks_of(run))
        reason = f"no line was free for {LINE_LIMIT_S:g} s" if served else "no trunk serves this number"
        _give_back(state, run, agent, reason, now)
    else:
        state.set_timer(now + LINE_RETRY_S, TimerKind.LINE, agent, about)


def _give_back(state: EngineState, run: CampaignRun, agent: str, reason: str, now: float) -> None:
    lead = run.offers.pop(agent).lead
    run.leads.appendleft(lead)
    deny(state, run, agent, lead, reason, now)


def lapse(state: EngineState, name: str, about: float, now: float) -> None:
    """The time to decide is over: the lead goes to somebody else, and the agent, who seems to be away, is paused."""
    run, offered = _offer_before(state, name)
    agent = state.roster.get(name)
    if run is None or offered is None or agent is None or offered.since != about or offered.asked_at is not None:
        return
    if not state.healthy:  # the desktop has not heard of the offer, or could not be heard
        state.set_timer(now + run.settings.preview_limit_s, TimerKind.OFFER, name, about)
        return
    take_back(state, run, name, OfferEnd.LAPSED, NO_DECISION)
    state.put_agent(enter(agent, AgentState.PAUSED, now, reason=NO_DECISION))


# --- for people -------------------------------------------------------------------------------------------------------


def lacks_leads(state: EngineState, run: CampaignRun) -> bool:
    """Whether leads are all that a campaign in mode preview lacks."""
    return may_start(state, run) and not run.leads and not run.due


def sentence(state: EngineState, run: CampaignRun) -> str:
    """How a campaign in mode preview stands, in the place of the pacer's sentence."""
    states = Counter(agent.state for agent in state.serving(run))
    parts = []
    if deciding := states[AgentState.PREVIEW]:
        parts.append(phrases("{number} agent decides on a lead", "{number} agents decide on a lead", deciding))
    if waiting := states[AgentState.DIALLING]:
        parts.append(phrases("{number} agent waits for an answer", "{number} agents wait for an answer", waiting))
    parts.append(phrase("{ready:.0f} ready", ready=states[AgentState.READY]))
    if not may_start(state, run):
        parts.append(phrase("no call may start now"))
    elif lacks_leads(state, run):
        parts.append(NO_LEAD)
    return phrase("preview: {how}", how=listed(parts))
