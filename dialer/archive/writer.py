"""The service: reads the streams, gathers rows in memory, writes them to the files, and only then acknowledges.

A crash at any point leaves entries unacknowledged; they are read and written again, and the files take each id once.
What was read and is not written yet is bounded: while the disk does not take it, nothing more is read.
"""

from __future__ import annotations

import json
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import structlog

from dialer.archive import rows
from dialer.archive.rows import OF_LEADS, Archived, Event, Unreadable
from dialer.archive.sources import Sources, Taken
from dialer.core.model import Lead
from dialer.disk.archive.partitions import Partitions, Row
from dialer.disk.archive.tables import LISTS
from dialer.disk.errors import DiskError
from dialer.store.base.errors import StoreError
from dialer.store.base.streams import Entry

log = structlog.get_logger()

POLL_S: Final = 2.0
MOST_ROWS: Final = 50_000
"""Rows that wait in memory at most; some 50 MB."""

RETRY_S: Final = 5.0
AGE_EVERY_S: Final = 86_400.0
LOOK_EVERY_S: Final = 60.0
"""How often it is asked whether there are CRMs that nobody knew of."""

COUNT_LISTS_EVERY_S: Final = 600.0

STATUS_FILE: Final = "status.json"
UNREADABLE: Final = "unreadable"
"""Beside the rows by table: entries that could not be read."""


@dataclass(frozen=True, slots=True)
class Ages:
    """What names persons goes after `personal_days`, everything after `keep_days`."""

    personal_days: int
    keep_days: int


@dataclass(slots=True)
class Writer:
    """The service of one archive. `waiting` are entries that were read and are not on disk yet, `pending` their rows,
    `erased` whom to forget."""

    sources: Sources
    partitions: Partitions
    key: bytes
    flush_s: float
    ages: Ages
    who: str = "archive"
    waiting: list[Taken] = field(default_factory=list)
    pending: dict[str, list[Row]] = field(default_factory=lambda: defaultdict(list))
    erased: tuple[set[int], set[int]] = field(default_factory=lambda: (set(), set()))
    counts: Counter[str] = field(default_factory=Counter)
    _flushed_at: float = 0.0
    _aged_at: float = float("-inf")
    _looked_at: float = field(default_factory=time.monotonic)
    _counted_at: float = float("-inf")

    def run(self, stop: threading.Event) -> None:
        """Work until told to stop. Redis and the disk may go and come back meanwhile."""
        opened = False
        self._flushed_at = time.monotonic()
        while not stop.is_set():
            try:
                if not opened:
                    self.open(time.time())
                    opened = True
                busy = self.step()
            except StoreError as error:
                opened = False  # what was read and never came, or was not taken, is read again
                self._trouble("Redis", str(error), stop)
                continue
            except (DiskError, OSError) as error:
                self._trouble("disk", str(error), stop)
                continue
            if not busy:
                stop.wait(min(POLL_S, self.flush_s))
        try:
            self.flush()
        except (StoreError, DiskError, OSError) as error:
            log.warning("the last rows are written by the next run", detail=str(error))

    def _trouble(self, what: str, detail: str, stop: threading.Event) -> None:
        log.error("the archive waits", what=what, detail=detail)
        self._tell(problem=f"{what}: {detail}")
        stop.wait(RETRY_S)

    def open(self, now: float) -> None:
        """Register, and finish what an earlier run, or a trip that failed, left."""
        self.sources.open(who=self.who, now=now)
        self.flush()
        for page in self.sources.left():
            self.take(page)
            if len(self.waiting) >= MOST_ROWS:
                self.flush()
        self.flush()

    def step(self) -> bool:
        """Read once, and write when it is time; whether there is more to read now."""
        taken = self.sources.fresh() if len(self.waiting) < MOST_ROWS else []
        self.take(taken)
        now = time.monotonic()
        if now - self._looked_at >= LOOK_EVERY_S:
            self.sources.open(who=self.who, now=time.time())
            self._looked_at = now
        if now - self._counted_at >= COUNT_LISTS_EVERY_S:
            self._count_lists(time.time())
            self._counted_at = now
        if len(self.waiting) >= MOST_ROWS or now - self._flushed_at >= self.flush_s:
            self.flush()
        if now - self._aged_at >= AGE_EVERY_S:
            self._age()
            self._aged_at = now
        return len(taken) > 0

    # --- entries to rows ----------------------------------------------------------------------------------------------

    def take(self, taken: Sequence[Taken]) -> None:
        """Make rows of entries. One that cannot be read is said so of, counted and passed over."""
        events: list[Event] = []
        keys = self.sources.store.keys
        for stream, entry in taken:
            try:
                if stream == keys.audit():
                    self._take_audited(entry)
                elif stream == keys.recordings_scores():
                    self._keep(rows.quality_mark(entry))
                else:
                    events.append(rows.event_of(entry))
            except Unreadable as error:
                self._unreadable(stream, entry.id, error)
        for event, lead in zip(events, self._leads_of(events), strict=True):
            try:
                self._keep(rows.archived(event, self.key, lead))
            except Unreadable as error:
                self._unreadable(event.kind, event.id, error)
        self.waiting += taken

    def _count_lists(self, at: float) -> None:
        self.pending[LISTS.name] = [
            rows.list_row(campaign, name, intake.accepted, intake.rejected, at)
            for campaign, name, intake in self.sources.lists()
        ]
        self.counts[LISTS.name] += len(self.pending[LISTS.name])

    def _take_audited(self, entry: Entry) -> None:
        self._keep(rows.campaign_change(entry))
        for known, more in zip(self.erased, rows.erased_of(entry), strict=True):
            known |= more

    def _leads_of(self, events: Sequence[Event]) -> list[Lead | None]:
        """The lead of each event that is about one; None for the others."""
        named = [
            (str(event.data.get("campaign")), str(event.data.get("lead_id")))
            for event in events
            if event.kind in OF_LEADS
        ]
        found = iter(self.sources.leads(named))
        return [next(found) if event.kind in OF_LEADS else None for event in events]

    def _keep(self, archived: Archived | None) -> None:
        if archived is not None:
            self.pending[archived.table].append(archived.row)
            self.counts[archived.table] += 1

    def _unreadable(self, where: str, name: str, error: Unreadable) -> None:
        self.counts[UNREADABLE] += 1
        log.error("an entry cannot be archived", where=where, entry_id=name, reason=str(error))

    # --- to disk --------------------------------------------------------------------------------------------------

    def flush(self) -> None:
        """Write what waits, then acknowledge it. Raises `DiskError`, `OSError`, `StoreError`: do it again then."""
        self.partitions.merge(self.pending)
        if any(self.erased):
            changed = self.partitions.forget(*self.erased)
            log.info("erased from the archive", rows=changed)
        if self.waiting:
            self.sources.done(self.waiting)
        self.waiting, self.erased = [], (set(), set())
        self.pending.clear()
        self._flushed_at = time.monotonic()
        self._tell()

    def _age(self) -> None:
        today = datetime.fromtimestamp(time.time(), UTC).date()
        changed, gone = self.partitions.age(today, personal_days=self.ages.personal_days, keep_days=self.ages.keep_days)
        if changed or gone:
            log.info("the archive was aged", rows_without_persons=changed, days_deleted=gone)

    def _tell(self, problem: str = "") -> None:
        status = {"at": time.time(), "waiting": len(self.waiting), "rows": dict(self.counts), "problem": problem}
        write_status(self.partitions.folder, status)


def write_status(folder: Path, status: dict[str, object]) -> None:
    """How the writer does, for whoever asks; nothing depends on it."""
    try:
        part = folder / f"{STATUS_FILE}.part"
        part.write_text(json.dumps(status))
        part.rename(folder / STATUS_FILE)
    except OSError as error:
        log.warning("the archive's status is not written", detail=str(error))
