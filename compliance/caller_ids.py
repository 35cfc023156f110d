"""Which number a call shows to the callee.

A campaign has a pool of caller ids, real numbers of the company. For one callee the pool is narrowed first
(`candidates`), by what never changes with the hour; among what is left `choose` spreads the calls evenly. The store
repeats `choose` atomically for a batch (lua/caller_ids.lua); the tests hold the two against each other.

Where the network blocked a call (603+, ATIS-1000099; 608, RFC 8688), a call to the same callee under another number
would get around the block. US and Canadian rules and carriers' terms call that evasion. No such call is made, by any
campaign.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from compliance.api import Refusal, Rule
from compliance.contacts import Contact, Mark, crc16
from compliance.numbers import E164, may_be_of

BLOCKS_WITHIN_S: Final = 86_400.0
REST_S: Final = 86_400.0
"""A number rests so long after the block that was one too many."""

_NETWORK_BLOCKED: Final = int(Mark.NETWORK_BLOCKED)  # an operation of IntFlag takes ten times as long

EVASION: Final = "evasion"
"""The case of a refusal: after a block by the network only the number that was shown then may be shown again."""


@dataclass(frozen=True, slots=True)
class CallerId:
    """A number that may be shown, as the carrier wants it in the From header. `countries` are those of callees (ISO
    3166; none: any), `daily_limit` the most calls of one day (0: no limit)."""

    number: str
    countries: frozenset[str] = frozenset()
    daily_limit: int = 0


@dataclass(frozen=True, slots=True)
class Pool:
    """The numbers of a campaign, in their order. With `same_on_retry` a callee is shown the same one again. A number
    rests when the network blocked at least `rest_after_blocks` of its calls within a day (0: never by itself) and at
    least `rest_share` of its calls of today and yesterday, if these are `rest_min_calls` or more."""

    campaign: str
    rows: tuple[CallerId, ...]
    same_on_retry: bool = True
    rest_after_blocks: int = 3
    rest_share: float = 0.0
    rest_min_calls: int = 0

    def blocks_to_rest(self, calls: int) -> int:
        """So many blocks within a day make a number rest that was shown on `calls` calls; 0: none do."""
        if not self.rest_after_blocks or calls < self.rest_min_calls:
            return 0
        return max(self.rest_after_blocks, math.ceil(self.rest_share * calls))


class Wanted(NamedTuple):
    """A callee who is to be called, with the contacts of that number (of all campaigns, oldest first)."""

    number: E164
    contacts: tuple[Contact, ...] = ()


@dataclass(frozen=True, slots=True)
class Standing:
    """How a number stands: its `uses` today by all campaigns and hosts, until when it rests (seconds since the epoch;
    minus infinity: it never did), `why`, and whether the network is the reason or somebody's word."""

    uses: int = 0
    rests_until: float = -math.inf
    why: str = ""
    by_network: bool = False

    def rests(self, now: float) -> bool:
        """Whether it rests at `now`; not any more at the very end."""
        return self.rests_until > now


UNUSED: Final = Standing()


def rest_of(blocks: Sequence[float], limit: int) -> float:
    """Until when a number rests that the network blocked at these times (seconds since the epoch, any order).

    With the times ascending as t[0] .. t[n-1] and N = `limit`, block i was one too many if i >= N-1 and t[i] - t[i-N+1]
    is less than a day. The number rests until a day after the latest such block; minus infinity where there is none, or
    where N is 0.
    """
    times = sorted(blocks)
    for last in range(len(times) - 1, limit - 2, -1) if limit else ():
        if times[last] - times[last - limit + 1] < BLOCKS_WITHIN_S:
            return times[last] + REST_S
    return -math.inf


def candidates(pool: Pool, wanted: Wanted, tomorrow: float) -> tuple[CallerId, ...] | Refusal:
    """The numbers that may be shown to a callee, in the order of the pool; at least one, or why there is none.

    1. A number must fit the callee's country. Where none does the lead waits until `tomorrow` (the campaign's next
       midnight, seconds since the epoch): somebody may add one.
    2. After a call that the network blocked, by whichever campaign, only the number shown then; if that cannot be, or
       calls under different numbers were blocked, the lead is refused for good.
    3. With `same_on_retry` the number that this campaign showed the callee last, if it is still in the pool.

    Contacts know a number by its CRC-16: of two campaigns' numbers one pair in 65,536 cannot be told apart. Within one
    pool the settings see to it.
    """
    fitting = pool.rows
    if any(row.countries for row in fitting):
        there = {
            countries: not countries or any(may_be_of(wanted.number, country) for country in countries)
            for countries in {row.countries for row in fitting}
        }
        fitting = tuple(row for row in fitting if there[row.countries])
    blocked = {contact.caller_crc for contact in wanted.contacts if contact.marks & _NETWORK_BLOCKED}
    if blocked:
        return tuple(row for row in fitting if {crc16(row.number)} == blocked) or Refusal(Rule.CALLER_ID, EVASION, None)
    if not fitting:
        return Refusal(Rule.CALLER_ID, "no_caller_id_for_country", tomorrow)
    if pool.same_on_retry and len(fitting) > 1:
        ours = crc16(pool.campaign)
        shown = [
            contact.caller_crc
            for contact in wanted.contacts
            if contact.campaign_crc == ours and not contact.marks & Mark.INBOUND
        ]
        return tuple(row for row in fitting if shown and crc16(row.number) == shown[-1]) or fitting
    return fitting


def choose(rows: Sequence[CallerId], standings: Mapping[str, Standing], now: float) -> CallerId | None:
    """The one of these that was shown the fewest times today, the first of several; None where all rest at `now` or
    have reached their daily limit. A number without a standing was not used."""
    able = [row for row in rows if _able(row, standings.get(row.number, UNUSED), now)]
    return min(able, key=lambda row: standings.get(row.number, UNUSED).uses, default=None)


def none_left(
    rows: Sequence[CallerId], standings: Mapping[str, Standing], tomorrow: float, now: float
) -> Refusal | None:
    """Why none of these can be shown at `now`, until when; None where one can. `tomorrow` is the end of the day that
    uses are counted in."""
    why, until = [], math.inf
    for row in rows:
        standing = standings.get(row.number, UNUSED)
        if _able(row, standing, now):
            return None
        used_up = _used_up(row, standing)
        free = max(standing.rests_until, tomorrow if used_up else -math.inf)
        until = min(until, free)
        why.append(f"{row.number} {'rests: ' + standing.why if standing.rests(now) else _used(row, standing)}")
    return Refusal(Rule.CALLER_ID, "no_caller_id_now", until, {"numbers": why[:3], "more": max(0, len(why) - 3)})


def _able(row: CallerId, standing: Standing, now: float) -> bool:
    return not standing.rests(now) and not _used_up(row, standing)


def _used_up(row: CallerId, standing: Standing) -> bool:
    return 0 < row.daily_limit <= standing.uses


def _used(row: CallerId, standing: Standing) -> str:
    return f"was shown {standing.uses} times today, its daily limit is {row.daily_limit}"
