"""`dialer recordings sample`: recordings drawn by lot, on a sheet to be filled in."""

from __future__ import annotations

import os
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from dialer.cli.base.arguments import LATEST, campaign_option
from dialer.cli.base.failures import CliExit, Failure
from dialer.cli.base.help import examples
from dialer.cli.base.invocation import Invocation, now
from dialer.cli.base.output import Answer, answering, table, when
from dialer.cli.recordings.chosen import Chosen, folder_of
from dialer.language.translation import _, _n

if TYPE_CHECKING:
    from config.recordings.scoring import ScoringSheet
    from dialer.disk.recordings.index import Row

LAST_WEEK: Final = "last"


@click.command()
@examples("dialer recordings sample --per-agent 5 --week 2026-W48 --to week-48.toml")
@click.option(
    "--per-agent", type=click.IntRange(1, 100), default=5, show_default=True, help="Recordings of each agent."
)
@click.option(
    "--week",
    is_flag=False,
    flag_value=LAST_WEEK,
    default=LAST_WEEK,
    metavar="YYYY-Www",
    help="The week, such as 2026-W48. [default: the last whole one]",
)
@campaign_option
@click.option("--shortest", type=click.FloatRange(0.0), default=10.0, show_default=True, help="Seconds at least.")
@click.option("--to", "target", type=click.Path(dir_okay=False, path_type=Path), help="Write a sheet to be filled in.")
@click.option(
    "--sheet",
    "sheet_file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="What is marked. [default: /etc/dialer/scoring.toml, else the shipped one]",
)
@answering
def sample(
    invocation: Invocation,
    per_agent: int,
    week: str,
    campaign: str,
    shortest: float,
    target: Path | None,
    sheet_file: Path | None,
) -> Answer:
    """Draw recordings of each agent by lot, and write a sheet on which somebody marks them.

    The lot follows from the week and the attempt, so nobody can choose it, and drawing again gives the same. Fill the
    sheet in with any editor, then: dialer recordings score FILE.
    """
    from dialer.core.quality import drawn
    from dialer.operating.recordings import sheet_of

    name, monday = _monday(week)
    since = datetime.combine(monday, datetime.min.time()).timestamp()
    until = datetime.combine(monday + timedelta(7), datetime.min.time()).timestamp()
    rows = Chosen(since, min(until, LATEST), campaign).rows(folder_of(invocation))
    lots = [(row.agent, row.attempt, row) for row in rows if row.duration_s >= shortest and row.at < until]
    picked = drawn(lots, per_agent, name)
    if not picked:
        raise Failure(
            CliExit.NOT_FOUND,
            _("there is no recording of at least {shortest:g} s of week {name} here", shortest=shortest, name=name),
        )
    chosen = [row for of_agent in picked.values() for row in of_agent]
    if target is not None:
        _write(target, _filled(sheet_of(sheet_file), chosen, name, invocation.who))
    data = [{"agent": row.agent, "attempt": row.attempt, "at": row.at, "duration_s": row.duration_s} for row in chosen]
    cells = [(row.agent, row.attempt, when(row.at), f"{row.duration_s:.0f} s") for row in chosen]
    note = (
        _("Mark them in {target}, then: dialer recordings score {target}", target=target)
        if target
        else _("For a sheet: --to FILE")
    )
    page = [
        _(
            "Week {name}: {recordings} of {agents}",
            name=name,
            recordings=_n("{number:,} recording", "{number:,} recordings", len(chosen)),
            agents=_n("{number:,} agent", "{number:,} agents", len(picked)),
        )
    ]
    drawn_table = table(("agent", "attempt", "when", "length"), cells, right=("length",), whole=("attempt",))
    return Answer({"week": name, "recordings": data}, [*page, drawn_table], note)


def _monday(week: str) -> tuple[str, date]:
    """The week's name and its first day, by this machine's clock."""
    try:
        if week == LAST_WEEK:
            monday = date.fromtimestamp(now()) - timedelta(7)
            monday -= timedelta(monday.weekday())
        else:
            monday = datetime.strptime(f"{week}-1", "%G-W%V-%u").date()
    except ValueError:
        raise click.UsageError(_("--week {week!r}: give a week such as 2026-W48", week=week)) from None
    return f"{monday:%G-W%V}", monday


def _filled(sheet: ScoringSheet, rows: list[Row], week: str, who: str) -> str:
    """The sheet to be filled in, as TOML."""
    from dialer.cli.recordings.recordings import length

    lines = [
        f"# Recordings of week {week}, drawn by lot for {who}. Listen to each (dialer recordings play ATTEMPT), put",
        "# points in place of -1 and your name into by. What you leave at -1 throughout is not scored.",
        "",
        "[sheet]",
        f"name = {_text(sheet.name)}",
    ]
    for item in sheet.items:
        lines += [
            "",
            "[[sheet.items]]",
            f"name = {_text(item.name)}",
            f"text = {_text(item.text)}",
            f"most = {item.most}",
        ]
    for row in rows:
        lines += [
            "",
            "[[recording]]",
            f"attempt = {_text(row.attempt)}",
            f"agent = {_text(row.agent)}",
            f"campaign = {_text(row.campaign)}",
            f"at = {_text(when(row.at))}",
            f"length = {_text(length(row.duration_s))}",
            'by = ""',
            'note = ""',
            "",
            "[recording.marks]",
            *(f"{item.name} = -1 # 0 to {item.most}: {' '.join(item.text.split())}" for item in sheet.items),
        ]
    return "\n".join([*lines, ""])


def _text(value: Any) -> str:
    import json

    return json.dumps(str(value), ensure_ascii=False)


def _write(path: Path, text: str) -> None:
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise Failure(CliExit.REFUSED, _("{path} is there already: somebody may have marked it", path=path)) from None
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
