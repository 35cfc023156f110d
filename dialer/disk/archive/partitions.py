"""The files of the archive: TABLE/date=YYYY-MM-DD/HH.parquet, one for each UTC hour, replaced as a whole.

A file is written beside the old one, forced to disk and renamed over it, so a reader and a crash see the old or the new
rows and never both. A row of one id is always in the same file, where the ids are compared: that makes it exactly once,
however often it comes. Only a correction can belong to another hour than what it corrects; the other row is taken out
after the new one is on disk.
"""

from __future__ import annotations

import os
import shutil
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import msgspec

from dialer.disk.archive.database import Connection, quoted, run
from dialer.disk.archive.tables import CALLS, TABLES, Table
from dialer.disk.errors import DiskError
from dialer.disk.folders import sync_folder
from dialer.language.phrases import phrase

Row = dict[str, Any]
"""A row by column; times are milliseconds since the epoch."""

FORMAT: Final = "FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 3, PARQUET_VERSION v2"
_FRESH: Final = "fresh.json"
_PART: Final = "new.part"
NEAR_DAYS: Final = 2
"""A correction is looked for so many days before and after."""


@dataclass(frozen=True, slots=True)
class Partitions:
    """The archive's folder, for writing. One process has it at a time."""

    folder: Path
    database: Connection

    def merge(self, rows: Mapping[str, Sequence[Row]]) -> int:
        """Put rows, by table, into their files, each id once; returns how many files were written. Doing it again
        changes nothing. Raises `DiskError`, and `OSError`; some files may have been written then."""
        written = 0
        for name, of_table in rows.items():
            table = TABLES[name]
            for place, group in _by_place(table, of_table).items():
                written += self._merge_into(table, self.folder / place, group)
            if table in CALLS:
                written += self._take_out_corrected(table, of_table)
        return written

    def _merge_into(self, table: Table, path: Path, rows: Sequence[Row]) -> int:
        path.parent.mkdir(mode=0o750, parents=True, exist_ok=True)
        fresh = self.folder / _FRESH
        fresh.write_bytes(b"\n".join(map(msgspec.json.encode, rows)))
        try:
            given = f"read_json({quoted(fresh)}, format='newline_delimited', columns={_json_types(table)})"
            news = f"SELECT 1 AS age, {_from_json(table)} FROM {given}"
            if path.exists():
                news = f"SELECT 0 AS age, * FROM {_rows_of(table, path)} UNION ALL {news}"
            by = ", ".join(([f"{table.rank} DESC"] if table.rank else []) + ["age"])
            one = f"row_number() OVER (PARTITION BY {', '.join(table.id)} ORDER BY {by}) = 1"
            return self._replace(table, path, f"SELECT * EXCLUDE age FROM ({news}) QUALIFY {one}")
        finally:
            fresh.unlink(missing_ok=True)

    def _replace(self, table: Table, path: Path, query: str) -> int:
        part = self.folder / _PART
        part.unlink(missing_ok=True)
        order = ", ".join(dict.fromkeys((table.time, *table.id)))
        run(self.database, f"COPY ({query} ORDER BY {order}) TO {quoted(part)} ({FORMAT})")
        with part.open("rb") as written:
            os.fsync(written.fileno())
        part.chmod(0o640)
        part.rename(path)
        sync_folder(path.parent)
        return 1

    def _take_out_corrected(self, table: Table, rows: Sequence[Row]) -> int:
        """Rows that a correction in another file has taken the place of."""
        corrections = {row["attempt_id"]: row[table.time] for row in rows if row.get("corrects")}
        written = 0
        for attempt, at in corrections.items():
            own = self.folder / place_of(table, at)
            for path in self._near(table, _utc(at).date()):
                there = f"SELECT count(*) FROM read_parquet({quoted(path)}) WHERE attempt_id = ?"
                if path != own and run(self.database, there, [attempt])[0][0]:
                    keep = f"SELECT * FROM {_rows_of(table, path)} WHERE attempt_id <> {quoted(attempt)}"
                    written += self._replace(table, path, keep)
        return written

    def take_out_doubles(self) -> int:
        """Of calls that are in several files, as where hosts do not agree on the hour, leave the row of the higher
        rank, else the earliest; returns how many files were written. Raises `DiskError`, `OSError`."""
        return sum(self._take_out_doubles(table) for table in CALLS)

    def _take_out_doubles(self, table: Table) -> int:
        written = 0
        for day in sorted({_day_of(path) for path in files(self.folder, table)}):
            paths = list(self._near(table, day, before=0))
            rows = f"read_parquet([{', '.join(map(quoted, paths))}], filename=true, hive_partitioning=false)"
            doubles = f"SELECT attempt_id FROM {rows} GROUP BY attempt_id HAVING count(*) > 1"
            found = f"""SELECT attempt_id, filename FROM {rows} WHERE attempt_id IN ({doubles})
                        ORDER BY attempt_id, {table.rank} DESC, {table.time}"""
            kept: set[str] = set()
            losers: dict[str, list[str]] = defaultdict(list)
            for attempt, path in run(self.database, found):
                if attempt in kept:
                    losers[path].append(attempt)
                kept.add(attempt)
            for path, attempts in losers.items():
                keep = f"SELECT * FROM {_rows_of(table, Path(path))} WHERE attempt_id NOT IN"
                written += self._replace(table, Path(path), f"{keep} ({', '.join(map(quoted, attempts))})")
        return written

    def _near(self, table: Table, day: date, before: int = NEAR_DAYS) -> Iterable[Path]:
        for shift in range(-before, NEAR_DAYS + 1):
            yield from sorted((self.folder / table.name / f"date={day + timedelta(shift)}").glob("*.parquet"))

    # --- persons, and age ---------------------------------------------------------------------------------------------

    def forget(self, numbers: Collection[int], customers: Collection[int]) -> int:
        """Take out whatever names these persons, given by keyed hashes; returns in how many rows. Counts stay."""
        conditions = [
            f"{column} IN ({', '.join(str(int(value)) for value in values)})"
            for column, values in (("number", numbers), ("customer", customers))
            if values
        ]
        if not conditions:
            return 0
        return sum(self._strip(table, files(self.folder, table), " OR ".join(conditions)) for table in CALLS)

    def age(self, today: date, *, personal_days: int, keep_days: int) -> tuple[int, int]:
        """Take out what names persons from days older than `personal_days`, and delete those older than `keep_days`.
        Returns the rows that were changed and the days that were deleted."""
        stripped = gone = 0
        for table in CALLS:
            old = [path for path in files(self.folder, table) if _day_of(path) < today - timedelta(personal_days)]
            stripped += self._strip(table, old, " OR ".join(f"{column} IS NOT NULL" for column in table.personal))
        for table in TABLES.values():
            for path in sorted((self.folder / table.name).glob("date=*")):
                if date.fromisoformat(path.name.partition("=")[2]) < today - timedelta(keep_days):
                    shutil.rmtree(path)
                    gone += 1
        return stripped, gone

    def _strip(self, table: Table, paths: Iterable[Path], condition: str) -> int:
        nothing = ", ".join(f"CASE WHEN {condition} THEN NULL ELSE {name} END AS {name}" for name in table.personal)
        count = 0
        for path in paths:
            hit = run(self.database, f"SELECT count(*) FROM {_rows_of(table, path)} WHERE {condition}")[0][0]
            if hit:
                self._replace(table, path, f"SELECT * REPLACE ({nothing}) FROM {_rows_of(table, path)}")
                count += hit
        return count


# --- where rows are ---------------------------------------------------------------------------------------------------


def files(folder: Path, table: Table) -> list[Path]:
    """A table's files, in order of time."""
    return sorted((folder / table.name).glob("date=*/*.parquet"))


def place_of(table: Table, at_ms: int) -> str:
    """The file, below the archive's folder, that a row of a moment is in."""
    at = _utc(at_ms)
    return f"{table.name}/date={at:%Y-%m-%d}/{at:%H}.parquet"


def _by_place(table: Table, rows: Iterable[Row]) -> dict[str, list[Row]]:
    places: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        places[place_of(table, row[table.time])].append(row)
    return places


def _utc(at_ms: int) -> datetime:
    return datetime.fromtimestamp(at_ms / 1000, UTC)


def _day_of(path: Path) -> date:
    return date.fromisoformat(path.parent.name.partition("=")[2])


def _rows_of(table: Table, path: Path) -> str:
    """A file as the table is today: a column that it does not have is empty."""
    columns = ", ".join(f"NULL::{type_} AS {name}" for name, type_ in table.types.items())
    source = f"read_parquet({quoted(path)}, hive_partitioning=false)"
    typed = ", ".join(f"{name}::{type_} AS {name}" for name, type_ in table.types.items())
    return f"(SELECT {typed} FROM (SELECT {columns} WHERE false UNION ALL BY NAME SELECT * FROM {source}))"


def _json_types(table: Table) -> str:
    given = {name: "BIGINT" if type_ == "TIMESTAMP_MS" else type_ for name, type_ in table.types.items()}
    return "{" + ", ".join(f"{quoted(name)}: {quoted(type_)}" for name, type_ in given.items()) + "}"


def _from_json(table: Table) -> str:
    return ", ".join(
        f"make_timestamp_ms({name})::TIMESTAMP_MS AS {name}" if type_ == "TIMESTAMP_MS" else name
        for name, type_ in table.types.items()
    )


def check_folder(folder: Path) -> None:
    """Raises `DiskError` where there is no archive."""
    if not folder.is_dir():
        raise DiskError(
            phrase(
                "there is no archive in {folder}: dialer archive run writes it (settings: archive.folder)",
                folder=folder,
            )
        )
