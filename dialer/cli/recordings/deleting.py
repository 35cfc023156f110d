"""`dialer recordings purge`: delete recordings before their time."""

from __future__ import annotations

from collections import defaultdict
from datetime import date

import click

from dialer.cli.base.failures import CliExit, Failure
from dialer.cli.base.help import examples
from dialer.cli.base.invocation import Invocation, now
from dialer.cli.base.output import Answer, answering, progress_bar
from dialer.cli.recordings.chosen import Chosen, chosen_options, folder_of, readable, row_of
from dialer.language.translation import _, _n


@click.command()
@examples(
    "dialer recordings purge 19a3f-2b7c-000017", "dialer recordings purge --campaign spring-sale --until 2026-06-30"
)
@click.argument("attempts", nargs=-1, metavar="[ATTEMPT]...")
@chosen_options
@click.option("--yes", is_flag=True, help="Do not ask.")
@answering
def purge(invocation: Invocation, chosen: Chosen, attempts: tuple[str, ...], yes: bool) -> Answer:
    """Delete recordings of this host for good. For the administrator.

    Old ones go by themselves (recordings.keep_days), those of a person by `dialer erase`. The audit trail keeps who did
    it; the evidence keeps that there was a recording, and its digest.
    """
    from dialer.disk.recordings import index
    from dialer.store.operators import control
    from dialer.store.privacy.recordings import hand_over

    folder = folder_of(invocation)
    everything = Chosen(0.0, chosen.until)
    if not attempts and chosen == everything and chosen.until >= now():
        raise click.UsageError(_("name attempts, or give --until, --since, --campaign or --agent"))
    rows = [row_of(folder, attempt) for attempt in attempts] if attempts else chosen.rows(folder)
    if not rows:
        raise Failure(CliExit.NOT_FOUND, _("there is no such recording here"))
    if not yes:
        click.confirm(
            _(
                "Delete {recordings} for good?",
                recordings=_n("{number:,} recording", "{number:,} recordings", len(rows)),
            ),
            abort=True,
            err=True,
        )
    names = [row.attempt for row in rows]
    by_day: dict[date, set[str]] = defaultdict(set)
    for row in rows:
        by_day[row.day].add(row.attempt)
    with invocation.store() as store:
        hand_over(store, "purge", names, who=invocation.who, now=now(), detail={})
        gone = 0
        try:
            with progress_bar("deleting", len(rows)) as bar, readable(folder):
                for day, of_day in by_day.items():
                    gone += index.remove(folder, day, of_day)
                    bar.reach(gone)
        finally:
            campaigns = sorted({row.campaign for row in rows})
            detail = {"attempts": names[:50], "recordings": gone, "campaigns": campaigns}
            control.audit(store, "recording_purge", who=invocation.who, now=now(), detail=detail)
    return Answer(
        {"deleted": gone},
        _("Deleted {recordings}.", recordings=_n("{number:,} recording", "{number:,} recordings", gone)),
    )
