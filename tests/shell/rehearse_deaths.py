"""Scenario: the SIP workers of a daemon keep dying while people talk."""

from __future__ import annotations

import os
import signal
from collections import Counter
from dataclasses import dataclass

from dialer.store.operators.status import Counts
from tests.shell.rig import Rig

NUMBERS = [f"+861384000{i:04}" for i in range(30)]
WORKERS = 12


@dataclass(frozen=True, slots=True)
class Found:
    """What became of the daemon and of the calls."""

    exit_code: int
    told: list[str]
    kinds: Counter[str]
    counts: Counts
    log: str


def run(rig: Rig) -> Found:
    """Kill all workers as often as the restart budget allows, and once more."""
    with rig.site("deaths", chatty=rig.chatty.carrier_port) as site:
        dialer = site.start(sip={"max_lines": 2 * WORKERS})
        site.campaign("doomed")
        site.leads("doomed", NUMBERS)
        site.log_in(rig.chatty, ["agent-1", "agent-2"], "doomed")
        site.until(lambda: len(site.talks("doomed")) == 2, "two talk")
        killed: set[int] = set()
        while len(killed) <= 2 * WORKERS and dialer.process.poll() is None:
            for pid in set(dialer.workers()) - killed:
                killed.add(pid)
                os.kill(pid, signal.SIGKILL)
            site.until(
                lambda: set(dialer.workers()) - killed or dialer.process.poll() is not None or "draining" in dialer.log,
                "workers are replaced, or given up",
            )
            if "draining" in dialer.log:
                break
        return Found(
            exit_code=dialer.ended(),
            told=dialer.hear(),
            kinds=site.kinds("doomed"),
            counts=site.counts("doomed"),
            log=dialer.log,
        )
