"""Signs of life, leases and claims renewed, the dead recovered, and whether calls may start.

A sign of life waits for nothing but its own trip to the store, however long the other chores take there. Where it came
too late others may have taken this daemon for dead, so it starts no calls until it has given a new one.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

import structlog
import trio

from dialer.core.agents.agent import AgentEvent, AgentEventKind
from dialer.core.inputs import LocalTime, StoreHealth
from dialer.language.phrases import phrase
from dialer.shell.health import NoCalls
from dialer.shell.parts import Parts
from dialer.shell.tasks.campaign_watch import CampaignWatch
from dialer.shell.tasks.claims import LET_GO, Claims
from dialer.shell.tasks.event_writer import EventWriter
from dialer.shell.tasks.marker_watch import MarkerWatch
from dialer.shell.tasks.store_tasks import StoreTasks
from dialer.store.base import lifetimes
from dialer.store.base.errors import StoreError
from dialer.store.crm import crm_map
from dialer.store.leads import leases
from dialer.store.privacy import blocklist
from dialer.store.settlement import recovery

log = structlog.get_logger()


HEALTH_EVERY_S: Final = 0.5
RECOVER_EVERY_BEATS: Final = 5
TIDY_EVERY_BEATS: Final = 60
OWNER_TTL_BEATS: Final = 5
MORTAL: Final = "mortal keys"
MORTAL_S: Final = 3600.0
"""So long an end of life that was taken away stays an alarm."""

CLOCK_REST_S: Final = 10.0
CLOCKS_AGREE_S: Final = 30.0
"""A host whose clock is further from that of Redis, which all hosts share, would call before or after the hours."""


@dataclass(slots=True)
class Heartbeat:
    """`alive_until` is when the last sign of life lapses, `recover_at` when the dead may be taken over again."""

    parts: Parts
    claims: Claims
    store_tasks: StoreTasks
    watch: CampaignWatch
    writer: EventWriter
    marker: MarkerWatch
    alive_until: float | None = None
    recover_at: float = float("-inf")
    _chores_done: int = 0
    _mortal_until: float = 0.0

    # --- whether calls may start ------------------------------------------------------------------------------------

    async def watch_health(self) -> None:
        """Tell the engine whether calls may start and what the local time is. Waits for no server and no disk. Runs
        until cancelled."""
        clock, health, inbox = self.parts.clock, self.parts.health, self.parts.queues.inbox
        engine_knows = True
        engine_offset_s: float | None = None
        jumped_at = float("-inf")
        while True:
            if moved_s := clock.jumped():
                jumped_at = clock.now()
                health.stop_calls(NoCalls.CLOCK, phrase("by {seconds:+.1f} s", seconds=moved_s))
                self._let_others_show_up()
            elif clock.now() - jumped_at > CLOCK_REST_S:
                health.allow_calls(NoCalls.CLOCK)
            if self.alive_until is not None and clock.now() >= self.alive_until - self.parts.settings.host.heartbeat_s:
                health.stop_calls(
                    NoCalls.SIGN_OF_LIFE, phrase("Redis must take one every {seconds:g} s", seconds=self.owner_ttl_s)
                )
            else:
                health.allow_calls(NoCalls.SIGN_OF_LIFE)
            utc_offset_s = clock.utc_offset_s()
            if utc_offset_s != engine_offset_s:
                engine_offset_s = utc_offset_s
                await inbox.send(LocalTime(utc_offset_s))
            if health.healthy != engine_knows:
                engine_knows = health.healthy
                await inbox.send(StoreHealth(engine_knows))
            due_at = clock.now() + HEALTH_EVERY_S
            await trio.sleep(HEALTH_EVERY_S)
            if clock.stood_still_s(due_at):
                self._let_others_show_up()

    async def bring_store_back(self) -> None:
        """Try again while Redis is away, and have the spool replayed first when it is back. Runs until cancelled."""
        while True:
            if not self.parts.health.redis_healthy:
                try:
                    # A server that answers and takes no writes (full, a replica, a broken disk) is no better than none.
                    await self.sign_of_life()
                    await self.marker.look()  # before anybody is called on what it says
                except StoreError as error:
                    self.parts.health.stop_calls(NoCalls.REDIS, str(error))
                else:
                    if await self.writer.replay():
                        self.parts.health.allow_calls(NoCalls.REDIS)
            await trio.sleep(HEALTH_EVERY_S)

    def _let_others_show_up(self) -> None:
        """After an outage, or where this process stood still, the other daemons' signs of life may have lapsed although
        they live; they get the time to give new ones before anybody takes their work over."""
        self.recover_at = self.parts.clock.now() + self.owner_ttl_s + self.parts.settings.redis.timeout_s

    # --- every few seconds ------------------------------------------------------------------------------------------

    async def beat(self) -> None:
        """Signs of life, renewals and chores, each at its own pace. Runs until cancelled."""
        async with trio.open_nursery() as nursery:
            for step in (self.sign_of_life, self.renew, self.chores):
                nursery.start_soon(self._every_beat, step)

    async def _every_beat(self, step: Callable[[], Awaitable[None]]) -> None:
        while True:
            try:
                await step()
            except StoreError as error:
                self.parts.health.stop_calls(NoCalls.REDIS, str(error))
                self._let_others_show_up()
            await trio.sleep(self.parts.settings.host.heartbeat_s)

    @property
    def owner_ttl_s(self) -> float:
        """How long this daemon counts as alive after its last sign of life."""
        return self.parts.settings.host.heartbeat_s * OWNER_TTL_BEATS

    async def sign_of_life(self) -> None:
        """Give one, and compare this host's clock with that of Redis."""
        clock, health = self.parts.clock, self.parts.health
        sent_at, before = clock.now(), clock.wall()
        theirs = await self.parts.ask(recovery.beat, self.parts.owner, self.owner_ttl_s, before)
        self.alive_until = max(sent_at + self.owner_ttl_s, self.alive_until or 0.0)
        # The answer was on its way for a while: only what lies outside is a difference.
        ahead_s = max(0.0, before - theirs) + min(0.0, clock.wall() - theirs)
        if abs(ahead_s) > CLOCKS_AGREE_S:
            words = phrase("this one is {seconds:.0f} s behind", seconds=-ahead_s)
            if ahead_s > 0:
                words = phrase("this one is {seconds:.0f} s ahead", seconds=ahead_s)
            health.stop_calls(NoCalls.CLOCKS, words)
        else:
            health.allow_calls(NoCalls.CLOCKS)

    async def renew(self) -> None:
        """Keep the leases of leads and the claims of agents."""
        lease_s, wall = self.parts.settings.host.lease_s, self.parts.clock.wall
        for campaign, lead_ids in self.parts.engine.view().leads.items():
            if lead_ids:
                await self.parts.ask(leases.renew, campaign, self.parts.owner, lead_ids, wall(), lease_s)
        for agent in await self.claims.keep():
            await self.parts.queues.inbox.send(AgentEvent(AgentEventKind.LOST, agent))
        for agent in await self.claims.to_let_go():
            await self.parts.queues.inbox.send(AgentEvent(AgentEventKind.LOST, agent, reason=LET_GO))

    async def chores(self) -> None:
        """What may take its time: the ledgers, attempts in doubt, what dead daemons left."""
        for campaign in self.parts.engine.view().campaigns:
            await self.watch.tell_ledger(campaign)
        await self.store_tasks.settle_doubtful()
        may_recover = self.parts.clock.now() >= self.recover_at and self.marker.whole
        if self._chores_done % RECOVER_EVERY_BEATS == 0 and may_recover:
            await self.recover()
        if self._chores_done % RECOVER_EVERY_BEATS == 0:
            await self._make_lasting()
        if self._chores_done % TIDY_EVERY_BEATS == 0:
            await self._tidy()
        self._chores_done += 1

    async def _make_lasting(self) -> None:
        """Keys of ours must not go by themselves because somebody set an end on them."""
        campaigns = tuple(self.parts.engine.view().campaigns)
        mortal = await self.parts.ask(lifetimes.make_lasting, campaigns, crm_map.loaded(self.parts.store).crms)
        if mortal:
            names = ", ".join(mortal[:5]) + (f" and {len(mortal) - 5} more" if len(mortal) > 5 else "")
            words = phrase("somebody had set an end of life on {names}; it was taken away", names=names)
            self.parts.health.alarm(MORTAL, words)
            self._mortal_until = self.parts.clock.now() + MORTAL_S
        elif self.parts.clock.now() >= self._mortal_until:
            self.parts.health.alarm(MORTAL, "")

    async def recover(self) -> None:
        """Settle what nobody else will: attempts of ours that Redis kept open, and what dead daemons left. This daemon
        is never one of them, also where its sign of life has lapsed."""
        parts = self.parts
        if not len(parts.spool):  # else the ends on disk may be theirs
            at_hand = {row.attempt for row in self.store_tasks.doubtful} | parts.unwritten | parts.engine.view().calls
            forgotten = await self.parts.ask(
                recovery.settle_forgotten, parts.owner, at_hand, parts.clock.wall(), parts.evidence.keep_ends
            )
            if forgotten:
                log.warning("settled attempts that Redis had kept open", attempts=forgotten)
        dead = [owner for owner in await self.parts.ask(recovery.dead_owners) if owner != parts.owner]
        if dead:
            keep = parts.evidence.keep_ends
            log_recovered(await parts.ask(recovery.recover, parts.clock.wall(), only=dead, before=keep))

    async def _tidy(self) -> None:
        """Forget what is of no use any more: it did no harm meanwhile."""
        parts = self.parts
        if blocks := await parts.ask(blocklist.expire, who=parts.owner, now=parts.clock.wall()):
            log.info("forgot blocks that have ended", blocks=blocks)


def log_recovered(report: recovery.RecoveryReport, announced: int = 0) -> None:
    """Say what was taken over. A daemon that was stopped in good order leaves nothing, and is only forgotten."""
    counts = {"attempts": report.attempts, "leads": report.leads, "agents": report.agents}
    if any(counts.values()) or announced:
        log.warning("recovered what dead daemons left", owners=report.owners, **counts, events=announced)
    elif report.owners:
        log.info("forgot daemons that had ended and left nothing", owners=report.owners)
