"""`dialer` with a wall clock that can be set from outside while it runs, as a time service or a hand sets it.

A file has by how many seconds it is wrong, as text. The monotonic clock goes on as it is, as the kernel's does, and so
do the SIP workers, which know no other. For the floor of `tests/chaos` alone.
"""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Final

OFFSET: Final = "CHAOS_CLOCK"
"""The variable that has the path of the file."""

PROGRAM: Final = "from tests.chaos.skewed_clock import run; run()"


def run() -> None:
    """Become the command line of `dialer`."""
    path = os.environ[OFFSET]
    descriptor, true_time = os.open(path, os.O_RDONLY | os.O_CLOEXEC), time.time

    def skewed() -> float:
        return true_time() + float(os.pread(descriptor, 32, 0) or b"0")

    time.time = skewed
    time.time_ns = lambda: int(skewed() * 1e9)

    from dialer.cli import main

    main()


def skew(path: Path, seconds: float) -> None:
    """Set the clock of whoever runs with this file."""
    with path.open("r+b") as file:
        file.write(f"{seconds:<32.3f}".encode())
