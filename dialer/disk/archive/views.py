"""The views that analysts and reports read. Their columns are a promise, docs/archive.md has them. Pure.

A view is its table with what follows from a row. What is not there yet, a table or a column of a newer release, is
empty. `date` is the UTC day of the file: a condition on it reads no other files.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Final

from dialer.disk.archive.database import Connection, quoted, run
from dialer.disk.archive.partitions import files
from dialer.disk.archive.tables import TABLES, TIMES, Column, Table

_TALK_S: Final = "(epoch_ms(coalesce(agent_left_at, ended_at)) - epoch_ms(bridged_at)) / 1000"

DERIVED: Final[Mapping[str, Mapping[Column, str]]] = {
    "attempts": {
        Column("post_dial_delay_s", "DOUBLE", "from the INVITE until ringing was heard"): (
            "(epoch_ms(ringing_at) - epoch_ms(dialled_at)) / 1000"
        ),
        Column("ring_s", "DOUBLE", "from ringing, or the INVITE, until the answer or the end"): (
            "(epoch_ms(coalesce(answered_at, ended_at)) - epoch_ms(coalesce(ringing_at, dialled_at))) / 1000"
        ),
        Column("wait_s", "DOUBLE", "from the answer, or a script's wish, until an agent was there, or the end"): (
            "CASE WHEN disposition NOT IN ('script_done', 'script_left') THEN "
            "(epoch_ms(coalesce(bridged_at, ended_at)) - epoch_ms(coalesce(transfer_at, answered_at))) / 1000 END"
        ),
        Column("talk_s", "DOUBLE", "from the bridge until the agent left, or the end"): _TALK_S,
        Column("local_at", "TIMESTAMP", "when it was allowed, in the archive's zone"): "{zone}(reserved_at)",
    },
    "inbound_calls": {
        Column("wait_s", "DOUBLE", "from the answer until an agent was there, or the end"): (
            "(epoch_ms(coalesce(bridged_at, ended_at)) - epoch_ms(answered_at)) / 1000"
        ),
        Column("talk_s", "DOUBLE", "from the bridge until the agent left, or the end"): _TALK_S,
        Column("local_at", "TIMESTAMP", "when it came, in the archive's zone"): "{zone}(arrived_at)",
    },
    "agent_intervals": {
        Column("seconds", "DOUBLE", "how long it was"): "(epoch_ms(ended_at) - epoch_ms(started_at)) / 1000",
        Column("local_at", "TIMESTAMP", "from when on, in the archive's zone"): "{zone}(started_at)",
        Column("day", "DATE", "the day in the archive's zone"): "{zone}(started_at)::DATE",
    },
    "pacing_minutes": {
        Column("local_at", "TIMESTAMP", "the minute, in the archive's zone"): "{zone}(minute_at)",
    },
}
"""Columns that a view has besides its table's, by table, and what they are made of."""

DATE: Final = Column("date", "DATE", "the UTC day of the file that the row is in")


def columns_of(table: Table) -> tuple[Column, ...]:
    """All columns of a table's view, in order. DuckDB reads times of milliseconds as its own."""
    own = [replace(column, type="TIMESTAMP") if column.type in TIMES else column for column in table.columns]
    return (*own, *DERIVED.get(table.name, {}), DATE)


def create_views(connection: Connection, folder: Path, time_zone: str, *, since: date | None = None) -> None:
    """Make the views over what a folder holds now, from the UTC day `since` on. `time_zone` is that of days and hours.
    Raises `DiskError`."""
    run(
        connection,
        f"CREATE OR REPLACE MACRO in_zone(utc) AS timezone({quoted(time_zone)}, timezone('UTC', utc::TIMESTAMP))",
    )
    for table in TABLES.values():
        run(connection, f"CREATE OR REPLACE VIEW {table.name} AS {_view(table, folder, since)}")


def _view(table: Table, folder: Path, since: date | None) -> str:
    types = {**table.types, DATE.name: DATE.type}
    source = f"SELECT {', '.join(f'NULL::{type_} AS {name}' for name, type_ in types.items())} WHERE false"
    paths = [path for path in files(folder, table) if since is None or path.parent.name >= f"date={since}"]
    if paths:
        how = "hive_partitioning=true, hive_types={'date': DATE}, union_by_name=true"
        read = f"read_parquet([{', '.join(map(quoted, paths))}], {how})"
        source += f" UNION ALL BY NAME SELECT * FROM {read}"
    more = [
        f"{formula.replace('{zone}', 'in_zone')} AS {column.name}"
        for column, formula in DERIVED.get(table.name, {}).items()
    ]
    own = [f"{column.name}::{column.type} AS {column.name}" for column in columns_of(table)[: len(table.columns)]]
    return f"SELECT {', '.join([*own, *more, DATE.name])} FROM ({source})"
