"""`dialer redis-acl`: users for Redis, with what each may do."""

from __future__ import annotations

import hashlib
import os
import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import click

from config.campaign import NAME
from dialer.cli.base.arguments import crm_option
from dialer.cli.base.failures import CliExit, Failure, warn
from dialer.cli.base.help import examples
from dialer.cli.base.invocation import Invocation
from dialer.cli.base.output import Answer, answering
from dialer.store.operators.roles import OF_ONE_CRM, Role, rules_of

USERS: Final = {Role.DAEMON: "dialer", Role.CRM: "crm", Role.DESKTOP: "desktop"}
"""The names of users where none is given; else the role's."""

USER: Final = re.compile(r"[A-Za-z0-9_.@-]{1,64}")


@dataclass(frozen=True, slots=True)
class User:
    """A user of the server. `password_hash` is empty where somebody has to give a password yet."""

    name: str
    role: Role
    rules: Sequence[str]
    password_hash: str = ""

    @property
    def words(self) -> str:
        """As it stands in an ACL file behind `user`, and behind ACL SETUSER."""
        password = (f"#{self.password_hash}",) if self.password_hash else ()
        return " ".join((self.name, "reset", "on", *password, *self.rules))


@click.command("redis-acl")
@examples(
    "dialer redis-acl --passwords secrets > users.acl",
    "dialer redis-acl manager --user anna --passwords secrets --commands | redis-cli",
    "dialer redis-acl crm --user crm-house --campaign spring --campaign autumn",
    "dialer redis-acl crm --crm north --user crm-north",
)
@click.argument("roles", nargs=-1, type=click.Choice([role.value for role in Role]))
@click.option("--user", default="", help="The user's name, for one role. [default: by the role]")
@click.option("--campaign", "campaigns", multiple=True, metavar="NAME", help="A CRM adds leads to these only.")
@crm_option
@click.option(
    "--passwords",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="FOLDER",
    help="Make a password for each user, write it into FOLDER/USER.password, and put its hash into the rules.",
)
@click.option("--commands", is_flag=True, help="ACL SETUSER commands for redis-cli, not lines of an ACL file.")
@answering
def redis_acl(
    invocation: Invocation,
    roles: Sequence[str],
    user: str,
    campaigns: Sequence[str],
    crm: str | None,
    passwords: Path | None,
    commands: bool,
) -> Answer:
    """Print users for Redis 7 or Valkey 8, one for each role or for the ROLES given, with the commands and keys that
    their work needs and no others. Nothing is changed at a server.

    With --crm the roles crm and desktop have the streams of that CRM alone. It adds leads to the campaigns that name it
    (Redis is asked which, unless --campaign says so) and to no others: print it again for a new campaign.

    Give every person a user of their own: that name is in the audit trail. Without --passwords nobody can log in until
    you have given one: ACL SETUSER NAME >PASSWORD.

    \b
    Roles: daemon, administrator, manager, supervisor, auditor, console, crm, archive, desktop.
    """
    chosen = [Role(role) for role in roles] or list(Role)
    _check(chosen, user, campaigns, crm)
    if crm and Role.CRM in chosen and not campaigns:
        campaigns = _campaigns_of(invocation, crm)
    redis = invocation.effective().settings.redis
    users = [
        User(
            name,
            role,
            rules_of(role, redis.prefix, campaigns, crm or "", redis.shared_prefix),
            _password(passwords, name) if passwords else "",
        )
        for role in chosen
        for name in [user or "-".join(filter(None, (USERS.get(role, role.value), crm)))]
    ]
    if not passwords:
        warn("nobody can log in as these yet: use --passwords, or give each one with ACL SETUSER NAME >PASSWORD")
    lines = [f"{'ACL SETUSER' if commands else 'user'} {one.words}" for one in users]
    if not roles and not commands:
        lines.append("user default off")  # or everybody who gives no name may do everything
    data = [{"user": one.name, "role": one.role, "rules": list(one.rules)} for one in users]
    return Answer(data, lines)


def _campaigns_of(invocation: Invocation, crm: str) -> tuple[str, ...]:
    """The campaigns that name a CRM: without any its user could add leads to all."""
    from dialer.store.crm import crm_map

    with invocation.store() as store:
        known = crm_map.load(store)
    campaigns = known.campaigns_of(crm)
    if not campaigns:
        there = ", ".join(known.names) or "none"
        raise Failure(
            CliExit.NOT_FOUND,
            f"no campaign belongs to a CRM {crm!r}",
            f"CRMs: {there}. Or name its campaigns: --campaign",
        )
    return campaigns


def _check(roles: Sequence[Role], user: str, campaigns: Sequence[str], crm: str | None) -> None:
    if user and len(roles) != 1:
        raise click.UsageError("--user names the user of one role: give that role")
    if user and not USER.fullmatch(user):
        raise click.UsageError(f"--user {user!r}: letters, digits and _ . @ - are, at most 64")
    if campaigns and roles != [Role.CRM]:
        raise click.UsageError("--campaign is for the role crm")
    if crm and not set(roles) <= set(OF_ONE_CRM):
        raise click.UsageError("--crm is for the roles crm and desktop")
    for name in campaigns:
        if not NAME.fullmatch(name):
            raise click.UsageError(f"--campaign {name!r}: not a campaign's name")


def _password(folder: Path, name: str) -> str:
    """Make a password and write it down for its owner alone; returns its hash. One that is there already is kept."""
    file = folder / f"{name}.password"
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not file.exists():
            with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as made:
                made.write(secrets.token_urlsafe(32) + "\n")
        password = file.read_text().rstrip("\n")
    except OSError as error:
        raise Failure(CliExit.REFUSED, f"{file}: {error.strerror}") from error
    return hashlib.sha256(password.encode()).hexdigest()
