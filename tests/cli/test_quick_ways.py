"""What spares a list of a million rows some work gives the same as the long way."""

from __future__ import annotations

from hypothesis import example, given
from hypothesis import strategies as st

from compliance import numbers
from compliance.numbering import written
from compliance.numbering.written import MARKS
from compliance.numbers import E164
from dialer.cli.sheets import cells
from dialer.drawing.cells import FORMULA_BEGINS
from dialer.store.base import fields
from dialer.store.base.fields import Fields
from dialer.store.leads import lead_codec

ODD = st.sampled_from(
    [*MARKS, "\u200b", "\ufeff", "\xa0", " ", "\t", "=", '"', "-", "+", ".", ",", "e", "E", "1", "王"]
)
TEXTS = st.one_of(st.text(max_size=20), st.lists(ODD, max_size=12).map("".join), st.from_regex(written._SHORTENED_ID))
NUMBER = E164("+8613800138000")


@given(TEXTS, st.integers(1, 20), st.booleans())
def test_a_text_is_judged_the_same(text: str, limit: int, needed: bool) -> None:
    """By its length, its control characters and whether it can be encoded."""
    slow = None
    if needed and not text.strip():
        slow = "empty"
    elif len(text) > limit:
        slow = f"longer than {limit} characters"
    elif fields._CONTROL.search(text):
        slow = "holds control characters"
    elif not fields._encodable(text):
        slow = "is not valid Unicode"
    assert Fields.text_fault(text, limit, needed=needed) == slow


@given(st.one_of(TEXTS, st.lists(st.sampled_from("0138 -x１"), max_size=20).map("".join)))
@example("id 1-38-00-13-80-00")
@example("00138000")
@example("x138001380001")
def test_a_number_in_an_id_is_seen_the_same(text: str) -> None:
    """However it is written."""
    slow = len(text) >= numbers.ENOUGH_DIGITS and "00138000" in numbers._digits(text)
    assert NUMBER.is_in(text) == slow


@given(st.one_of(TEXTS, st.from_regex(written._DECIMAL_ID)))
@example("1.38E+10")
@example("1E+10")
@example("+1E+123")
@example("12345.0")
def test_a_spoilt_id_is_seen_the_same(text: str) -> None:
    """Shortened, or a decimal."""
    slow = written.SHORTENED if written._SHORTENED_ID.fullmatch(text) else None
    slow = slow or (written.DECIMAL if written._DECIMAL_ID.fullmatch(text) else None)
    assert written.spoilt_id(text) == slow


@given(TEXTS)
def test_a_cell_loses_the_same_marks(cell: str) -> None:
    """Whatever stands at its ends."""
    bare = cells._AT_THE_ENDS.sub("", cell)
    quoted = cells._QUOTED_FORMULA.fullmatch(bare)
    rest = bare[1:].strip()
    if quoted:
        slow = quoted[1].replace('""', '"').strip()
    elif bare.startswith(tuple(MARKS)) and (rest.startswith(FORMULA_BEGINS) or rest[:1].isdecimal()):
        slow = rest
    else:
        slow = bare
    assert cells.without_mark(cell) == slow


@given(TEXTS)
def test_a_list_s_name_is_judged_the_same_again(name: str) -> None:
    """The judgement is remembered."""
    assert lead_codec.list_fault(name) == lead_codec.list_fault.__wrapped__(name)
