"""`dialer recordings score` and `scores`: marks taken in, and what they come to for each agent."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import click

from dialer.cli.base.arguments import SPAN_EXAMPLES, moment_of
from dialer.cli.base.failures import CliExit, Failure
from dialer.cli.base.help import examples
from dialer.cli.base.invocation import Invocation, now
from dialer.cli.base.output import Answer, answering, fitted
from dialer.language.translation import _, _n

MONTH_S: Final = 30 * 86_400.0


@click.command()
@examples("dialer recordings score week-48.toml")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@answering
def score(invocation: Invocation, file: Path) -> Answer:
    """Take in a sheet that somebody has marked: quality marks by item, who gave them, and when.

    All of it, or with every mistake named nothing. Recordings that nobody has marked yet are left out. Marking one
    again takes the place of the marks that the same person gave it before.
    """
    from config.load import load_model
    from config.recordings.scoring import FilledSheet
    from dialer.operating.recordings import take_marks

    filled = load_model(file, FilledSheet)
    marked = [(f"recording[{place}]", each) for place, each in enumerate(filled.recording) if each.is_marked]
    if not marked:
        raise Failure(CliExit.REFUSED, _("nothing is marked in {file} yet", file=file), _("Put points in place of -1."))
    with invocation.desk() as desk:
        taken = take_marks(desk, filled.sheet, marked, now())
    left = len(filled.recording) - len(marked)
    text = _(
        "Took in the marks of {recordings}", recordings=_n("{number:,} recording", "{number:,} recordings", len(taken))
    ) + (_("; {left} are not marked yet.", left=left) if left else ".")
    return Answer({"scored": [each.attempt for each in taken], "left": left}, text)


@click.command()
@examples("dialer recordings scores --since 2026-11-01")
@click.option("--since", metavar="WHEN", help=f"Given since then: {SPAN_EXAMPLES} ago, or a date. [default: 30d]")
@click.option("--agent", default="", metavar="NAME", help="Only of this agent.")
@answering
def scores(invocation: Invocation, since: str | None, agent: str) -> Answer:
    """Show what marks come to, by agent and sheet: how many recordings, the mean share of points, each item's mean.

    A recording that several people marked counts once, by their mean. Marks of sheets that differ stand apart.
    """
    from dialer.core.quality import summaries
    from dialer.store.operators import scores as store_of_scores

    moment = now()
    first = moment_of(since, moment, "--since", whole_day=False) if since else moment - MONTH_S
    with invocation.store() as store:
        given = [each for each in store_of_scores.since(store, first) if agent in ("", each.agent)]
    rows = summaries(given)
    cells = [
        (
            row.agent,
            row.sheet,
            str(row.recordings),
            f"{100 * row.share:.0f} %",
            ", ".join(f"{name} {points:.1f}" for name, points in row.marks.items()),
        )
        for row in rows
    ]
    heads = ("agent", "sheet", "recordings", "points", "items")
    page = (
        fitted(heads, cells, right=("recordings", "points"), folding=("items",)) if rows else _("No marks were given.")
    )
    return Answer(rows, page)
