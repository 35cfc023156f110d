"""What every command is told: the global options, the settings that follow from them, and the store."""

from __future__ import annotations

import getpass
import os
import socket
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from dialer.language.translation import Language, _, speak

if TYPE_CHECKING:  # a command that only prints its help need not load these
    from config.daemon import DaemonSettings
    from config.load import Effective
    from config.policies import Catalogue
    from dialer.operating.desk import Desk
    from dialer.store.base.connection import Store

CONFIG_FILES: Final = (Path("dialer.toml"), Path("/etc/dialer/dialer.toml"))
"""Looked for in this order where no file is named."""

GLOBAL_OPTIONS: Final = ("--config", "--set", "--redis", "--who", "--lang")

DEFAULT_USER: Final = "default"
"""The user of a server that knows nobody else."""

LONGEST_WHO: Final = 64

CLI_TIMEOUT_S: Final = 2.0
"""A person waits: an answer of Redis that takes longer than this is none, whatever the daemon's settings say."""


@dataclass(slots=True)
class Invocation:
    """The global options of one call of `dialer`. `flags` are settings by path, as text, `remark` is what is given as
    --who, `lang` as --lang. `user` is who we are to the server, known when its store has been opened."""

    config: Path | None = None
    flags: Mapping[str, str] = field(default_factory=dict)
    remark: str = ""
    user: str = ""
    lang: str = ""

    @property
    def who(self) -> str:
        """Who does it, for the record: the Redis user that the server knows, and what that one says of itself. Where
        everybody is the server's default user there is only the remark."""
        if self.user in ("", DEFAULT_USER):
            return self.remark
        return f"{self.user} ({self.remark})"[:LONGEST_WHO] if self.remark else self.user

    def effective(self) -> Effective[DaemonSettings]:
        """The daemon's settings as they apply here. Raises `ConfigError` with every problem."""
        from compliance.numbering import plans
        from config.load import load

        effective = load(self.config or default_config(), os.environ, self.flags)
        plans.also_valid(effective.settings.numbers.also_valid)
        return effective

    def catalogue(self) -> Catalogue:
        """The policies that this machine has. Raises `ConfigError` where its settings have mistakes; what is wrong with
        a policy is in the catalogue."""
        from config.policies import read_catalogue

        return read_catalogue(Path(self.effective().settings.policies.folder))

    def redis_url(self) -> str:
        """For messages: the server that is meant. It has no password in it."""
        from config.problems import ConfigError

        try:
            return self.effective().settings.redis.url
        except ConfigError:
            return self.flags.get("redis.url", "redis.url")

    @contextmanager
    def store(self) -> Iterator[Store]:
        """The open store. Raises `ConfigError`, `StoreUnavailable`, `StoreError`."""
        from dialer.store.base.connection import close_store, open_store

        for name in self.flags:
            if name.endswith("password"):
                click.echo(
                    _("Warning: every user of this machine can read {name} on the command line.", name=name), err=True
                )
        redis = self.effective().settings.redis
        store = open_store(redis.model_copy(update={"timeout_s": min(redis.timeout_s, CLI_TIMEOUT_S)}))
        self.user = store.user
        try:
            yield store
        finally:
            close_store(store)

    @contextmanager
    def desk(self) -> Iterator[Desk]:
        """The open store with all that orders need. Raises as `store` does."""
        from dialer.operating.desk import Desk

        with self.store() as store:
            yield Desk(store, self.effective().settings, self.catalogue, self.who)


pass_invocation = click.make_pass_decorator(Invocation)


def _for_programs(_: click.Context, __: click.Parameter, as_json: bool) -> bool:
    if as_json:
        speak(Language.ENGLISH)  # what programs read is the same everywhere
    return as_json


json_option = click.option(
    "--json", "as_json", is_flag=True, is_eager=True, callback=_for_programs, help="Print JSON, for programs."
)


def default_config() -> Path | None:
    """The settings file that is used where none is named; None where there is none."""
    return next((path for path in CONFIG_FILES if path.is_file()), None)


def default_who() -> str:
    """USER@HOST, for the audit trail."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError):  # a container user without a name
        user = str(os.getuid())
    return f"{user}@{socket.gethostname()}"


def now() -> float:
    """Seconds since the epoch."""
    return time.time()


def as_flags(pairs: tuple[str, ...], option: str) -> dict[str, str]:
    """`key=value` texts as a mapping. Raises `UsageError` for a text that is none, or a key given twice."""
    flags: dict[str, str] = {}
    for pair in pairs:
        key, equals, value = pair.partition("=")
        if not equals or not key.strip():
            raise click.UsageError(_("{option} wants key=value, got {pair!r}", option=option, pair=pair))
        if key.strip() in flags:
            raise click.UsageError(_("{option} gives {strip!r} twice", option=option, strip=key.strip()))
        flags[key.strip()] = value.strip()
    return flags
