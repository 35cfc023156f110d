"""What can go wrong on a floor. Each fault disturbs it, ends by itself, and draws its size from the floor's seed."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Final

from dialer.store.base.connection import trip
from tests.chaos.floor import CAMPAIGN, Floor, pause
from tests.chaos.forgetting import cut_aof, flush, restore_backup
from tests.chaos.lead_orders import lead_orders
from tests.shell.rig import children, is_alive, kill_quietly

Fault = Callable[[Floor], None]

HUGE: Final = "1" + "0" * 400
POISON: Final = (
    ("leads", '{"lead_id": "P", "phone": "+8613800138001", "not_before": %s}'),
    ("agents", '{"type": "ready", "agent": "agent-1", "shift_ends_at": %s}'),
    ("crm", '{"type": "block", "number": "+8613800138001", "who": "x", "until": %s}'),
    ("control", '{"name": "x", "who": "x", "at": %s}'),
)
ODD_VALUES: Final = (HUGE, "-" + HUGE, "1e400", "NaN", "Infinity", "[" * 2000, '"\\u0000"', "{}")
ENTRIES: Final = 200
FLOOD: Final = 2_000
"""Entries in a second."""


def kill_daemon(floor: Floor) -> None:
    """SIGKILL a daemon; its zygote and its workers end by themselves."""
    dialer = floor.any_dialer()
    family = dialer.family()
    dialer.kill()
    floor.site.until(lambda: not any(map(is_alive, family)), "zygote and workers end", 15.0)


def kill_workers(floor: Floor) -> None:
    """SIGKILL up to three SIP workers of a daemon."""
    workers = floor.any_dialer().workers()
    for pid in floor.random.sample(workers, min(len(workers), floor.random.randint(1, 3))):
        kill_quietly(pid)


def kill_zygote(floor: Floor) -> None:
    """SIGKILL the process that workers are forked from."""
    for pid in children(floor.any_dialer().process.pid)[:1]:
        kill_quietly(pid)


def freeze_daemon(floor: Floor) -> None:
    """SIGSTOP a daemon without its workers, for up to 15 s."""
    pause(floor.any_dialer().process.pid, floor.span_s(1.0, 15.0))


def freeze_host(floor: Floor) -> None:
    """SIGSTOP a daemon and everything below it, as when a virtual machine is moved."""
    dialer = floor.any_dialer()
    family = [dialer.process.pid, *dialer.family()]
    for pid in family:
        os.kill(pid, signal.SIGSTOP)
    time.sleep(floor.span_s(1.0, 15.0))
    for pid in reversed(family):
        if is_alive(pid):
            os.kill(pid, signal.SIGCONT)


def freeze_redis(floor: Floor) -> None:
    """SIGSTOP the server for up to 8 s."""
    pause(floor.server_pid, floor.span_s(0.5, 8.0))


def kill_redis(floor: Floor) -> None:
    """SIGKILL the server, which forces every write to disk, and start it again within 3 s."""
    kill_quietly(floor.server_pid)
    time.sleep(floor.span_s(0.0, 3.0))
    floor.server.stop()
    floor.server.start()


def slow_redis(floor: Floor) -> None:
    """Each answer takes 0.1 to 1.2 s for a while: slow, and never a time-out."""
    until = time.monotonic() + floor.span_s(4.0, 10.0)
    while time.monotonic() < until:
        pause_ms = floor.random.randint(100, 1200)
        trip(floor.site.store, [("CLIENT", "PAUSE", pause_ms, "ALL")])
        time.sleep(pause_ms / 1000 + 0.02)


def partition(floor: Floor) -> None:
    """One of the hosts reaches the server no more, for up to 25 s: longer than it counts as alive."""
    relay = floor.relays[floor.random.choice(sorted(floor.relays))]
    relay.cut_off()
    time.sleep(floor.span_s(2.0, 25.0))
    relay.mend()


def fill_disk(floor: Floor) -> None:
    """The disk of a daemon's spool, journal and evidence is full for up to 10 s."""
    dialer = floor.any_dialer()
    ballast = Path(f"/proc/{dialer.process.pid}/root{floor.disk(dialer.host)}/ballast")
    with suppress(OSError), ballast.open("wb", buffering=0) as file:
        while True:
            file.write(bytes(4096))
    time.sleep(floor.span_s(1.0, 10.0))
    ballast.unlink()


def poison(floor: Floor) -> None:
    """Entries that nobody can mean, in every stream that others write to."""
    _odd_entries(floor, ENTRIES)


def flood(floor: Floor) -> None:
    """Thousands of them a second, for up to 5 s."""
    until = time.monotonic() + floor.span_s(1.0, 5.0)
    while (began := time.monotonic()) < until:
        _odd_entries(floor, FLOOD // 10)
        time.sleep(max(0.0, began + 0.1 - time.monotonic()))


def _odd_entries(floor: Floor, number: int) -> None:
    keys = floor.site.store.keys
    streams = {
        "leads": keys.leads(CAMPAIGN),
        "agents": keys.agents_in(),
        "crm": keys.crm_in(),
        "control": keys.control(),
    }
    calls = []
    for _ in range(number):
        stream, text = floor.random.choice(POISON)
        calls.append(("XADD", streams[stream], "*", "json", text % floor.random.choice(ODD_VALUES)))
    trip(floor.site.store, calls)


def drain_one(floor: Floor) -> None:
    """SIGTERM a daemon in full swing, as an upgrade does, and again when it takes long."""
    dialer = floor.any_dialer()
    dialer.stop()
    dialer.ended(60.0)


FAULTS: Final[Mapping[str, Fault]] = {
    fault.__name__: fault
    for fault in (
        kill_daemon,
        kill_workers,
        kill_zygote,
        freeze_daemon,
        freeze_host,
        freeze_redis,
        kill_redis,
        slow_redis,
        cut_aof,
        restore_backup,
        flush,
        partition,
        fill_disk,
        poison,
        flood,
        drain_one,
        lead_orders,
    )
}

NEEDS_SMALL_DISKS: Final = frozenset({fill_disk.__name__})
"""Faults that need a floor whose daemons have disks of their own, which end with them."""

WITNESSES_DIE: Final = frozenset({kill_daemon.__name__})
"""Faults after which nobody can say how the calls of the moment ended; after any other, somebody can."""
