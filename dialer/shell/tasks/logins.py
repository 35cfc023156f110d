"""Agents who log in: whether the phone may be called, is nobody else's and is there. Who must wait for that keeps
nobody else waiting; what the same desktop says meanwhile is heard afterwards, in order."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from functools import partial
from ipaddress import IPv4Address
from typing import Final

import trio

from dialer.core.agents.agent import ALLOWED, AgentEvent, AgentEventKind, AgentEventRefused, apply
from dialer.core.agents.phones import Phone, PhoneRefused, PhoneRules, phone_of
from dialer.shell.health import NoCalls
from dialer.shell.parts import Parts, phone_rules
from dialer.shell.tasks.claims import Claims
from dialer.store.base.errors import StoreError
from dialer.store.crm.refusals import Allowance
from dialer.store.operators import campaigns
from dialer.store.operators.agents import Heard
from dialer.store.settlement.outbox import CrmEvent
from sip import address, options
from sip.edge.plan import INSIDE
from sip.names import Names

PROBES_LIMIT: Final = 32
"""Phones that are asked at once, each from a thread."""

LOOK_UP_LIMIT_S: Final = 3.0
LOGINS_LIMIT: Final = 1000
HELD_LIMIT: Final = 32
"""What a desktop may say while its agent's phone is looked at."""

CHANGES_PER_S: Final = 2.0
CHANGES_AT_ONCE: Final = 50.0
TOO_MANY: Final = f"this desktop says too much: at most {CHANGES_PER_S:g} changes a second are heard"
ALWAYS_HEARD: Final = frozenset({AgentEventKind.PAUSE, AgentEventKind.LOGOUT, AgentEventKind.HEARTBEAT})

NO_PHONE: Final = frozenset({404, 410, 480, 484, 485, 604})
"""Answers to OPTIONS that say that nobody is there; 486 and the like come from a phone that is."""


@dataclass(slots=True)
class Logins:
    """What desktops say goes through here: to the engine, or back with a reason."""

    parts: Parts
    claims: Claims
    _rules: PhoneRules = field(init=False)
    _names: Names = field(default_factory=Names)
    _held: dict[str, deque[Heard]] = field(default_factory=dict)
    _changes: dict[str, Allowance] = field(default_factory=dict)
    _threads: trio.CapacityLimiter = field(default_factory=partial(trio.CapacityLimiter, PROBES_LIMIT))
    _slow: trio.MemorySendChannel[str] = field(init=False)
    _slow_wanted: trio.MemoryReceiveChannel[str] = field(init=False)

    def __post_init__(self) -> None:
        self._rules = phone_rules(self.parts.settings)
        self._slow, self._slow_wanted = trio.open_memory_channel[str](LOGINS_LIMIT)

    async def run(self) -> None:
        """Look at the phones that take their time. Runs until cancelled."""
        async with trio.open_nursery() as nursery:
            async for agent in self._slow_wanted:
                nursery.start_soon(self._hear_held, agent)

    async def hear(self, heard: Heard) -> None:
        """Take what a desktop says. Waits for the store, never for a phone or a name. Raises `StoreError`."""
        event = heard.event
        held = self._held.get(event.agent)
        if held is not None:
            if len(held) < HELD_LIMIT:
                held.append(heard)
            else:
                await self._refuse(heard, "too much was said while the phone was being looked at")
        elif event.kind is AgentEventKind.LOGIN and self._takes_time(event):
            try:
                self._slow.send_nowait(event.agent)
            except trio.WouldBlock:
                await self._refuse(heard, "too many agents log in at once; log in again")
            else:
                self._held[event.agent] = deque([heard])
        else:
            await self._hear_now(heard)

    async def refuse(
        self, entry_id: str, agent: str, event: str, reason: str, ref: str, campaigns: tuple[str, ...] = ()
    ) -> None:
        """Every daemon reads every entry and may refuse it; the entry's id makes that one event for the CRM of the
        `campaigns` that it names, or that the agent works for."""
        now = self.parts.clock.wall()
        if self.parts.refusals.may_tell("agents:in", agent, reason, now):
            fields = {"agent": agent, "event": event, "reason": reason, "ref": ref}
            known = self.parts.engine.agent(agent)
            about = campaigns or (() if known is None else known.login or known.campaigns)
            refused = CrmEvent("agent_event_refused", f"agents:in/{entry_id}", "", now, fields, about=about)
            await self.parts.queues.facts.send(refused)

    async def obstacle(self, uri: str) -> str:
        """Why a supervisor's phone may not be rung, in words, by the rules for agents' phones; empty: it may."""
        with trio.move_on_after(LOOK_UP_LIMIT_S):
            try:
                await self._addresses(phone_of(uri))
            except PhoneRefused as refusal:
                return str(refusal)
            return ""
        return "uri: its name could not be looked up in time"

    # --- within ---------------------------------------------------------------------------------------------------

    def _takes_time(self, event: AgentEvent) -> bool:
        if self.parts.settings.agents.probe_limit_s:
            return True
        try:
            return bool(self._rules.names(phone_of(event.uri)))
        except PhoneRefused:
            return False

    async def _hear_held(self, agent: str) -> None:
        held = self._held[agent]
        self.claims.arriving.add(agent)
        try:
            while held:
                heard = held.popleft()
                try:
                    await self._hear_now(heard)
                except StoreError as error:
                    self.parts.health.stop_calls(NoCalls.REDIS, str(error))
                    await self._refuse(heard, "the store did not answer; say it again")
        finally:
            self.claims.arriving.discard(agent)
            del self._held[agent]

    async def _hear_now(self, heard: Heard) -> None:
        event = heard.event
        if event.kind is AgentEventKind.LOGIN:
            await self._log_in(heard)
        elif event.agent in self.claims.held:
            if self._may_change(event):
                await self.parts.queues.inbox.send(event)
            else:
                await self._refuse(heard, TOO_MANY)
        elif not await self.claims.is_anybodys(event.agent):
            try:
                apply(None, event, self.parts.clock.now())
            except AgentEventRefused as refusal:
                await self._refuse(heard, str(refusal))

    def _may_change(self, event: AgentEvent) -> bool:
        """Whether a desktop that says more than any person does is heard: what takes its agent off calls always is."""
        if event.kind in ALWAYS_HEARD:
            return True
        for gone in self._changes.keys() - self.claims.held:
            del self._changes[gone]
        allowance = self._changes.setdefault(event.agent, Allowance(CHANGES_PER_S, CHANGES_AT_ONCE))
        return allowance.take(self.parts.clock.now())

    async def _log_in(self, heard: Heard) -> None:
        event = heard.event
        known = await self.parts.ask(campaigns.names)
        unknown = [name for name in event.campaigns if name not in known]
        if unknown:
            reason = f"no campaign {', '.join(unknown)}; existing campaigns: {', '.join(known) or 'none yet'}"
            await self._refuse(heard, reason)
            return
        agent = self.parts.engine.agent(event.agent)
        if agent is not None and agent.state not in ALLOWED[AgentEventKind.LOGIN]:
            await self.parts.queues.inbox.send(event)  # the engine says why not
            return
        was_ours = event.agent in self.claims.held
        try:
            phone = phone_of(event.uri)
            addresses = await self._addresses(phone)
            if not await self.claims.take(event.agent):
                return
            if not await self.claims.take_phone(event.agent, phone.name):
                raise PhoneRefused("uri: another agent has logged in with this phone")
            await self._probe(phone, addresses[0])
        except PhoneRefused as refusal:
            if not was_ours and event.agent in self.claims.held:
                await self.claims.leave(event.agent)
            await self._refuse(heard, str(refusal))
        else:
            await self.parts.queues.inbox.send(event)

    async def _addresses(self, phone: Phone) -> list[IPv4Address]:
        """Those of the phone's host. Raises `PhoneRefused` where it may not be called."""
        found: dict[str, list[IPv4Address]] = {}
        if self.parts.settings.edge.has_phones:
            self._rules.check(phone, found)
            return [IPv4Address(INSIDE)]
        for host in {phone.host, *self._rules.names(phone)}:
            texts = await self._names.addresses(host) if address.is_name(host) else (host,)
            found[host] = [IPv4Address(text) for text in texts]
        self._rules.check(phone, found)
        return found[phone.host]

    async def _probe(self, phone: Phone, where: IPv4Address) -> None:
        """Raises `PhoneRefused` for a phone that is not there."""
        settings = self.parts.settings
        limit_s = settings.agents.probe_limit_s
        if not limit_s:
            return
        ask = partial(
            options.ask,
            str(where),
            settings.edge.phones_port if settings.edge.has_phones else phone.port,
            bind_address=settings.sip.bind_address,
            user_agent=settings.sip.user_agent,
            limit_s=limit_s,
            uri=phone.uri,
        )
        try:
            reply = await trio.to_thread.run_sync(ask, limiter=self._threads)
        except options.NoReply as silence:
            raise PhoneRefused(f"the phone {phone.name} cannot be reached: {silence}") from None
        if reply.status in NO_PHONE or not reply.serves:
            raise PhoneRefused(f"the phone {phone.name} takes no calls: {reply.status} {reply.reason}")

    async def _refuse(self, heard: Heard, reason: str) -> None:
        event = heard.event
        await self.refuse(heard.entry_id, event.agent, event.kind.value, reason, event.ref, event.campaigns)
