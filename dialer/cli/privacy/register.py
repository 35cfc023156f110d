"""`dialer register`: the compiled files of national no-call registers on this machine."""

from __future__ import annotations

import zlib
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from rich.console import RenderableType

from dialer.cli.base.arguments import region_option
from dialer.cli.base.failures import CliExit, Failure, did_you_mean, warn
from dialer.cli.base.groups import NearGroup
from dialer.cli.base.help import examples
from dialer.cli.base.invocation import Invocation, json_option, now, pass_invocation
from dialer.cli.base.output import Answer, answering, show_json, table, when
from dialer.cli.base.text import say
from dialer.language.translation import _, _n
from dialer.operating.figures import count

if TYPE_CHECKING:
    from compliance.register import Facts
    from config.daemon import RegisterSettings
    from dialer.disk.registers import NationalRegisters, RegisterState

MB = 1_000_000


@click.group(cls=NearGroup)
@examples("dialer register import us-dnc national.csv.gz --column 1 --column 2 --as-of 2026-11-01 --source FTC")
def register() -> None:
    """National no-call registers (DNC, Bloctel ...), as files on this machine that the daemon reads before it dials."""


@register.command("import")
@examples(
    'dialer register import fr-bloctel bloctel.txt --as-of 2026-11-01 --source "Bloctel, download 4711"',
    "dialer register import us-dnc dnc.csv.gz --column 1 --column 2 --as-of 2026-11-01 --source FTC",
)
@click.argument("name")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--as-of", type=click.DateTime(["%Y-%m-%d"]), required=True, help="Day of the data, YYYY-MM-DD.")
@click.option("--source", required=True, help="Where it is from, for the record.")
@click.option("--region", default=None, help="Country of numbers without a country code. [default: the register's]")
@click.option(
    "--column",
    "columns",
    metavar="NAME|PLACE",
    multiple=True,
    help="Column of a CSV file that has the number, by its heading or its place (1 is the first); several are joined.",
)
@click.option(
    "--max-refused",
    type=click.FloatRange(0.0, 100.0),
    default=1.0,
    show_default=True,
    help="Most lines that may be no numbers, in percent. With more, the register stays as it is.",
)
@click.option("--smaller", is_flag=True, help="Take it although it has less than nine tenths of the numbers of before.")
@click.option("--older", is_flag=True, help="Take it although its data are older than those of before.")
@json_option
@pass_invocation
def import_(
    invocation: Invocation,
    name: str,
    file: Path,
    as_of: datetime,
    source: str,
    region: str | None,
    columns: tuple[str, ...],
    max_refused: float,
    smaller: bool,
    older: bool,
    as_json: bool,
) -> None:
    """Compile FILE, text or CSV with one number a line, plain or gzip, into the register NAME of the settings.

    Empty lines, lines that begin with # and a heading are left out. The new file takes the place of the old one when it
    is complete; a running daemon uses it within a second. It needs about 8 bytes of disk for each number meanwhile.
    """
    import phonenumbers

    from compliance.register import Facts, RegisterUnreadable
    from dialer.cli.privacy import register_import as taking
    from dialer.disk.register_build import ImportBusy, build
    from dialer.disk.register_lines import Account, BadList, numbers_of

    settings = _configured(_national(invocation), name)
    if as_of.replace(tzinfo=UTC).timestamp() > now() + 86_400.0:
        raise click.UsageError(_("--as-of {as_of:%Y-%m-%d} is still to come", as_of=as_of))
    if region and region not in phonenumbers.SUPPORTED_REGIONS:
        raise click.UsageError(
            _("--region {region!r} is not a known country: two capital letters such as CN, US, DE", region=region)
        )
    account = Account()
    facts = Facts(name, source, as_of.date(), now(), invocation.who, 0, 0, 0)
    accept = partial(taking.accept, settings, account, max_refused=max_refused, smaller=smaller, older=older)
    try:
        Path(settings.path).parent.mkdir(parents=True, exist_ok=True)
        with taking.reading(file) as (lines, progress):
            numbers = numbers_of(lines, region or settings.country, columns, account, progress)
            done = build(Path(settings.path), facts, numbers, accept=accept, refused=lambda: account.refused.total())
    except BadList as error:
        raise Failure(CliExit.REFUSED, _("{file} cannot be read: {error}", file=file, error=error)) from error
    except ImportBusy as error:
        raise Failure(CliExit.REFUSED, str(error)) from error
    except ValueError as error:
        raise click.UsageError(str(error)) from error
    except (OSError, EOFError, zlib.error, RegisterUnreadable) as error:
        raise Failure(CliExit.REFUSED, _("the register stays as it is: {error}", error=error)) from error
    finally:
        if not as_json:
            taking.report(account)
    if as_json:
        show_json({**_facts_json(done), "lines": account.lines, "reasons": dict(account.refused)})
        return
    say(
        _(
            "{name}: {numbers} as of {as_of}, {what:,.1f} MB, in use now.",
            name=name,
            numbers=_n("{number:,} number", "{number:,} numbers", done.count),
            as_of=done.as_of,
            what=done.size_bytes / MB,
        )
    )


@register.command("show")
@examples("dialer register show", "dialer register show us-dnc --verify")
@click.argument("name", required=False)
@click.option("--verify", is_flag=True, help="Read every block and check its checksum.")
@answering
def show_(invocation: Invocation, name: str | None, verify: bool) -> Answer:
    """Show the registers of this machine, or one: age, numbers, size, when imported, and whether it can be relied on.

    Exit code 7 where one cannot.
    """
    from compliance.listed import ALL_REGISTERS

    national = _national(invocation)
    names = (_configured(national, name).name,) if name else (ALL_REGISTERS,)
    moment = now()
    states = [(each, each.fault or (_damage(each) if verify else "")) for each in national.standings(names, moment)]
    national.close()
    for each, fault in states:
        if fault:
            warn(
                _(
                    "{name}: numbers of {country} are not dialled: {fault}",
                    name=each.settings.name,
                    country=each.settings.country,
                    fault=fault,
                )
            )
    return Answer(
        [_standing_json(each, fault, moment) for each, fault in states],
        _drawn(states, moment) if states else _("No register is configured ([[registers]])."),
        code=CliExit.REFUSED if any(fault for _, fault in states) else 0,
    )


@register.command()
@examples('dialer register check "+1 202 555 0123"')
@click.argument("number")
@region_option
@answering
def check(invocation: Invocation, number: str, region: str) -> Answer:
    """Say which registers have a number, and which of them cannot say."""
    from compliance.numbers import BadNumber, may_be_of, parse
    from compliance.register import RegisterUnreadable

    national, moment = _national(invocation), now()
    try:
        parsed = parse(number, region)
    except BadNumber as error:
        raise click.UsageError(_("the number cannot be read: {error}", error=error)) from error
    words: dict[str, str] = {}
    for each in national.registers:
        try:
            on = national.membership(each, parsed, moment)
            elsewhere = not may_be_of(parsed, each.country)
            words[each.name] = _("on it") if on else _("of another country") if elsewhere else _("not on it")
        except RegisterUnreadable as error:
            words[each.name] = _("cannot say: {error}", error=error)
    national.close()
    drawn = table(("register", "the number is"), list(words.items()))
    page: list[RenderableType] = [f"{parsed}:", drawn]
    if not words:
        page = [_("{parsed}: no register is configured ([[registers]]).", parsed=parsed)]
    return Answer({"number": str(parsed), "registers": words}, page)


def _national(invocation: Invocation) -> NationalRegisters:
    from dialer.disk.registers import NationalRegisters

    return NationalRegisters(invocation.effective().settings.registers)


def _configured(national: NationalRegisters, name: str) -> RegisterSettings:
    for settings in national.registers:
        if settings.name == name:
            return settings
    names = tuple(settings.name for settings in national.registers)
    there = ", ".join(names) or _("none: see [[registers]] in the settings")
    raise Failure(
        CliExit.NOT_FOUND,
        _("no register {name!r}; there is {there}", name=name, there=there),
        *did_you_mean(name, names),
    )


def _damage(register_state: RegisterState) -> str:
    from compliance.register import RegisterUnreadable
    from dialer.disk.registers import open_register

    try:
        with open_register(Path(register_state.settings.path)) as opened:
            opened.verify()
    except RegisterUnreadable as error:
        return str(error)
    return ""


def _drawn(states: list[tuple[RegisterState, str]], moment: float) -> RenderableType:
    from compliance.listed import age_days

    heads = ("register", "country", "as of", "age", "numbers", "size", "refused", "imported", "by", "source", "state")
    rows = []
    for register_state, fault in states:
        facts, state = register_state.facts, "ok" if not fault else _("not usable")
        figures = (
            ("", "", "", "", "", "", "", "")
            if facts is None
            else (
                str(facts.as_of),
                _(
                    "{age_days} of {days}",
                    age_days=age_days(facts, moment),
                    days=_n("{number:,} day", "{number:,} days", register_state.settings.max_age_days),
                ),
                count(facts.count),
                f"{facts.size_bytes / MB:,.1f} MB",
                count(facts.refused),
                when(facts.imported_at),
                facts.imported_by,
                facts.source,
            )
        )
        rows.append((register_state.settings.name, register_state.settings.country, *figures, state))
    return table(heads, rows, right=("numbers", "size", "refused"))


def _standing_json(register_state: RegisterState, fault: str, moment: float) -> dict[str, Any]:
    from compliance.listed import age_days

    facts = register_state.facts
    known = {} if facts is None else {**_facts_json(facts), "age_days": age_days(facts, moment)}
    return {**register_state.settings.model_dump(), **known, "usable": not fault, "fault": fault}


def _facts_json(facts: Facts) -> dict[str, Any]:
    from dataclasses import asdict

    return {**asdict(facts), "as_of": facts.as_of.isoformat()}
