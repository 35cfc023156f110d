"""Whether the archive says what the others say: the ledger of abandoned calls, the evidence, the stream to the CRM.

Figures are compared by campaign and counting day; of the stream, which goes back only so far, each attempt. A
difference is a fault of one of them, or has not arrived yet.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Any, Final

from compliance.evidence import Record, read
from dialer.core import evidence
from dialer.core.abandonment.evidence_rates import AnswersOnRecord, Survey
from dialer.core.abandonment.rate import AnswerCounts
from dialer.disk.archive.database import Connection, run
from dialer.disk.archive.sums import Period
from dialer.disk.evidence_files import lines, segments
from dialer.store.base.connection import Store
from dialer.store.operators import campaigns
from dialer.store.settlement import ledger

UNSEEN: Final = frozenset({"unknown", "failed"})
"""Ends of an attempt and of a call from outside that nobody may have seen: one that somebody saw counts instead."""

MOST_NAMED: Final = 20
"""Attempts that are named of those that differ; all are counted."""

Place = tuple[str, str]
"""A campaign and a counting day."""


@dataclass(frozen=True, slots=True)
class Difference:
    """What the archive says, and what the other says."""

    source: str
    campaign: str
    day: str
    what: str
    archive: str
    other: str


@dataclass(slots=True)
class Compared:
    """One comparison: so many figures, and those that differ. `note` says how far it goes."""

    source: str
    figures: int = 0
    differences: list[Difference] = field(default_factory=list)
    note: str = ""

    def look(self, place: Place, what: str, ours: object, theirs: object) -> None:
        """Compare one figure."""
        self.figures += 1
        if ours != theirs:
            self.differences.append(Difference(self.source, *place, what, str(ours), str(theirs)))


@dataclass(frozen=True, slots=True)
class Archived:
    """What the archive says of a campaign's day."""

    attempts: int = 0
    callers: int = 0
    answers: AnswerCounts = field(default_factory=AnswerCounts)


def archived(connection: Connection) -> dict[Place, Archived]:
    """By campaign and day, of the period that is open."""
    rows = run(
        connection,
        "SELECT campaign, day::VARCHAR, count(*) FILTER (NOT inbound), count(*) FILTER (inbound), "
        "count(*) FILTER (live AND NOT machine), "
        "count(*) FILTER (abandoned), count(*) FILTER (hung_up), count(*) FILTER (live AND machine) "
        "FROM calls GROUP BY campaign, day",
    )
    return {
        (campaign, day): Archived(attempts, callers, AnswerCounts(*answers))
        for campaign, day, attempts, callers, *answers in rows
    }


def days_of(period: Period) -> list[str]:
    """The counting days."""
    return [(period.first + timedelta(number)).isoformat() for number in range(period.days)]


def with_ledger(store: Store, ours: Mapping[Place, Archived], period: Period) -> Compared:
    """Live answers, abandoned calls, machines. Raises `StoreError`."""
    done, days = Compared("ledger"), days_of(period)
    for campaign in sorted({*campaigns.names(store), *(name for name, _ in ours)}):
        for total in ledger.totals(store, campaign, days):
            place = (campaign, total.day)
            theirs = AnswerCounts(total.answered, total.abandoned, total.hung_up, total.machines)
            _look_at_answers(done, place, ours.get(place, Archived()).answers, theirs)
    return done


def _look_at_answers(done: Compared, place: Place, ours: AnswerCounts, theirs: AnswerCounts) -> None:
    for name in ("answered", "abandoned", "hung_up", "machines"):
        done.look(place, name, getattr(ours, name), getattr(theirs, name))


def with_evidence(folders: Iterable[Path], ours: Mapping[Place, Archived], period: Period) -> Compared:
    """The same, the attempts and the calls from outside, as all hosts' evidence has them. Raises `OSError`."""
    done, days = Compared("evidence"), set(days_of(period))
    folders = list(folders)
    survey = Survey()
    ends: dict[str, dict[str, Place]] = {evidence.SETTLEMENT: {}, evidence.INBOUND: {}}
    for record in _records(folders, period):
        survey.see(record)
        if record.kind in ends:
            name, of_kind = record.fields["attempt"], ends[record.kind]
            if record.fields["disposition"] not in UNSEEN or name not in of_kind:
                of_kind[name] = (record.fields["campaign"], record.fields["day"])
    answers = AnswersOnRecord(survey.machines)
    for record in _records(folders, period):
        answers.see(record)
    attempts, callers = (Counter(of_kind.values()) for of_kind in ends.values())
    for place in sorted(place for place in {*ours, *attempts, *callers, *answers.days} if place[1] in days):
        known = ours.get(place, Archived())
        done.look(place, "attempts", known.attempts, attempts[place])
        done.look(place, "callers", known.callers, callers[place])
        _look_at_answers(done, place, known.answers, answers.day(*place))
    done.note = f"of {', '.join(sorted(survey.hosts)) or 'no host'}"
    return done


def _records(folders: Iterable[Path], period: Period) -> Iterable[Record]:
    """From the day before the period on: what was said later of its calls counts as well."""
    since = period.first - timedelta(2)
    for folder in folders:
        for segment in segments(folder):
            if segment.day < since and segment.day != date.min:
                continue
            for line in lines([segment]):
                record = None if line.error else read(line.raw)
                if record is not None:
                    yield record


def with_stream(events: Iterable[Mapping[str, Any]], connection: Connection, period: Period) -> Compared:
    """Each end of a call that the CRM was told and that is still in the stream."""
    done, days = Compared("stream"), set(days_of(period))
    told: dict[str, tuple[Place, str]] = {}
    for event in events:
        place = (str(event.get("campaign")), str(event.get("day")))
        name, end = str(event.get("attempt_id")), str(event.get("disposition"))
        if end not in UNSEEN or name not in told:
            told[name] = (place, end)
    of_period = {name: row for name, row in told.items() if row[0][1] in days}
    days_sql = f"day BETWEEN DATE '{period.first}' AND DATE '{period.last}'"
    rows = " UNION ALL ".join(
        f"SELECT attempt_id, disposition FROM {table} WHERE {days_sql}" for table in ("attempts", "inbound_calls")
    )
    ours = dict(run(connection, rows))
    named: dict[Place, int] = defaultdict(int)
    for name, (place, end) in of_period.items():
        done.figures += 1
        if ours.get(name) != end:
            named[place] += 1
            if named[place] <= MOST_NAMED:
                done.differences.append(Difference(done.source, *place, name, ours.get(name, "missing"), end))
    done.note = f"of {len(of_period):,} calls that it still has"
    return done
