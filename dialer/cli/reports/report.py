"""`dialer report`: reports of the archive, SQL over it, and whether it says what everybody else says."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from zoneinfo import ZoneInfo

import click

from config.archive import MAIL_ADDRESS, MailSettings
from dialer import __version__
from dialer.cli.base.failures import CliExit, Failure
from dialer.cli.base.groups import NearGroup
from dialer.cli.base.invocation import Invocation, pass_invocation
from dialer.cli.base.output import show_json, show_page
from dialer.cli.base.text import say
from dialer.cli.reports.ask import sql, verify
from dialer.cli.reports.zone import period_given, zone_of
from dialer.language.translation import Language, _, language, speaking
from dialer.reports.catalogue import REPORTS, Report

if TYPE_CHECKING:  # a command that only prints its help need not load these
    from dialer.reports.compose import Document

FORMATS: Final = ("table", "html", "xlsx", "csv", "json")
FILES: Final = FORMATS[1:]
FILTERS: Final = ("campaign", "team", "agent", "list", "trunk", "caller_id")


@click.group(cls=NearGroup)
def report() -> None:
    """Reports of the archive of calls: a day, a month, agents, teams, campaigns and more.

    They read what dialer archive run has written. Every table says below it what its words mean, in English and
    Chinese. Narrow any report to campaigns, teams, agents, lists, trunks or caller ids, and group it otherwise by --by.
    """


def _addresses(ctx: click.Context, param: click.Parameter, given: tuple[str, ...]) -> tuple[str, ...]:
    for text in given:
        if not MAIL_ADDRESS.fullmatch(text):
            raise click.BadParameter(_("{text!r} is not an address such as anna@example.com", text=text))
    return given


def _options(of: Report) -> list[click.Parameter]:
    filters: list[click.Parameter] = [
        click.Option(
            [f"--{key.replace('_', '-')}"], multiple=True, metavar="NAME", help=f"Only this {key}; repeatable."
        )
        for key in FILTERS
    ]
    return [
        click.Option(
            ["--period"],
            default=of.period,
            show_default=True,
            help="today, yesterday, this-week, last-week, this-month, last-month, 2026-03-03, 2026-03 or "
            "2026-03-01..2026-03-15.",
        ),
        *filters,
        click.Option(
            ["--by"],
            multiple=True,
            type=click.Choice([key.replace("_", "-") for key in of.parts[-1].can_be_by]),
            help="Group the last table by this instead; repeatable.",
        ),
        click.Option(
            ["--within"],
            type=click.FloatRange(0, 60),
            default=2.0,
            show_default=True,
            help="Service level, in seconds.",
        ),
        click.Option(
            ["--callers-within"],
            type=click.FloatRange(0, 3600),
            default=20.0,
            show_default=True,
            help="Service level of people who call, in seconds.",
        ),
        click.Option(
            ["--format", "formats"],
            multiple=True,
            type=click.Choice(FORMATS),
            help="How it is written. [default: table]",
        ),
        click.Option(
            ["--write"],
            type=click.Path(file_okay=False, path_type=Path),
            metavar="FOLDER",
            help="Write files NAME-PERIOD.FORMAT there; html, xlsx, csv and json where no format is given.",
        ),
        click.Option(
            ["--mail-to", "mail_to"],
            multiple=True,
            metavar="ADDRESS",
            callback=_addresses,
            help="Mail what was written, by the server of mail.host; repeatable.",
        ),
        click.Option(["--json", "as_json"], is_flag=True, help="Short for --format json."),
    ]


def _command(of: Report) -> click.Command:
    @pass_invocation
    def make(invocation: Invocation, /, **given: Any) -> None:
        _make(invocation, of, **given)

    example = f"dialer report {of.name}\n  dialer report {of.name} --period 2026-03 --write /var/lib/dialer/reports"
    help_ = f"{of.short} {of.chinese}\n\n\b\nExample:\n  {example}"
    return click.Command(of.name, params=_options(of), callback=make, help=help_, short_help=of.short)


def _make(
    invocation: Invocation,
    of: Report,
    *,
    period: str,
    by: tuple[str, ...],
    within: float,
    callers_within: float,
    formats: tuple[str, ...],
    write: Path | None,
    mail_to: tuple[str, ...],
    as_json: bool,
    **only: tuple[str, ...],
) -> None:
    from dialer.disk.archive.sums import Question
    from dialer.reports.compose import compose

    chosen = formats or (("json",) if as_json else FILES if write else ("table",))
    if write is None and (len(chosen) > 1 or "xlsx" in chosen):
        raise click.UsageError(_("several formats, or a workbook, need --write FOLDER"))
    mail = invocation.effective().settings.mail
    if mail_to and not (write and mail.host and mail.sender):
        raise click.UsageError(_("--mail-to needs --write FOLDER, and the settings mail.host and mail.sender"))
    narrowed = {key: values for key, values in only.items() if values}
    question = Question(period_given(invocation, period), narrowed, within, callers_within)
    zone = zone_of(invocation)
    folder = Path(invocation.effective().settings.archive.folder)
    made_at = datetime.now(ZoneInfo(zone)).strftime("%Y-%m-%d %H:%M")
    groups = tuple(key.replace("-", "_") for key in by)
    document = compose(of, question, folder, time_zone=zone, made_at=made_at, by=groups)
    with speaking(_language_of(invocation)):
        if write is None:
            for name in chosen:
                _print(document, name)
            return
        written = [_write(document, name, write) for name in chosen]
        for path in written:
            say(str(path))
        if mail_to:
            _mail(document, written, mail, mail_to)


def _language_of(invocation: Invocation) -> Language:
    """As the command says, or the settings, or the locale: a timer's process has none."""
    configured = invocation.effective().settings.archive.language
    return Language(configured) if configured and not invocation.lang else language()


def _mail(document: Document, written: Sequence[Path], settings: MailSettings, to: Sequence[str]) -> None:
    from dialer.reports.mail import MailRefused, message_of, send

    try:
        send(message_of(document, _text(document, "table"), written, settings.sender, to), settings)
    except (MailRefused, OSError) as error:
        raise Failure(CliExit.REFUSED, _("the report is written, and not mailed: {error}", error=error)) from error
    say(_("mailed to {names}", names=", ".join(to)))


def _print(document: Document, name: str) -> None:
    from dialer.cli.reports import terminal
    from dialer.reports import files

    if name == "json":
        show_json(files.as_json(document))
    elif name == "table":
        show_page(list(terminal.page(document)))
    else:
        sys.stdout.write(_text(document, name))


def _text(document: Document, name: str) -> str:
    from dialer.cli.reports import terminal
    from dialer.reports import files, html

    match name:
        case "html":
            return html.report_page(document, __version__)
        case "csv":
            return files.as_csv(document)
        case "table":
            return terminal.as_text(document)
        case _:
            return files.json_text(document)


def _write(document: Document, name: str, folder: Path) -> Path:
    """A file that is there as a whole or not at all."""
    ending = "txt" if name == "table" else name
    path = folder / f"{document.stem}.{ending}"
    part = path.with_name(f".{path.name}.part")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if name == "xlsx":
            from dialer.reports.workbook import write_workbook

            write_workbook(document, part)
        else:
            mark = "\ufeff" if name == "csv" else ""  # or Excel takes Chinese for something else
            part.write_text(mark + _text(document, name), encoding="utf-8")
        part.rename(path)
    except OSError as error:
        raise Failure(CliExit.REFUSED, f"{path}: {error.strerror or error}") from error
    return path


for _report in REPORTS.values():
    report.add_command(_command(_report))
report.add_command(sql)
report.add_command(verify)
