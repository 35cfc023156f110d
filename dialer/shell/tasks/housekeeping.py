"""Deleting what has been kept long enough, once a day in small slices, and finishing erasures; by one daemon of all.

A round goes over the leads, attempts and rejected leads of each campaign, then over the events and the contact
histories. How far it has come is in the store, so that a restart, or another daemon, goes on there. What was deleted
goes on record when a part of the round is done: as evidence of this host, into the audit trail and the log.

A contact history is kept for `retention.contacts_days`, or for as long as a cap of any campaign looks back, whichever
is longer; where installations share them, for as long as any of these wants. While the caps of one campaign cannot be
read on this host, no history is deleted.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

import structlog
import trio

from compliance.caps import horizon_s
from compliance.policy import Policy
from config.daemon import RetentionSettings
from config.policies import Catalogue, applied
from config.problems import ConfigError
from dialer.core.evidence import erased, purged
from dialer.shell.health import NoCalls
from dialer.shell.parts import Parts
from dialer.store.base.connection import Store
from dialer.store.base.errors import StoreError, StoreUnavailable
from dialer.store.operators import campaigns, control
from dialer.store.privacy import erase, erasures, retention
from dialer.store.privacy.erasures import Erasure
from dialer.store.privacy.retention import Round, Slice

log = structlog.get_logger()

DAY_S: Final = 86_400.0
ROUND_EVERY_S: Final = DAY_S
PAUSE_S: Final = 0.25
IDLE_S: Final = 2.0
CLAIM_S: Final = 60.0
RULES_LAST_S: Final = 60.0
CLOCKS_AGREE_S: Final = 3600.0
"""A clock that is wrong by years would have everything deleted, so two must agree within this."""

UNFINISHED_S: Final = 60.0
"""An erasure that whoever asked for it has not completed by then is completed here."""

WHO: Final = "housekeeping"
OF_A_CAMPAIGN: Final = ("leads", "attempts", "rejected")
OF_ALL: Final = ("events", "contacts")


@dataclass(frozen=True, slots=True)
class Rules:
    """What is deleted of which age: `leads_s` by campaign; `contacts_s` None while nobody knows how far caps look."""

    leads_s: Mapping[str, float]
    events_s: float
    contacts_s: float | None


def rules_of(settings: RetentionSettings, policies: Mapping[str, Policy | None]) -> Rules:
    """What follows from this host's settings and the campaigns' policies; None: one that cannot be read here."""
    longest_s = settings.leads_days * DAY_S
    leads_s = {
        name: min(longest_s, policy.retention_s) if policy and policy.retention_s else longest_s
        for name, policy in policies.items()
    }
    caps = [cap for policy in policies.values() if policy for cap in policy.caps]
    known = all(policy is not None for policy in policies.values())
    contacts_s = max(settings.contacts_days * DAY_S, horizon_s(caps)) if known else None
    return Rules(leads_s, longest_s, contacts_s)


@dataclass(slots=True)
class Housekeeping:
    """The one task. `catalogue` gives the policies that this host has, None until they have been read."""

    parts: Parts
    catalogue: Callable[[], Catalogue | None]
    pause_s: float = PAUSE_S
    idle_s: float = IDLE_S
    _rules: Rules | None = None
    _rules_at: float = field(default=float("-inf"))
    _warned: set[str] = field(default_factory=set)

    async def keep(self) -> None:
        """One slice after the other while a round is under way. Runs until cancelled."""
        while True:
            wait_s = self.idle_s
            if self.parts.health.redis_healthy and self.catalogue() is not None:
                try:
                    if await self.parts.ask(retention.claim, self.parts.owner, CLAIM_S):
                        await self._finish_erasures()
                        wait_s = self.pause_s if await self._slice() else self.idle_s
                except StoreUnavailable as error:
                    self.parts.health.stop_calls(NoCalls.REDIS, str(error))
                except StoreError as error:
                    self._warn_once(str(error))
            await trio.sleep(wait_s)

    # --- the round ----------------------------------------------------------------------------------------------------

    async def _slice(self) -> bool:
        """Do one slice of the round that is due; False: none is."""
        now, theirs = self.parts.clock.wall(), await self.parts.ask(retention.clock)
        if abs(now - theirs) > CLOCKS_AGREE_S:
            self._warn_once(
                f"nothing is deleted: this host's clock and that of Redis differ by {now - theirs:+.0f} s", "clocks"
            )
            return False
        round_ = await self.parts.ask(retention.load)
        rules = await self._current_rules()
        parts = [(what, name) for name in sorted(rules.leads_s) for what in OF_A_CAMPAIGN]
        parts += [(what, "") for what in OF_ALL]
        if round_ is None or (not round_.what and now - round_.began_at >= ROUND_EVERY_S) or round_.began_at > now:
            round_ = Round(now, *parts[0])
        if not round_.what:
            return False
        here = (round_.what, round_.campaign)
        if here in parts:
            round_ = await self._do(round_, rules, parts[parts.index(here) + 1 :])
        else:  # the campaign is gone, or cannot be read any more
            round_ = Round(round_.began_at, *parts[0])
        await self.parts.ask(retention.save, round_)
        return True

    def _warn_once(self, detail: str, about: str = "") -> None:
        """Say what goes on until somebody mends it, once for what it is `about`."""
        if (about or detail) not in self._warned:
            log.warning("housekeeping", detail=detail)
        self._warned.add(about or detail)

    async def _do(self, round_: Round, rules: Rules, rest: Sequence[tuple[str, str]]) -> Round:
        age_s = _age_s(round_, rules)
        done = Slice(0)
        if age_s is not None:
            before = round_.began_at - age_s
            done = await self.parts.ask(_purge, round_, before)
            round_ = replace(round_, cursor=done.cursor, gone=round_.gone + done.gone)
            if not done.cursor and round_.gone:
                await self._record(round_, before)
        if done.cursor:
            return round_
        what, campaign = rest[0] if rest else ("", "")
        return Round(round_.began_at, what, campaign)

    async def _record(self, round_: Round, before: float) -> None:
        now = self.parts.clock.wall()
        await self.parts.evidence.keep([purged(round_.what, round_.campaign, round_.gone, before, now)])
        detail = {"what": round_.what, "campaign": round_.campaign, "count": round_.gone, "before": before}
        await self.parts.ask(control.audit, "purge", who=WHO, now=now, detail=detail)
        log.info("purged", **detail)

    async def _current_rules(self) -> Rules:
        if self._rules is None or self.parts.clock.now() - self._rules_at >= RULES_LAST_S:
            self._rules = await trio.to_thread.run_sync(self._read_rules)
            self._rules_at = self.parts.clock.now()
        return self._rules

    def _read_rules(self) -> Rules:
        readable, faults = campaigns.readable(self.parts.store)
        catalogue = self.catalogue()
        assert catalogue is not None  # `keep` waits for it
        policies: dict[str, Policy | None] = dict.fromkeys(faults)
        for campaign in readable:
            try:
                policies[campaign.settings.name] = applied(campaign.settings, catalogue).policy()
            except ConfigError as error:
                policies[campaign.settings.name] = None
                self._warn_once(f"contact histories are kept, campaign {campaign.settings.name}: {error}")
        rules = rules_of(self.parts.settings.retention, policies)
        return replace(rules, contacts_s=retention.keep_contacts(self.parts.store, rules.contacts_s))

    # --- erasures -----------------------------------------------------------------------------------------------------

    async def _finish_erasures(self) -> None:
        """Each for itself: one that cannot be done holds up no other, nor the deleting of what is old."""
        readable, faults = await self.parts.ask(erasures.readable)
        for fault in faults:
            self._warn_once(fault)
        for erasure in readable:
            try:
                await self._finish_erasure(erasure)
            except StoreUnavailable:
                raise
            except StoreError as error:
                self._warn_once(f"erasure {erasure.id} cannot be finished: {error}")

    async def _finish_erasure(self, erasure: Erasure) -> None:
        now = self.parts.clock.wall()
        if erasure.complete:
            after = await self.parts.ask(erase.finish, erasure)
        elif now - erasure.at >= UNFINISHED_S:
            names = await self.parts.ask(campaigns.names)
            after = await self.parts.ask(erase.erase, erasure, names)
            after = replace(after, complete=True)
        else:
            return
        if not after.leads:
            await self._put_on_record(after, now)
        elif after != erasure:
            await self.parts.ask(erasures.save, after)

    async def _put_on_record(self, erasure: Erasure, now: float) -> None:
        key, deleted = self.parts.evidence.disk.key, {name: count for name, count in erasure.done.items() if count}
        entry = erased(erasure.id, erasure.numbers, erasure.customer, erasure.who, erasure.reason, deleted, key, now)
        if not await self.parts.evidence.keep([entry]):
            return  # the disk fails; a record too many is better than none
        detail = {name: entry.fields[name] for name in ("erasure", "numbers", "customer", "deleted")}
        await self.parts.ask(control.audit, "erased", who=erasure.who, now=now, detail=detail)
        await self.parts.ask(erasures.forget, erasure)
        log.info("erased", erasure=erasure.id, who=erasure.who, deleted=deleted)


def _age_s(round_: Round, rules: Rules) -> float | None:
    match round_.what:
        case "contacts":
            return rules.contacts_s
        case "events":
            return rules.events_s
        case _:
            return rules.leads_s[round_.campaign]


def _purge(store: Store, round_: Round, before: float) -> Slice:
    match round_.what:
        case "leads":
            return retention.purge_leads(store, round_.campaign, before, round_.cursor)
        case "attempts":
            return retention.purge_attempts(store, round_.campaign, round_.cursor)
        case "rejected":
            return retention.purge_rejected(store, round_.campaign, before, round_.cursor)
        case "events":
            return retention.purge_events(store, before, round_.cursor)
        case _:
            return retention.purge_contacts(store, before, round_.cursor)
