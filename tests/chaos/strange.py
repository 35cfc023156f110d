"""Faults that no list has: hands at the server, and the ground under a daemon that changes while it works."""

from __future__ import annotations

import os
import resource
import signal
import time
from contextlib import suppress
from typing import Final

from dialer.store.base.connection import Command, ScriptCall, attempt_trip, trip
from dialer.store.base.streams import GROUP
from tests.chaos.floor import Floor
from tests.chaos.forgetting import cut_aof
from tests.chaos.plan import CAMPAIGN
from tests.shell.rig import children

JUNK: Final = (
    *(b"", b"\xc1junk", b"\xed\xa0\x80", b"nan", b"-1", b"1" + b"0" * 400, b"[" * 3000, b'{"x":' * 2000, b"\x91" * 500),
    b'{"began_at": 1, "what": "contacts", "cursor": "x"}',
)
"""What nobody writes, or only another release."""


def kill_connections(floor: Floor) -> None:
    """CLIENT KILL of everybody, again and again for up to 4 s."""
    until = time.monotonic() + floor.span_s(1.0, 4.0)
    while time.monotonic() < until:
        trip(floor.site.store, [("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")])
        time.sleep(0.1)


def no_memory(floor: Floor) -> None:
    """CONFIG SET maxmemory 1: every write is refused, for up to 6 s."""
    trip(floor.site.store, [("CONFIG", "SET", "maxmemory", "1")])
    time.sleep(floor.span_s(1.0, 6.0))
    trip(floor.site.store, [("CONFIG", "SET", "maxmemory", "0")])


def no_scripts(floor: Floor) -> None:
    """SCRIPT FLUSH between any two calls."""
    until = time.monotonic() + floor.span_s(1.0, 3.0)
    while time.monotonic() < until:
        trip(floor.site.store, [("SCRIPT", "FLUSH", "SYNC")])
        time.sleep(0.01)


def no_groups(floor: Floor) -> None:
    """The daemons' consumer groups are destroyed, and so is what they had not acknowledged."""
    keys = floor.site.store.keys
    streams = (keys.leads(CAMPAIGN), keys.crm_in())
    attempt_trip(floor.site.store, [("XGROUP", "DESTROY", stream, GROUP) for stream in streams])


def mortal_keys(floor: Floor) -> None:
    """Somebody sets an end of life on keys that have none: the no-call list, leads, open attempts, the marker."""
    keys = floor.site.store.keys
    chosen = [
        *(keys.blocked(shard) for shard in range(16)),
        *(keys.lead(CAMPAIGN), keys.attempts(CAMPAIGN), keys.ended(CAMPAIGN), keys.closed(CAMPAIGN)),
        *(keys.campaign(CAMPAIGN), keys.campaigns(), keys.marker(), keys.crm_out()),
    ]
    trip(floor.site.store, [("EXPIRE", key, 20) for key in chosen])
    time.sleep(25.0)


def garbled_keys(floor: Floor) -> None:
    """Keys that hold no books become rubbish, or of another type, for up to 5 s; then somebody deletes them."""
    store, keys = floor.site.store, floor.site.store.keys
    hosts = [key(host) for host in floor.dialers for key in (keys.calls, keys.status)]
    claims = attempt_trip(store, [("KEYS", keys.phone_claim("*").replace("{*}", "*"))])[0]
    chosen = [
        *(keys.trunks_drained(), keys.retention(), keys.housekeeper(), keys.contacts_kept(), keys.crm_settings()),
        *(keys.agents(), keys.agents_read(), keys.learnt(CAMPAIGN), *hosts, *claims[:3]),
    ]
    until = time.monotonic() + floor.span_s(1.0, 5.0)
    while time.monotonic() < until:
        key, junk = floor.random.choice(chosen), floor.random.choice(JUNK)
        strange: list[Command | ScriptCall] = [("SET", key, junk), ("RPUSH", key, junk), ("HSET", key, junk, junk)]
        attempt_trip(store, [floor.random.choice([("DEL", key), ("EXISTS", key)]), floor.random.choice(strange)])
        time.sleep(0.1)
    trip(store, [("DEL", key) for key in chosen])


def renamed_key(floor: Floor) -> None:
    """The campaign's settings are renamed, and back after up to 5 s."""
    key = floor.site.store.keys.campaign(CAMPAIGN)
    trip(floor.site.store, [("RENAME", key, f"{key}-aside")])
    time.sleep(floor.span_s(0.5, 5.0))
    trip(floor.site.store, [("RENAME", f"{key}-aside", key)])


def no_descriptors(floor: Floor) -> None:
    """The daemon may open no more files or sockets, for up to 6 s."""
    pid = floor.any_dialer().process.pid
    before = resource.prlimit(pid, resource.RLIMIT_NOFILE)
    in_use = len(os.listdir(f"/proc/{pid}/fd"))
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (max(16, in_use // 2), before[1]))
    time.sleep(floor.span_s(1.0, 6.0))
    resource.prlimit(pid, resource.RLIMIT_NOFILE, before)


def frozen_zygote(floor: Floor) -> None:
    """The process that workers are forked from stands still for up to 8 s, and a worker dies meanwhile."""
    dialer = floor.any_dialer()
    zygotes = children(dialer.process.pid)[:1]
    for pid in zygotes:
        os.kill(pid, signal.SIGSTOP)
    for pid in dialer.workers()[:1]:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    time.sleep(floor.span_s(1.0, 8.0))
    for pid in zygotes:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGCONT)


def no_inodes(floor: Floor) -> None:
    """The daemon's small disk has no inode left, for up to 8 s."""
    folder = floor.home(floor.any_dialer()) / "crumbs"
    folder.mkdir()
    made = []
    with suppress(OSError):
        while len(made) < 20_000:
            made.append(folder / str(len(made)))
            made[-1].touch()
    time.sleep(floor.span_s(1.0, 8.0))
    for path in made:
        path.unlink(missing_ok=True)
    folder.rmdir()


def no_folder(floor: Floor) -> None:
    """Somebody moves evidence and spool away under the daemon, and back after up to 6 s."""
    folder = floor.home(floor.any_dialer())
    for name in ("evidence", "spool"):
        (folder / name).rename(folder / f"{name}-aside")
    time.sleep(floor.span_s(1.0, 6.0))
    for name in ("evidence", "spool"):
        if not (folder / name).exists():
            (folder / f"{name}-aside").rename(folder / name)


def torn_journal(floor: Floor) -> None:
    """The newest file of a daemon's journal gets rubbish at its end and the server loses its last second."""
    journal = max((floor.home(floor.any_dialer()) / "spool" / "journal").glob("*.journal"))
    with journal.open("ab") as file:
        file.write(floor.random.randbytes(floor.random.randint(1, 200)))
    cut_aof(floor)
