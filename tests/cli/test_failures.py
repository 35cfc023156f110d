"""Exceptions as messages and exit codes."""

from __future__ import annotations

import pytest

from config.problems import ConfigError, Problem
from dialer.cli.base.failures import CliExit, Failure, failure_of
from dialer.shell.exits import Exit, StartFailed
from dialer.store.base import errors


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (ConfigError([Problem("sip.max_lines", "must be at least 1")]), Exit.CONFIG),
        (errors.StoreUnavailable("gone"), Exit.REDIS),
        (errors.StoreError("wrong server"), Exit.REDIS),
        (errors.UnknownCampaign("x", ["y"]), CliExit.NOT_FOUND),
        (errors.UnknownLead("no such lead"), CliExit.NOT_FOUND),
        (errors.CampaignExists("there already"), CliExit.REFUSED),
        (errors.StreamFull("s", 1, 1, 0), CliExit.REFUSED),
        (StartFailed(Exit.SIP, "no worker"), Exit.SIP),
        (Failure(CliExit.PARTLY, "some"), CliExit.PARTLY),
    ],
)
def test_each_kind_has_its_code(error: Exception, code: int) -> None:
    """And keeps its words."""
    failure = failure_of(error, "redis://h/0")

    assert failure is not None
    assert failure.code == code
    assert str(failure)


def test_a_bug_has_none() -> None:
    """It is raised as it is."""
    assert failure_of(ZeroDivisionError(), "") is None


def test_codes_do_not_collide() -> None:
    """One number means one thing."""
    assert not {int(code) for code in Exit} & {int(code) for code in CliExit}


def test_the_message_goes_to_standard_error(capsys: pytest.CaptureFixture[str]) -> None:
    """With its hints, one a line."""
    Failure(CliExit.REFUSED, "it cannot be", "try this", "or that").show()

    assert capsys.readouterr() == ("", "Error: it cannot be\n  try this\n  or that\n")
