"""Recordings of this host: found, heard and marked. Whoever listens or marks is in the audit trail."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from itertools import islice
from pathlib import Path
from typing import Final

from pydantic import ValidationError
from starlette.responses import Response

from config.recordings.scoring import ScoredRecording, ScoringSheet
from config.recordings.settings import RecordingsSettings
from dialer.core.quality import Score, drawn, newest
from dialer.disk.recordings import index
from dialer.disk.recordings.index import Row
from dialer.language.translation import _
from dialer.operating import recordings as hearing
from dialer.operating.desk import Missing, Refused
from dialer.store.operators import scores
from dialer.web.access import May
from dialer.web.days import day_given
from dialer.web.visit import Page, Visit

MOST_SHOWN: Final = 200
MOST_SAMPLED: Final = 100_000
PER_AGENT: Final = 5
SHORTEST_S: Final = 10.0
NOTED_S: Final = 3600.0
"""A player asks for a recording in parts, and again when somebody goes back: for so long that is one listening."""

MOST_NOTED: Final = 10_000
_POINTS: Final = re.compile(r"[0-9]{1,4}")
_RANGE: Final = re.compile(r"bytes=(\d{0,12})-(\d{0,12})")


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which recordings: began between two moments (seconds since the epoch), of an agent or campaign; empty: of any.
    With `sampled` a few of each agent, drawn by lot."""

    since: float
    until: float
    agent: str
    campaign: str
    sampled: bool

    def rows(self, folder: Path) -> list[Row]:
        """They, the newest first. Raises `OSError`."""
        if not self.sampled:
            return list(islice(self._all(folder), MOST_SHOWN + 1))
        lots = [(row.agent, row.attempt, row) for row in islice(self._all(folder), MOST_SAMPLED)]
        long_enough = [lot for lot in lots if lot[2].duration_s >= SHORTEST_S]
        purpose = f"{datetime.fromtimestamp(self.since, UTC):%G-W%V}"
        return [row for rows in drawn(long_enough, PER_AGENT, purpose).values() for row in rows]

    def _all(self, folder: Path) -> Iterator[Row]:
        first, last = (datetime.fromtimestamp(min(at, 4e9), UTC).date() for at in (self.since, self.until))
        for day in reversed(index.days(folder, first, last)):
            for row in reversed(index.rows(folder, day)):
                if self.since <= row.at <= self.until and self._fits(row):
                    yield row

    def _fits(self, row: Row) -> bool:
        return self.agent in ("", row.agent) and self.campaign in ("", row.campaign)


async def recordings(visit: Visit) -> Response:
    """Those that are asked for."""
    asked = {name: visit.asked(name) for name in ("since", "until", "agent", "campaign", "sample")}
    span = day_given(asked["since"], asked["until"], visit.now)
    wanted = Wanted(*span, asked["agent"], asked["campaign"], asked["sample"] == "yes")
    rows = await visit.ask(_readable, wanted.rows, Path(visit.office.settings.recordings.folder))
    more = len(rows) > MOST_SHOWN and not wanted.sampled
    return visit.page("recordings.html", asked=asked, rows=rows[:MOST_SHOWN] if more else rows, more=more)


def _readable(read: object, *facts: object) -> list[Row]:
    try:
        return read(*facts)  # type: ignore[operator,no-any-return]
    except PermissionError as error:
        raise Refused(_("{file} may not be read by the console's user", file=str(error.filename))) from error
    except OSError as error:
        raise Missing(f"{error.filename}: {error.strerror}") from error


def row_of(settings: RecordingsSettings, day: str, attempt: str) -> Row:
    """A recording by its day and name; nothing else leads to a file. Raises `Missing`, `Refused`."""
    try:
        made_on = date.fromisoformat(day)
    except ValueError:
        raise Missing(_("there is no such recording here")) from None
    folder = Path(settings.folder)
    if index.is_name(attempt):
        for row in _readable(index.rows, folder, made_on):
            if row.attempt == attempt:
                return row
    raise Missing(_("there is no such recording here"))


async def recording(visit: Visit) -> Response:
    """One of them, to be heard and marked."""
    return await _sheet_page(visit)


async def _sheet_page(visit: Visit, problems: tuple[str, ...] = ()) -> Response:
    def read() -> tuple[Row, ScoringSheet, list[Score]]:
        row = row_of(visit.office.settings.recordings, visit.named("day"), visit.named("attempt"))
        given = [each for each in scores.since(visit.office.store, row.at) if each.attempt == row.attempt]
        return row, hearing.sheet_of(), newest(given)

    row, sheet, given = await visit.ask(read)
    facts = {"row": row, "sheet": sheet, "given": given, "problems": problems, "form": visit.form}
    return visit.page("recording.html", 409 if problems else 200, **facts)


async def audio(visit: Visit) -> Response:
    """What was said, or a part of it, after it is in the audit trail."""
    heard = await visit.ask(_hear, visit, visit.named("day"), visit.named("attempt"))
    headers = {"accept-ranges": "bytes", "cache-control": "private, no-store"}
    whole = len(heard)
    asked = _RANGE.fullmatch(visit.request.headers.get("range", ""))
    if asked is None or asked.groups() == ("", ""):
        return Response(heard, headers=headers, media_type="audio/ogg")
    first_text, last_text = asked.groups()
    first = int(first_text) if first_text else max(0, whole - int(last_text))
    last = min(int(last_text), whole - 1) if first_text and last_text else whole - 1
    if first > last:
        return Response(status_code=416, headers={**headers, "content-range": f"bytes */{whole}"})
    headers["content-range"] = f"bytes {first}-{last}/{whole}"
    return Response(heard[first : last + 1], 206, headers=headers, media_type="audio/ogg")


def _hear(visit: Visit, day: str, attempt: str) -> bytes:
    row = row_of(visit.office.settings.recordings, day, attempt)
    try:
        heard = hearing.plain(visit.office.settings.recordings, row)
    except OSError as error:
        raise Missing(_("the file of recording {attempt} cannot be read", attempt=row.attempt)) from error
    key, now, noted = (visit.person.name, row.attempt), visit.now, visit.office.noted_hearings
    if now - noted.get(key, 0.0) > NOTED_S:
        hearing.note(visit.desk, "recording_play", [row], now)
        if len(noted) >= MOST_NOTED:
            noted.clear()
        noted[key] = now
    return heard.audio


async def mark(visit: Visit) -> Response:
    """Take in the marks of one recording."""
    settings = visit.office.settings.recordings

    def take() -> tuple[str, ...]:
        row, sheet = row_of(settings, visit.named("day"), visit.named("attempt")), hearing.sheet_of()
        marks = {item.name: visit.form.get(f"mark-{item.name}", "") for item in sheet.items}
        missing = tuple(item.text for item in sheet.items if not _POINTS.fullmatch(marks[item.name]))
        if missing:
            return tuple(_("give points for: {item}", item=text) for text in missing)
        points = {name: int(text) for name, text in marks.items()}
        note = visit.form.get("note", "").strip()
        try:
            scored = ScoredRecording(
                attempt=row.attempt,
                agent=row.agent,
                campaign=row.campaign,
                by=visit.person.name,
                note=note,
                marks=points,
            )
        except ValidationError as error:
            return tuple(fault["msg"] for fault in error.errors())
        hearing.take_marks(visit.desk, sheet, [("marks", scored)], visit.now)
        return ()

    problems = await visit.ask(take)
    if problems:
        return await _sheet_page(visit, problems)
    return visit.back("recordings", visit.named("day"), visit.named("attempt"), done="marked")


PAGES: Final = (
    Page("/recordings", May.HEAR, recordings),
    Page("/recordings/{day}/{attempt}", May.HEAR, recording),
    Page("/recordings/{day}/{attempt}", May.HEAR, mark, "POST"),
    Page("/recordings/{day}/{attempt}/audio", May.HEAR, audio),
)
