"""`dialer leads`: import leads from a file, and look at them."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import click
from rich.console import RenderableType

from compliance.api import Per
from config.campaign import CampaignSettings
from config.policies import applied
from config.problems import ConfigError
from dialer.cli.base import hosts
from dialer.cli.base.arguments import campaign_argument, limit_option, more_than
from dialer.cli.base.failures import CliExit, Failure, warn
from dialer.cli.base.glossary import PLACE_WORDS, no_daemon
from dialer.cli.base.groups import NearGroup
from dialer.cli.base.invocation import Invocation, now
from dialer.cli.base.output import Answer, answering, facts, progress_bar, table, when
from dialer.cli.base.text import counted
from dialer.cli.leads import lead_changes, lead_export
from dialer.cli.leads.lead_import import Account, TakenIn, check_and_send, rejects_file, report, sender, wait_for_intake
from dialer.cli.leads.lead_rows import Checker
from dialer.cli.leads.lead_sheet import ATTRS, FIELDS, SKIP, BadSheet, Sheet, open_sheet
from dialer.store.base.connection import Store
from dialer.store.base.errors import StreamFull
from dialer.store.leads import leads as store_leads
from dialer.store.leads.leads import LeadRow, LeadState, LeadStory
from dialer.store.operators import campaigns, control, status

STREAM_LIMIT = 100_000


@click.group(cls=NearGroup)
def leads() -> None:
    """Import leads, look at them, change them. Phone numbers are shown masked.

    \b
    Example:
      dialer leads import spring-sale customers.csv
      dialer leads list spring-sale --state due
      dialer leads reopen spring-sale --disposition no_answer --older-than 3d
    """


@leads.command("import")
@campaign_argument
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "--map", "pairs", metavar="COLUMN=FIELD", multiple=True, help="Field for a column; FIELD - leaves it out."
)
@click.option("--rejects", type=click.Path(dir_okay=False, path_type=Path), help="Write the rejected rows to this CSV.")
@click.option("--dry-run", is_flag=True, help="Check every row and send none.")
@click.option("--encoding", help="Encoding of the file. [default: found out: UTF-8, UTF-16 or GB18030]")
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
    encoding: str | None,
    no_wait: bool,
    patience: float,
) -> Answer:
    """Import leads from a CSV file. The first row names the columns.

    Columns named phone, phones, lead_id, name, timezone, region, priority, not_before, expires_at, customer_id,
    account_id, consent_at, consent_until and consent_source fill these fields; every other column goes to attrs and
    back to the CRM. Several columns may fill phone: they are tried in this order. Only phone is needed; a row without a
    lead_id gets one from the file's content and its row, so that importing the same file again makes no lead twice.
    Times without an offset are in the lead's time zone, or this machine's.

    Every row is checked here as the daemon will check it. The exit code is 8 if rows were rejected, 7 if the stream
    stayed full.

    \b
    Example:
      dialer leads import spring-sale customers.csv --map 手机=phone --map 姓名=name --rejects bad.csv
    """
    try:
        sheet = open_sheet(file, _mapping(pairs), encoding)
        account, taken = _import(invocation, campaign, sheet, rejects, dry_run, no_wait, patience)
    except BadSheet as error:
        raise click.UsageError(f"{file}: {error}") from error
    extra = {"file": str(file), "encoding": sheet.encoding, "dry_run": dry_run, "taken_in": taken}
    partly = account.rejected or (taken and taken.rejected)
    page = report(sheet, account, taken, dry_run, rejects)
    return Answer({**asdict(account), **extra}, page, code=CliExit.PARTLY if partly else 0)


def _consent(story: LeadStory) -> str:
    """Since when, until when, and where it is to be found."""
    parts = (when(story.consent_at), story.consent_until and f"until {when(story.consent_until)}", story.consent_source)
    return ", ".join(part for part in parts if part)


def _mapping(pairs: tuple[str, ...]) -> dict[str, str]:
    known = (*FIELDS, ATTRS, SKIP)
    mapping: dict[str, str] = {}
    for pair in pairs:
        column, equals, name = pair.rpartition("=")
        if not equals or name not in known:
            raise click.UsageError(f"--map wants COLUMN=FIELD with FIELD one of {', '.join(known)}; got {pair!r}")
        mapping[column.strip()] = name
    return mapping


def _import(
    invocation: Invocation,
    campaign: str,
    sheet: Sheet,
    rejects: Path | None,
    dry_run: bool,
    no_wait: bool,
    patience: float,
) -> tuple[Account, TakenIn | None]:
    account = Account()
    settings = invocation.effective().settings
    with invocation.store() as store:
        stored = campaigns.get(store, campaign).settings
        ids, most_bytes = _ids_needed(invocation, stored), settings.intake.max_lead_bytes
        checker = Checker(sheet, campaign, stored.default_region, most_bytes, now(), ids, stored.destinations())
        before = status.counts(store, campaign, now())
        with progress_bar("sending", sheet.size_bytes) as progress, rejects_file(rejects, sheet) as reject:
            if dry_run:
                check_and_send(sheet, checker, lambda _: None, account, reject, progress)
                return account, None
            send = sender(store, campaign, limit=STREAM_LIMIT, patience_s=patience, progress=progress)
            try:
                check_and_send(sheet, checker, send, account, reject, progress)
            except StreamFull as full:
                raise Failure(
                    CliExit.REFUSED,
                    f"{full}; about {counted(account.sent, 'lead')} of the file were sent",
                    "Is a daemon running? Import the same file again later: no lead is made twice.",
                ) from full
            except KeyboardInterrupt:
                warn(f"interrupted after {counted(account.sent, 'lead')}; import the same file again to send the rest")
                raise
            finally:
                _audit(invocation, store, campaign, sheet, account)
        if no_wait or not account.sent or not _daemon_alive(store):
            return account, None
        with progress_bar("the daemon takes them in", account.sent) as progress:
            return account, wait_for_intake(store, campaign, before, patience, progress)


def _ids_needed(invocation: Invocation, settings: CampaignSettings) -> frozenset[Per]:
    """Whom leads must name; where this machine does not have the campaign's policies that is left to the daemon."""
    try:
        return applied(settings, invocation.catalogue()).ids_needed()
    except ConfigError:
        return frozenset()


def _audit(invocation: Invocation, store: Store, campaign: str, sheet: Sheet, account: Account) -> None:
    detail = {"campaign": campaign, "file": sheet.path.name, "sent": account.sent, "rejected": account.rejected}
    control.audit(store, "leads_import", who=invocation.who, now=now(), detail=detail)


def _daemon_alive(store: Store) -> bool:
    alive = hosts.read(store).alive
    if not alive:
        warn(no_daemon("the leads wait in Redis until one takes them in"))
    return alive


@leads.command("list")
@campaign_argument
@click.option("--state", type=click.Choice([state.value for state in LeadState]), help="Only leads in this state.")
@limit_option(50)
@answering
def list_(invocation: Invocation, campaign: str, state: str | None, limit: int) -> Answer:
    """List leads of a campaign, numbers masked.

    \b
    Example:
      dialer leads list spring-sale --state waiting --limit 20
    """
    rows: list[LeadRow] = []
    cursor, more = "", True
    with invocation.store() as store:
        campaigns.get(store, campaign)
        while more and len(rows) < limit:
            page, cursor = store_leads.page(
                store, campaign, state=LeadState(state) if state else None, cursor=cursor, count=min(limit, 500)
            )
            rows += page
            more = bool(cursor)
    if not rows:
        return Answer(rows, "No lead." if state is None else f"No lead is {state}.")
    heads = ("lead", "number", "name", "priority", "state", "at", "tries", "why")
    drawn = [
        (
            *(row.lead_id, row.number, row.name, str(row.priority), PLACE_WORDS.get(row.state, str(row.state))),
            *(when(row.at), str(row.tries), row.why),
        )
        for row in rows[:limit]
    ]
    note = more_than(limit) if more or len(rows) > limit else ""
    return Answer(rows[:limit], table(heads, drawn, right=("priority", "tries")), note)


@leads.command("show")
@campaign_argument
@click.argument("lead_id")
@answering
def show_(invocation: Invocation, campaign: str, lead_id: str) -> Answer:
    """Show one lead's whole story: where it is, why, and every attempt.

    \b
    Example:
      dialer leads show spring-sale 9f31c2ab-17
    """
    with invocation.store() as store:
        campaigns.get(store, campaign)
        story = store_leads.story(store, campaign, lead_id)
        detail = {"campaign": campaign, "lead_id": lead_id}
        control.audit(store, "lead_show", who=invocation.who, now=now(), detail=detail)
    known = {
        "lead": story.row.lead_id,
        "numbers": ", ".join(story.numbers),
        "name": story.row.name,
        "customer": story.customer_id,
        "time zone": story.timezone,
        "priority": str(story.row.priority),
        "state": f"{PLACE_WORDS.get(story.row.state, str(story.row.state))}, {when(story.row.at)}",
        "why": story.row.why,
        "daemon": story.owner,
        "attempt now": story.open_attempt,
        "came in": when(story.came_in_at),
        "expires": when(story.expires_at),
        "consent": _consent(story),
        **{f"attrs.{name}": str(value) for name, value in story.attrs.items()},
    }
    heads = ("attempt", "number", "disposition", "at", "ended", "agent", "sip", "outcome")
    attempts = [
        (
            *(each.attempt, each.number, each.disposition, when(each.at), when(each.ended_at)),
            *(each.agent, str(each.sip_code or ""), each.outcome),
        )
        for each in story.attempts
    ]
    page: list[RenderableType] = [facts(known)]
    if attempts:
        page += ["", table(heads, attempts)]
    if story.history:
        lines = [(when(line.at), line.what, line.who, line.text, line.attempt) for line in story.history]
        page += ["", table(("at", "what", "who", "words", "attempt"), lines)]
    return Answer(story, page)


for _command in (*lead_changes.COMMANDS, lead_export.export):
    leads.add_command(_command)
