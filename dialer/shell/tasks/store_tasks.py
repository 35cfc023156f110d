"""The engine's wishes to the store, in threads and in batches.

Two tasks, so that a slow lease never holds up the gates. Whatever is waiting when a task comes round goes in one
batch. A store that does not answer is said to the engine (`StoreFailed`); nothing was dialled then.
"""

from __future__ import annotations

import secrets
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import Final

import structlog
import trio

from config.policies import AppliedSettings
from dialer.core.calls.settling import unsent
from dialer.core.effects import Lease, Postpone, Release, Reserve, Settle
from dialer.core.inputs import Input, LeadsLeased, Permitted, Refused, StoreFailed
from dialer.core.leads.lead_reasons import kept
from dialer.core.model import Lead
from dialer.disk.registers import NationalRegisters
from dialer.shell.clock import Clock
from dialer.shell.engine_task import ForScribe
from dialer.shell.health import Ailment, Health
from dialer.shell.tasks.evidence import Evidence
from dialer.store.base.connection import Store
from dialer.store.base.errors import StoreError
from dialer.store.gate import gate
from dialer.store.gate.evaluation import Screening
from dialer.store.leads import leases
from pacing.api import Mode

log = structlog.get_logger()

DOUBT_S: Final = 30.0


@dataclass(frozen=True, slots=True)
class StoreDesk:
    """What both tasks need."""

    store: Store
    owner: str
    lease_s: float
    clock: Clock
    health: Health
    inbox: trio.MemorySendChannel[Input]
    evidence: Evidence
    shelf: NationalRegisters = field(default_factory=NationalRegisters)
    doubtful: deque[Doubtful] = field(default_factory=deque)


@dataclass(frozen=True, slots=True)
class Doubtful:
    """An attempt that may have been reserved and written down, and for which no INVITE left, for a `reason`."""

    lead: Lead
    attempt: str
    trunk: str
    since: float
    reason: str = "the store did not answer, no INVITE left"
    caller_id: str = ""


def attempt_ids(incarnation: str) -> Iterator[str]:
    """Attempt ids that no other process and no other run gives out."""
    salt = secrets.token_hex(2)
    for number in count(1):
        yield f"{incarnation}-{salt}-{number:06d}"


async def lease_leads(
    desk: StoreDesk,
    wishes: trio.MemoryReceiveChannel[Lease | Release | Postpone],
    settings_of: Callable[[str], AppliedSettings],
) -> None:
    """Lease, release and postpone, one wish after the other. Runs until the engine's side is closed."""
    async for wish in wishes:
        try:
            match wish:
                case Lease(campaign, number):
                    settings = settings_of(campaign)
                    answers = await trio.to_thread.run_sync(_lease, desk, settings, number)
                    refused = [answer for answer in answers if isinstance(answer, Refused)]
                    if refused:
                        await desk.evidence.keep(desk.evidence.decisions(refused, settings))
                    for told in answers:
                        await desk.inbox.send(told)
                case Release(campaign, leads):
                    ids = [lead.lead_id for lead in leads]
                    await trio.to_thread.run_sync(
                        leases.release, desk.store, campaign, desk.owner, ids, desk.clock.wall()
                    )
                case Postpone():
                    await trio.to_thread.run_sync(_postpone, desk, wish)
        except StoreError as error:
            desk.health.ails(Ailment.REDIS, str(error))
            if isinstance(wish, Lease):
                await desk.inbox.send(StoreFailed(wish.campaign, (), lease=True))
            # A release that did not get through costs nothing but time: the leases end by themselves. After a
            # postponement that did not, the lead is due again sooner than the agent asked for.


def _lease(desk: StoreDesk, settings: AppliedSettings, number: int) -> list[LeadsLeased | Refused]:
    """Leads, and in mode preview those that are not worth an agent's look."""
    now = desk.clock.wall()
    taken = leases.lease(desk.store, settings.name, desk.owner, number, now, desk.lease_s)
    if settings.mode is not Mode.PREVIEW:
        return [LeadsLeased(settings.name, taken.leads, taken.due, taken.waiting)]
    screening = Screening.as_dialled(desk.store, settings, now, desk.shelf)
    leads, refused = gate.sift(screening, taken.leads, owner=desk.owner)
    return [*refused, LeadsLeased(settings.name, leads, taken.due, taken.waiting)]


def _postpone(desk: StoreDesk, wish: Postpone) -> None:
    now = desk.clock.wall()
    ids = [wish.lead.lead_id]
    why = kept(wish.why)
    leases.postpone(desk.store, wish.campaign, desk.owner, ids, until=now + wish.after_s, why=why, now=now)


async def pass_gates(
    desk: StoreDesk,
    wishes: trio.MemoryReceiveChannel[Reserve],
    settings_of: Callable[[str], AppliedSettings],
    ids: Iterator[str],
) -> None:
    """Take leads through the compliance gates. Runs until the engine's side is closed."""
    async for wish in wishes:
        if desk.evidence.ailing:
            await desk.inbox.send(StoreFailed(wish.campaign, wish.leads, lease=False))
            continue
        attempts = [next(ids) for _ in wish.leads]
        settings = settings_of(wish.campaign)
        try:
            answers = await trio.to_thread.run_sync(_screen, desk, settings, wish, attempts)
        except StoreError as error:
            desk.health.ails(Ailment.REDIS, str(error))
            await desk.inbox.send(StoreFailed(wish.campaign, wish.leads, lease=False))
            now = desk.clock.now()
            desk.doubtful.extend(
                Doubtful(lead, attempt, wish.trunk, now) for lead, attempt in zip(wish.leads, attempts, strict=True)
            )
            continue
        if not await desk.evidence.keep(desk.evidence.decisions(answers, settings, wish.trunk)):
            answers = await _withheld(desk, wish, answers)
        for answer in answers:
            await desk.inbox.send(answer)


async def _withheld(
    desk: StoreDesk, wish: Reserve, answers: Sequence[Permitted | Refused]
) -> tuple[Permitted | Refused, ...]:
    """Keep permits back that are not on record: nobody may dial on them, and their attempts are given back. Returns
    the refusals."""
    permits = [answer for answer in answers if isinstance(answer, Permitted)]
    now, reason = desk.clock.now(), "the permit could not be put on record, no INVITE left"
    desk.doubtful.extend(
        Doubtful(one.lead, one.permit.attempt, wish.trunk, now, reason, one.permit.caller_id) for one in permits
    )
    if permits:
        await desk.inbox.send(StoreFailed(wish.campaign, tuple(one.lead for one in permits), lease=False))
    return tuple(answer for answer in answers if isinstance(answer, Refused))


def _screen(
    desk: StoreDesk, settings: AppliedSettings, wish: Reserve, attempts: list[str]
) -> tuple[Permitted | Refused, ...]:
    now, policy = desk.clock.wall(), settings.policy()
    screening = Screening(desk.store, settings, policy, now, desk.shelf, wish.agent_held)
    return gate.screen(screening, wish.leads, trunk=wish.trunk, owner=desk.owner, attempt_ids=attempts)


async def settle_doubtful(
    desk: StoreDesk, scribe: trio.MemorySendChannel[ForScribe], *, after_s: float = DOUBT_S
) -> None:
    """End attempts that have been in doubt for long enough that no late answer of the store can open them any more; in
    the end (`after_s` 0) all of them, or the next run would call them unknown.

    Settling does nothing to an attempt that was never written down, and gives back one that was.
    """
    while desk.doubtful and desk.clock.now() - desk.doubtful[0].since >= after_s:
        one = desk.doubtful.popleft()
        end = unsent(one.lead, one.attempt, one.trunk, one.reason, desk.clock.now(), caller_id=one.caller_id)
        await scribe.send(Settle(end))
