"""Putting back what an archive lacks: out of the streams, as far as they go back, then out of the evidence of hosts.

Rows that are there stay as they are, so it can be run over a whole archive or an empty folder. The evidence knows of
calls and of what was said of them; agents' intervals and pacing minutes are in the streams alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from compliance.evidence import Record, read
from dialer.archive import rows
from dialer.archive.rows import LONGEST_TEXT, kept_hash, word_of
from dialer.archive.writer import Writer
from dialer.core import evidence
from dialer.core.attempt_fields import TIMES
from dialer.disk.archive.database import quoted, run
from dialer.disk.archive.partitions import Row, files
from dialer.disk.archive.tables import ATTEMPTS, INBOUND_CALLS, OUTCOMES, TABLES, Table
from dialer.disk.errors import DiskError
from dialer.disk.evidence_files import lines, segments

ROWS_AT_ONCE: Final = 50_000
_MANY: Final = 200_000


@dataclass(slots=True)
class Rebuilt:
    """What came of it: entries of the streams, attempts, calls from outside and outcomes on record, files that could
    not be read and were set aside, rows that persons were taken out of."""

    entries: int = 0
    attempts: int = 0
    inbound_calls: int = 0
    outcomes: int = 0
    damaged: list[str] = field(default_factory=list)
    forgotten: int = 0


def rebuild(writer: Writer, evidence_folders: Iterable[Path]) -> Rebuilt:
    """Put back what is missing. The writer must not run elsewhere. Raises `StoreError`, `DiskError`, `OSError`."""
    done = Rebuilt(damaged=set_damaged_aside(writer))
    for page in writer.sources.everything():
        done.entries += len(page)
        writer.take(page)
        writer.waiting.clear()  # nothing is acknowledged by this
        if sum(map(len, writer.pending.values())) >= ROWS_AT_ONCE:
            _write(writer)
    _write(writer)
    for folder in evidence_folders:
        _from_evidence(writer, folder, done)
    writer.partitions.take_out_doubles()
    if any(writer.erased):
        done.forgotten = writer.partitions.forget(*writer.erased)
    return done


def _write(writer: Writer) -> None:
    writer.partitions.merge(writer.pending)
    writer.pending.clear()


def set_damaged_aside(writer: Writer) -> list[str]:
    """Rename files that cannot be read, so that they can be made anew."""
    damaged = []
    for table in TABLES.values():
        for path in files(writer.partitions.folder, table):
            try:
                run(writer.partitions.database, f"SELECT count(COLUMNS(*)) FROM read_parquet({quoted(path)})")
            except DiskError:
                path.rename(path.with_suffix(".damaged"))
                damaged.append(str(path.relative_to(writer.partitions.folder)))
    return damaged


# --- evidence ---------------------------------------------------------------------------------------------------------


def _from_evidence(writer: Writer, folder: Path, done: Rebuilt) -> None:
    permits: dict[str, Mapping[str, Any]] = {}
    words: dict[tuple[str, str], Row] = {}
    for segment in segments(folder):
        for line in lines([segment]):
            record = None if line.error else read(line.raw)
            if record is None:
                continue  # dialer evidence verify is there to say what is wrong with it
            if record.kind == evidence.PERMIT:
                permits[record.fields["attempt"]] = record.fields
            elif record.kind == evidence.SETTLEMENT:
                row = attempt_row(record, permits.pop(record.fields["attempt"], {}))
                writer.pending[ATTEMPTS.name].append(row)
                done.attempts += 1
            elif record.kind == evidence.INBOUND:
                writer.pending[INBOUND_CALLS.name].append(inbound_row(record))
                done.inbound_calls += 1
            elif record.kind == evidence.OUTCOME:
                words[record.fields["attempt"], record.fields["outcome"]] = outcome_row(record)
            elif record.kind == evidence.ERASED:
                for known, more in zip(writer.erased, rows.persons_of(record.fields), strict=True):
                    known |= more
            if sum(map(len, writer.pending.values())) >= ROWS_AT_ONCE:
                _write(writer)
        for attempt in list(permits)[: max(0, len(permits) - _MANY)]:  # permits of attempts that never ended here
            del permits[attempt]
    _write(writer)
    done.outcomes += _add_words(writer, words)


def attempt_row(record: Record, permit: Mapping[str, Any]) -> Row:
    """An attempt as the evidence has it; its `permit` has what the end does not. Which list and which customer it was
    is not on record."""
    row = _row_of(record, ATTEMPTS)
    row["failed_trunks"] = ",".join(record.fields.get("failed_trunks", ()))[:LONGEST_TEXT]
    row["caller_id"] = permit.get("caller_id", "")
    return row


def inbound_row(record: Record) -> Row:
    """A call from outside as the evidence has it. Of a stranger nothing is kept."""
    row = _row_of(record, INBOUND_CALLS)
    row["arrived_at"] = record.fields["times"]["reserved"]
    if not row["lead_id"]:
        row |= dict.fromkeys(INBOUND_CALLS.personal)
    return row


def _row_of(record: Record, table: Table) -> Row:
    """What the end of a call on record and its row have in common."""
    fields = record.fields
    row: Row = {name: fields.get(name) for name in table.types if name in fields}
    row |= {name: fields["times"].get(name.removesuffix("_at")) for name in TIMES if name in table.types}
    row["attempt_id"], row["lead_id"] = fields["attempt"], fields["lead"]
    row["number"] = kept_hash(fields["number"]) if fields["number"] else None
    row["settled_by"], row["corrects"] = fields["owner"], ""
    return row


def outcome_row(record: Record) -> Row:
    """A word on an attempt, as the evidence has it."""
    fields = record.fields
    return {
        "attempt_id": fields["attempt"],
        "word": word_of(f"{record.at_ms}/{fields['outcome']}"),
        "campaign": fields["campaign"],
        "outcome": fields["outcome"],
        "said_at": record.at_ms,
    }


def _add_words(writer: Writer, words: Mapping[tuple[str, str], Row]) -> int:
    """Words that the archive does not have of an attempt yet: in the streams the same ones have other ids."""
    if not words:
        return 0
    known: set[tuple[str, str]] = set()
    if files(writer.partitions.folder, OUTCOMES):
        pattern = quoted(writer.partitions.folder / OUTCOMES.name / "*" / "*.parquet")
        known = set(run(writer.partitions.database, f"SELECT attempt_id, outcome FROM read_parquet({pattern})"))
    missing = [row for name, row in words.items() if name not in known]
    for at in range(0, len(missing), ROWS_AT_ONCE):
        writer.partitions.merge({OUTCOMES.name: missing[at : at + ROWS_AT_ONCE]})
    return len(missing)
