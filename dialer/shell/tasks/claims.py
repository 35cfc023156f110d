"""Which agents belong to this daemon: claims in Redis, taken at login, kept alive by the beat, given back after logout.

An agent whom another daemon has claimed is none of our business. One whom nobody has claimed is not logged in. An
agent's phone is claimed as well: nobody else logs in with it, at whichever daemon.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

import trio

from dialer.core.agents.agent import AgentState
from dialer.shell.health import NoCalls
from dialer.shell.parts import Parts
from dialer.store.operators import agents, status

CLAIM_BEATS: Final = 5

OF_THIS_HOST: Final = frozenset({NoCalls.SPOOL, NoCalls.EVIDENCE, NoCalls.CLOCKS})
"""What keeps this host from starting calls, and not the others."""

UNFIT_S: Final = 10.0
"""Longer than this the agents do not wait for it to be mended, where another host can call for them."""

FREE: Final = frozenset({AgentState.READY, AgentState.PAUSED})
RUNNING: Final = "running"
LET_GO: Final = "this host starts no calls; log in again, for another one"


@dataclass(slots=True)
class Claims:
    """The agents of this daemon. `held` are claimed in the store, `phones` are theirs, by agent. `arriving` are agents
    whose login is being looked at. `closed` says that the daemon drains, `unfit` that this host starts no calls and
    another one does: whoever logs in now is for another one."""

    parts: Parts
    held: set[str] = field(default_factory=set)
    phones: dict[str, str] = field(default_factory=dict)
    arriving: set[str] = field(default_factory=set)
    closed: bool = False
    unfit: bool = False
    _unfit_since: float | None = None
    _absent: set[str] = field(default_factory=set)
    _changing: trio.Lock = field(default_factory=trio.Lock)

    async def take(self, agent: str) -> bool:
        """Claim an agent who logs in; False where another daemon has, or should. Raises `StoreError`."""
        async with self._changing:
            if (self.closed or self.unfit) and self.parts.engine.agent(agent) is None:
                return False
            self._absent.discard(agent)
            if agent not in self.held:
                self.held.update(await self._claim([agent]))
            return agent in self.held

    async def take_phone(self, agent: str, phone: str) -> bool:
        """Claim the phone of an agent of ours, in place of the one before; False where another agent has logged in with
        it. Raises `StoreError`."""
        async with self._changing:
            if await self._claim_phones({agent: phone}):
                return False
            before = self.phones.get(agent, phone)
            self.phones[agent] = phone
            if before != phone:
                await self._release_phones({agent: before})
            return True

    async def leave(self, agent: str) -> None:
        """Give back the claim of an agent who does not come after all. Raises `StoreError`."""
        async with self._changing:
            await self._release([agent])

    async def is_anybodys(self, agent: str) -> bool:
        """Whether some daemon has claimed an agent. Raises `StoreError`."""
        return await self.parts.ask(agents.is_claimed, agent)

    async def keep(self) -> tuple[str, ...]:
        """Prolong the claims, and give back those of agents who have left. Returns the agents whom, or whose phone,
        somebody else has claimed meanwhile. Raises `StoreError`.

        A claim that lapsed while Redis was away is taken again. Whom the engine does not know has left, unless the
        login is still on its way to it: so it takes two calls.
        """
        async with self._changing:
            absent = self.held - self.parts.engine.view().agents.keys() - self.arriving
            gone = sorted(absent if self.closed else absent & self._absent)
            self._absent = absent
            await self._release(gone)
            held = sorted(self.held)
            lost = set(held) - set(await self._claim(held))
            phones = {agent: phone for agent, phone in self.phones.items() if agent in self.held - lost}
            lost.update(await self._claim_phones(phones))
            for agent in lost:
                self.phones.pop(agent, None)  # with the agent, it may be another daemon's by now
            await self._release(sorted(lost))
            return tuple(sorted(lost))

    async def to_let_go(self) -> tuple[str, ...]:
        """Agents of ours, in no call, for whom another host can call while this one cannot. Raises `StoreError`."""
        reasons, now = self.parts.health.reasons, self.parts.clock.now()
        if not reasons.keys() & OF_THIS_HOST:
            self._unfit_since, self.unfit = None, False
            return ()
        self._unfit_since = now if self._unfit_since is None else self._unfit_since
        self.unfit = now - self._unfit_since >= UNFIT_S and await trio.to_thread.run_sync(self._another_is_fit)
        if not self.unfit:
            return ()
        known = self.parts.engine.view().agents
        return tuple(sorted(name for name in self.held if name in known and known[name].state in FREE))

    def _another_is_fit(self) -> bool:
        others = (host.snapshot for host in status.read(self.parts.store) if host.host != self.parts.host)
        return any(not board.get("no_new_calls") and board.get("state") == RUNNING for board in others)

    async def give_up(self) -> None:
        """Give all claims back. Raises `StoreError`."""
        async with self._changing:
            await self._release(sorted(self.held))

    async def _claim(self, names: list[str]) -> tuple[str, ...]:
        return await self.parts.ask(
            agents.claim, names, self.parts.owner, CLAIM_BEATS * self.parts.settings.host.heartbeat_s
        )

    async def _release(self, names: list[str]) -> None:
        if names:
            await self.parts.ask(agents.release, names, self.parts.owner)
            self.held.difference_update(names)
            await self._release_phones({name: self.phones.pop(name) for name in names if name in self.phones})

    async def _claim_phones(self, phones: dict[str, str]) -> tuple[str, ...]:
        """Claim phones, or prolong that; returns the agents whose phone is somebody else's."""
        ttl_s = CLAIM_BEATS * self.parts.settings.host.heartbeat_s
        return await self.parts.ask(agents.claim_phones, phones, ttl_s)

    async def _release_phones(self, phones: dict[str, str]) -> None:
        await self.parts.ask(agents.release_phones, phones)
