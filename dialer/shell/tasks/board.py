"""Publishing the board twice a second: to the metrics and, while Redis answers, to every screen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import structlog
import trio

from dialer.core.abandonment.windows import counting_day, zone_of
from dialer.core.board import Board, CallRow, PartyRow, published
from dialer.core.engine_view import EngineStatistics
from dialer.language.phrases import phrase
from dialer.shell.health import NoCalls
from dialer.shell.parts import Parts
from dialer.store.base.errors import KeyDamaged, StoreError
from dialer.store.operators import agent_days, calls, status
from sip.pool import Pool, PoolStatistics

log = structlog.get_logger()

BOARD_EVERY_S: Final = 0.5
"""Whoever looks at a screen sees a change within a second."""

LEADS_EVERY_S: Final = 1.0
"""Where leads are is counted so often: a question to Redis for each campaign."""

BOARD_TTL_S: Final = 10.0

AGENT_DAYS_EVERY_S: Final = 5.0
"""What agents did today is read so often."""


@dataclass(slots=True)
class BoardTask:
    """The one task; `_restarts` of workers have been logged."""

    parts: Parts
    pool: Pool
    _restarts: int = 0
    _agent_days_at: float = float("-inf")
    _leads_at: float = float("-inf")

    async def show(self) -> None:
        """Publish the board twice a second. Runs until cancelled."""
        while True:
            await self._count_leads()
            await self.publish()
            await trio.sleep(BOARD_EVERY_S)

    async def publish(self) -> None:
        """Publish the board of this moment."""
        parts, pool = self.parts, self.pool.statistics()
        figures = parts.engine.statistics(parts.clock.now())
        self._note_trunks(figures)
        self._note_workers(pool)
        await self._read_agent_days(figures)
        parts.health.log_alarms()
        board = parts.statistics.board(
            parts.host,
            figures,
            parts.health,
            workers=pool.workers,
            restarts=pool.restarts,
            spooled=len(parts.spool),
        )
        parts.metrics.show(board)
        parts.notifier.status(
            f"{board.state}, {board.lines_used} of {board.lines_total} lines, {len(board.agents)} agents"
        )
        if parts.health.redis_healthy:
            try:
                await trio.to_thread.run_sync(self._publish, board, parts.engine.calls(), parts.engine.parties())
            except StoreError as error:
                parts.health.stop_calls(NoCalls.REDIS, str(error))

    def _publish(self, board: Board, on_the_line: list[CallRow], parties: list[PartyRow]) -> None:
        host = self.parts.host
        calls.publish(self.parts.store, host, on_the_line, now=board.at, ttl_s=BOARD_TTL_S, parties=parties)
        status.publish(self.parts.store, self.parts.host, published(board), now=board.at, ttl=BOARD_TTL_S)

    async def _count_leads(self) -> None:
        """How many leads are due, also of campaigns that nobody leases from at the moment."""
        parts, now = self.parts, self.parts.clock.now()
        if now < self._leads_at + LEADS_EVERY_S:
            return
        self._leads_at = now
        for name in parts.engine.view().campaigns:
            if not parts.health.redis_healthy:
                return
            try:
                counts = await parts.ask(status.counts, name, parts.clock.wall())
            except KeyDamaged:
                continue  # it rests, and the campaign watch says why
            except StoreError as error:
                parts.health.stop_calls(NoCalls.REDIS, str(error))
            else:
                parts.statistics.campaigns[name].leads = counts.standing

    async def _read_agent_days(self, figures: EngineStatistics) -> None:
        """What the agents did today, in the zone of each campaign."""
        parts, now = self.parts, self.parts.clock.now()
        if now < self._agent_days_at + AGENT_DAYS_EVERY_S or not figures.agents or not parts.health.redis_healthy:
            return
        self._agent_days_at, wall = now, parts.clock.wall()
        days = [(run.settings.name, counting_day(wall, zone_of(run.settings))) for run in figures.campaigns]
        try:
            parts.statistics.agent_days = await parts.ask(agent_days.read, days)
        except StoreError as error:
            parts.health.stop_calls(NoCalls.REDIS, str(error))

    def _note_workers(self, pool: PoolStatistics) -> None:
        if pool.restarts > self._restarts:
            log.warning("SIP worker died", deaths=pool.restarts - self._restarts, reason=pool.last_failure)
            self._restarts = pool.restarts

    def _note_trunks(self, figures: EngineStatistics) -> None:
        for trunk in figures.trunks:
            words = phrase("trunk {name} rests: {why}", name=trunk.name, why=trunk.why)
            if trunk.resting_s:
                words = phrase("{rests}, the next try is in {next_s:.0f} s", rests=words, next_s=trunk.resting_s)
            self.parts.health.alarm(f"trunk {trunk.name}", words if trunk.name in figures.broken_trunks else "")
