"""One floor, a fault of each kind in a drawn order, and the books."""

from __future__ import annotations

import random
import sys
from pathlib import Path

import pytest

from tests.chaos.__main__ import disturb
from tests.chaos.audit import audit
from tests.chaos.faults import (
    clock_jump,
    cut_aof,
    flush,
    freeze_host,
    kill_daemon,
    kill_workers,
    partition,
    poison,
    restore_backup,
    slow_redis,
)
from tests.chaos.floor import drain, open_floor
from tests.chaos.plan import Plan
from tests.chaos.strange import kill_connections

SEED = 7
KINDS = (
    *(kill_daemon, kill_workers, freeze_host, slow_redis, cut_aof, restore_backup, flush, partition, poison),
    *(clock_jump, kill_connections),
)
SHORT = [fault.__name__ for fault in KINDS]
"""One fault of each kind; `make chaos` has all of them."""

PATIENCE_S = 2.0
LONGEST_S = 3.0
"""Longer than a host counts as alive without a sign of life, and no longer than it must be."""


@pytest.mark.timeout(400)
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="looks for a daemon's processes in /proc")
def test_whatever_happens_every_attempt_has_one_disposition(tmp_path: Path) -> None:
    """Daemons, workers and Redis killed, frozen and slow, odd entries everywhere: nothing lost, nobody dialled past the
    cap, and every daemon comes back and ends well."""
    names = random.Random(SEED).sample(SHORT, len(SHORT))
    with open_floor(tmp_path / "floor", SEED, Plan(skewed_clocks=True), longest_s=LONGEST_S) as floor:
        disturb(floor, names)
        codes = drain(floor, PATIENCE_S)
        books = audit(floor)

    assert books.faults(witnesses_died=True) == []
    assert set(codes) == {0}
    assert books.attempts > len(names)
    assert books.recordings > len(names)
