"""`dialer crm tail`: what passes through the CRM's streams, live."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable
from dataclasses import asdict
from typing import Any, Final

import click
from rich.text import Text

from dialer.cli.base.arguments import campaign_option, crm_option
from dialer.cli.base.help import examples
from dialer.cli.base.invocation import Invocation, json_option, pass_invocation
from dialer.cli.base.output import show
from dialer.operating.text import clean, escaped
from dialer.store.crm import passing
from dialer.store.crm.passing import Passing

LOOK_EVERY_S: Final = 0.2
STYLES: Final = {
    "disposition": "bold",
    "connected": "green",
    "abandoned": "red",
    "refused": "yellow",
    "agent_event_refused": "yellow",
    "rejected": "yellow",
    "stray_leads": "bold red",
    "unreadable": "yellow",
}
FIRST: Final = ("campaign", "lead_id", "agent", "disposition", "state", "outcome", "phone", "reasons", "reason", "ref")
"""What a line shows of an event, in this order, as far as it has it."""


@click.command(short_help="Show what passes, live and masked.")
@examples("dialer crm tail --campaign spring-sale", "dialer crm tail --type refused --json")
@campaign_option
@crm_option
@click.option("--type", "kinds", multiple=True, metavar="TYPE", help="Only events of this type; may be repeated.")
@click.option("--last", type=click.IntRange(0, 1000), default=10, show_default=True, help="Begin with so many of each.")
@click.option("--incoming", is_flag=True, help="Also what the CRM and desktops write, as far as it is still there.")
@click.option("--once", is_flag=True, help="End after what is there, instead of waiting for more.")
@json_option
@pass_invocation
def tail(
    invocation: Invocation,
    campaign: str,
    crm: str | None,
    kinds: tuple[str, ...],
    last: int,
    incoming: bool,
    once: bool,
    as_json: bool,
) -> None:
    """Show what passes through dialer:crm:out and dialer:crm:live, or through those of one CRM, numbers masked. It
    takes nothing from any reader. Ctrl-C ends it."""

    def wanted(row: Passing) -> bool:
        return (not kinds or row.kind in kinds) and (not campaign or row.data.get("campaign") == campaign)

    with invocation.store() as store:
        keys = passing.streams(store, incoming=incoming, crm=crm)
        rows, cursors = passing.newest(store, keys, last)
        while True:
            _print(filter(wanted, rows), as_json)
            if once:
                return
            time.sleep(LOOK_EVERY_S)
            rows, cursors = passing.after(store, keys, cursors)


def _print(rows: Iterable[Passing], as_json: bool) -> None:
    for row in rows:
        if as_json:
            click.echo(escaped(json.dumps(asdict(row), ensure_ascii=False, default=str)))
        else:
            show(_line(row))


def _line(row: Passing) -> Text:
    """One event in a line or two: when, what, and what it is about."""
    line = Text()
    line.append(time.strftime("%H:%M:%S  ", time.localtime(row.at)), "dim")
    line.append(f"{row.kind:<19} ", STYLES.get(row.kind, ""))
    words = [_word(row.data[name]) for name in FIRST if row.data.get(name) not in (None, "", [])]
    line.append(clean("  ".join(words)))
    return line


def _word(value: Any) -> str:
    return "; ".join(map(str, value)) if isinstance(value, list) else str(value)
