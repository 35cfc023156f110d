"""Files by hour: what is old loses persons, then goes; a file of an older release is read as it is."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from dialer.disk.archive.asking import ask
from dialer.disk.archive.database import connect, quoted, run
from dialer.disk.archive.partitions import Partitions, files, place_of
from dialer.disk.archive.tables import ATTEMPTS, TABLES
from dialer.disk.archive.views import create_views

TODAY = date(2026, 12, 1)


def ms(day: str, hour: int = 9) -> int:
    return int(datetime.fromisoformat(f"{day}T{hour:02}:00:00").replace(tzinfo=UTC).timestamp() * 1000)


def attempt(name: str, day: str, **more: Any) -> dict[str, Any]:
    person = {"lead_id": "L", "number": 1, "customer": 2, "phone": "+86138****8000"}
    return {"attempt_id": name, "disposition": "connected", "day": day, "reserved_at": ms(day), **person, **more}


@pytest.fixture
def partitions(tmp_path: Path) -> Partitions:
    (tmp_path / "archive").mkdir()
    return Partitions(tmp_path / "archive", connect(threads=1))


def held(partitions: Partitions, columns: Sequence[str] = ATTEMPTS.personal) -> dict[str, int]:
    """How many personal values each attempt still has."""
    counted = " + ".join(f"({name} IS NOT NULL)::INT" for name in columns)
    pattern = quoted(partitions.folder / "attempts" / "*" / "*.parquet")
    return dict(run(partitions.database, f"SELECT attempt_id, {counted} FROM read_parquet({pattern})"))


def test_persons_go_with_age_and_days_later(partitions: Partitions) -> None:
    """Rows stay, so that no count changes, until their day is deleted."""
    days = {"new": "2026-11-30", "old": "2026-01-30", "oldest": "2021-11-30"}
    partitions.merge({"attempts": [attempt(name, day) for name, day in days.items()]})
    interval = {"agent": "17", "state": "ready", "started_at": ms(days["oldest"]), "ended_at": ms(days["oldest"])}
    partitions.merge({"agent_intervals": [interval]})

    done = partitions.age(TODAY, personal_days=304, keep_days=1826)
    again = partitions.age(TODAY, personal_days=304, keep_days=1826)

    assert done == (2, 2)
    assert again == (0, 0)
    assert held(partitions) == {"new": 4, "old": 0}
    assert files(partitions.folder, TABLES["agent_intervals"]) == []


def test_a_person_is_found_by_any_hash(partitions: Partitions) -> None:
    """By a number, by a customer; nobody else is touched."""
    rows = [
        attempt("A1", "2026-11-30", number=11, customer=1),
        attempt("A2", "2026-11-29", number=12, customer=2),
        attempt("A3", "2026-11-28", number=13, customer=2),
        attempt("A4", "2026-11-28", number=14, customer=None),
    ]
    partitions.merge({"attempts": rows})

    assert partitions.forget({11}, set()) == 1
    assert partitions.forget(set(), {2}) == 2
    assert partitions.forget({11, 99}, {2, 98}) == 0
    assert held(partitions, ("lead_id",)) == {"A1": 0, "A2": 0, "A3": 0, "A4": 1}


def test_a_file_without_a_column_is_read_and_added_to(partitions: Partitions) -> None:
    """As an older release wrote it: what it does not have is empty."""
    path = partitions.folder / place_of(ATTEMPTS, ms("2026-11-30"))
    path.parent.mkdir(parents=True)
    old = f"SELECT 'A1' AS attempt_id, make_timestamp_ms({ms('2026-11-30')}) AS reserved_at, 'busy' AS disposition"
    run(partitions.database, f"COPY ({old}) TO {quoted(path)} (FORMAT parquet)")

    before = ask(partitions.folder, "UTC", "SELECT attempt_id, disposition, trunk FROM attempts", 10).rows
    partitions.merge({"attempts": [attempt("A2", "2026-11-30", trunk="north")]})
    after = ask(partitions.folder, "UTC", "SELECT attempt_id, disposition, trunk FROM attempts ORDER BY 1", 10).rows

    assert before == (("A1", "busy", None),)
    assert after == (("A1", "busy", None), ("A2", "connected", "north"))


def test_a_view_of_some_days_opens_no_other_file(partitions: Partitions) -> None:
    """A report of a day is not slowed by years, nor broken by a damaged file of another month."""
    partitions.merge({"attempts": [attempt("A1", "2026-11-30")]})
    bad = partitions.folder / place_of(ATTEMPTS, ms("2026-01-01"))
    bad.parent.mkdir()
    bad.write_bytes(b"no parquet")

    create_views(partitions.database, partitions.folder, "UTC", since=date(2026, 11, 1))

    assert run(partitions.database, "SELECT count(*) FROM attempts") == [(1,)]
