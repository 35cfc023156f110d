"""Asking the store who calls, one call after the other, and telling people that the line was busy."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Final

import structlog
import trio

from dialer.core.effects import FindCaller
from dialer.core.inputs import CallerFound
from dialer.language.phrases import phrases
from dialer.shell.health import NoCalls
from dialer.shell.parts import Parts
from dialer.store.base.errors import StoreError
from dialer.store.leads import callers
from sip.pool import Pool

log = structlog.get_logger()

DAY_S: Final = 86_400.0
TELL_EVERY_S: Final = 10.0
ABOUT: Final = "calls from outside"
TOO_FAST: Final = "too_fast"
BUSY: Final = "486"


@dataclass(frozen=True, slots=True)
class CallerTask:
    """Both tasks."""

    parts: Parts
    pool: Pool

    async def find(self) -> None:
        """Answer `FindCaller`. Who cannot be looked up is a stranger. Runs until cancelled."""
        parts = self.parts
        async for wish in parts.queues.callers_wanted:
            found = CallerFound(wish.call)
            if parts.store_is_ours and parts.health.redis_healthy:
                try:
                    found = await trio.to_thread.run_sync(self._found, wish, abandon_on_cancel=True)
                except StoreError as error:
                    parts.health.stop_calls(NoCalls.REDIS, str(error))
            await parts.queues.inbox.send(found)

    def _found(self, wish: FindCaller) -> CallerFound:
        parts, now = self.parts, self.parts.clock.wall()
        since = now - parts.settings.inbound.match_within_days * DAY_S
        return callers.find_and_keep(parts.store, wish, parts.owner, since=since, now=now)

    async def tell(self) -> None:
        """Log who was sent away, and keep an alarm up while callers find the line busy. Runs until cancelled."""
        told: Counter[str] = Counter()
        while True:
            await trio.sleep(TELL_EVERY_S)
            refused = self.parts.statistics.refused_callers
            refused[TOO_FAST] = self.pool.statistics().turned_away
            new = refused - told
            told = refused.copy()
            if new:
                log.warning("calls from outside refused", **{f"with_{code}": number for code, number in new.items()})
            busy = new[BUSY] + new[TOO_FAST]
            self.parts.health.alarm(ABOUT, _busy(busy) if busy else "")


def _busy(callers: int) -> str:
    return phrases(
        "{number} caller found the line busy within {seconds} s",
        "{number} callers found the line busy within {seconds} s",
        callers,
        seconds=round(TELL_EVERY_S),
    )
