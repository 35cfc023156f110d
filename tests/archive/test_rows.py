"""Whatever stands in a stream, it becomes rows that can be written, or is set aside: nothing holds up the rest."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgpack
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dialer.archive import rows
from dialer.archive.rows import Archived, Unreadable
from dialer.disk.archive.database import Connection, connect, quoted, run
from dialer.disk.archive.partitions import Partitions
from dialer.disk.archive.tables import TABLES
from dialer.store.base.streams import Entry
from tests.store.conftest import NOW

KEY = b"k" * 32
KINDS = ("disposition", "outcome", "agent_interval", "pacing_minute", "recording")
GOOD: dict[str, Any] = {
    "campaign": "spring", "at": NOW, "attempt_id": "A1", "agent": "17", "reserved_at": NOW, "ended_at": NOW + 9,
    "day": "2026-03-03", "started_at": NOW, "host": "a", "minute_at": NOW, "outcome": "sale", "live": True, "try": 1,
    "disposition": "connected",
}  # fmt: skip
ODD = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**63), 2**64 - 1),
    st.floats(),
    st.text(max_size=400),
    st.sampled_from(["\ud800", "\0", "2026-99-99", "2026-02-30", "0000-01-01", "'; DROP", 1e300, -1, 4.2e9, NOW]),
    st.lists(st.integers(0, 9), max_size=3),
    st.dictionaries(st.text(max_size=3), st.integers(0, 9), max_size=2),
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("archive")


@pytest.fixture(scope="module")
def database() -> Iterator[Connection]:
    with contextlib.closing(connect(threads=1)) as opened:
        yield opened


@given(
    st.sampled_from(KINDS),
    st.dictionaries(
        st.sampled_from([*GOOD, "failed_trunks", "failed_trunks", "sip_code", "risk", "phone"]), ODD, max_size=5
    ),
)
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_an_event_is_written_or_refused(folder: Path, database: Connection, kind: str, odd: dict[str, Any]) -> None:
    """With any value in any field; a row that was made can be written."""
    event = rows.Event(kind, "A1/1-0", {**GOOD, **odd})
    try:
        archived = rows.archived(event, KEY, None)
    except Unreadable:
        return
    assert archived is not None

    Partitions(folder, database).merge({archived.table: [archived.row]})

    pattern = quoted(folder / archived.table / "*" / "*.parquet")
    assert run(database, f"SELECT count(*) FROM read_parquet({pattern}, union_by_name=true)")[0][0] >= 1


@given(st.binary(max_size=60), st.binary(max_size=20), st.binary(max_size=20))
def test_a_line_of_the_audit_trail_is_written_or_refused(detail: bytes, who: bytes, at: bytes) -> None:
    """Whoever wrote it."""
    entry = Entry("1772500000000-0", {b"what": b"campaign_set", b"detail": detail, b"who": who, b"at": at})
    try:
        archived = rows.campaign_change(entry)
    except Unreadable:
        return
    assert isinstance(archived, Archived)
    json.dumps(archived.row).encode()
    assert 0 <= archived.row["changed_at"] < 4_200_000_000_000
    assert set(archived.row) == set(TABLES["campaign_changes"].types)


@given(st.one_of(st.binary(max_size=80), st.dictionaries(st.text(max_size=8), ODD, max_size=6)))
def test_a_mark_is_a_row_or_refused(given_score: Any) -> None:
    """Also one that another release wrote."""
    try:
        raw = given_score if isinstance(given_score, bytes) else bytes(msgpack.packb(given_score))
    except (ValueError, UnicodeEncodeError, OverflowError):
        return
    try:
        assert rows.quality_mark(Entry("1-0", {b"score": raw})).table == "quality_marks"
    except Unreadable:
        return


@pytest.mark.parametrize("odd", [10**400, -(10**39), 1e300, -3.5e38, float("nan"), True])
def test_a_number_that_no_column_holds_is_refused(odd: float) -> None:
    """Whole ones of JSON have no limit, fractions have a larger one than the file: neither stops the writer."""
    with pytest.raises(Unreadable, match="risk"):
        rows.archived(rows.Event("pacing_minute", "A1", {**GOOD, "risk": odd}), KEY, None)


def test_events_for_screens_are_not_archived() -> None:
    """What a type says that nobody knows is not missed."""
    for kind in ("connected", "agent_state", "preview", "something_new"):
        assert rows.archived(rows.Event(kind, "A1", GOOD), KEY, None) is None
