"""Deleting recordings: when they were kept long enough, and at once where a person was erased.

Recordings are on the hosts that made them, so each host hears of the erased from a stream, goes on where it left off
(a file beside the recordings), and looks for them by its own keyed hashes.
"""

from __future__ import annotations

import os
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from functools import partial
from pathlib import Path
from typing import Final

import structlog
import trio

from compliance.evidence import customer_hash, number_hash
from dialer.core.evidence import purged
from dialer.disk.recordings import index, talks
from dialer.disk.recordings.index import Row
from dialer.shell.health import NoCalls
from dialer.shell.parts import Parts
from dialer.shell.recordings.troubles import FAILED
from dialer.shell.slow_work import NoAnswer, SlowWork
from dialer.store.base.errors import StoreError, StoreUnavailable
from dialer.store.operators import control
from dialer.store.privacy import recordings
from dialer.store.privacy.recordings import Erased

log = structlog.get_logger()

DAY_S: Final = 86_400.0
LOOK_EVERY_S: Final = 5.0
SWEEP_EVERY_S: Final = 3600.0
WALK_LIMIT_S: Final = 600.0
"""Longest walk over the index of all days."""

CURSOR_FILE: Final = "erased.cursor"
REMEMBERED_S: Final = 2 * DAY_S
"""A talk may be finished so long after this host has heard that its person was erased."""

WHO: Final = "recordings"


@dataclass(slots=True)
class Expiry:
    """The task. `_erased` are persons who were heard of of late, with when that was: each new recording is held against
    them."""

    parts: Parts
    _work: SlowWork = field(default_factory=SlowWork)
    _erased: dict[str, tuple[float, Erased]] = field(default_factory=dict)
    _cursor: str = ""
    _swept_at: float = float("-inf")
    _warned: set[str] = field(default_factory=set)

    @property
    def folder(self) -> Path:
        """Where the recordings are."""
        return Path(self.parts.settings.recordings.folder)

    async def keep(self) -> None:
        """Runs until cancelled."""
        while True:
            try:
                if self.parts.health.redis_healthy and self.parts.store_is_ours:
                    await self.hear_of_erased()
                if self.parts.clock.now() - self._swept_at >= SWEEP_EVERY_S:
                    await self.sweep()
                    self._swept_at = self.parts.clock.now()
            except StoreUnavailable as error:
                self.parts.health.stop_calls(NoCalls.REDIS, str(error))
            except (StoreError, OSError, NoAnswer) as error:
                if str(error) not in self._warned:  # once for what goes on until somebody mends it
                    log.warning("recordings not tidied", detail=str(error))
                self._warned.add(str(error))
            await trio.sleep(LOOK_EVERY_S)

    # --- what was kept long enough ------------------------------------------------------------------------------------

    async def sweep(self) -> None:
        """Delete what is old. Raises `StoreError`, `OSError`, `NoAnswer`."""
        now = self.parts.clock.wall()
        keep_days = self.parts.settings.recordings.keep_days
        await self._remove(lambda known: known.at < now - (known.keep_days or keep_days) * DAY_S, "recordings", now)

    # --- who was erased -----------------------------------------------------------------------------------------------

    async def hear_of_erased(self) -> None:
        """Delete what was recorded of persons who have been erased since this host last looked. Raises as `sweep`."""
        if not self._cursor:
            self._cursor = await self._work.run("cursor", WALK_LIMIT_S, self._read_cursor)
        while True:
            persons, after = await self.parts.ask(recordings.erased_after, self._cursor)
            if after == self._cursor:
                return
            now = self.parts.clock.wall()
            known = {id_: row for id_, row in self._erased.items() if row[0] >= now - REMEMBERED_S}
            # First: a talk may be finished behind the walk through the index.
            self._erased = known | {person.id: (now, person) for person in persons}
            if persons:
                last = max(person.at for person in persons)
                await self._remove(self._of(persons), "recordings of who was erased", last)
            await self._work.run("cursor", WALK_LIMIT_S, partial(self._keep_cursor, after))
            self._cursor = after

    async def is_erased(self, row: Row) -> bool:
        """Whether a recording that has just been made is of somebody who was erased meanwhile; then it is gone."""
        if not self._of([person for _, person in self._erased.values()])(_known(row)):
            return False
        await self._work.run("index", WALK_LIMIT_S, partial(index.remove, self.folder, row.day, {row.attempt}))
        return True

    def _of(self, persons: Sequence[Erased]) -> Callable[[Known], bool]:
        """Whether a recording is of one of these, from before they were erased."""
        key = self.parts.engine.state.settings.hash_key
        erased_at: dict[str, float] = {}
        for person in persons:
            hashes = [number_hash(key, number) for number in person.numbers]
            hashes += [customer_hash(key, person.customer)] if person.customer else []
            for each in hashes:
                erased_at[each] = max(person.at, erased_at.get(each, 0.0))
        return lambda known: known.at < max(erased_at.get(known.number, 0.0), erased_at.get(known.customer, 0.0))

    def _read_cursor(self) -> str:
        """Where this host left off; a little before, so that talks finished from now on are held against the newest."""
        path = self.folder / CURSOR_FILE
        text = path.read_text(encoding="ascii", errors="replace").strip() if path.exists() else "0"
        ms = text.partition("-")[0]
        return f"{max(0, int(ms) - round(REMEMBERED_S * 1000))}-0" if ms.isdigit() else "0"

    def _keep_cursor(self, cursor: str) -> None:
        if not self.folder.is_dir():
            return  # nothing has ever been recorded here
        part = self.folder / f"{CURSOR_FILE}.part"
        descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(cursor)
        part.rename(self.folder / CURSOR_FILE)

    # --- both ---------------------------------------------------------------------------------------------------------

    async def _remove(self, is_to_go: Callable[[Known], bool], what: str, before: float) -> None:
        last = datetime.fromtimestamp(before, UTC).date()
        to_go = await self._work.run("index", WALK_LIMIT_S, partial(self._chosen, is_to_go, last))
        by_campaign = Counter(await self._work.run("failed", WALK_LIMIT_S, partial(self._discard_failed, is_to_go)))
        for day, rows in to_go.items():
            names = {row.attempt for row in rows}
            await self._work.run("index", WALK_LIMIT_S, partial(index.remove, self.folder, day, names))
            by_campaign.update(row.campaign for row in rows)
        now = self.parts.clock.wall()
        for campaign, count in by_campaign.items():
            await self.parts.evidence.keep([purged(what, campaign, count, before, now)])
            detail = {"what": what, "campaign": campaign, "count": count, "before": before, "host": self.parts.host}
            await self.parts.ask(control.audit, "purge", who=WHO, now=now, detail=detail)
            log.info("purged", **detail)

    def _chosen(self, is_to_go: Callable[[Known], bool], last: date) -> dict[date, list[Row]]:
        chosen: dict[date, list[Row]] = defaultdict(list)
        for row in index.all_rows(self.folder, last=last):
            if is_to_go(_known(row)):
                chosen[row.day].append(row)
        return chosen

    def _discard_failed(self, is_to_go: Callable[[Known], bool]) -> list[str]:
        """The campaigns of talks that were set aside, and are gone now."""
        aside = Path(self.parts.settings.recordings.live).parent / FAILED
        gone = []
        for name in talks.names(aside):
            facts = talks.facts_of(aside, name)
            keep_days = facts.get("keep_days")
            known = Known(
                at=float(facts["at"]),
                number=str(facts.get("number", "")),
                customer=str(facts.get("customer", "")),
                keep_days=keep_days if isinstance(keep_days, int) else 0,
            )
            if is_to_go(known):
                talks.discard(aside, name)
                gone.append(str(facts.get("campaign", "")))
        return gone


@dataclass(frozen=True, slots=True)
class Known:
    """What decides over a recording: when it began, hashes of whom it is of (empty: none), for how long it stays."""

    at: float
    number: str
    customer: str
    keep_days: int


def _known(row: Row) -> Known:
    return Known(row.at, row.number, row.customer, row.keep_days)
