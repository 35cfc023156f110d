"""What can go wrong on a floor. Each fault disturbs it, ends by itself, and draws its size from the floor's seed."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Final

from dialer.store.base.connection import trip
from tests.chaos import strange
from tests.chaos.floor import SERVER_LIMIT_S, Floor, pause
from tests.chaos.forgetting import cut_aof, flush, restore_backup
from tests.chaos.lead_orders import lead_orders
from tests.chaos.plan import CAMPAIGN, Plan
from tests.chaos.previous_release import upgrade
from tests.chaos.servers import Kind
from tests.chaos.skewed_clock import skew
from tests.shell.rig import children, is_alive, kill_quietly
from tests.store.server_rig import until

Fault = Callable[[Floor], None]

STRANGE: Final[tuple[Fault, ...]] = (
    strange.kill_connections,
    strange.no_memory,
    strange.no_scripts,
    strange.no_groups,
    strange.mortal_keys,
    strange.renamed_key,
    strange.garbled_keys,
    strange.no_descriptors,
    strange.frozen_zygote,
    strange.no_inodes,
    strange.no_folder,
    strange.torn_journal,
)

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
    floor.server.start(SERVER_LIMIT_S)


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
    ballast = floor.home(floor.any_dialer()) / "ballast"
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


def clock_jump(floor: Floor) -> None:
    """A host's wall clock is set wrong by 6 s to a day, and set right again."""
    host = floor.random.choice(sorted(floor.dialers))
    wrong_s = floor.random.choice((-1, 1)) * 10 ** floor.random.uniform(0.8, 4.9)
    began = time.time()
    skew(floor.clock(host), wrong_s)
    time.sleep(floor.span_s(0.3, 12.0))
    skew(floor.clock(host), 0.0)
    floor.skewed.append((began, time.time()))


def fail_over(floor: Floor) -> None:
    """The master that has the campaign dies; a replica, which may not have heard of the last writes, takes its place,
    and the dead one comes back as its replica."""
    key = floor.site.store.keys.lead(CAMPAIGN)
    master = floor.servers.master(key)
    master.kill()
    heir = until(lambda: (node := floor.servers.master(key)) is not master and node, "another node takes over")
    time.sleep(floor.span_s(0.0, 2.0))
    master.start()
    until(lambda: master.client.info("replication").get("master_link_status") == "up", "the old master follows")
    until(lambda: heir.client.info("replication")["slave0"]["state"] == "online", "the new master has a replica")


def lose_host(floor: Floor) -> None:
    """One of the hosts is killed and stays away for longer than it counts as alive: the others take over."""
    dialer = floor.any_dialer()
    family = dialer.family()
    dialer.kill()
    for pid in filter(is_alive, family):
        kill_quietly(pid)
    time.sleep(floor.span_s(4.0, 12.0))


def drain_one(floor: Floor) -> None:
    """SIGTERM a daemon in full swing, as an upgrade does, and again when it takes long."""
    dialer = floor.any_dialer()
    dialer.stop()
    dialer.ended(60.0)


FAULTS: Final[dict[str, Fault]] = {
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
        clock_jump,
        lose_host,
        upgrade,
    )
}
FAULTS |= {fault.__name__: fault for fault in STRANGE}
FAULTS |= {f"fail_over_{kind}": fail_over for kind in (Kind.SENTINEL, Kind.CLUSTER)}

PLANS: Final[Mapping[str, Plan]] = {
    fill_disk.__name__: Plan(small_disks=True),
    strange.no_inodes.__name__: Plan(small_disks=True),
    clock_jump.__name__: Plan(skewed_clocks=True),
    lose_host.__name__: Plan(hosts=3),
    **{f"fail_over_{kind}": Plan(servers=kind) for kind in (Kind.SENTINEL, Kind.CLUSTER)},
}
"""What a fault needs that the usual floor has not."""

WITNESSES_DIE: Final = frozenset({kill_daemon.__name__, lose_host.__name__, upgrade.__name__})
"""Faults after which nobody can say how the calls of the moment ended; after any other, somebody can."""
