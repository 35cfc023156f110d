"""What the keys of the live board do: the commands `dialer campaign pause`, `dialer agent pause` and so on."""

from __future__ import annotations

from dialer.cli.base.invocation import now
from dialer.cli.live.floor_app import Order, Orders
from dialer.core.agents.agent import AgentEvent, AgentEventKind
from dialer.core.board import CampaignRow
from dialer.core.inputs import CampaignState
from dialer.language.translation import _, word
from dialer.operating.agent_lines import AgentLine
from dialer.operating.campaign_orders import set_state
from dialer.operating.desk import Desk
from dialer.operating.floor_orders import listen, tell_agent


def orders(desk: Desk, phone: str = "") -> Orders:
    """Orders that are carried out under the name of whoever looks, and are in the audit trail. `phone` is the one that
    is rung to listen."""

    def pause_campaign(row: CampaignRow) -> Order | str:
        if row.state == "running":
            question = _("Pause campaign {name}? Calls in progress go on.", name=row.name)
            state = CampaignState.PAUSED
        elif row.state == "paused":
            question, state = _("Go on with campaign {name}?", name=row.name), CampaignState.RUNNING
        else:
            return _(
                "Campaign {name} is {state}. Start it with: dialer campaign start {name}",
                name=row.name,
                state=word(row.state),
            )
        done = _("Campaign {name} is {state}.", name=row.name, state=word(state))
        return Order(question, lambda: set_state(desk, row.name, state, now()), done)

    def tell(kind: AgentEventKind, line: AgentLine, question: str, done: str, reason: str = "") -> Order:
        event = AgentEvent(kind, line.row.agent, reason=reason)
        return Order(question, lambda: tell_agent(desk, event, now()), done)

    def pause_agent(line: AgentLine) -> Order | str:
        who = f"{line.row.agent} {line.row.name}".rstrip()
        if line.row.state == "paused":
            return _("Agent {who} is paused already, and goes on by saying so at the desktop.", who=who)
        question = _("Pause agent {who}? Whoever is in a call is paused after it.", who=who)
        return tell(AgentEventKind.PAUSE, line, question, _("Agent {who} is told to pause.", who=who), "supervisor")

    def log_out_agent(line: AgentLine) -> Order | str:
        who = f"{line.row.agent} {line.row.name}".rstrip()
        question = _("Log agent {who} out? Whoever is in a call goes after it.", who=who)
        return tell(AgentEventKind.LOGOUT, line, question, _("Agent {who} is told to go.", who=who))

    def listen_to(line: AgentLine) -> Order | str:
        who = f"{line.row.agent} {line.row.name}".rstrip()
        if not phone:
            return _("Say at the start which phone is to ring: dialer watch --phone sip:USER@HOST")
        question = _("Ring {phone} and listen to agent {who}?", phone=phone, who=who)
        done = _("The phone rings. On it 5 is to whisper to agent {who}, 6 to speak with both.", who=who)
        return Order(question, lambda: listen(desk, line.row.agent, now(), uri=phone), done)

    return Orders(pause_campaign, pause_agent, log_out_agent, listen_to)
