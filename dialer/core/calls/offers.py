"""How the offer of a lead to an agent ends (preview).

Every offer is announced by one event `preview`, and one event `preview_ended` says how it ended. `previewing` makes
the offers and hears what agents decide.
"""

from __future__ import annotations

from enum import StrEnum

from dialer.core.agents.agent import AgentState, come_free
from dialer.core.campaign_run import CampaignRun
from dialer.core.effects import Publish
from dialer.core.engine_state import EngineState
from dialer.core.model import Lead


class OfferEnd(StrEnum):
    """How an offer ended, in the words of the CRM contract."""

    DIALLED = "dialled"  # the call is on its way; a disposition follows
    REFUSED = "refused"  # the agent asked for the call, and it may not or cannot be made now
    SKIPPED = "skipped"  # the agent does not want this lead now
    LAPSED = "lapsed"  # the agent did not decide in time
    WITHDRAWN = "withdrawn"  # the agent left, or the campaign has stopped offering


def announce(
    state: EngineState, run: CampaignRun, agent: str, lead: Lead, end: OfferEnd, *, reason: str = "", attempt: str = ""
) -> None:
    """Tell the CRM how an offer ended; `attempt` is the call that came of it."""
    state.do(
        Publish(
            "preview_ended",
            run.name,
            {
                "attempt_id": attempt,
                "lead_id": lead.lead_id,
                "customer_id": lead.customer_id,
                "agent": agent,
                "end": end.value,
                "reason": reason,
            },
        )
    )


def take_back(state: EngineState, run: CampaignRun, agent: str, end: OfferEnd, reason: str) -> None:
    """End an offer that did not get as far as the gates: its lead is the next one again."""
    offer = run.offers.pop(agent)
    run.leads.appendleft(offer.lead)
    announce(state, run, agent, offer.lead, end, reason=reason)


def withdraw(state: EngineState, run: CampaignRun, reason: str, now: float) -> None:
    """Take back all offers of a campaign. Calls that are at the gates or on the line go on."""
    for agent in list(run.offers):
        withdraw_from(state, run, agent, reason, now)


def withdraw_from(state: EngineState, run: CampaignRun, agent: str, reason: str, now: float) -> None:
    """Take one agent's offer back."""
    take_back(state, run, agent, OfferEnd.WITHDRAWN, reason)
    _let_go(state, agent, now)


def drop(state: EngineState, run: CampaignRun, agent: str, reason: str, now: float) -> None:
    """End an offer whose lead is not the dialer's any more."""
    offer = run.offers.pop(agent)
    announce(state, run, agent, offer.lead, OfferEnd.WITHDRAWN, reason=reason)
    _let_go(state, agent, now)


def deny(state: EngineState, run: CampaignRun, agent: str, lead: Lead, reason: str, now: float) -> None:
    """The call that an agent asked for is not made; where the lead is now is the caller's business."""
    announce(state, run, agent, lead, OfferEnd.REFUSED, reason=reason)
    _let_go(state, agent, now)


def _let_go(state: EngineState, name: str, now: float) -> None:
    agent = state.roster.get(name)
    if agent is not None and agent.state in {AgentState.PREVIEW, AgentState.DIALLING} and agent.call is None:
        state.put_agent(come_free(agent, now))
