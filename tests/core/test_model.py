"""The nouns."""

from __future__ import annotations

import pytest


def test_a_lead_points_at_one_of_its_numbers(make_lead):
    """A lead without numbers, or one that points beside them, does not construct."""
    assert make_lead(numbers=2, number_index=1).number.clear.endswith("01")
    for given in ({"numbers": 0}, {"numbers": 1, "number_index": 1}, {"numbers": 1, "number_index": -1}):
        with pytest.raises(ValueError, match="number_index"):
            make_lead(**given)


def test_a_lead_never_shows_its_number(make_lead):
    """However a lead is printed, its number is masked."""
    lead = make_lead()
    assert lead.number.clear not in f"{lead} {lead!r}"
