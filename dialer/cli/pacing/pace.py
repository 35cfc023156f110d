"""`dialer pace`: why the pacer dials what it dials, and the pacer by itself as a filter for other dialers."""

from __future__ import annotations

import json
import os
import sys
from collections import deque
from collections.abc import Iterable, Iterator
from typing import BinaryIO, Final

import click

from dialer.cli.base.arguments import campaign_argument
from dialer.cli.base.failures import CliExit, Failure
from dialer.cli.base.groups import NearGroup
from dialer.cli.base.help import examples
from dialer.cli.base.invocation import Invocation, json_option, now, pass_invocation
from dialer.language.decisions import sentence
from dialer.language.translation import _
from dialer.shell.exits import Exit
from pacing.api import Mode, Observation, Pacer, Settings, Snapshot
from pacing.replay import LINE_MOST_BYTES, BadLine, Past, parse, read, read_config

OBSERVATIONS_KEPT: Final = 100_000
"""Events between two ticks. The pacer remembers at most 5,000 of a kind: what falls out has no weight any more."""


@click.group(cls=NearGroup)
@examples("dialer pace explain spring-sale", "dialer pace stdio < replay.jsonl")
def pace() -> None:
    """Ask the pacer why it dials what it dials, or use it without the daemon."""


@pace.command()
@examples("dialer pace explain spring-sale", "dialer pace explain spring-sale --json | jq '.hosts[].learnt.talk.p50_s'")
@campaign_argument
@json_option
@pass_invocation
@click.pass_context
def explain(ctx: click.Context, invocation: Invocation, campaign: str, as_json: bool) -> None:
    """Show what the pacer of a campaign has learnt, and why it dials what it dials now.

    For each host: its last decision and what holds it down, how often, how soon and at what hour calls are answered,
    how long talks and wrap-ups last, the tolerated risk, and how much of the abandonment budget is left. What was
    learnt is as of the last minute. The exit code is 9 if no daemon is alive; what was learnt before is shown then.
    """
    # `stdio` is a filter that others start: it should not pay for Redis and for drawing.
    from dialer.cli.base.output import page_width, show, show_json
    from dialer.cli.pacing.explanation_page import page
    from dialer.operating import explanation, hosts

    with invocation.desk() as desk:
        daemons = hosts.read(desk.store)
        explained = explanation.explain(desk, campaign, daemons, now())
    if as_json:
        show_json(explanation.as_json(explained, now()))
    else:
        show(page(explained, now(), page_width()))
    if not daemons.alive:
        ctx.exit(CliExit.NO_DAEMON)


@pace.command()
@examples("dialer pace stdio < replay.jsonl > answers.jsonl")
def stdio() -> None:
    """Read what happened as JSON lines, answer each tick with how many calls to start.

    The first line is the configuration, then come events and ticks in order of time. Each tick gets one line,
    {"t":..,"dial":n,"reason":".."}, at once; events get none. It ends with 0 at the end of the input or when nobody
    reads the answers any more, and with 2 at the first line that is not understood. docs/pacing.md describes all lines
    and has an example.
    """
    # Either is None where the shell closed it.
    if sys.stdin is None or sys.stdout is None:
        return
    try:
        for answer in answers(_lines(sys.stdin.buffer)):
            click.echo(answer)  # flushes
    except BrokenPipeError:
        # Python flushes standard output once more at its end, and would complain then.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def answers(lines: Iterable[bytes]) -> Iterator[str]:
    """The answer to each tick, as JSON, as soon as the tick is read. Raises `Failure` with the number of a bad line."""
    pacer: Pacer | None = None
    past = Past(0)
    observations: deque[Observation] = deque(maxlen=OBSERVATIONS_KEPT)
    for number, line in enumerate(lines, 1):
        try:
            if pacer is None:
                settings, past = read_config(parse(line))
                pacer = _make(settings)
                continue
            past, event = read(parse(line), past)
        except BadLine as bad:
            raise Failure(Exit.CONFIG, _("line {number}: {bad}", number=number, bad=bad)) from None
        if isinstance(event, Snapshot):
            decision = pacer.step(tuple(observations), event)
            observations.clear()
            answer = {"t": past.t, "dial": decision.dial, "reason": sentence(decision)}
            yield json.dumps(answer, separators=(",", ":"))
        elif event is not None:
            observations.append(event)


def _make(settings: Settings) -> Pacer:
    """The daemon's pacer, compiled and ready, so that no tick has to wait for that."""
    # These bring numba along; a first line that is no configuration should not pay for it.
    from pacing.policies import make
    from pacing.warmup import warm_up

    if settings.mode is Mode.PREDICTIVE:
        warm_up()
    return make(settings)


def _lines(stream: BinaryIO) -> Iterator[bytes]:
    """Line by line as they come; of one that is too long, enough to see that."""
    while line := stream.readline(LINE_MOST_BYTES + 2):
        yield line
