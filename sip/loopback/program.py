"""The program: a carrier and phones in one process, from their start to their last report."""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from typing import Final, TextIO

from sip.loopback.calls import Calls
from sip.loopback.carrier import Carrier
from sip.loopback.counts import Report
from sip.loopback.endpoint import Credentials
from sip.loopback.phones import AgentPhones
from sip.loopback.profile import Profile
from sip.loopback.stack import after, call_from_thread, every, on_signal, run_loop, stop_loop
from sip.loopback.talks import OpenTalks

_FLUSH_S: Final = 0.05  # for what is queued to be sent
_LAST_WORDS_S: Final = 0.3  # for calls that are hung up at the end to be told so


@dataclass(frozen=True, slots=True)
class Options:
    """How to run. Ports may be 0: the system chooses. `report_every_s` 0: only the final report is written."""

    profile: Profile
    seed: int = 1
    host: str = "127.0.0.1"
    carrier_port: int = 0
    phones_port: int = 0
    credentials: Credentials | None = None
    report_path: Path | None = None
    report_every_s: float = 0.0
    max_calls: int = 2000
    max_seconds: float = 3600.0
    until_stdin_ends: bool = True

    def __post_init__(self) -> None:
        if not ip_address(self.host).is_loopback:
            raise ValueError(f"{self.host} is not a loopback address (127.0.0.0/8 or ::1): this carrier stays there")
        for name in ("carrier_port", "phones_port"):
            if not 0 <= getattr(self, name) <= 65535:
                raise ValueError(f"{name} = {getattr(self, name)}: must be between 0 and 65535")
        if self.report_path is not None and not self.report_path.parent.is_dir():
            raise ValueError(f"report = {self.report_path}: there is no folder {self.report_path.parent}")
        if self.max_calls < 1:
            raise ValueError(f"max_calls = {self.max_calls}: must be at least 1")
        if not 0 < self.max_seconds <= 86400:
            raise ValueError(f"max_seconds = {self.max_seconds}: must be above 0 and at most 86400")
        if self.report_every_s < 0 or 0 < self.report_every_s < 0.05:
            raise ValueError(f"report_every_s = {self.report_every_s}: must be 0 or at least 0.05")


def run(options: Options, out: TextIO) -> None:
    """Serve until SIGTERM, SIGINT, the end of stdin or the end of time; then hang up what is left.

    Writes one JSON line with the ports to `out` when ready and one with the final counts (without those by number)
    at the end. Raises OSError if a port is taken.
    """
    began = time.monotonic()
    carrier_calls = Calls(
        host=options.host,
        port=options.carrier_port,
        media=options.profile.media,
        max_calls=options.max_calls,
        credentials=options.credentials,
    )
    phone_calls = Calls(
        host=options.host,
        port=options.phones_port,
        media=options.profile.phones.media,
        max_calls=options.max_calls,
    )
    talks = OpenTalks()
    Carrier(options.profile, seed=options.seed, calls=carrier_calls, talks=talks)
    AgentPhones(options.profile, seed=options.seed, calls=phone_calls, talks=talks)

    def report(*, final: bool) -> Report:
        return Report(
            profile=options.profile.name,
            seed=options.seed,
            uptime_s=round(time.monotonic() - began, 3),
            final=final,
            carrier=carrier_calls.report(final=final),
            phones=phone_calls.report(final=final),
        )

    stopping = threading.Event()

    def stop() -> None:
        if stopping.is_set():
            return
        stopping.set()
        left = carrier_calls.stop_all() + phone_calls.stop_all()
        after(_LAST_WORDS_S if left else _FLUSH_S, stop_loop)

    path = options.report_path
    if path is not None and options.report_every_s > 0:
        write_report(report(final=False), path)
        every(options.report_every_s, lambda: write_report(report(final=False), path))
    after(options.max_seconds, stop)
    on_signal(signal.SIGTERM, stop)
    on_signal(signal.SIGINT, stop)
    if options.until_stdin_ends:
        threading.Thread(target=_wait_for_stdin, args=(stop,), name="stdin", daemon=True).start()
    _say(out, json.dumps({"carrier_port": carrier_calls.port, "phones_port": phone_calls.port}))
    run_loop()
    last = report(final=True)
    if path is not None:
        write_report(last, path)
    _say(out, last.to_json(with_users=False))


def write_report(report: Report, path: Path) -> None:
    """Put the report there in one piece: a reader sees the old one or the new one."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    draft.write_text(report.to_json() + "\n", encoding="utf-8")
    draft.replace(path)


def _wait_for_stdin(stop: Callable[[], None]) -> None:
    """Stop the program when whoever started it closes our stdin, as the system does when it dies."""
    while os.read(sys.stdin.fileno(), 4096):
        pass
    call_from_thread(stop)


def _say(out: TextIO, line: str) -> None:
    try:
        out.write(line + "\n")
        out.flush()
    except BrokenPipeError:
        return  # whoever listened is gone; the report file, if any, has it all
