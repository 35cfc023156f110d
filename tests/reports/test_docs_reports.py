"""docs/reports.md has every report and every measure, word for word."""

from __future__ import annotations

import re
from pathlib import Path

from dialer.reports.catalogue import REPORTS
from dialer.reports.measures import MEASURES

TEXT = (Path(__file__).parents[2] / "docs" / "reports.md").read_text()


def test_every_report_is_there() -> None:
    """By its name, in both languages."""
    rows = re.findall(r"^\| `(\w+)` \| (\S+) \| (.*) \|$", TEXT, flags=re.MULTILINE)

    assert rows == [(one.name, one.chinese, one.short) for one in REPORTS.values()]


def test_every_measure_is_there() -> None:
    """With its definition, as it stands below every table."""
    rows = [
        tuple(row.strip("| ").split(" | "))
        for row in TEXT.split("定义 |\n|---|---|---|---|\n")[1].split("\n\n")[0].split("\n")
    ]

    assert rows == [(one.head, one.chinese, one.meaning, one.meaning_chinese) for one in MEASURES.values()]
