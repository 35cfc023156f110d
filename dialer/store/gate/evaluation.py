"""What the first gate says of leads: their facts asked for and judged, for the gate itself and for all who only ask."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from compliance.api import Cleared, Per, Refusal
from compliance.caller_ids import Wanted
from compliance.contacts import group_of
from compliance.gate import Facts, Question, judge, question
from compliance.policy import Policy
from config.campaign import CampaignSettings
from config.policies import AppliedSettings
from dialer.core.abandonment.windows import zone_of
from dialer.core.model import Lead
from dialer.disk.registers import NationalRegisters
from dialer.store.base.connection import Store
from dialer.store.gate import caller_ids
from dialer.store.gate.facts import Asked, asked_of, gather
from pacing.api import Mode


@dataclass(frozen=True, slots=True)
class Screening:
    """What leads of one campaign are judged by, at one moment (`now`, seconds since the epoch).

    `registers` has the national registers of this host. `agent_held`: an agent asked for these calls, or would have to.
    """

    store: Store
    settings: CampaignSettings
    policy: Policy
    now: float
    registers: NationalRegisters = field(default_factory=NationalRegisters)
    agent_held: bool = False

    @classmethod
    def as_dialled(cls, store: Store, settings: AppliedSettings, now: float, registers: NationalRegisters) -> Screening:
        """As a campaign's leads will be judged when they are dialled: in mode preview an agent asks for each call."""
        return cls(store, settings, settings.policy(), now, registers, settings.mode is Mode.PREVIEW)

    @property
    def campaign(self) -> str:
        return self.settings.name

    def asked(self, leads: Sequence[Lead]) -> list[Asked]:
        """Leads as they are asked about, with what the national registers say of their numbers."""
        listed = self.registers.verdicts(self.policy.registers, [lead.number for lead in leads], self.now)
        return [asked_of(self.store, lead, listed_by) for lead, listed_by in zip(leads, listed, strict=True)]

    def facts(self, leads: Sequence[Lead]) -> list[Facts]:
        """What is known of leads."""
        if not leads:
            return []
        asked = self.asked(leads)
        gathered, _ = gather(self.store, self.campaign, asked, self.now, agent_held=self.agent_held)
        return [gathering.facts for gathering in gathered]

    def question(self) -> Question:
        """What the gate asks about them."""
        return question(
            self.policy,
            campaign=self.campaign,
            group=group_of(self.campaign, self.settings.group),
            zone=zone_of(self.settings),
            now=self.now,
            ring_timeout_s=self.settings.ring_timeout_s,
        )

    def foreseen(self, facts: Sequence[Facts]) -> list[Cleared | Refusal]:
        """What both gates would say of each alone, the number to show included. Nothing is reserved or counted."""
        asked = self.question()
        verdicts = [judge(each, asked) for each in facts]
        passed = [i for i, verdict in enumerate(verdicts) if isinstance(verdict, Cleared)]
        wanted = [Wanted(facts[i].callee.number, facts[i].contacts[Per.NUMBER]) for i in passed]
        shown = caller_ids.foresee(self.store, self.settings, wanted, self.now) if wanted else ()
        for i, allotted in zip(passed, shown, strict=True):
            if isinstance(allotted, Refusal):
                verdicts[i] = allotted
        return verdicts
