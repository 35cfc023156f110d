"""Long commands on a host that dials: the floor's processes come first."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress


@contextmanager
def standing_back() -> Iterator[None]:
    """Within the block this process takes a core from nobody when it wakes up (Linux: SCHED_BATCH). A command that asks
    Redis thousands of times wakes up thousands of times, and a worker that has an answer to hand over should not
    wait for it."""
    if not hasattr(os, "sched_setscheduler"):
        yield
        return
    before = os.sched_getscheduler(0)
    with suppress(PermissionError):  # a sandbox may forbid it; then all are equal
        os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))
    try:
        yield
    finally:
        with suppress(PermissionError):
            os.sched_setscheduler(0, before, os.sched_param(0))
