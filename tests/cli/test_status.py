"""`dialer status` and `dialer watch` against a real server."""

from __future__ import annotations

import json
import os
import pty
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable

import pytest

from dialer.cli.base.failures import CliExit
from dialer.operating import hosts
from dialer.operating.hosts import Hosts
from dialer.store.base.connection import Store
from dialer.store.base.errors import StoreUnavailable
from dialer.store.operators import status
from tests.cli.conftest import Dialer, board, data


@pytest.fixture
def alive(store: Store) -> None:
    now = time.time()
    status.publish(store, "dial-1", board(at=now, started_at=now - 60).to_wire(), now=now, ttl=30.0)


@pytest.mark.usefixtures("alive")
def test_status_shows_the_board_once(dialer: Dialer) -> None:
    """As plain text where there is no terminal."""
    result = dialer("status")

    assert result.exit_code == 0
    assert "26 of 100 in use" in result.stdout
    assert "\x1b" not in result.stdout


@pytest.mark.usefixtures("alive")
def test_status_as_json(dialer: Dialer) -> None:
    """The daemon's own figures, with the utilisation."""
    (host,) = data(dialer("status", "--json"))["hosts"]

    assert (host["host"], host["campaigns"][0]["due"], host["utilisation"]) == ("dial-1", 12_045, 0.75)


def test_status_without_a_daemon(dialer: Dialer) -> None:
    """The exit code tells a script that nothing is alive."""
    result = dialer("status")

    assert result.exit_code == CliExit.NO_DAEMON
    assert "No daemon is alive" in result.stdout
    assert data(dialer("status", "--json"))["hosts"] == []


def test_a_host_of_another_version_is_named(dialer: Dialer, store: Store) -> None:
    """What cannot be read is not passed over."""
    status.publish(store, "newer", {"format": 99}, now=time.time(), ttl=30.0)

    result = dialer("status")

    assert result.exit_code == 0
    assert "newer" in result.stderr


@pytest.mark.usefixtures("alive")
def test_watch_prints_plain_boards_without_a_terminal(dialer: Dialer) -> None:
    """As many as asked for."""
    result = dialer("watch", "--count", "2", "--interval", "0.2")

    assert result.exit_code == 0
    assert result.stdout.count("dial-1") == 2
    assert "\x1b" not in result.stdout


def test_watch_outlives_redis(dialer: Dialer, monkeypatch: pytest.MonkeyPatch) -> None:
    """While Redis is away it shows the last it knew and says so; then it goes on."""
    answers: list[Callable[[], Hosts]] = [
        lambda: Hosts((board(),), ()),
        lambda: _away(),
        lambda: Hosts((board("dial-2"),), ()),
    ]
    monkeypatch.setattr(hosts, "read", lambda store: answers.pop(0)())

    first, second, third = dialer("watch", "--count", "3", "--interval", "0.2").stdout.split(" dial-")[1:]

    assert "Redis does not answer" in first
    assert (first[0], second[0], third[0]) == ("1", "1", "2")
    assert "Redis does not answer" not in second + third


def _away() -> Hosts:
    raise StoreUnavailable("gone")


@pytest.mark.usefixtures("alive")
def test_watch_ends_well_on_ctrl_c(valkey_url: str) -> None:
    """On a terminal: the board appears, Ctrl-C restores the screen, and the exit code is 0."""
    master, slave = pty.openpty()
    command = "from dialer.cli import main; main(prog_name='dialer')"
    environ = {**os.environ, "TERM": "xterm-256color", "COLUMNS": "100", "LINES": "40"}
    process = subprocess.Popen(
        [sys.executable, "-c", command, "--redis", valkey_url, "watch"], stdout=slave, stderr=slave, env=environ
    )
    os.close(slave)
    try:
        shown = _read_until(master, b"dial-1", 15)
        process.send_signal(signal.SIGINT)
        shown += _read_until(master, b"\x1b[?1049l", 10)
        assert process.wait(10) == 0
    finally:
        process.kill()
        process.wait()
        os.close(master)
    assert shown.count(b"\x1b[?1049h") == 1


def _read_until(descriptor: int, wanted: bytes, limit_s: float) -> bytes:
    """What a terminal shows until `wanted` is in it; fails after `limit_s` seconds."""
    seen, end = b"", time.monotonic() + limit_s
    while wanted not in seen:
        assert select.select([descriptor], [], [], max(0.0, end - time.monotonic()))[0], seen[-500:]
        seen += os.read(descriptor, 65_536)
    return seen


@pytest.mark.usefixtures("alive")
def test_watch_streams_json(dialer: Dialer) -> None:
    """One object a line, as often as asked for."""
    result = dialer("watch", "--json", "--count", "2", "--interval", "0.2")

    lines = [json.loads(line) for line in result.stdout.splitlines()]
    assert [line["hosts"][0]["host"] for line in lines] == ["dial-1", "dial-1"]
