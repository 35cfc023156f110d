"""`dialer doctor`: is this host fit to dial, and if not, what to do about it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain
from typing import TYPE_CHECKING, Final

import click
from rich.text import Text

from dialer.cli.base.failures import CliExit
from dialer.cli.base.help import examples
from dialer.cli.base.invocation import Invocation, default_config, json_option, now, pass_invocation
from dialer.cli.base.output import show, show_json, table
from dialer.language.translation import _

if TYPE_CHECKING:
    from config.daemon import DaemonSettings
    from dialer.shell.host_checks import Finding

MARKS: Final = {"ok": ("ok", "green"), "warning": ("look", "yellow"), "fault": ("FAULT", "bold red")}


@click.command()
@examples("sudo -u dialer dialer --config /etc/dialer/dialer.toml doctor", "dialer doctor --json")
@click.option("--no-trunks", is_flag=True, help="Send nothing to the carriers.")
@json_option
@pass_invocation
def doctor(invocation: Invocation, no_trunks: bool, as_json: bool) -> None:
    """Say whether this host is fit to dial.

    Looks at the settings and who may read them, at folders and their disks, at the national registers, at Redis (what
    it is, what it keeps, its speed, its clock), at readers of the CRM's events, at every trunk (one OPTIONS request
    each) and at the systemd unit.
    Nothing is changed and nobody is called. Run it as the daemon's user, or the folders cannot be judged.

    \b
    Exit codes: 0 fit, 11 not fit, 2 the settings have mistakes.
    """
    findings = list(_findings(invocation, ask_trunks=not no_trunks))
    faults = sum(finding.state == "fault" for finding in findings)
    if as_json:
        show_json({"fit": not faults, "findings": findings})
    else:
        _draw(findings)
        click.echo(_summary(findings, faults))
    if faults:
        raise click.exceptions.Exit(CliExit.UNFIT)


def _findings(invocation: Invocation, *, ask_trunks: bool) -> Iterator[Finding]:
    from dialer.shell import host_checks as checks
    from dialer.shell.line_check import check_trunk, trunks_of

    effective = invocation.effective()
    settings = effective.settings
    yield from checks.check_settings(effective, invocation.catalogue(), invocation.config or default_config())
    yield from checks.check_disk(settings)
    yield from checks.check_recordings(settings.recordings)
    yield from checks.check_registers(settings, now())
    yield from _redis(invocation, settings)
    if ask_trunks:
        yield from chain.from_iterable(check_trunk(trunk, settings) for trunk in trunks_of(settings))
    yield from checks.check_unit(checks.unit_properties())


def _redis(invocation: Invocation, settings: DaemonSettings) -> Iterable[Finding]:
    from dialer.shell.host_checks import check_readers, check_redis, check_stray_leads, not_looked, unreachable
    from dialer.store.base.errors import StoreError, StoreUnavailable

    try:
        with invocation.store() as store:
            findings = [*check_redis(store), *check_readers(store, now())]
            try:
                return [*findings, *check_stray_leads(store)]
            except StoreUnavailable:
                raise
            except StoreError as error:  # the rights of our user
                return [*findings, not_looked("leads", error)]
    except StoreError as error:
        return [unreachable(error, settings.redis.url)]


def _draw(findings: Iterable[Finding]) -> None:
    rows = chain.from_iterable(_rows(finding) for finding in findings)
    show(table(("", "area", "finding"), rows))


def _rows(finding: Finding) -> Iterator[tuple[Text, str, Text]]:
    mark, style = MARKS[finding.state]
    yield Text(mark, style), finding.area, Text(finding.text)
    if finding.remedy:
        yield Text(""), "", Text(f"-> {finding.remedy}", "dim")


def _summary(findings: list[Finding], faults: int) -> str:
    warnings = sum(finding.state == "warning" for finding in findings)
    if faults:
        return _(
            "This host is not fit to dial: {faults} of {findings} checks failed.", faults=faults, findings=len(findings)
        )
    if warnings:
        return _(
            "This host can dial; {warnings} of {findings} checks found something to look at.",
            warnings=warnings,
            findings=len(findings),
        )
    return _("This host is fit to dial: all {findings} checks are good.", findings=len(findings))
