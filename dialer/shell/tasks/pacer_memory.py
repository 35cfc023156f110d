"""What the pacers learn, out of the store before they begin and into it while they work.

Saved once a minute and when the daemon drains; lost are at most the last minute's observations. While Redis is away
nothing is saved, and the pacers go on from what they have in memory.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from typing import Final

import structlog
import trio

from dialer.core.engine import PacerRequest
from dialer.shell.health import NoCalls
from dialer.shell.parts import Parts
from dialer.shell.tasks.pacers import Pacers
from dialer.store.base.errors import StoreError, StoreUnavailable
from dialer.store.operators import pacer_memory
from dialer.store.operators.pacer_memory import Learnt
from pacing.learning.state_codec import STALE_AFTER_S, with_stale_rate

log = structlog.get_logger()

SAVE_EVERY_S: Final = 60.0
LOOK_EVERY_S: Final = 10.0
PURGE_EVERY_S: Final = 86_400.0


@dataclass(slots=True)
class PacerMemory:
    """Reads and writes for the pacers of one daemon."""

    parts: Parts
    pacers: Pacers = field(default_factory=Pacers)
    _recalled: set[str] = field(default_factory=set)
    _due_at: dict[str, float] = field(default_factory=dict)
    _purge_at: float = 0.0

    async def recall(self, requests: list[PacerRequest]) -> list[PacerRequest]:
        """Fetch what was learnt of campaigns that are asked about for the first time, in one trip. Gives the requests
        that can be asked now: all, unless Redis is away; no call may start then anyway."""
        new = {request.campaign for request in requests} - self._recalled
        if not new:
            return requests
        try:
            learnt = await self.parts.ask(pacer_memory.read, new, self.parts.clock.wall())
        except StoreUnavailable as error:
            self.parts.health.stop_calls(NoCalls.REDIS, str(error))
            return [request for request in requests if request.campaign in self._recalled]
        except StoreError as error:
            self._warn([str(error)])
        else:
            self._warn(learnt.faults)
            for name in new:
                self._go_on(name, learnt.for_host(name, self.parts.host))
        self._recalled |= new
        return requests

    def _go_on(self, campaign: str, record: Learnt | None) -> None:
        if record is not None:
            age_s = round(self.parts.clock.wall() - record.at)
            stale = age_s > STALE_AFTER_S
            self.pacers.memories[campaign] = with_stale_rate(record.memory) if stale else record.memory
            log.info("going on from what was learnt", campaign=campaign, of=record.host, age_s=age_s, stale=stale)

    async def keep(self, look_every_s: float = LOOK_EVERY_S) -> None:
        """Save each campaign soon after it has begun, then every `SAVE_EVERY_S`. Runs until cancelled."""
        while True:
            await trio.sleep(look_every_s)
            now = self.parts.clock.now()
            await self.save([name for name in self.pacers.asked if now >= self._due_at.get(name, now)])

    async def save(self, campaigns: Collection[str] | None = None) -> None:
        """Save what the pacers of these campaigns have learnt; of all that were asked since their last save, if none
        are given."""
        if not self.parts.health.redis_healthy:
            return
        async with self.pacers.busy:
            names = set(self.pacers.asked if campaigns is None else campaigns)
            self.pacers.asked -= names
            records = await trio.to_thread.run_sync(self._records, names)
        now = self.parts.clock.now()
        try:
            self._warn(await self.parts.ask(pacer_memory.save, records))
            if now >= self._purge_at:
                await self.parts.ask(pacer_memory.read, self._recalled, self.parts.clock.wall())
                self._purge_at = now + PURGE_EVERY_S
        except StoreUnavailable as error:
            self.pacers.asked |= names
            self.parts.health.stop_calls(NoCalls.REDIS, str(error))
        except StoreError as error:
            self._warn([str(error)])
        else:
            self._due_at |= dict.fromkeys(names, now + SAVE_EVERY_S)

    def _records(self, campaigns: Iterable[str]) -> list[Learnt]:
        """What there is to save; runs in a thread, while no pacer is asked."""
        return [self._record(campaign) for campaign in campaigns]

    def _record(self, campaign: str) -> Learnt:
        settings, pacer = self.pacers.by_campaign[campaign]
        counts = self.parts.statistics.campaigns[campaign]
        return Learnt(
            campaign=campaign,
            host=self.parts.host,
            owner=self.parts.owner,
            at=self.parts.clock.wall(),
            settings=settings,
            decision=counts.decision,
            decided_at=counts.decided_at,
            figures=pacer.learnt(),
            memory=self.pacers.memory(campaign) or {},
        )

    def _warn(self, faults: Iterable[str]) -> None:
        for fault in faults:
            log.warning("what was learnt", detail=fault)
