"""docs/cli.md."""

from __future__ import annotations

from pathlib import Path

from dialer.cli.base.failures import CliExit
from dialer.cli.host.reference import EXITS, page
from dialer.shell.exits import Exit


def test_the_reference_is_true() -> None:
    """Every command and option as it is; made anew by `python -m dialer.cli.host.reference > docs/cli.md`."""
    assert (Path(__file__).parents[2] / "docs" / "cli.md").read_text(encoding="utf-8") == page()


def test_every_exit_code_is_explained() -> None:
    """In the order of their numbers."""
    assert [int(code) for code in EXITS] == sorted({int(code) for code in (*Exit, *CliExit)})
