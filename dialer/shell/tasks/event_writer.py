"""Writing down what happened: settlements, events for the CRM, the presence table, the canonical log line.

One task commits in groups: what arrives while a batch is being written goes into the next one. While Redis is away
everything goes to the disk spool instead, in order, and is replayed before anything newer. Where the spool is full or
the disk fails, the newest facts stay in memory until the queue is full; then the engine is held up, and none is lost.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, Final

import structlog
import trio

from dialer.core.abandonment.windows import counting_day, zone_of
from dialer.core.agents.intervals import AgentTime, Interval
from dialer.core.attempt_fields import durations_of, fields_of
from dialer.core.effects import AgentChanged, Listened, OptOut, Publish, Settle
from dialer.core.evidence import without_number
from dialer.core.inbound.ending import end_of
from dialer.core.model import Settlement
from dialer.disk.errors import DiskError
from dialer.disk.journal import Row
from dialer.language.phrases import phrase
from dialer.shell.health import NoCalls
from dialer.shell.parts import Parts, ToWrite
from dialer.store.base.errors import StoreError
from dialer.store.base.fields import Undecodable
from dialer.store.crm import wishes
from dialer.store.operators import agents, control
from dialer.store.privacy import opt_outs
from dialer.store.privacy.opt_outs import OptedOut
from dialer.store.settlement import floor_events, outbox, retelling, settle
from dialer.store.settlement.outbox import CrmEvent

log = structlog.get_logger()

BATCH: Final = 500

GATHER_S: Final = 0.05
"""From one batch to the next. What comes after a quiet moment is written at once; under load a trip to the disk and to
Redis for each fact would cost more than the fact."""

LISTENED_KEPT: Final = 1000
SPOOL_FULL_PAUSE_S: Final = 1.0
REPEATED: Final = frozenset({"recording_state", "talk_state"})
"""Events of which there may be several about one attempt."""

Fact = Settlement | OptedOut | CrmEvent


@dataclass(slots=True)
class EventWriter:
    """The writer. What must not be lost is written in the order in which it came; of `presence` only the newest, of
    `listened` what there is room for while Redis is away. The log has all of it."""

    parts: Parts
    presence: dict[str, agents.Presence] = field(default_factory=dict)
    listened: deque[tuple[Listened, float]] = field(default_factory=partial(deque, maxlen=LISTENED_KEPT))
    agent_time: AgentTime = field(default_factory=AgentTime)
    _numbered: int = 0
    _spooling: trio.Lock = field(default_factory=trio.Lock)

    async def write(self) -> None:
        """Write until the engine's side is closed and everything is either in Redis or on disk."""
        incoming = self.parts.queues.facts_to_write
        written_at = -math.inf
        async for first in incoming:
            await trio.sleep_until(written_at + GATHER_S)
            written_at = trio.current_time()
            effects = [first, *_rest(incoming)]
            facts = [fact for effect in effects for fact in self._facts(effect)]
            await self._commit([*facts, *map(self._interval, self.agent_time.cut(self.parts.clock.wall()))])
            if self.parts.health.redis_healthy:
                async with self._spooling:
                    await self._show_presence() and await self._audit()

    def _facts(self, effect: ToWrite) -> list[Fact]:
        match effect:
            case Settle(settlement):
                return [self._settled(settlement)]
            case Publish():
                return [self._event(effect, self.parts.clock.wall())]
            case CrmEvent():
                return [effect]
            case Listened():
                self.listened.append((effect, self.parts.clock.wall()))
                log.info("listening", who=effect.who, attempt_id=effect.attempt, agent=effect.agent, mode=effect.voice)
                return []
            case OptOut(campaign, attempt, number, key, at):
                log.info("opt_out", attempt_id=attempt, campaign=campaign, number=str(number), key=key)
                return [OptedOut(campaign, attempt, number, key, self.parts.clock.to_wall(at))]
            case AgentChanged():
                at = self.parts.clock.to_wall(effect.since)
                self.presence[effect.agent] = agents.Presence(
                    agent=effect.agent,
                    state=effect.state,
                    since=at,
                    reason=effect.reason,
                    campaigns=effect.campaigns,
                    owner=self.parts.owner,
                )
                fields = {
                    "agent": effect.agent,
                    "state": effect.state.value,
                    "reason": effect.reason,
                    "pending": "" if effect.pending is None else effect.pending.value,
                }
                intervals = self.agent_time.changed(effect, at)
                changed = self._event(Publish("agent_state", "", fields), at)
                return [*map(self._interval, intervals), replace(changed, about=effect.campaigns)]

    def _event(self, effect: Publish, at: float) -> CrmEvent:
        """The event of an effect. An agent can change twice in a millisecond, so what is about no attempt is numbered:
        two events with one id would be one for the CRM."""
        fields = effect.fields
        if "until" in fields:
            effect = replace(effect, fields={**fields, "until": self.parts.clock.to_wall(fields["until"])})
        event = outbox.event_of(effect, at)
        if fields.get("attempt_id") and effect.kind not in REPEATED:
            return event
        self._numbered += 1
        event = replace(event, id=f"{event.id}-{self._numbered}")
        if effect.campaign or not fields.get("agent"):
            return event
        agent = self.parts.engine.agent(fields["agent"])
        return event if agent is None else replace(event, about=agent.login or agent.campaigns)

    def _interval(self, interval: Interval) -> CrmEvent:
        return floor_events.agent_interval(interval, self.parts.host)

    def _settled(self, settlement: Settlement) -> Settlement:
        settings = self.parts.engine.settings_of(settlement.campaign)
        zone = None if settings is None else zone_of(settings)
        day = counting_day(self.parts.clock.to_wall(settle.counted_at(settlement)), zone)
        if settlement.inbound:
            words = {"end": end_of(settlement).value, "wants_callback": settlement.wants_callback}
            log.info("inbound_call", **_canonical(settlement), **words)
        else:
            self.parts.metrics.attempt(settlement)
            log.info("attempt", **_canonical(settlement))
        return settle.settled(settlement, clock=self.parts.clock.to_wall, day=day)

    async def _commit(self, facts: Sequence[Fact]) -> None:
        """Opt-outs first: they wait for nothing, also not for the disk that keeps the evidence."""
        opted_out = [fact for fact in facts if isinstance(fact, OptedOut)]
        ends = [fact for fact in facts if isinstance(fact, Settlement)]
        await self._put_down(opted_out)
        await self.parts.evidence.keep(
            [
                *self.parts.evidence.opt_outs(opted_out),
                *self.parts.evidence.ends(ends, self.parts.owner),
                *_journalled(facts),
            ]
        )
        await self._put_down([fact for fact in facts if not isinstance(fact, OptedOut)])

    async def _put_down(self, facts: Sequence[Fact]) -> None:
        if not facts:
            return
        async with self._spooling:
            while not (await self._in_store(facts) or await self._on_disk(facts)):
                await trio.sleep(SPOOL_FULL_PAUSE_S)
                await self._replay()
            self.parts.health.allow_calls(NoCalls.SPOOL)

    async def _in_store(self, facts: Sequence[Fact]) -> bool:
        """Write to Redis, unless older facts wait on disk, or it is not certain whose server it is."""
        if len(self.parts.spool) or not self.parts.store_is_ours:
            return False
        rows = list(self.presence.values())
        try:
            if await trio.to_thread.run_sync(self._to_store, facts, rows):
                self._shown(rows)
        except StoreError as error:
            self.parts.health.stop_calls(NoCalls.REDIS, str(error))
            return False
        return True

    async def _on_disk(self, facts: Sequence[Fact]) -> bool:
        try:
            rows = [_row(fact) for fact in facts]
            await trio.to_thread.run_sync(self.parts.spool.append, rows, abandon_on_cancel=True)
        except DiskError as error:  # full, or the disk does not take it
            self.parts.health.stop_calls(NoCalls.SPOOL, str(error))
            return False
        return True

    def _to_store(self, facts: Sequence[Fact], presence: Sequence[agents.Presence] = ()) -> bool:
        """Write facts, and show presence in the same turn of a thread; False where the latter could not be done."""
        opt_outs.block(self.parts.store, [fact for fact in facts if isinstance(fact, OptedOut)])
        ends = [fact for fact in facts if isinstance(fact, Settlement)]
        settle.settle(self.parts.store, ends, self.parts.owner)
        wishes.promise_callbacks(self.parts.store, ends, self.parts.settings.inbound.callback_after_s)
        outbox.publish(self.parts.store, [fact for fact in facts if isinstance(fact, CrmEvent)])
        self.parts.unwritten.difference_update(end.attempt for end in ends)
        try:
            agents.show(self.parts.store, presence)
        except StoreError:
            return False  # the next look at it says why
        return True

    async def put_down(self, event: CrmEvent) -> None:
        """Write one event at once: it is in Redis, or on this host's disk, when this returns."""
        await self._put_down([event])

    async def replay(self) -> bool:
        """Bring what is on disk to Redis, oldest first, then the presence table up to date. False where Redis does not
        answer yet. While it is not certain whose server it is, nothing is brought there."""
        if not self.parts.store_is_ours:
            return True
        async with self._spooling:
            return await self._replay() and await self._show_presence() and await self._audit()

    async def _replay(self) -> bool:
        while rows := await self._waiting_rows():
            try:
                facts = await trio.to_thread.run_sync(self._readable, rows)
                await self.parts.evidence.keep(_journalled(facts))  # it may be long ago that they were put there
                await trio.to_thread.run_sync(self._to_store, facts)
            except StoreError as error:
                self.parts.health.stop_calls(NoCalls.REDIS, str(error))
                return False
            await trio.to_thread.run_sync(self.parts.spool.discard, len(rows), abandon_on_cancel=True)
        return True

    async def _waiting_rows(self) -> list[Any]:
        """The oldest facts on disk. What somebody has taken away there is an alarm, and the rest goes on."""
        before = self.parts.spool.lost
        rows: list[Any] = await trio.to_thread.run_sync(self.parts.spool.peek, BATCH, abandon_on_cancel=True)
        if self.parts.spool.lost > before:
            lost = self.parts.spool.lost
            log.error("facts on disk are gone", facts=lost)
            words = phrase("{lost} facts in the spool are gone: somebody cut its files off or deleted them", lost=lost)
            self.parts.health.alarm("unreadable facts", words)
        return rows

    def _readable(self, rows: Sequence[Any]) -> list[Fact]:
        """Facts off the disk. What this release cannot read is set aside, so that the rest goes on."""
        facts: list[Fact] = []
        for row in rows:
            try:
                facts.append(_fact(row))
            except Undecodable as error:
                try:
                    path = str(self.parts.spool.set_aside([row]))
                except OSError as failure:
                    raise StoreError(f"a fact cannot be read, and cannot be set aside: {failure}") from error
                log.error("a fact on disk cannot be read and is set aside", reason=str(error), path=path)
                words = phrase("facts in the spool could not be read; they are set aside in {path}", path=path)
                self.parts.health.alarm("unreadable facts", words)
        return facts

    async def _show_presence(self) -> bool:
        rows = list(self.presence.values())
        if not rows:
            return True
        try:
            await self.parts.ask(agents.show, rows)
        except StoreError as error:
            self.parts.health.stop_calls(NoCalls.REDIS, str(error))
            return False
        self._shown(rows)
        return True

    def _shown(self, rows: Sequence[agents.Presence]) -> None:
        for row in rows:
            if self.presence.get(row.agent) is row:
                del self.presence[row.agent]

    async def _audit(self) -> bool:
        """Write into the audit trail who listened to whom, the oldest first."""
        while self.listened:
            heard, at = self.listened[0]
            detail = {"attempt_id": heard.attempt, "agent": heard.agent, "mode": heard.voice}
            what = "listening" if heard.voice else "listening_over"
            try:
                await self.parts.ask(control.audit, what, who=heard.who, now=at, detail=detail)
            except StoreError as error:
                self.parts.health.stop_calls(NoCalls.REDIS, str(error))
                return False
            self.listened.popleft()
        return True


def _rest(incoming: trio.MemoryReceiveChannel[ToWrite]) -> list[ToWrite]:
    effects: list[ToWrite] = []
    while len(effects) < BATCH:
        try:
            effects.append(incoming.receive_nowait())
        except (trio.WouldBlock, trio.EndOfChannel):
            break
    return effects


def _journalled(facts: Sequence[Fact]) -> list[Row]:
    """What a server that forgets is told again."""
    rows = [retelling.end_row(fact) for fact in facts if isinstance(fact, Settlement)]
    rows += [retelling.opt_out_row(fact) for fact in facts if isinstance(fact, OptedOut)]
    return rows + [
        retelling.event_row(fact) for fact in facts if isinstance(fact, CrmEvent) and fact.kind in outbox.MUST_NOT_MISS
    ]


def _row(fact: Fact) -> list[Any]:
    match fact:
        case Settlement():
            return ["settled", settle.to_wire(fact)]
        case OptedOut():
            return ["opt_out", opt_outs.to_wire(fact)]
        case CrmEvent():
            return ["event", outbox.to_wire(fact)]


def _fact(row: Any) -> Fact:
    """The way back. Raises `Undecodable`."""
    match row:
        case ["settled", data]:
            return settle.from_wire(data)
        case ["opt_out", data]:
            return opt_outs.from_wire(data)
        case ["event", data]:
            return outbox.from_wire(data)
    raise Undecodable("it is no fact")


def _canonical(settlement: Settlement) -> dict[str, Any]:
    """The one log line of an attempt: everything that somebody may want to know about it later."""
    lead = settlement.lead
    return {
        "attempt_id": settlement.attempt,
        "campaign": settlement.campaign,
        "lead_id": without_number(lead),
        "number": str(lead.number),
        **fields_of(settlement),
        **durations_of(settlement),
    }
