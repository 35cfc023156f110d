"""SIPp as the far end: one process is all callees, another all agents' phones. Bounded in time, on loopback only."""

from __future__ import annotations

import csv
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class FarEnd:
    """A running SIPp and its file of statistics."""

    process: subprocess.Popen[bytes]
    statistics: Path

    def counted(self, column: str) -> int:
        """A column of the newest row, such as `TotalCallCreated`. SIPp writes one row a second."""
        with self.statistics.open(newline="") as file:
            rows = list(csv.DictReader(file, delimiter=";"))
        return int(rows[-1][column]) if rows else 0


@contextmanager
def far_end(
    sipp: str,
    scenario: str,
    folder: Path,
    *,
    port: int,
    media_port: int,
    limit_s: int,
    options: Sequence[str] = (),
    name: str = "",
) -> Iterator[FarEnd]:
    """Answer calls on a port of 127.0.0.1 as the scenario says, for at most `limit_s`. Files go by `name`, the
    scenario's where there is none."""
    statistics = folder / f"{name or scenario}.csv"
    command = [sipp, "-sf", str(HERE / f"{scenario}.xml"), "-i", "127.0.0.1", "-p", str(port)]
    command += ["-mi", "127.0.0.1", "-mp", str(media_port), "-nostdin", "-timeout", f"{limit_s}s"]
    command += ["-trace_stat", "-stf", str(statistics), "-fd", "1", "-buff_size", "4194304", *options]
    with (folder / f"{name or scenario}.log").open("wb") as log:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=folder)
    try:
        yield FarEnd(process, statistics)
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
