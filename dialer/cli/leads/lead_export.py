"""`dialer leads export`: leads as a CSV file, masked unless the administrator asks."""

from __future__ import annotations

import csv
import json
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import IO, Any, Final

import click

from compliance.numbers import masked_text
from dialer.cli.base.help import examples
from dialer.cli.base.invocation import Invocation, now
from dialer.cli.base.output import Answer, answering, progress_bar
from dialer.cli.leads.lead_choice import Choice, choice_options
from dialer.core.leads import lead_reasons
from dialer.drawing.cells import no_formula
from dialer.language.translation import _, _n
from dialer.operating.glossary import place_word
from dialer.store.base.connection import Store, trip
from dialer.store.base.fields import Undecodable
from dialer.store.leads.history import Said, read_history, said_of
from dialer.store.leads.lead_codec import taken_in_at_of
from dialer.store.leads.leads import LeadState, Seen
from dialer.store.operators import campaigns, control
from dialer.store.settlement.attempts import PastAttempt

COLUMNS: Final = (
    *("lead_id", "phones", "name", "customer_id", "account_id", "timezone", "priority", "state", "at", "why", "tries"),
    *("last_disposition", "last_at", "last_agent", "last_outcome", "came_in_at", "attrs"),
)
PAGE: Final = 200


@click.command("export")
@examples("dialer leads export spring-sale --outcome sale --to sales.csv")
@choice_options
@click.option("--to", "target", required=True, type=click.Path(dir_okay=False, path_type=Path), help="The CSV file.")
@click.option("--clear", is_flag=True, help="Whole phone numbers, for the administrator. The audit trail says who.")
@answering
def export(invocation: Invocation, choice: Choice, target: Path, clear: bool) -> Answer:
    """Write leads into a CSV file that only its owner can read: where they are, how they were called, what came of it.

    Numbers are masked, also those in names, reasons and attrs, unless --clear is given. No cell is taken for a formula
    by a spreadsheet. Times are ISO 8601. Each export goes into the audit trail.
    """
    with invocation.store() as store:
        campaigns.get(store, choice.campaign)
        total = trip(store, [("HLEN", store.keys.lead(choice.campaign))])[0]
        written = 0
        try:
            with progress_bar("writing", total) as bar, _owners_file(target) as file:
                sheet = csv.DictWriter(file, COLUMNS)
                sheet.writeheader()
                for page in _pages(choice.leads(store, tuple(LeadState), bar.advance)):
                    rows = list(_rows(store, choice.campaign, page, clear))
                    sheet.writerows(rows)
                    written += len(rows)
        finally:
            detail = {**choice.given, "to": target.name, "clear": clear, "leads": written}
            control.audit(store, "leads_export", who=invocation.who, now=now(), detail=detail)
    masked = _("with whole numbers") if clear else _("numbers masked")
    text = _(
        "Wrote {leads} to {target}, {masked}",
        leads=_n("{number:,} lead", "{number:,} leads", written),
        target=target,
        masked=masked,
    )
    return Answer({"leads": written, "file": str(target), "clear": clear}, text)


@contextmanager
def _owners_file(path: Path) -> Iterator[IO[str]]:
    path.unlink(missing_ok=True)  # whoever has the old file open reads no more in it
    place = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(place, "w", encoding="utf-8-sig", newline="") as file:  # the mark is for spreadsheets
        yield file


def _pages(leads: Iterator[Seen]) -> Iterator[list[Seen]]:
    while page := list(islice(leads, PAGE)):
        yield page


def _rows(store: Store, campaign: str, leads: Sequence[Seen], clear: bool) -> Iterator[dict[str, Any]]:
    histories = [read_history(seen.raw_story).attempts for seen in leads]
    last = [attempts[-1] if attempts else None for attempts in histories]
    names = ["" if attempt is None else attempt.attempt for attempt in last]
    words = trip(store, [("HMGET", store.keys.outcomes(campaign), *names)])[0]
    for seen, attempt, word in zip(leads, last, map(said_of, words), strict=True):
        with suppress(Undecodable):
            yield {name: _cell(value) for name, value in _row(seen, attempt, word, clear).items()}


def _row(seen: Seen, last: PastAttempt | None, word: Said | None, clear: bool) -> dict[str, Any]:
    lead = seen.lead
    return {
        "lead_id": lead.lead_id,
        "phones": " ".join(number.clear if clear else str(number) for number in lead.numbers),
        "name": lead.name if clear else masked_text(lead.name),
        "customer_id": lead.customer_id,
        "account_id": lead.account_id,
        "timezone": lead.timezone,
        "priority": lead.priority,
        "state": place_word(seen.state.value),
        "at": _iso(seen.at),
        "why": masked_text(lead_reasons.sentence(seen.why)),
        "tries": sum(lead.tries.values()),
        "last_disposition": last and last.disposition,
        "last_at": last and _iso(last.ended_at),
        "last_agent": last and last.agent,
        "last_outcome": word and word.outcome,
        "came_in_at": _iso(taken_in_at_of(seen.raw)),
        "attrs": json.dumps(lead.attrs if clear else lead.shown_attrs, ensure_ascii=False, default=str),
    }


def _cell(value: Any) -> str:
    """A cell that no spreadsheet takes for a formula. A clear number has its plus sign, so that it stays text."""
    return no_formula("" if value is None else str(value))


def _iso(at: float) -> str:
    return datetime.fromtimestamp(int(at)).astimezone().isoformat() if at > 0 else ""
