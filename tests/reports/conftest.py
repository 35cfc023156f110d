"""Small archives whose figures can be worked out by hand."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from dialer.disk.archive.database import connect
from dialer.disk.archive.partitions import Partitions, Row
from dialer.disk.archive.sums import Period, Question
from dialer.reports.catalogue import REPORTS
from dialer.reports.compose import Document, Section, compose

ZONE = "Asia/Shanghai"
DAY = date(2026, 3, 3)


def at(clock: str, day: date = DAY) -> int:
    """A local time of a day, such as 09:30:05, in milliseconds since the epoch."""
    local = datetime.fromisoformat(f"{day}T{clock}").replace(tzinfo=UTC)
    return int(local.timestamp() * 1000) - 8 * 3_600_000


@dataclass
class Book:
    """An archive that is written by hand."""

    folder: Path
    number: int = 0
    waiting: dict[str, list[Row]] = field(default_factory=lambda: defaultdict(list))

    def put(self, table: str, *rows: Row) -> None:
        self.waiting[table] += rows

    def write(self) -> None:
        """Put what waits into the files."""
        Partitions(self.folder, connect(threads=1)).merge(self.waiting)
        self.waiting.clear()

    def call(
        self,
        clock: str,
        end: str = "no_answer",
        *,
        wait_s: float | None = None,
        talk_s: float | None = None,
        day: date = DAY,
        counted_on: date | None = None,
        **more: Any,
    ) -> str:
        """An attempt that rings for 10 s. With `wait_s` somebody answered, with `talk_s` an agent was there then."""
        self.number += 1
        name = f"A{self.number}"
        reserved = at(clock, day)
        answered = None if wait_s is None else reserved + 12_000
        bridged = None if answered is None or talk_s is None else answered + int(1000 * (wait_s or 0))
        waited = None if answered is None else answered + int(1000 * (wait_s or 0))
        ended = bridged + int(1000 * talk_s) if bridged is not None and talk_s else waited or reserved + 12_000
        row: Row = {
            "attempt_id": name,
            "campaign": "spring",
            "lead_id": f"L{self.number}",
            "list": "march",
            "try": 1,
            "disposition": end,
            "live": answered is not None,
            "abandoned": end == "abandoned",
            "hung_up": False,
            "charged": True,
            "message_played": end == "abandoned",
            "opted_out": False,
            "agent": "17" if bridged else "",
            "trunk": "main",
            "caller_id": "+861065550001",
            "reserved_at": reserved,
            "dialled_at": reserved + 500,
            "ringing_at": reserved + 2_000,
            "answered_at": answered,
            "bridged_at": bridged,
            "ended_at": ended,
            "day": (counted_on or day).isoformat(),
            "corrects": "",
            **more,
        }
        self.put("attempts", row)
        return name

    def caller(self, clock: str, end: str = "connected", *, wait_s: float, talk_s: float | None = None) -> str:
        """Somebody calls, is answered at once and waits; with `talk_s` an agent is there then."""
        self.number += 1
        arrived = at(clock)
        waited = arrived + int(1000 * wait_s)
        row: Row = {
            "attempt_id": f"A{self.number}",
            "campaign": "spring",
            "lead_id": "L6",
            "list": "march",
            "disposition": end,
            "called": "+861065550001",
            "opted_out": False,
            "wants_callback": False,
            "agent": "" if talk_s is None else "17",
            "trunk": "main",
            "arrived_at": arrived,
            "answered_at": arrived,
            "bridged_at": None if talk_s is None else waited,
            "ended_at": waited + int(1000 * (talk_s or 0)),
            "day": DAY.isoformat(),
            "corrects": "",
        }
        self.put("inbound_calls", row)
        return f"A{self.number}"

    def say(self, attempt: str, outcome: str, clock: str = "20:00:00", **more: Any) -> None:
        word = {"attempt_id": attempt, "word": hash((outcome, clock)) % 2**32, "campaign": "spring", "outcome": outcome}
        self.put("outcomes", {**word, "agent": "", "opt_out": False, "said_at": at(clock), **more})

    def stay(self, state: str, since: str, until: str, agent: str = "17", team: str = "north", **more: Any) -> None:
        """What an agent did; `since` and `until` are in one quarter of an hour."""
        row = {"agent": agent, "name": "Anna", "team": team, "campaign": "spring", "state": state, "reason": ""}
        self.put("agent_intervals", {**row, "started_at": at(since), "ended_at": at(until), "host": "a", **more})

    def report(self, name: str, first: date = DAY, last: date | None = None, **more: Any) -> Document:
        only = more.pop("only", {})
        self.write()
        question = Question(Period(first, last or first), only, **more)
        return compose(REPORTS[name], question, self.folder, time_zone=ZONE, made_at="2026-03-04 08:15")

    def table(self, name: str, part: str = "", **more: Any) -> Section:
        return next(section for section in self.report(name, **more).sections if section.part.title == part or not part)


def named(section: Section, row: Sequence[Any] | None = None) -> dict[str, Any]:
    """A row by the names of its columns; the total if none is given."""
    values = (section.total or section.rows[0]) if row is None else row
    return dict(zip((*section.part.keys, *(measure.name for measure in section.measures)), values, strict=True))


@pytest.fixture
def book(tmp_path: Path) -> Book:
    folder = tmp_path / "archive"
    folder.mkdir()
    return Book(folder)
