"""Leads that wait for a rule that has changed since are due again, and judged by what holds now.

Each lead that a gate puts off is indexed by the rule (`Keys.put_off`). What the leads of a campaign were judged by is
kept with the campaign, a fingerprint for each rule, so that a change is noticed by whichever daemon looks next, also
after a restart. A lead that a rule refused for good is closed, and is reopened by people.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import fields, is_dataclass
from typing import Any, Final

from compliance.api import Rule
from config.policies import AppliedSettings
from dialer.core.abandonment.windows import zone_of
from dialer.store.base.connection import Store, campaign_call, trip

AT_ONCE: Final = 500
"""Leads that one script looks at: some 2 ms of the server's time."""

MOST_BATCHES: Final = 20_000
FIELD: Final = "judged_by"


def fingerprints(settings: AppliedSettings, resting: Collection[str] | None = None) -> dict[str, str]:
    """What each rule says of a campaign's leads, in short, by the rule's name: equal where nothing has changed.

    `resting` are the caller ids that rest now; None: nobody has asked, and the rule about them is left out.
    """
    policy = settings.policy()
    parts: dict[Rule, object] = {
        Rule.HOURS: (policy.hours, policy.believe_stated_zone),
        Rule.UNKNOWN_ZONE: (policy.require_zone, policy.believe_stated_zone),
        Rule.DESTINATION: policy.destinations,
        Rule.CAP: (policy.caps, settings.group, str(zone_of(settings))),
        Rule.CONSENT: (policy.consent_required, policy.consent_max_age_s),
        Rule.REGISTER: policy.registers,
        Rule.REGISTER_OUTDATED: policy.registers,
        Rule.REGISTER_UNREADABLE: policy.registers,
    }
    if resting is not None:
        parts[Rule.CALLER_ID] = (settings.caller_pool(), frozenset(resting))
    return {rule.value: _digest(part) for rule, part in parts.items()}


def judged_by(store: Store, campaign: str) -> dict[str, str]:
    """The fingerprints that the campaign's leads were judged by last; none where nobody kept any."""
    raw = trip(store, [("HGET", store.keys.campaign(campaign), FIELD)])[0]
    try:
        kept = json.loads(raw or b"{}")
    except (ValueError, RecursionError):
        return {}
    return {str(rule): str(digest) for rule, digest in kept.items()} if isinstance(kept, dict) else {}


def keep(store: Store, campaign: str, prints: Mapping[str, str]) -> None:
    """Keep what leads are judged by from now on. A campaign that has been deleted meanwhile is not made again."""
    if trip(store, [("EXISTS", store.keys.campaign(campaign))])[0]:
        trip(store, [("HSET", store.keys.campaign(campaign), FIELD, json.dumps(dict(prints)))])


def changed(before: Mapping[str, str], after: Mapping[str, str]) -> list[str]:
    """The rules that say something else than before; one of which nobody knew before is none of them."""
    return [rule for rule, digest in after.items() if before.get(rule, digest) != digest]


def judge_again(store: Store, campaign: str, rules: Iterable[str], now: float) -> int:
    """Make leads due that these rules put off; returns how many. Doing it twice does no harm."""
    due = 0
    for rule in rules:
        for _ in range(MOST_BATCHES):
            again, seen = trip(store, [campaign_call(store, "judge_again", campaign, [now, rule, AT_ONCE])])[0]
            due += again
            if seen < AT_ONCE:
                break
    return due


def _digest(part: object) -> str:
    return hashlib.blake2b(repr(_plain(part)).encode(), digest_size=8).hexdigest()


def _plain(part: Any) -> Any:
    """A value whose text is the same in every process: sets have no order of their own."""
    if is_dataclass(part) and not isinstance(part, type):
        return [type(part).__name__, *(_plain(getattr(part, part_of.name)) for part_of in fields(part))]
    if isinstance(part, Mapping):
        return sorted((repr(_plain(name)), _plain(value)) for name, value in part.items())
    if isinstance(part, frozenset | set):
        return sorted(repr(_plain(part_of)) for part_of in part)
    if isinstance(part, tuple | list):
        return [_plain(part_of) for part_of in part]
    return str(part)
