"""`dialer why`: every rule about one lead or number, its facts and its verdict, and when it may be dialled."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from datetime import tzinfo
from typing import Any, Final

import click
from rich.cells import set_cell_size
from rich.console import Group, RenderableType
from rich.text import Text

from dialer.cli.base.arguments import campaign_names
from dialer.cli.base.figures import state_text
from dialer.cli.base.help import examples
from dialer.cli.base.invocation import Invocation, now
from dialer.cli.base.output import Answer, alarm, answering, table
from dialer.core.leads.lead_counts import clock_words
from dialer.language.findings import Finding
from dialer.language.phrases import listed
from dialer.language.refusals import detail
from dialer.language.translation import _, translated, word
from dialer.operating.figures import BAD, GOOD, QUIET, WARN
from dialer.operating.glossary import place_word, rule_word
from dialer.operating.why import Verdict, explain, when_there
from dialer.store.leads.leads import LeadRow, LeadState
from dialer.store.leads.why import Reasons

LABEL: Final = 9
"""Columns that the labels take."""


@click.command()
@examples("dialer why L-4711 --campaign spring-sale", 'dialer why "138 0013 8000" --campaign spring-sale')
@click.argument("lead_or_number", metavar="LEAD|NUMBER")
@click.option("--campaign", required=True, metavar="NAME", help="The campaign.", shell_complete=campaign_names)
@answering
def why(invocation: Invocation, lead_or_number: str, campaign: str) -> Answer:
    """Say why a number may be dialled now or not: every rule, what it looks at and what it says, and from when on the
    number may be dialled. The rules are the gate's own.

    National registers are those of this machine. A number that is no lead of the campaign is judged as one that has
    just come.
    """
    with invocation.desk() as desk:
        verdict = explain(desk, campaign, lead_or_number, now())
    state = state_text(verdict.campaign.state, "".join(verdict.problems[:1]))
    return Answer(as_data(verdict), page(state, verdict))


def page(state: Text, verdict: Verdict) -> RenderableType:
    """For people."""
    asked, zone, at, lead = verdict.asked, verdict.zone, verdict.at, verdict.asked.lead
    heading = Text.assemble((str(lead.number), "bold"), "  ")
    if asked.row:
        heading.append(_("lead {lead}", lead=lead.lead_id))
    else:
        heading.append(_("no lead of this campaign"), QUIET)
    heading.append_text(Text.assemble(_("  in "), (lead.campaign, "bold"), "  ", state))
    parts: list[RenderableType] = [heading]
    if asked.row is not None:
        parts += [_where(asked.row, at, zone), *_tries(verdict)]
    rows = [_row(finding, at, zone) for finding in verdict.reasons.findings]
    parts += [Text(), table(("rule", "verdict", "until", "facts"), rows), Text()]
    parts += [alarm(note, WARN) for note in verdict.notes]
    parts.append(Text(verdict.sentence, f"bold {_style(verdict.reasons, at)}"))
    return Group(*parts)


def _row(finding: Finding, at: float, zone: tzinfo | None) -> tuple[Text | str, ...]:
    rule = rule_word(finding.rule.value)
    if finding.refusal is None:
        return rule, Text(_("passes"), GOOD), "", Text(translated(finding.said), QUIET)
    until = _("for good")
    if finding.refusal.until is not None:
        until = translated(clock_words(finding.refusal.until, at, zone))
    style = BAD if finding.refusal.until is None else WARN
    facts = translated(listed((detail(finding.refusal), *finding.more), "; "))
    return Text(rule, "bold"), Text(_("refuses"), f"bold {style}"), until, facts


def _where(row: LeadRow, at: float, zone: tzinfo | None) -> Text:
    text = Text.assemble((_label("place"), QUIET), (place_word(row.state), "bold"))
    text.append(f" {when_there(row, at, zone)}".rstrip())
    return text.append(f"  {translated(row.why)}", QUIET) if row.why else text


def _label(english: str) -> str:
    return set_cell_size(word(english), LABEL)


def _tries(verdict: Verdict) -> list[Text]:
    words = verdict.tries
    return [Text.assemble((_label("tried"), QUIET), translated(listed(words)))] if words else []


def _style(reasons: Reasons, at: float) -> str:
    allowed = reasons.foresight
    if allowed is None or allowed.never:
        return BAD
    return GOOD if allowed.at is not None and allowed.at <= at else WARN


def as_data(verdict: Verdict) -> Mapping[str, Any]:
    """For programs."""
    asked, reasons, at = verdict.asked, verdict.reasons, verdict.at
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
        "sentence": verdict.sentence,
        "notes": list(verdict.notes),
    }
