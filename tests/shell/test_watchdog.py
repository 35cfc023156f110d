"""What systemd is told, on a socket of the test's own."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from dialer.shell.watchdog import Notifier


@pytest.fixture
def systemd(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[socket.socket]:
    """The socket on which systemd would listen."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind(str(tmp_path / "notify"))
        listening.setblocking(False)
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
        yield listening


def heard(systemd: socket.socket) -> list[str]:
    """All lines that wait in the socket."""
    lines: list[str] = []
    while True:
        try:
            lines += systemd.recv(4096).decode().splitlines()
        except BlockingIOError:
            return lines


def test_the_watchdog_is_fed_three_times_in_its_period(systemd: socket.socket, monkeypatch: pytest.MonkeyPatch) -> None:
    """However often the engine turns, systemd hears of it a few times only."""
    monkeypatch.setenv("WATCHDOG_USEC", "60000000")
    notifier = Notifier()

    for _ in range(100):
        notifier.alive()
    notifier.close()

    assert heard(systemd) == ["WATCHDOG=1"]


def test_without_a_watchdog_nothing_is_fed(systemd: socket.socket) -> None:
    """systemd did not ask for signs of life."""
    notifier = Notifier()

    notifier.alive()
    notifier.close()

    assert heard(systemd) == []


def test_a_service_manager_that_does_not_read_holds_nobody_up(systemd: socket.socket) -> None:
    """The engine's own loop feeds the watchdog; a full socket must not stop it."""
    notifier = Notifier()

    for number in range(1000):
        notifier.status(f"running, {number} lines")
    notifier.close()

    assert heard(systemd)[0] == "STATUS=running, 0 lines"


def test_without_systemd_nothing_happens(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a laptop there is no socket."""
    monkeypatch.delenv("NOTIFY_SOCKET", raising=False)

    Notifier().ready("5 SIP workers")
