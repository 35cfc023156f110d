"""`dialer call list` and `dialer call hangup`: the calls on the line."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any, Final, Literal

import click
from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from dialer.cli.base.failures import CliExit, Failure, did_you_mean
from dialer.cli.base.groups import NearGroup
from dialer.cli.base.help import examples
from dialer.cli.base.invocation import Invocation, json_option, now, pass_invocation
from dialer.cli.base.output import Answer, answering, console, show_json, show_page
from dialer.cli.live.status import stopped_by_signals
from dialer.core.board import CallRow
from dialer.core.calls.call import CallState
from dialer.language.translation import _, _n, word
from dialer.operating.desk import Missing
from dialer.operating.figures import ACCENT, GOOD, WARN
from dialer.operating.floor_orders import hang_up
from dialer.operating.text import escaped
from dialer.store.base.connection import Store
from dialer.store.operators import calls, status

STATES: Final = [state.value for state in CallState]
LOOK_EVERY_S: Final = 1.0
CALLS_US: Final = "←"
WIDE: Final = 100
"""Columns from which there is room for campaign and host."""

BESIDES_ROWS: Final = 3
"""Lines of a live page that hold no call."""

GLYPHS: Final = {
    CallState.TALKING.value: ("●", GOOD),
    CallState.CONNECTING.value: ("◉", ACCENT),
    CallState.WAITING.value: ("◍", WARN),
    CallState.MESSAGE.value: ("▷", WARN),
    CallState.RINGING.value: ("○", "bold"),
}


@click.group(cls=NearGroup)
def call() -> None:
    """List the calls on the line, or hang one up."""


@call.command("list")
@examples(
    "dialer call list --state talking --live",
    "dialer call list --json | jq '.calls[] | select(.age_s > 600) | .attempt_id'",
)
@click.option("--state", type=click.Choice(STATES), multiple=True, help="Only calls in this state; repeatable.")
@click.option("--campaign", metavar="NAME", help="Only calls of this campaign.")
@click.option("--agent", metavar="AGENT", help="Only the calls of this agent.")
@click.option("--live", is_flag=True, help="Look again every second until Ctrl-C; with --json one object a line.")
@json_option
@click.pass_context
@pass_invocation
def list_(invocation: Invocation, ctx: click.Context, /, live: bool, as_json: bool, **filters: Any) -> None:
    """List the calls on the line, the oldest first: state, age, talk, masked number, agent, trunk. Daemons say them
    once a second. An arrow behind the number: they have called us. The exit code is 9 if no daemon is alive."""
    with invocation.store() as store:
        if live:
            _look_again(store, filters, as_json=as_json)
            return
        alive, answer = bool(status.read(store)), _said(store, **filters)
    if as_json:
        show_json(answer)
    else:
        show_page(_page(answer["calls"]))
    if not alive:
        ctx.exit(CliExit.NO_DAEMON)


@call.command()
@examples("dialer call hangup 19a2f3c41d0-7b1e-000042")
@click.argument("attempt_id", metavar="ID")
@answering
def hangup(invocation: Invocation, attempt_id: str) -> Answer:
    """Hang up one call, whoever is in it: CANCEL before the answer, BYE after it. Its attempt ends with cause
    `operator`; who was waiting for an agent counts as abandoned. The audit trail has your name."""
    with invocation.desk() as desk:
        try:
            host, row = hang_up(desk, attempt_id, now())
        except Missing as missing:
            hints = (*did_you_mean(attempt_id, missing.reasons), _("See the calls with: dialer call list"))
            raise Failure(CliExit.NOT_FOUND, str(missing), *hints) from missing
    facts = {"host": host, "phone": row.phone, "state": word(row.state), "agent": row.agent}
    if row.agent:
        page = _(
            "{host} hangs up the call to {phone} with agent {agent}, which was {state}. See it end with: "
            "dialer call list --live",
            **facts,
        )
    else:
        page = _(
            "{host} hangs up the call to {phone}, which was {state}. See it end with: dialer call list --live", **facts
        )
    return Answer({"attempt_id": attempt_id, "host": host, "state": row.state, "agent": row.agent}, page)


def _said(store: Store, *, state: tuple[str, ...], campaign: str | None, agent: str | None) -> dict[str, Any]:
    """What `--json` prints."""
    moment, lines = now(), calls.read(store)
    rows = [
        _with_ages(host, row, moment)
        for host, row in lines.rows
        if (not state or row.state in state) and campaign in {None, row.campaign} and agent in {None, row.agent}
    ]
    there = {row["attempt_id"] for row in rows}
    parties = [{**asdict(row), "host": host} for host, row in lines.parties if row.attempt_id in there]
    return {"at": moment, "calls": rows, "parties": parties, "unreadable_hosts": lines.unreadable}


def _with_ages(host: str, row: CallRow, moment: float) -> dict[str, Any]:
    talk_s = None if row.bridged_at is None else round(max(0.0, moment - row.bridged_at), 1)
    return {**asdict(row), "age_s": round(max(0.0, moment - row.started_at), 1), "talk_s": talk_s, "host": host}


def _page(rows: Sequence[dict[str, Any]], most: int = 0) -> list[RenderableType]:
    if not rows:
        return [_("No call is on the line.")]
    shown = rows[: most or len(rows)]
    wide = console().width >= WIDE or len({row["host"] for row in rows}) > 1
    drawn = Table(box=None, pad_edge=False, padding=(0, 1, 0, 0), header_style="dim")
    for head in ("state", "age", "talk", "number", "agent", "trunk", *(("campaign", "host") if wide else ()), "id"):
        is_figure = head in {"age", "talk"}
        cut: Literal["ellipsis", "fold"] = "ellipsis" if head in {"agent", "trunk", "campaign", "host"} else "fold"
        drawn.add_column(word(head), justify="right" if is_figure else "left", no_wrap=True, overflow=cut)
    for row in shown:
        glyph, style = GLYPHS.get(row["state"], ("·", ""))
        cells = [
            Text(f"{glyph} {word(row['state'])}", style),
            _clock(row["age_s"]),
            _clock(row["talk_s"]),
            f"{row['phone']} {CALLS_US}" if row["inbound"] else row["phone"],
        ]
        cells += [row["agent"], row["trunk"], *((row["campaign"], row["host"]) if wide else ()), row["attempt_id"]]
        drawn.add_row(*cells)
    calls_shown = _n("{number:,} call", "{number:,} calls", len(rows))
    if len(shown) < len(rows):
        calls_shown = _("{calls}, the oldest {shown}", calls=calls_shown, shown=len(shown))
    return [drawn, Text(calls_shown, "dim")]


def _clock(seconds: float | None) -> str:
    """`0:05`, `1:02:30`; empty for None."""
    if seconds is None:
        return ""
    minutes, rest = divmod(int(seconds), 60)
    return f"{minutes // 60}:{minutes % 60:02}:{rest:02}" if minutes >= 60 else f"{minutes}:{rest:02}"


def _look_again(store: Store, filters: dict[str, Any], *, as_json: bool) -> None:
    with stopped_by_signals() as stop:
        if as_json or not console().is_terminal:
            while not stop.is_set():
                answer = _said(store, **filters)
                if as_json:
                    click.echo(escaped(json.dumps(answer, ensure_ascii=False)))
                else:
                    show_page(_page(answer["calls"]))
                stop.wait(LOOK_EVERY_S)
            return
        from rich.console import Group
        from rich.live import Live  # not for whoever looks once

        with Live(console=console(), screen=True, auto_refresh=False) as screen:
            while not stop.is_set():
                height = max(1, screen.console.size.height - BESIDES_ROWS)
                screen.update(Group(*_page(_said(store, **filters)["calls"], height)), refresh=True)
                stop.wait(LOOK_EVERY_S)
