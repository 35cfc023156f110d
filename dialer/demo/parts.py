"""The processes that the demo runs besides itself. Each ends when its stdin does, so when we are gone at the latest."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

END_LIMIT_S: Final = 15.0
"""So long a process may take to end by itself: longer than `watchdog` takes to hang up and kill."""

LAST_BYTES: Final = 4000
OURS: Final = ("DIALER_", "NOTIFY_SOCKET", "WATCHDOG_")
"""Beginnings of variables that are meant for a dialer of this machine, not for the one of the demo."""


class DemoFailed(RuntimeError):
    """A part did not do what it must for the demo to go on. The message says which, and what it said last."""


@contextmanager
def valkey(folder: Path) -> Iterator[str]:
    """A Valkey server with its data and log below `folder`; gives its URL."""
    log = folder / "valkey.log"
    command = [sys.executable, "-m", "dialer.demo.valkey", str(folder / "valkey")]
    with process(command, log, answers=True) as running:
        assert running.stdout is not None
        line = running.stdout.readline()  # also ends when the server does not start, because the process ends then
        if not line:
            raise DemoFailed(f"Valkey did not start: {last_words(log)}")
        yield json.loads(line)["url"]


@contextmanager
def daemon(folder: Path, settings: Path, most_s: float) -> Iterator[subprocess.Popen[bytes]]:
    """`dialer run`, as systemd would start it; SIGTERM reaches it. Killed with all its workers after `most_s`."""
    dialer = [sys.executable, "-c", "from dialer.cli import main; main()", "--config", str(settings), "run"]
    watchdog = [sys.executable, "-m", "dialer.demo.watchdog", f"{most_s:.0f}"]
    with process([*watchdog, *dialer], folder / "daemon.log") as running:
        yield running


@contextmanager
def service(name: str, folder: Path, settings: Path, most_s: float) -> Iterator[subprocess.Popen[bytes]]:
    """`dialer archive run` or `dialer web run`, beside the daemon."""
    dialer = [sys.executable, "-c", "from dialer.cli import main; main()", "--config", str(settings), name, "run"]
    watchdog = [sys.executable, "-m", "dialer.demo.watchdog", f"{most_s:.0f}"]
    with process([*watchdog, *dialer], folder / f"{name}.log") as running:
        yield running


@contextmanager
def process(command: list[str], log: Path, *, answers: bool = False) -> Iterator[subprocess.Popen[bytes]]:
    """A process that ends with the block. What it says goes to `log`; what it answers on stdout, to us if wanted."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(OURS)}
    with log.open("ab") as output:
        running = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE if answers else output,
            stderr=output,
            env=environment,
            start_new_session=True,  # Ctrl-C is ours to pass on
        )
    try:
        yield running
    finally:
        assert running.stdin is not None
        running.stdin.close()
        try:
            running.wait(END_LIMIT_S)
        except subprocess.TimeoutExpired:
            running.kill()
            running.wait()
        if running.stdout is not None:
            running.stdout.close()


def last_words(log: Path) -> str:
    """The end of a log, for messages."""
    try:
        text = log.read_bytes()[-LAST_BYTES:].decode(errors="replace")
    except OSError as error:
        return f"no log ({error})"
    return "\n".join(text.splitlines()[-5:]) or "it said nothing"
