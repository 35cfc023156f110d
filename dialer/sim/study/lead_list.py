"""The list: leads in order, given out once each or, where the list has an end, again by the retry table."""

from __future__ import annotations

import heapq
from dataclasses import dataclass, field
from typing import Final

from compliance.numbers import E164
from config.policies import AppliedSettings
from dialer.core.effects import Lease, Release, Reserve
from dialer.core.inputs import LeadsLeased, Permitted, Refused
from dialer.core.model import Lead, Retry, Settlement
from dialer.sim.attempts import Histories, lead_after, permit_of
from dialer.sim.virtual_time import Tell, Timeline

STORE_S: Final = 0.005
"""How long the store takes for a question."""

MANY: Final = 1_000_000
FIRST_NUMBER: Final = 10_000_000_000


@dataclass(slots=True)
class LeadList:
    """The list and its attempts. `fresh` leads have never been given out; `again` waits for its retry, soonest first.

    With `size` 0 the list has no end, and nobody is called twice.
    """

    timeline: Timeline
    tell: Tell
    settings: AppliedSettings
    size: int
    fresh: int = 0
    attempts: int = 0
    again: list[tuple[float, int, Lead]] = field(default_factory=list)
    histories: Histories = field(default_factory=Histories)
    exhausted_at: float | None = None

    def lease(self, asked: Lease) -> None:
        """Give leads out a moment later."""
        self.timeline.after(STORE_S, self._lease, asked)

    def reserve(self, asked: Reserve) -> None:
        """Pass leads through the gates a moment later."""
        self.timeline.after(STORE_S, self._reserve, asked)

    def release(self, asked: Release) -> None:
        """Take leads back."""
        for lead in asked.leads:
            heapq.heappush(self.again, (self.timeline.now, serial(lead), lead))

    def settle(self, settlement: Settlement) -> None:
        """The end of an attempt: on a list with an end the lead may come again."""
        step = settlement.next_step
        if not self.size:
            return
        self.histories.settle(settlement, self.timeline.wall)
        if isinstance(step, Retry):
            lead = lead_after(settlement, step)
            heapq.heappush(self.again, (self.timeline.now + step.after_s, serial(lead), lead))

    def _lease(self, asked: Lease) -> None:
        now = self.timeline.now
        taken: list[Lead] = []
        while len(taken) < asked.count:
            if self.again and self.again[0][0] <= now:
                taken.append(heapq.heappop(self.again)[2])
            elif not self.size or self.fresh < self.size:
                taken.append(self._new_lead())
            else:
                break
        if self.size and not taken and self.exhausted_at is None:
            self.exhausted_at = now
        due = max(self.size - self.fresh, 0) if self.size else MANY
        self.tell(LeadsLeased(asked.campaign, tuple(taken), due, len(self.again)))

    def _new_lead(self) -> Lead:
        self.fresh += 1
        number = E164(f"+{FIRST_NUMBER + self.fresh}")
        return Lead(str(self.fresh), self.settings.name, (number,))

    def _reserve(self, asked: Reserve) -> None:
        for lead in asked.leads:
            wall, attempt = self.timeline.wall, f"a{self.attempts + 1}"
            caller_id = ""
            if self.size:
                refusal = self.histories.verdict(lead, self.settings, wall, agent_held=asked.agent_held)
                if refusal is not None:
                    self.tell(Refused(lead, refusal))
                    continue
                caller_id = self.histories.reserve(lead, self.settings, attempt, wall)
            self.attempts += 1
            self.tell(Permitted(lead, permit_of(lead, attempt, caller_id, wall)))


def serial(lead: Lead) -> int:
    """A lead's place on the list, from 1."""
    return int(lead.lead_id)
