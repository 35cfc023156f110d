"""From rows to leads."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from compliance.numbering import plans
from dialer.cli.leads import row_pool
from dialer.cli.leads.lead_rows import Checker, Ready, Rejected, RowRules, entry_of, moment
from dialer.cli.sheets.columns import BadSheet, Column
from dialer.cli.sheets.sheet import Row, Sheet
from tests.cli.conftest import NOW

NAMES = ("phone", "lead_id", "name", "timezone", "priority", "not_before", "city")


def sheet(*names: str) -> Sheet:
    columns = tuple(Column(name, "attrs" if name == "city" else name) for name in names or NAMES)
    return Sheet(Path("x.csv"), "UTF-8, commas", 0, "9f31c2ab", columns)


def checker(of: Sheet | None = None) -> Checker:
    return Checker(RowRules(of or sheet(), "CN", 8192, NOW))


def test_a_row_becomes_a_lead() -> None:
    """Every column in its place, empty cells left out."""
    row = Row(2, ("13800001234", "L1", "张三", "Asia/Shanghai", "7", "2027-03-01 09:00", "北京"))

    checked = checker().check(row)

    assert isinstance(checked, Ready)
    assert checked.entry == {
        "phone": "13800001234",
        "lead_id": "L1",
        "name": "张三",
        "timezone": "Asia/Shanghai",
        "priority": 7,
        "not_before": datetime(2027, 3, 1, 9, tzinfo=ZoneInfo("Asia/Shanghai")).timestamp(),
        "attrs": {"city": "北京"},
    }


def test_consent_is_a_time_like_the_others() -> None:
    """As spreadsheets write it, in the lead's time zone."""
    of = sheet("phone", "timezone", "consent_at", "consent_until", "consent_source", "account_id", "region")
    cells = ("13800001234", "Asia/Shanghai", "2026-01-04 09:30", "2030/01/01", "web form 17", "A-1", "CN-BJ")

    checked = checker(of).check(Row(2, cells))

    assert isinstance(checked, Ready)
    assert checked.entry["consent_at"] == datetime(2026, 1, 4, 9, 30, tzinfo=ZoneInfo("Asia/Shanghai")).timestamp()
    assert checked.entry["consent_until"] == datetime(2030, 1, 1, tzinfo=ZoneInfo("Asia/Shanghai")).timestamp()
    assert (checked.entry["consent_source"], checked.entry["account_id"]) == ("web form 17", "A-1")


def test_a_missing_lead_id_is_made_from_file_and_row() -> None:
    """So that the same file makes the same leads again, and no phone number is in it."""
    entry = entry_of(Row(17, ("13800001234",)), sheet(), "CN")

    assert entry["lead_id"] == "9f31c2ab-17"


def test_several_numbers_are_tried_in_order() -> None:
    """From several columns, and from a cell with several."""
    entry = entry_of(Row(2, ("13800001234", "13900001111；13700002222")), sheet("phone", "phone"), "CN")

    assert entry["phones"] == ["13800001234", "13900001111", "13700002222"]


@pytest.mark.parametrize(
    ("cell", "numbers"),
    [
        ("13800001234 13900001111", 2),
        ("13800001234/13900001111", 2),
        ("138 0000 1234 / 139-0000-1111", 2),
        ("13800001234或13900001111", 2),
        ("13800001234\n13900001111", 2),
        ("138 0000 1234", 1),
        ("138/0000/1234", 1),
        ("13800001234/12", 1),
        ("1,38E+10", 1),
    ],
)
def test_two_numbers_in_a_cell_are_two(cell: str, numbers: int) -> None:
    """Where each is a number by itself; a number that is written in groups stays one."""
    entry = entry_of(Row(2, (cell,)), sheet("phone"), "CN")

    assert len(entry.get("phones", [cell])) == numbers


def test_ids_lose_what_cannot_be_seen() -> None:
    """So that they are the CRM's own; the names of people stay as they are written."""
    entry = entry_of(Row(2, ("13800001234", "A\u200b-1", "\u200bO\u200dX")), sheet("phone", "lead_id", "name"), "CN")

    assert (entry["lead_id"], entry["name"]) == ("A-1", "\u200bO\u200dX")


def test_a_priority_may_be_a_decimal() -> None:
    """As spreadsheets and pandas write whole numbers."""
    assert entry_of(Row(2, ("13800001234", "7.0")), sheet("phone", "priority"), "CN")["priority"] == 7


@pytest.mark.parametrize(
    ("cells", "reason"),
    [
        (("138",), "phone: too short"),
        (("1.38E+10",), "phone: a spreadsheet shortened it"),
        (("13800001234", "", "", "Mars/Base"), "timezone: 'Mars/Base' is not in"),
        (("13800001234", "", "", "", "99"), "priority: must be 0 to 9"),
        (("13800001234", "", "", "", "high"), "priority: must be a whole number"),
        (("13800001234", "", "", "", "", "soon"), "not_before: not an ISO 8601 time"),
    ],
)
def test_bad_cells_are_rejected_with_the_reason(cells: tuple[str, ...], reason: str) -> None:
    """One reason for one mistake, and never a clear number in it."""
    checked = checker().check(Row(2, cells))

    assert isinstance(checked, Rejected)
    assert len(checked.reasons) == 1
    assert checked.reasons[0].startswith(reason)
    assert "13800001234" not in checked.reasons[0]


def test_duplicates_within_the_file_are_found() -> None:
    """By lead_id, and by any number however it is written; what was rejected makes no other row a duplicate."""
    checks = checker(sheet("phone", "lead_id", "priority"))
    outcomes = [
        checks.check(Row(number, cells))
        for number, cells in enumerate(
            [
                ("13800001234", "a", "99"),
                ("13800001234", "a", ""),
                ("+86 138 0000 1234", "b", ""),
                ("13900001111;13800001234", "c", ""),
                ("13700001111", "a", ""),
            ],
            2,
        )
    ]

    assert [isinstance(outcome, Ready) for outcome in outcomes] == [False, True, False, False, False]
    assert [outcome.reasons for outcome in outcomes[2:] if isinstance(outcome, Rejected)] == [
        ("duplicate: the number is in an earlier row (3)",),
        ("duplicate: the number is in an earlier row (3)",),
        ("duplicate: the lead_id is in an earlier row (3)",),
    ]


@pytest.mark.parametrize(
    "text", ["2027-03-01 09:00", "2027/3/1 9:00", "2027-03-01T09:00:00+08:00", "2027-03-01T01:00:00Z"]
)
def test_times_are_read_as_spreadsheets_write_them(text: str) -> None:
    """Without an offset they are in the lead's time zone."""
    assert moment(text, "Asia/Shanghai") == datetime(2027, 3, 1, 1, tzinfo=ZoneInfo("UTC")).timestamp()


def test_times_without_any_zone_are_local() -> None:
    """This machine's time zone is the last resort."""
    assert moment("2027-03-01", None) == datetime(2027, 3, 1).astimezone().timestamp()
    assert moment("1772500000", None) == 1_772_500_000.0


def test_other_processes_judge_the_same_in_the_same_order(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also prefixes that the operator allows, and rows that cannot be read."""
    monkeypatch.setattr(row_pool, "CHUNK", 7)
    numbers = [f"1380000{i:04}" if i % 5 else "12" for i in range(60)]
    rows = [Row(i, (number, f"L{i}"), "torn" if i % 11 == 0 else "") for i, number in enumerate(numbers)]
    rows.append(Row(60, ("14900000000", "L60")))
    rules = RowRules(sheet("phone", "lead_id"), "CN", 8192, NOW)
    plans.also_valid(["+86149"])
    try:
        alone, together = (list(row_pool.judged(rows, rules, processes)) for processes in (1, 2))
    finally:
        plans.also_valid(())

    assert together == alone
    assert isinstance(together[-1], Ready)
    assert [verdict.row for verdict in together] == rows


def test_who_has_enough_of_the_rows_ends_the_other_processes() -> None:
    """No process is left behind, and what reading raises comes through."""

    def broken() -> Iterator[Row]:
        yield Row(2, ("13800001234", "L1"))
        raise BadSheet("torn")

    with pytest.raises(BadSheet, match="torn"):
        list(row_pool.judged(broken(), RowRules(sheet("phone", "lead_id"), "CN", 8192, NOW), 2))
    assert not multiprocessing.active_children()


@pytest.mark.parametrize(("size_bytes", "several"), [(1000, False), (row_pool.MANY_BYTES, True)])
def test_a_short_file_is_judged_alone(size_bytes: int, several: bool) -> None:
    """Another process costs a second to start."""
    assert (row_pool.processes_for(size_bytes) > 1) == (several and len(os.sched_getaffinity(0)) > 1)
