"""Whom a `dialer block` command is about, and until when: reading what was typed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import wraps
from typing import IO, Any, Final, TypeVar

import click

from compliance.blocks import BadBlock, BlockKind, Target, of_number
from compliance.numbers import BadNumber, parse
from dialer.cli.base.arguments import SPAN_EXAMPLES, span_s
from dialer.cli.base.failures import CliExit, Failure
from dialer.language.translation import _, _n, word
from dialer.store.base.fields import EPOCH_MAX

MAX_TARGETS: Final = 1_000_000
MAX_BAD_SHOWN: Final = 20
BATCH: Final = 500

Row = TypeVar("Row")


file_option = click.option(
    "--file", type=click.File(encoding="utf-8-sig"), help="More numbers, one a line; - is standard input."
)


@dataclass(frozen=True, slots=True)
class Named:
    """What was typed, unread."""

    numbers: tuple[str, ...]
    prefixes: tuple[str, ...]
    customers: tuple[str, ...]
    accounts: tuple[str, ...]


def named_options(function: Callable[..., None]) -> Callable[..., None]:
    """The argument NUMBER and the options that name prefixes, customers and accounts, any number of each; the command
    gets all of them as `named`."""

    @wraps(function)
    def command(
        numbers: tuple[str, ...],
        prefix: tuple[str, ...],
        customer: tuple[str, ...],
        account: tuple[str, ...],
        **others: Any,
    ) -> None:
        function(named=Named(numbers, prefix, customer, account), **others)

    for option, what in (("account", "An account id."), ("customer", "A customer id."), ("prefix", "")):
        text = what or "The digits that numbers begin with, country code first."
        command = click.option(f"--{option}", option, multiple=True, help=text)(command)
    return click.argument("numbers", metavar="[NUMBER]...", nargs=-1)(command)


def targets_of(named: Named, file: IO[str] | None, campaign: str, region: str) -> list[Target]:
    """Every target once, in order. Fails with every text that is none, by its place; numbers are not shown."""
    texts = [(BlockKind.NUMBER, _("number {i}", i=i), text) for i, text in enumerate(named.numbers, 1)]
    texts += [(BlockKind.NUMBER, place, text) for place, text in _lines(file)]
    for kind, given in (
        (BlockKind.PREFIX, named.prefixes),
        (BlockKind.CUSTOMER, named.customers),
        (BlockKind.ACCOUNT, named.accounts),
    ):
        texts += [(kind, f"--{kind} {i}" if len(given) > 1 else f"--{kind}", text) for i, text in enumerate(given, 1)]
    targets: dict[Target, None] = {}
    bad: list[str] = []
    for kind, place, text in texts:
        try:
            targets[target_of(kind, text, campaign, region)] = None
        except (BadNumber, BadBlock) as error:
            bad.append(f"{place}: {error}")
    refuse(bad, _("cannot be read"))
    if not targets:
        raise click.UsageError(_("nobody is named: give a number, --file, --prefix, --customer or --account"))
    return list(targets)


def target_of(kind: BlockKind, text: str, campaign: str, region: str) -> Target:
    """One target. Raises `BadNumber` or `BadBlock`."""
    if kind is BlockKind.NUMBER:
        return of_number(parse(text, region), campaign)
    return Target(kind, text.removeprefix("+") if kind is BlockKind.PREFIX else text, campaign)


def refuse(bad: Sequence[str], what: str) -> None:
    """Fail with what is wrong, if anything is, not more of it than a screen holds."""
    if bad:
        rest = [_("and {what} more", what=len(bad) - MAX_BAD_SHOWN)] if len(bad) > MAX_BAD_SHOWN else []
        head = _(
            "{found} {what}; nothing was done:",
            found=_n("{number:,} entry", "{number:,} entries", len(bad)),
            what=what,
        )
        raise click.UsageError("\n  ".join([head, *bad[:MAX_BAD_SHOWN], *rest]))


def _lines(file: IO[str] | None) -> Iterator[tuple[str, str]]:
    try:
        for number, line in enumerate(file or (), 1):
            if number > MAX_TARGETS:
                raise Failure(CliExit.REFUSED, _("more than {most:,} lines: split the file", most=MAX_TARGETS))
            if line.strip() and not line.startswith("#"):
                yield _("line {number}", number=number), line.strip()
    except UnicodeDecodeError as error:
        raise click.UsageError(_("the file is not UTF-8 text: {reason}", reason=error.reason)) from error


def until_of(text: str | None, now: float) -> float | None:
    """When a block ends, in seconds since the epoch: a span from `now`, such as 90d; a date, through that day by this
    machine's clock; or ISO 8601 with its offset. None for no text. Raises `UsageError`."""
    if text is None:
        return None
    span = span_s(text)
    try:
        until = now + span if span is not None else _moment(text.strip())
    except (ValueError, OverflowError):
        raise click.UsageError(
            _(
                "--until {text!r}: give a span such as {examples}, a date such as 2027-01-31, or a time such as "
                "2027-01-31T18:00:00+08:00",
                text=text,
                examples=SPAN_EXAMPLES,
            )
        ) from None
    if not now < until <= EPOCH_MAX:
        raise click.UsageError(_("--until {text!r}: must be in the future, and before the year 2100", text=text))
    return until


def _moment(text: str) -> float:
    moment = datetime.fromisoformat(text)
    if len(text) <= 10:
        moment += timedelta(days=1)
    elif moment.tzinfo is None:
        raise ValueError("no offset")
    return moment.timestamp()


def counted_targets(number: int, targets: Sequence[Target]) -> str:
    """So many of what all the targets are, such as "3 numbers"; entries where they differ. A single one by itself,
    masked: a number that was read by the rules of another country is seen by its country code."""
    if number == 1 and len(targets) == 1:
        return f"{word(targets[0].kind.value)} {targets[0].shown}"
    kinds = {target.kind.value for target in targets}
    match kinds.pop() if len(kinds) == 1 else "entry":
        case "number":
            return _n("{number:,} number", "{number:,} numbers", number)
        case "prefix":
            return _n("{number:,} prefix", "{number:,} prefixes", number)
        case "customer":
            return _n("{number:,} customer", "{number:,} customers", number)
        case "account":
            return _n("{number:,} account", "{number:,} accounts", number)
        case _:
            return _n("{number:,} entry", "{number:,} entries", number)


def batches(rows: Sequence[Row]) -> Iterator[Sequence[Row]]:
    """The rows in parts that the server takes in one round trip."""
    for start in range(0, len(rows), BATCH):
        yield rows[start : start + BATCH]
