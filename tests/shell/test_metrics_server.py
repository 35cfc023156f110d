"""The daemon's HTTP endpoint."""

from __future__ import annotations

import socket
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator

import pytest
from prometheus_client import generate_latest

from dialer.core.board import Board
from dialer.shell.metrics import Metrics
from dialer.shell.metrics_server import MOST_CONNECTIONS, application, live, ready, serve
from tests.cli.conftest import NOW, board

Get = Callable[[str], tuple[int, str]]


@pytest.fixture
def shown() -> list[Board]:
    """The board of the daemon, where there is one."""
    return []


@pytest.fixture
def port(shown: list[Board]) -> Iterator[int]:
    metrics = Metrics()
    server = serve("127.0.0.1", 0, application(metrics.registry, lambda: shown[-1] if shown else None, lambda: NOW))
    yield server.server_port
    server.shutdown()
    server.server_close()


@pytest.fixture
def get(port: int) -> Get:
    def get(path: str) -> tuple[int, str]:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=10) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read().decode()

    return get


def test_each_path_has_its_meaning(get: Get, shown: list[Board]) -> None:
    """Alive before ready; a path that is none names those there are."""
    assert get("/live") == (503, "starting\n")
    shown.append(board(at=NOW - 1))
    assert (get("/live"), get("/ready"), get("/health")) == ((200, "live\n"), (200, "ready\n"), (200, "ready\n"))
    assert "process_resident_memory_bytes" in get("/metrics")[1]
    assert get("/")[0] == 200
    assert get("/metricz")[0] == 404


def test_who_is_not_ready_says_why() -> None:
    """Every reason; a daemon that drains starts nothing either, and one that stands still is dead."""
    held = board(at=NOW, no_new_calls=("no new calls: the clock jumped", "no new calls: events wait on disk"))

    assert live(held, NOW)[0] == "200 OK"
    assert ready(held, NOW)[1] == "no new calls: the clock jumped\nno new calls: events wait on disk\n"
    assert ready(board(at=NOW, state="draining"), NOW) == ("503 Service Unavailable", "the daemon is draining\n")
    assert live(board(at=NOW - 60), NOW) == ("503 Service Unavailable", "stands still for 60 s\n")


def test_connections_that_say_nothing_hold_few_threads(port: int, get: Get, shown: list[Board]) -> None:
    """Sixty of them: most are turned away, and when those that hang have gone somebody is served again."""
    shown.append(board(at=NOW))
    before = threading.active_count()
    silent = [socket.create_connection(("127.0.0.1", port), timeout=10) for _ in range(60)]
    closed = sum(_is_closed(connection) for connection in silent[MOST_CONNECTIONS:])

    assert closed == 60 - MOST_CONNECTIONS
    assert threading.active_count() - before <= MOST_CONNECTIONS
    for connection in silent:
        connection.close()
    deadline = time.monotonic() + 30
    while _refused(get) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert get("/live")[0] == 200


def _is_closed(connection: socket.socket) -> bool:
    return connection.recv(1) == b""


def _refused(get: Get) -> bool:
    try:
        return get("/live")[0] != 200
    except (urllib.error.URLError, ConnectionError):
        return True


def test_no_series_says_when_a_counter_was_made() -> None:
    """Nobody asks for them, and they double what is kept."""
    metrics = Metrics()
    metrics.show(board())
    text = generate_latest(metrics.registry).decode()
    assert "_created" not in text
    assert 'dialer_build_info{python="' in text
