"""An import of leads on the screen: how far it is, and what came of it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click
from rich.progress import BarColumn, Progress, TaskID, TaskProgressColumn, TextColumn, TimeRemainingColumn

from dialer.cli.base.failures import warn
from dialer.cli.base.figures import count
from dialer.cli.base.output import console
from dialer.cli.leads.lead_import import Account, Screen, TakenIn
from dialer.cli.leads.lead_sheet import Sheet


class _Bar(Screen):
    """A progress bar on standard error."""

    def __init__(self, progress: Progress, task: TaskID) -> None:
        self._progress, self._task = progress, task

    def read(self, read_bytes: int) -> None:
        self._progress.update(self._task, completed=read_bytes)

    def say(self, text: str) -> None:
        self._progress.update(self._task, description=text)


@contextmanager
def bar(sheet: Sheet) -> Iterator[Screen]:
    """A progress bar over the file, if somebody is looking."""
    screen = console(error=True)
    columns = (TextColumn(" {task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    with Progress(*columns, console=screen, transient=True, disable=not screen.is_terminal) as progress:
        yield _Bar(progress, progress.add_task("sending", total=sheet.size_bytes))


def report(sheet: Sheet, account: Account, taken: TakenIn | None, dry_run: bool, rejects: Path | None) -> None:
    """Print what became of the rows."""
    encoding = {"utf-8-sig": "UTF-8"}.get(sheet.encoding, sheet.encoding.upper())
    click.echo(f"{sheet.path.name}: {count(account.rows)} rows, {encoding}")
    click.echo(f"  {'would be sent' if dry_run else 'sent':<14}{count(account.sent):>9}")
    click.echo(f"  {'rejected':<14}{count(account.rejected):>9}")
    for reason, number in sorted(account.reasons.items(), key=lambda item: (-item[1], item[0])):
        shown = ", ".join(account.examples[reason]) + (", ..." if number > len(account.examples[reason]) else "")
        click.echo(f"    {count(number):>7}  {reason}  [{'row' if number == 1 else 'rows'} {shown}]")
    if rejects is not None:
        click.echo(f"  The rejected rows are in {rejects}; it has clear phone numbers.")
    if taken is not None:
        click.echo(f"  The daemon accepted {count(taken.accepted)} and rejected {count(taken.rejected)}.")
        if taken.left:
            warn(f"{count(taken.left)} leads still wait in the stream; dialer campaign show says when they are in")
