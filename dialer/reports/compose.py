"""A report, made: titles, tables of values, definitions. Still data, for a terminal, a page, a workbook, a program."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from dialer.disk.archive.sums import Period, Question, opened, sums
from dialer.language.translation import _, either
from dialer.reports.catalogue import KEY_HEADS, Part, Report
from dialer.reports.measures import MEASURES, Measure, value_of

Value = float | int | str | None


@dataclass(frozen=True, slots=True)
class Section:
    """One table: a row has a value for each key, then for each measure; `total` has none for the keys, and is None
    where the table is but one row."""

    part: Part
    measures: tuple[Measure, ...]
    rows: tuple[tuple[Value, ...], ...]
    total: tuple[Value, ...] | None

    @property
    def heads(self) -> tuple[str, ...]:
        """What each column is called, in the reader's language."""
        return (*(either(*KEY_HEADS[key]) for key in self.part.keys), *(measure.called for measure in self.measures))


@dataclass(frozen=True, slots=True)
class Document:
    """A report of a period. `only` says what it was narrowed to, `made_at` when it was made (local time, as text)."""

    report: Report
    period: Period
    only: Mapping[str, Sequence[str]]
    sections: tuple[Section, ...]
    made_at: str
    time_zone: str

    @property
    def definitions(self) -> tuple[Measure, ...]:
        """Every measure that is shown, once."""
        return tuple(dict.fromkeys(measure for section in self.sections for measure in section.measures))

    @property
    def span(self) -> str:
        """The period, for a title."""
        first, last = self.period.first, self.period.last
        return f"{first}" if first == last else _("{first} to {last}", first=first, last=last)

    @property
    def narrowed(self) -> str:
        """What it was narrowed to, for a title; empty: nothing."""
        return "; ".join(
            f"{either(*KEY_HEADS[key])} {', '.join(values)}" for key, values in self.only.items() if values
        )

    @property
    def stem(self) -> str:
        """A file's name, without its ending."""
        span = f"{self.period.first}" if self.period.days == 1 else f"{self.period.first}_{self.period.last}"
        return f"{self.report.name}-{span}"


def compose(
    report: Report, question: Question, folder: Path, *, time_zone: str, made_at: str, by: Sequence[str] = ()
) -> Document:
    """Make a report of what the archive holds; `by` groups its last table otherwise. Raises `DiskError`."""
    parts = report.parts
    if by:
        parts = (
            *parts[:-1],
            replace(
                parts[-1],
                title=f"By {', '.join(by)}",
                chinese=f"按{'、'.join(KEY_HEADS[key][1] for key in by)}",
                keys=tuple(by),
            ),
        )
    with opened(folder, question, time_zone) as connection:
        sections = tuple(
            section_of(part, sums(connection, question, part.keys, wanted(part), with_agent=part.with_agent))
            for part in parts
        )
    return Document(report, question.period, question.only, sections, made_at, time_zone)


def wanted(part: Part) -> frozenset[str]:
    """The sums that a table's measures are made of."""
    measures = [MEASURES[name] for name in part.measures]
    return frozenset(name for measure in measures for name in (*measure.over, *measure.under, *measure.less))


def section_of(part: Part, groups: Sequence[Mapping[str, Any]]) -> Section:
    """A table out of sums, of which the last are the total's. Columns of which nothing is known are left out."""
    measures = [MEASURES[name] for name in part.measures]
    *rows, total = groups
    known = [one for one in measures if any(_known(one, group) for group in groups)]
    made = tuple(
        (*(_key(row[key]) for key in part.keys), *(value_of(measure, row) for measure in known))
        for row in (rows if part.keys else [total])
    )
    of_all = (*(None for _ in part.keys), *(value_of(measure, total) for measure in known))
    return Section(part, tuple(known), made, of_all if part.keys else None)


def _known(measure: Measure, sums_: Mapping[str, Any]) -> bool:
    return all(sums_[name] is not None for name in (*measure.over, *measure.under, *measure.less))


def _key(value: Any) -> Value:
    return value if isinstance(value, int | str) else str(value)
