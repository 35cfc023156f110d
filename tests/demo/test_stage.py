"""The whole product at once: real Valkey, real SIP, the real daemon, and a CRM that knows the streams alone."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.demo.conftest import commands, running

DIALER = (sys.executable, "-c", "from dialer.cli import main; main()")
CLEAR_NUMBER = re.compile(r"1[35-8]\d{9}")


def start(tmp_path: Path, *options: str) -> subprocess.Popen[str]:
    """`dialer demo` with a temporary directory of its own."""
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    return subprocess.Popen(
        [*DIALER, "demo", *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # whoever runs the tests may ignore it
    )


def wait_until(condition: Callable[[], bool], limit_s: float) -> None:
    """Wait for something that other processes do."""
    deadline = time.monotonic() + limit_s
    while not condition():
        assert time.monotonic() < deadline, f"not within {limit_s} s"
        time.sleep(0.05)


def daemon_in(folder: Path) -> int:
    """The process id of the demo's daemon; its leash has the same words in its command line."""
    words = f"--config {folder}/dialer.toml run"
    (pid,) = [pid for pid, command in commands().items() if words in command and "dialer.demo.watchdog" not in command]
    return pid


@pytest.mark.timeout(90)
def test_a_short_campaign_and_its_books(tmp_path: Path, quick: Path) -> None:
    """Ten seconds of predictive dialling: every lead and every attempt of every side is accounted for."""
    options = ("--seconds", "10", "--agents", "8", "--leads", "300", "--profile", str(quick), "--json", "--keep")

    with start(tmp_path, *options) as demo:
        out, err = demo.communicate(timeout=80)

    assert demo.returncode == 0, out + err
    summary: dict[str, Any] = json.loads(out)
    folder = Path(summary["folder"])
    log = (folder / "daemon.log").read_text()
    assert [line["text"] for line in summary["books"] if not line["balances"]] == []
    assert summary["balances"]
    assert summary["attempts"] == sum(summary["dispositions"].values()) > 30
    assert summary["dispositions"]["connected"] > 5
    assert set(summary["refusals"]) & {"cap", "blocklist", "hours"}
    assert sum(summary["rejections"].values()) == 14
    assert summary["anomalies"] == 0
    assert summary["refused_requests"] == []
    assert 0 < summary["answer_to_agent"]["p99_ms"] < 1000
    assert log.count('"event": "attempt"') == summary["attempts"]
    assert CLEAR_NUMBER.search(log) is None, "no clear number in the log"
    assert running(str(folder)) == []
    shutil.rmtree(folder)


@pytest.mark.timeout(60)
@pytest.mark.parametrize(("number", "exit_code"), [(signal.SIGINT, 130), (signal.SIGTERM, 130), (signal.SIGKILL, -9)])
def test_everything_ends_with_the_demo(tmp_path: Path, quick: Path, number: int, exit_code: int) -> None:
    """Interrupted, terminated or killed: none of its processes outlives it for long."""
    options = ("--seconds", "60", "--agents", "2", "--leads", "100", "--profile", str(quick))
    with start(tmp_path, *options) as demo:
        assert demo.stdout is not None
        assert any(line.startswith("dialling") for line in demo.stdout)
        assert len(running(str(tmp_path))) >= 4

        demo.send_signal(number)
        demo.communicate(timeout=40)

    assert demo.returncode == exit_code
    wait_until(lambda: running(str(tmp_path)) == [], 20)
    if number != signal.SIGKILL:
        assert list(tmp_path.glob("dialer-demo-*")) == []


@pytest.mark.timeout(60)
def test_a_daemon_that_dies_is_told(tmp_path: Path, quick: Path) -> None:
    """The demo does not sit out its time: it says what happened and keeps the logs."""
    options = ("--seconds", "60", "--agents", "2", "--leads", "100", "--profile", str(quick))
    with start(tmp_path, *options) as demo:
        assert demo.stdout is not None
        assert any(line.startswith("dialling") for line in demo.stdout)
        (folder,) = tmp_path.glob("dialer-demo-*")

        os.kill(daemon_in(folder), signal.SIGKILL)
        _, err = demo.communicate(timeout=40)

    assert demo.returncode == 1
    assert "the daemon ended by itself with status 137" in err
    assert f"The logs are kept in {folder}" in err
    assert (folder / "daemon.log").stat().st_size > 0
    wait_until(lambda: running(str(tmp_path)) == [], 20)


@pytest.mark.timeout(60)
def test_a_wrong_profile_is_told(tmp_path: Path) -> None:
    """A profile with a mistake ends the demo at once, with exit code 1 and the mistake."""
    (tmp_path / "bad.toml").write_text("talk = 5")

    with start(tmp_path, "--profile", str(tmp_path / "bad.toml")) as demo:
        _, err = demo.communicate(timeout=40)

    assert demo.returncode == 1
    assert "talk: must be a table" in err
    assert running(str(tmp_path)) == []
