"""A report for programs: CSV with plain numbers, JSON with everything."""

from __future__ import annotations

import csv
import io
import json
import re
from typing import Any, Final

from dialer.drawing.cells import no_formula
from dialer.reports.compose import Document, Section

_SHOWN_NUMBER: Final = re.compile(r"\+[0-9*]+")


def as_json(document: Document) -> dict[str, Any]:
    """Everything, by the names of keys and measures; shares are fractions, times seconds."""
    return {
        "report": document.report.name,
        "first_day": document.period.first.isoformat(),
        "last_day": document.period.last.isoformat(),
        "time_zone": document.time_zone,
        "only": {key: list(values) for key, values in document.only.items() if values},
        "made_at": document.made_at,
        "tables": [
            {
                "title": section.part.title,
                "keys": list(section.part.keys),
                "rows": [_named(section, row) for row in section.rows],
                "total": None if section.total is None else _named(section, section.total),
            }
            for section in document.sections
        ],
        "definitions": {
            measure.name: {
                "head": measure.head,
                "chinese": measure.chinese,
                "unit": measure.unit.value,
                "meaning": measure.meaning,
                "meaning_chinese": measure.meaning_chinese,
            }
            for measure in document.definitions
        },
    }


def json_text(document: Document) -> str:
    """As a file."""
    return json.dumps(as_json(document), ensure_ascii=False, indent=1) + "\n"


def _named(section: Section, row: tuple[object, ...]) -> dict[str, object]:
    return dict(zip((*section.part.keys, *(measure.name for measure in section.measures)), row, strict=True))


def as_csv(document: Document) -> str:
    """The tables one after the other, an empty line between; shares are fractions, times seconds."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    for number, section in enumerate(document.sections):
        if number:
            writer.writerow([])
        writer.writerow((*section.part.keys, *(measure.name for measure in section.measures)))
        for row in section.rows:
            writer.writerow(["" if value is None else plain_cell(value) for value in row])
    return out.getvalue()


def plain_cell(value: object) -> object:
    """A name that a spreadsheet would take for a formula is quoted; a number that was shown has its plus sign."""
    if isinstance(value, str) and not _SHOWN_NUMBER.fullmatch(value):
        return no_formula(value)
    return round(value, 6) if isinstance(value, float) else value
