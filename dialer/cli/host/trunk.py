"""`dialer trunk`: the carriers, how calls through them go, and which of them are in use."""

from __future__ import annotations

import io
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click
from rich.console import Group, RenderableType
from rich.text import Text

from dialer.cli.base.arguments import campaign_option_for
from dialer.cli.base.failures import CliExit, Failure, did_you_mean
from dialer.cli.base.groups import NearGroup
from dialer.cli.base.help import examples
from dialer.cli.base.invocation import Invocation, now
from dialer.cli.base.output import Answer, alarm, answering, fitted, table
from dialer.core.board import Board, CallerIdRow, TrunkRow
from dialer.core.call_quality import SHORT_SHARE_LIMIT
from dialer.language.terms import term
from dialer.language.translation import _
from dialer.operating import hosts
from dialer.operating.figures import BAD, GOOD, QUIET, WARN, count, duration, percent
from dialer.operating.glossary import no_daemon
from dialer.store.base.connection import Store
from dialer.store.operators import control, trunks

if TYPE_CHECKING:
    from config.daemon import DaemonSettings
    from dialer.shell.host_checks import Finding
    from dialer.shell.line_check import CallReport
    from sip.settings import Trunk

REPORTS_KEPT: Final = 90
REPORT_WIDTH: Final = 120
CAUSES_SHOWN: Final = 2
MARKS: Final = {"ok": ("ok", GOOD), "warning": ("look", WARN), "fault": ("FAULT", f"bold {BAD}")}


@click.group(cls=NearGroup)
@examples("dialer trunk list", 'dialer trunk drain north --reason "maintenance until 14:00"')
def trunk() -> None:
    """Carriers: how calls through them go, and which of them are in use."""


# --- list -------------------------------------------------------------------------------------------------------------


@trunk.command("list")
@examples("dialer trunk list", "dialer trunk list --caller-ids")
@click.option("--caller-ids", is_flag=True, help="By the number that calls showed, instead of by trunk.")
@answering
def list_(invocation: Invocation, caller_ids: bool) -> Answer:
    """List the trunks of every host: whether they are in use, what is on them, and how the newest 500 attempts went.

    asr is the share of attempts that were answered, short the share of answers that were over within 12 s (above 10 %
    carriers act), pdd the time from INVITE to ringing (median).
    """
    with invocation.store() as store:
        daemons, drained = hosts.read(store), trunks.drained(store)
    if not daemons.alive:
        raise Failure(CliExit.NO_DAEMON, no_daemon())
    if caller_ids:
        shown = [(board.host, row) for board in daemons.boards for row in board.caller_ids]
        data = [{"host": host, "caller_id": row.caller_id, **_quality(row)} for host, row in shown]
        page: RenderableType = _("No call has shown a number yet.") if not shown else _caller_id_table(shown)
        return Answer(data, page, note=daemons.notice)
    rows = [(board, row) for board in daemons.boards for row in board.trunks]
    data = [_trunk_data(board, row, drained) for board, row in rows]
    return Answer(data, _trunk_table(rows) if rows else _("No daemon has a trunk."), note=daemons.notice)


def _trunk_data(board: Board, row: TrunkRow, drained: Mapping[str, trunks.Drained]) -> dict[str, Any]:
    return {
        "host": board.host,
        "trunk": row.name,
        "drained": row.name in drained,
        "why": row.why,
        "resting_s": row.resting_s,
        "priority": row.priority,
        "weight": row.weight,
        "calls": row.calls,
        "max_calls": row.max_calls,
        "starts_last_second": row.starts_last_second,
        "max_cps": row.max_cps,
        **_quality(row),
    }


def _quality(row: TrunkRow | CallerIdRow) -> dict[str, Any]:
    figures = row.quality
    return {
        "attempts": figures.attempts,
        "answer_seizure_ratio": round(figures.answer_seizure_ratio, 4),
        "short_call_share": round(figures.short_share, 4),
        "post_dial_delay_p50_s": figures.post_dial_p50_s,
        "post_dial_delay_p95_s": figures.post_dial_p95_s,
        "causes": dict(figures.causes),
    }


def _trunk_table(rows: Sequence[tuple[Board, TrunkRow]]) -> RenderableType:
    heads = ("trunk", "host", "state", "calls", "cps", "tried", "asr", "short", "pdd", "causes")
    drawn = [
        (
            Text(row.name, "bold"),
            board.host,
            _state(row),
            f"{count(row.calls)}/{count(row.max_calls)}",
            f"{row.starts_last_second}/{row.max_cps:g}",
            *_drawn_quality(row),
        )
        for board, row in rows
    ]
    figures = ("calls", "cps", "tried", "asr", "short", "pdd")
    drawn_table = fitted(heads, drawn, right=figures, optional=("cps", "host", "pdd"))
    return Group(
        drawn_table,
        *(
            alarm(_("{name} on {host}: {why}", name=row.name, host=board.host, why=row.why))
            for board, row in rows
            if row.why
        ),
    )


def _caller_id_table(rows: Iterable[tuple[str, CallerIdRow]]) -> RenderableType:
    heads = ("caller id", "host", "tried", "asr", "short", "pdd", "causes")
    drawn = [(Text(row.caller_id, "bold"), host, *_drawn_quality(row)) for host, row in rows]
    return fitted(heads, drawn, right=("tried", "asr", "short", "pdd"), optional=("causes",))


def _drawn_quality(row: TrunkRow | CallerIdRow) -> tuple[str | Text, ...]:
    figures = row.quality
    if not figures.attempts:
        return "0", "", "", "", ""
    short = Text(percent(figures.short_share, 0), BAD if figures.short_share > SHORT_SHARE_LIMIT else "")
    causes = [f"{cause} {number}" for cause, number in list(figures.causes.items())[:CAUSES_SHOWN]]
    return (
        count(figures.attempts),
        percent(figures.answer_seizure_ratio, 0),
        short,
        f"{figures.post_dial_p50_s:.1f} s",
        Text(", ".join(causes), QUIET),
    )


def _state(row: TrunkRow) -> Text:
    if not row.why:
        return Text(_("in use"), GOOD)
    return Text(_("rests {resting_s}", resting_s=duration(row.resting_s)) if row.resting_s else "rests", BAD)


# --- drain and resume -------------------------------------------------------------------------------------------------


@trunk.command()
@examples('dialer trunk drain north --reason "maintenance until 14:00"')
@click.argument("name")
@click.option("--reason", default="", help="Why, for the record and for the board.")
@answering
def drain(invocation: Invocation, name: str, reason: str) -> Answer:
    """Start no more calls through a trunk, on any host, until `dialer trunk resume`. Calls on it go on; it stays
    drained over restarts. Audited."""
    moment = now()
    with invocation.store() as store:
        _known(invocation, store, name)
        new = trunks.drain(store, name, who=invocation.who, now=moment, reason=reason)
        kept = trunks.drained(store).get(name)
        on_it = sum(row.calls for board in hosts.read(store).boards for row in board.trunks if row.name == name)
    words = kept.words if kept else "drained"
    page = (
        _("No more calls start through {name}; {on_it} on it go on.", name=name, on_it=on_it)
        if new
        else _("{name} was {words} already.", name=name, words=words)
    )
    return Answer({"trunk": name, "drained": True, "new": new, "by": words, "calls": on_it}, page)


@trunk.command()
@examples("dialer trunk resume north")
@click.argument("name")
@answering
def resume(invocation: Invocation, name: str) -> Answer:
    """Use a drained trunk again. Audited."""
    with invocation.store() as store:
        gone = trunks.resume(store, name, who=invocation.who, now=now())
        if not gone:
            _known(invocation, store, name)
    page = _("Calls may go through {name} again.", name=name) if gone else _("{name} was not drained.", name=name)
    return Answer({"trunk": name, "drained": False, "was_drained": gone}, page)


def _known(invocation: Invocation, store: Store, name: str) -> None:
    """A mistyped name would drain nothing."""
    here = {row.name for row in invocation.effective().settings.trunks}
    known = sorted(here | {row.name for board in hosts.read(store).boards for row in board.trunks})
    if name not in known:
        raise Failure(
            CliExit.NOT_FOUND,
            f"no host has a trunk {name!r} (there is: {', '.join(known) or 'none'})",
            *did_you_mean(name, tuple(known)),
        )


# --- check ------------------------------------------------------------------------------------------------------------


@trunk.command()
@examples("dialer trunk check", "dialer trunk check north --call +8613800138000 --campaign spring-sale")
@click.argument("names", nargs=-1, metavar="[NAME]...")
@click.option("--call", "number", default="", metavar="NUMBER", help="Call this number through the trunk as well.")
@campaign_option_for("Whose rules and caller id the test call goes by.")
@click.option(
    "--report",
    type=click.Path(file_okay=False, path_type=Path),
    help="Leave the answer in this folder as well, line-check-DATE.txt; the newest 90 are kept.",
)
@answering
def check(invocation: Invocation, names: tuple[str, ...], number: str, campaign: str, report: Path | None) -> Answer:
    """Look whether trunks work, from this machine: name, OPTIONS, and with --call a real call, in words.

    A test call is judged by the rules of the campaign like any other, shows its caller id, rings for 30 s at most and
    is hung up 2 s after the answer. It is audited, and not counted. Without names all trunks of this machine are
    looked at.

    \b
    Exit codes: 0 all work or only warn, 11 one does not.
    """
    from dialer.shell.line_check import check_trunk, trunks_of

    settings = invocation.effective().settings
    chosen = [each for each in trunks_of(settings) if not names or each.name in names]
    missing = sorted(set(names) - {each.name for each in chosen})
    if missing:
        raise Failure(CliExit.NOT_FOUND, _("this machine has no trunk {names}", names=", ".join(missing)))
    if bool(number) != bool(campaign) or (number and len(chosen) != 1):
        raise click.UsageError(_("a test call needs --call, --campaign and the name of one trunk"))
    findings = [finding for each in chosen for finding in check_trunk(each, settings)]
    call = _test_call(invocation, settings, chosen[0], number, campaign) if number else None
    bad = any(finding.state == "fault" for finding in findings) or (call is not None and not call.works)
    page = _check_page(findings, call, bad)
    if report is not None:
        _leave(report, page)
    data = {"works": not bad, "findings": findings, "call": call}
    return Answer(data, page if chosen else _("No trunk is configured."), code=CliExit.UNFIT if bad else 0)


def _test_call(invocation: Invocation, settings: DaemonSettings, line: Trunk, text: str, campaign: str) -> CallReport:
    """Judge the number as the gate would, and call it."""
    from compliance.api import Refusal
    from compliance.caller_ids import Wanted
    from config.policies import applied
    from dialer.disk.registers import NationalRegisters
    from dialer.language.refusals import detail
    from dialer.shell.line_check import call_once
    from dialer.store.gate import caller_ids
    from dialer.store.leads import why
    from dialer.store.operators import campaigns

    moment, national = now(), NationalRegisters(settings.registers)
    with invocation.store() as store:
        rules = applied(campaigns.get(store, campaign).settings, invocation.catalogue())
        asked = why.find(store, rules, text, campaigns.names(store))
        verdicts = why.reasons(store, rules, asked, national, moment)
        national.close()
        refusals = [row.refusal for row in verdicts.findings if row.refusal is not None]
        shown = caller_ids.foresee(store, rules, [Wanted(asked.lead.number)], moment)[0]
        if isinstance(shown, Refusal):
            refusals.append(shown)
        if refusals or isinstance(shown, Refusal):
            reasons = [_("{rule}: {words}", rule=term(refusal.rule), words=detail(refusal)) for refusal in refusals]
            raise Failure(CliExit.REFUSED, _("{number} may not be called now:", number=asked.lead.number), *reasons)
        about = {"trunk": line.name, "number": str(asked.lead.number), "campaign": campaign, "caller_id": shown}
        control.audit(store, "trunk_test_call", who=invocation.who, now=moment, detail=about)
    return call_once(settings, line, asked.lead.number.clear, shown)


def _check_page(findings: Sequence[Finding], call: CallReport | None, bad: bool) -> list[RenderableType]:
    rows: list[tuple[Text, Text]] = []
    for finding in findings:
        mark, style = MARKS[finding.state]
        rows.append((Text(mark, style), Text(finding.text)))
        if finding.remedy:
            rows.append((Text(), Text(f"-> {finding.remedy}", "dim")))
    page: list[RenderableType] = [table(("", "finding"), rows)]
    if call is not None:
        mark, style = MARKS["ok" if call.works else "fault"]
        steps = [(Text(mark, style) if step is call.steps[-1] else Text(), Text(step)) for step in call.steps]
        page.append(table(("", "test call"), steps))
    page.append(Text(_("A trunk does not work.") if bad else _("No trunk is known not to work.")))
    return page


def _leave(folder: Path, page: Sequence[RenderableType]) -> None:
    """Write the page down, whole or not at all, and let go of old ones. Raises `Failure`."""
    from rich.console import Console

    drawn = io.StringIO()
    for part in page:
        Console(file=drawn, width=REPORT_WIDTH).print(part)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"line-check-{time.strftime('%Y-%m-%d')}.txt"
        text = time.strftime("%Y-%m-%d %H:%M:%S %z\n\n") + drawn.getvalue()
        path.with_suffix(".new").write_text(text, encoding="utf-8")
        path.with_suffix(".new").replace(path)
        for old in sorted(folder.glob("line-check-*.txt"))[:-REPORTS_KEPT]:
            old.unlink(missing_ok=True)
    except OSError as error:
        raise Failure(CliExit.UNFIT, f"the report cannot be left in {folder}: {error.strerror or error}") from error
