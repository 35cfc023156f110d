"""Whether trunks may be used: what operators say, and whether carriers answer OPTIONS; changes go to the engine."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from typing import Final

import structlog
import trio

from dialer.core.inputs import TrunkSaid
from dialer.shell.engine_task import put
from dialer.shell.health import NoCalls
from dialer.shell.parts import Parts
from dialer.store.base.errors import KeyDamaged, StoreError
from dialer.store.operators import trunks
from sip import address, options
from sip.names import Names
from sip.settings import Trunk

log = structlog.get_logger()

OPERATOR: Final = "operator"
OPTIONS: Final = "options"
DRAINED_EVERY_S: Final = 1.0
MISSES: Final = 2
"""So many OPTIONS in a row must fail: one packet may be lost, and its repeats with it."""

AT_ONCE: Final = 8
"""OPTIONS that wait for an answer at the same time, each in a thread."""


@dataclass(slots=True)
class TrunkWatch:
    """The tasks. `drained` is what the engine has been told of drained trunks."""

    parts: Parts
    trunks: tuple[Trunk, ...]
    names: Names = field(default_factory=Names)
    drained: dict[str, str] = field(default_factory=dict)
    limiter: trio.CapacityLimiter = field(default_factory=lambda: trio.CapacityLimiter(AT_ONCE))

    async def watch(self) -> None:
        """Watch all of it. Runs until cancelled."""
        every = {row.name: row.options_s for row in self.parts.settings.trunks}
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._watch_operators)
            for place, trunk in enumerate(self.trunks):
                if every[trunk.name]:
                    begins_s = every[trunk.name] * place / len(self.trunks)  # not all at once
                    nursery.start_soon(self._watch_health, trunk, every[trunk.name], begins_s)

    async def _watch_operators(self) -> None:
        while True:
            if self.parts.health.redis_healthy:
                try:
                    drained = await self.parts.ask(trunks.drained)
                except KeyDamaged as error:
                    self.parts.health.alarm("drained trunks", str(error))
                except StoreError as error:
                    self.parts.health.stop_calls(NoCalls.REDIS, str(error))
                else:
                    self.parts.health.alarm("drained trunks", "")
                    await self._tell_drained({name: row.words for name, row in drained.items()})
            await trio.sleep(DRAINED_EVERY_S)

    async def _tell_drained(self, drained: dict[str, str]) -> None:
        for name in drained.keys() | self.drained.keys():
            words = drained.get(name, "")
            if self.drained.get(name, "") != words:
                log.info("trunk drained" if words else "trunk resumed", trunk=name, detail=words)
                await put(self.parts.queues.inbox, TrunkSaid(name, OPERATOR, words))
        self.drained = drained

    async def _watch_health(self, trunk: Trunk, every_s: float, begins_s: float) -> None:
        """A trunk is judged by OPTIONS once it has answered them; some carriers never do, and take calls."""
        judged, misses, obstacle = False, 0, ""
        await trio.sleep(begins_s)
        while True:
            problem = await self.ask(trunk)
            if not problem:
                judged, misses = True, 0
            elif judged:
                misses += 1
            found = problem if misses >= MISSES else obstacle if misses else ""
            if found != obstacle:
                obstacle = found
                await put(self.parts.queues.inbox, TrunkSaid(trunk.name, OPTIONS, obstacle))
            await trio.sleep(every_s)

    async def ask(self, trunk: Trunk) -> str:
        """What is wrong with a trunk, as far as one OPTIONS request tells; empty: it is there."""
        ((known,), problems) = await self.names.with_addresses((trunk,))
        targets = address.targets_of(known)
        if not targets:
            return problems.get(trunk.name, "its name has no address")
        sip, (host, port) = self.parts.settings.sip, targets[0]
        question = partial(options.ask, host, port, bind_address=sip.bind_address, user_agent=sip.user_agent)
        try:
            reply = await trio.to_thread.run_sync(question, limiter=self.limiter, abandon_on_cancel=True)
        except options.NoReply as error:
            return f"it does not answer OPTIONS any more: {error}"
        return "" if reply.serves else f"it answers OPTIONS with {reply.status} {reply.reason}"
