"""Start the loopback carrier from Python, ask it for its counts, and be sure that it ends."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Final

from sip.loopback.counts import Report
from sip.loopback.profile import Outcome

_STARTUP_LIMIT_S: Final = 20.0
_STOP_LIMIT_S: Final = 10.0


class LoopbackError(RuntimeError):
    """The carrier did not start, or ended without a report. Its stderr says why."""


@dataclass(slots=True)
class Loopback:
    """A running carrier with its phones."""

    host: str
    carrier_port: int
    phones_port: int
    process: subprocess.Popen[bytes]
    report_path: Path
    _last: Report | None = field(default=None, init=False)

    @property
    def pid(self) -> int:
        """The process, for those who want to measure it."""
        return self.process.pid

    def phone_uri(self, user: str) -> str:
        """The SIP URI of an agent's phone, such as `sip:agent-07@127.0.0.1:5070`."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"sip:{user}@{host}:{self.phones_port}"

    def report(self) -> Report:
        """The counts as they were at most one reporting period ago; after `stop`, the final ones."""
        return self._last or Report.from_json(self.report_path.read_bytes())

    def wait_for(self, condition: Callable[[Report], bool], *, limit_s: float) -> Report:
        """The first report for which the condition holds; raises TimeoutError with the last one seen if none does."""
        deadline = time.monotonic() + limit_s
        while not condition(report := self.report()):
            if time.monotonic() > deadline:
                raise TimeoutError(f"not so within {limit_s} s: {report}")
            time.sleep(0.02)
        return report

    def stop(self) -> Report:
        """End the carrier and give its final counts. May be called again. Raises LoopbackError if there are none."""
        if self._last is None:
            _end(self.process)
            last = Report.from_json(self.report_path.read_bytes())
            if not last.final:
                raise LoopbackError(f"the carrier ended with status {self.process.returncode} and no final report")
            self._last = last
        return self._last


@contextmanager
def start_loopback(
    profile: str | Path = "demo",
    *,
    seed: int = 1,
    forced: Mapping[str, Outcome | str] | None = None,
    host: str = "127.0.0.1",
    carrier_port: int = 0,
    phones_port: int = 0,
    auth: str | None = None,
    max_calls: int = 2000,
    max_seconds: float = 3600.0,
    report_every_s: float = 0.1,
    stderr: IO[bytes] | int | None = None,
) -> Iterator[Loopback]:
    """Run `python -m sip.loopback` for as long as the block lasts. It ends with us, even if we are killed.

    `profile` is a built-in name or a TOML file, `auth` is `user:password`, `stderr` as for subprocess. Raises
    LoopbackError if it does not start.
    """
    with tempfile.TemporaryDirectory(prefix="sip-loopback-") as folder:
        report_path = Path(folder, "report.json")
        command = [
            *(sys.executable, "-m", "sip.loopback"),
            *("--profile", str(profile), "--seed", str(seed), "--bind", host),
            *("--carrier-port", str(carrier_port), "--phones-port", str(phones_port)),
            *("--max-calls", str(max_calls), "--max-seconds", str(max_seconds)),
            *("--report", str(report_path), "--report-every", str(report_every_s)),
            *(() if auth is None else ("--auth", auth)),
        ]
        for number, outcome in (forced or {}).items():
            command += ["--force", f"{number}={outcome}"]
        stdout_path = Path(folder, "stdout")
        with stdout_path.open("wb") as stdout:
            process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=stdout, stderr=stderr)
        try:
            ports = _ports(process, stdout_path)
            yield Loopback(host, ports["carrier_port"], ports["phones_port"], process, report_path)
        finally:
            _end(process)


def _ports(process: subprocess.Popen[bytes], stdout_path: Path) -> dict[str, int]:
    """The line that says it is ready."""
    deadline = time.monotonic() + _STARTUP_LIMIT_S
    while not (line := stdout_path.read_bytes()).endswith(b"\n"):
        if process.poll() is not None:
            raise LoopbackError(f"the carrier did not start: exit status {process.returncode}")
        if time.monotonic() > deadline:
            raise LoopbackError(f"the carrier was not ready within {_STARTUP_LIMIT_S} s")
        time.sleep(0.01)
    ports: dict[str, int] = json.loads(line)
    return ports


def _end(process: subprocess.Popen[bytes]) -> None:
    """Ask it to end; kill it if that takes too long. A copy of its stdin in another child must not keep it alive."""
    assert process.stdin is not None
    process.terminate()
    process.stdin.close()
    try:
        process.wait(_STOP_LIMIT_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait(_STOP_LIMIT_S)
