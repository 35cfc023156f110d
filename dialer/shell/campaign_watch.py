"""Keeping the engine's campaigns equal to the stored ones, and refusing to run what cannot be run.

The settings were checked where they were written. What only this host can know is checked here: whether the trunk is
configured, whether the abandon message is there and can be played, whether the national registers can be relied on.
"""

from __future__ import annotations

import wave
from dataclasses import dataclass, field
from pathlib import Path

import structlog
import trio

from config.campaign import CampaignSettings
from config.daemon import DaemonSettings
from dialer.core.inputs import CampaignChanged, CampaignState, Input
from dialer.core.windows import counting, zone_of
from dialer.shell.clock import Clock
from dialer.shell.tally import Tally
from dialer.store import campaigns, ledger
from dialer.store.connection import Store
from dialer.store.registers import Shelf

log = structlog.get_logger()

PLAYABLE_RATES_HZ = (8000, 16000)


def obstacles(settings: CampaignSettings, daemon: DaemonSettings) -> list[str]:
    """Every reason why this host cannot run a campaign."""
    reasons = list(settings.missing_to_start())
    trunks = [trunk.name for trunk in daemon.trunks]
    if settings.trunk and settings.trunk not in trunks:
        reasons.append(f"trunk {settings.trunk!r} is not configured here (there is: {', '.join(trunks) or 'none'})")
    if not trunks:
        reasons.append("no trunk is configured")
    if settings.abandon_message:
        reasons.extend(_unplayable(Path(settings.abandon_message)))
    return reasons


def unreliable(settings: CampaignSettings, shelf: Shelf, now: float) -> list[str]:
    """Every national register that the campaign's numbers cannot be checked against at `now`, in one sentence each.

    A register that "all" stands for counts where it is of the campaign's own country. Of others the gate refuses the
    numbers that they concern, and the rest can be called.
    """
    return shelf.unknown(settings.registers) + [
        one.fault
        for one in shelf.standings(settings.registers, now)
        if one.fault and (one.settings.name in settings.registers or one.settings.country == settings.default_region)
    ]


def _unplayable(path: Path) -> list[str]:
    try:
        with wave.open(str(path), "rb") as message:
            shape = (message.getnchannels(), message.getsampwidth())
            rate_hz = message.getframerate()
            frames = message.getnframes()
    except (OSError, EOFError, wave.Error) as error:
        return [f"abandon message {path} cannot be read: {error}"]
    if shape != (1, 2) or rate_hz not in PLAYABLE_RATES_HZ:
        return [f"abandon message {path} must be 16 bit mono PCM at 8 or 16 kHz"]
    return [] if frames else [f"abandon message {path} is empty"]


@dataclass(slots=True)
class CampaignWatch:
    """What the engine was last told. `created_at` is when each campaign was created, in seconds since the epoch."""

    store: Store
    owner: str
    clock: Clock
    daemon: DaemonSettings
    inbox: trio.MemorySendChannel[Input]
    tally: Tally
    shelf: Shelf = field(default_factory=Shelf)
    told: dict[str, CampaignChanged] = field(default_factory=dict)
    created_at: dict[str, float] = field(default_factory=dict)

    async def look(self) -> None:
        """Tell the engine about every campaign that changed. Raises `StoreError`."""
        found, faults = await trio.to_thread.run_sync(campaigns.readable, self.store)
        for name, fault in faults.items():
            self._note(name, [fault])
            if name in self.told:
                await self._tell(CampaignChanged(self.told[name].settings, CampaignState.PAUSED))
        for campaign in found:
            self.created_at[campaign.settings.name] = campaign.created_at
            change = CampaignChanged(campaign.settings, campaign.state)
            reasons = await trio.to_thread.run_sync(self._reasons, campaign.settings)
            if reasons and change.state is CampaignState.RUNNING:
                change = CampaignChanged(campaign.settings, CampaignState.PAUSED)
            self._note(campaign.settings.name, reasons if campaign.state is CampaignState.RUNNING else [])
            await self._tell(change)

    def _reasons(self, settings: CampaignSettings) -> list[str]:
        return obstacles(settings, self.daemon) + unreliable(settings, self.shelf, self.clock.wall())

    async def _tell(self, change: CampaignChanged) -> None:
        name = change.settings.name
        if self.told.get(name) != change:
            self.told[name] = change
            self.tally.zones[name] = zone_of(change.settings)
            log.info("campaign", campaign=name, state=change.state.value)
            await self.inbox.send(change)
            await self.tell_ledger(name)

    async def tell_ledger(self, name: str) -> None:
        """Tell the engine what everybody else has counted, in every window; it starts no call before it knows."""
        windows = counting(self.told[name].settings, self.created_at[name], self.clock.wall())
        await self.inbox.send(await trio.to_thread.run_sync(ledger.others, self.store, name, windows, self.owner))

    def _note(self, name: str, reasons: list[str]) -> None:
        problem = "; ".join(reasons)
        if problem and problem != self.tally.campaigns[name].problem:
            log.error("campaign cannot run here", campaign=name, reasons=reasons)
        self.tally.campaigns[name].problem = problem
        if problem:
            self.tally.problems[f"campaign {name}"] = f"campaign {name} cannot run here: {problem}"
        else:
            self.tally.problems.pop(f"campaign {name}", None)
