"""The abandonment ledger, by day and owner."""

from __future__ import annotations

from dialer.core.inputs import LedgerOfOthers
from dialer.store import ledger
from dialer.store.connection import Store, trip
from dialer.store.ledger import DayTotal


def test_others_and_totals(store: Store) -> None:
    """Own counts are left out of the one and in the other."""
    key = store.keys.ledger("spring", "2026-03-03")
    trip(store, [("HSET", key, "a:1|answered", 5, "a:1|abandoned", 1, "b:1|answered", 7, "machine|answered", -2)])

    assert ledger.others(store, "spring", "2026-03-03", "a:1") == LedgerOfOthers("spring", "2026-03-03", 5, 0)
    assert ledger.totals(store, "spring", ["2026-03-02", "2026-03-03"]) == (
        DayTotal("2026-03-02", 0, 0),
        DayTotal("2026-03-03", 10, 1),
    )
    assert ledger.totals(store, "spring", []) == ()
