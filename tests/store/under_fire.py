"""Caps under fire: many attempts at the same numbers by several campaigns at once, and what the oracle says of them."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable
from typing import Final

from compliance.api import Per, Permit
from compliance.calling_hours.hours import CallingHours, HoursRule, Window
from compliance.cap_windows import Rolling
from compliance.caps import Cap, Counts, Over, Scope
from compliance.contacts import Mark, unpacked
from compliance.numbers import E164
from compliance.policy import Policy
from config.campaign import CampaignSettings
from config.policies import AppliedSettings, applied
from dialer.core.model import Lead
from dialer.store.base.connection import Store, trip
from dialer.store.base.keys import digits
from dialer.store.gate.contacts import Marking, Reservation, fields_of, give_back, mark, spot
from dialer.store.gate.evaluation import Screening
from dialer.store.gate.gate import reserved
from pacing.api import Mode
from tests.compliance.caps_oracle import allowed
from tests.rules import EVERY_DAY

# Short, so that a minute sees each of them spent and freed many times, for a number as for an account of two numbers.
CAPS: Final = (
    Cap(2, Rolling(7.0)),
    Cap(3, Rolling(15.0), rest_s=5.0),
    Cap(1, Rolling(3.0), over=Over.CAMPAIGN),
    Cap(2, Rolling(9.0), over=Over.GROUP),
    Cap(4, Rolling(11.0), per=Per.ACCOUNT),
    Cap(3, Rolling(90.0), Counts.CONNECTS),
)
CAMPAIGNS: Final = (("hammer-a", "ab"), ("hammer-b", "ab"), ("hammer-c", ""))
POLICY: Final = Policy("hammered", (HoursRule(CallingHours((Window(EVERY_DAY, 0, 1440),))),), CAPS)
AT_ONCE: Final = 50
ACCOUNT_NUMBERS: Final = 2

_GIVEN_BACK, _CONNECTED, _ENDED = 0.3, 0.6, 0.9  # of all reserved; the rest is never heard of again


def hammered(i: int) -> E164:
    """Number `i` of those that are hammered."""
    return E164(f"+86155{i:08}")


def hammer(
    store: Store, seed: int, numbers: int, now: Callable[[], float], going: Callable[[int], bool]
) -> Counter[str]:
    """Reserve, give back and end attempts at random while `going`, which is told how many leads were judged.

    `now` gives whole seconds, so that an attempt stands in the history at the moment at which it was judged.
    """
    chance, counts = random.Random(seed), Counter[str]()
    campaigns = [_settings(name, group) for name, group in CAMPAIGNS]
    while going(counts["judged"]):
        settings, at = chance.choice(campaigns), now()
        picked = chance.sample(range(numbers), min(numbers, chance.randint(1, AT_ONCE)))
        leads = [Lead(f"h{i}", settings.name, (hammered(i),), account_id=_account(i)) for i in picked]
        ids = [f"{seed}-{counts['judged'] + i}" for i in range(len(leads))]
        verdicts = reserved(Screening(store, settings, POLICY, at), leads, ids)
        counts["judged"] += len(leads)
        given: list[Reservation] = []
        ends: list[Marking] = []
        for lead, one in zip(leads, verdicts, strict=True):
            if not isinstance(one, Permit):
                counts[f"refused by {one.rule}"] += 1
                continue
            counts["reserved"] += 1
            lot = chance.random()
            if lot < _GIVEN_BACK:
                given.append(Reservation(fields_of(lead), settings.name, one.attempt))
            elif lot < _ENDED:
                marks = Mark.ENDED | (Mark.CONNECTED if lot < _CONNECTED else Mark(0))
                ends.append(Marking(fields_of(lead), settings.name, one.attempt, marks, ended_at=at))
        assert give_back(store, given) == len(given) * 2, "each is in the histories of a number and of an account"
        counts["given back"] += len(given)
        mark(store, ends)
    return counts


def exceeded(store: Store, numbers: int) -> tuple[int, int]:
    """How many attempts should not have been allowed, by the naive oracle, and how many there are."""
    broken = attempts = 0
    accounts = sorted({_account(i) for i in range(numbers)})
    for per, fields in (
        (Per.NUMBER, [digits(hammered(i)) for i in range(numbers)]),
        (Per.ACCOUNT, [f"a:{account}" for account in accounts]),
    ):
        caps = [cap for cap in CAPS if cap.per is per]
        for history in map(unpacked, trip(store, [("HGET", spot(store, field).key, field) for field in fields])):
            attempts += len(history) if per is Per.NUMBER else 0
            for i, one in enumerate(history):
                scope = Scope(one.campaign_crc, one.group_crc)
                broken += not allowed({per: history[:i]}, caps, scope, one.at, None)
    return broken, attempts


def _settings(name: str, group: str) -> AppliedSettings:
    return applied(CampaignSettings(name=name, mode=Mode.PROGRESSIVE, caller_id="+862155550100", group=group))


def _account(i: int) -> str:
    return f"A{i // ACCOUNT_NUMBERS}"
