"""What is done every few seconds: signs of life, leases and claims renewed, the dead recovered, the board published.

A beat that finds the store away says so and comes again; the beat that finds it back has the spool replayed first.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Final, TypeVar

import structlog
import trio

from config.daemon import DaemonSettings
from dialer.core.agents.agent import AgentEvent, AgentEventKind
from dialer.core.board import Board
from dialer.core.engine import Engine
from dialer.core.inputs import Input, LocalTime, StoreHealth
from dialer.shell.clock import Clock
from dialer.shell.engine_task import ForScribe
from dialer.shell.health import Ailment, Health
from dialer.shell.metrics import Metrics
from dialer.shell.statistics import Tally
from dialer.shell.tasks.campaign_watch import CampaignWatch
from dialer.shell.tasks.claims import Claims
from dialer.shell.tasks.event_writer import Scribe
from dialer.shell.tasks.store_tasks import StoreDesk, settle_doubtful
from dialer.shell.watchdog import Notifier
from dialer.store.base.connection import Store
from dialer.store.base.errors import KeyDamaged, StoreError
from dialer.store.leads import leases
from dialer.store.operators import status
from dialer.store.privacy import blocklist
from dialer.store.settlement import recovery
from sip.pool import Pool, PoolStatistics

log = structlog.get_logger()

T = TypeVar("T")

BOARD_EVERY_S: Final = 1.0
HEALTH_EVERY_S: Final = 0.5
RECOVER_EVERY_BEATS: Final = 5
TIDY_EVERY_BEATS: Final = 60
CLOCK_REST_S: Final = 10.0
CLOCKS_AGREE_S: Final = 30.0
"""A host whose clock is further from that of Redis, which all hosts share, would call before or after the hours."""
BOARD_TTL_S: Final = 10.0
OWNER_TTL_BEATS: Final = 5


@dataclass(slots=True)
class Beats:
    """What the beats need."""

    store: Store
    settings: DaemonSettings
    owner: str
    host: str
    clock: Clock
    health: Health
    engine: Engine
    inbox: trio.MemorySendChannel[Input]
    scribe: Scribe
    to_scribe: trio.MemorySendChannel[ForScribe]
    desk: StoreDesk
    claims: Claims
    watch: CampaignWatch
    pool: Pool
    tally: Tally
    metrics: Metrics
    notifier: Notifier
    _alarmed: set[str] = field(default_factory=set)
    _restarts: int = 0

    # --- health ---------------------------------------------------------------------------------------------------

    async def watch_health(self) -> None:
        """Tell the engine whether calls may start and what the local time is, and bring an ailing store back. Runs
        until cancelled."""
        told = True
        told_utc_offset_s: float | None = None
        jumped_at = float("-inf")
        while True:
            moved_s = self.clock.jumped()
            if moved_s:
                jumped_at = self.clock.now()
                self.health.ails(Ailment.CLOCK, f"by {moved_s:+.1f} s")
            elif self.clock.now() - jumped_at > CLOCK_REST_S:
                self.health.well(Ailment.CLOCK)
            utc_offset_s = self.clock.utc_offset_s()
            if utc_offset_s != told_utc_offset_s:
                told_utc_offset_s = utc_offset_s
                await self.inbox.send(LocalTime(utc_offset_s))
            if not self.health.redis_healthy:
                await self._try_again()
            if self.health.healthy != told:
                told = self.health.healthy
                await self.inbox.send(StoreHealth(told))
            await trio.sleep(HEALTH_EVERY_S)

    async def _try_again(self) -> None:
        try:
            # A server that answers and takes no writes (full, a replica, its disk broken) is no better than none.
            await trio.to_thread.run_sync(self._live, self.owner_ttl_s)
        except StoreError as error:
            self.health.ails(Ailment.REDIS, str(error))
            return
        if await self.scribe.replay():
            self.health.well(Ailment.REDIS)

    # --- signs of life ----------------------------------------------------------------------------------------------

    async def beat(self) -> None:
        """One beat after the other. Runs until cancelled.

        After an outage the other daemons' signs of life may have lapsed although they live; they get the time to give
        new ones before anybody takes their work over.
        """
        beats, recover_at = 0, float("-inf")
        while True:
            try:
                await trio.to_thread.run_sync(self._live, self.owner_ttl_s)
                await self._renew()
                await self._ledgers()
                await settle_doubtful(self.desk, self.to_scribe)
                if beats % RECOVER_EVERY_BEATS == 0 and self.clock.now() >= recover_at:
                    await self._recover()
                if beats % TIDY_EVERY_BEATS == 0:
                    await self._tidy()
            except StoreError as error:
                self.health.ails(Ailment.REDIS, str(error))
                recover_at = self.clock.now() + self.owner_ttl_s + self.settings.redis.timeout_s
            beats += 1
            await trio.sleep(self.settings.host.heartbeat_s)

    @property
    def owner_ttl_s(self) -> float:
        """How long this daemon counts as alive after its last beat."""
        return self.settings.host.heartbeat_s * OWNER_TTL_BEATS

    def _live(self, ttl_s: float) -> None:
        before = self.clock.wall()
        theirs = recovery.beat(self.store, self.owner, ttl_s, before)
        # The answer was on its way for a while: only what lies outside is a difference.
        ahead_s = max(0.0, before - theirs) + min(0.0, self.clock.wall() - theirs)
        if abs(ahead_s) > CLOCKS_AGREE_S:
            self.health.ails(Ailment.CLOCKS, f"this one is {abs(ahead_s):.0f} s {'ahead' if ahead_s > 0 else 'behind'}")
        else:
            self.health.well(Ailment.CLOCKS)

    async def _renew(self) -> None:
        for campaign, lead_ids in self._held_leads().items():
            await self._in_thread(
                leases.renew, campaign, self.owner, lead_ids, self.clock.wall(), self.settings.host.lease_s
            )
        for agent in await self.claims.keep():
            await self.inbox.send(AgentEvent(AgentEventKind.LOST, agent))

    def _held_leads(self) -> dict[str, list[str]]:
        held = {
            run.name: [lead.lead_id for lead in run.leads]
            + [offer.lead.lead_id for offer in run.offers.values()]
            + list(run.reserving)
            for run in self.engine.floor.campaigns.values()
        }
        for call in self.engine.floor.calls.values():
            held[call.campaign].append(call.lead.lead_id)
        return {campaign: lead_ids for campaign, lead_ids in held.items() if lead_ids}

    async def _ledgers(self) -> None:
        for campaign in list(self.engine.floor.campaigns):
            await self.watch.tell_ledger(campaign)

    async def _recover(self) -> None:
        doubtful = {one.attempt for one in self.desk.doubtful}
        at_hand = doubtful | self.tally.unwritten | self.engine.floor.calls.keys()
        if not self.tally.spooled:  # else the ends on disk may be theirs
            forgotten = await self._in_thread(
                recovery.settle_forgotten, self.owner, at_hand, self.clock.wall(), self.desk.evidence.keep_ends
            )
            if forgotten:
                log.warning("settled attempts that Redis had kept open", attempts=forgotten)
        recover = partial(recovery.recover, self.store, self.clock.wall(), before=self.desk.evidence.keep_ends)
        report = await trio.to_thread.run_sync(recover)
        if report.owners:
            log.warning(
                "recovered what dead daemons left",
                owners=report.owners,
                attempts=report.attempts,
                leads=report.leads,
                agents=report.agents,
            )

    async def _tidy(self) -> None:
        """Forget what is of no use any more: it did no harm meanwhile."""
        ended = partial(blocklist.expire, self.store, who=self.owner, now=self.clock.wall())
        if blocks := await trio.to_thread.run_sync(ended):
            log.info("forgot blocks that have ended", blocks=blocks)

    async def _in_thread(self, call: Callable[..., T], *args: object) -> T:
        return await trio.to_thread.run_sync(partial(call, self.store, *args))

    # --- the board --------------------------------------------------------------------------------------------------

    async def show_board(self) -> None:
        """Publish the board once a second. Runs until cancelled."""
        while True:
            await self._count_leads()
            await self.publish_board()
            await trio.sleep(BOARD_EVERY_S)

    async def publish_board(self) -> None:
        """Publish the board of this moment, to the metrics and, while Redis answers, to every screen."""
        pool = self.pool.statistics()
        self.tally.ailments = {ailment.value for ailment in self.health.ailments}
        for ailment, detail in self.health.ailments.items():
            self.tally.problems[ailment.value] = f"no new calls: {ailment.value} ({detail})"
        for ailment in Ailment:
            if ailment not in self.health.ailments:
                self.tally.problems.pop(ailment.value, None)
        self._note_trunks()
        self._note_workers(pool)
        self._say_alarms()
        board = self.tally.board(
            self.engine.floor,
            workers=pool.workers,
            restarts=pool.restarts,
            redis_healthy=self.health.redis_healthy,
        )
        self.metrics.show(board)
        self.notifier.status(
            f"{board.state}, {board.lines_used} of {board.lines_total} lines, {len(board.agents)} agents"
        )
        if self.health.redis_healthy:
            try:
                await trio.to_thread.run_sync(self._publish, board)
            except StoreError as error:
                self.health.ails(Ailment.REDIS, str(error))

    def _publish(self, board: Board) -> None:
        status.publish(self.store, self.host, board.to_wire(), now=board.at, ttl=BOARD_TTL_S)

    async def _count_leads(self) -> None:
        """How many leads are due, also of campaigns that nobody leases from at the moment."""
        for name in list(self.engine.floor.campaigns):
            if not self.health.redis_healthy:
                return
            try:
                counts = await self._in_thread(status.counts, name, self.clock.wall())
            except KeyDamaged:
                continue  # it rests, and the campaign watch says why
            except StoreError as error:
                self.health.ails(Ailment.REDIS, str(error))
            else:
                self.tally.campaigns[name].standing = counts.standing

    def _say_alarms(self) -> None:
        """Log what has become a problem, or is none any more: who reads the journal does not see the board."""
        for about, problem in self.tally.problems.items():
            if about not in self._alarmed:
                log.warning("alarm", about=about, problem=problem)
        for about in self._alarmed - self.tally.problems.keys():
            log.info("alarm over", about=about)
        self._alarmed = set(self.tally.problems)

    def _note_workers(self, pool: PoolStatistics) -> None:
        if pool.restarts > self._restarts:
            log.warning("SIP worker died", deaths=pool.restarts - self._restarts, reason=pool.last_failure)
            self._restarts = pool.restarts

    def _note_trunks(self) -> None:
        now = self.clock.now()
        for trunk in self.engine.floor.trunks.values():
            if trunk.is_open:
                rest_s = max(0.0, trunk.rests_until - now)
                alarm = f"trunk {trunk.name} does not work: its calls failed {trunk.faults} times in a row"
                self.tally.problems[f"trunk {trunk.name}"] = f"{alarm}, the next try is in {rest_s:.0f} s"
            else:
                self.tally.problems.pop(f"trunk {trunk.name}", None)
