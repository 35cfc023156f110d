"""What people and programs write where a phone number is asked for."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from compliance.numbering.written import spoilt_id
from compliance.numbers import BadNumber, parse


@pytest.mark.parametrize(
    ("raw", "clear"),
    [
        ("\u202d13800138001\u202c", "+8613800138001"),
        ("\u200e138\u200b00138001\u2060", "+8613800138001"),
        ("\ufeff13800138003", "+8613800138003"),
        ("'13800138004", "+8613800138004"),
        ("’13800138009", "+8613800138009"),
        ('="13800138005"', "+8613800138005"),
        ("１３８００１３８００６", "+8613800138006"),
        ("13800138007\u00a0", "+8613800138007"),
        ("＋８６ 138 0013 8008", "+8613800138008"),
        ("tel:13800138010", "+8613800138010"),
        ("TEL：+86 138-0013-8010", "+8613800138010"),
        ("手机:13800138010", "+8613800138010"),
        ("13800138001.0", "+8613800138001"),
        ("+8613800138002.00", "+8613800138002"),
        ("03162123456.0", "+863162123456"),
        ("+4917112345678.0", "+4917112345678"),
        ("+491711234567.0", "+491711234567"),
        ("138.0013.8001", "+8613800138001"),
        ("138-0013-8001", "+8613800138001"),
        ("+1 415.555.2671", "+14155552671"),
    ],
)
def test_what_is_no_part_of_the_number_is_left_out(raw: str, clear: str) -> None:
    """What cannot be seen, what marks it as text, and the .0 of a spreadsheet."""
    assert parse(raw, "CN").clear == clear


@pytest.mark.parametrize(
    ("raw", "region", "reason"),
    [
        ("1.38001E+10", "CN", "shortened"),
        ("1,38001E+10", "DE", "shortened"),
        ("1.38E10", "CN", "shortened"),
        ("13800138001.5", "CN", "decimal"),
        ("13800138001,0", "XX", "no country"),
        ("+49 171 1234567-0", "DE", "tacked on"),
        ("+49 171 1234567/8", "DE", "tacked on"),
        ("0171/1234567.12", "DE", "not a valid number"),
        ("+43664123456-10", "AT", "tacked on"),
        ("13800138001/02", "CN", "too long"),
    ],
)
def test_what_may_be_another_number_is_refused(raw: str, region: str, reason: str) -> None:
    """Nothing that is tacked on, and nothing that a spreadsheet has spoilt, ever makes another number."""
    with pytest.raises(BadNumber, match=reason):
        parse(raw, region)


@given(
    st.sampled_from(["+491711234567", "+4917112345678", "+43664123456", "+390612345678", "+8613800138001"]),
    st.sampled_from(["", " "]),
    st.sampled_from(".-/／‐–－"),
    st.integers(0, 999),
    st.integers(1, 3),
)
def test_a_tail_never_makes_another_number(clear: str, blank: str, mark: str, tail: int, width: int) -> None:
    """Whatever stands behind a dot, slash or dash: the number itself, or none."""
    try:
        number = parse(f"{clear}{blank}{mark}{tail:0{width}d}", "CN").clear
    except BadNumber:
        return
    assert number == clear


@pytest.mark.parametrize(
    ("text", "spoilt"),
    [
        ("4.40106E+17", True),
        ("4,40106E+17", True),
        ("6.22202e18", True),
        ("4E+17", True),
        ("10023.0", True),
        ("12E4", False),
        ("1.0", False),
        ("2026.12", False),
        ("A-4.5E+17", False),
        ("440106199001011234", False),
    ],
)
def test_ids_that_a_spreadsheet_has_spoilt_are_known(text: str, spoilt: bool) -> None:
    """Shortened ones, of which several people may have the same, and decimals that were whole; nothing else."""
    assert (spoilt_id(text) is not None) is spoilt
