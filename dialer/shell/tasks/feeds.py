"""What comes in from Redis: leads, agents' desktops, the CRM's outcomes, operators' commands.

Each feed is one task that reads, hands on, and reads again. While the store does not answer the feed tries again,
more slowly, and nothing is lost meanwhile because streams keep what nobody has acknowledged.
"""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from typing import Final

import structlog
import trio

from dialer.core import evidence
from dialer.core.inputs import AnswerReported, HangUpCall, LeadsTaken, Monitor
from dialer.shell.health import NoCalls
from dialer.shell.parts import Parts
from dialer.shell.tasks.campaign_watch import CampaignWatch
from dialer.shell.tasks.logins import Logins
from dialer.store.base.errors import KeyDamaged, StoreError
from dialer.store.crm import crm_map, told_again
from dialer.store.crm import inbox as crm_in
from dialer.store.crm.requests import MACHINE
from dialer.store.leads import intake
from dialer.store.leads.bulk import changes
from dialer.store.operators import agents, campaigns, control, listening
from dialer.store.operators.agents import Malformed

log = structlog.get_logger()

BLOCK_MS: Final = 500
BATCH: Final = 200

AGENTS_GATHER_S: Final = 0.05
CRM_GATHER_S: Final = 0.2
"""From one reading to the next. What comes after a quiet moment is read at once; under load a reading for each word
would cost more than the word."""

IDLE_S: Final = 0.2
FIRST_PAUSE_S: Final = 0.5
LONGEST_PAUSE_S: Final = 5.0
CAMPAIGNS_EVERY_S: Final = 5.0
AUDIT_EVERY_S: Final = 2.0
FINISH_LIMIT_S: Final = 30.0
"""Longest time, also at the end of the daemon, to hand on what was read."""


@dataclass(slots=True)
class Feeds:
    """What the feeds share. `audited` is the entry of the audit trail that is on record."""

    parts: Parts
    logins: Logins
    watch: CampaignWatch
    audited: str = "$"
    recorder: told_again.Recorder = field(default_factory=told_again.Recorder)

    async def keep(self, feed: Callable[[], Awaitable[None]]) -> None:
        """Repeat one reading of a feed for ever, backing off with jitter while the store is away."""
        pause_s = FIRST_PAUSE_S
        while True:
            try:
                await feed()
                pause_s = FIRST_PAUSE_S
            except StoreError as error:
                self.parts.health.stop_calls(NoCalls.REDIS, str(error))
                await trio.sleep(pause_s * random.uniform(0.5, 1.0))
                pause_s = min(LONGEST_PAUSE_S, pause_s * 2)

    # --- leads ----------------------------------------------------------------------------------------------------

    async def leads(self) -> None:
        """One round of intake over all campaigns, also those that have not been started yet: who loads a list wants to
        know what became of it."""
        busy = False
        readable, faults = await self.parts.ask(campaigns.readable, archived=False)
        names = [campaign.settings.name for campaign in readable]
        await self.watch.halt_all_but({*names, *faults})  # noticed here first: this is read five times a second
        for name in names:
            busy |= await self._take_in(name)
        if not busy:
            await trio.sleep(IDLE_S)

    async def _take_in(self, campaign: str) -> bool:
        batch = self.parts.settings.intake.batch
        report = await self.parts.ask(
            intake.take_in,
            campaign,
            self.parts.owner,
            self.parts.clock.wall(),
            batch,
            max_lead_bytes=self.parts.settings.intake.max_lead_bytes,
            ids_needed=self.watch.ids_needed(campaign),
        )
        if report.read:
            log.info("intake", campaign=campaign, accepted=report.accepted, rejected=report.rejected)
        return report.read >= batch

    # --- agents ---------------------------------------------------------------------------------------------------

    async def begin(self) -> None:
        """Find the place in the agents' stream, before anybody is told that the daemon is ready: a host that never read
        begins with what comes from now on, and a login that follows READY must not be missed. Raises `StoreError`."""
        await self._hear_agents("", 0)

    async def agents(self) -> None:
        """Read the agents' stream from where this host left off; runs until the store fails, then goes on there."""
        cursor = ""
        while True:
            read_at = trio.current_time()
            cursor = await self._hear_agents(cursor, BLOCK_MS)
            await trio.sleep_until(read_at + AGENTS_GATHER_S)

    async def _hear_agents(self, cursor: str, block_ms: int) -> str:
        # The store has noted them as read, so they are heard, also at the end.
        with trio.move_on_after(FINISH_LIMIT_S, shield=True) as limit:
            heard, cursor = await self.parts.ask(agents.read, self.parts.host, cursor, BATCH, block_ms)
            for entry in heard:
                if isinstance(entry, Malformed):
                    await self.logins.refuse(entry.entry_id, entry.agent, "", "; ".join(entry.reasons), entry.ref)
                else:
                    await self.logins.hear(entry)
        await _finished("agents", limit)
        return cursor

    # --- CRM and operators ------------------------------------------------------------------------------------------

    async def crm(self) -> None:
        """One reading of what the CRMs ask for, a batch of each."""
        read_at = trio.current_time()
        crms = (await self.parts.ask(crm_map.loaded)).crms
        for crm in crms:
            try:
                await self._hear_crm(crm, 0 if len(crms) > 1 else BLOCK_MS)
            except KeyDamaged as error:
                if not crm:
                    raise
                self.parts.health.alarm(f"CRM {crm}", str(error))  # the others are heard
            else:
                self.parts.health.alarm(f"CRM {crm}", "")
        await trio.sleep_until(read_at + CRM_GATHER_S)

    async def _hear_crm(self, crm: str, block_ms: int) -> None:
        """Carry out a batch of one CRM's requests."""
        # What is left half done waits for a minute for the next daemon.
        with trio.move_on_after(FINISH_LIMIT_S, shield=True) as limit:
            received = await self.parts.ask(
                crm_in.read,
                self.parts.owner,
                BATCH,
                block_ms,
                default_region=self.parts.settings.intake.default_region,
                crm=crm,
            )
            if received:
                outcomes = [entry.request for entry in received if isinstance(entry.request, crm_in.Outcome)]
                rows = self.recorder.rows(received, crm, self.parts.clock.now())
                if self.recorder.left_out:
                    log.warning("requests are not in the journal, too many came", requests=self.recorder.left_out)
                    self.recorder.left_out = 0
                await self.parts.evidence.keep([*self.parts.evidence.outcomes(outcomes), *rows])
                report = await self.parts.ask(
                    crm_in.apply,
                    received,
                    now=self.parts.clock.wall(),
                    shortest_prefix=self.parts.settings.intake.shortest_prefix,
                    refusals_told=self.parts.refusals,
                    crm=crm,
                )
                for outcome in report.outcomes:  # news to the pacer where the call was this daemon's
                    await self.parts.queues.inbox.send(AnswerReported(outcome.attempt, outcome.outcome == MACHINE))
                done = {"applied": report.applied, "refused": report.refused, "blocked": len(report.blocked)}
                log.info("crm", crm=crm, **done)
        await _finished("crm", limit)

    async def operators(self) -> None:
        """Follow the control stream; any command may have changed a campaign. Looks by itself now and then, too."""
        _, cursor = await self.parts.ask(control.read, "$", BATCH, 0)
        while True:
            await self.watch.look()
            with trio.move_on_after(CAMPAIGNS_EVERY_S):
                ordered: tuple[control.Ordered, ...] = ()
                while not ordered:
                    ordered, cursor = await trio.to_thread.run_sync(
                        control.read, self.parts.store, cursor, BATCH, BLOCK_MS, abandon_on_cancel=True
                    )
                for order in ordered:
                    attempt = order.command.args.get("attempt_id")
                    if order.command.name == control.HANG_UP and isinstance(attempt, str):
                        await self.parts.queues.inbox.send(HangUpCall(attempt))
                    log.info("operator", command=order.command.name, who=order.who)
                    if order.command.name == changes.LEADS_TAKEN:
                        await self._drop_leads(order.command)
                    if asked := listening.read(order):
                        await self._listen(asked)

    async def _listen(self, asked: Monitor) -> None:
        """A supervisor wants to listen to somebody of this host; the phone is judged as agents' phones are."""
        if self.parts.engine.agent(asked.agent) is None and not self.parts.engine.has_call(asked.attempt):
            return
        obstacle = await self.logins.obstacle(asked.uri) if asked.uri else ""
        await self.parts.queues.inbox.send(replace(asked, obstacle=obstacle))

    async def audit_trail(self) -> None:
        """Put each line of the audit trail on this host's record, where who may write to the trail does not reach. Runs
        until the store fails, then goes on where it was."""
        while True:
            lines, self.audited = await self.parts.ask(control.audit_after, self.audited, BATCH)
            await self.parts.evidence.keep(
                [evidence.audited(entry, row.user, row.who, row.what, row.detail, row.at) for entry, row in lines]
            )
            await trio.sleep(0.0 if lines else AUDIT_EVERY_S)

    async def _drop_leads(self, command: control.Command) -> None:
        """Leads were cancelled, moved or changed in the store: the engine is not to dial them from memory."""
        campaign, leads = command.args.get("campaign"), command.args.get("leads")
        if isinstance(campaign, str) and isinstance(leads, list):
            taken = frozenset(lead for lead in leads if isinstance(lead, str))
            await self.parts.queues.inbox.send(LeadsTaken(campaign, taken))


async def _finished(feed: str, limit: trio.CancelScope) -> None:
    if limit.cancelled_caught:
        log.error("what was read could not be handed on", feed=feed, limit_s=FINISH_LIMIT_S)
    await trio.lowlevel.checkpoint()
