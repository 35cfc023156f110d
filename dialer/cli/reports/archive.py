"""`dialer archive`: the service that writes the archive of calls, how it stands, and putting back what it lacks."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.console import RenderableType

from dialer.cli.base.failures import CliExit
from dialer.cli.base.groups import NearGroup
from dialer.cli.base.help import examples
from dialer.cli.base.invocation import Invocation, now, pass_invocation
from dialer.cli.base.output import Answer, alarm, answering, facts, table, when
from dialer.language.translation import _, _n

if TYPE_CHECKING:  # a command that only prints its help need not load these
    from dialer.archive.standing import Standing
    from dialer.archive.writer import Writer
    from dialer.store.base.connection import Store


@click.group(cls=NearGroup)
def archive() -> None:
    """The archive of calls: every attempt, what agents did, how calls were paced, in Parquet files by day.

    One service writes it for all hosts of an installation: dialer archive run. Reports read it: dialer report.
    """


@archive.command()
@examples("dialer --config /etc/dialer/dialer.toml archive run")
@pass_invocation
def run(invocation: Invocation) -> None:
    """Write the archive, in the foreground, until SIGTERM or Ctrl-C.

    It is a registered reader of the dialer's streams: what it has not on disk stays there. It runs once for each
    installation, on a host that has the key of the evidence (evidence.key_file).

    \b
    Exit codes:
      0  stopped in good order
      2  the settings have mistakes, or another process writes this archive
      3  Redis did not answer at the start
    """
    from dialer.archive import metrics
    from dialer.shell import logs
    from dialer.shell.watchdog import Notifier

    settings = invocation.effective().settings
    logs.set_up(settings.log)
    stop = threading.Event()
    with invocation.store() as store, _writer(invocation, store) as writer:
        metrics.serve(writer.partitions.folder, settings.metrics.address, settings.archive.metrics_port)
        before = {one: signal.signal(one, lambda *_: stop.set()) for one in (signal.SIGTERM, signal.SIGINT)}
        notifier = Notifier()
        notifier.ready(f"writes {writer.partitions.folder}")
        try:
            writer.run(stop)
        finally:
            notifier.stopping("stopping")
            for name, handler in before.items():
                signal.signal(name, handler)


@archive.command()
@examples("dialer archive status")
@answering
def status(invocation: Invocation) -> Answer:
    """Show what the archive holds, and whether its writer keeps up. The exit code is 11 if it does not."""
    from dialer.archive.standing import standing

    settings = invocation.effective().settings.archive
    with invocation.store() as store:
        found = standing(Path(settings.folder), store)
    trouble = found.trouble(now(), settings.flush_s)
    return Answer(
        {"standing": found, "trouble": trouble}, list(_page(found, trouble)), code=CliExit.UNFIT if trouble else 0
    )


def _page(found: Standing, trouble: str) -> Iterator[RenderableType]:
    heads = ("table", "rows", "size", "bytes a row", "files", "first day", "last day")
    rows = [
        (
            one.name,
            f"{one.rows:,}",
            f"{one.bytes / 1e6:,.1f} MB",
            f"{one.bytes / one.rows:.0f}" if one.rows else "",
            f"{one.files:,}",
            one.first,
            one.last,
        )
        for one in found.tables
    ]
    yield facts({"archive": found.folder, "written": when(found.written_at)})
    yield table(heads, rows, right=heads[1:5])
    for stream, unread in found.unread.items():
        if unread:
            yield f"{stream}: " + (_("{unread:,} entries to come", unread=unread) if unread > 0 else _("not read yet"))
    if found.unreadable:
        yield alarm(
            _(
                "{found} could not be archived; the log says why",
                entries=_n("{number:,} entry", "{number:,} entries", found.unreadable),
            )
        )
    if trouble:
        yield alarm(trouble)


@archive.command()
@examples("systemctl stop dialer-archive && dialer archive rebuild && systemctl start dialer-archive")
@click.argument("folders", nargs=-1, type=click.Path(exists=True, file_okay=False, path_type=Path), metavar="[PATH]...")
@answering
def rebuild(invocation: Invocation, folders: tuple[Path, ...]) -> Answer:
    """Put back what the archive lacks: from the streams as far as they go back, then from the evidence.

    PATH are folders of evidence, of all hosts if there are several; without PATH it is evidence.folder. Stop the
    service before. What is there stays; files that cannot be read are set aside and made anew. The evidence has every
    call and what was said of it; the lists and customers of calls, agents' intervals and pacing minutes come from the
    streams alone.
    """
    from dialer.archive.rebuild import rebuild as rebuild_now

    places = folders or (Path(invocation.effective().settings.evidence.folder),)
    with invocation.store() as store, _writer(invocation, store) as writer:
        done = rebuild_now(writer, places)
    lines = [
        _(
            "{entries} of the streams, {attempts}, {callers} and {words} of the evidence were looked at; what was "
            "missing is there now",
            entries=_n("{number:,} entry", "{number:,} entries", done.entries),
            attempts=_n("{number:,} attempt", "{number:,} attempts", done.attempts),
            callers=_n("{number:,} call from outside", "{number:,} calls from outside", done.inbound_calls),
            words=_n("{number:,} word", "{number:,} words", done.outcomes),
        )
    ]
    if done.damaged:
        lines.append(_("set aside, because they could not be read: {names}", names=", ".join(done.damaged)))
    if done.forgotten:
        lines.append(
            _("erased persons were taken out of {rows}", rows=_n("{number:,} row", "{number:,} rows", done.forgotten))
        )
    return Answer(done, lines)


@contextmanager
def _writer(invocation: Invocation, store: Store) -> Iterator[Writer]:
    from dialer.archive.standing import open_writer
    from dialer.archive.writer import Ages

    settings = invocation.effective().settings
    ages = Ages(settings.retention.leads_days, settings.archive.keep_days)
    folder, key_file = Path(settings.archive.folder), Path(settings.evidence.key_file)
    with open_writer(store, folder, key_file, settings.archive.flush_s, ages, invocation.who) as writer:
        yield writer
