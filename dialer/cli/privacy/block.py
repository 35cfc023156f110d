"""`dialer block`: who must not be called."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import IO, Any, Final

import click

from compliance.blocks import Block, BlockKind
from compliance.numbers import masked_text
from dialer.cli.base.failures import warn
from dialer.cli.base.groups import NearGroup
from dialer.cli.base.invocation import Invocation, json_option, now, pass_invocation
from dialer.cli.base.output import show, show_json, table, when
from dialer.cli.privacy import block_files
from dialer.cli.privacy.block_wanted import (
    Named,
    batches,
    campaign_option,
    counted,
    file_option,
    named_options,
    region_option,
    targets_of,
    until_of,
)
from dialer.store.base.connection import Store
from dialer.store.operators import campaigns, control
from dialer.store.privacy import blocklist

SHORT_PREFIX: Final = 3
"""Country codes have 1 to 3 digits."""


@click.group(cls=NearGroup)
def block() -> None:
    """Who must not be called (no-call list, 禁止呼叫名单): numbers, prefixes of them, customers, accounts. A block is
    obeyed by the very next call.

    \b
    Example:
      dialer block add 13800001234 --reason complaint
    """


@block.command()
@named_options
@file_option
@campaign_option
@click.option("--until", metavar="WHEN", help="Its end: 90d, 12h, 6w, a date or a time. [default: for good]")
@click.option("--reason", default="", help="Why, for the record.")
@click.option("--source", default="operator", show_default=True, help="Where it is from, for the record.")
@region_option
@json_option
@pass_invocation
def add(
    invocation: Invocation,
    numbers: tuple[str, ...],
    prefix: tuple[str, ...],
    customer: tuple[str, ...],
    account: tuple[str, ...],
    file: IO[str] | None,
    campaign: str,
    until: str | None,
    reason: str,
    source: str,
    region: str,
    as_json: bool,
) -> None:
    """Block numbers, prefixes, customers or accounts, for all campaigns or for one. Nothing is blocked if one of them
    cannot be read. A block that is there and holds longer stays as it is.

    \b
    Example:
      dialer block add 13800001234 "+86 21 5555 0100" --reason "complaint of 3 March"
      dialer block add --file no-call-list.txt --reason regulator
      dialer block add --customer C-4711 --until 90d --reason "in negotiations"
      dialer block add --prefix 8617 --campaign spring-sale
    """
    wanted = targets_of(Named(numbers, prefix, customer, account), file, campaign, region)
    moment, fresh = now(), 0
    end = until_of(until, moment)
    with invocation.store() as store:
        _check_campaign(store, campaign)
        for batch in batches(wanted):
            given = {"source": source, "reason": reason, "who": invocation.who}
            fresh += blocklist.add(store, [one.block(**given, at=moment, until=end) for one in batch])
            detail: dict[str, Any] = {"blocks": [str(one) for one in batch], "campaign": campaign, "until": end}
            detail |= {"reason": masked_text(reason), "source": masked_text(source)}
            control.audit(store, "block", who=invocation.who, now=moment, detail=detail)
    if as_json:
        show_json({"blocks": len(wanted), "newly_blocked": fresh, "campaign": campaign, "until": end})
        return
    known = len(wanted) - fresh
    text = f"Blocked {counted(fresh, wanted)} {_scope(campaign)}{f' until {when(end)}' if end else ''}"
    click.echo(text + (f"; {known:,} had been blocked before." if known else "."))
    for one in wanted:
        if one.kind is BlockKind.PREFIX and len(one.value) <= SHORT_PREFIX:
            warn(f"prefix {one.value} is as short as a country code: all numbers of whole countries may be blocked")


@block.command()
@named_options
@file_option
@campaign_option
@region_option
@json_option
@pass_invocation
def remove(
    invocation: Invocation,
    numbers: tuple[str, ...],
    prefix: tuple[str, ...],
    customer: tuple[str, ...],
    account: tuple[str, ...],
    file: IO[str] | None,
    campaign: str,
    region: str,
    as_json: bool,
) -> None:
    """Unblock in one scope: for all campaigns, or for one campaign. It is written into the audit trail.

    \b
    Example:
      dialer block remove 13800001234
      dialer block remove 13800001234 --campaign spring-sale
      dialer block remove --prefix 8617 --campaign spring-sale
    """
    wanted = targets_of(Named(numbers, prefix, customer, account), file, campaign, region)
    removed = 0
    with invocation.store() as store:
        _check_campaign(store, campaign)
        for batch in batches(wanted):
            removed += blocklist.remove(store, batch, who=invocation.who, now=now())
    if as_json:
        show_json({"blocks": len(wanted), "unblocked": removed, "campaign": campaign})
        return
    absent = len(wanted) - removed
    click.echo(
        f"Unblocked {counted(removed, wanted)} {_scope(campaign)}"
        + (f"; {absent:,} had not been blocked." if absent else ".")
    )


@block.command()
@named_options
@region_option
@json_option
@pass_invocation
def check(
    invocation: Invocation,
    numbers: tuple[str, ...],
    prefix: tuple[str, ...],
    customer: tuple[str, ...],
    account: tuple[str, ...],
    region: str,
    as_json: bool,
) -> None:
    """Say whether a number, prefix, customer or account is blocked, where, why, by whom and until when. A number is
    also blocked by its prefixes; by its customer or account only where a lead says whose it is.

    \b
    Example:
      dialer block check 13800001234
      dialer block check --customer C-4711
    """
    wanted = targets_of(Named(numbers, prefix, customer, account), None, "", region)
    if len(wanted) != 1:
        raise click.UsageError("one at a time: a number, --prefix, --customer or --account")
    (one,) = wanted
    with invocation.store() as store:
        found = blocklist.check(store, one, campaigns.names(store), now=now())
    shown = one.shown if one.kind is BlockKind.NUMBER else f"{one.kind} {one.shown}"
    if as_json:
        rows = [_as_data(each) for each in found]
        show_json({"kind": one.kind, "value": one.shown, "blocked": bool(found), "blocks": rows})
    elif found:
        click.echo(f"{shown} is blocked:")
        _show(found)
    else:
        click.echo(f"{shown} is not blocked.")


@block.command("list")
@click.option("--kind", type=click.Choice([kind.value for kind in BlockKind]), help="Only blocks on these.")
@campaign_option
@click.option("--limit", type=click.IntRange(1, 100_000), default=100, show_default=True, help="Most rows.")
@json_option
@pass_invocation
def list_(invocation: Invocation, kind: str | None, campaign: str, limit: int, as_json: bool) -> None:
    """List blocks, numbers masked.

    \b
    Example:
      dialer block list --limit 1000
      dialer block list --kind prefix
    """
    with invocation.store() as store:
        _check_campaign(store, campaign)
        rows: list[Block] = []
        for row in block_files.every_block(store, now()):
            if row.campaign == (campaign or row.campaign) and row.kind == (kind or row.kind):
                rows.append(row)
            if len(rows) > limit:
                break
    if as_json:
        show_json([_as_data(row) for row in rows[:limit]])
    elif rows:
        _show(rows[:limit])
        if len(rows) > limit:
            click.echo(f"There are more than {limit}; see --limit.", err=True)
    else:
        click.echo("Nobody is blocked.")


@block.command()
@click.argument("file", type=click.Path(dir_okay=False, writable=True, path_type=Path))
@pass_invocation
def export(invocation: Invocation, file: Path) -> None:
    """Write the whole no-call list into the CSV file FILE, with clear phone numbers. Only you may read that file; that
    you have made it is written into the audit trail.

    \b
    Example:
      dialer block export no-call-list.csv
    """
    with invocation.store() as store:
        control.audit(store, "block_export", who=invocation.who, now=now(), detail={"file": str(file)})
        written = block_files.export(store, file, now())
    click.echo(f"Wrote {written:,} {'block' if written == 1 else 'blocks'} to {file}; it has clear phone numbers.")


@block.command("import")
@click.argument("file", type=click.File(encoding="utf-8-sig"))
@region_option
@json_option
@pass_invocation
def import_(invocation: Invocation, file: IO[str], region: str, as_json: bool) -> None:
    """Block what a CSV file says. Its columns: kind (number, prefix, customer, account) and value are needed; campaign,
    source, reason, who, at and until may be there. That is what `dialer block export` writes. Nothing is blocked if one
    row cannot be read; rows that have ended are left out. A file of numbers alone is for `dialer block add --file`.

    \b
    Example:
      dialer block import no-call-list.csv
    """
    moment = now()
    wanted = block_files.read(file, region, invocation.who, moment)
    fresh = 0
    with invocation.store() as store:
        for campaign in sorted({one.campaign for one in wanted.blocks}):
            _check_campaign(store, campaign)
        for batch in batches(wanted.blocks):
            fresh += blocklist.add(store, batch)
        detail = {"file": file.name, "blocks": len(wanted.blocks), "newly_blocked": fresh}
        control.audit(store, "block_import", who=invocation.who, now=moment, detail=detail)
    if as_json:
        show_json({"blocks": len(wanted.blocks), "newly_blocked": fresh, "ended": wanted.ended})
        return
    text = f"Blocked {counted(fresh, [one.target for one in wanted.blocks])}"
    text += f"; {len(wanted.blocks) - fresh:,} had been blocked before"
    left_out = f", {wanted.ended:,} that {'has' if wanted.ended == 1 else 'have'} ended left out"
    click.echo(f"{text}{left_out if wanted.ended else ''}.")


def _check_campaign(store: Store, campaign: str) -> None:
    """A mistyped scope would block nobody. Raises `UnknownCampaign`."""
    if campaign:
        campaigns.get(store, campaign)


def _scope(campaign: str) -> str:
    return f"for campaign {campaign}" if campaign else "for all campaigns"


def _as_data(row: Block) -> dict[str, object]:
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


def _show(rows: Sequence[Block]) -> None:
    heads = ("kind", "who", "campaign", "reason", "source", "by", "at", "until")
    drawn = [
        (
            *(row.kind, row.target.shown, row.campaign or "(all)", masked_text(row.reason), row.source, row.who),
            *(when(row.at), when(row.until)),
        )
        for row in rows
    ]
    show(table(heads, drawn))
