"""`dialer why`: every rule about one lead or number, its facts and its verdict, and when it may be dialled."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import asdict
from datetime import tzinfo
from typing import Any, Final

import click
from rich.console import Group, RenderableType
from rich.text import Text

from compliance.api import Rule
from compliance.explanation import Finding
from compliance.listed import ALL_REGISTERS
from compliance.words import detail
from config.policies import AppliedSettings, applied
from dialer.cli.base import hosts
from dialer.cli.base.figures import BAD, GOOD, QUIET, WARN, duration
from dialer.cli.base.invocation import Invocation, json_option, now, pass_invocation
from dialer.cli.base.output import show, show_json, table
from dialer.cli.campaigns.campaign_facts import problems
from dialer.cli.host.completion import campaign_names
from dialer.cli.live.campaign_panels import state_text
from dialer.core.abandonment.windows import zone_of
from dialer.core.calls.retries import row_of
from dialer.core.inputs import CampaignState
from dialer.core.leads.lead_counts import clock_words
from dialer.core.model import Lead
from dialer.disk.registers import Shelf
from dialer.store.base.connection import Store
from dialer.store.leads import why as store_why
from dialer.store.leads.leads import LeadRow, LeadState
from dialer.store.leads.why import Asked, Reasons
from dialer.store.operators import campaigns, control
from dialer.store.operators.campaigns import Campaign

RULE_WORDS: Final = {
    Rule.EXPIRED: "expiry",
    Rule.DESTINATION: "country and range",
    Rule.UNKNOWN_ZONE: "time zone",
    Rule.HOURS: "calling hours",
    Rule.BLOCKLIST: "no-call list",
    Rule.CAP: "caps",
}
STATE_WORDS: Final = {LeadState.IN_ATTEMPT: "in a call", LeadState.LEASED: "with a daemon"}


@click.command()
@click.argument("lead_or_number", metavar="LEAD|NUMBER")
@click.option("--campaign", required=True, metavar="NAME", help="The campaign.", shell_complete=campaign_names)
@json_option
@pass_invocation
def why(invocation: Invocation, lead_or_number: str, campaign: str, as_json: bool) -> None:
    """Say why a number may be dialled now or not: every rule, what it looks at and what it says, and from when on the
    number may be dialled. The rules are the gate's own.

    National registers are those of this machine. A number that is no lead of the campaign is judged as one that has
    just come.

    \b
    Example:
      dialer why L-4711 --campaign spring-sale
      dialer why "138 0013 8000" --campaign spring-sale
    """
    moment, shelf = now(), Shelf(invocation.effective().settings.registers)
    with invocation.store() as store:
        found = campaigns.get(store, campaign)
        settings = applied(found.settings, invocation.catalogue())
        asked = store_why.find(store, settings, lead_or_number, campaigns.names(store))
        told = store_why.reasons(store, settings, asked, shelf, moment)
        notes = _notes(store, found, settings, asked, shelf)
        detail = {"campaign": campaign, "lead_id": asked.lead.lead_id, "number": str(asked.lead.number)}
        control.audit(store, "lead_why", who=invocation.who, now=moment, detail=detail)
    shelf.close()
    zone = zone_of(settings)
    if as_json:
        show_json(as_data(asked, told, notes, moment, zone))
        return
    show(page(found, settings, asked, told, notes, moment))


def _notes(store: Store, found: Campaign, settings: AppliedSettings, asked: Asked, shelf: Shelf) -> list[str]:
    """What keeps the campaign as a whole from being dialled, and what this machine cannot know."""
    name, notes = settings.name, []
    if found.state is CampaignState.PAUSED:
        notes.append(f"the campaign is paused: nothing is dialled. Go on with: dialer campaign resume {name}")
    elif found.state is CampaignState.STOPPED:
        notes.append(f"the campaign is stopped: nothing is dialled. Start it with: dialer campaign start {name}")
    notes += settings.missing_to_start()
    seen = hosts.read(store)
    notes += problems(seen, name)
    if not seen.boards and not seen.unreadable:
        notes.append("no daemon is alive: nothing is dialled until one runs (dialer run)")
    if ALL_REGISTERS in settings.registers and not shelf.registers:
        notes.append("no national register is configured on this machine; those of the daemons' hosts may refuse more")
    if not asked.is_next:
        notes.append("the lead goes on with another one of its numbers first")
    if asked.elsewhere:
        notes.append(f"the number is also in: {', '.join(asked.elsewhere)}")
    return notes


def page(
    found: Campaign, settings: AppliedSettings, asked: Asked, told: Reasons, notes: list[str], at: float
) -> RenderableType:
    """For people."""
    zone, lead = zone_of(settings), asked.lead
    heading = Text.assemble((str(lead.number), "bold"), "  ")
    heading.append(f"lead {lead.lead_id}" if asked.row else "no lead of this campaign", "" if asked.row else QUIET)
    heading.append_text(Text.assemble("  in ", (settings.name, "bold"), "  ", state_text(found.state)))
    parts: list[RenderableType] = [heading]
    if asked.row is not None:
        parts += [_where(asked.row, at, zone), *_tries(lead, settings)]
    rows = [_row(one, at, zone) for one in told.findings]
    parts += [Text(), table(("rule", "verdict", "until", "facts"), rows), Text()]
    parts += [Text(f"! {note}", WARN) for note in notes]
    parts.append(Text(sentence(asked, told, at, zone), f"bold {_style(told, at)}"))
    return Group(*parts)


def _row(one: Finding, at: float, zone: tzinfo | None) -> tuple[Text | str, ...]:
    rule = RULE_WORDS.get(one.rule, one.rule.value.replace("_", " "))
    if one.refusal is None:
        return rule, Text("passes", GOOD), "", Text(one.said, QUIET)
    until = "for good" if one.refusal.until is None else clock_words(one.refusal.until, at, zone)
    style = BAD if one.refusal.until is None else WARN
    facts = "; ".join((detail(one.refusal), *one.more))
    return Text(rule, "bold"), Text("refuses", f"bold {style}"), until, facts


def _where(row: LeadRow, at: float, zone: tzinfo | None) -> Text:
    word, moment = STATE_WORDS.get(row.state, row.state.value), clock_words(row.at, at, zone)
    when = {
        LeadState.DUE: f"since {moment}",
        LeadState.WAITING: f"until {moment}",
        LeadState.LEASED: f"until {moment} at most",
        LeadState.CLOSED: f"since {moment}",
    }.get(row.state, "")
    text = Text.assemble((f"{'place':<9}", QUIET), (word, "bold"), f" {when}".rstrip())
    return text.append(f"  {row.why}", QUIET) if row.why else text


def _tries(lead: Lead, settings: AppliedSettings) -> list[Text]:
    """How often it was tried, and what the retry table has left."""
    counts: dict[str, int] = {}
    for disposition, number in lead.tries.items():
        counts[row_of(disposition)] = counts.get(row_of(disposition), 0) + number
    parts = []
    for name, number in counts.items():
        rule = settings.retry.after(name)
        left = (
            f"{max(0, rule.max_attempts - number)} of {rule.max_attempts} retries left, {duration(rule.delay_s)} apart"
        )
        parts.append(f"{name.replace('_', ' ')} {number} ({left if rule.max_attempts else 'never called again'})")
    return [Text.assemble((f"{'tried':<9}", QUIET), ", ".join(parts))] if parts else []


def sentence(asked: Asked, told: Reasons, at: float, zone: tzinfo | None) -> str:
    """When it may be dialled, in one sentence."""
    row, seen = asked.row, told.foresight
    if row is not None and row.state is LeadState.CLOSED:
        return f"never: the lead is closed: {row.why or 'nobody kept why'}"
    if seen is None:
        return "in a call now: what follows is decided when the call has ended"
    if seen.at is not None and seen.at <= at:
        return "diallable now"
    if seen.at is not None:
        return f"diallable from {clock_words(seen.at, at, zone)} ({_zone_name(zone)}) if nothing changes"
    assert seen.left is not None
    if seen.never:
        return f"never: {detail(seen.left)}"
    return f"not diallable, and nobody can say from when on: {detail(seen.left)}"


def _zone_name(zone: tzinfo | None) -> str:
    return str(zone) if zone is not None else time.strftime("%Z")


def _style(told: Reasons, at: float) -> str:
    seen = told.foresight
    if seen is None or seen.never:
        return BAD
    return GOOD if seen.at is not None and seen.at <= at else WARN


def as_data(asked: Asked, told: Reasons, notes: list[str], at: float, zone: tzinfo | None) -> Mapping[str, Any]:
    """For programs."""
    seen, row = told.foresight, asked.row
    return {
        "campaign": asked.lead.campaign,
        "number": str(asked.lead.number),
        "lead_id": asked.lead.lead_id or None,
        "at": at,
        "state": row.state if row else None,
        "state_at": row.at if row else None,
        "why": row.why if row else "",
        "reason": asdict(row.reason) if row else None,
        "tries": {disposition.value: number for disposition, number in asked.lead.tries.items()},
        "rules": [
            {
                "rule": one.rule,
                "facts": one.said,
                "refused": one.refusal is not None,
                "case": one.refusal.case if one.refusal else "",
                "facts_data": dict(one.refusal.facts) if one.refusal else {},
                "detail": detail(one.refusal) if one.refusal else "",
                "until": one.refusal.until if one.refusal else None,
            }
            for one in told.findings
        ],
        "diallable_at": seen.at if seen else None,
        "never": seen.never if seen else row is not None and row.state is LeadState.CLOSED,
        "sentence": sentence(asked, told, at, zone),
        "notes": notes,
    }
