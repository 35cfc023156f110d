"""`dialer status` and `dialer watch`: the board, once and live."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import click
from rich.live import Live

from dialer.cli.base import hosts
from dialer.cli.base.failures import CliExit
from dialer.cli.base.hosts import Hosts
from dialer.cli.base.invocation import Invocation, now, pass_invocation
from dialer.cli.base.output import Answer, answering, console, page_width, show
from dialer.cli.live.board import render
from dialer.store.base.connection import Store
from dialer.store.base.errors import StoreUnavailable


@click.command()
@answering
def status(invocation: Invocation) -> Answer:
    """Show once what all daemons are doing. The exit code is 9 if no daemon is alive.

    \b
    Example:
      dialer status
      dialer status --json | jq '.hosts[].lines_used'
    """
    with invocation.store() as store:
        daemons = hosts.read(store)
    boards = [{**board.to_wire(), "utilisation": board.utilisation} for board in daemons.boards]
    return Answer(
        {"at": now(), "hosts": boards, "unreadable_hosts": daemons.unreadable},
        render(daemons.boards, now(), page_width()),
        note=f"Warning: {daemons.notice}" if daemons.notice else "",
        code=0 if daemons.alive else CliExit.NO_DAEMON,
    )


@click.command()
@click.option(
    "--interval", type=click.FloatRange(0.2, 60), default=1.0, show_default=True, help="Seconds between looks."
)
@click.option("--count", type=click.IntRange(1), help="Stop after this many looks. [default: when interrupted]")
@pass_invocation
def watch(invocation: Invocation, interval: float, count: int | None) -> None:
    """Show the live board until Ctrl-C. Without a terminal, one board after the other is printed as plain text.

    \b
    Example:
      dialer watch
      dialer watch --interval 60 >> board.log
    """
    with invocation.store() as store, _stopped_by_signals() as stop:
        looks = _looks(store, stop, interval, count)
        if not console().is_terminal:
            for daemons, notice in looks:
                show(render(daemons.boards, now(), 120, notice=notice))
                click.echo()
            return
        with Live(console=console(), screen=True, auto_refresh=False) as live:
            for daemons, notice in looks:
                size = live.console.size
                live.update(render(daemons.boards, now(), size.width, size.height, notice=notice), refresh=True)


def _looks(store: Store, stop: threading.Event, interval: float, count: int | None) -> Iterator[tuple[Hosts, str]]:
    """What the daemons say, every `interval` seconds; the last known with a notice while Redis is away."""
    daemons, looked = Hosts((), ()), 0
    while not stop.is_set():
        try:
            daemons = hosts.read(store)
            notice = daemons.notice
        except StoreUnavailable as error:
            notice = f"Redis does not answer ({error}); trying again"
        yield daemons, notice
        looked += 1
        if looked == count or stop.wait(interval):
            return


@contextmanager
def _stopped_by_signals() -> Iterator[threading.Event]:
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
