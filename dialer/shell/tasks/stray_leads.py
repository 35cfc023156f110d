"""Looking for leads that nobody takes in, all day: an alarm for as long as they wait, and an event for whoever sent
them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

import trio

from dialer.language.phrases import phrase
from dialer.shell.health import NoCalls
from dialer.shell.parts import Parts
from dialer.store.base.errors import StoreError
from dialer.store.leads import stray
from dialer.store.leads.stray import Stray

LOOK_EVERY_S: Final = 1.0
ROUND_EVERY_S: Final = 15.0
TOLD_AT_MOST: Final = 1_000


@dataclass(slots=True)
class StrayLeads:
    """The one task. `told` are the events that went out."""

    parts: Parts
    told: dict[str, None] = field(default_factory=dict)
    _alarms: set[str] = field(default_factory=set)

    async def keep(self) -> None:
        """Look again and again. Runs until cancelled."""
        while True:
            if self.parts.health.redis_healthy:
                try:
                    await self.look()
                except StoreError as error:
                    self.parts.health.stop_calls(NoCalls.REDIS, str(error))
            await trio.sleep(ROUND_EVERY_S)

    async def look(self) -> None:
        """Go once through the names of all keys. Raises `StoreError`."""
        found, cursors = await self.parts.ask(stray.scan)
        strays = {row.key: row for row in found}
        while cursors:
            await trio.sleep(LOOK_EVERY_S)
            found, cursors = await self.parts.ask(stray.scan, cursors)
            strays |= {row.key: row for row in found}
        await self._say(strays)

    async def _say(self, strays: dict[str, Stray]) -> None:
        for key, row in strays.items():
            event = row.event(self.parts.clock.wall())
            if event.id not in self.told:
                self.told[event.id] = None
                await self.parts.queues.facts.send(event)
            self.parts.health.alarm(f"leads in {key}", phrase("{leads} (dialer crm stray)", leads=row.sentence))
        for key in self._alarms - strays.keys():
            self.parts.health.alarm(f"leads in {key}", "")
        self._alarms = set(strays)
        while len(self.told) > TOLD_AT_MOST:
            del self.told[next(iter(self.told))]
