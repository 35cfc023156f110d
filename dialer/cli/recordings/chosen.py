"""Which recordings a command is about."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from dialer.cli.base.arguments import LATEST, SPAN_EXAMPLES, campaign_option, moment_of
from dialer.cli.base.failures import CliExit, Failure
from dialer.cli.base.invocation import Invocation, now
from dialer.language.translation import _

if TYPE_CHECKING:
    from dialer.disk.recordings.index import Row


@dataclass(frozen=True, slots=True)
class Chosen:
    """Recordings that began from `since` until `until` (seconds since the epoch); an empty name: of any."""

    since: float
    until: float
    campaign: str = ""
    agent: str = ""

    def rows(self, folder: Path) -> list[Row]:
        """They, oldest first. Fails where this user may not read them."""
        from dialer.disk.recordings import index

        first, last = (_day(at) for at in (self.since, self.until))
        with readable(folder):
            return [row for row in index.all_rows(folder, first, last) if self.has(row)]

    def has(self, row: Row) -> bool:
        """Whether a recording is one of them."""
        return (
            self.since <= row.at <= self.until and self.campaign in ("", row.campaign) and self.agent in ("", row.agent)
        )


class readable:  # reads as what it does
    """In its block, what this user may not read is a failure with what to do."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def __enter__(self) -> None:
        """Nothing to prepare."""

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, PermissionError):
            hint = _("They are the daemon's: sudo -u dialer dialer recordings ...")
            raise Failure(
                CliExit.REFUSED, _("{file} may not be read", file=error.filename or self._folder), hint
            ) from error
        if isinstance(error, OSError):
            raise Failure(CliExit.NOT_FOUND, f"{error.filename or self._folder}: {error.strerror}") from error


def _day(at: float) -> date:
    return datetime.fromtimestamp(min(at, LATEST), UTC).date()


def chosen_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """The options that choose recordings; the command gets them as `chosen`."""

    @wraps(function)
    def command(*args: Any, since: str | None, until: str | None, campaign: str, agent: str, **more: Any) -> Any:
        moment = now()
        chosen = Chosen(
            moment_of(since, moment, "--since", whole_day=False) if since else 0.0,
            moment_of(until, moment, "--until", whole_day=True) if until else LATEST,
            campaign,
            agent,
        )
        return function(*args, chosen=chosen, **more)

    words = _("{examples} ago, a date, or a time with its offset.", examples=SPAN_EXAMPLES)
    command = click.option("--agent", default="", metavar="NAME", help="Only of this agent.")(command)
    command = campaign_option(command)
    command = click.option("--until", metavar="WHEN", help="Up to then, a date with that day.")(command)
    return click.option("--since", metavar="WHEN", help=f"From then on: {words}")(command)


def folder_of(invocation: Invocation) -> Path:
    """Where this host keeps its recordings. Fails where there is no such folder."""
    folder = Path(invocation.effective().settings.recordings.folder)
    if not folder.is_dir():
        hint = _("Is this the host that made them? Another folder: --set recordings.folder=FOLDER")
        raise Failure(CliExit.NOT_FOUND, _("{folder} is not there", folder=folder), hint)
    return folder


def row_of(folder: Path, attempt: str) -> Row:
    """The recording of an attempt. Fails where this host has none."""
    from dialer.disk.recordings import index

    with readable(folder):
        row = index.find(folder, attempt)
    if row is None:
        hint = _("Another host may have it; the CRM's event `recording` names the host.")
        raise Failure(CliExit.NOT_FOUND, _("there is no recording of attempt {attempt!r} here", attempt=attempt), hint)
    return row
