"""`dialer leads`: import leads from a file, and look at them."""

from __future__ import annotations

import click
from rich.console import RenderableType

from dialer.cli.base.arguments import campaign_argument, limit_option, more_than
from dialer.cli.base.groups import NearGroup
from dialer.cli.base.help import examples
from dialer.cli.base.invocation import Invocation, now
from dialer.cli.base.output import Answer, answering, facts, fitted, table, when
from dialer.cli.leads import lead_changes, lead_export
from dialer.cli.leads.import_command import import_
from dialer.core.leads.lead_counts import clock_words
from dialer.language.translation import _, translated, word
from dialer.operating.glossary import place_word
from dialer.store.leads import leads as store_leads
from dialer.store.leads.leads import LeadRow, LeadState, LeadStory
from dialer.store.operators import campaigns, control


@click.group(cls=NearGroup)
@examples(
    "dialer leads import spring-sale customers.csv",
    "dialer leads list spring-sale --state due",
    "dialer leads reopen spring-sale --disposition no_answer --older-than 3d",
)
def leads() -> None:
    """Import leads, look at them, change them. Phone numbers are shown masked."""


leads.add_command(import_)


def _consent(story: LeadStory) -> str:
    """Since when, until when, and where it is to be found."""
    parts = (
        when(story.consent_at),
        story.consent_until and _("until {consent_until}", consent_until=when(story.consent_until)),
        story.consent_source,
    )
    return ", ".join(part for part in parts if part)


@leads.command("list")
@examples("dialer leads list spring-sale --state waiting --limit 20")
@campaign_argument
@click.option("--state", type=click.Choice([state.value for state in LeadState]), help="Only leads in this state.")
@limit_option(50)
@answering
def list_(invocation: Invocation, campaign: str, state: str | None, limit: int) -> Answer:
    """List leads of a campaign, numbers masked."""
    rows: list[LeadRow] = []
    cursor, more = "", True
    with invocation.store() as store:
        campaigns.get(store, campaign)
        while more and len(rows) < limit:
            page, cursor = store_leads.page(
                store, campaign, state=LeadState(state) if state else None, cursor=cursor, count=min(limit, 500)
            )
            rows += page
            more = bool(cursor)
    if not rows:
        return Answer(rows, _("No lead.") if state is None else _("No lead is {state}.", state=state))
    moment = now()
    heads = ("lead", "number", "name", "priority", "state", "at", "tries", "why")
    drawn = [
        (
            *(row.lead_id, row.number, row.name, str(row.priority), place_word(row.state)),
            *("" if row.at is None else clock_words(row.at, moment, None), str(row.tries), row.why),
        )
        for row in rows[:limit]
    ]
    note = more_than(limit) if more or len(rows) > limit else ""
    listed = fitted(
        heads, drawn, right=("priority", "tries"), optional=("priority", "name", "tries", "at"), folding=("why",)
    )
    return Answer(rows[:limit], listed, note)


@leads.command("show")
@examples("dialer leads show spring-sale 9f31c2ab-17")
@campaign_argument
@click.argument("lead_id")
@answering
def show_(invocation: Invocation, campaign: str, lead_id: str) -> Answer:
    """Show one lead's whole story: where it is, why, and every attempt."""
    with invocation.store() as store:
        campaigns.get(store, campaign)
        story = store_leads.story(store, campaign, lead_id)
        detail = {"campaign": campaign, "lead_id": lead_id}
        control.audit(store, "lead_show", who=invocation.who, now=now(), detail=detail)
    known = {
        "lead": story.row.lead_id,
        "numbers": ", ".join(story.numbers),
        "name": story.row.name,
        "customer": story.customer_id,
        "time zone": story.timezone,
        "list": story.row.list_name,
        "priority": str(story.row.priority),
        "state": f"{place_word(story.row.state)}, {when(story.row.at)}",
        "why": translated(story.row.why),
        "daemon": story.owner,
        "attempt now": story.open_attempt,
        "came in": when(story.came_in_at),
        "expires": when(story.expires_at),
        "consent": _consent(story),
        **{f"attrs.{name}": str(value) for name, value in story.attrs.items()},
    }
    heads = ("attempt", "number", "disposition", "at", "ended", "agent", "sip", "outcome")
    attempts = [
        (
            *(each.attempt, each.number, word(each.disposition), when(each.at), when(each.ended_at)),
            *(each.agent, str(each.sip_code or ""), word(each.outcome)),
        )
        for each in story.attempts
    ]
    page: list[RenderableType] = [facts(known)]
    if attempts:
        page += ["", fitted(heads, attempts, right=("sip",), optional=("ended", "sip", "number"), folding=("outcome",))]
    if story.history:
        lines = [(when(line.at), word(line.what), line.who, line.text, line.attempt) for line in story.history]
        page += ["", table(("at", "what", "who", "words", "attempt"), lines)]
    return Answer(story, page)


for _command in (*lead_changes.COMMANDS, lead_export.export):
    leads.add_command(_command)
