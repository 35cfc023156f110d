"""Abandonment rates out of the evidence alone. Pure.

Two readings: `Survey` gathers what the whole evidence says of campaigns and of machines, `Tallies` then counts
settlements. What counts is what counts in the ledger: a live answer that nobody says a machine gave.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from pydantic import ValidationError

from compliance.evidence import OPENED, Record
from config.campaign import CampaignSettings
from dialer.core.evidence import OUTCOME, POLICY, SETTLEMENT
from dialer.core.windows import CountingWindow, counting, slot_of

MACHINE: Final = "machine"


@dataclass(frozen=True, slots=True)
class Count:
    """Live answers, with the `machines` among them, and abandoned calls."""

    answered: int = 0
    abandoned: int = 0
    machines: int = 0

    @property
    def rate(self) -> float:
        """Abandoned calls among calls that people answered; 0 where there are none."""
        people = self.answered - self.machines
        return self.abandoned / people if people > 0 else 0.0


@dataclass(frozen=True, slots=True)
class Campaign:
    """What the evidence says of a campaign: its newest settings, when it was created (seconds since the epoch)."""

    settings: CampaignSettings
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
                settings = CampaignSettings.model_validate(fields["settings"])
                self.campaigns[fields["campaign"]] = Campaign(settings, fields["created"] / 1000)
                self.unreadable.discard(fields["campaign"])
            except ValidationError:
                self.unreadable.add(fields["campaign"])
        elif record.kind == OUTCOME:
            (self.machines.add if fields["outcome"] == MACHINE else self.machines.discard)(fields["attempt"])


@dataclass(slots=True)
class Tallies:
    """The second reading: live answers by campaign and counting day, and by campaign and slot."""

    machines: set[str]
    days: dict[tuple[str, str], Counter[str]] = field(default_factory=dict)
    slots: dict[tuple[str, int], Counter[str]] = field(default_factory=dict)

    def see(self, record: Record) -> None:
        """The next record."""
        fields = record.fields
        if record.kind != SETTLEMENT or not fields["live"]:
            return
        what = "abandoned" if fields["abandoned"] else MACHINE if fields["attempt"] in self.machines else ""
        slot = slot_of(fields["times"]["answered"] / 1000)
        for counter in (
            self.days.setdefault((fields["campaign"], fields["day"]), Counter()),
            self.slots.setdefault((fields["campaign"], slot), Counter()),
        ):
            counter["answered"] += 1
            counter[what] += 1

    def day(self, campaign: str, day: str) -> Count:
        """One counting day."""
        return _count(self.days.get((campaign, day), {}))

    def window(self, campaign: str, window: CountingWindow) -> Count:
        """One counting window that is open."""
        total: Counter[str] = Counter()
        if window.closed or window.days:
            for day in (*window.closed, *window.days):
                total.update(self.days.get((campaign, day), {}))
        else:
            first = slot_of(window.since)
            for (name, slot), counter in self.slots.items():
                if name == campaign and slot >= first:
                    total.update(counter)
        return _count(total)


def _count(counter: Mapping[str, int]) -> Count:
    return Count(counter.get("answered", 0), counter.get("abandoned", 0), counter.get(MACHINE, 0))


def open_windows(campaign: Campaign, at: float) -> tuple[CountingWindow, ...]:
    """The counting windows that are open at a moment (seconds since the epoch)."""
    return counting(campaign.settings, campaign.created_at, at).windows
