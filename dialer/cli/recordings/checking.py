"""`dialer recordings verify`: are they there, as they were made, and for nobody else's eyes?"""

from __future__ import annotations

import hashlib
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click
from rich.text import Text

from dialer.cli.base.failures import CliExit, warn
from dialer.cli.base.help import examples
from dialer.cli.base.invocation import Invocation
from dialer.cli.base.output import Answer, answering, progress_bar
from dialer.cli.recordings.chosen import Chosen, chosen_options, folder_of, readable
from dialer.language.translation import _, _n

if TYPE_CHECKING:
    from dialer.disk.recordings.index import Row

MOST_SHOWN: Final = 50
READ_BYTES: Final = 1024 * 1024


@click.command()
@examples("dialer recordings verify --since 7d")
@chosen_options
@answering
def verify(invocation: Invocation, chosen: Chosen) -> Answer:
    """Check each recording: its file is there, has the digest of the index and of the evidence, and only its owner may
    read it; and no recording is there that the index does not know. The exit code is 10 if anything is wrong.

    The evidence is this host's (evidence.folder); without it, only the index is asked.
    """
    folder = folder_of(invocation)
    rows = chosen.rows(folder)
    proved = _proved(Path(invocation.effective().settings.evidence.folder))
    if proved is None:
        warn(_("evidence.folder cannot be read: the digests are those of the index alone"))
    faults: list[str] = []
    with progress_bar("checking", sum(row.size_bytes for row in rows)) as bar, readable(folder):
        for row in rows:
            faults += [f"{row.attempt}: {fault}" for fault in _faults(folder, row, proved)]
            bar.advance(row.size_bytes)
        faults += _strays(folder)
    page = [Text(fault, "red") for fault in faults[:MOST_SHOWN]]
    if len(faults) > MOST_SHOWN:
        page.append(Text(_("and {what} more; --json has them all", what=len(faults) - MOST_SHOWN)))
    state = _n("{number:,} fault", "{number:,} faults", len(faults)) if faults else _("nothing is wrong")
    page.append(
        Text(
            _(
                "{recordings} checked, {state}",
                recordings=_n("{number:,} recording", "{number:,} recordings", len(rows)),
                state=state,
            )
        )
    )
    return Answer(
        {"recordings": len(rows), "evidence": proved is not None, "faults": faults},
        page,
        code=CliExit.BROKEN if faults else 0,
    )


def _faults(folder: Path, row: Row, proved: Mapping[str, str] | None) -> Iterator[str]:
    from dialer.disk.recordings import index

    path = index.path_of(folder, row)
    if not path.exists():
        yield _("{path} is not there", path=path)
        return
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while data := file.read(READ_BYTES):
            digest.update(data)
    if digest.hexdigest() != row.sha256:
        yield _("{path} is not as it was made", path=path)
    if path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        yield _("others may read it: chmod 0600 {path}", path=path)
    if proved is not None and proved.get(row.attempt) != row.sha256:
        yield _("the evidence has another digest") if row.attempt in proved else _("there is no evidence of it")


def _strays(folder: Path) -> Iterator[str]:
    from dialer.disk.recordings import index

    # In this order: recordings that are made meanwhile are in the index, and not among the files.
    paths = sorted(folder.glob("[0-9][0-9][0-9][0-9]/[0-9][0-9]/[0-9][0-9]/*.opus*"))
    known = {row.attempt for row in index.all_rows(folder)}
    for path in paths:
        if path.name.partition(".")[0] not in known and path.exists():
            yield _("{path} is not in the index", path=path)


def _proved(folder: Path) -> dict[str, str] | None:
    """The digests on record, by attempt, the newest of each; None where the evidence cannot be read."""
    from compliance.evidence import read
    from dialer.core.evidence import RECORDING
    from dialer.disk.evidence_files import lines, segments

    try:
        files = segments(folder)
    except OSError:
        return None
    proved: dict[str, str] = {}
    for line in lines(files):
        record = read(line.raw)
        if record is not None and record.kind == RECORDING:
            proved[str(record.fields.get("attempt"))] = str(record.fields.get("sha256"))
    return proved
