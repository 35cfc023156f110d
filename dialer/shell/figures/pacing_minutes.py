"""How each campaign was paced, once a minute, for the archive. A minute in which the process stood still is missing."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

import trio

from dialer.core.engine_view import CampaignStatistics
from dialer.shell.engine_task import put
from dialer.shell.parts import Parts
from dialer.store.settlement.floor_events import PacingFigures, pacing_minute
from dialer.store.settlement.outbox import CrmEvent

MINUTE_S: Final = 60.0
RUNNING: Final = "running"


@dataclass(slots=True)
class PacingMinutes:
    """The one task. `_seen` are each campaign's decisions, calls asked for and attempts ended so far."""

    parts: Parts
    _seen: dict[str, tuple[int, int, int]] = field(default_factory=dict)

    async def keep(self) -> None:
        """Tell of every minute when it is over. Runs until cancelled."""
        while True:
            now = self.parts.clock.wall()
            await trio.sleep(MINUTE_S - now % MINUTE_S)
            over_at = self.parts.clock.wall() // MINUTE_S * MINUTE_S - MINUTE_S
            for event in self.minute(over_at):
                await put(self.parts.queues.facts, event)

    def minute(self, minute_at: float) -> list[CrmEvent]:
        """What happened since the last time, of the minute that began at `minute_at`; of campaigns that run, or in
        which a call has ended."""
        campaigns = self.parts.engine.statistics(self.parts.clock.now()).campaigns
        told = [(campaign, self._figures(campaign)) for campaign in campaigns]
        return [
            pacing_minute(one.row.name, self.parts.host, minute_at, figures)
            for one, figures in told
            if one.row.state == RUNNING or figures.ended
        ]

    def _figures(self, campaign: CampaignStatistics) -> PacingFigures:
        row, counts = campaign.row, self.parts.statistics.campaigns[campaign.settings.name]
        before = self._seen.get(row.name, (0, 0, 0))
        after = self._seen[row.name] = (counts.decisions, counts.asked, counts.attempts)
        decisions, asked, ended = (new - old for new, old in zip(after, before, strict=True))
        reason, tightest = counts.decision.reason, min(row.capped, key=lambda window: window.left)
        return PacingFigures(
            mode=row.mode,
            decisions=decisions,
            dialled=asked,
            ended=ended,
            rule=reason.rule.value,
            brake=reason.brake.value if reason.brake else "",
            risk=counts.decision.risk,
            ready=row.agents.get("ready", 0),
            talking=row.agents.get("talking", 0),
            wrapup=row.agents.get("wrapup", 0),
            paused=row.agents.get("paused", 0),
            calls=sum(row.calls.values()),
            answered_today=row.answered,
            abandoned_today=row.abandoned,
            abandons_left=tightest.left,
        )
