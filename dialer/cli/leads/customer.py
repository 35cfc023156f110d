"""`dialer customer`: everything about one person, over all campaigns and hosts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any, Final

import click
from rich.console import RenderableType
from rich.text import Text

from dialer.cli.base.arguments import region_option
from dialer.cli.base.help import examples
from dialer.cli.base.invocation import Invocation, now
from dialer.cli.base.output import Answer, alarm, answering, table, when
from dialer.cli.privacy.block import as_data, drawn
from dialer.language.translation import _, _n, translated, word
from dialer.operating.figures import BAD, QUIET
from dialer.operating.glossary import place_word
from dialer.operating.person import LeadVerdict, look_at
from dialer.store.privacy.person import Person

MOST_CALLS: Final = 50
"""So many of a person's newest calls are shown to people."""


@click.command()
@examples('dialer customer "138 0013 8000"', "dialer customer C-4711 --evidence")
@click.argument("number_or_id", metavar="NUMBER|ID")
@region_option
@click.option("--evidence", is_flag=True, help="Also what is on record on this host; needs the host's key.")
@answering
def customer(invocation: Invocation, number_or_id: str, region: str, evidence: bool) -> Answer:
    """Show everything about one person, by phone number, customer_id or lead_id: leads of all campaigns, every call
    with its outcome and what the agent wrote, blocks, consents, and when each lead may be called.

    Numbers are masked. The audit trail says who looked at whom.
    """
    with invocation.desk() as desk:
        person, verdicts = look_at(desk, number_or_id, region, now())
    records = _records(invocation, person) if evidence else []
    data = {
        "numbers": [str(each) for each in person.numbers],
        "customers": list(person.customers),
        "leads": [{"campaign": campaign, **asdict(story)} for campaign, story in person.leads],
        "calls": [asdict(call) for call in person.calls],
        "blocks": [as_data(block) for block in person.blocks],
        "verdicts": [asdict(verdict) for verdict in verdicts],
        "evidence": records,
    }
    return Answer(data, list(page(person, verdicts, records, evidence)))


def page(
    person: Person, verdicts: Sequence[LeadVerdict], records: Sequence[dict[str, Any]], evidence: bool
) -> Iterator[RenderableType]:
    """For people."""
    who = Text.assemble((", ".join(map(str, person.numbers)) or _("no number"), "bold"))
    if person.customers:
        who.append(_("  customer {names}", names=", ".join(person.customers)))
    yield who.append(f"  {_n('{number:,} lead', '{number:,} leads', len(person.leads) + person.more_leads)}", QUIET)
    if person.blocks:
        yield from ("", alarm("blocked:", BAD), drawn(person.blocks))
    sentences = {(verdict.campaign, verdict.lead_id): verdict.sentence for verdict in verdicts}
    for campaign, story in person.leads:
        row = story.row
        yield ""
        heading = Text.assemble((campaign, "bold"), _("  lead {lead_id}  {name}  ", lead_id=row.lead_id, name=row.name))
        yield heading.append(f"{place_word(row.state)} {when(row.at)}", QUIET)
        verdict = sentences.get((campaign, row.lead_id), "")
        yield _("  verdict: {verdict}", verdict=verdict)
        if row.why and row.why not in verdict:
            yield _("  why: {why}", why=row.why)
        if story.consent_at is not None:
            until = (
                _(" until {consent_until}", consent_until=when(story.consent_until))
                if story.consent_until is not None
                else ""
            )
            yield _(
                "  consent: {consent_at}{until} {consent_source}",
                consent_at=when(story.consent_at),
                until=until,
                consent_source=story.consent_source,
            ).rstrip()
        if story.attempts:
            calls = [
                (when(call.at), call.number, word(call.disposition), call.agent, word(call.outcome))
                for call in story.attempts
            ]
            yield table(("  call", "number", "end", "agent", "outcome"), calls)
        if story.history:
            words = [(when(line.at), word(line.what), line.who, line.text) for line in story.history]
            yield table(("  said", "what", "who", "words"), words)
    if person.more_leads:
        yield alarm(
            _(
                "{leads}: is the id a filler that many people share?",
                leads=_n("{number:,} more lead", "{number:,} more leads", person.more_leads),
            )
        )
    yield ""
    yield from _counted_calls(person)
    yield from _evidence(records, evidence)


def _counted_calls(person: Person) -> Iterator[RenderableType]:
    if not person.calls:
        yield _("The contact history, which the caps count, has no call with these numbers.")
        return
    yield _(
        "{calls} in the contact history, which the caps count, over all campaigns:",
        calls=_n("{number:,} call", "{number:,} calls", len(person.calls)),
    )
    newest = person.calls[-MOST_CALLS:]
    yield table(
        ("at", "number", "campaign", "what came of it"),
        [(when(call.at), call.number, call.campaign or word("(deleted)"), translated(call.what)) for call in newest],
    )


def _evidence(records: Sequence[dict[str, Any]], asked: bool) -> Iterator[RenderableType]:
    if not asked:
        yield Text(_("On record: see --evidence, on each host that called."), QUIET)
        return
    yield ""
    yield _("{records} on this host:", records=_n("{number:,} record", "{number:,} records", len(records)))
    yield table(
        ("at", "record", "campaign", "attempt", "what"),
        [(when(row["at"]), row["kind"], row["campaign"], row["attempt"], row["what"]) for row in records],
    )


def _records(invocation: Invocation, person: Person) -> list[dict[str, Any]]:
    """The permits, refusals, ends and opt-outs of the person's numbers in this host's evidence."""
    from dialer.cli.privacy.evidence import records_of

    return [
        {
            "at": record.at_ms / 1000,
            "kind": record.kind,
            "campaign": record.fields.get("campaign", ""),
            "attempt": record.fields.get("attempt", ""),
            "what": str(
                record.fields.get("disposition") or record.fields.get("why") or record.fields.get("pressed", "")
            ),
        }
        for record in records_of(invocation, person.numbers)
    ]
