"""`dialer agent pause` and `dialer agent logout`: what a supervisor does to an agent, as the agent's desktop would."""

from __future__ import annotations

import click

from dialer.cli.base.failures import CliExit, Failure
from dialer.cli.base.groups import NearGroup
from dialer.cli.base.help import examples
from dialer.cli.base.invocation import Invocation, now
from dialer.cli.base.output import Answer, answering
from dialer.core.agents.agent import AgentEvent, AgentEventKind
from dialer.language.phrases import N_
from dialer.language.translation import _
from dialer.operating.desk import Missing
from dialer.operating.floor_orders import tell_agent

DONE = {
    AgentEventKind.PAUSE: N_("Agent {name} is paused; whoever is in a call, after it."),
    AgentEventKind.LOGOUT: N_("Agent {name} is logged out; whoever is in a call, after it."),
}


@click.group(cls=NearGroup)
def agent() -> None:
    """Pause an agent or log one out, from the supervisor's desk. See them with: dialer agents."""


@agent.command()
@examples("dialer agent pause 17 --reason meeting")
@click.argument("name", metavar="AGENT")
@click.option("--reason", default="supervisor", show_default=True, help="What the agent and the board see.")
@answering
def pause(invocation: Invocation, name: str, reason: str) -> Answer:
    """Pause an agent. Whoever is in a call is paused after it. The agent goes on by saying `ready`."""
    return _tell(invocation, AgentEvent(AgentEventKind.PAUSE, name, reason=reason))


@agent.command()
@examples("dialer agent logout 17")
@click.argument("name", metavar="AGENT")
@answering
def logout(invocation: Invocation, name: str) -> Answer:
    """Log an agent out. Whoever is in a call is logged out after it."""
    return _tell(invocation, AgentEvent(AgentEventKind.LOGOUT, name))


def _tell(invocation: Invocation, event: AgentEvent) -> Answer:
    with invocation.desk() as desk:
        try:
            tell_agent(desk, event, now())
        except Missing as missing:
            raise Failure(CliExit.NOT_FOUND, str(missing), _("See who is with: dialer agents")) from missing
    page = _(DONE[event.kind], name=event.agent)
    return Answer({"agent": event.agent, "told": event.kind.value, "reason": event.reason}, page)
