"""`dialer web`: the console in the browser, and who may sign in there."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from dialer.cli.base.failures import CliExit, Failure, did_you_mean
from dialer.cli.base.groups import NearGroup
from dialer.cli.base.help import examples
from dialer.cli.base.invocation import Invocation, pass_invocation
from dialer.cli.base.output import Answer, answering, table
from dialer.language.translation import _
from dialer.shell.exits import Exit

if TYPE_CHECKING:  # a command that only prints its help need not load these
    from dialer.web.users import User

ROLES = ("wall", "supervisor", "manager", "auditor", "administrator")


@click.group(cls=NearGroup)
@examples("dialer web user add anna --role supervisor", "dialer web run      # then: http://127.0.0.1:8480")
def web() -> None:
    """The console in the browser: the floor live, campaigns, agents, leads, reports, recordings."""


@web.command()
@examples("dialer --config /etc/dialer/dialer.toml web run")
@pass_invocation
def run(invocation: Invocation) -> None:
    """Serve the console, in the foreground, until SIGTERM or Ctrl-C. Settings: web.*

    \b
    Exit codes:
      0  stopped in good order
      2  the settings have mistakes, or the port is taken
      3  Redis did not answer at the start
    """
    import trio

    from dialer.shell import logs
    from dialer.shell.watchdog import Notifier
    from dialer.web.office import opened
    from dialer.web.serve import serve

    settings = invocation.effective().settings
    logs.set_up(settings.log)
    with invocation.store() as store:
        office = opened(store, settings, invocation.catalogue)
        try:
            trio.run(serve, office, Notifier())
        except* OSError as errors:
            cause: BaseException = errors
            while isinstance(cause, BaseExceptionGroup):  # trio's nurseries are in each other
                cause = cause.exceptions[0]
            raise Failure(
                Exit.CONFIG, _("cannot listen on port {port}: {cause}", port=settings.web.port, cause=cause)
            ) from cause


@web.group(cls=NearGroup)
@examples("sudo -u dialer dialer web user add anna --role supervisor")
def user() -> None:
    """Who may sign in, and in which role. They are in one file of the console's user (web.users_file).

    \b
    Roles:
      wall           a screen on the wall: the floor in large letters, nothing else; signed in for a month
      supervisor     the floor; pauses agents, logs them out, hangs calls up; hears and marks recordings
      manager        that, and campaigns: start, pause, stop; leads and customers
      auditor        the floor, reports, the audit trail; no orders
      administrator  everything
    """


@user.command()
@examples(
    "dialer web user add anna --role supervisor", "pwgen 20 1 | tee tv.password | dialer web user add tv --role wall"
)
@click.argument("name")
@click.option("--role", required=True, type=click.Choice(ROLES), help="Whose work they do.")
@click.option("--no-password", is_flag=True, help="They sign in with the proxy in front (web.proxy_user_header).")
@answering
def add(invocation: Invocation, name: str, role: str, no_password: bool) -> Answer:
    """Add somebody, or give somebody another role or password; open sessions of theirs end.

    The password is asked for, or comes in on standard input, one line.
    """
    from dialer.web import users
    from dialer.web.access import WebRole

    if not users.NAME.fullmatch(name):
        raise click.UsageError(_("{name!r}: letters, digits and _ . @ - are a name, at most 64", name=name))
    path, known = _known(invocation)
    try:
        password = "" if no_password else users.hashed(_password())
    except ValueError as error:
        raise Failure(CliExit.REFUSED, str(error)) from error
    known[name] = users.User(WebRole(role), password)
    users.write(path, known)
    return Answer(
        {"name": name, "role": role, "password": not no_password},
        _("{name} may sign in as {role}.", name=name, role=role),
    )


def _password() -> str:
    if sys.stdin.isatty():
        return str(click.prompt("Password", hide_input=True, confirmation_prompt=True, err=True))
    return sys.stdin.readline().rstrip("\r\n")


@user.command()
@examples("dialer web user remove anna")
@click.argument("name")
@answering
def remove(invocation: Invocation, name: str) -> Answer:
    """Take somebody away; open sessions of theirs end."""
    from dialer.web import users

    path, known = _known(invocation)
    if known.pop(name, None) is None:
        raise Failure(CliExit.NOT_FOUND, _("there is no user {name!r}", name=name), *did_you_mean(name, tuple(known)))
    users.write(path, known)
    return Answer({"name": name}, _("{name} may not sign in any more.", name=name))


@user.command("list")
@examples("dialer web user list")
@answering
def list_(invocation: Invocation) -> Answer:
    """Show who may sign in."""
    known = _known(invocation)[1]
    data = [{"name": name, "role": one.role, "password": bool(one.password)} for name, one in sorted(known.items())]
    rows = [(name, one.role, "password" if one.password else "proxy") for name, one in sorted(known.items())]
    page = table(("name", "role", "signs in by"), rows) if rows else _("Nobody may sign in yet: dialer web user add")
    return Answer(data, page)


def _known(invocation: Invocation) -> tuple[Path, dict[str, User]]:
    from dialer.web import users

    path = Path(invocation.effective().settings.web.users_file)
    return path, users.read(path)
