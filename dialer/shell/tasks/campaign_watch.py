"""Keeping the engine's campaigns equal to the stored ones, and refusing to run what cannot be run.

The settings were checked where they were written. What only this host can know is checked here: whether it has the
campaign's policies, whether the trunk is configured, whether the abandon message is there and can be played, whether
the national registers can be relied on; and whether the campaign has a caller id that it may show now. That it knows no
public holidays of next year is an alarm. Everything behind this place sees what holds with the policies added.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import structlog
import trio

from compliance.api import Per
from compliance.calling_hours.days_off import running_out
from config.campaign import CampaignSettings
from config.daemon import DaemonSettings
from config.policies import AppliedSettings, Catalogue, applied, read_catalogue
from config.policies.catalogue import stamp
from config.problems import ConfigError
from config.scripts.wav import audio_mistakes, unplayable
from dialer.core.abandonment.windows import counting
from dialer.core.inputs import CampaignChanged, CampaignState
from dialer.disk.registers import NationalRegisters
from dialer.language.phrases import listed, phrase
from dialer.shell.parts import Parts
from dialer.shell.slow_work import NoAnswer, SlowWork
from dialer.store.base.errors import KeyDamaged
from dialer.store.gate import caller_ids
from dialer.store.gate.caller_ids import Review
from dialer.store.leads import stale
from dialer.store.operators import campaigns
from dialer.store.settlement import ledger

log = structlog.get_logger()

FILE_LIMIT_S: Final = 2.0
"""Longest wait for messages, registers and policies: they may lie on a mount that does not answer."""

VANISHED: Final = "it is not in Redis any more"


def obstacles(settings: AppliedSettings, daemon: DaemonSettings) -> list[str]:
    """Every reason why this host cannot run a campaign."""
    reasons = list(settings.missing_to_start())
    trunks = [trunk.name for trunk in daemon.trunks]
    reasons += [
        phrase("trunk {name!r} is not configured here", name=name)
        if not trunks
        else phrase("trunk {name!r} is not configured here (there is: {trunks})", name=name, trunks=", ".join(trunks))
        for name in settings.trunks_named
        if name not in trunks
    ]
    if not trunks:
        reasons.append(phrase("no trunk is configured"))
    elif not reasons:
        reasons.extend(_caller_ids_without_a_trunk(settings, daemon))
    if daemon.evidence.keep_days < settings.evidence_days:
        reasons.append(
            phrase(
                "evidence.keep_days is {days} here, and its policies want {wanted}",
                days=daemon.evidence.keep_days,
                wanted=settings.evidence_days,
            )
        )
    if settings.abandon_message:
        reasons.extend(unplayable(Path(settings.abandon_message)))
    if settings.return_message and daemon.inbound.used:
        reasons.extend(unplayable(Path(settings.return_message), "return_message"))
    if settings.whisper:
        reasons.extend(unplayable(Path(settings.whisper), "whisper"))
    if settings.recording.used and settings.recording.announcement:
        reasons.extend(unplayable(Path(settings.recording.announcement), "recording.announcement"))
    if settings.machines.used and settings.machines.message:
        reasons.extend(unplayable(Path(settings.machines.message), "machines.message"))
    for name, script in (("script", settings.script), ("survey", settings.survey)):
        reasons.extend(f"{name}.{problem}" for problem in audio_mistakes(script))
    return reasons


def _caller_ids_without_a_trunk(settings: AppliedSettings, daemon: DaemonSettings) -> list[str]:
    """Caller ids that none of the campaign's trunks may show: a call under one of them could not be made."""
    named = settings.trunks_named
    allowed = [trunk.caller_ids for trunk in daemon.trunks if not named or trunk.name in named]
    if not all(allowed):
        return []
    shown = [row.number for row in settings.caller_pool().rows]
    return [
        phrase("no trunk may show caller id {number}", number=number)
        for number in shown
        if not any(number in row for row in allowed)
    ]


def unreliable(settings: AppliedSettings, shelf: NationalRegisters, now: float) -> list[str]:
    """Every national register that the campaign's numbers cannot be checked against at `now`, in one sentence each.

    A register that "all" stands for counts where it is of the campaign's own country. Of others the gate refuses the
    numbers that they concern, and the rest can be called.
    """
    return shelf.unknown(settings.registers) + [
        row.fault
        for row in shelf.standings(settings.registers, now)
        if row.fault and (row.settings.name in settings.registers or row.settings.country == settings.default_region)
    ]


def holidays_running_out(settings: AppliedSettings, now: float) -> dict[str, str]:
    """By region what is to be said of holidays that rules of the campaign close on, where few of them are known at
    `now`. A rule that holds everywhere is looked at for the campaign's own country."""
    rules = settings.policy().hours
    regions = {rule.region or settings.default_region for rule in rules if rule.closed_on_holidays}
    return {region: warning for region in regions if (warning := running_out(region, now))}


@dataclass(slots=True)
class CampaignWatch:
    """What the engine was last told. `created_at` is when each campaign was created, in seconds since the epoch;
    `catalogue` the policies of this host, read again when a file of the operator's changes."""

    parts: Parts
    sent: dict[str, CampaignChanged] = field(default_factory=dict)
    created_at: dict[str, float] = field(default_factory=dict)
    catalogue: Catalogue | None = None
    _stamp: tuple[tuple[str, int, int], ...] = ()
    _known: dict[str, tuple[CampaignSettings, Catalogue, AppliedSettings]] = field(default_factory=dict)
    _resting: dict[str, str] = field(default_factory=dict)
    _judged_by: dict[str, dict[str, str]] = field(default_factory=dict)
    _short_of_holidays: set[str] = field(default_factory=set)
    _files: SlowWork = field(default_factory=SlowWork)

    async def look(self) -> None:
        """Tell the engine about every campaign that changed, an operator's stops before anything that may take long.
        Raises `StoreError`."""
        stored, faults = await self.parts.ask(campaigns.readable, archived=False)
        await self.halt_all_but({campaign.settings.name for campaign in stored} | faults.keys())
        for name, fault in faults.items():
            await self._halt(name, [fault])
        for campaign in stored:
            if campaign.state is not CampaignState.RUNNING:
                await self._halt(campaign.settings.name, [], campaign.state)
        catalogue = await self._policies()
        settings_of: dict[str, AppliedSettings] = {}
        for campaign in stored:
            name = campaign.settings.name
            self.created_at[name] = campaign.created_at
            try:
                settings_of[name] = await self._applied(campaign.settings, catalogue)
            except ConfigError as error:
                is_running = campaign.state is CampaignState.RUNNING
                await self._halt(name, [str(problem) for problem in error.problems] if is_running else [])
        readable = [campaign for campaign in stored if campaign.settings.name in settings_of]
        running = [row.settings.name for row in readable if row.state is CampaignState.RUNNING]
        obstacles_of = await self._obstacles([settings_of[name] for name in running])
        reviews: list[Review] = []
        holidays: dict[str, str] = {}
        for campaign in readable:
            settings, state = settings_of[campaign.settings.name], campaign.state
            reasons: list[str] = []
            resting: Collection[str] | None = None
            if state is CampaignState.RUNNING:
                review = await self.parts.ask(caller_ids.review, settings, self.parts.clock.wall())
                reviews.append(review)
                resting = review.resting
                reasons = obstacles_of[settings.name] + ([review.obstacle] if review.obstacle else [])
                holidays |= await trio.to_thread.run_sync(holidays_running_out, settings, self.parts.clock.wall())
            self._note(settings.name, reasons)
            await self._tell(CampaignChanged(settings, CampaignState.PAUSED if reasons else state))
            await trio.to_thread.run_sync(self._judge_again, settings, resting)
        self._note_rests(reviews)
        self._note_holidays(holidays)

    def _judge_again(self, settings: AppliedSettings, resting: Collection[str] | None) -> None:
        """Leads that wait for what a rule said before it was changed are due again."""
        store, name = self.parts.store, settings.name
        prints = stale.fingerprints(settings, resting)
        before = self._judged_by.get(name)
        if before is None:
            before = stale.judged_by(store, name)
        after = {**before, **prints}
        if after == before:
            self._judged_by[name] = before
            return
        with suppress(KeyDamaged):  # it rests until somebody has mended it
            rules = stale.changed(before, prints)
            leads = stale.judge_again(store, name, rules, self.parts.clock.wall()) if rules else 0
            stale.keep(store, name, after)
            self._judged_by[name] = after
            if leads:
                log.info(
                    "rules have changed, leads that waited for them are due", campaign=name, rules=rules, leads=leads
                )

    async def halt_all_but(self, names: Collection[str]) -> None:
        """Stop dialling the campaigns that are not stored any more: nobody could stop them, and nothing says how often
        their leads were called."""
        for name in self.sent.keys() - set(names):
            await self._halt(name, [VANISHED])

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
            words = phrase(
                "{rests}; dialer callerid wake {number} ends it", rests=resting.get(number, ""), number=number
            )
            self.parts.health.alarm(f"caller id {number}", words if number in blocked else "")
        self._resting = resting

    def _note_holidays(self, warnings: dict[str, str]) -> None:
        for region in warnings.keys() - self._short_of_holidays:
            log.warning("holidays run out", region=region, why=warnings[region])
        for region in warnings.keys() | self._short_of_holidays:
            self.parts.health.alarm(f"holidays {region}", warnings.get(region, ""))
        self._short_of_holidays = set(warnings)

    async def _halt(self, name: str, reasons: list[str], state: CampaignState = CampaignState.PAUSED) -> None:
        """Start no call of a campaign, for reasons or because an operator says so; those in progress go on as they
        began. Waits for nobody."""
        self._note(name, reasons)
        if name in self.sent and self.sent[name].state is CampaignState.RUNNING:
            await self._send(CampaignChanged(self.sent[name].settings, state))

    def ids_needed(self, name: str) -> frozenset[Per]:
        """Whom the leads of a campaign must name, because its caps count per them; nobody while it is not known what
        holds for it."""
        sent = self.sent.get(name)
        return frozenset() if sent is None else sent.settings.ids_needed()

    async def _applied(self, settings: CampaignSettings, catalogue: Catalogue) -> AppliedSettings:
        """What holds for a campaign; worked out anew, off the event loop, where its settings say something else than
        before, or a policy's file has changed."""
        known = self._known.get(settings.name)
        if known is None or known[0] != settings or known[1] is not catalogue:
            made = await trio.to_thread.run_sync(applied, settings, catalogue)
            known = self._known[settings.name] = settings, catalogue, made
        return known[2]

    async def _policies(self) -> Catalogue:
        """The policies of this host; those that were read last, while their folder does not answer."""
        try:
            catalogue = await self._files.run("policies.folder", FILE_LIMIT_S, self._read_policies)
        except NoAnswer as silence:
            self.parts.health.alarm("policies", str(silence))
            return Catalogue() if self.catalogue is None else self.catalogue
        self.parts.health.alarm("policies", "")
        return catalogue

    def _read_policies(self) -> Catalogue:
        folder = Path(self.parts.settings.policies.folder)
        now = stamp(folder)
        if self.catalogue is None or now != self._stamp:
            self.catalogue, self._stamp = read_catalogue(folder), now
            for name, problems in self.catalogue.faults.items():
                log.error("policy cannot be used", policy=name, reasons=[str(problem) for problem in problems])
        return self.catalogue

    async def _obstacles(self, campaigns: Sequence[AppliedSettings]) -> dict[str, list[str]]:
        """Why this host cannot run campaigns, by name; all are looked at at once, so that one whose files do not answer
        holds up no other."""
        reasons: dict[str, list[str]] = {}

        async def look_at(settings: AppliedSettings) -> None:
            def both() -> list[str]:
                return obstacles(settings, self.parts.settings) + unreliable(
                    settings, self.parts.shelf, self.parts.clock.wall()
                )

            try:
                reasons[settings.name] = await self._files.run(f"files of campaign {settings.name}", FILE_LIMIT_S, both)
            except NoAnswer as silence:
                reasons[settings.name] = [phrase("one of the {silence}", silence=silence)]

        async with trio.open_nursery() as nursery:
            for settings in campaigns:
                nursery.start_soon(look_at, settings)
        return reasons

    async def _tell(self, change: CampaignChanged) -> None:
        if self.sent.get(change.settings.name) != change:
            await self._send(change)
            await self.tell_ledger(change.settings.name)

    async def _send(self, change: CampaignChanged) -> None:
        name = change.settings.name
        self.sent[name] = change
        log.info("campaign", campaign=name, state=change.state.value)
        await self.parts.queues.inbox.send(change)

    async def tell_ledger(self, name: str) -> None:
        """Tell the engine what everybody else has counted, in every window; it starts no call before it knows."""
        windows = counting(self.sent[name].settings, self.created_at[name], self.parts.clock.wall())
        await self.parts.queues.inbox.send(await self.parts.ask(ledger.others, name, windows, self.parts.owner))

    def _note(self, name: str, reasons: list[str]) -> None:
        problem: str = listed(reasons, "; ") if reasons else ""
        if problem and problem != self.parts.statistics.campaigns[name].problem:
            log.error("campaign cannot run here", campaign=name, reasons=reasons)
        self.parts.statistics.campaigns[name].problem = problem
        self.parts.health.alarm(
            f"campaign {name}",
            problem and phrase("campaign {name} cannot run here: {problem}", name=name, problem=problem),
        )
