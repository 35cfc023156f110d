"""`dialer crm validate` and `dialer crm schema`: entries checked before they are sent."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Any, Final

import click

from compliance.numbers import masked_text
from dialer.cli.base.arguments import campaign_option_for, region_option
from dialer.cli.base.failures import CliExit, Failure
from dialer.cli.base.help import examples
from dialer.cli.base.invocation import Invocation, now
from dialer.cli.base.output import Answer, answering, progress_bar, table
from dialer.language.translation import _, _n
from dialer.store.crm.checks import Checker, Verdict

MOST_BYTES: Final = 200_000_000


@dataclass(frozen=True, slots=True)
class Bad:
    """An entry that would be refused."""

    line: int
    kind: str
    id: str
    reasons: tuple[str, ...]


@click.command(short_help="Check entries before they are sent.")
@examples("dialer crm validate leads.json --campaign spring-sale")
@click.argument("file", type=click.File(encoding="utf-8"))
@campaign_option_for("By the settings of this campaign: its country, what it calls, the ids it needs.")
@region_option
@click.option("--limit", type=click.IntRange(1, 100_000), default=20, show_default=True, help="Most rows.")
@answering
def validate(invocation: Invocation, file: IO[str], campaign: str, region: str, limit: int) -> Answer:
    """Check entries before they are sent: leads, requests of crm:in and what desktops say, in any mixture. FILE has one
    JSON object a line, or is one JSON list of them; - is standard input. Nothing is sent.

    Leads are judged as intake does, duplicates in the file included; what other leads a campaign has is not looked at.
    The exit code is 8 if an entry would be refused.
    """
    checker = Checker(now=now(), region=region)
    if campaign:
        from config.policies import applied
        from dialer.store.operators import campaigns

        with invocation.store() as store:
            settings = applied(campaigns.get(store, campaign).settings, invocation.catalogue())
        checker = Checker(
            now=now(),
            region=settings.default_region,
            campaign=campaign,
            ids_needed=settings.ids_needed(),
            destinations=settings.destinations(),
        )
    bad: list[Bad] = []
    entries = 0
    size = Path(file.name).stat().st_size if Path(file.name).is_file() else 0
    with progress_bar("checking", size) as bar:
        for line, text, value in _entries(file):
            entries += 1
            verdict = checker.check(value, line) if value is not None else Verdict("", "", (text,))
            bar.advance(len(text.encode(errors="replace")))
            if verdict.reasons:
                bad.append(Bad(line, verdict.kind, masked_text(verdict.id), tuple(map(masked_text, verdict.reasons))))
    good = entries - len(bad)
    data = {"entries": entries, "good": good, "bad": [asdict(row) for row in bad]}
    return Answer(data, _page(bad, entries, limit), code=CliExit.PARTLY if bad else 0)


def _entries(file: IO[str]) -> Iterator[tuple[int, str, Any]]:
    """(line or place in the list, text or what is wrong with it, value or None)."""
    first = file.readline(MOST_BYTES)
    while first and not first.strip():
        first = file.readline(MOST_BYTES)
    if first.lstrip().startswith("["):
        whole = first + file.read(MOST_BYTES)
        try:
            values = json.loads(whole)
        except (ValueError, RecursionError) as error:
            raise Failure(CliExit.REFUSED, _("{name} is no JSON list: {error}", name=file.name, error=error)) from error
        for place, value in enumerate(values, 1):
            yield place, json.dumps(value), value
        return
    number, text = 1, first
    while text:
        if text.strip():
            try:
                yield number, text, json.loads(text)
            except (ValueError, RecursionError) as error:
                yield number, _("not JSON: {error}", error=error), None
        number, text = number + 1, file.readline(MOST_BYTES)


def _page(bad: list[Bad], entries: int, limit: int) -> Any:
    if not bad:
        return _("{found}, all right.", found=_n("{number:,} entry", "{number:,} entries", entries))
    rows = [(str(row.line), row.kind, row.id, "\n".join(row.reasons)) for row in bad[:limit]]
    more = _("; the first {limit} are shown (--limit)", limit=limit) if len(bad) > limit else ""
    summary = _(
        "{found} of {entries:,} would be refused{more}.",
        found=_n("{number:,} entry", "{number:,} entries", len(bad)),
        entries=entries,
        more=more,
    )
    return [table(("line", "kind", "id", "reasons"), rows, right=("line",)), summary]


@click.command(short_help="Print the JSON Schema of the contract.")
@examples("dialer crm schema > crm.schema.json")
@answering
def schema(_: Invocation) -> Answer:
    """Print the JSON Schema (2020-12) of what may be written into the streams: leads, requests, what desktops say.

    Names of formats that a validator does not know, such as phone-number, say what no schema can; the dialer, and
    `dialer crm validate`, know them.
    """
    from dialer.store.crm.schema import contract

    faults = contract()
    return Answer(faults, json.dumps(faults, ensure_ascii=False, indent=2))
