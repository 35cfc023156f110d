"""`dialer agents`: the presence table."""

from __future__ import annotations

import click
from rich.text import Text

from dialer.cli.base.figures import AGENT_GLYPHS, duration
from dialer.cli.base.invocation import Invocation, json_option, now, pass_invocation
from dialer.cli.base.output import show, show_json, table
from dialer.core.agents.agent import AgentState
from dialer.store.operators import agents as store_agents
from dialer.store.operators import campaigns

STATES = [state.value for state in AgentState if state is not AgentState.OFFLINE]


@click.command()
@click.option("--state", type=click.Choice(STATES), multiple=True, help="Only agents in this state; repeatable.")
@click.option("--campaign", metavar="NAME", help="Only agents who are logged in to this campaign.")
@json_option
@pass_invocation
def agents(invocation: Invocation, state: tuple[str, ...], campaign: str | None, as_json: bool) -> None:
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
    if as_json:
        show_json(rows)
        return
    if not rows:
        click.echo("No agent is logged in." if not (state or campaign) else "No such agent is logged in.")
        return
    moment = now()
    drawn = []
    for row in rows:
        glyph, style, word = AGENT_GLYPHS.get(row.state, ("·", "", str(row.state)))
        drawn.append(
            (
                Text(row.agent, "bold"),
                Text(f"{glyph} {word}", style),
                duration(moment - row.since),
                row.reason,
                ", ".join(row.campaigns),
                row.owner,
            )
        )
    show(table(("agent", "state", "for", "reason", "campaigns", "daemon"), drawn))
