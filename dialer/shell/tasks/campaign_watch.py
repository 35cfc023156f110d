"""Keeping the engine's campaigns equal to the stored ones, and refusing to run what cannot be run.

The settings were checked where they were written. What only this host can know is checked here: whether it has the
campaign's policies, whether the trunk is configured, whether the abandon message is there and can be played, whether
the national registers can be relied on; and whether the campaign has a caller id that it may show now. That it knows no
public holidays of next year is an alarm. Everything behind this place sees what holds with the policies added.
"""

from __future__ import annotations

import wave
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

import structlog
import trio

from compliance.api import Per
from compliance.calling_hours.days_off import running_out
from config.campaign import CampaignSettings
from config.daemon import DaemonSettings
from config.policies import AppliedSettings, Catalogue, applied, read_catalogue
from config.policies.catalogue import stamp
from config.problems import ConfigError
from dialer.core.abandonment.windows import counting, zone_of
from dialer.core.inputs import CampaignChanged, CampaignState, Input
from dialer.disk.registers import NationalRegisters
from dialer.shell.clock import Clock
from dialer.shell.statistics import Tally
from dialer.store.base.connection import Store
from dialer.store.gate import caller_ids
from dialer.store.gate.caller_ids import Review
from dialer.store.operators import campaigns
from dialer.store.settlement import ledger

log = structlog.get_logger()

PLAYABLE_RATES_HZ = (8000, 16000)


def obstacles(settings: AppliedSettings, daemon: DaemonSettings) -> list[str]:
    """Every reason why this host cannot run a campaign."""
    reasons = list(settings.missing_to_start())
    trunks = [trunk.name for trunk in daemon.trunks]
    if settings.trunk and settings.trunk not in trunks:
        reasons.append(f"trunk {settings.trunk!r} is not configured here (there is: {', '.join(trunks) or 'none'})")
    if not trunks:
        reasons.append("no trunk is configured")
    if daemon.evidence.keep_days < settings.evidence_days:
        reasons.append(
            f"evidence.keep_days is {daemon.evidence.keep_days} here, and its policies want {settings.evidence_days}"
        )
    if settings.abandon_message:
        reasons.extend(_unplayable(Path(settings.abandon_message)))
    return reasons


def unreliable(settings: AppliedSettings, shelf: NationalRegisters, now: float) -> list[str]:
    """Every national register that the campaign's numbers cannot be checked against at `now`, in one sentence each.

    A register that "all" stands for counts where it is of the campaign's own country. Of others the gate refuses the
    numbers that they concern, and the rest can be called.
    """
    return shelf.unknown(settings.registers) + [
        one.fault
        for one in shelf.standings(settings.registers, now)
        if one.fault and (one.settings.name in settings.registers or one.settings.country == settings.default_region)
    ]


def holidays_running_out(settings: AppliedSettings, now: float) -> dict[str, str]:
    """By region what is to be said of holidays that rules of the campaign close on, where few of them are known at
    `now`. A rule that holds everywhere is looked at for the campaign's own country."""
    rules = settings.policy().hours
    regions = {rule.region or settings.default_region for rule in rules if rule.closed_on_holidays}
    return {region: said for region in regions if (said := running_out(region, now))}


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
    """What the engine was last told. `created_at` is when each campaign was created, in seconds since the epoch;
    `catalogue` the policies of this host, read again when a file of the operator's changes."""

    store: Store
    owner: str
    clock: Clock
    daemon: DaemonSettings
    inbox: trio.MemorySendChannel[Input]
    tally: Tally
    shelf: NationalRegisters = field(default_factory=NationalRegisters)
    told: dict[str, CampaignChanged] = field(default_factory=dict)
    created_at: dict[str, float] = field(default_factory=dict)
    catalogue: Catalogue | None = None
    _stamp: tuple[tuple[str, int, int], ...] = ()
    _known: dict[str, tuple[CampaignSettings, Catalogue, AppliedSettings]] = field(default_factory=dict)
    _resting: dict[str, str] = field(default_factory=dict)
    _short_of_holidays: set[str] = field(default_factory=set)

    async def look(self) -> None:
        """Tell the engine about every campaign that changed. Raises `StoreError`."""
        found, faults = await trio.to_thread.run_sync(campaigns.readable, self.store)
        for name, fault in faults.items():
            await self._halt(name, [fault])
        catalogue = await trio.to_thread.run_sync(self._policies)
        reviews: list[Review] = []
        holidays: dict[str, str] = {}
        for campaign in found:
            name = campaign.settings.name
            self.created_at[name] = campaign.created_at
            try:
                settings = await self._applied(campaign.settings, catalogue)
            except ConfigError as error:
                wanted = campaign.state is CampaignState.RUNNING
                await self._halt(name, [str(problem) for problem in error.problems] if wanted else [])
                continue
            change = CampaignChanged(settings, campaign.state)
            reasons = await trio.to_thread.run_sync(self._reasons, settings)
            if campaign.state is CampaignState.RUNNING:
                review = await trio.to_thread.run_sync(caller_ids.review, self.store, settings, self.clock.wall())
                reviews.append(review)
                reasons += filter(None, [review.obstacle])
                holidays |= await trio.to_thread.run_sync(holidays_running_out, settings, self.clock.wall())
            if reasons and change.state is CampaignState.RUNNING:
                change = CampaignChanged(settings, CampaignState.PAUSED)
            self._note(name, reasons if campaign.state is CampaignState.RUNNING else [])
            await self._tell(change)
        self._note_rests(reviews)
        self._note_holidays(holidays)

    def _note_rests(self, reviews: Iterable[Review]) -> None:
        """Log which caller ids rest from now on and which may be shown again; an alarm for those that the network has
        blocked too often."""
        resting: dict[str, str] = {}
        blocked: set[str] = set()
        for review in reviews:
            resting |= review.resting
            blocked |= review.blocked
        for number in resting.keys() - self._resting.keys():
            log.warning("caller id rests", caller_id=number, why=resting[number])
        for number in self._resting.keys() - resting.keys():
            log.info("caller id may be shown again", caller_id=number)
        for number in self._resting.keys() | resting.keys():
            if number in blocked:
                self.tally.problems[f"caller id {number}"] = resting[number]
            else:
                self.tally.problems.pop(f"caller id {number}", None)
        self._resting = resting

    def _note_holidays(self, said: dict[str, str]) -> None:
        for region in said.keys() - self._short_of_holidays:
            log.warning("holidays run out", region=region, why=said[region])
        for region in self._short_of_holidays - said.keys():
            self.tally.problems.pop(f"holidays {region}", None)
        self.tally.problems.update({f"holidays {region}": why for region, why in said.items()})
        self._short_of_holidays = set(said)

    async def _halt(self, name: str, reasons: list[str]) -> None:
        """Nobody can say what holds for a campaign: it starts no call, those in progress go on as they began."""
        self._note(name, reasons)
        if name in self.told:
            await self._tell(CampaignChanged(self.told[name].settings, CampaignState.PAUSED))

    def ids_needed(self, name: str) -> frozenset[Per]:
        """Whom the leads of a campaign must name, because its caps count per them; nobody while it is not known what
        holds for it."""
        told = self.told.get(name)
        return frozenset() if told is None else told.settings.ids_needed()

    async def _applied(self, settings: CampaignSettings, catalogue: Catalogue) -> AppliedSettings:
        """What holds for a campaign; worked out anew, off the event loop, where its settings say something else than
        before, or a policy's file has changed."""
        known = self._known.get(settings.name)
        if known is None or known[0] != settings or known[1] is not catalogue:
            made = await trio.to_thread.run_sync(applied, settings, catalogue)
            known = self._known[settings.name] = settings, catalogue, made
        return known[2]

    def _policies(self) -> Catalogue:
        folder = Path(self.daemon.policies.folder)
        now = stamp(folder)
        if self.catalogue is None or now != self._stamp:
            self.catalogue, self._stamp = read_catalogue(folder), now
            for name, problems in self.catalogue.faults.items():
                log.error("policy cannot be used", policy=name, reasons=[str(problem) for problem in problems])
        return self.catalogue

    def _reasons(self, settings: AppliedSettings) -> list[str]:
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
