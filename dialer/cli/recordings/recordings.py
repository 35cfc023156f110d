"""`dialer recordings`: what this host has recorded."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from dialer.cli.base.arguments import limit_option, more_than
from dialer.cli.base.groups import NearGroup
from dialer.cli.base.help import examples
from dialer.cli.base.invocation import Invocation
from dialer.cli.base.output import Answer, answering, fitted, when
from dialer.cli.recordings.checking import verify
from dialer.cli.recordings.chosen import Chosen, chosen_options, folder_of
from dialer.cli.recordings.deleting import purge
from dialer.cli.recordings.listening import export, play
from dialer.cli.recordings.sampling import sample
from dialer.cli.recordings.scoring import score, scores
from dialer.language.translation import _

if TYPE_CHECKING:
    from dialer.disk.recordings.index import Row


@click.group(cls=NearGroup)
@examples("sudo -u dialer dialer recordings list --agent 17 --since 7d")
def recordings() -> None:
    """Recordings of talks, on the host that made them: list, play, sample, check, delete.

    They are files of the daemon's user, so run these commands as that one, on that host.
    """


@recordings.command("list")
@examples("dialer recordings list --campaign spring-sale --since 2026-11-30")
@chosen_options
@limit_option(200)
@answering
def list_(invocation: Invocation, chosen: Chosen, limit: int) -> Answer:
    """List recordings, the newest first.

    `lacks` is how much of a talk never came to the disk; a pause is no lack.
    """
    rows = chosen.rows(folder_of(invocation))[::-1]
    shown = rows[:limit]
    heads = ("when", "length", "agent", "attempt", "campaign", "callee", "paused", "lacks")
    drawn = fitted(
        heads,
        [_cells(row) for row in shown],
        right=("length", "paused", "lacks"),
        optional=("paused", "callee", "campaign", "lacks"),
    )
    page = drawn if shown else _("There is no such recording here.")
    return Answer([_as_json(row) for row in shown], page, more_than(limit) if len(rows) > limit else "")


def _cells(row: Row) -> tuple[str, ...]:
    lacks = length(row.missing_s) if row.missing_s else ""
    paused = length(row.paused_s) if row.paused_s else ""
    return when(row.at), length(row.duration_s), row.agent, row.attempt, row.campaign, row.phone, paused, lacks


def length(seconds: float) -> str:
    """`1:05`, `1:02:03`."""
    whole = round(seconds)
    hours, rest = divmod(whole, 3600)
    return f"{hours}:{rest // 60:02}:{rest % 60:02}" if hours else f"{rest // 60}:{rest % 60:02}"


def _as_json(row: Row) -> dict[str, Any]:
    kept = {name: getattr(row, name) for name in row.__struct_fields__ if name not in ("number", "customer")}
    return {**kept, "day": row.day.isoformat()}


for _command in (play, export, purge, verify, sample, score, scores):
    recordings.add_command(_command)
