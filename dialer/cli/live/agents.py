"""`dialer agents`: the presence table."""

from __future__ import annotations

import click
from rich.text import Text

from dialer.cli.base.figures import AGENT_GLYPHS, duration
from dialer.cli.base.invocation import Invocation, now
from dialer.cli.base.output import Answer, answering, table
from dialer.core.agents.agent import AgentState
from dialer.store.operators import agents as store_agents
from dialer.store.operators import campaigns

STATES = [state.value for state in AgentState if state is not AgentState.OFFLINE]


@click.command()
@click.option("--state", type=click.Choice(STATES), multiple=True, help="Only agents in this state; repeatable.")
@click.option("--campaign", metavar="NAME", help="Only agents who are logged in to this campaign.")
@answering
def agents(invocation: Invocation, state: tuple[str, ...], campaign: str | None) -> Answer:
    """List the agents who are logged in: state, since when, why, campaigns, and the daemon they belong to.

    \b
    Example:
      dialer agents --state ready --state paused
    """
    with invocation.store() as store:
        if campaign is not None:
            campaigns.get(store, campaign)  # a mistyped name would look like an empty floor
        rows = [
            row
            for row in store_agents.listing(store)
            if (not state or row.state in state) and (campaign is None or campaign in row.campaigns)
        ]
    if not rows:
        return Answer(rows, "No such agent is logged in." if state or campaign else "No agent is logged in.")
    moment, drawn = now(), []
    for row in rows:
        glyph, style, word = AGENT_GLYPHS.get(row.state, ("·", "", str(row.state)))
        name, state_of = Text(row.agent, "bold"), Text(f"{glyph} {word}", style)
        drawn.append((name, state_of, duration(moment - row.since), row.reason, ", ".join(row.campaigns), row.owner))
    return Answer(rows, table(("agent", "state", "for", "reason", "campaigns", "daemon"), drawn))
