"""The far ends: a SIPp is all callees, another all agents' phones, and a reflector is the audio of both. Bounded in
time, on loopback only."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from tests.bench.pipeline.options import Media, Options
from tests.bench.pipeline.processes import cpu_s

HERE: Final = Path(__file__).parent
CALLEE_PORT, AGENT_PORT = 25060, 25080
CALLEE_MEDIA, AGENT_MEDIA = 26000, 26100
SIPPS_OWN: Final = 50
"""So far above the reflector's ports are those that SIPp opens."""

END_LIMIT_S: Final = 10.0
FAR_ENDS_NICENESS: Final = -10


@dataclass(frozen=True, slots=True)
class Sipp:
    """A running SIPp and its file of statistics."""

    process: subprocess.Popen[bytes]
    statistics: Path

    def counted(self, column: str) -> int:
        """A column of the newest row, such as `TotalCallCreated`. SIPp writes one row a second."""
        with self.statistics.open(newline="") as file:
            rows = list(csv.DictReader(file, delimiter=";"))
        return int(rows[-1][column]) if rows else 0


@dataclass(slots=True)
class FarEnds:
    """All of them. `media` is known once `hang_up` was called."""

    callees: Sipp
    phones: Sipp
    reflector: subprocess.Popen[bytes] | None
    media: Media | None = field(default=None)

    def cores_since(self, before: dict[str, float], seconds: float) -> dict[str, float]:
        """Cores used since `used` was asked."""
        return {name: (now - before[name]) / seconds for name, now in self.used().items()}

    def used(self) -> dict[str, float]:
        """Processor time so far, by what it was for."""
        used = {"SIPp": cpu_s((self.callees.process.pid, self.phones.process.pid))}
        if self.reflector is not None:
            used["audio's far end"] = cpu_s((self.reflector.pid,))
        return used

    def hang_up(self) -> None:
        """No more audio: have the reflector say what it heard."""
        if self.reflector is not None and self.media is None:
            heard, _ = self.reflector.communicate(timeout=END_LIMIT_S)
            self.media = Media(**json.loads(heard))


@contextmanager
def far_ends(sipp: str, folder: Path, options: Options, limit_s: int) -> Iterator[FarEnds]:
    """Answer calls, for at most `limit_s`."""
    with ExitStack() as stack:
        reflector = stack.enter_context(_reflector()) if options.media else None
        callees, phones = (
            stack.enter_context(_sipp(sipp, name, folder, options, port=port, media_port=media_port, limit_s=limit_s))
            for name, port, media_port in (("callee", CALLEE_PORT, CALLEE_MEDIA), ("agent", AGENT_PORT, AGENT_MEDIA))
        )
        yield FarEnds(callees, phones, reflector)


@contextmanager
def _sipp(
    sipp: str, name: str, folder: Path, options: Options, *, port: int, media_port: int, limit_s: int
) -> Iterator[Sipp]:
    """Where the audio is the reflector's, its port stands in the scenario as a number: `[media_port]` is SIPp's own,
    which it opens in any case."""
    statistics, scenario = folder / f"{name}.csv", folder / f"{name}.xml"
    text = (HERE / scenario.name).read_text().replace('"8000"', f'"{options.talk_s * 1000:.0f}"')
    scenario.write_text(text.replace("[media_port]", str(media_port)) if options.media else text)
    command = [sipp, "-sf", str(scenario), "-i", "127.0.0.1", "-p", str(port)]
    command += ["-mi", "127.0.0.1", "-mp", str(media_port + SIPPS_OWN), "-nostdin", "-timeout", f"{limit_s}s"]
    command += ["-trace_stat", "-stf", str(statistics), "-fd", "1", "-buff_size", "4194304"]
    with (folder / f"{name}.log").open("wb") as log:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=folder)
    with ended_after(process):
        goes_first(process.pid)
        yield Sipp(process, statistics)


@contextmanager
def _reflector() -> Iterator[subprocess.Popen[bytes]]:
    command = [sys.executable, "-m", "tests.bench.pipeline.reflector", str(CALLEE_MEDIA), str(AGENT_MEDIA)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    with ended_after(process):
        assert process.stdout is not None
        if not process.stdout.readline():
            raise SystemExit("the audio's far end did not start")
        goes_first(process.pid)
        yield process


def goes_first(pid: int) -> None:
    """The far ends stand for other machines: they must not wait for ours. Without the right to this the figures are
    those of a machine that is late on both ends."""
    with suppress(PermissionError):
        os.setpriority(os.PRIO_PROCESS, pid, FAR_ENDS_NICENESS)


@contextmanager
def ended_after(process: subprocess.Popen[bytes]) -> Iterator[None]:
    """End a process with the block."""
    try:
        yield
    finally:
        process.terminate()
        try:
            process.wait(END_LIMIT_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
