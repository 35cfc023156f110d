"""Asking the pacers: off the event loop, with a time budget.

Each campaign has one pacer, used by one thread at a time. A pacer that is late does not hold up the floor: that tick
is decided by the progressive rule, which needs no forecast, and what the pacer says too late is dropped.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Final

import structlog
import trio

from dialer.core.engine import PacerRequest
from dialer.core.inputs import Paced
from dialer.shell.parts import Parts
from pacing.api import Decision, Memory, Pacer, Rule, Settings
from pacing.policies import make, progressive

log = structlog.get_logger()

SLOWEST_BEAT_S: Final = 1.0
"""Every running campaign is decided at least this often, whatever happens."""

SAY_LATE_EVERY_S: Final = 60.0


@dataclass(slots=True)
class Pacers:
    """The pacers by campaign. A change of settings makes a new pacer that keeps what the old one had learnt.

    `memories` is what a new pacer goes on from where the one before has learnt nothing. `asked` names the campaigns
    that may have learnt since they were last saved. `busy` is held by whoever uses a pacer: never two threads at once.
    """

    by_campaign: dict[str, tuple[Settings, Pacer]] = field(default_factory=dict)
    memories: dict[str, Memory] = field(default_factory=dict)
    asked: set[str] = field(default_factory=set)
    busy: trio.Lock = field(default_factory=trio.Lock)

    def step(self, requests: list[PacerRequest]) -> list[Decision]:
        """Ask each campaign's pacer; runs in a thread."""
        return [self._of(request).step(request.observations, request.snapshot) for request in requests]

    def _of(self, request: PacerRequest) -> Pacer:
        name = request.campaign
        self.asked.add(name)
        known = self.by_campaign.get(name)
        if known is None or known[0] != request.settings:
            known = self.by_campaign[name] = (request.settings, make(request.settings, self.memory(name)))
        return known[1]

    def memory(self, campaign: str) -> Memory | None:
        """What is known of a campaign: what its pacer has learnt, else what one before it had."""
        known = self.by_campaign.get(campaign)
        if known is not None and (learnt := known[1].memory()):
            self.memories[campaign] = learnt
        return self.memories.get(campaign)


Recall = Callable[[list[PacerRequest]], Awaitable[list[PacerRequest]]]
"""Fetches what was learnt of campaigns that have no pacer yet. Gives the requests that can be asked now."""


@dataclass(slots=True)
class LateLog:
    """Says that pacers were late, at most once a minute, with how often."""

    times: int = 0
    said_at: float = float("-inf")

    def late(self, budget_s: float, now: float) -> None:
        """They were late once more."""
        self.times += 1
        if now - self.said_at >= SAY_LATE_EVERY_S:
            log.warning("pacing was late", times=self.times, budget_s=budget_s)
            self.times, self.said_at = 0, now


async def pace(parts: Parts, pacers: Pacers, recall: Recall) -> None:
    """Ask whoever something happened to, every `interval_s`; everybody, once a second. Runs until cancelled."""
    engine, clock, settings, statistics = parts.engine, parts.clock, parts.settings.pacing, parts.statistics
    everyone_at = clock.now()
    decisions_sent, late_log = 0, LateLog()
    while True:
        await trio.sleep(settings.interval_s)
        if engine.decisions_taken < decisions_sent:
            continue  # the last decisions still wait in the queue: a snapshot without them would start calls twice
        now = clock.now()
        everyone = now >= everyone_at
        if everyone:
            everyone_at = now + SLOWEST_BEAT_S
        requests = await recall(engine.pacer_requests(now, everyone=everyone))
        if not requests:
            continue
        async with pacers.busy, trio.open_nursery() as nursery:
            asking = Asking()
            nursery.start_soon(asking.ask, pacers, requests)
            with trio.move_on_after(settings.budget_s * len(requests)):
                await asking.done.wait()
            decisions = asking.decisions
            if not asking.done.is_set():
                statistics.pacing_late += 1
                late_log.late(settings.budget_s, clock.now())
                decisions = [progressive(request.snapshot, request.settings, Rule.LATE) for request in requests]
            for request, decision in zip(requests, decisions, strict=True):
                statistics.decided(request.campaign, decision)
                decisions_sent += 1
                await parts.queues.inbox.send(Paced(request.campaign, decision))


@dataclass(slots=True)
class Asking:
    """A round of decisions on its way."""

    done: trio.Event = field(default_factory=trio.Event)
    decisions: list[Decision] = field(default_factory=list)

    async def ask(self, pacers: Pacers, requests: list[PacerRequest]) -> None:
        """Ask, in a thread."""
        self.decisions = await trio.to_thread.run_sync(pacers.step, requests)
        self.done.set()
