"""The root command: what it loads, what it says of mistakes."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator

import click
import pytest
from click.testing import CliRunner

from dialer.cli import COMMANDS, main

HEAVY = ("numba", "numpy", "trio", "pjsua2", "redis", "pydantic", "phonenumbers", "structlog")


def invoke(*arguments: str) -> tuple[int, str, str]:
    result = CliRunner().invoke(main, list(arguments), prog_name="dialer")
    return result.exit_code, result.stdout, result.stderr


def every_command() -> Iterator[tuple[str, click.Command]]:
    """All commands of this room by their words, groups included."""
    for name in COMMANDS:
        if name == "demo":  # its own room
            continue
        command = main.get_command(click.Context(main), name)
        assert command is not None
        yield name, command
        if isinstance(command, click.Group):
            yield from ((f"{name} {inner}", each) for inner, each in command.commands.items())


@pytest.mark.parametrize(
    ("arguments", "allowed"),
    [
        (["--help"], ()),
        (["--version"], ()),
        (["run", "--help"], ()),
        (["completion", "--help"], ()),
        (["check-config"], ("pydantic", "phonenumbers")),
        (["--redis", "redis://127.0.0.1:1/0", "status"], ("pydantic", "phonenumbers", "redis")),
    ],
)
def test_commands_load_only_what_they_need(arguments: list[str], allowed: tuple[str, ...]) -> None:
    """Help is quick, and nothing but `run` and `demo` brings trio, numba or SIP along."""
    code = (
        "import sys\nfrom dialer.cli import main\n"
        f"main({arguments!r}, prog_name='dialer', standalone_mode=False)\n"
        f"sys.stderr.write('loaded:' + ' '.join(name for name in {HEAVY!r} if name in sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)

    assert set(done.stderr.rpartition("loaded:")[2].split()) <= set(allowed)


@pytest.mark.parametrize(("path", "command"), list(every_command()))
def test_every_command_has_help_with_an_example(path: str, command: click.Command) -> None:
    """The example calls that very command, or one of its own."""
    code, text, _ = invoke(*path.split(), "--help")

    assert code == 0
    assert command.help
    assert f"  dialer {path}" in text.partition("Example:")[2] or f"dialer {path}" in text or path == "run"


@pytest.mark.parametrize("name", [name for name in COMMANDS if name != "demo"])
def test_the_short_help_fits(name: str) -> None:
    """The line in the table of the root ends in a full stop and is no longer than a line."""
    assert COMMANDS[name].short_help.endswith(".")
    assert len(COMMANDS[name].short_help) <= 60


@pytest.mark.parametrize(
    ("arguments", "meant"), [(["statsu"], "status"), (["campaign", "strat"], "start"), (["lead"], "leads")]
)
def test_mistyped_commands(arguments: list[str], meant: str) -> None:
    """The nearest one is named; wrong use ends with 2."""
    code, _, errors = invoke(*arguments)

    assert code == 2
    assert f"Did you mean '{meant}'?" in errors


def test_a_global_option_in_the_wrong_place() -> None:
    """The message says where it belongs."""
    code, _, errors = invoke("status", "--redis", "redis://h/0")

    assert code == 2
    assert "dialer --redis ... COMMAND" in errors


def test_redis_that_does_not_answer() -> None:
    """One message with the server that was meant, no traceback, exit code 3."""
    code, _, errors = invoke("--redis", "redis://127.0.0.1:1/0", "campaign", "list")

    assert code == 3
    assert "Redis at redis://127.0.0.1:1/0 does not answer" in errors
    assert "Traceback" not in errors


def test_a_bug_is_not_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    """What nobody foresaw ends with a traceback, not with a polite word."""

    def broken(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("config.show.rows", broken)
    result = CliRunner().invoke(main, ["check-config"])

    assert isinstance(result.exception, ZeroDivisionError)
