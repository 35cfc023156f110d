"""Somebody's own statement over the views: it reads the archive and nothing else of this machine."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, Final

from dialer.disk.archive.database import ASKS, EXPLAIN, Connection, DatabaseError, Statement, connect, quoted, run
from dialer.disk.archive.partitions import check_folder
from dialer.disk.archive.views import create_views
from dialer.disk.errors import DiskError
from dialer.language.phrases import phrase

_CARRIED_OUT: Final = re.compile(r"explain\b.*\banaly[sz]e\b", re.IGNORECASE | re.DOTALL)
"""EXPLAIN ANALYZE carries out what it explains, COPY too."""


@dataclass(frozen=True, slots=True)
class Answered:
    """Rows under heads; `numbers` says which columns are numbers, `more` whether there were more rows."""

    heads: tuple[str, ...]
    numbers: tuple[bool, ...]
    rows: tuple[tuple[Any, ...], ...]
    more: bool


def ask(folder: Path, time_zone: str, statement: str, limit: int, since: date | None = None) -> Answered:
    """Carry a statement out over the days from `since` on. Raises `DiskError` with what DuckDB says."""
    check_folder(folder)
    connection = connect()
    try:
        create_views(connection, folder, time_zone, since=since)
        _lock_in(connection, folder)
        try:
            asked = connection.extract_statements(statement)
            if len(asked) != 1 or asked[0].type not in ASKS or _is_carried_out(asked[0]):
                raise DiskError(phrase("one statement that reads is wanted: SELECT, DESCRIBE, SUMMARIZE or EXPLAIN"))
            done = connection.execute(asked[0])
            rows = done.fetchmany(limit + 1)
            columns = done.description or []
        except DatabaseError as error:
            raise DiskError(str(error)) from error
    finally:
        connection.close()
    numbers = tuple(any(isinstance(row[place], int | float) for row in rows[:10]) for place in range(len(columns)))
    return Answered(tuple(column[0] for column in columns), numbers, tuple(rows[:limit]), len(rows) > limit)


def _is_carried_out(asked: Statement) -> bool:
    return asked.type == EXPLAIN and bool(_CARRIED_OUT.search(asked.query))


def _lock_in(connection: Connection, folder: Path) -> None:
    """From here on no other file can be opened, no extension loaded, and none of this taken back."""
    run(connection, f"SET allowed_directories=[{quoted(str(folder))}]")
    run(connection, "SET enable_external_access=false")
    run(connection, "SET lock_configuration=true")
