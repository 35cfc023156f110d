"""The engine's wishes to the store, in threads and in batches.

Two tasks, so that a slow lease never holds up the gates. Whatever is waiting when a task comes round goes in one
batch. A store that does not answer is said to the engine (`StoreFailed`); nothing was dialled then.
"""

from __future__ import annotations

import secrets
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import count
from typing import Final

import structlog
import trio

from config.campaign import CampaignSettings
from dialer.core.effects import Lease, Release, Reserve, Settle
from dialer.core.inputs import Input, LeadsLeased, Permitted, Refused, StoreFailed
from dialer.core.model import Lead
from dialer.core.settling import unsent
from dialer.shell.clock import Clock
from dialer.shell.engine_task import ForScribe
from dialer.shell.health import Ailment, Health
from dialer.store import gate, leases
from dialer.store.connection import Store
from dialer.store.errors import StoreError

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
    doubtful: deque[Doubtful] = field(default_factory=deque)


@dataclass(frozen=True, slots=True)
class Doubtful:
    """An attempt that may have been reserved and written down: the store did not answer. No INVITE left for it."""

    lead: Lead
    attempt: str
    trunk: str
    since: float


def attempt_ids(incarnation: str) -> Iterator[str]:
    """Attempt ids that no other process and no other run gives out."""
    salt = secrets.token_hex(2)
    for number in count(1):
        yield f"{incarnation}-{salt}-{number:06d}"


async def lease_leads(desk: StoreDesk, wishes: trio.MemoryReceiveChannel[Lease | Release]) -> None:
    """Lease and release, one wish after the other. Runs until the engine's side is closed."""
    async for wish in wishes:
        try:
            match wish:
                case Lease(campaign, number):
                    told = await trio.to_thread.run_sync(_lease, desk, campaign, number)
                    await desk.inbox.send(told)
                case Release(campaign, leads):
                    ids = [lead.lead_id for lead in leads]
                    await trio.to_thread.run_sync(
                        leases.release, desk.store, campaign, desk.owner, ids, desk.clock.wall()
                    )
        except StoreError as error:
            desk.health.ails(Ailment.REDIS, str(error))
            if isinstance(wish, Lease):
                await desk.inbox.send(StoreFailed(wish.campaign, (), lease=True))
            # A release that did not get through costs nothing but time: the leases end by themselves.


def _lease(desk: StoreDesk, campaign: str, number: int) -> LeadsLeased:
    taken = leases.lease(desk.store, campaign, desk.owner, number, desk.clock.wall(), desk.lease_s)
    return LeadsLeased(campaign, taken.leads, taken.due, taken.waiting)


async def pass_gates(
    desk: StoreDesk,
    wishes: trio.MemoryReceiveChannel[Reserve],
    settings_of: Callable[[str], CampaignSettings],
    ids: Iterator[str],
) -> None:
    """Take leads through the compliance gates. Runs until the engine's side is closed."""
    async for wish in wishes:
        attempts = [next(ids) for _ in wish.leads]
        try:
            answers = await trio.to_thread.run_sync(_screen, desk, settings_of(wish.campaign), wish, attempts)
        except StoreError as error:
            desk.health.ails(Ailment.REDIS, str(error))
            await desk.inbox.send(StoreFailed(wish.campaign, wish.leads, lease=False))
            now = desk.clock.now()
            desk.doubtful.extend(
                Doubtful(lead, attempt, wish.trunk, now) for lead, attempt in zip(wish.leads, attempts, strict=True)
            )
            continue
        for answer in answers:
            await desk.inbox.send(answer)


def _screen(
    desk: StoreDesk, settings: CampaignSettings, wish: Reserve, attempts: list[str]
) -> tuple[Permitted | Refused, ...]:
    return gate.screen(
        desk.store,
        settings,
        settings.policy(),
        wish.leads,
        trunk=wish.trunk,
        owner=desk.owner,
        now=desk.clock.wall(),
        attempt_ids=attempts,
    )


async def settle_doubtful(
    desk: StoreDesk, scribe: trio.MemorySendChannel[ForScribe], *, after_s: float = DOUBT_S
) -> None:
    """End attempts that have been in doubt for long enough that no late answer of the store can open them any more; in
    the end (`after_s` 0) all of them, or the next run would call them unknown.

    Settling does nothing to an attempt that was never written down, and gives back one that was.
    """
    while desk.doubtful and desk.clock.now() - desk.doubtful[0].since >= after_s:
        one = desk.doubtful.popleft()
        reason = "the store did not answer, no INVITE left"
        await scribe.send(Settle(unsent(one.lead, one.attempt, one.trunk, reason, desk.clock.now())))
