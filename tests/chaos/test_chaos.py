"""One floor, every fault once in a drawn order, and the books."""

from __future__ import annotations

import random
import sys
from pathlib import Path

import pytest

from tests.chaos.__main__ import disturb
from tests.chaos.audit import audit
from tests.chaos.faults import FAULTS, NEEDS_SMALL_DISKS
from tests.chaos.floor import drain, open_floor

SEED = 7


@pytest.mark.timeout(400)
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="looks for a daemon's processes in /proc")
def test_whatever_happens_every_attempt_has_one_disposition(tmp_path: Path) -> None:
    """Daemons, workers and Redis killed, frozen and slow, odd entries everywhere: nothing lost, nobody dialled past the
    cap, and every daemon comes back and ends well."""
    names = random.Random(SEED).sample(sorted(FAULTS.keys() - NEEDS_SMALL_DISKS), len(FAULTS) - len(NEEDS_SMALL_DISKS))
    with open_floor(tmp_path / "floor", SEED) as floor:
        disturb(floor, names)
        codes = drain(floor)
        books = audit(floor)

    assert books.faults(witnesses_died=True) == []
    assert set(codes) == {0}
    assert books.attempts > len(names)
