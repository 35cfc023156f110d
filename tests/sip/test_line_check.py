"""A test call through a trunk, told in words, against SIPp."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from config.daemon import DaemonSettings
from dialer.shell.line_check import call_once, trunks_of

Far = Callable[..., Any]


def called(port: int, **trunk: Any) -> Any:
    settings = DaemonSettings.model_validate(
        {"trunks": [{"name": "north", "host": "127.0.0.1", "port": port, "first_answer_s": 1.0, **trunk}]}
    )
    return call_once(settings, trunks_of(settings)[0], "+8613800138000", "+861065550001")


def test_a_call_that_is_answered(far: Far) -> None:
    """Ringing and answer with their times, and an end in good order."""
    callee = far("answer")
    report = called(callee.port)
    assert report.works
    assert [step.split(" after")[0] for step in report.steps[:2]] == ["rings", "answered"]
    assert report.steps[-1] == "ended in good order: the trunk works, with audio agreed on"
    callee.succeeds()


@pytest.mark.parametrize(
    ("status", "works", "words"),
    [
        ("486 Busy Here", True, "the trunk works, the number did not take the call"),
        ("402 Payment Required", False, "the trunk is to blame"),
        ("503 Service Unavailable", False, "the trunk is to blame"),
        ("407 Proxy Authentication Required", False, "does not take user name and password"),
    ],
)
def test_a_call_that_is_refused(far: Far, status: str, works: bool, words: str) -> None:
    """Whose fault it is, with what the carrier said."""
    callee = far("reject", status=status, extra="X-Nothing: 1")
    report = called(callee.port)
    assert report.works is works
    assert words in report.steps[-1]
    assert status[:3] in report.steps[-1]


def test_a_trunk_where_nobody_is() -> None:
    """Silence is the trunk's."""
    report = called(9)
    assert not report.works
    assert "said nothing at all" in report.steps[-1]
