"""The list of which it is known what must become of each row."""

from __future__ import annotations

from collections import Counter

import pytest

from compliance.numbers import parse
from dialer.demo.lead_list import FAR_ZONES, REJECTED, SHARES, Kind, Row, draw
from dialer.store.leads.lead_codec import NewLead, Rejection
from dialer.store.leads.lead_codec import parse as parse_lead

NOW = 1_700_000_000.0


def _taken_in(row: Row) -> NewLead | Rejection:
    return parse_lead({b"lead": row.payload}, campaign="c", default_region="CN", now=NOW)


def test_same_seed_same_list() -> None:
    """The list is a function of its size and seed."""
    assert draw(500, 7) == draw(500, 7)
    assert draw(500, 7) != draw(500, 8)


def test_every_kind_is_there() -> None:
    """Each kind has its share of the rows, and even the shortest list has one row of each."""
    counts = Counter(row.kind for row in draw(3000, 1))

    assert {kind: counts[kind] for kind in SHARES} == {kind: round(share * 3000) for kind, share in SHARES.items()}
    assert counts.total() == 3000
    assert set(Counter(row.kind for row in draw(20, 1))) == set(Kind)


def test_too_short_a_list() -> None:
    """A list that has no room for one row of each kind is refused."""
    with pytest.raises(ValueError, match="20 rows at least, got 19"):
        draw(19, 1)


def test_rows_are_what_they_say() -> None:
    """Intake reads every row that is to be accepted, and finds fault with every row that is wrong in itself."""
    wrong_in_themselves = REJECTED - {Kind.SAME_ID, Kind.SAME_NUMBER}

    for row in draw(1000, 3):
        assert isinstance(_taken_in(row), Rejection if row.kind in wrong_in_themselves else NewLead), row


def test_duplicates_repeat_an_earlier_row() -> None:
    """A row with a number or id given twice comes after the row that it repeats, the number written otherwise."""
    ids, numbers = set[str](), set[str]()
    repeated = Counter[Kind]()

    for row in draw(1000, 5):
        taken = _taken_in(row)
        if isinstance(taken, NewLead):
            same_id, same_number = taken.lead.lead_id in ids, taken.lead.number.clear in numbers
            assert (same_id, same_number) == (row.kind is Kind.SAME_ID, row.kind is Kind.SAME_NUMBER)
            repeated[row.kind] += same_id or same_number
            if row.kind not in REJECTED:
                ids.add(taken.lead.lead_id)
                numbers.add(taken.lead.number.clear)

    assert repeated[Kind.SAME_ID] == 10
    assert repeated[Kind.SAME_NUMBER] == 15


def test_numbers_are_valid_and_differ() -> None:
    """Every number that may be dialled is a valid Chinese one, and no two rows share one."""
    numbers = [row.number for row in draw(2000, 2) if row.number]

    assert [parse(number, "US").clear for number in numbers] == numbers
    assert len(set(numbers)) == len(numbers)


def test_sleepers_say_where_they_are() -> None:
    """People who are outside their hours state a zone that is far away."""
    zones = {taken.lead.timezone for row in draw(1000, 2) if row.kind is Kind.ASLEEP and (taken := _taken_in(row))}

    assert zones == set(FAR_ZONES)
