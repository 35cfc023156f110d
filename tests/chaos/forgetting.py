"""A server that forgets: its last seconds, everything, or what came after a backup."""

from __future__ import annotations

import os
import shutil
import time
from pathlib import Path

from dialer.store.base.connection import trip
from dialer.store.base.errors import StoreError
from dialer.store.settlement import acceptance
from tests.chaos.floor import SERVER_LIMIT_S, Floor
from tests.shell.rig import kill_quietly

ACCEPT_LIMIT_S = 20.0


def aof(floor: Floor) -> Path:
    """The file that the server appends to."""
    return max((floor.server.data_dir / "appendonlydir").glob("*.incr.aof"), key=lambda path: path.stat().st_mtime)


def cut_aof(floor: Floor) -> None:
    """A power cut: the server comes back without its last 0.1 to 5 s."""
    path = aof(floor)
    size = path.stat().st_size
    time.sleep(floor.span_s(0.1, 5.0))
    kill_quietly(floor.server_pid)
    os.truncate(path, size)
    floor.server.stop()
    floor.server.start(SERVER_LIMIT_S)


def restore_backup(floor: Floor) -> None:
    """The server's files are put back as they were 5 to 40 s ago, by its own snapshot (RDB)."""
    store, folder = floor.site.store, floor.server.data_dir
    trip(store, [("SAVE",)])
    backup = folder / "backup.rdb"
    shutil.copy(folder / "dump.rdb", backup)
    time.sleep(floor.span_s(5.0, 40.0))
    kill_quietly(floor.server_pid)
    floor.server.stop()
    shutil.rmtree(folder / "appendonlydir")
    shutil.copy(backup, folder / "dump.rdb")
    floor.server._config["appendonly"] = "no"
    floor.server.start(SERVER_LIMIT_S)
    trip(store, [("CONFIG", "SET", "appendonly", "yes")])
    floor.server._config["appendonly"] = "yes"


def flush(floor: Floor) -> None:
    """FLUSHALL: nobody is called until a person has accepted it, and the CRM has sent everything again."""
    store = floor.site.store
    trip(store, [("FLUSHALL",)])
    floor.emptied_at.append(time.time())
    floor.fill()
    hosts = {host for host, dialer in floor.dialers.items() if dialer.process.poll() is None}
    floor.site.until(lambda: _waiting(floor) == hosts, "every host waits for a person", ACCEPT_LIMIT_S)
    acceptance.accept(store, who="chaos", reason="FLUSHALL", now=time.time())


def _waiting(floor: Floor) -> set[str]:
    try:
        return set(acceptance.standing(floor.site.store).waiting)
    except StoreError:
        return set()
