"""The writer's endpoint for Prometheus."""

from __future__ import annotations

import socket
import urllib.request

import pytest
import structlog.testing

from dialer.archive import metrics
from tests.archive.conftest import Archive, Calls


@pytest.fixture
def port() -> int:
    """One that is free."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        number: int = listener.getsockname()[1]
        return number


def test_what_the_writer_said_last_is_told(archive: Archive, calls: Calls, port: int) -> None:
    """Rows by table, and that nothing holds it up. A port in use is a line in the log and no more."""
    calls.publish(calls.settle(3))
    archive.catch_up()

    metrics.serve(archive.folder, "127.0.0.1", port)
    with structlog.testing.capture_logs() as lines:
        metrics.serve(archive.folder, "127.0.0.1", port)
        metrics.serve(archive.folder, "127.0.0.1", 0)
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer:
        text = answer.read().decode()

    assert 'dialer_archive_rows_total{table="attempts"} 3.0' in text
    assert "dialer_archive_unreadable_total 0.0" in text
    assert "dialer_archive_stuck 0.0" in text
    assert "process_open_fds" in text
    assert [line["event"] for line in lines] == ["no metrics of the archive"]
