"""What the keys of the live board do: the commands `dialer campaign pause`, `dialer agent pause` and so on."""

from __future__ import annotations

from dialer.cli.base.invocation import now
from dialer.cli.live.floor_app import Order, Orders
from dialer.core.agents.agent import AgentEvent, AgentEventKind
from dialer.core.board import CampaignRow
from dialer.core.inputs import CampaignState
from dialer.operating.agent_lines import AgentLine
from dialer.operating.campaign_orders import set_state
from dialer.operating.desk import Desk
from dialer.operating.floor_orders import tell_agent


def orders(desk: Desk) -> Orders:
    """Orders that are carried out under the name of whoever looks, and are in the audit trail."""

    def pause_campaign(row: CampaignRow) -> Order | str:
        if row.state == "running":
            question, state = f"Pause campaign {row.name}? Calls in progress go on.", CampaignState.PAUSED
        elif row.state == "paused":
            question, state = f"Go on with campaign {row.name}?", CampaignState.RUNNING
        else:
            return f"Campaign {row.name} is {row.state}. Start it with: dialer campaign start {row.name}"
        return Order(question, lambda: set_state(desk, row.name, state, now()), f"Campaign {row.name} is {state}.")

    def tell(kind: AgentEventKind, line: AgentLine, question: str, done: str, reason: str = "") -> Order:
        event = AgentEvent(kind, line.row.agent, reason=reason)
        return Order(question, lambda: tell_agent(desk, event, now()), done)

    def pause_agent(line: AgentLine) -> Order | str:
        who = f"{line.row.agent} {line.row.name}".rstrip()
        if line.row.state == "paused":
            return f"Agent {who} is paused already, and goes on by saying so at the desktop."
        question = f"Pause agent {who}? Whoever is in a call is paused after it."
        return tell(AgentEventKind.PAUSE, line, question, f"Agent {who} is told to pause.", "supervisor")

    def log_out_agent(line: AgentLine) -> Order | str:
        who = f"{line.row.agent} {line.row.name}".rstrip()
        question = f"Log agent {who} out? Whoever is in a call goes after it."
        return tell(AgentEventKind.LOGOUT, line, question, f"Agent {who} is told to go.")

    return Orders(pause_campaign, pause_agent, log_out_agent)
