"""The rates of `dialer evidence rates`: counted from the evidence, compared with the ledger, drawn."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import date, timedelta
from typing import Any, Protocol

from rich.console import Group, RenderableType
from rich.text import Text

from compliance.evidence import Record
from config.abandonment import USUAL, AbandonmentSettings
from dialer.cli.base.output import table, when
from dialer.cli.live.campaign_panels import cap_words
from dialer.core.abandonment.evidence_rates import AnswersOnRecord, Survey, open_windows
from dialer.core.abandonment.rate import AnswerCounts, ledger_of, together
from dialer.core.abandonment.windows import counting_day, zone_of
from dialer.language.translation import _, translated
from dialer.operating.figures import BAD, QUIET
from dialer.operating.glossary import ABANDONED
from dialer.store.base.connection import Store
from dialer.store.settlement import ledger
from pacing.api import Ledger


class Reading(Protocol):
    """Shows every record, in order; `check` verifies the chain on the way."""

    def __call__(self, see: Callable[[Record], None], *, check: bool) -> None: ...


@dataclass(frozen=True, slots=True)
class Row:
    """A counting day, or an open window with its cap. `ledger` is what the same hosts counted there, live answers with
    machines; None where it was not asked or cannot be compared, for the reason in `note`. `definition` says which calls
    the rate counts."""

    campaign: str
    name: str
    count: AnswerCounts
    cap: float | None = None
    ledger: AnswerCounts | None = None
    note: str = ""
    definition: AbandonmentSettings = USUAL

    @property
    def agrees(self) -> bool:
        """False only where both were counted and differ."""
        return self.ledger is None or self.ledger == with_machines(self.count)

    @property
    def sides(self) -> Ledger:
        """The two sides of the rate, by the campaign's definition."""
        return ledger_of(self.count, self.definition)

    @property
    def rate(self) -> float:
        """Of calls that count the share that was abandoned, by the campaign's definition; 0 where there are none."""
        return self.sides.abandoned / self.sides.answered if self.sides.answered else 0.0


def with_machines(count: AnswerCounts) -> AnswerCounts:
    """As hosts count: nobody has said yet what was a machine."""
    return AnswerCounts(count.answered + count.machines, count.abandoned, count.hung_up)


@dataclass(frozen=True, slots=True)
class Report:
    """Everything that was counted. `begins_at` is when the evidence begins, in seconds since the epoch, `begins` the
    counting day of that moment by campaign."""

    days: tuple[Row, ...]
    windows: tuple[Row, ...]
    hosts: tuple[str, ...]
    begins: Mapping[str, str]
    begins_at: float | None
    unreadable: tuple[str, ...]

    @property
    def agrees(self) -> bool:
        """Whether no day differs from the ledger."""
        return all(row.agrees for row in self.days)


def counted(read: Reading, since: str, campaign: str | None, at: float) -> Report:
    """Read the evidence twice: what it says of campaigns and machines, then the settlements. `since` is the first day
    (YYYY-MM-DD) that is shown, `at` the moment whose windows are open, in seconds since the epoch."""
    survey = Survey()
    read(survey.see, check=True)
    tallies = AnswersOnRecord(survey.machines)
    read(tallies.see, check=False)
    definitions = {name: known.settings.abandonment for name, known in survey.campaigns.items()}
    days = []
    for name, day in sorted(tallies.days):
        if day >= since and campaign in {None, name}:
            days.append(Row(name, day, tallies.day(name, day), definition=definitions.get(name, USUAL)))
    windows = [
        Row(name, translated(window.name), tallies.window(name, window), window.cap, definition=definitions[name])
        for name, known in sorted(survey.campaigns.items())
        if campaign in {None, name}
        for window in open_windows(known, at)
    ]
    begins = {
        name: counting_day(survey.begins_at or 0.0, zone_of(known.settings))
        for name, known in sorted(survey.campaigns.items())
        if campaign in {None, name}
    }
    hosts, unreadable = tuple(sorted(survey.hosts)), tuple(sorted(survey.unreadable))
    return Report(tuple(days), tuple(windows), hosts, begins, survey.begins_at, unreadable)


def compared(store: Store, report: Report, since: str, at: float) -> Report:
    """The same beside the ledger, with the days that only the ledger has. The day on which the evidence begins may
    have more there, and days that the ledger has forgotten have less: neither is held against the evidence."""
    known = {(row.campaign, row.name): row for row in report.days}
    last = date.fromisoformat(counting_day(at, None)) + timedelta(1)  # it may be tomorrow where the campaign counts
    forgotten = (last - timedelta(ledger.DAY_KEPT_S // 86_400 - 1)).isoformat()
    rows = []
    for name, begins in report.begins.items():
        first = date.fromisoformat(max(since, begins))
        days = [(first + timedelta(n)).isoformat() for n in range((last - first).days + 1)]
        counts = ledger.by_host(store, name, days)
        for day in days:
            there = together(counts[day].get(host, AnswerCounts()) for host in report.hosts)
            row = known.get((name, day), Row(name, day, AnswerCounts()))
            if (name, day) not in known and there == AnswerCounts():
                continue
            if day <= begins and there != with_machines(row.count):
                rows.append(replace(row, note="the evidence begins on this day"))
            elif day < forgotten:
                rows.append(replace(row, note="the ledger does not go back so far"))
            else:
                rows.append(replace(row, ledger=there))
    return replace(report, days=tuple(rows))


def as_json_rows(report: Report) -> dict[str, Any]:
    """For programs."""
    return {
        "agrees": report.agrees,
        "hosts": report.hosts,
        "begins_at": report.begins_at,
        "unreadable": report.unreadable,
        "days": [{**_plain(row), "agrees": row.agrees} for row in report.days],
        "windows": [_plain(row) for row in report.windows],
    }


def _plain(row: Row) -> dict[str, Any]:
    plain = {**asdict(row), "definition": row.definition.model_dump(mode="json")}
    return {**plain, "counted": asdict(row.sides), "rate": row.rate}


def page(report: Report) -> RenderableType:
    """For people."""
    parts: list[RenderableType] = []
    if not report.days:
        parts.append(Text(_("No live answers are on record in this time."), QUIET))
    figures = ("answered", "machines", "abandoned", _("hung up"), "of", "rate", "ledger")
    if report.days:
        rows: list[tuple[Text | str, ...]] = [
            (row.campaign, row.name, *_figures(row), *_ledger(row)) for row in report.days
        ]
        parts.append(table(("campaign", "day", *figures, ""), rows, right=figures))
    if report.windows:
        rows_of_windows = [(row.campaign, row.name, *_figures(row), cap_words(row.cap or 0)) for row in report.windows]
        heads = ("campaign", "window", *figures[:-1], "cap")
        parts += [Text(), table(heads, rows_of_windows, right=(*figures[:-1], "cap"))]
    for name in report.unreadable:
        parts.append(Text(_("{name}: its settings are of another version, its windows cannot be shown", name=name)))
    hosts = ", ".join(report.hosts) or _("no host")
    parts.append(
        Text(_("\nEvidence of {hosts}, since {begins_at}", hosts=hosts, begins_at=when(report.begins_at)), QUIET)
    )
    return Group(*parts)


def _figures(row: Row) -> tuple[str, ...]:
    counted, sides = row.count, row.sides
    counts = (counted.answered, counted.machines, counted.abandoned, counted.hung_up)
    return (*map(str, counts), f"{sides.abandoned} / {sides.answered}", ABANDONED.written(row.rate))


def _ledger(row: Row) -> tuple[str, Text]:
    """What stands in the ledger, less the machines, and what is to be said of it."""
    if row.ledger is None:
        return "", Text(row.note, QUIET)
    there = f"{row.ledger.answered - row.count.machines} / {row.ledger.abandoned}"
    return there, Text("agrees", QUIET) if row.agrees else Text("DIFFERS", BAD)
