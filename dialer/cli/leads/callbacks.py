"""`dialer callbacks`: what was promised to whom, and the re-plan of the afternoon."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import click
from rich.console import RenderableType
from rich.text import Text

from compliance.numbers import masked_text
from dialer.cli.base.arguments import campaign_option, limit_option, more_than
from dialer.cli.base.groups import NearGroup
from dialer.cli.base.help import examples
from dialer.cli.base.invocation import Invocation, now
from dialer.cli.base.output import Answer, answering, fitted
from dialer.core.agents.agent import AgentState
from dialer.core.leads.lead_counts import clock_words
from dialer.language.translation import _, _n
from dialer.operating.figures import BAD, QUIET, duration
from dialer.operating.glossary import place_word
from dialer.store.base.connection import Store
from dialer.store.leads.callbacks import Callback, free, owed, put_first
from dialer.store.operators import agents, campaigns, control


@click.group(cls=NearGroup)
@examples("dialer callbacks list --overdue", "dialer callbacks replan")
def callbacks() -> None:
    """Callbacks that agents promised."""


@callbacks.command("list")
@examples("dialer callbacks list --overdue")
@campaign_option
@click.option("--overdue", is_flag=True, help="Only those whose time has passed.")
@limit_option(100)
@answering
def list_(invocation: Invocation, campaign: str, overdue: bool, limit: int) -> Answer:
    """List the callbacks that are owed, the oldest promise first: when, who is to have the call, and where it is.

    A promise ends when an agent has talked to the customer, or the lead is closed.
    """
    moment = now()
    with invocation.store() as store:
        rows = _owed(store, campaign, moment if overdue else None)
        absent = _absent(store, rows)
    if overdue:
        rows = [row for row in rows if row.is_overdue(moment)]
    data = [{**asdict(row), "overdue": row.is_overdue(moment)} for row in rows[:limit]]
    if not rows:
        return Answer(data, _("No callback is overdue.") if overdue else _("No callback is owed."))
    return Answer(data, drawn(rows[:limit], absent, moment), more_than(limit) if len(rows) > limit else "")


@callbacks.command("replan")
@examples("dialer callbacks replan")
@campaign_option
@answering
def replan(invocation: Invocation, campaign: str) -> Answer:
    """Put the overdue callbacks first, and say what is promised for the rest of the day. For 14:00, or any time.

    Overdue ones are due at once, before all other leads. One whose agent is not logged in may be anybody's. Caps and
    calling hours hold.
    """
    moment = now()
    with invocation.store() as store:
        names = [campaign] if campaign else list(campaigns.names(store))
        rows = _owed(store, campaign, None)
        absent = _absent(store, rows)
        first = freed = 0
        for name in names:
            late = [row for row in rows if row.campaign == name and row.is_overdue(moment)]
            freed += free(store, name, [row.lead_id for row in late if row.agent in absent])
            first += put_first(store, name, [row.lead_id for row in late], who=invocation.who, now=moment)
        detail = {"campaign": campaign, "put_first": first, "freed": freed}
        control.audit(store, "callbacks_replan", who=invocation.who, now=moment, detail=detail)
    coming = [row for row in rows if row.promised_at > moment]
    data = {"put_first": first, "freed": freed, "coming": [asdict(row) for row in coming]}
    page: list[RenderableType] = [
        _("Put first: {callbacks}", callbacks=_n("{number:,} overdue callback", "{number:,} overdue callbacks", first))
    ]
    if freed:
        page.append(_("  {freed:,} of them anybody's now: the agent is not logged in", freed=freed))
    page.append(
        _("Promised for later: {callbacks}", callbacks=_n("{number:,} callback", "{number:,} callbacks", len(coming)))
    )
    if coming:
        page.append(drawn(coming[:20], absent, moment))
    return Answer(data, page)


def _owed(store: Store, campaign: str, until: float | None) -> list[Callback]:
    if campaign:
        campaigns.get(store, campaign)
    names = [campaign] if campaign else campaigns.names(store)
    rows = [row for name in names for row in owed(store, name, until=until)]
    return sorted(rows, key=lambda row: row.promised_at)


def _absent(store: Store, rows: Sequence[Callback]) -> set[str]:
    """The agents of callbacks who are not logged in."""
    there = {agent.agent for agent in agents.listing(store) if agent.state is not AgentState.OFFLINE}
    return {row.agent for row in rows if row.agent} - there


def drawn(rows: Sequence[Callback], absent: set[str], moment: float) -> RenderableType:
    """For people."""
    heads = ("promised", "late", "agent", "campaign", "lead", "number", "name", "state", "tried")
    cells = [_cells(row, absent, moment) for row in rows]
    return fitted(heads, cells, right=("tried",), optional=("state", "tried", "name", "campaign"))


def _cells(row: Callback, absent: set[str], moment: float) -> tuple[Any, ...]:
    late = Text(duration(moment - row.promised_at), BAD) if row.is_overdue(moment) else ""
    agent = Text(_("{agent} (not in)", agent=row.agent), QUIET) if row.agent in absent else row.agent
    where = place_word(row.state)
    tried = f"{row.tried} {row.last_end}".replace("_", " ").strip() if row.tried else ""
    return (
        *(clock_words(row.promised_at, moment, None), late, agent, row.campaign, row.lead_id, row.number),
        *(masked_text(row.name), where, tried),
    )
