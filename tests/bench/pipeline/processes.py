"""What the daemon and its SIP workers use, read from /proc."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

PROC = Path("/proc")
TICKS_PER_S = os.sysconf("SC_CLK_TCK")
MB = 1_000_000


@dataclass(frozen=True, slots=True)
class Family:
    """The daemon's process, its zygote and its workers."""

    daemon: int
    zygote: int
    workers: tuple[int, ...]

    @property
    def everyone(self) -> tuple[int, ...]:
        return (self.daemon, self.zygote, *self.workers)


def family(leash: int) -> Family:
    """The processes below the one that keeps the daemon on a leash."""
    (daemon,) = children(leash)
    zygotes = [pid for pid in children(daemon) if b"sip.zygote" in (PROC / str(pid) / "cmdline").read_bytes()]
    return Family(daemon, zygotes[0], tuple(children(zygotes[0])))


def children(pid: int) -> list[int]:
    """Direct children, of all threads of a process."""
    tasks = (PROC / str(pid) / "task").glob("*/children")
    return [int(child) for task in tasks for child in task.read_text().split()]


def private_mb(pid: int) -> float:
    """Memory that a process shares with nobody: what one more of it costs."""
    fields = (line.split() for line in (PROC / str(pid) / "smaps_rollup").read_text().splitlines()[1:])
    return sum(int(field[1]) for field in fields if field[0] in {"Private_Clean:", "Private_Dirty:"}) * 1024 / MB


def resident_mb(pid: int) -> float:
    """Resident memory, shared pages included."""
    pages = int((PROC / str(pid) / "statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / MB


def cpu_s(pids: Iterable[int]) -> float:
    """Processor time that processes have used so far; those that are gone count for nothing."""
    total = 0
    for pid in pids:
        try:
            fields = (PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        total += int(fields[11]) + int(fields[12])
    return total / TICKS_PER_S
