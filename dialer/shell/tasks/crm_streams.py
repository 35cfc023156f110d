"""The CRM's streams, looked after every few seconds: events that nobody needs any more go, readers that are behind and
floods of bad entries become alarms, and senders are told the sum of what they were not told one by one."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

import trio

from dialer.core.board import ReaderRow
from dialer.shell.health import NoCalls
from dialer.shell.parts import Parts
from dialer.store.base.errors import KeyDamaged, StoreError
from dialer.store.crm import crm_map, event_settings, readers
from dialer.store.crm.event_settings import EventSettings
from dialer.store.crm.readers import Reader

LOOK_EVERY_S: Final = 5.0


@dataclass(slots=True)
class CrmStreams:
    """The one task."""

    parts: Parts
    _readers: set[str] = field(default_factory=set)

    async def keep(self) -> None:
        """Look again and again. Runs until cancelled."""
        while True:
            if self.parts.health.redis_healthy:
                try:
                    await self.look()
                except KeyDamaged as error:
                    self.parts.health.alarm("CRM streams", str(error))
                except StoreError as error:
                    self.parts.health.stop_calls(NoCalls.REDIS, str(error))
                else:
                    self.parts.health.alarm("CRM streams", "")
            await trio.sleep(LOOK_EVERY_S)

    async def look(self) -> None:
        """Look once. Raises `StoreError`."""
        parts, now = self.parts, self.parts.clock.wall()
        settings, standing = await trio.to_thread.run_sync(self._look_after)
        parts.statistics.readers = tuple(
            ReaderRow(reader.name, reader.unread, reader.behind_s(now), reader.lost) for reader in standing
        )
        names = {reader.name: reader.trouble(settings, now) for reader in standing}
        for name in self._readers | names.keys():
            parts.health.alarm(f"reader {name}", names.get(name, ""))
        self._readers = set(names)
        for stream, words in parts.refusals.alarms(now).items():
            parts.health.alarm(f"entries of {stream}", words)
        for event in parts.refusals.sums(now):
            await parts.queues.facts.send(event)

    def _look_after(self) -> tuple[EventSettings, tuple[Reader, ...]]:
        settings = event_settings.load(self.parts.store)
        crm_map.refresh(self.parts.store)
        return settings, readers.look_after(self.parts.store, settings)
