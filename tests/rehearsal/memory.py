"""The store's twin: leads, leases, gates and settlements in a dictionary."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from functools import partial
from typing import Final

from compliance.api import Permit, Refusal, Rule
from compliance.gate import CLEARANCE_S
from compliance.numbers import E164
from config.policies import AppliedSettings
from dialer.core.effects import Lease, OptOut, Postpone, Release, Reserve
from dialer.core.inputs import LeadsLeased, LeadsTaken, Permitted, Refused, StoreFailed, StoreHealth
from dialer.core.model import Lead, Retry, Settlement
from dialer.sim.attempts import Histories, lead_after, permit_of
from dialer.sim.virtual_time import Tell
from tests.rehearsal.scenario import Disorder
from tests.rehearsal.world import World

LEASE_S: Final = 60.0
POSTPONED_S: Final = 120.0
HEARD_WITHIN_S: Final = 20.0
"""So late a daemon may hear that leads were taken from it: the store is slow, or the daemon."""


class Place(StrEnum):
    """Where a lead is, as the store sees it."""

    DUE = "due"  # now or later
    LEASED = "leased"
    CLOSED = "closed"


@dataclass(slots=True)
class Record:
    """One lead in the store. `leases` counts them, `attempt` is the one that is reserved and not settled; with
    `cancelled` it is called no more."""

    lead: Lead
    due_at: float
    place: Place = Place.DUE
    leases: int = 0
    attempt: str = ""
    cancelled: bool = False


@dataclass(slots=True)
class Memory:
    """The store. While it is down every question fails, and settlements wait on the daemon's disk (`spooled`)."""

    world: World
    tell: Tell
    disorder: Disorder
    settings: dict[str, AppliedSettings]
    records: dict[str, Record] = field(default_factory=dict)
    histories: Histories = field(default_factory=Histories)
    settled: dict[str, int] = field(default_factory=dict)
    spooled: list[Settlement | OptOut] = field(default_factory=list)
    blocked: set[E164] = field(default_factory=set)
    down: bool = False
    attempts: int = 0

    def load(self, leads: list[Lead]) -> None:
        """Leads from the CRM, due at once."""
        self.records.update({lead.lead_id: Record(lead, self.world.now) for lead in leads})

    def count(self, place: Place) -> int:
        """How many leads are in a place."""
        return sum(record.place is place for record in self.records.values())

    # --- what the engine asks -----------------------------------------------------------------------------------

    def lease(self, asked: Lease) -> None:
        """Lease due leads, the longest due first."""
        self._answer(partial(self._lease, asked), StoreFailed(asked.campaign, (), lease=True))

    def reserve(self, asked: Reserve) -> None:
        """Pass leads through the gates. When the store fails, it may have reserved some of them nevertheless."""
        first = self.records[asked.leads[0].lead_id]
        if self.down and not first.cancelled and self.world.chance(0.5):
            self._reserve_one(first)
        for lead in asked.leads if self.down else ():
            self._end_lease_later(self.records[lead.lead_id])
        self._answer(partial(self._reserve, asked), StoreFailed(asked.campaign, asked.leads, lease=False))

    def release(self, asked: Release) -> None:
        """Take leads back; while the store is down, their leases end by themselves."""
        for lead in asked.leads:
            record = self.records[lead.lead_id]
            if self.down:
                self._end_lease_later(record)
            elif not record.cancelled:
                record.place = Place.DUE

    def postpone(self, asked: Postpone) -> None:
        """Take a lead back for later; while the store is down, its lease ends by itself."""
        record = self.records[asked.lead.lead_id]
        if self.down:
            self._end_lease_later(record)
        elif not record.cancelled:
            record.place, record.due_at = Place.DUE, self.world.now + asked.after_s

    def settle(self, settlement: Settlement) -> None:
        """Write the end of an attempt down."""
        if self.down:
            self.spooled.append(settlement)
            return
        record = self.records[settlement.lead.lead_id]
        self.settled[settlement.attempt] = self.settled.get(settlement.attempt, 0) + 1
        record.attempt = ""
        self.histories.settle(settlement, self.world.wall)
        match settlement.next_step:
            case Retry() as step if not record.cancelled:
                record.lead = lead_after(settlement, step)
                record.place, record.due_at = Place.DUE, self.world.now + step.after_s
            case _:
                record.place = Place.CLOSED

    def opt_out(self, asked: OptOut) -> None:
        """Block a number for good."""
        if self.down:
            self.spooled.append(asked)
        else:
            self.blocked.add(asked.number)

    # --- faults -------------------------------------------------------------------------------------------------------

    def cancel(self, campaign: str, number: int) -> None:
        """A manager cancels leads that are not closed: one without an attempt is closed in this step, whoever has it on
        lease, one in an attempt when that ends. Daemons hear of those that they had a little later."""
        if self.down:
            return
        own = [record for record in self.records.values() if record.lead.campaign == campaign]
        open_ = [record for record in own if record.place is not Place.CLOSED]
        # those on lease are few, and what the order is about
        leased = [record for record in open_ if record.place is Place.LEASED]
        chosen = self.world.dice.sample(leased, min(len(leased), number)) + open_[:number]
        taken = frozenset(record.lead.lead_id for record in chosen if record.place is Place.LEASED)
        for record in chosen:
            record.cancelled = True
            if not record.attempt:
                record.place = Place.CLOSED
        self.world.after(self.world.between(0.0, HEARD_WITHIN_S), partial(self.tell, LeadsTaken(campaign, taken)))

    def go_down(self, seconds: float) -> None:
        """Answer nothing for a while."""
        if not self.down:
            self.down = True
            self.world.after(0.2, partial(self.tell, StoreHealth(False)))
            self.world.after(max(seconds, 0.3), self._come_back)

    def _come_back(self) -> None:
        self.down = False
        spooled, self.spooled = self.spooled, []
        for one in spooled:
            if isinstance(one, OptOut):
                self.opt_out(one)
            else:
                self.settle(one)
        self.tell(StoreHealth(True))

    # --- within -------------------------------------------------------------------------------------------------------

    def _answer(self, work: partial[None], failure: StoreFailed) -> None:
        if self.down:
            self.world.after(0.05, partial(self.tell, failure))
        else:
            self.world.after(self.world.between(0.001, 0.02), work)

    def _lease(self, asked: Lease) -> None:
        waiting = [
            record
            for record in self.records.values()
            if record.place is Place.DUE and record.lead.campaign == asked.campaign
        ]
        due = sorted((r for r in waiting if r.due_at <= self.world.now), key=lambda r: (r.due_at, r.lead.lead_id))
        taken = due[: asked.count]
        for record in taken:
            record.place = Place.LEASED
            record.leases += 1
        leads = tuple(record.lead for record in taken)
        self.tell(LeadsLeased(asked.campaign, leads, len(due) - len(taken), len(waiting) - len(due)))

    def _reserve(self, asked: Reserve) -> None:
        for lead in asked.leads:
            record = self.records[lead.lead_id]
            if record.cancelled:
                self.tell(Refused(lead, Refusal(Rule.LEASE_LOST, "lease_lost", None)))
                continue
            refusal = self._refusal(lead, agent_held=asked.agent_held)
            if refusal is not None:
                record.place = Place.CLOSED if refusal.until is None else Place.DUE
                record.due_at = self.world.now + POSTPONED_S
                self.tell(Refused(lead, refusal))
                continue
            permit = self._reserve_one(self.records[lead.lead_id])
            delay_s = CLEARANCE_S + 1.0 if self.world.chance(self.disorder.lapsed) else self.world.between(0.0, 0.05)
            self.world.after(delay_s, partial(self.tell, Permitted(lead, permit)))

    def _refusal(self, lead: Lead, *, agent_held: bool) -> Refusal | None:
        if self.world.chance(self.disorder.refused):
            until = self.world.wall + POSTPONED_S if self.world.chance(0.5) else None
            return Refusal(Rule.HOURS if until else Rule.BLOCKLIST, "drawn by lot", until)
        if lead.number in self.blocked:
            return Refusal(Rule.BLOCKLIST, "opted out", None)
        return self.histories.verdict(lead, self.settings[lead.campaign], self.world.wall, agent_held=agent_held)

    def _reserve_one(self, record: Record) -> Permit:
        lead, wall = record.lead, self.world.wall
        self.attempts += 1
        record.attempt = f"attempt-{self.attempts}"
        caller_id = self.histories.reserve(lead, self.settings[lead.campaign], record.attempt, wall)
        return permit_of(lead, record.attempt, caller_id, wall)

    def _end_lease_later(self, record: Record) -> None:
        self.world.after(LEASE_S, partial(self._end_lease, record, record.leases))

    def _end_lease(self, record: Record, lease: int) -> None:
        """Recovery: a lead that nobody holds is due again, or closed where an attempt may have been made."""
        if record.place is Place.LEASED and record.leases == lease:
            record.place = Place.CLOSED if record.attempt or record.cancelled else Place.DUE
