"""`dialer status`, `dialer watch` and `dialer agents`: the board, once and live, and the agents."""

from __future__ import annotations

import json
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import click
from rich.text import Text

from dialer.cli.base.failures import CliExit
from dialer.cli.base.figures import agent_state_text
from dialer.cli.base.help import examples
from dialer.cli.base.invocation import Invocation, json_option, now, pass_invocation
from dialer.cli.base.output import Answer, answering, console, page_width, show, table
from dialer.cli.live.board import render
from dialer.core.agents.agent import AgentState
from dialer.language.translation import _, word
from dialer.operating import hosts
from dialer.operating.desk import Desk
from dialer.operating.figures import duration
from dialer.operating.hosts import Hosts
from dialer.operating.text import escaped
from dialer.store.base.connection import Store
from dialer.store.base.errors import StoreUnavailable
from dialer.store.operators import agents as store_agents
from dialer.store.operators import campaigns

STATES = [state.value for state in AgentState if state is not AgentState.OFFLINE]


@click.command()
@examples("dialer status", "dialer status --json | jq '.hosts[].lines_used'")
@answering
def status(invocation: Invocation) -> Answer:
    """Show once what all daemons are doing. The exit code is 9 if no daemon is alive."""
    with invocation.store() as store:
        daemons = hosts.read(store)
    boards = [{**board.to_wire(), "utilisation": board.utilisation} for board in daemons.boards]
    return Answer(
        {"at": now(), "hosts": boards, "unreadable_hosts": daemons.unreadable},
        render(daemons.boards, now(), page_width()),
        note=_("Warning: {warning}", warning=daemons.notice) if daemons.notice else "",
        code=0 if daemons.alive else CliExit.NO_DAEMON,
    )


@click.command()
@examples("dialer watch", "dialer watch --interval 60 >> board.log")
@click.option(
    "--interval", type=click.FloatRange(0.2, 60), default=1.0, show_default=True, help="Seconds between looks."
)
@click.option("--count", type=click.IntRange(1), help="Stop after this many looks. [default: when interrupted]")
@click.option(
    "--phone", metavar="SIP-URI", default="", help="Your phone, which the key `m` rings to listen to an agent."
)
@json_option
@pass_invocation
def watch(invocation: Invocation, interval: float, count: int | None, phone: str, as_json: bool) -> None:
    """Show the live board: campaigns, agents, lines. Keys sort, filter and open them, pause a campaign or an agent, log
    an agent out, listen to an agent; they stand in the last line. `q` or Ctrl-C ends it.

    Without a terminal, one board after the other is printed as plain text, or with --json as one object a line.
    """
    with invocation.desk() as desk, stopped_by_signals() as stop:
        if console().is_terminal and count is None and not as_json:
            _open_board(desk, interval, phone)
            return
        for daemons, notice in _looks(desk.store, stop, interval, count):
            if as_json:
                line = {"at": now(), "notice": notice, "hosts": [board.to_wire() for board in daemons.boards]}
                click.echo(escaped(json.dumps(line, ensure_ascii=False)))
            else:
                show(render(daemons.boards, now(), 120, notice=notice))
                click.echo()


def _open_board(desk: Desk, interval: float, phone: str) -> None:
    # Not for whoever prints one board.
    from dialer.cli.live.floor_app import FloorApp
    from dialer.cli.live.floor_orders import orders

    FloorApp(lambda: hosts.read(desk.store), interval, desk.settings.agents, orders(desk, phone)).run()


@click.command()
@examples("dialer agents --state ready --state paused")
@click.option("--state", type=click.Choice(STATES), multiple=True, help="Only agents in this state; repeatable.")
@click.option("--campaign", metavar="NAME", help="Only agents who are logged in to this campaign.")
@answering
def agents(invocation: Invocation, state: tuple[str, ...], campaign: str | None) -> Answer:
    """List the agents who are logged in: state, since when, why, campaigns, and the host they belong to."""
    with invocation.store() as store:
        if campaign is not None:
            campaigns.get(store, campaign)  # a mistyped name would look like an empty floor
        rows = [
            row
            for row in store_agents.listing(store)
            if (not state or row.state in state) and (campaign is None or campaign in row.campaigns)
        ]
    if not rows:
        return Answer(rows, _("No such agent is logged in.") if state or campaign else _("No agent is logged in."))
    moment, drawn = now(), []
    for row in rows:
        name, state_of = Text(row.agent, "bold"), agent_state_text(row.state)
        host = row.owner.rsplit(":", 1)[0]  # behind it stands which run of the daemon; --json has that
        drawn.append((name, state_of, duration(moment - row.since), word(row.reason), ", ".join(row.campaigns), host))
    return Answer(rows, table(("agent", "state", "for", "reason", "campaigns", "host"), drawn))


def _looks(store: Store, stop: threading.Event, interval: float, count: int | None) -> Iterator[tuple[Hosts, str]]:
    """What the daemons say, every `interval` seconds; the last known with a notice while Redis is away."""
    daemons, looked = Hosts((), ()), 0
    while not stop.is_set():
        try:
            daemons = hosts.read(store)
            notice = daemons.notice
        except StoreUnavailable as error:
            notice = _("Redis does not answer ({error}); trying again", error=str(error))
        yield daemons, notice
        looked += 1
        if looked == count or stop.wait(interval):
            return


@contextmanager
def stopped_by_signals() -> Iterator[threading.Event]:
    """An event that Ctrl-C and SIGTERM set instead of ending the process in the middle of a line."""
    stop = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield stop
        return
    before = {number: signal.signal(number, lambda *_: stop.set()) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
