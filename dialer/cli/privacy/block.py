"""`dialer block`: who must not be called."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import IO, Any, Final

import click
from rich.console import RenderableType

from compliance.blocks import Block, BlockKind, Target
from compliance.numbers import masked_text
from dialer.cli.base.arguments import campaign_option, limit_option, more_than, region_option
from dialer.cli.base.failures import warn
from dialer.cli.base.groups import NearGroup
from dialer.cli.base.help import examples
from dialer.cli.base.invocation import Invocation, now, pass_invocation
from dialer.cli.base.output import Answer, answering, fitted, when
from dialer.cli.base.text import say
from dialer.cli.privacy import block_files
from dialer.cli.privacy.block_wanted import (
    Named,
    batches,
    counted_targets,
    file_option,
    named_options,
    targets_of,
    until_of,
)
from dialer.language.translation import _, _n
from dialer.store.base.connection import Store
from dialer.store.base.errors import NotAllowed
from dialer.store.crm.blocks import ask
from dialer.store.operators import campaigns, control
from dialer.store.privacy import blocklist

SHORT_PREFIX: Final = 3
"""Country codes have 1 to 3 digits."""


@click.group(cls=NearGroup)
@examples("dialer block add 13800001234 --reason complaint")
def block() -> None:
    """Who must not be called (no-call list, 禁止呼叫名单): numbers, prefixes of them, customers, accounts. A block is
    obeyed by the very next call."""


@block.command()
@examples(
    'dialer block add 13800001234 "+86 21 5555 0100" --reason "complaint of 3 March"',
    "dialer block add --file no-call-list.txt --reason regulator",
    'dialer block add --customer C-4711 --until 90d --reason "in negotiations"',
    "dialer block add --prefix 8617 --campaign spring-sale",
)
@named_options
@file_option
@campaign_option
@click.option("--until", metavar="WHEN", help="Its end: 90d, 12h, 6w, a date or a time. [default: for good]")
@click.option("--reason", default="", help="Why, for the record.")
@click.option("--source", default="operator", show_default=True, help="Where it is from, for the record.")
@region_option
@answering
def add(
    invocation: Invocation,
    named: Named,
    file: IO[str] | None,
    campaign: str,
    until: str | None,
    reason: str,
    source: str,
    region: str,
) -> Answer:
    """Block numbers, prefixes, customers or accounts, for all campaigns or for one. Nothing is blocked if one of them
    cannot be read. A block that is there and holds longer stays as it is."""
    targets = targets_of(named, file, campaign, region)
    moment, fresh = now(), 0
    end = until_of(until, moment)
    with invocation.store() as store:
        _check_campaign(store, campaign)
        for batch in batches(targets):
            given = {"source": source, "reason": reason, "who": invocation.who}
            blocks = [target.block(**given, at=moment, until=end) for target in batch]
            try:
                fresh += blocklist.add(store, blocks)
            except NotAllowed:
                return _asked(store, batch, blocks)
            detail: dict[str, Any] = {"blocks": [str(target) for target in batch], "campaign": campaign, "until": end}
            detail |= {"reason": masked_text(reason), "source": masked_text(source)}
            control.audit(store, "block", who=invocation.who, now=moment, detail=detail)
    known = len(targets) - fresh
    facts = {"targets": counted_targets(fresh, targets), "scope": _scope(campaign)}
    if end:
        text = _("Blocked {targets} {scope} until {time}", **facts, time=when(end))
    else:
        text = _("Blocked {targets} {scope}", **facts)
    for target in targets:
        if target.kind is BlockKind.PREFIX and len(target.value) <= SHORT_PREFIX:
            warn(
                _(
                    "prefix {value} is as short as a country code: all numbers of whole countries may be blocked",
                    value=target.value,
                )
            )
    data = {"blocks": len(targets), "newly_blocked": fresh, "campaign": campaign, "until": end}
    return Answer(data, text + (_("; {known:,} had been blocked before.", known=known) if known else "."))


def _asked(store: Store, targets: Sequence[Target], blocks: Sequence[Block]) -> Answer:
    """Who may not change the list itself asks the daemons, who know what anybody may ask for."""
    ask(store, blocks)
    text = _(
        "Asked the daemons to block {targets}: your Redis user may not change the list itself. What they refuse is "
        "told as an event.",
        targets=counted_targets(len(blocks), targets),
    )
    return Answer({"asked": len(blocks)}, text)


@block.command()
@examples(
    "dialer block remove 13800001234",
    "dialer block remove 13800001234 --campaign spring-sale",
    "dialer block remove --prefix 8617 --campaign spring-sale",
)
@named_options
@file_option
@campaign_option
@region_option
@answering
def remove(
    invocation: Invocation,
    named: Named,
    file: IO[str] | None,
    campaign: str,
    region: str,
) -> Answer:
    """Unblock in one scope: for all campaigns, or for one campaign. It is written into the audit trail."""
    targets = targets_of(named, file, campaign, region)
    removed = 0
    with invocation.store() as store:
        _check_campaign(store, campaign)
        for batch in batches(targets):
            removed += blocklist.remove(store, batch, who=invocation.who, now=now())
    absent = len(targets) - removed
    text = _("Unblocked {targets} {scope}", targets=counted_targets(removed, targets), scope=_scope(campaign))
    data = {"blocks": len(targets), "unblocked": removed, "campaign": campaign}
    return Answer(data, text + (_("; {absent:,} had not been blocked.", absent=absent) if absent else "."))


@block.command()
@examples("dialer block check 13800001234", "dialer block check --customer C-4711")
@named_options
@region_option
@answering
def check(invocation: Invocation, named: Named, region: str) -> Answer:
    """Say whether a number, prefix, customer or account is blocked, where, why, by whom and until when. A number is
    also blocked by its prefixes; by its customer or account only where a lead says whose it is."""
    targets = targets_of(named, None, "", region)
    if len(targets) != 1:
        raise click.UsageError(_("one at a time: a number, --prefix, --customer or --account"))
    (target,) = targets
    with invocation.store() as store:
        blocks = blocklist.check(store, target, campaigns.names(store), now=now())
    name = target.shown if target.kind is BlockKind.NUMBER else f"{target.kind} {target.shown}"
    rows = [as_data(each) for each in blocks]
    data = {"kind": target.kind, "value": target.shown, "blocked": bool(blocks), "blocks": rows}
    return Answer(
        data, [_("{name} is blocked:", name=name), drawn(blocks)] if blocks else _("{name} is not blocked.", name=name)
    )


@block.command("list")
@examples("dialer block list --limit 1000", "dialer block list --kind prefix")
@click.option("--kind", type=click.Choice([kind.value for kind in BlockKind]), help="Only blocks on these.")
@campaign_option
@limit_option(100)
@answering
def list_(invocation: Invocation, kind: str | None, campaign: str, limit: int) -> Answer:
    """List blocks, numbers masked."""
    with invocation.store() as store:
        _check_campaign(store, campaign)
        rows: list[Block] = []
        for row in block_files.every_block(store, now()):
            if row.campaign == (campaign or row.campaign) and row.kind == (kind or row.kind):
                rows.append(row)
            if len(rows) > limit:
                break
    data = [as_data(row) for row in rows[:limit]]
    note = more_than(limit) if len(rows) > limit else ""
    return Answer(data, drawn(rows[:limit]) if rows else _("Nobody is blocked."), note)


@block.command()
@examples("dialer block export no-call-list.csv")
@click.argument("file", type=click.Path(dir_okay=False, writable=True, path_type=Path))
@pass_invocation
def export(invocation: Invocation, file: Path) -> None:
    """Write the whole no-call list into the CSV file FILE, with clear phone numbers. Only you may read that file; that
    you have made it is written into the audit trail."""
    with invocation.store() as store:
        control.audit(store, "block_export", who=invocation.who, now=now(), detail={"file": str(file)})
        written = block_files.export(store, file, now())
    say(
        _(
            "Wrote {blocks} to {file}; it has clear phone numbers.",
            blocks=_n("{number:,} block", "{number:,} blocks", written),
            file=file,
        )
    )


@block.command("import")
@examples("dialer block import no-call-list.csv")
@click.argument("file", type=click.File(encoding="utf-8-sig"))
@region_option
@answering
def import_(invocation: Invocation, file: IO[str], region: str) -> Answer:
    """Block what a CSV file says. Its columns: kind (number, prefix, customer, account) and value are needed; campaign,
    source, reason, who, at and until may be there. That is what `dialer block export` writes. Nothing is blocked if one
    row cannot be read; rows that have ended are left out. A file of numbers alone is for `dialer block add --file`."""
    moment = now()
    listed = block_files.read(file, region, invocation.who, moment)
    fresh = 0
    with invocation.store() as store:
        for campaign in sorted({row.campaign for row in listed.blocks}):
            _check_campaign(store, campaign)
        for batch in batches(listed.blocks):
            fresh += blocklist.add(store, batch)
        detail = {"file": file.name, "blocks": len(listed.blocks), "newly_blocked": fresh}
        control.audit(store, "block_import", who=invocation.who, now=moment, detail=detail)
    text = _("Blocked {targets}", targets=counted_targets(fresh, [row.target for row in listed.blocks]))
    text += _("; {what:,} had been blocked before", what=len(listed.blocks) - fresh)
    ended = (
        _(", {rows} ended left out", rows=_n("{number:,} that has", "{number:,} that have", listed.ended))
        if listed.ended
        else ""
    )
    data = {"blocks": len(listed.blocks), "newly_blocked": fresh, "ended": listed.ended}
    return Answer(data, f"{text}{ended}.")


def _check_campaign(store: Store, campaign: str) -> None:
    """A mistyped scope would block nobody. Raises `UnknownCampaign`."""
    if campaign:
        campaigns.get(store, campaign)


def _scope(campaign: str) -> str:
    return _("for campaign {campaign}", campaign=campaign) if campaign else _("for all campaigns")


def as_data(row: Block) -> dict[str, object]:
    """A block for programs, masked."""
    return {
        "kind": row.kind,
        "value": row.target.shown,
        "campaign": row.campaign,
        "source": row.source,
        "reason": masked_text(row.reason),
        "who": row.who,
        "at": row.at,
        "until": row.until,
    }


def drawn(rows: Sequence[Block]) -> RenderableType:
    """Blocks for people, masked."""
    heads = ("kind", "who", "campaign", "reason", "source", "by", "at", "until")
    drawn = [
        (
            *(row.kind, row.target.shown, row.campaign or "(all)", masked_text(row.reason), row.source, row.who),
            *(when(row.at), when(row.until)),
        )
        for row in rows
    ]
    return fitted(heads, drawn, optional=("by", "source", "campaign"))
