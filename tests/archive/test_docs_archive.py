"""docs/archive.md says what the archive is: its views to the column, its commands as they are."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
from click.testing import CliRunner

from dialer.cli import main
from dialer.disk.archive.asking import ask
from dialer.disk.archive.tables import TABLES
from dialer.disk.archive.views import columns_of
from tests.archive.conftest import Archive, Calls

TEXT = (Path(__file__).parents[2] / "docs" / "archive.md").read_text()


def section(name: str) -> str:
    return re.split(rf"^### {name}\n", TEXT, flags=re.MULTILINE)[1].split("\n### ")[0]


@pytest.mark.parametrize("table", TABLES.values(), ids=lambda table: str(table.name))
def test_every_view_is_documented_to_the_column(table: object) -> None:
    """Names, types and meanings, in order; what tells of a person is marked."""
    rows = re.findall(r"^\| `(\w+)`( \*)? \| (\S+) \| (.*) \|$", section(table.name), flags=re.MULTILINE)  # type: ignore[attr-defined]

    expected = [
        (one.name, " *" if one.personal else "", one.type, one.meaning)
        for one in columns_of(table)  # type: ignore[arg-type]
    ]
    assert rows == expected


@pytest.mark.parametrize("filled", [True, False])
def test_the_views_are_what_is_documented(archive: Archive, calls: Calls, filled: bool) -> None:
    """With types, whether or not anything was archived yet."""
    if filled:
        calls.publish(calls.settle(2, live=True))
        archive.catch_up()
    for table in TABLES.values():
        described = ask(archive.folder, "Asia/Shanghai", f"DESCRIBE {table.name}", 100)

        shown = [(row[0], row[1]) for row in described.rows]
        assert shown == [(one.name, one.type) for one in columns_of(table)], table.name


def test_the_statements_can_be_carried_out(archive: Archive, calls: Calls) -> None:
    """Each of the page, on a small archive."""
    calls.publish(calls.settle(2, live=True))
    archive.catch_up()
    lines = [line for block in re.findall(r"```sh\n(.*?)```", TEXT, flags=re.DOTALL) for line in block.split("\n")]
    statements = [line for line in lines if line.startswith("dialer report sql")]

    assert len(statements) >= 4
    for line in statements:
        words = shlex.split(line)[1:]
        done = CliRunner().invoke(main, ["--set", f"archive.folder={archive.folder}", *words], prog_name="dialer")
        assert done.exit_code == 0, done.output
