"""`dialer crm stray`: leads that nobody takes in."""

from __future__ import annotations

from dataclasses import asdict

import click
from rich.console import RenderableType

from dialer.cli.base.arguments import campaign_names
from dialer.cli.base.failures import CliExit, Failure
from dialer.cli.base.help import examples
from dialer.cli.base.invocation import Invocation, now
from dialer.cli.base.output import Answer, answering, table, when
from dialer.language.translation import _, _n
from dialer.store.leads import stray as strays
from dialer.store.operators import control


@click.command(short_help="List, and move, leads that nobody takes in.")
@examples("dialer crm stray", "dialer crm stray dialer:spring:leads --move-to spring")
@click.argument("key", default="")
@click.option(
    "--move-to", default="", metavar="CAMPAIGN", help="Hand the leads of KEY to it.", shell_complete=campaign_names
)
@answering
def stray(invocation: Invocation, key: str, move_to: str) -> Answer:
    """List streams of leads that no daemon reads: of campaigns that do not exist, or with the braces forgotten. With
    --move-to the leads of one go to a campaign, which takes them in or rejects them as any others. Needs a user at the
    server who may see all keys, such as the daemon's."""
    if bool(key) != bool(move_to):
        raise click.UsageError(_("KEY and --move-to belong together"))
    with invocation.store() as store:
        rows = list(strays.all_of(store))
        if not move_to:
            return Answer([{**asdict(row), "reason": row.reason} for row in rows], _page(rows))
        if key not in {row.key for row in rows}:
            raise Failure(
                CliExit.NOT_FOUND, _("no stray leads are in {key!r}", key=key), _("See them with: dialer crm stray")
            )
        moved = strays.move(store, key, move_to)
        detail = {"key": key, "campaign": move_to, "leads": moved}
        control.audit(store, "leads_found", who=invocation.who, now=now(), detail=detail)
    return Answer(
        detail,
        _(
            "{leads} moved to campaign {move_to}.",
            leads=_n("{number:,} lead", "{number:,} leads", moved),
            move_to=move_to,
        ),
    )


def _page(rows: list[strays.Stray]) -> RenderableType:
    if not rows:
        return _("No leads wait where nobody reads them.")
    heads = ("leads", "since", "key", "what is wrong")
    return table(
        heads, [(f"{row.leads:,}", when(row.oldest_at), row.key, row.reason) for row in rows], right=("leads",)
    )
