"""Leads that are changed beside a floor that dials them."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import pytest

from dialer.core.model import Disposition
from dialer.store.operators import status
from tests.chaos.audit import audit
from tests.chaos.floor import drain, open_floor
from tests.chaos.lead_orders import ELSEWHERE, order
from tests.chaos.plan import CAMPAIGN, Plan


@pytest.mark.timeout(200)
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="looks for a daemon's processes in /proc")
def test_no_lead_is_lost_or_dialled_against_an_order(tmp_path: Path) -> None:
    """Cancelled, reopened, moved away and back by the hundred: each attempt has one end, each lead one place, and none
    is dialled that was closed before."""
    with open_floor(tmp_path / "floor", 11, Plan(leads=2_000)) as floor:
        done = order(floor, 8.0)
        codes = drain(floor, 2.0)
        sent = [end.data for end in floor.site.ends(CAMPAIGN) if end.data["disposition"] != Disposition.NOT_SENT]
        ends = [(str(end["lead_id"]), float(end["reserved_at"])) for end in sent]
        there = status.counts(floor.site.store, ELSEWHERE, time.time())
        books = audit(floor)

    assert books.faults(witnesses_died=False) == []
    assert done.dialled_all_the_same(ends) == []
    assert set(codes) == {0}
    assert there.due + there.waiting + there.leased + there.in_attempt == 0, "all have come back"
    for fate in ("cancel CHANGED", "cancel AT_END", "reopen CHANGED", "move done", "move in_call"):
        assert done.fates[fate] > 0, (fate, done.fates)
