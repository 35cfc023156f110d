"""How the archive stands: what it holds, what the writer said last, what waits in the streams."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from dialer.archive.sources import READER, Sources
from dialer.archive.writer import STATUS_FILE, UNREADABLE, Ages, Writer
from dialer.disk.archive.database import connect, quoted, run
from dialer.disk.archive.partitions import Partitions, files
from dialer.disk.archive.tables import TABLES
from dialer.disk.errors import DiskError
from dialer.disk.evidence_files import read_key
from dialer.disk.folders import lock_folder
from dialer.language.phrases import phrase
from dialer.store.base.connection import Store, attempt_trip
from dialer.store.base.errors import StoreError

SILENT_FLUSHES: Final = 3
LEAST_SILENT_S: Final = 60.0
"""A writer that has said nothing for so many flushes, and so long at least, is not there."""


@dataclass(frozen=True, slots=True)
class TableStanding:
    """One table on disk: `first` and `last` are its UTC days, empty where it has none."""

    name: str
    rows: int
    bytes: int
    files: int
    first: str
    last: str


@dataclass(frozen=True, slots=True)
class Standing:
    """All of it. `written_at` is when the writer wrote last (seconds since the epoch, None: never), `unread` how many
    entries wait by stream."""

    folder: str
    tables: tuple[TableStanding, ...]
    written_at: float | None
    problem: str
    unreadable: int
    unread: dict[str, int] = field(default_factory=dict)

    def trouble(self, now: float, flush_s: float) -> str:
        """What is wrong, in a sentence; empty: nothing."""
        if self.written_at is None:
            return phrase("no writer has been here yet: dialer archive run")
        silent_s = now - self.written_at
        if silent_s > max(LEAST_SILENT_S, SILENT_FLUSHES * flush_s):
            return phrase(
                "the writer has said nothing for {silent_min:,.0f} min: is dialer archive run alive?",
                silent_min=silent_s / 60,
            )
        return phrase("the writer waits: {problem}", problem=self.problem) if self.problem else ""


def standing(folder: Path, store: Store | None) -> Standing:
    """Look at the files, and at the streams where there is a store. Raises `DiskError`, `StoreError`."""
    status = status_of(folder)
    tables = tuple(_table(folder, name) for name in TABLES)
    unread = _unread(store) if store is not None else {}
    return Standing(
        str(folder),
        tables,
        status.get("at"),
        str(status.get("problem", "")),
        int(status.get("rows", {}).get(UNREADABLE, 0)),
        unread,
    )


def status_of(folder: Path) -> dict[str, Any]:
    """What the writer last said: `at`, `waiting`, `rows` by table, `problem`. Empty where none has said anything."""
    try:
        status = json.loads((folder / STATUS_FILE).read_text())
    except (OSError, ValueError):
        return {}
    return status if isinstance(status, dict) else {}


def _table(folder: Path, name: str) -> TableStanding:
    paths = files(folder, TABLES[name])
    if not paths:
        return TableStanding(name, 0, 0, 0, "", "")
    database = connect(threads=1)
    pattern = quoted(folder / name / "*" / "*.parquet")
    rows = run(database, f"SELECT sum(num_rows) FROM parquet_file_metadata({pattern})")[0][0]
    days = [path.parent.name.partition("=")[2] for path in paths]
    return TableStanding(name, int(rows), sum(path.stat().st_size for path in paths), len(paths), days[0], days[-1])


def _unread(store: Store) -> dict[str, int]:
    """Entries that the archive has not acknowledged, by stream; -1: it has no place there."""
    unread = {}
    for stream in Sources(store).streams:
        reply = attempt_trip(store, [("XINFO", "GROUPS", stream)])[0]
        groups = [] if isinstance(reply, StoreError) else [dict(zip(one[::2], one[1::2], strict=True)) for one in reply]
        own = next((group for group in groups if group[b"name"] == READER.encode()), None)
        unread[stream] = -1 if own is None else int(own[b"pending"]) + int(own.get(b"lag") or 0)
    return unread


@contextmanager
def open_writer(store: Store, folder: Path, key_file: Path, flush_s: float, ages: Ages, who: str) -> Iterator[Writer]:
    """The writer of a folder, which no other process writes meanwhile. Raises `DiskError`."""
    try:
        key = read_key(key_file)
    except OSError as error:
        raise DiskError(
            phrase(
                "{key_file}: {error}: it keys the hashes of numbers; the daemon makes it, a copy does elsewhere",
                key_file=key_file,
                error=error.strerror,
            )
        ) from error
    try:
        lock = lock_folder(folder)
    except OSError as error:
        raise DiskError(f"{error.filename or folder}: {error.strerror}") from error
    database = connect(threads=1)
    try:
        yield Writer(Sources(store), Partitions(folder, database), key, flush_s, ages, who)
    finally:
        database.close()
        os.close(lock)
