"""`dialer leads import`: the leads of a file into a campaign, as one list."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import click

from compliance.api import Per
from config.campaign import CampaignSettings
from config.policies import applied
from config.problems import ConfigError
from dialer.cli.base.arguments import campaign_argument
from dialer.cli.base.failures import CliExit, Failure, warn
from dialer.cli.base.help import examples
from dialer.cli.base.invocation import Invocation, now
from dialer.cli.base.output import Answer, answering, progress_bar
from dialer.cli.base.scheduling import standing_back
from dialer.cli.leads.lead_import import Account, TakenIn, check_and_send, rejects_file, report, sender, wait_for_intake
from dialer.cli.leads.lead_rows import Checker, Ready, RowRules
from dialer.cli.sheets.cells import seen
from dialer.cli.sheets.columns import ATTRS, FIELDS, SKIP, BadSheet
from dialer.cli.sheets.sheet import Reading, Sheet, open_sheet
from dialer.language.translation import _, _n
from dialer.operating import hosts
from dialer.store.base.connection import Store
from dialer.store.base.errors import StreamFull
from dialer.store.leads import lists
from dialer.store.leads.lead_codec import MAX_LIST_LENGTH, list_fault
from dialer.store.operators import campaigns, control, status

STREAM_LIMIT = 100_000


@dataclass(frozen=True, slots=True)
class _Wanted:
    """What the command was asked for besides the file."""

    campaign: str
    list_name: str
    owner: str
    rejects: Path | None
    dry_run: bool
    no_wait: bool
    patience_s: float


@click.command("import")
@examples("dialer leads import spring-sale customers.xlsx --map 手机=phone --map 姓名=name --rejects bad.csv")
@campaign_argument
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "--map", "pairs", metavar="COLUMN=FIELD", multiple=True, help="Field for a column; FIELD - leaves it out."
)
@click.option("--rejects", type=click.Path(dir_okay=False, path_type=Path), help="Write the rejected rows to this CSV.")
@click.option("--dry-run", is_flag=True, help="Check every row and send none.")
@click.option("--list", "list_name", metavar="NAME", help="Name of the list. [default: the file's name]")
@click.option("--owner", default="", metavar="WHO", help="Whose list it is. [default: who imports it]")
@click.option("--encoding", help="Encoding of a text file. [default: found out]")
@click.option(
    "--delimiter", help="What separates cells: a character, comma, semicolon, tab, pipe. [default: found out]"
)
@click.option(
    "--sheet", "sheet_name", metavar="NAME", help="Sheet of a workbook, by name or place. [default: the first]"
)
@click.option(
    "--header-row",
    type=click.IntRange(0, 1000),
    help="Row that names the columns; 0: none does, they are column_1, column_2 ... [default: the first]",
)
@click.option("--no-wait", is_flag=True, help="Do not wait until the daemon has taken the leads in.")
@click.option(
    "--patience",
    type=click.FloatRange(0, 86_400),
    default=60.0,
    show_default=True,
    help="Longest wait for the daemon, in seconds.",
)
@answering
def import_(
    invocation: Invocation,
    campaign: str,
    file: Path,
    pairs: tuple[str, ...],
    rejects: Path | None,
    dry_run: bool,
    list_name: str | None,
    owner: str,
    encoding: str | None,
    delimiter: str | None,
    sheet_name: str | None,
    header_row: int | None,
    no_wait: bool,
    patience: float,
) -> Answer:
    """Import leads from a file as one list: CSV of any kind, or a workbook (XLSX, XLS, XLSB, ODS). The first row names
    the columns.

    Columns named phone, phones, lead_id, name, timezone, region, priority, not_before, expires_at, customer_id,
    account_id, consent_at, consent_until and consent_source fill these fields; every other column goes to attrs and
    back to the CRM. Several columns may fill phone: they are tried in this order. Only phone is needed; a row without a
    lead_id gets one from the file's content and its row, so that importing the same file again makes no lead twice.
    Times without an offset are in the lead's time zone, or this machine's.

    Every row is checked here as the daemon will check it; --dry-run also looks for leads and numbers that the campaign
    has already. The exit code is 8 if rows were rejected, 7 if the stream stayed full. What became of the list is told
    by `dialer lists show`.
    """
    try:
        sheet = open_sheet(file, _mapping(pairs), Reading(encoding, delimiter, sheet_name, header_row))
        name = _asked_name(list_name)
        with invocation.store() as store:
            campaigns.get(store, campaign)
            name = name or _free_name(store, campaign, sheet)
            _refuse_taken_back(store, campaign, name)
            order = _Wanted(campaign, name, owner or invocation.who, rejects, dry_run, no_wait, patience)
            account, taken = _import(invocation, store, sheet, order)
    except BadSheet as error:
        raise click.UsageError(f"{file}: {error}") from error
    extra = {"file": str(file), "encoding": sheet.encoding, "list": name, "dry_run": dry_run, "taken_in": taken}
    partly = account.rejected or (taken and taken.rejected)
    page = report(sheet, account, taken, name, dry_run, rejects)
    note = (
        _("Why the daemon rejected leads: dialer lists show {campaign} {name!r}", campaign=campaign, name=name)
        if taken and taken.rejected
        else ""
    )
    return Answer({**asdict(account), **extra}, page, note, code=CliExit.PARTLY if partly else 0)


def _mapping(pairs: tuple[str, ...]) -> dict[str, str]:
    known = (*FIELDS, ATTRS, SKIP)
    mapping: dict[str, str] = {}
    for pair in pairs:
        column, equals, name = pair.rpartition("=")
        if not equals or name not in known:
            raise click.UsageError(
                _("--map wants COLUMN=FIELD with FIELD one of {names}; got {pair!r}", names=", ".join(known), pair=pair)
            )
        mapping[column.strip()] = name
    return mapping


def _asked_name(list_name: str | None) -> str:
    fault = list_fault(list_name) if list_name is not None else None
    if fault is not None:
        raise click.UsageError(_("--list: {fault}", fault=fault))
    return list_name or ""


def _free_name(store: Store, campaign: str, sheet: Sheet) -> str:
    """The file's name, or the name that this file has already; with a number where another file had it before."""
    names = {key: imported.list_name for key, imported in lists.imports(store, campaign).items()}
    earlier = next((name for key, name in names.items() if key.startswith(f"{sheet.digest}@")), None)
    if earlier is not None:
        return earlier
    stem = "".join(char for char in seen(sheet.path.stem) if char.isprintable())[: MAX_LIST_LENGTH - 6].strip()
    if list_fault(stem) is not None:
        return _("list {digest}", digest=sheet.digest)
    used = {*names.values(), *lists.intakes(store, campaign)}
    return next(name for name in (stem, *(f"{stem} {number}" for number in range(2, 10_002))) if name not in used)


def _refuse_taken_back(store: Store, campaign: str, name: str) -> None:
    """What was taken back does not come back by itself, such as when the same file is imported once more."""
    intake = lists.intakes(store, campaign).get(name)
    if intake is not None and intake.taken_back_at is not None:
        raise Failure(
            CliExit.REFUSED,
            _("the list {name} was taken back, and nothing comes into it any more", name=name),
            _("If these leads are to be called all the same, give the import another name: --list NAME"),
        )


def _import(invocation: Invocation, store: Store, sheet: Sheet, order: _Wanted) -> tuple[Account, TakenIn | None]:
    account, campaign = Account(), order.campaign
    stored = campaigns.get(store, campaign).settings
    rules = RowRules(
        sheet,
        stored.default_region,
        invocation.effective().settings.intake.max_lead_bytes,
        now(),
        order.list_name,
        _ids_needed(invocation, stored),
        stored.destinations(),
    )
    checker = Checker(rules)
    before = status.counts(store, campaign, now())
    progress_of_bytes = progress_bar("sending", sheet.size_bytes)
    with standing_back(), progress_of_bytes as progress, rejects_file(order.rejects, sheet) as reject:
        if order.dry_run:
            there = _Present(store, campaign)
            check_and_send(sheet, checker, lambda _: None, account, reject, progress, there.faults)
            return account, None
        send = sender(store, campaign, limit=STREAM_LIMIT, patience_s=order.patience_s, progress=progress)
        try:
            check_and_send(sheet, checker, send, account, reject, progress)
        except StreamFull as full:
            raise Failure(
                CliExit.REFUSED,
                _(
                    "{full}; about {leads} of the file were sent",
                    full=full,
                    leads=_n("{number:,} lead", "{number:,} leads", account.sent),
                ),
                _("Is a daemon running? Import the same file again later: no lead is made twice."),
            ) from full
        except KeyboardInterrupt:
            warn(
                _(
                    "interrupted after {leads}; import the same file again to send the rest",
                    leads=_n("{number:,} lead", "{number:,} leads", account.sent),
                )
            )
            raise
        finally:
            _keep(invocation, store, sheet, account, order)
    if order.no_wait or not account.sent or not _daemon_alive(store):
        return account, None
    with progress_bar(_("the daemon takes them in"), account.sent) as progress:
        return account, wait_for_intake(store, campaign, before, order.patience_s, progress)


@dataclass(frozen=True, slots=True)
class _Present:
    """What the campaign has already, as the daemon will find it."""

    store: Store
    campaign: str

    def faults(self, leads: Sequence[Ready]) -> list[tuple[str, ...]]:
        """Why each lead would not be taken in; () for one that would."""
        numbers = [number for lead in leads for number in lead.digits]
        known, holders = lists.taken(self.store, self.campaign, [lead.lead_id for lead in leads], numbers)
        of_number = dict(zip(numbers, holders, strict=True))
        answers = []
        for there, lead in zip(known, leads, strict=True):
            reasons = [_("lead_id: a lead of this id is in the campaign already")] if there else []
            reasons += [
                _("phone: is in the campaign already, in lead {of_number}", of_number=of_number[number])
                for number in lead.digits
                if of_number[number]
            ]
            answers.append(tuple(reasons))
        return answers


def _ids_needed(invocation: Invocation, settings: CampaignSettings) -> frozenset[Per]:
    """Whom leads must name; where this machine does not have the campaign's policies that is left to the daemon."""
    try:
        return applied(settings, invocation.catalogue()).ids_needed()
    except ConfigError:
        return frozenset()


def _keep(invocation: Invocation, store: Store, sheet: Sheet, account: Account, order: _Wanted) -> None:
    """What the import did, for the list's record and the audit trail."""
    moment, campaign = now(), order.campaign
    imported = lists.Import(
        list_name=order.list_name,
        file=sheet.path.name,
        what=sheet.what,
        owner=order.owner,
        who=invocation.who,
        at=moment,
        rows=account.rows,
        sent=account.sent,
        rejected=account.rejected,
        reasons=account.most_frequent(),
    )
    lists.record(store, campaign, sheet.digest, imported)
    detail = {"campaign": campaign, "file": sheet.path.name, "sent": account.sent, "rejected": account.rejected}
    control.audit(store, "leads_import", who=invocation.who, now=moment, detail={**detail, "list": order.list_name})


def _daemon_alive(store: Store) -> bool:
    alive = hosts.read(store).alive
    if not alive:
        warn(_("no daemon is alive: the leads wait in Redis until one takes them in (dialer run)"))
    return alive
