"""Which agents belong to this daemon: claims in Redis, taken at login, kept alive by the beat, given back after logout.

An agent whom another daemon has claimed is none of our business. One whom nobody has claimed is not logged in.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

import trio

from dialer.shell.parts import Parts
from dialer.store.operators import agents

CLAIM_BEATS: Final = 5


@dataclass(slots=True)
class Claims:
    """The agents of this daemon. `held` are claimed in the store. `closed` says that the daemon drains: whoever logs in
    now is for another one."""

    parts: Parts
    held: set[str] = field(default_factory=set)
    closed: bool = False
    _absent: set[str] = field(default_factory=set)
    _changing: trio.Lock = field(default_factory=trio.Lock)

    async def take(self, agent: str) -> bool:
        """Claim an agent who logs in; False where another daemon has, or should. Raises `StoreError`."""
        async with self._changing:
            if self.closed and agent not in self.parts.engine.view().agents:
                return False
            self._absent.discard(agent)
            if agent not in self.held:
                self.held.update(await self._claim([agent]))
            return agent in self.held

    async def is_anybodys(self, agent: str) -> bool:
        """Whether some daemon has claimed an agent. Raises `StoreError`."""
        return await trio.to_thread.run_sync(agents.is_claimed, self.parts.store, agent)

    async def keep(self) -> tuple[str, ...]:
        """Prolong the claims, and give back those of agents who have left. Returns the agents whom another daemon has
        claimed meanwhile. Raises `StoreError`.

        A claim that lapsed while Redis was away is taken again. Whom the engine does not know has left, unless the
        login is still on its way to it: so it takes two calls.
        """
        async with self._changing:
            absent = self.held - self.parts.engine.view().agents.keys()
            gone = sorted(absent if self.closed else absent & self._absent)
            self._absent = absent
            await self._release(gone)
            held = sorted(self.held)
            lost = set(held) - set(await self._claim(held))
            self.held -= lost
            return tuple(sorted(lost))

    async def give_up(self) -> None:
        """Give all claims back. Raises `StoreError`."""
        async with self._changing:
            await self._release(sorted(self.held))

    async def _claim(self, names: list[str]) -> tuple[str, ...]:
        return await trio.to_thread.run_sync(
            agents.claim, self.parts.store, names, self.parts.owner, CLAIM_BEATS * self.parts.settings.host.heartbeat_s
        )

    async def _release(self, names: list[str]) -> None:
        if names:
            await trio.to_thread.run_sync(agents.release, self.parts.store, names, self.parts.owner)
            self.held.difference_update(names)
