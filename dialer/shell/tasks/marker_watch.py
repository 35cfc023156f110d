"""Whether the server still knows what it was told; and telling it again where it does not.

A look at the marker (`store/settlement/marker.py`) at the start, with every heartbeat and before anybody is called
after an outage. What the server has forgotten is told to it again out of this host's journal, and calls start as soon
as every other host has done the same. A server that is empty, or another one, or has forgotten more than a host can or
may make good, waits for a person: `dialer store accept`.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Collection, Iterable
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final, TypeVar

import structlog
import trio

from dialer.disk.journal import Confirmed, Row, confirmation
from dialer.language.phrases import phrase
from dialer.shell.health import NoCalls
from dialer.shell.parts import Parts
from dialer.store.base.errors import StoreError
from dialer.store.base.keys import scoped
from dialer.store.crm import told_again
from dialer.store.crm.told_again import Heard
from dialer.store.operators import agents
from dialer.store.operators.agents import Presence
from dialer.store.settlement import acceptance, marker, retelling
from dialer.store.settlement.acceptance import Wait
from dialer.store.settlement.marker import Marker, StoreForgot, Verdict
from dialer.store.settlement.retelling import Retold

log = structlog.get_logger()

T = TypeVar("T")

LOOK_EVERY_S: Final = 0.5
"""While something is missing; else once a heartbeat."""

ALIVE_BEATS: Final = 5
"""So many heartbeats the hosts wait for one that does not tell what it did."""

ALARM_S: Final = 3600.0
_ALARM: Final = "forgotten"
_MISSED: Final = "missed hosts"


@dataclass(slots=True)
class MarkerWatch:
    """`whole` says that nothing is missing, here and at the other hosts; `confirmed` is the marker as the last look had
    it that found nothing missing here.
    """

    parts: Parts
    whole: bool = False
    confirmed: Confirmed | None = None
    _looking: trio.Lock = field(default_factory=trio.Lock)
    _early: list[Row] = field(default_factory=list)
    _owed_since: float | None = None
    _alarm_ends_at: float = 0.0

    def __post_init__(self) -> None:
        self.confirmed = self.parts.journal.confirmed

    async def keep(self, replay: Callable[[], Awaitable[object]]) -> None:
        """Look now and then; `replay` brings what waits on disk to a server that has become ours. Runs until
        cancelled."""
        while True:
            was_ours = self.parts.store_is_ours
            try:
                await self.look()
                if self.parts.store_is_ours and not was_ours:
                    await replay()
            except StoreError as error:
                self.parts.health.stop_calls(NoCalls.REDIS, str(error))
            await trio.sleep(self.parts.settings.host.heartbeat_s if self.whole else LOOK_EVERY_S)

    async def look(self) -> None:
        """Look, and make good what can be made good. Raises `StoreError`."""
        async with self._looking:
            known = self.confirmed
            seen = await self._asked(marker.tick, known)
            if known is not None and seen.verdict is not Verdict.WHOLE:
                self._not_whole(phrase("the server has to be told again what this host did"))
                seen = await self._mend(known, seen)
            if seen.verdict is Verdict.WHOLE:
                await self._confirm(seen)
                await self._heed_others(seen)
            elif known is None:
                self._not_whole(phrase("other hosts wait for: dialer store accept"))

    def must_stand(self) -> None:
        """Make sure, from a thread, that nothing was forgotten since the last look. Raises `StoreError`."""
        if not self.whole or self.confirmed is None:
            raise StoreForgot("what the server has forgotten is being told to it again")
        marker.stands(self.parts.store, self.confirmed)

    async def leave(self) -> None:
        """Nobody need wait for this host: it has told everything. Raises `StoreError`."""
        await self.parts.ask(marker.leave, self.host)

    # --- what was forgotten ------------------------------------------------------------------------------------------

    async def _mend(self, known: Confirmed, seen: Marker) -> Marker:
        """Tell again what the server has forgotten, if that may be done without a person."""
        ours = seen.verdict is Verdict.FORGOT
        behind_s = await self._behind_s(known, seen) if ours else None
        complaint = f"{known.identity}:{known.tick}"
        if behind_s is not None and behind_s <= self.parts.settings.redis.forgotten_limit_s:
            return await self._tell_again(known, seen, complaint, behind_s)
        if seen.accepted == complaint:
            log.warning("a person let this host go on", verdict=seen.verdict.value)
            return await self._tell_again(known, seen, complaint, behind_s)
        self.parts.store_is_ours = ours
        await self._wait(seen, complaint, _words(seen.verdict, behind_s))
        return seen

    async def _behind_s(self, known: Confirmed, seen: Marker) -> float | None:
        """How much of what this host did the server may have forgotten, in seconds; None where that cannot be told."""
        if seen.tick >= known.tick:
            return 0.0
        at = await self._of_disk(partial(self.parts.journal.confirmed_at, seen.tick))
        return None if at is None else max(0.0, known.at - at)

    async def _tell_again(self, known: Confirmed, seen: Marker, complaint: str, behind_s: float | None) -> Marker:
        began = time.monotonic()
        tick = min(known.tick, seen.tick)
        retold = await self._of_disk(partial(self._retold, tick))
        heard = await self._of_disk(
            partial(self._asked_again, retelling.requests(self.parts.journal, *self._since(tick)))
        )
        self._early = heard.early
        await self._show_agents()
        if seen.verdict is Verdict.FORGOT:
            seen = await self._asked(marker.told, known, seen)
        else:
            seen = await self._asked(marker.adopt, complaint)
        took_s = round(time.monotonic() - began, 3)
        if not retold.forgotten and not heard.done:
            log.info("the server has forgotten nothing of what this host did", rows=retold.rows, took_s=took_s)
            return seen
        counts = {"attempts": retold.attempts, "contacts": retold.contacts, "ends": retold.ends, "asked": heard.done}
        log.warning("told the server again what it had forgotten", **counts, behind_s=behind_s, took_s=took_s)
        span = phrase("what it knew")
        if behind_s is not None:
            span = phrase("up to {span_s:.0f} s", span_s=behind_s + self.parts.settings.host.heartbeat_s)
        words = phrase(
            "Redis had forgotten {span}: {attempts} attempts and {ends} ends were told to it again, and {requests} "
            "requests of the CRM; leads and commands of others in that time are gone",
            span=span,
            attempts=retold.attempts,
            ends=retold.ends,
            requests=heard.done,
        )
        self.parts.health.alarm(_ALARM, words)
        self._alarm_ends_at = self.parts.clock.now() + ALARM_S
        return seen

    async def _show_agents(self) -> None:
        """The presence table may be an old one: who logged in or out since has to see it, to log in again."""
        parts = self.parts
        rows = [
            Presence(
                agent.agent,
                agent.state,
                parts.clock.to_wall(agent.since),
                agent.reason,
                tuple(agent.campaigns),
                parts.owner,
            )
            for agent in parts.engine.view().agents.values()
        ]
        await parts.ask(agents.show_all, rows, parts.owner)

    def _since(self, tick: int) -> tuple[int, int]:
        """From which tick on a server that knows of `tick` is told again: the tick, and how many before it."""
        margin_s = 2 * self.parts.settings.redis.timeout_s
        return tick, 2 + round(margin_s / self.parts.settings.host.heartbeat_s + 0.5)

    def _retold(self, tick: int) -> Retold:
        parts = self.parts
        rows = retelling.missing(parts.journal, *self._since(tick))
        return retelling.retell(parts.store, rows, parts.owner, parts.clock.wall())

    def _asked_again(self, rows: Iterable[Row], *, last: bool = False) -> Heard:
        intake = self.parts.settings.intake
        return told_again.tell(
            self.parts.store,
            rows,
            now=self.parts.clock.wall(),
            shortest_prefix=intake.shortest_prefix,
            default_region=intake.default_region,
            last=last,
        )

    async def _wait(self, seen: Marker, complaint: str, words: str) -> None:
        """Say why this host does not go on, here and to whoever asks `dialer store status`."""
        self._not_whole(phrase("{words}; look at: dialer store status", words=words))
        if self.host in seen.waiting:
            return
        kinds: dict[str, int] = {retelling.PERMIT: 0, retelling.SETTLED: 0}
        first_at = 0.0

        def count() -> None:
            nonlocal first_at
            for row in self.parts.journal.since(0):
                if row.kind in kinds:
                    kinds[row.kind] += 1
                elif not first_at and isinstance(row.data, dict):
                    first_at = float(row.data.get("at", 0.0))

        await self._of_disk(count)
        told_again = (kinds[retelling.PERMIT], kinds[retelling.SETTLED], first_at)
        why = Wait(complaint, seen.verdict, words, self.parts.clock.wall(), *told_again)
        await self.parts.ask(acceptance.wait, self.host, why)

    # --- nothing is missing here --------------------------------------------------------------------------------------

    async def _confirm(self, seen: Marker) -> None:
        at = self.parts.clock.wall()
        self.confirmed = Confirmed(seen.identity, seen.generation, seen.server, seen.tick, at)
        self.parts.store_is_ours = True
        await self.parts.evidence.keep([confirmation(self.confirmed)])

    async def _heed_others(self, seen: Marker) -> None:
        """Calls may start when no other host has anything to tell; one that does not come is not waited for long."""
        parts, me = self.parts, {self.host}
        if parts.clock.now() >= self._alarm_ends_at:
            parts.health.alarm(_ALARM, "")
        missed = _names(seen.missed - me)
        words = phrase(
            "{hosts} did not tell what it did before Redis forgot it: numbers may be called once more", hosts=missed
        )
        parts.health.alarm(_MISSED, words if missed else "")
        owing = seen.owing - me
        self._owed_since = (self._owed_since or parts.clock.now()) if owing else None
        if owing and self._owed_since is not None and parts.clock.now() - self._owed_since >= self.alive_s:
            log.error("hosts did not tell what they did, and are not waited for", hosts=sorted(owing))
            await parts.ask(marker.give_up_on, owing)
            owing = frozenset()
        if owing:
            self._not_whole(f"{_names(owing)} has to tell what it did")
        elif seen.waiting - me:
            self._not_whole(f"{_names(seen.waiting - me)} waits for: dialer store accept")
        else:
            if self._early:  # the attempts that it is about are another host's, which has told of them by now
                await trio.to_thread.run_sync(partial(self._asked_again, self._early, last=True))
                self._early = []
            self.whole = True
            parts.health.allow_calls(NoCalls.FORGOT)

    @property
    def host(self) -> str:
        """What this host is called in the marker, which may be that of several installations."""
        return scoped(self.parts.store.keys, self.parts.host)

    @property
    def alive_s(self) -> float:
        """So long a host that is not heard counts as alive."""
        return ALIVE_BEATS * self.parts.settings.host.heartbeat_s

    def _not_whole(self, why: str) -> None:
        self.whole = False
        self.parts.health.stop_calls(NoCalls.FORGOT, why)

    async def _asked(self, ask: Callable[..., Marker], *args: Any) -> Marker:
        parts = self.parts
        return await parts.ask(ask, self.host, *args, self.alive_s)

    async def _of_disk(self, call: Callable[[], T]) -> T:
        """What is read from the journal; one that cannot be read is for now as a server that does not answer."""
        try:
            return await trio.to_thread.run_sync(call)
        except OSError as error:
            raise StoreError(f"the journal cannot be read: {error}") from error


def _words(verdict: Verdict, behind_s: float | None) -> str:
    match verdict:
        case Verdict.EMPTIED:
            return phrase("Redis is empty: everything that it knew is gone")
        case Verdict.REPLACED:
            return phrase("this is another Redis, or one that others began anew")
    if behind_s is None:
        return phrase("Redis has forgotten more than this host can tell it again")
    return phrase(
        "Redis knows nothing of the last {seconds:,.0f} s, as after the restore of a backup", seconds=behind_s
    )


def _names(hosts: Collection[str]) -> str:
    return ", ".join(sorted(hosts))
