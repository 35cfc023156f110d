"""`dialer report sql` and `dialer report verify`."""

from __future__ import annotations

import csv
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click
from rich.console import RenderableType

from dialer.cli.base.failures import CliExit, Failure, warn
from dialer.cli.base.help import examples
from dialer.cli.base.invocation import Invocation, pass_invocation
from dialer.cli.base.output import Answer, answering, fitted, show, show_json
from dialer.cli.reports.zone import period_given, zone_of
from dialer.language.translation import _, _n
from dialer.reports.files import plain_cell

if TYPE_CHECKING:  # a command that only prints its help need not load these
    from dialer.reports.verify import Compared, Difference

MOST_ROWS: Final = 1_000
MOST_SHOWN: Final = 50


@click.command()
@examples(
    "dialer report sql \"SELECT campaign, count(*) FROM attempts WHERE date >= '2026-03-01' GROUP BY ALL\"",
    'dialer report sql "DESCRIBE attempts"',
)
@click.argument("statement")
@click.option("--format", "as_format", type=click.Choice(["table", "csv", "json"]), default="table", show_default=True)
@click.option(
    "--since", type=click.DateTime(["%Y-%m-%d"]), help="Only files from this UTC day on; an old archive has many."
)
@click.option("--limit", type=click.IntRange(1, 10_000_000), default=MOST_ROWS, show_default=True, help="Most rows.")
@pass_invocation
def sql(invocation: Invocation, statement: str, as_format: str, since: datetime | None, limit: int) -> None:
    """Ask the archive in SQL. STATEMENT is DuckDB's SQL over the views of docs/archive.md; nothing can be changed.

    A condition on `date`, the UTC day, reads only the rows of those days, --since not even the heads of other files.
    Times are UTC; local_at and in_zone(TIME) are in the archive's zone.
    """
    from dialer.disk.archive.asking import ask

    folder = Path(invocation.effective().settings.archive.folder)
    first = None if since is None else since.date()
    answer = ask(folder, zone_of(invocation), statement, limit, first)
    if as_format == "json":
        show_json([dict(zip(answer.heads, row, strict=True)) for row in answer.rows])
    elif as_format == "csv":
        writer = csv.writer(sys.stdout, lineterminator="\n")
        writer.writerow(answer.heads)
        writer.writerows([plain_cell(cell) for cell in row] for row in answer.rows)
    else:
        figures = [head for head, number in zip(answer.heads, answer.numbers, strict=True) if number]
        rows = [["" if cell is None else str(cell) for cell in row] for row in answer.rows]
        show(fitted(answer.heads, rows, right=figures))
    if answer.more:
        warn(_("there are more than {limit:,} rows; see --limit", limit=limit))


@click.command()
@examples(
    "dialer report verify --period 2026-03",
    "dialer report verify /mnt/dial-1/evidence /mnt/dial-2/evidence --period last-week",
)
@click.argument("folders", nargs=-1, type=click.Path(exists=True, file_okay=False, path_type=Path), metavar="[PATH]...")
@click.option("--period", default="yesterday", show_default=True, help="Days, as reports take them.")
@click.option(
    "--no-evidence", is_flag=True, help="Do not read the evidence: it takes a minute for two million attempts."
)
@click.option("--offline", is_flag=True, help="Without Redis: compare with the evidence alone.")
@answering
def verify(invocation: Invocation, folders: tuple[Path, ...], period: str, no_evidence: bool, offline: bool) -> Answer:
    """Prove that the archive says what everybody else says.

    Live answers, abandoned calls and machines by campaign and counting day are compared with the ledger in Redis and
    with the evidence, attempts with the evidence, each disposition with the stream to the CRM as far as it goes back.
    PATH are folders of evidence, of all hosts if there are several; without PATH it is evidence.folder. The exit code
    is 10 if anything differs.
    """
    from dialer.archive.sources import Sources
    from dialer.disk.archive.sums import Question, opened
    from dialer.reports import verify as verifying

    settings = invocation.effective().settings
    days = period_given(invocation, period)
    places = folders or (Path(settings.evidence.folder),)
    done: list[Compared] = []
    with ExitStack() as stack:
        connection = stack.enter_context(opened(Path(settings.archive.folder), Question(days), zone_of(invocation)))
        ours = verifying.archived(connection)
        if not offline:
            store = stack.enter_context(invocation.store())
            sources = Sources(store)
            done.append(verifying.with_ledger(store, ours, days))
            done.append(verifying.with_stream(sources.told(), connection, days))
            if coming := sources.coming():
                warn(
                    _(
                        "{numbers} not archived yet: what is newest may differ",
                        numbers=_n("{number:,} entry is", "{number:,} entries are", coming),
                    )
                )
        if not no_evidence:
            try:
                done.append(verifying.with_evidence(places, ours, days))
            except OSError as error:
                raise Failure(CliExit.BROKEN, f"{error.filename}: {error.strerror}") from error
    equal = not any(one.differences for one in done)
    attempts = sum(row.attempts for row in ours.values())
    return Answer(
        {"equal": equal, "attempts": attempts, "compared": done},
        list(_page(done, attempts)),
        code=0 if equal else CliExit.BROKEN,
    )


def _page(done: Sequence[Compared], attempts: int) -> Iterator[RenderableType]:
    yield _("{attempts} in the archive", attempts=_n("{number:,} attempt", "{number:,} attempts", attempts))
    for one in done:
        state = (
            _("all equal")
            if not one.differences
            else _n("{number:,} difference", "{number:,} differences", len(one.differences))
        )
        figures = _n("{number:,} figure compared", "{number:,} figures compared", one.figures)
        yield f"{one.source}: {figures}, {state}{f' ({one.note})' if one.note else ''}"
    differences = [difference for one in done for difference in one.differences]
    if differences:
        yield fitted(
            ("source", "campaign", "day", "what", "archive", "other"),
            [_cells(one) for one in differences[:MOST_SHOWN]],
            right=("archive", "other"),
        )
    if len(differences) > MOST_SHOWN:
        yield _("and {what:,} more; --json has them all", what=len(differences) - MOST_SHOWN)


def _cells(one: Difference) -> list[str]:
    return [one.source, one.campaign, one.day, one.what, one.archive, one.other]
