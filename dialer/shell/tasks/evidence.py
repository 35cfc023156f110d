"""Putting decisions and ends on record before anybody relies on them, in groups, off the event loop.

One task writes: what comes while the disk is busy goes into the next batch, and one batch is forced to disk once. Rows
of the journal (`disk/journal.py`) go with it. Who has something to put on record waits until it is there. While the
disk does not take it no calls start; calls in progress go on, and their ends wait in memory, in order, until it can be
written again.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import islice
from typing import Final

import structlog
import trio

from compliance.api import Rule
from compliance.evidence import Entry
from config.policies import AppliedSettings
from dialer.core import evidence
from dialer.core.inputs import Permitted, Refused
from dialer.core.model import NOBODY, Settlement
from dialer.disk.evidence_log import EvidenceLog, compress, deletion
from dialer.disk.journal import Journal, Row
from dialer.language.phrases import phrase
from dialer.shell.clock import Clock
from dialer.shell.health import Health, NoCalls
from dialer.store.crm.requests import Outcome
from dialer.store.privacy.opt_outs import OptedOut
from dialer.store.settlement import retelling

log = structlog.get_logger()

BATCH: Final = 1_000
MOST_WAITING: Final = 20_000
"""Records that wait in memory. Beyond that whoever brings more is held up: the ends of calls are never dropped."""

KEEP_LIMIT_S: Final = 3.0
"""Longest wait for the disk; one that takes longer counts as one that fails."""

RETRY_S: Final = 1.0
TIDY_EVERY_S: Final = 60.0
FAREWELL_S: Final = 10.0
"""Longest wait, at the end, for a disk that does not take the last records."""


@dataclass(slots=True)
class Evidence:
    """The writer. `journal` takes what the store may have to be told again, `registers` says whether this host has
    national no-call registers, `created_at` when each campaign was created, in seconds since the epoch."""

    disk: EvidenceLog
    clock: Clock
    health: Health
    keep_days: int
    journal: Journal | None = None
    registers: bool = False
    created_at: dict[str, float] = field(default_factory=dict)
    waiting: deque[Entry | Row] = field(default_factory=deque)
    _came: int = 0
    _written: int = 0
    _news: trio.Event = field(default_factory=trio.Event)
    _moved: trio.Event = field(default_factory=trio.Event)
    lost: int = 0
    _ending: bool = False
    _writing: trio.CancelScope = field(default_factory=trio.CancelScope)
    _policies: dict[str, tuple[str, str]] = field(default_factory=dict)

    # --- what goes on record -----------------------------------------------------------------------------------------

    def decisions(
        self, answers: Iterable[Permitted | Refused], settings: AppliedSettings, trunk: str = ""
    ) -> list[Entry]:
        """What the gates said of one campaign's leads; the settings come first, where they are not on record yet."""
        at, key = self.clock.wall(), self.disk.key
        version, policy = settings.version, settings.policy()
        entries: list[Entry] = []
        # Once a day as well, so that it is still there when old files have been deleted.
        if self._policies.get(settings.name) != (version, day := self._day(at)):
            self._policies[settings.name] = (version, day)
            entries.append(evidence.policy(settings, version, self.created_at.get(settings.name, at), at))
        for answer in answers:
            if isinstance(answer, Permitted):
                passed = (*evidence.PASSED, Rule.REGISTER) if self.registers and policy.registers else evidence.PASSED
                entries.append(evidence.permit(answer, settings, version, trunk, key, passed))
            else:
                entries.append(evidence.refusal(answer, version, key, at))
        return entries

    def ends(self, settled: Iterable[Settlement], owner: str) -> list[Entry]:
        """Attempts that ended; `owner` settles them."""
        at = self.clock.wall()
        return [evidence.settlement(end, end.day, owner, self.disk.key, at) for end in settled]

    def opt_outs(self, pressed: Iterable[OptedOut]) -> list[Entry]:
        """Whose phone said that they are not to be called again."""
        key = self.disk.key
        return [evidence.opt_out(row.campaign, row.attempt, row.number, row.key, key, row.at) for row in pressed]

    def outcomes(self, outcomes: Iterable[Outcome]) -> list[Entry]:
        """What agents or the CRM said came of attempts."""
        at = self.clock.wall()
        return [evidence.outcome(row.campaign, row.attempt, row.outcome, at) for row in outcomes]

    @staticmethod
    def _day(at: float) -> str:
        return datetime.fromtimestamp(at, UTC).date().isoformat()

    async def started(self, owner: str) -> None:
        """The daemon runs. It is also how a disk that takes nothing is found before the first call."""
        await self.keep([evidence.started(owner, self.clock.wall())])

    async def stopped(self, owner: str) -> None:
        """The daemon has come to an orderly end."""
        await self.keep([evidence.stopped(owner, self.clock.wall())])

    @property
    def failing(self) -> bool:
        """Whether the disk does not take it at the moment."""
        return NoCalls.EVIDENCE in self.health.reasons

    # --- writing ------------------------------------------------------------------------------------------------------

    async def keep(self, entries: Sequence[Entry | Row]) -> bool:
        """Put entries on record, in order. True when they are on disk; False where that cannot be said yet: they wait,
        and are written as soon as the disk takes them."""
        if not entries:
            return True
        while len(self.waiting) >= MOST_WAITING:
            await self._moved.wait()
        self.waiting.extend(entries)
        self._came += len(entries)
        mine = self._came
        self._news.set()
        with trio.move_on_after(KEEP_LIMIT_S) as limit:
            while self._written < mine and not self.failing:
                await self._moved.wait()
        if limit.cancelled_caught:
            self.health.stop_calls(
                NoCalls.EVIDENCE, phrase("the disk has not answered for {seconds:g} s", seconds=KEEP_LIMIT_S)
            )
            self._wake_who_waits()
        return self._written >= mine

    def keep_ends(self, settled: Sequence[Settlement], owner: str) -> None:
        """Put ends on record, from a thread that trio started."""
        known = (end for end in settled if end.lead.number != NOBODY)
        entries: list[Entry | Row] = [*self.ends(settled, owner), *map(retelling.end_row, known)]
        trio.from_thread.run(self.keep, entries)

    async def write(self) -> None:
        """Write until `end` was called and nothing waits any more, or the disk has not taken it for `FAREWELL_S`: then
        `lost` says how many records were."""
        with trio.CancelScope() as self._writing:
            while not (self._ending and not self.waiting):
                if self.waiting:
                    await self._write_batch(list(islice(self.waiting, BATCH)))
                else:
                    self._news = trio.Event()
                    await self._news.wait()
        self.lost = len(self.waiting)
        if self.lost:
            log.error("evidence lost", records=self.lost, detail=self.health.reasons.get(NoCalls.EVIDENCE, "no answer"))

    async def _write_batch(self, batch: Sequence[Entry | Row]) -> None:
        try:
            await trio.to_thread.run_sync(self._append, batch, abandon_on_cancel=True)
        except OSError as error:
            self.health.stop_calls(NoCalls.EVIDENCE, _why(error))
            self._wake_who_waits()
            await trio.sleep(RETRY_S)
            return
        for _ in batch:
            self.waiting.popleft()
        self._written += len(batch)
        self._limit_the_end()
        self.health.allow_calls(NoCalls.EVIDENCE)
        self._wake_who_waits()

    def _append(self, batch: Sequence[Entry | Row]) -> None:
        if self.journal is not None:
            self.journal.append([one for one in batch if isinstance(one, Row)])
        entries = [one for one in batch if isinstance(one, Entry)]
        self.disk.append(entries, opened_ms=evidence.ms(self.clock.wall()))

    def _wake_who_waits(self) -> None:
        moved, self._moved = self._moved, trio.Event()
        moved.set()

    def end(self) -> None:
        """Nothing more will come."""
        self._ending = True
        self._limit_the_end()
        self._news.set()

    def _limit_the_end(self) -> None:
        if self._ending:
            self._writing.deadline = trio.current_time() + FAREWELL_S

    # --- closed files ------------------------------------------------------------------------------------------------

    async def tidy(self) -> None:
        """Compress closed files and delete those that are old enough. Runs until cancelled."""
        while True:
            try:
                for segment in await trio.to_thread.run_sync(self.disk.closed, abandon_on_cancel=True):
                    if not segment.compressed:
                        await trio.to_thread.run_sync(compress, segment, abandon_on_cancel=True)
                await self._expire()
            except OSError as error:
                log.warning("evidence not tidied", detail=_why(error))
            await trio.sleep(TIDY_EVERY_S)

    async def _expire(self) -> None:
        today = datetime.fromtimestamp(self.clock.wall(), UTC).date()
        expired = await trio.to_thread.run_sync(self.disk.expired, today, self.keep_days, abandon_on_cancel=True)
        for segment, summary in expired:
            if not await self.keep([deletion(evidence.ms(self.clock.wall()), summary)]):
                return
            await trio.to_thread.run_sync(segment.path.unlink, abandon_on_cancel=True)
            log.info("evidence deleted", file=segment.path.name, kept_days=self.keep_days)


def _why(error: OSError) -> str:
    return f"{error.strerror or error}{f': {error.filename}' if error.filename else ''}"
