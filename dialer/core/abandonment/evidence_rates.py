"""Abandonment rates out of the evidence alone. Pure.

Two readings: `Survey` gathers what the whole evidence says of campaigns and of machines, `AnswersOnRecord` then counts
settlements. What counts is what counts in the ledger: a live answer that nobody says a machine gave; the rate is the
one that the campaign's definition makes of it (`rate.ledger_of`).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from pydantic import ValidationError

from compliance.evidence import OPENED, Record
from config.policies import AppliedSettings
from dialer.core.abandonment.rate import AnswerCounts, together
from dialer.core.abandonment.windows import CountingWindow, counting, slot_of
from dialer.core.evidence import OUTCOME, POLICY, SETTLEMENT

MACHINE: Final = "machine"


@dataclass(frozen=True, slots=True)
class Campaign:
    """What the evidence says of a campaign: its newest settings, when it was created (seconds since the epoch)."""

    settings: AppliedSettings
    created_at: float


@dataclass(slots=True)
class Survey:
    """The first reading. `begins_at` is the first record's time, in seconds since the epoch; `unreadable` are
    campaigns whose settings another release wrote."""

    begins_at: float | None = None
    hosts: set[str] = field(default_factory=set)
    campaigns: dict[str, Campaign] = field(default_factory=dict)
    unreadable: set[str] = field(default_factory=set)
    machines: set[str] = field(default_factory=set)

    def see(self, record: Record) -> None:
        """The next record."""
        at = record.at_ms / 1000
        self.begins_at = at if self.begins_at is None else min(at, self.begins_at)
        fields = record.fields
        if record.kind == OPENED:
            self.hosts.add(fields["host"])
        elif record.kind == POLICY:
            try:
                settings = AppliedSettings.model_validate(fields["settings"])
                self.campaigns[fields["campaign"]] = Campaign(settings, fields["created"] / 1000)
                self.unreadable.discard(fields["campaign"])
            except ValidationError:
                self.unreadable.add(fields["campaign"])
        elif record.kind == OUTCOME:
            (self.machines.add if fields["outcome"] == MACHINE else self.machines.discard)(fields["attempt"])


@dataclass(slots=True)
class AnswersOnRecord:
    """The second reading: live answers by campaign and counting day, and by campaign and slot."""

    machines: set[str]
    days: dict[tuple[str, str], AnswerCounts] = field(default_factory=dict)
    slots: dict[tuple[str, int], AnswerCounts] = field(default_factory=dict)

    def see(self, record: Record) -> None:
        """The next record."""
        fields = record.fields
        if record.kind != SETTLEMENT or not fields["live"]:
            return
        machine = not fields["abandoned"] and fields["attempt"] in self.machines
        answer = AnswerCounts(int(not machine), int(fields["abandoned"]), int(fields["hung_up"]), int(machine))
        slot = slot_of(fields["times"]["answered"] / 1000)
        day_of, slot_at = (fields["campaign"], fields["day"]), (fields["campaign"], slot)
        self.days[day_of] = together((self.days.get(day_of, AnswerCounts()), answer))
        self.slots[slot_at] = together((self.slots.get(slot_at, AnswerCounts()), answer))

    def day(self, campaign: str, day: str) -> AnswerCounts:
        """One counting day."""
        return self.days.get((campaign, day), AnswerCounts())

    def window(self, campaign: str, window: CountingWindow) -> AnswerCounts:
        """One counting window that is open."""
        if window.closed or window.days:
            return together(self.day(campaign, day) for day in (*window.closed, *window.days))
        first = slot_of(window.since)
        return together(counts for (name, slot), counts in self.slots.items() if name == campaign and slot >= first)


def open_windows(campaign: Campaign, at: float) -> tuple[CountingWindow, ...]:
    """The counting windows that are open at a moment (seconds since the epoch)."""
    return counting(campaign.settings, campaign.created_at, at).windows
