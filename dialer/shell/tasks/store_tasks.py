"""The engine's wishes to the store, in threads and in batches.

Two tasks, so that a slow lease never holds up the gates. Whatever is waiting when a task comes round goes in one
batch. A store that does not answer is said to the engine (`StoreFailed`); nothing was dialled then.
"""

from __future__ import annotations

import secrets
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import Final

import trio

from config.policies import AppliedSettings
from dialer.core.calls.settling import unsent
from dialer.core.effects import Lease, Postpone, Release, Reserve, Settle
from dialer.core.inputs import LeadsLeased, Permitted, Refused, StoreFailed
from dialer.core.leads.lead_reasons import kept
from dialer.core.model import Settlement
from dialer.shell.health import NoCalls
from dialer.shell.parts import Parts
from dialer.shell.tasks.marker_watch import MarkerWatch
from dialer.store.base.errors import StoreError
from dialer.store.gate import gate
from dialer.store.gate.evaluation import Screening
from dialer.store.leads import leases
from dialer.store.settlement import retelling
from pacing.api import Mode

DOUBT_S: Final = 30.0
NO_ANSWER: Final = "the store did not answer, no INVITE left"
NOT_ON_RECORD: Final = "the permit could not be put on record, no INVITE left"


def attempt_ids(incarnation: str) -> Iterator[str]:
    """Attempt ids that no other process and no other run gives out."""
    salt = secrets.token_hex(2)
    for number in count(1):
        yield f"{incarnation}-{salt}-{number:06d}"


@dataclass(frozen=True, slots=True)
class StoreTasks:
    """Both tasks, and the ids that they give to attempts. `doubtful` are the ends of attempts that may have been
    reserved and written down, and for which no INVITE left; the oldest first. `narrowed` are campaigns' settings with
    the caller ids of one trunk, by campaign and trunk, beside the settings that they were made of."""

    parts: Parts
    ids: Iterator[str]
    marker: MarkerWatch
    doubtful: deque[Settlement] = field(default_factory=deque)
    narrowed: dict[tuple[str, str], tuple[AppliedSettings, AppliedSettings]] = field(default_factory=dict)

    async def lease_leads(self) -> None:
        """Lease, release and postpone, one wish after the other. Runs until the engine's side is closed."""
        parts = self.parts
        async for wish in parts.queues.leases_wanted:
            try:
                match wish:
                    case Lease(campaign) if parts.clock.is_off():  # or others' leases would seem to have ended
                        await parts.queues.inbox.send(StoreFailed(campaign, (), lease=True))
                    case Lease(campaign, number):
                        await self._lease(self._settings_of(campaign), number)
                    case Release(campaign, leads):
                        ids = [lead.lead_id for lead in leads]
                        await parts.ask(leases.release, campaign, parts.owner, ids, parts.clock.wall())
                    case Postpone():
                        await trio.to_thread.run_sync(self._postpone, wish)
            except StoreError as error:
                parts.health.stop_calls(NoCalls.REDIS, str(error))
                if isinstance(wish, Lease):
                    await parts.queues.inbox.send(StoreFailed(wish.campaign, (), lease=True))
                # A release that did not get through costs nothing but time: the leases end by themselves. After a
                # postponement that did not, the lead is due again sooner than the agent asked for.

    def _settings_of(self, campaign: str) -> AppliedSettings:
        settings = self.parts.engine.settings_of(campaign)
        assert settings is not None  # the engine asks for its own campaigns, and forgets none
        return settings

    async def _lease(self, settings: AppliedSettings, number: int) -> None:
        evidence, inbox = self.parts.evidence, self.parts.queues.inbox
        leased, refused = await trio.to_thread.run_sync(self._leased, settings, number, abandon_on_cancel=True)
        if refused:
            await evidence.keep(evidence.decisions(refused, settings))
        for refusal in refused:
            await inbox.send(refusal)
        await inbox.send(leased)

    def _leased(self, settings: AppliedSettings, number: int) -> tuple[LeadsLeased, Sequence[Refused]]:
        """Leads, and in mode preview those that are not worth an agent's look."""
        parts, now = self.parts, self.parts.clock.wall()
        lease_s = parts.settings.host.lease_s
        leased = leases.lease(parts.store, settings.name, parts.owner, number, now, lease_s)
        leads, refused = leased.leads, tuple[Refused, ...]()
        if settings.mode is Mode.PREVIEW:
            screening = Screening.as_dialled(parts.store, settings, now, parts.shelf)
            leads, refused = gate.sift(screening, leads, owner=parts.owner)
        return LeadsLeased(settings.name, leads, leased.due, leased.waiting), refused

    def _postpone(self, wish: Postpone) -> None:
        parts, now = self.parts, self.parts.clock.wall()
        ids, until = [wish.lead.lead_id], now + wish.after_s
        leases.postpone(parts.store, wish.campaign, parts.owner, ids, until=until, why=kept(wish.why), now=now)

    async def pass_gates(self) -> None:
        """Take leads through the compliance gates. Runs until the engine's side is closed."""
        evidence, health, inbox = self.parts.evidence, self.parts.health, self.parts.queues.inbox
        async for wish in self.parts.queues.gates_wanted:
            if evidence.failing or self.parts.clock.is_off():
                await inbox.send(StoreFailed(wish.campaign, wish.leads, lease=False))
                continue
            attempts = [next(self.ids) for _ in wish.leads]
            settings = self._settings_of(wish.campaign)
            try:
                answers = await trio.to_thread.run_sync(self._screen, settings, wish, attempts, abandon_on_cancel=True)
            except StoreError as error:
                health.stop_calls(NoCalls.REDIS, str(error))
                await inbox.send(StoreFailed(wish.campaign, wish.leads, lease=False))
                now = self.parts.clock.now()
                self.doubtful.extend(
                    unsent(lead, attempt, wish.trunk, NO_ANSWER, now)
                    for lead, attempt in zip(wish.leads, attempts, strict=True)
                )
                continue
            permits = [
                retelling.permit_row(answer, settings, wish.trunk, self.parts.owner)
                for answer in answers
                if isinstance(answer, Permitted)
            ]
            if not await evidence.keep([*evidence.decisions(answers, settings, wish.trunk), *permits]):
                answers = await self._withhold(wish, answers)
            for answer in answers:
                await inbox.send(answer)

    def _screen(self, settings: AppliedSettings, wish: Reserve, attempts: list[str]) -> tuple[Permitted | Refused, ...]:
        parts = self.parts
        now, policy = parts.clock.wall(), settings.policy()
        shown = self._shown_through(settings, wish.trunk)
        screening = Screening(parts.store, shown, policy, now, parts.shelf, wish.agent_held)
        answers = gate.screen(screening, wish.leads, trunk=wish.trunk, owner=parts.owner, attempt_ids=attempts)
        if any(isinstance(answer, Permitted) for answer in answers):
            self.marker.must_stand()
        return answers

    def _shown_through(self, settings: AppliedSettings, trunk: str) -> AppliedSettings:
        """A campaign with only those of its caller ids that a trunk may show."""
        allowed = next((row.caller_ids for row in self.parts.settings.trunks if row.name == trunk), ())
        if not allowed or not settings.caller_ids:
            return settings
        known = self.narrowed.get((settings.name, trunk))
        if known is None or known[0] is not settings:
            rows = tuple(row for row in settings.caller_ids if row.number in allowed)
            known = self.narrowed[settings.name, trunk] = settings, settings.model_copy(update={"caller_ids": rows})
        return known[1]

    async def _withhold(self, wish: Reserve, answers: Sequence[Permitted | Refused]) -> tuple[Refused, ...]:
        """Keep permits back that are not on record: nobody may dial on them, and their attempts are given back. Returns
        the refusals."""
        permitted = [answer for answer in answers if isinstance(answer, Permitted)]
        now = self.parts.clock.now()
        self.doubtful.extend(
            unsent(row.lead, row.permit.attempt, wish.trunk, NOT_ON_RECORD, now, caller_id=row.permit.caller_id)
            for row in permitted
        )
        if permitted:
            leads = tuple(row.lead for row in permitted)
            await self.parts.queues.inbox.send(StoreFailed(wish.campaign, leads, lease=False))
        return tuple(answer for answer in answers if isinstance(answer, Refused))

    async def settle_doubtful(self, *, after_s: float = DOUBT_S) -> None:
        """End attempts that have been in doubt for long enough that no late answer of the store can open them any more;
        in the end (`after_s` 0) all of them, or the next run would call them unknown.

        Settling does nothing to an attempt that was never written down, and gives back one that was.
        """
        clock, doubtful = self.parts.clock, self.doubtful
        while doubtful and clock.now() - doubtful[0].ended_at >= after_s:
            await self.parts.queues.facts.send(Settle(doubtful.popleft()))
