"""DuckDB as it is used here: in memory, with limits, and nothing fetched from anywhere."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import duckdb

from dialer.disk.errors import DiskError

THREADS: Final = 2
MEMORY: Final = "1GB"

Connection = duckdb.DuckDBPyConnection
DatabaseError = duckdb.Error
Statement = duckdb.Statement
EXPLAIN: Final = duckdb.StatementType.EXPLAIN
ASKS: Final = frozenset({duckdb.StatementType.SELECT, EXPLAIN})
"""Kinds of statements that change nothing."""


def connect(*, threads: int = THREADS, memory: str = MEMORY, spill: Path | None = None) -> Connection:
    """A database in memory. `spill` is where it may put what does not fit; None: nowhere, it fails instead."""
    settings: dict[str, Any] = {
        "threads": threads,
        "memory_limit": memory,
        "autoinstall_known_extensions": "false",
        "autoload_known_extensions": "false",
        "temp_directory": "" if spill is None else str(spill),
    }
    connection = duckdb.connect(":memory:", config=settings)
    connection.execute("SET TimeZone='UTC'; SET preserve_insertion_order=false")
    return connection


def run(connection: Connection, sql: str, parameters: Any = None) -> list[tuple[Any, ...]]:
    """The rows of a statement. Raises `DiskError` with what DuckDB says."""
    try:
        return connection.execute(sql, parameters).fetchall()
    except duckdb.Error as error:
        raise DiskError(f"the archive: {error}") from error


def quoted(text: str | Path) -> str:
    """A text as SQL writes it."""
    return "'" + str(text).replace("'", "''") + "'"
