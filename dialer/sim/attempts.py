"""What the store does about an attempt, in a dictionary: contact histories (`dialer.store.gate.contacts`), permits, and
the lead's next attempt."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from compliance.api import Cleared, Per, Permit, Refusal, Reserved
from compliance.caps import Scope, verdict
from compliance.contacts import LONGEST_MINUTES, Contact, crc16, group_of
from compliance.gate import CLEARANCE_S
from config.policies import AppliedSettings
from dialer.core.abandonment.windows import zone_of
from dialer.core.model import Lead, Retry, Settlement
from dialer.store.gate.contacts import end_of, fields_of


@dataclass(slots=True)
class Histories:
    """By field of whom they are of (`store.keys`). `wall` are seconds since the epoch."""

    held: defaultdict[str, list[Contact]] = field(default_factory=lambda: defaultdict(list))

    def verdict(self, lead: Lead, settings: AppliedSettings, wall: float, *, agent_held: bool) -> Refusal | None:
        """What the caps of a campaign say."""
        return verdict(
            self._contacts(lead),
            settings.policy().caps,
            scope=Scope.of(settings.name, group_of(settings.name, settings.group)),
            now=wall,
            zone=zone_of(settings),
            agent_held=agent_held,
        )

    def reserve(self, lead: Lead, settings: AppliedSettings, attempt: str, wall: float) -> str:
        """Count an attempt; returns the number that it shows."""
        caller_id = next((row.number for row in settings.caller_pool().rows), "")
        group = group_of(settings.name, settings.group)
        codes = (crc16(settings.name), crc16(group), crc16(attempt), crc16(caller_id))
        for name in fields_of(lead):
            self.held[name].append(Contact(math.ceil(wall), *codes))
        return caller_id

    def settle(self, settlement: Settlement, wall: float) -> None:
        """Mark the attempt that ended just now, or give it back."""
        end = end_of(settlement)
        mine = (crc16(end.campaign), crc16(end.attempt))
        for name in end.fields:
            history = self.held[name]
            for at in reversed(range(len(history))):
                contact = history[at]
                if (contact.campaign_crc, contact.attempt_crc) == mine:
                    if settlement.charged:
                        minutes = min(LONGEST_MINUTES, max(0, math.ceil((wall - contact.at) / 60)))
                        history[at] = contact._replace(marks=contact.marks | int(end.add), minutes=minutes)
                    else:
                        del history[at]
                    break

    def _contacts(self, lead: Lead) -> Mapping[Per, Sequence[Contact]]:
        kinds = [Per.NUMBER, *([Per.CUSTOMER] if lead.customer_id else []), *([Per.ACCOUNT] if lead.account_id else [])]
        return {per: sorted(self.held.get(name, ())) for per, name in zip(kinds, fields_of(lead), strict=True)}


def permit_of(lead: Lead, attempt: str, caller_id: str, wall: float) -> Permit:
    """The permit of an attempt that has passed both gates at `wall`."""
    cleared = Cleared(lead.number, wall, wall + CLEARANCE_S)
    return Permit(cleared, Reserved(attempt, lead.number, wall, caller_id))


def lead_after(settlement: Settlement, step: Retry) -> Lead:
    """The lead of an attempt that is to be made again."""
    lead = settlement.lead
    tries = dict(lead.tries)
    tries[settlement.disposition] = tries.get(settlement.disposition, 0) + 1
    return replace(lead, tries=tries, number_index=step.number_index)
