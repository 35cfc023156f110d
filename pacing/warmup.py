"""Compile everything before the daemon says READY.

The machine code is cached beside the source or in NUMBA_CACHE_DIR; with a warm cache this takes a fraction of a second.
"""

from __future__ import annotations

from pacing.api import CallFailed, Ledger, Settings, Snapshot, TalkEnded, WrapupEnded
from pacing.forecast import Doubt, make_tables, propose
from pacing.kernels import EXACT_UP_TO
from pacing.learning.learn import Model


def warm_up() -> None:
    """Run every kernel once, on both sides of the border between the exact and the approximate one."""
    settings = Settings()
    grace_s = settings.abandon_after_s
    model = Model(settings.ring_timeout_s)
    for ended in (CallFailed(0.0, settings.ring_timeout_s), TalkEnded(0.0, 1.0), WrapupEnded(0.0, 1.0)):
        model.observe(ended)
    for agents in (0, 1, EXACT_UP_TO):
        ages_s = tuple(float(i % 60) for i in range(agents))
        snapshot = Snapshot(0.0, agents, ages_s, ages_s, 0, ages_s, ages_s[:1], 10, 10, Ledger(100, 1))
        model.look(snapshot)
        propose(make_tables(model, snapshot, grace_s), snapshot, grace_s, Doubt(0.0, 1.0), 0.05, 2)
