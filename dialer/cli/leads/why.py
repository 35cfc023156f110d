"""`dialer why`: every rule about one lead or number, its facts and its verdict, and when it may be dialled."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import asdict
from datetime import tzinfo
from typing import Any

import click
from rich.console import Group, RenderableType
from rich.text import Text

from compliance.listed import ALL_REGISTERS
from config.policies import AppliedSettings, applied
from dialer.cli.base import hosts
from dialer.cli.base.arguments import campaign_names
from dialer.cli.base.figures import BAD, GOOD, QUIET, WARN, duration
from dialer.cli.base.glossary import no_daemon, not_started, place_word, rule_word, state_text
from dialer.cli.base.invocation import Invocation, now
from dialer.cli.base.output import Answer, alarm, answering, table
from dialer.core.abandonment.windows import zone_of
from dialer.core.calls.retries import row_of
from dialer.core.leads.lead_counts import clock_words
from dialer.core.model import Lead
from dialer.disk.registers import NationalRegisters
from dialer.language.findings import Finding
from dialer.language.refusals import detail
from dialer.store.leads import why as store_why
from dialer.store.leads.leads import LeadRow, LeadState
from dialer.store.leads.why import Asked, Reasons
from dialer.store.operators import campaigns, control
from dialer.store.operators.campaigns import Campaign


@click.command()
@click.argument("lead_or_number", metavar="LEAD|NUMBER")
@click.option("--campaign", required=True, metavar="NAME", help="The campaign.", shell_complete=campaign_names)
@answering
def why(invocation: Invocation, lead_or_number: str, campaign: str) -> Answer:
    """Say why a number may be dialled now or not: every rule, what it looks at and what it says, and from when on the
    number may be dialled. The rules are the gate's own.

    National registers are those of this machine. A number that is no lead of the campaign is judged as one that has
    just come.

    \b
    Example:
      dialer why L-4711 --campaign spring-sale
      dialer why "138 0013 8000" --campaign spring-sale
    """
    moment, national = now(), NationalRegisters(invocation.effective().settings.registers)
    with invocation.store() as store:
        stored = campaigns.get(store, campaign)
        settings = applied(stored.settings, invocation.catalogue())
        asked = store_why.find(store, settings, lead_or_number, campaigns.names(store))
        reasons = store_why.reasons(store, settings, asked, national, moment)
        daemons = hosts.read(store)
        notes = _notes(stored, settings, daemons, asked, national)
        detail = {"campaign": campaign, "lead_id": asked.lead.lead_id, "number": str(asked.lead.number)}
        control.audit(store, "lead_why", who=invocation.who, now=moment, detail=detail)
    national.close()
    state = state_text(stored.state, "".join(daemons.problems(campaign)[:1]))
    data = as_data(asked, reasons, notes, moment, zone_of(settings))
    return Answer(data, page(state, settings, asked, reasons, notes, moment))


def _notes(
    campaign: Campaign, settings: AppliedSettings, daemons: hosts.Hosts, asked: Asked, national: NationalRegisters
) -> list[str]:
    """What keeps the campaign as a whole from being dialled, and what this machine cannot know."""
    name = settings.name
    notes = [*not_started(campaign.state, name), *settings.missing_to_start(), *daemons.problems(name)]
    if not daemons.alive:
        notes.append(no_daemon())
    if ALL_REGISTERS in settings.registers and not national.registers:
        notes.append("no national register is configured on this machine; those of the daemons' hosts may refuse more")
    if not asked.is_next:
        notes.append("the lead goes on with another one of its numbers first")
    if asked.elsewhere:
        notes.append(f"the number is also in: {', '.join(asked.elsewhere)}")
    return notes


def page(
    state: Text, settings: AppliedSettings, asked: Asked, reasons: Reasons, notes: list[str], at: float
) -> RenderableType:
    """For people."""
    zone, lead = zone_of(settings), asked.lead
    heading = Text.assemble((str(lead.number), "bold"), "  ")
    heading.append(f"lead {lead.lead_id}" if asked.row else "no lead of this campaign", "" if asked.row else QUIET)
    heading.append_text(Text.assemble("  in ", (settings.name, "bold"), "  ", state))
    parts: list[RenderableType] = [heading]
    if asked.row is not None:
        parts += [_where(asked.row, at, zone), *_tries(lead, settings)]
    rows = [_row(finding, at, zone) for finding in reasons.findings]
    parts += [Text(), table(("rule", "verdict", "until", "facts"), rows), Text()]
    parts += [alarm(note, WARN) for note in notes]
    parts.append(Text(sentence(asked, reasons, at, zone), f"bold {_style(reasons, at)}"))
    return Group(*parts)


def _row(finding: Finding, at: float, zone: tzinfo | None) -> tuple[Text | str, ...]:
    rule = rule_word(finding.rule.value)
    if finding.refusal is None:
        return rule, Text("passes", GOOD), "", Text(finding.said, QUIET)
    until = "for good" if finding.refusal.until is None else clock_words(finding.refusal.until, at, zone)
    style = BAD if finding.refusal.until is None else WARN
    facts = "; ".join((detail(finding.refusal), *finding.more))
    return Text(rule, "bold"), Text("refuses", f"bold {style}"), until, facts


def _where(row: LeadRow, at: float, zone: tzinfo | None) -> Text:
    word, moment = place_word(row.state), clock_words(row.at, at, zone)
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


def sentence(asked: Asked, reasons: Reasons, at: float, zone: tzinfo | None) -> str:
    """When it may be dialled, in one sentence."""
    row, allowed = asked.row, reasons.foresight
    if row is not None and row.state is LeadState.CLOSED:
        return f"never: the lead is closed: {row.why or 'nobody kept why'}"
    if allowed is None:
        return "in a call now: what follows is decided when the call has ended"
    if allowed.at is not None and allowed.at <= at:
        return "diallable now"
    if allowed.at is not None:
        return f"diallable from {clock_words(allowed.at, at, zone)} ({_zone_name(zone)}) if nothing changes"
    assert allowed.left is not None
    if allowed.never:
        return f"never: {detail(allowed.left)}"
    return f"not diallable, and nobody can say from when on: {detail(allowed.left)}"


def _zone_name(zone: tzinfo | None) -> str:
    return str(zone) if zone is not None else time.strftime("%Z")


def _style(reasons: Reasons, at: float) -> str:
    allowed = reasons.foresight
    if allowed is None or allowed.never:
        return BAD
    return GOOD if allowed.at is not None and allowed.at <= at else WARN


def as_data(asked: Asked, reasons: Reasons, notes: list[str], at: float, zone: tzinfo | None) -> Mapping[str, Any]:
    """For programs."""
    allowed, row = reasons.foresight, asked.row
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
                "rule": finding.rule,
                "facts": finding.said,
                "refused": finding.refusal is not None,
                "case": finding.refusal.case if finding.refusal else "",
                "facts_data": dict(finding.refusal.facts) if finding.refusal else {},
                "detail": detail(finding.refusal) if finding.refusal else "",
                "until": finding.refusal.until if finding.refusal else None,
            }
            for finding in reasons.findings
        ],
        "diallable_at": allowed.at if allowed else None,
        "never": allowed.never if allowed else row is not None and row.state is LeadState.CLOSED,
        "sentence": sentence(asked, reasons, at, zone),
        "notes": notes,
    }
