"""What the first gate says of leads: their facts asked for and judged, for the gate itself and for all who only ask."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from compliance.api import Cleared, Per, Refusal
from compliance.caller_ids import Wanted
from compliance.contacts import group_of
from compliance.gate import Facts, Question, judge, question
from compliance.policy import Policy
from config.campaign import CampaignSettings
from dialer.core.abandonment.windows import zone_of
from dialer.core.model import Lead
from dialer.disk.registers import Shelf
from dialer.store.base.connection import Store
from dialer.store.gate import caller_ids
from dialer.store.gate.facts import Asked, asked_of, gather

NO_REGISTERS: Final = Shelf()


def asked_about(store: Store, policy: Policy, leads: Sequence[Lead], shelf: Shelf, now: float) -> list[Asked]:
    """Leads as they are asked about, with what the national registers of `shelf` say of their numbers at `now`."""
    listed = shelf.verdicts(policy.registers, [lead.number for lead in leads], now)
    return [asked_of(store, lead, one) for lead, one in zip(leads, listed, strict=True)]


def facts_about(
    store: Store,
    settings: CampaignSettings,
    policy: Policy,
    leads: Sequence[Lead],
    shelf: Shelf,
    now: float,
    *,
    agent_held: bool,
) -> list[Facts]:
    """What is known of leads of one campaign. The registers are asked as of `now`, in seconds since the epoch;
    `agent_held`: as if an agent had asked for these calls."""
    if not leads:
        return []
    asked = asked_about(store, policy, leads, shelf, now)
    return [one.facts for one in gather(store, settings.name, asked, agent_held=agent_held)[0]]


def question_of(settings: CampaignSettings, policy: Policy, now: float) -> Question:
    """What the gate asks about a campaign's leads at `now`."""
    return question(
        policy,
        campaign=settings.name,
        group=group_of(settings.name, settings.group),
        zone=zone_of(settings),
        now=now,
        ring_timeout_s=settings.ring_timeout_s,
    )


def foreseen(
    store: Store, settings: CampaignSettings, policy: Policy, facts: Sequence[Facts], now: float
) -> list[Cleared | Refusal]:
    """What both gates would say of each alone, the number to show included. Nothing is reserved or counted."""
    asked = question_of(settings, policy, now)
    found = [judge(one, asked) for one in facts]
    passed = [i for i, one in enumerate(found) if isinstance(one, Cleared)]
    wanted = [Wanted(facts[i].callee.number, facts[i].contacts[Per.NUMBER]) for i in passed]
    for i, shown in zip(passed, caller_ids.foresee(store, settings, wanted, now) if wanted else (), strict=True):
        if isinstance(shown, Refusal):
            found[i] = shown
    return found
