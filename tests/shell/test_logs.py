"""Log lines: masked, and JSON where nobody looks."""

from __future__ import annotations

import json
import sys

import pytest
import structlog

from config.daemon import LogFormat, LogSettings
from dialer.shell.logs import set_up


@pytest.fixture(autouse=True)
def _restore_structlog(monkeypatch: pytest.MonkeyPatch) -> object:
    monkeypatch.setattr(sys, "excepthook", sys.excepthook)
    yield
    structlog.reset_defaults()


def test_clear_numbers_cannot_slip_into_a_log_line(capsys: pytest.CaptureFixture[str]) -> None:
    """A phone number inside an error text leaves masked."""
    set_up(LogSettings(format=LogFormat.JSON))

    structlog.get_logger().error("failed", detail="no route to +8613812345678 (13812345678)")

    line = capsys.readouterr().err
    assert "12345678" not in line
    assert "2345" not in line
    assert json.loads(line)["event"] == "failed"


def test_a_number_in_a_list_is_masked_too(capsys: pytest.CaptureFixture[str]) -> None:
    """Reasons come in lists."""
    set_up(LogSettings(format=LogFormat.JSON))

    structlog.get_logger().error("refused", reasons=["+8613812345678 is no number"], counts={"accepted": 3})

    line = capsys.readouterr().err
    assert "12345678" not in line
    assert json.loads(line)["counts"] == {"accepted": 3}


def test_ids_stay_readable(capsys: pytest.CaptureFixture[str]) -> None:
    """Ids and times are no phone numbers."""
    set_up(LogSettings(format=LogFormat.JSON))

    structlog.get_logger().info(
        "attempt", attempt_id="19a5c1d2e3f-0001-000123", lead_id="20261121000017", owner="vm:1a230030225"
    )

    line = json.loads(capsys.readouterr().err)
    assert line["attempt_id"] == "19a5c1d2e3f-0001-000123"
    assert line["lead_id"] == "20261121000017"
    assert line["owner"] == "vm:1a230030225"


@pytest.mark.parametrize("format_", [LogFormat.JSON, LogFormat.CONSOLE])
def test_a_traceback_is_masked(format_: LogFormat, capsys: pytest.CaptureFixture[str]) -> None:
    """Also on a terminal."""
    set_up(LogSettings(format=format_))

    try:
        raise ValueError("138 1234 5678 is odd")
    except ValueError:
        structlog.get_logger().exception("failed")

    line = capsys.readouterr().err
    assert "ValueError: *******5678 is odd" in line
    assert "1234 5678" not in line


def test_the_last_words_are_masked(capsys: pytest.CaptureFixture[str]) -> None:
    """Of a daemon that dies of an exception that nobody foresaw."""
    set_up(LogSettings(format=LogFormat.JSON))

    sys.excepthook(ValueError, ValueError("+86 138 1234 5678"), None)

    assert capsys.readouterr().err == "ValueError: +86138****5678\n"
