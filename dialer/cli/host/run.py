"""`dialer run`: the daemon in the foreground."""

from __future__ import annotations

import click

from dialer.cli.base.invocation import Invocation, pass_invocation


@click.command()
@pass_invocation
@click.pass_context
def run(ctx: click.Context, invocation: Invocation) -> None:
    """Run the daemon on this machine, in the foreground.

    SIGTERM or Ctrl-C drains: no new calls, talks go on up to drain.talk_limit_s; a second one hangs up.

    \b
    Exit codes:
      0  drained
      1  crashed
      2  the settings have mistakes
      3  Redis did not answer at the start
      4  no SIP worker could be started, or they kept dying
      5  drained, but events wait on disk for Redis
     11  drained, but records were lost: neither Redis nor the disks took them

    \b
    Example:
      dialer --config /etc/dialer/dialer.toml run
    """
    settings = invocation.effective().settings
    # The daemon brings trio, numba and the SIP workers along; no other command should pay for them.
    from dialer.shell import daemon, logs

    logs.set_up(settings.log)
    ctx.exit(daemon.run(settings))
