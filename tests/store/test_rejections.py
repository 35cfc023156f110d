"""Why leads were rejected, as it is counted."""

from __future__ import annotations

from dialer.store.leads.rejections import general


def test_reasons_are_counted_without_particulars() -> None:
    """Rows with the same mistake are one line of the report."""
    assert general("phone: too short (…1234)") == ("phone: too short", "…1234")
    assert general("duplicate: the number is in an earlier row (3)") == (
        "duplicate: the number is in an earlier row",
        "as row 3",
    )
    assert general("timezone: 'Mars' is not known") == ("timezone: ... is not known", "")
