"""The first gate: every rule, over facts that somebody else gathered.

`dialer.language.findings` gives the reasons, from the same table of rules, so the two cannot disagree. Nothing is
remembered here: the second gate, in the store, reserves the attempt only if the facts are still what was judged.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import tzinfo
from typing import Final, NamedTuple

from compliance import blocks, caps, consent
from compliance.api import Callee, Cleared, Per, Refusal, Rule
from compliance.blocks import Block
from compliance.calling_hours.hours import Open, check
from compliance.calling_hours.places import Places, places_of
from compliance.contacts import Contact
from compliance.policy import Policy

CLEARANCE_S: Final = 30.0
"""Longest life of a clearance: what was looked at is looked at again after that."""


Opening = Open | Refusal | None
"""Until when it is open where the callee is, or why it is not; None: nobody knows where, and nobody asks."""


class Facts(NamedTuple):
    """What is known of a callee at this moment. A tuple, because the gate makes tens of thousands of them in a second.

    `contacts` are the histories by subject, each ascending by time; a subject that the lead does not have is missing.
    `blocks` are all blocks that were found on it, also of other campaigns and ended ones. `listed` is what the national
    registers say. `agent_held`: an agent asked for this call and waits for it.
    """

    callee: Callee
    contacts: Mapping[Per, tuple[Contact, ...]]
    blocks: Sequence[Block] = ()
    listed: Refusal | None = None
    agent_held: bool = False


@dataclass(frozen=True, slots=True)
class Question:
    """What callees are judged by; `question` makes it. `openings` remembers what was said of places, for this moment
    only, so a batch has one question."""

    policy: Policy
    campaign: str
    scope: caps.Scope
    zone: tzinfo | None
    now: float
    ring_timeout_s: float
    caps_reach_back_to: float
    needs: frozenset[Per]
    openings: dict[Places, Opening] = field(default_factory=dict)


def question(
    policy: Policy, *, campaign: str, group: str, zone: tzinfo | None, now: float, ring_timeout_s: float
) -> Question:
    """What is asked about callees of one campaign: may they be dialled at `now`, seconds since the epoch?

    `group` is that of `contacts.group_of`, `zone` has the midnights of calendar caps (None: this machine's).
    """
    return Question(
        policy=policy,
        campaign=campaign,
        scope=caps.Scope.of(campaign, group),
        zone=zone,
        now=now,
        ring_timeout_s=ring_timeout_s,
        caps_reach_back_to=now - caps.horizon_s(policy.caps),
        needs=frozenset(cap.per for cap in policy.caps),
    )


def judge(facts: Facts, asked: Question) -> Cleared | Refusal:
    """May this callee be dialled?

    The clearance ends after 30 s, when the lead expires or its consent ends, or when a call that starts under it could
    ring past closing, whichever comes first. Of several refusals one for good is returned, else the one that lasts
    longest.
    """
    worst: Refusal | None = None
    opening = opening_for(facts.callee, asked)
    for check_ in _CHECKS:
        refusal = check_(facts, asked, opening)
        if refusal is not None and (worst is None or _lasts(refusal) > _lasts(worst)):
            worst = refusal
    return worst or _cleared(facts.callee, asked, opening)


def _lasts(refusal: Refusal) -> float:
    return float("inf") if refusal.until is None else refusal.until


def _cleared(callee: Callee, asked: Question, opening: Opening) -> Cleared:
    valid_until = asked.now + CLEARANCE_S
    closes_at = opening.closes_at if isinstance(opening, Open) else None
    if closes_at is not None and closes_at - asked.ring_timeout_s < valid_until:
        valid_until = closes_at - asked.ring_timeout_s
    if callee.expires_at is not None and callee.expires_at < valid_until:
        valid_until = callee.expires_at
    consent_ends_at = consent.ends_at(callee, asked.policy)
    if consent_ends_at is not None and consent_ends_at < valid_until:
        valid_until = consent_ends_at
    return Cleared(callee.number, asked.now, valid_until, closes_at)


# --- the rules --------------------------------------------------------------------------------------------------------


def _expired(facts: Facts, asked: Question, opening: Opening) -> Refusal | None:
    expires_at = facts.callee.expires_at
    if expires_at is None or asked.now < expires_at:
        return None
    return Refusal(Rule.EXPIRED, "expired", None)


def _consent(facts: Facts, asked: Question, opening: Opening) -> Refusal | None:
    return consent.verdict(facts.callee, asked.policy, asked.now)


def _destination(facts: Facts, asked: Question, opening: Opening) -> Refusal | None:
    return asked.policy.destinations.verdict(facts.callee.number, asked.now)


def _place(facts: Facts, asked: Question, opening: Opening) -> Refusal | None:
    return opening if isinstance(opening, Refusal) and opening.rule is Rule.UNKNOWN_ZONE else None


def _hours(facts: Facts, asked: Question, opening: Opening) -> Refusal | None:
    return opening if isinstance(opening, Refusal) and opening.rule is not Rule.UNKNOWN_ZONE else None


def _listed(facts: Facts, asked: Question, opening: Opening) -> Refusal | None:
    return facts.listed


def _blocked(facts: Facts, asked: Question, opening: Opening) -> Refusal | None:
    return blocks.verdict(facts.blocks, asked.campaign, asked.now) if facts.blocks else None


def _capped(facts: Facts, asked: Question, opening: Opening) -> Refusal | None:
    since = asked.caps_reach_back_to
    if asked.needs <= facts.contacts.keys():
        for history in facts.contacts.values():
            if history and history[-1].at >= since:
                break
        else:
            return None
    return caps.verdict(
        facts.contacts,
        asked.policy.caps,
        scope=asked.scope,
        now=asked.now,
        zone=asked.zone,
        agent_held=facts.agent_held,
    )


# --- where the callee is ----------------------------------------------------------------------------------------------


def where_is(callee: Callee, asked: Question) -> Places | Refusal:
    """Where the callee may be, or why nobody can tell."""
    return places_of(callee, asked.policy.believe_stated_zone)


def opening_for(callee: Callee, asked: Question) -> Opening:
    """When it is open where the callee is."""
    where = where_is(callee, asked)
    if isinstance(where, Refusal):
        return where
    try:
        return asked.openings[where]
    except KeyError:
        unasked = not where.zones and not asked.policy.require_zone
        opening = None if unasked else check(asked.policy.hours, where, asked.now, asked.ring_timeout_s)
        asked.openings[where] = opening
        return opening


RULES: Final = (
    (Rule.EXPIRED, _expired),
    (Rule.CONSENT, _consent),
    (Rule.DESTINATION, _destination),
    (Rule.UNKNOWN_ZONE, _place),
    (Rule.HOURS, _hours),
    (Rule.REGISTER, _listed),
    (Rule.BLOCKLIST, _blocked),
    (Rule.CAP, _capped),
)
"""Every rule with its check, in the order in which they are asked."""

_CHECKS: Final = tuple(check_ for _, check_ in RULES)
