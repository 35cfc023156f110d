"""`dialer edge`: the files of Kamailio and rtpengine, made from the settings."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from dialer.cli.base.failures import CliExit, Failure, warn
from dialer.cli.base.groups import NearGroup
from dialer.cli.base.help import examples
from dialer.cli.base.invocation import Invocation, pass_invocation

if TYPE_CHECKING:
    from sip.edge.plan import Edge, File

_INTO = click.option(
    "--into",
    type=click.Path(file_okay=False, path_type=Path),
    required=True,
    help="Folder for the files; Kamailio and rtpengine read them there.",
)


@click.group(cls=NearGroup)
@examples(
    "dialer edge render --into /etc/dialer/edge",
    "systemctl restart rtpengine-daemon kamailio",
    "dialer edge apply --into /etc/dialer/edge     # after each change of dialer.toml",
)
def edge() -> None:
    """Kamailio and rtpengine between the workers and the carriers."""


@edge.command()
@examples(
    "install -d -m 2755 -g kamailio /etc/dialer/edge",
    "dialer edge render --into /etc/dialer/edge",
    "dialer edge render --into /etc/dialer/edge --check",
)
@_INTO
@click.option(
    "--check", is_flag=True, help="Write nothing; say whether the files are current. The exit code is 7 if not."
)
@pass_invocation
def render(invocation: Invocation, into: Path, check: bool) -> None:
    """Write the files of Kamailio and rtpengine.

    Kamailio checks them first, where it is installed; what it does not take is not written. Files that are current
    stay untouched. Files with passwords are for their owner and group alone: let the folder belong to Kamailio's
    group and be setgid.
    """
    from dialer.shell.edge.files import is_current, write

    folder = into.absolute()
    with _failures():
        _, files = _wanted(invocation, folder)
        stale = [file for file in files if not is_current(folder, file)]
        if check:
            if stale:
                names = ", ".join(file.name for file in stale)
                raise Failure(CliExit.REFUSED, f"not current in {folder}: {names}", "Run it without --check.")
            click.echo(f"All {len(files)} files in {folder} are current.")
            return
        _check(files)
        for file in stale:
            write(folder, file)
            click.echo(f"wrote {folder / file.name}")
    if stale:
        click.echo("Now: systemctl restart rtpengine-daemon kamailio, and dialer where trunks changed.")
    else:
        click.echo(f"All {len(files)} files in {folder} are current.")


@edge.command()
@examples("dialer edge apply --into /etc/dialer/edge", "dialer edge apply --into /etc/dialer/edge --restart")
@_INTO
@click.option("--restart", is_flag=True, help="Restart kamailio and rtpengine-daemon where the change needs it.")
@pass_invocation
def apply(invocation: Invocation, into: Path, restart: bool) -> None:
    """Write the files, and have Kamailio and rtpengine take them up.

    Kamailio checks them first; what it does not take is not written, and the old files stay in use. Changes of the
    carriers' addresses, of registrations, phones and certificates cost nothing. All others need a restart: without
    --restart nothing is written then, and the exit code is 7. Should the new files not be taken up, the old ones come
    back. The daemon itself reads trunks at its start only: systemctl restart dialer.

    \b
    What a restart costs:
      kamailio          talks go on; calls that are just ringing are lost, and none is placed for a second or two
      rtpengine-daemon  every talk loses its audio
    """
    from dialer.shell.edge import apply as applying

    folder = into.absolute()
    with _failures():
        plan, files = _wanted(invocation, folder)
        wanted = applying.change(folder, files)
        if not wanted.stale:
            click.echo(f"All {len(files)} files in {folder} are current.")
            return
        _check(files)
        names = ", ".join(file.name for file in wanted.stale)
        if wanted.restarts and not restart:
            costs = [f"restart of {unit}: {applying.COSTS[unit]}" for unit in wanted.restarts]
            raise Failure(
                CliExit.REFUSED,
                f"{names}: the change needs a restart; nothing was written, the old files stay in use",
                *costs,
                f"When that may be: dialer edge apply --into {into} --restart",
            )
        applying.apply(plan, wanted)
    click.echo(f"wrote {names} in {folder}")
    for unit in wanted.restarts:
        click.echo(f"restarted {unit}")
    for command in wanted.reloads:
        click.echo(f"Kamailio did {' '.join(command)}")


def _wanted(invocation: Invocation, folder: Path) -> tuple[Edge, tuple[File, ...]]:
    from dialer.shell.edge.files import rendered
    from dialer.shell.edge.plan import plan

    made = plan(invocation.effective().settings, folder)
    return made, rendered(made)


def _check(files: tuple[File, ...]) -> None:
    from dialer.shell.edge.files import check_with_kamailio

    if not check_with_kamailio(files):
        warn("kamailio is not installed here: the files were not checked")


@contextmanager
def _failures() -> Iterator[None]:
    from dialer.shell.edge.plan import EdgeError

    try:
        yield
    except EdgeError as error:
        message, *hints = error.args
        raise Failure(CliExit.REFUSED, message, *hints) from error
