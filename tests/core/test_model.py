"""The nouns."""

from __future__ import annotations

import pytest

from compliance.numbers import E164
from dialer.core.model import Lead


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


def test_attrs_leave_without_phone_numbers() -> None:
    """The CRM's own data comes back as it came, save for numbers: the lead's and others."""
    attrs = {"order": "20261122000017", "at": 1_772_500_000_000, "second": ["139 0000 5678"], "own": 13_800_001_234}
    lead = Lead("L1", "spring", (E164("+8613800001234"),), attrs=attrs)

    assert lead.shown_attrs == attrs | {"second": ["*******5678"], "own": "*******1234"}
