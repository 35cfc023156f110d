"""`dialer block`: numbers that must not be called."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import IO, Final

import click

from compliance.numbers import E164, BadNumber, parse
from dialer.cli.completion import campaign_names
from dialer.cli.exits import CliExit
from dialer.cli.failures import Failure
from dialer.cli.groups import NearGroup
from dialer.cli.invocation import Invocation, json_option, now, pass_invocation
from dialer.cli.output import show, show_json, table, when
from dialer.store import blocklist, campaigns, control
from dialer.store.blocklist import Block
from dialer.store.connection import Store

BATCH: Final = 500
MAX_NUMBERS: Final = 1_000_000
MAX_BAD_SHOWN: Final = 20

region_option = click.option(
    "--region", default="CN", show_default=True, help="Country of numbers without a country code, ISO 3166."
)
campaign_option = click.option(
    "--campaign",
    default="",
    metavar="NAME",
    help="Only for this campaign. [default: for all]",
    shell_complete=campaign_names,
)
numbers_argument = click.argument("numbers", metavar="[NUMBER]...", nargs=-1)
file_option = click.option(
    "--file", type=click.File(encoding="utf-8-sig"), help="More numbers, one a line; - is standard input."
)


@click.group(cls=NearGroup)
def block() -> None:
    """Numbers that must not be called (no-call list, 禁止呼叫名单). A block is obeyed by the very next call.

    \b
    Example:
      dialer block add 13800001234 --reason complaint
    """


@block.command()
@numbers_argument
@file_option
@campaign_option
@click.option("--reason", default="", help="Why, for the record.")
@region_option
@json_option
@pass_invocation
def add(
    invocation: Invocation,
    numbers: tuple[str, ...],
    file: IO[str] | None,
    campaign: str,
    reason: str,
    region: str,
    as_json: bool,
) -> None:
    """Block numbers, for all campaigns or for one. Nothing is blocked if one of them cannot be read.

    \b
    Example:
      dialer block add 13800001234 "+86 21 5555 0100" --reason "complaint of 3 March"
      dialer block add --file no-call-list.txt --reason regulator
    """
    wanted = _read_all(numbers, file, region)
    moment, fresh = now(), 0
    with invocation.store() as store:
        _check_campaign(store, campaign)
        for batch in _batches(wanted):
            blocks = [Block(number, campaign, "operator", reason, invocation.who, moment) for number in batch]
            fresh += blocklist.add(store, blocks)
            detail = {"numbers": [str(number) for number in batch], "campaign": campaign, "reason": reason}
            control.audit(store, "block", who=invocation.who, now=moment, detail=detail)
    if as_json:
        show_json({"numbers": len(wanted), "newly_blocked": fresh, "campaign": campaign})
        return
    known = len(wanted) - fresh
    click.echo(
        f"Blocked {_numbers(fresh)} {_scope(campaign)}" + (f"; {known} had been blocked before." if known else ".")
    )


@block.command()
@numbers_argument
@file_option
@campaign_option
@region_option
@json_option
@pass_invocation
def remove(
    invocation: Invocation, numbers: tuple[str, ...], file: IO[str] | None, campaign: str, region: str, as_json: bool
) -> None:
    """Unblock numbers in one scope: for all campaigns, or for one campaign. It is written into the audit trail.

    \b
    Example:
      dialer block remove 13800001234
      dialer block remove 13800001234 --campaign spring-sale
    """
    wanted = _read_all(numbers, file, region)
    removed = 0
    with invocation.store() as store:
        _check_campaign(store, campaign)
        for batch in _batches(wanted):
            removed += blocklist.remove(store, batch, campaign=campaign, who=invocation.who, now=now())
    if as_json:
        show_json({"numbers": len(wanted), "unblocked": removed, "campaign": campaign})
        return
    absent = len(wanted) - removed
    click.echo(
        f"Unblocked {_numbers(removed)} {_scope(campaign)}" + (f"; {absent} had not been blocked." if absent else ".")
    )


@block.command()
@click.argument("number")
@region_option
@json_option
@pass_invocation
def check(invocation: Invocation, number: str, region: str, as_json: bool) -> None:
    """Say whether a number is blocked, where, why and by whom.

    \b
    Example:
      dialer block check 13800001234
    """
    (wanted,) = _read_all((number,), None, region)
    with invocation.store() as store:
        found = blocklist.check(store, wanted, campaigns.names(store))
    if as_json:
        show_json({"number": str(wanted), "blocked": bool(found), "blocks": [_as_data(each) for each in found]})
    elif found:
        click.echo(f"{wanted} is blocked:")
        _show(found)
    else:
        click.echo(f"{wanted} is not blocked.")


@block.command("list")
@campaign_option
@click.option("--limit", type=click.IntRange(1, 100_000), default=100, show_default=True, help="Most rows.")
@json_option
@pass_invocation
def list_(invocation: Invocation, campaign: str, limit: int, as_json: bool) -> None:
    """List blocked numbers, masked.

    \b
    Example:
      dialer block list --limit 1000
    """
    rows: list[Block] = []
    cursor, more = "", True
    with invocation.store() as store:
        _check_campaign(store, campaign)
        while more and len(rows) < limit:
            page, cursor = blocklist.page(store, cursor, count=min(limit, BATCH))
            rows += [row for row in page if not campaign or row.campaign == campaign]
            more = bool(cursor)
    if as_json:
        show_json([_as_data(row) for row in rows[:limit]])
    elif rows:
        _show(rows[:limit])
        if more or len(rows) > limit:
            click.echo(f"There are more than {limit}; see --limit.", err=True)
    else:
        click.echo("No number is blocked.")


def _check_campaign(store: Store, campaign: str) -> None:
    """A mistyped scope would block nobody. Raises `UnknownCampaign`."""
    if campaign:
        campaigns.get(store, campaign)


def _read_all(texts: Sequence[str], file: IO[str] | None, region: str) -> list[E164]:
    """Every number once, in order. Fails with every text that is none, by its place; the text itself is not shown."""
    found: dict[E164, None] = {}
    bad: list[str] = []
    for place, text in [*((f"number {i}", text) for i, text in enumerate(texts, 1)), *_lines(file)]:
        try:
            found[parse(text, region)] = None
        except BadNumber as error:
            bad.append(f"{place}: {error}")
    if bad:
        rest = [f"and {len(bad) - MAX_BAD_SHOWN} more"] if len(bad) > MAX_BAD_SHOWN else []
        raise click.UsageError("\n  ".join([f"{_numbers(len(bad))} cannot be read:", *bad[:MAX_BAD_SHOWN], *rest]))
    if not found:
        raise click.UsageError("no number given")
    return list(found)


def _lines(file: IO[str] | None) -> Iterator[tuple[str, str]]:
    try:
        for number, line in enumerate(file or (), 1):
            if number > MAX_NUMBERS:
                raise Failure(CliExit.REFUSED, f"more than {MAX_NUMBERS:,} lines: split the file")
            if line.strip() and not line.startswith("#"):
                yield f"line {number}", line.strip()
    except UnicodeDecodeError as error:
        raise click.UsageError(f"the file is not UTF-8 text: {error.reason}") from error


def _batches(numbers: Sequence[E164]) -> Iterator[Sequence[E164]]:
    for start in range(0, len(numbers), BATCH):
        yield numbers[start : start + BATCH]


def _numbers(number: int) -> str:
    return "1 number" if number == 1 else f"{number:,} numbers"


def _scope(campaign: str) -> str:
    return f"for campaign {campaign}" if campaign else "for all campaigns"


def _as_data(row: Block) -> dict[str, object]:
    return {
        "number": str(row.number),
        "campaign": row.campaign,
        "source": row.source,
        "reason": row.reason,
        "who": row.who,
        "at": row.at,
    }


def _show(rows: Sequence[Block]) -> None:
    drawn = [(str(row.number), row.campaign or "(all)", row.reason, row.source, row.who, when(row.at)) for row in rows]
    show(table(("number", "campaign", "reason", "source", "who", "at"), drawn))
