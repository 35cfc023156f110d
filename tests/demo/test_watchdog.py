"""A command that ends with whoever started it, however that one ends."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.demo.conftest import running

LEASH = (sys.executable, "-m", "dialer.demo.watchdog")
FOR_EVER = "import time, sys; print('up', flush=True); time.sleep(600)"


def start(limit_s: str, program: str, *words: str) -> subprocess.Popen[str]:
    """A Python program on a leash, its stdin in our hands; `words` are there to find it by."""
    command = [*LEASH, limit_s, sys.executable, "-c", program, *words]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def first_line(leash: subprocess.Popen[str]) -> str:
    assert leash.stdout is not None
    return leash.stdout.readline().strip()


def test_exit_status_is_passed_on() -> None:
    """The command's own status, or 128 and the signal's number."""
    with start("60", "import sys; sys.exit(5)") as leash:
        assert leash.wait(20) == 5
    with start("60", FOR_EVER) as leash:
        first_line(leash)
        leash.send_signal(signal.SIGTERM)
        assert leash.wait(20) == 128 + signal.SIGTERM


@pytest.mark.parametrize("ending", ["stdin", "time"])
def test_ends_with_stdin_or_time(ending: str) -> None:
    """The end of stdin, which is what the death of the starter looks like, and the end of its time end it."""
    with start("1.5" if ending == "time" else "60", FOR_EVER) as leash:
        assert first_line(leash) == "up"
        began = time.monotonic()
        if ending == "stdin":
            assert leash.stdin is not None
            leash.stdin.close()
        assert leash.wait(20) == 128 + signal.SIGTERM
        assert time.monotonic() - began < 10


def test_what_the_command_left_behind_is_killed(tmp_path: Path) -> None:
    """Children that the command did not end, such as workers of a daemon that crashed, end with it."""
    mark = str(tmp_path)
    program = (
        "import subprocess, sys; subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)', sys.argv[1]])"
    )

    with start("60", program, mark) as leash:
        assert leash.wait(20) == 0

    deadline = time.monotonic() + 10
    while running(mark):
        assert time.monotonic() < deadline
        time.sleep(0.05)
