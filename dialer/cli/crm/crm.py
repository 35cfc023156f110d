"""`dialer crm`: register readers of the CRM's events, see how far each is, choose how events are written and kept."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import Any, Final

import click
from rich.text import Text

from dialer.cli.base.arguments import crm_option
from dialer.cli.base.failures import CliExit, Failure
from dialer.cli.base.groups import NearGroup
from dialer.cli.base.help import examples
from dialer.cli.base.invocation import Invocation, now
from dialer.cli.base.output import Answer, alarm, answering, table, when
from dialer.cli.crm.stray import stray
from dialer.cli.crm.tail import tail
from dialer.cli.crm.validate import schema, validate
from dialer.language.phrases import N_
from dialer.language.translation import _, _n
from dialer.operating.figures import percent
from dialer.store.base.connection import Store
from dialer.store.crm import event_settings, readers
from dialer.store.crm.crm_map import SHARED
from dialer.store.crm.event_settings import EventSettings, Format
from dialer.store.crm.readers import Reader, ReaderError
from dialer.store.operators import control

NOBODY: Final = N_("No reader is registered: {stream} keeps its newest {kept:,} events, read or not.")


@click.group(cls=NearGroup)
@examples("dialer crm register billing", "dialer crm readers")
def crm() -> None:
    """The CRM's side: who reads the events, what passes, whether entries are right before they are sent."""


@crm.command(short_help="Keep events until a reader has acknowledged them.")
@examples("dialer crm register billing", "dialer crm register billing --crm north")
@click.argument("reader")
@crm_option
@click.option("--from-oldest", is_flag=True, help="Begin with the oldest event that is there, not with the next one.")
@answering
def register(invocation: Invocation, reader: str, crm: str | None, from_oldest: bool) -> Answer:
    """Keep events of dialer:crm:out until READER has acknowledged them.

    READER is a consumer group. It is made if it is not there, on dialer:crm:out and dialer:crm:live, with --crm on
    those of that CRM; one that is there keeps its place. The newest events stay in any case (dialer crm set --kept).
    """
    name = readers.named(crm or SHARED, reader)
    with invocation.store() as store:
        try:
            new = readers.register(store, reader, who=invocation.who, now=now(), oldest=from_oldest, crm=crm or SHARED)
        except ReaderError as error:
            raise Failure(CliExit.REFUSED, str(error)) from error
        control.audit(store, "crm_register", who=invocation.who, now=now(), detail={"reader": name})
        standing = next(row for row in readers.listing(store) if row.name == name)
    place = _("its consumer group is new") if new else _("its consumer group was there already and keeps its place")
    unread = _n("{number:,} event", "{number:,} events", standing.unread)
    return Answer(
        asdict(standing),
        _("Reader {name} is registered: {place}, {unread} unread.", name=name, place=place, unread=unread),
    )


@crm.command(short_help="Keep nothing for a reader any more.")
@examples("dialer crm unregister billing")
@click.argument("reader")
@crm_option
@click.option("--yes", is_flag=True, help="Also if it has not read everything.")
@answering
def unregister(invocation: Invocation, reader: str, crm: str | None, yes: bool) -> Answer:
    """Keep nothing for READER any more, and delete its consumer groups. Refused while it has events to read."""
    name = readers.named(crm or SHARED, reader)
    again = readers.registering(name).replace("register", "unregister", 1)
    with invocation.store() as store:
        unread = next((row.unread for row in readers.listing(store) if row.name == name), 0)
        if unread and not yes:
            raise Failure(
                CliExit.REFUSED,
                _(
                    "reader {name} has {events} to read yet",
                    name=name,
                    events=_n("{number:,} event", "{number:,} events", unread),
                ),
                _("They are nobody's afterwards. To do it all the same: {again} --yes", again=again),
            )
        try:
            readers.unregister(store, reader, crm or SHARED)
        except ReaderError as error:
            raise Failure(CliExit.NOT_FOUND, str(error)) from error
        detail = {"reader": name, "unread": unread}
        control.audit(store, "crm_unregister", who=invocation.who, now=now(), detail=detail)
    return Answer(detail, _("Reader {name} is not registered any more.", name=name))


@crm.command("readers", short_help="List the registered readers and how far each is.")
@examples("dialer crm readers")
@answering
def readers_(invocation: Invocation) -> Answer:
    """List the registered readers, those of a CRM's own events as CRM/READER: how many events each has to read, and how
    far it is behind."""
    moment = now()
    with invocation.store() as store:
        settings, rows, stream = event_settings.load(store), readers.listing(store), store.keys.crm_out()
    data = {"settings": asdict(settings), "readers": [_as_data(row, settings, moment) for row in rows]}
    if not rows:
        return Answer(
            data, [_(NOBODY, stream=stream, kept=settings.kept), _("Register one with: dialer crm register NAME")]
        )
    heads = ("reader", "unread", "of limit", "behind", "registered", "by")
    drawn = table(heads, [_drawn(row, settings, moment) for row in rows], right=("unread", "of limit", "behind"))
    troubles = [alarm(words) for row in rows if (words := row.trouble(settings, moment))]
    return Answer(data, [drawn, *troubles])


def _as_data(row: Reader, settings: EventSettings, moment: float) -> dict[str, Any]:
    return {**asdict(row), "behind_s": row.behind_s(moment), "trouble": row.trouble(settings, moment)}


def _drawn(row: Reader, settings: EventSettings, moment: float) -> tuple[Text | str, ...]:
    style = "bold red" if row.trouble(settings, moment) else ""
    return (
        Text(row.name, style),
        Text(f"{row.unread:,}", style),
        Text(percent(row.unread / settings.limit), style),
        Text(_span(row.behind_s(moment)), style),
        when(row.registered_at),
        row.registered_by,
    )


def _span(seconds: float) -> str:
    if seconds < 120:
        return f"{seconds:.0f} s"
    return _("{what:,.0f} min", what=seconds / 60) if seconds < 7200 else f"{seconds / 3600:,.1f} h"


@crm.command("set", short_help="Show or change how events are written and kept.")
@examples("dialer crm set", "dialer crm set --format json")
@click.option("--format", "format_", type=click.Choice([str(each) for each in Format]), help="How data is written.")
@click.option("--kept", type=int, metavar="N", help="Newest events of dialer:crm:out that stay, read or not.")
@click.option("--limit", type=int, metavar="N", help="Most events that it keeps for a reader that is behind.")
@click.option(
    "--live-stream/--no-live-stream",
    default=None,
    help="Whether events for screens have dialer:crm:live for themselves.",
)
@click.option(
    "--campaign-requests/--no-campaign-requests", default=None, help="Whether the CRM may start and pause campaigns."
)
@answering
def set_(invocation: Invocation, format_: str | None, **given: Any) -> Answer:
    """Show, or change, how the CRM's events are written and kept. All hosts heed it within seconds."""
    changes = {name: value for name, value in given.items() if value is not None}
    if format_ is not None:
        changes["format"] = Format(format_)
    with invocation.store() as store:
        settings = event_settings.load(store)
        if changes:
            settings = _changed(invocation, store, settings, changes)
        rows = list(_shown(settings, store).items())
    return Answer(asdict(settings), table(("", ""), rows))


def _changed(invocation: Invocation, store: Store, before: EventSettings, given: dict[str, Any]) -> EventSettings:
    try:
        after = replace(before, **given)
    except ValueError as error:
        raise Failure(CliExit.REFUSED, str(error)) from error
    event_settings.save(store, after)
    was, holds = asdict(before), asdict(after)
    detail = {"changes": {name: [str(was[name]), str(holds[name])] for name in was if was[name] != holds[name]}}
    control.audit(store, "crm_set", who=invocation.who, now=now(), detail=detail)
    return after


def _shown(settings: EventSettings, store: Store) -> dict[str, str]:
    out, live = store.keys.crm_out(), store.keys.crm_live()
    return {
        "format": settings.format.value,
        "kept": _("the newest {kept:,} events of {out}", kept=settings.kept, out=out),
        "limit": _("{limit:,} events, for readers that are behind", limit=settings.limit),
        "live stream": _("screens have {live}", live=live)
        if settings.live_stream
        else _("everything is in {out}", out=out),
        "campaign requests": _("the CRM may start and pause") if settings.campaign_requests else "refused",
    }


for command in (tail, validate, schema, stray):
    crm.add_command(command)
