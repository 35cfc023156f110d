"""Completion in the shell."""

from __future__ import annotations

import pytest
from click.testing import CliRunner

from dialer.cli import COMMANDS, main


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_script_is_printed(shell: str) -> None:
    """It calls dialer back by the variable that click looks for."""
    result = CliRunner().invoke(main, ["completion", shell], prog_name="dialer")

    assert result.exit_code == 0
    assert f"_DIALER_COMPLETE={shell}_complete" in result.stdout


def complete(words: str) -> list[str]:
    environ = {"_DIALER_COMPLETE": "bash_complete", "COMP_WORDS": words, "COMP_CWORD": str(words.count(" "))}
    result = CliRunner(env=environ).invoke(main, prog_name="dialer")
    return [line.partition(",")[2] for line in result.stdout.splitlines() if line]


def test_commands_are_completed() -> None:
    """All of them, or those that begin so."""
    assert complete("dialer ") == list(COMMANDS)
    assert complete("dialer ca") == ["campaign", "callerid", "callbacks", "call"]
    assert complete("dialer campaign st") == ["start", "stop"]


def test_campaigns_are_completed(valkey_url: str, spring: str) -> None:
    """From the Redis that the command line names."""
    assert complete(f"dialer --redis {valkey_url} campaign start s") == [spring]


def test_nothing_is_completed_without_redis() -> None:
    """And no message disturbs the line that is being typed."""
    assert complete("dialer --redis redis://127.0.0.1:1/0 campaign start s") == []
