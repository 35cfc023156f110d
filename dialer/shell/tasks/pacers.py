"""Asking the pacers: off the event loop, with a time budget.

Each campaign has one pacer, used by one thread at a time. A pacer that is late does not hold up the floor: that tick
is decided by the progressive rule, which needs no forecast, and what the pacer says too late is dropped.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

import structlog
import trio

from config.daemon import PacingSettings
from dialer.core.engine import Engine, PacerRequest
from dialer.core.inputs import Input, Paced
from dialer.shell.clock import Clock
from dialer.shell.statistics import Tally
from pacing.api import Decision, Memory, Pacer, Rule, Settings
from pacing.policies import make, progressive

log = structlog.get_logger()

SLOWEST_BEAT_S = 1.0
"""Every running campaign is decided at least this often, whatever happens."""


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

    def step(self, questions: list[PacerRequest]) -> list[Decision]:
        """Ask each campaign's pacer; runs in a thread."""
        return [self._of(question).step(question.observations, question.snapshot) for question in questions]

    def _of(self, question: PacerRequest) -> Pacer:
        name = question.campaign
        self.asked.add(name)
        known = self.by_campaign.get(name)
        if known is None or known[0] != question.settings:
            known = self.by_campaign[name] = (question.settings, make(question.settings, self.memory(name)))
        return known[1]

    def memory(self, campaign: str) -> Memory | None:
        """What is known of a campaign: what its pacer has learnt, else what one before it had."""
        known = self.by_campaign.get(campaign)
        if known is not None and (learnt := known[1].memory()):
            self.memories[campaign] = learnt
        return self.memories.get(campaign)


Recall = Callable[[list[PacerRequest]], Awaitable[list[PacerRequest]]]
"""Fetches what was learnt of campaigns that have no pacer yet. Gives the questions that can be asked now."""


async def at_once(questions: list[PacerRequest]) -> list[PacerRequest]:
    """Nothing is kept of earlier runs."""
    return questions


async def pace(
    engine: Engine,
    inbox: trio.MemorySendChannel[Input],
    settings: PacingSettings,
    clock: Clock,
    tally: Tally,
    pacers: Pacers,
    recall: Recall = at_once,
) -> None:
    """Ask whoever something happened to, every `interval_s`; everybody, once a second. Runs until cancelled."""
    everyone_at = clock.now()
    decisions_sent = 0
    while True:
        await trio.sleep(settings.interval_s)
        if tally.decisions_taken < decisions_sent:
            continue  # the last decisions still wait in the queue: a snapshot without them would start calls twice
        now = clock.now()
        everyone = now >= everyone_at
        if everyone:
            everyone_at = now + SLOWEST_BEAT_S
        questions = await recall(engine.pacer_requests(now, everyone=everyone))
        if not questions:
            continue
        async with pacers.busy, trio.open_nursery() as nursery:
            decided = Decided()
            nursery.start_soon(_ask, pacers, questions, decided)
            with trio.move_on_after(settings.budget_s * len(questions)):
                await decided.event.wait()
            if not decided.event.is_set():
                tally.pacing_late += 1
                log.warning("pacing was late", campaigns=len(questions), budget_s=settings.budget_s)
                decided.decisions = [
                    progressive(question.snapshot, question.settings, Rule.LATE) for question in questions
                ]
            for question, decision in zip(questions, decided.decisions, strict=True):
                tally.decided(question.campaign, decision)
                decisions_sent += 1
                await inbox.send(Paced(question.campaign, decision))


@dataclass(slots=True)
class Decided:
    """A round of decisions on its way."""

    event: trio.Event = field(default_factory=trio.Event)
    decisions: list[Decision] = field(default_factory=list)


async def _ask(pacers: Pacers, questions: list[PacerRequest], decided: Decided) -> None:
    decided.decisions = await trio.to_thread.run_sync(pacers.step, questions)
    decided.event.set()
