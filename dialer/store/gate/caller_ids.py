"""The numbers that calls show: how often each was used today, which of them rest, and one for each call.

What a number's uses, rest and blocks are is shared by all campaigns and hosts. A use is booked on the day that it is in
the campaign's own time zone, and a number's limit holds for that day's uses by all campaigns. Times are seconds since
the epoch.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta, tzinfo
from typing import Any, Final

import msgpack

from compliance.api import Refusal
from compliance.caller_ids import (
    BLOCKS_WITHIN_S,
    REST_S,
    CallerId,
    Pool,
    Standing,
    Wanted,
    candidates,
    choose,
    none_left,
    rest_of,
)
from config.campaign import CampaignSettings
from dialer.core.abandonment.windows import counting_day, next_day, zone_of
from dialer.core.model import Disposition, Settlement
from dialer.language.phrases import phrase
from dialer.language.refusals import detail
from dialer.store.base.connection import Command, ScriptCall, Store, trip
from dialer.store.base.fields import EPOCH_MAX, Undecodable
from dialer.store.base.records import Time, packed, read, whole_of
from dialer.store.settlement.settlements import counted_at

USES_KEPT_S: Final = 31 * 86_400
BLOCKS_KEPT: Final = 5_000
"""Blocks that are remembered, the newest: all that can make a number rest, of pools as large as they can be."""

UNREADABLE_USES: Final = 10**12
"""A count of uses that is no number is taken for more than any limit (lua/caller_ids.lua does the same)."""

_SAME_DAY_S: Final = 900
"""Midnights of every zone of today fall on a quarter of an hour."""


@dataclass(frozen=True, slots=True)
class Rest:
    """What an operator said about a number."""

    until: Time
    reason: str
    who: str
    at: Time


@dataclass(frozen=True, slots=True)
class Held:
    """What the store keeps of some numbers: `uses` of one day and of the day `before`, `rests`, and the times of
    `blocks`, ascending."""

    uses: Mapping[str, int]
    before: Mapping[str, int]
    rests: Mapping[str, Rest]
    blocks: Mapping[str, Sequence[float]]

    def standings(self, pool: Pool) -> dict[str, Standing]:
        """How the numbers of a pool stand; how many blocks make one rest is each campaign's own word."""
        return {row.number: self._standing(row.number, pool) for row in pool.rows}

    def _standing(self, number: str, pool: Pool) -> Standing:
        uses, rest_row = self.uses.get(number, 0), self.rests.get(number)
        calls = uses + self.before.get(number, 0)
        limit = pool.blocks_to_rest(calls)
        blocked = rest_of(self.blocks.get(number, ()), limit)
        if rest_row is not None and rest_row.until >= blocked:
            return Standing(
                uses,
                rest_row.until,
                f"{rest_row.reason} ({rest_row.who})" if rest_row.reason else f"said {rest_row.who}",
            )
        blocks = len(self.blocks.get(number, ()))
        why = f"the network blocked {blocks} of its calls within a day ({calls:,} in two days)"
        return Standing(uses, blocked, why, by_network=True)


@dataclass(frozen=True, slots=True)
class Review:
    """Why a campaign can show no number at all (empty: it can show one), what is to be said of each number that rests,
    and which of these the network has blocked too often."""

    obstacle: str
    resting: Mapping[str, str]
    blocked: frozenset[str]


def allot(store: Store, settings: CampaignSettings, calls: Sequence[Wanted], now: float) -> tuple[str | Refusal, ...]:
    """A caller id for each call of a batch, in order, or why there is none. One round trip; each use is counted.

    What is not dialled after all is given back with `take_back`, at the same `now`.
    """
    pool, tomorrow = settings.caller_pool(), next_day(now, zone_of(settings))
    narrowed = [candidates(pool, call, tomorrow) for call in calls]
    askers = [rows for rows in narrowed if not isinstance(rows, Refusal)]
    if not askers:
        return tuple(rows for rows in narrowed if isinstance(rows, Refusal))
    reply = trip(store, [_allotment(store, settings, pool, askers, now)])[0]
    picks = iter(reply[0])
    standings = _held(pool, *reply[1:]).standings(pool) if len(reply) > 1 else {}
    answers: list[str | Refusal] = []
    for rows in narrowed:
        if isinstance(rows, Refusal):
            answers.append(rows)
        elif (place := next(picks)) >= 0:
            answers.append(pool.rows[place].number)
        else:
            answers.append(_refusal(rows, standings, tomorrow, now))
    return tuple(answers)


def foresee(store: Store, settings: CampaignSettings, calls: Sequence[Wanted], now: float) -> tuple[str | Refusal, ...]:
    """What `allot` would answer to each of these alone; nothing is counted. One round trip."""
    pool, tomorrow = settings.caller_pool(), next_day(now, zone_of(settings))
    standings = held(store, settings, now).standings(pool)
    answers: list[str | Refusal] = []
    for call in calls:
        rows = candidates(pool, call, tomorrow)
        if isinstance(rows, Refusal):
            answers.append(rows)
        else:
            row = choose(rows, standings, now)
            answers.append(_refusal(rows, standings, tomorrow, now) if row is None else row.number)
    return tuple(answers)


def take_back(store: Store, settings: CampaignSettings, numbers: Iterable[str], now: float) -> None:
    """Uncount uses that `allot` counted at `now` and that came to nothing."""
    day = counting_day(now, zone_of(settings))
    trip(store, [_uncount(store, number, day) for number in numbers])


def settled(store: Store, settlements: Sequence[Settlement], ended: Collection[str]) -> None:
    """Book what became of calls: blocks by the network are noted, however often it is said, and the use of a number is
    taken back where no INVITE left. `ended` are the attempts that ended only now.

    A use that may have been booked on another day than the call ended on stays counted.
    """
    commands: list[Command] = []
    for end in settlements:
        if end.caller_id and end.disposition is Disposition.BLOCKED:
            commands.append(("ZADD", store.keys.caller_id_blocks(), end.ended_at, f"{end.caller_id}|{end.attempt}"))
        same_day = end.reserved_at // _SAME_DAY_S == counted_at(end) // _SAME_DAY_S
        if end.caller_id and end.disposition is Disposition.NOT_SENT and end.attempt in ended and same_day:
            commands.append(_uncount(store, end.caller_id, end.day))
    if any(command[0] == "ZADD" for command in commands):
        commands.append(("ZREMRANGEBYRANK", store.keys.caller_id_blocks(), 0, -BLOCKS_KEPT - 1))
    trip(store, commands)


def held(store: Store, settings: CampaignSettings, now: float) -> Held:
    """What is known of the numbers of a campaign, today in its time zone. One round trip."""
    pool = settings.caller_pool()
    if not pool.rows:
        return Held({}, {}, {}, {})
    names = [row.number for row in pool.rows]
    uses, before = _uses_keys(store, settings, now)
    since = now - BLOCKS_WITHIN_S - REST_S
    recent: Command = ("ZRANGEBYSCORE", store.keys.caller_id_blocks(), since, "+inf", "WITHSCORES")
    rests: Command = ("HMGET", store.keys.caller_id_rests(), *names)
    return _held(pool, *trip(store, [("HMGET", uses, *names), ("HMGET", before, *names), rests, recent]))


def _uses_keys(store: Store, settings: CampaignSettings, now: float) -> tuple[str, str]:
    """The uses of the campaign's counting day, and of the day before."""
    zone = zone_of(settings)
    today = counting_day(now, zone)
    yesterday = date.fromisoformat(today) - timedelta(1)
    return store.keys.caller_id_uses(today), store.keys.caller_id_uses(yesterday.isoformat())


def review(store: Store, settings: CampaignSettings, now: float) -> Review:
    """How the numbers of a campaign stand at the moment, in words. One round trip."""
    pool, zone = settings.caller_pool(), zone_of(settings)
    standings = held(store, settings, now).standings(pool)
    refusal = none_left(pool.rows, standings, next_day(now, zone), now) if pool.rows else None
    resting = {
        number: phrase(
            "caller id {number} rests until {time}: {why}",
            number=number,
            time=_clock(standing.rests_until, zone),
            why=standing.why,
        )
        for number, standing in standings.items()
        if standing.rests(now)
    }
    why = ""
    if refusal is not None and refusal.until is not None:
        why = phrase("{why}, until {time}", why=detail(refusal), time=_clock(refusal.until, zone))
    blocked = {number for number, standing in standings.items() if standing.rests(now) and standing.by_network}
    return Review(why, resting, frozenset(blocked))


def rest(store: Store, number: str, period: Rest) -> None:
    """Let a number rest, for all campaigns."""
    trip(store, [("HSET", store.keys.caller_id_rests(), number, packed(period))])


def wake(store: Store, number: str) -> bool:
    """End a number's rest, whoever let it rest; blocks by the network are forgotten. Returns whether there was anything
    to forget."""
    key = store.keys.caller_id_blocks()
    begins = f"{number}|".encode()
    mine = [name for name in trip(store, [("ZRANGE", key, 0, -1)])[0] if name.startswith(begins)]
    calls: list[Command] = [("HDEL", store.keys.caller_id_rests(), number)]
    if mine:
        calls.append(("ZREM", key, *mine))
    return any(trip(store, calls))


def _allotment(
    store: Store, settings: CampaignSettings, pool: Pool, askers: Sequence[Sequence[CallerId]], now: float
) -> ScriptCall:
    places = {row.number: place for place, row in enumerate(pool.rows, 1)}
    sets: dict[tuple[int, ...], int] = {}
    known: dict[int, int] = {}  # by identity: most askers have the same rows
    leads = [
        known.get(id(rows))
        or known.setdefault(id(rows), sets.setdefault(tuple(places[row.number] for row in rows), len(sets) + 1))
        for rows in askers
    ]
    given = {
        "numbers": [row.number for row in pool.rows],
        "limits": [row.daily_limit for row in pool.rows],
        "sets": list(sets),
        "leads": leads,
    }
    uses, before = _uses_keys(store, settings, now)
    keys = (uses, before, store.keys.caller_id_rests(), store.keys.caller_id_blocks())
    limits = (pool.rest_after_blocks, BLOCKS_WITHIN_S, REST_S, USES_KEPT_S, pool.rest_share, pool.rest_min_calls)
    return ScriptCall("caller_ids", keys, (now, *limits, bytes(msgpack.packb(given))))


def _held(
    pool: Pool, uses: Sequence[Any], before: Sequence[Any], rests: Sequence[Any], blocks: Sequence[bytes]
) -> Held:
    names = [row.number for row in pool.rows]
    times: dict[str, list[float]] = defaultdict(list)
    for name, at in zip(blocks[::2], blocks[1::2], strict=True):
        times[name.decode(errors="replace").partition("|")[0]].append(float(at))
    return Held(
        {name: whole_of(count, UNREADABLE_USES) for name, count in zip(names, uses, strict=True) if count is not None},
        {name: whole_of(count, 0) for name, count in zip(names, before, strict=True) if count is not None},
        {name: _rest_of(raw) for name, raw in zip(names, rests, strict=True) if raw is not None},
        times,
    )


def _rest_of(raw: bytes) -> Rest:
    """What an operator said; what cannot be read lets the number rest until somebody wakes it."""
    try:
        return read(Rest, raw, "the rest of a caller id")
    except Undecodable as error:
        return Rest(EPOCH_MAX, str(error), "dialer", 0.0)


def _clock(at: float, zone: tzinfo | None) -> str:
    return datetime.fromtimestamp(at, zone).strftime("%Y-%m-%d %H:%M")


def _refusal(rows: Sequence[CallerId], standings: Mapping[str, Standing], tomorrow: float, now: float) -> Refusal:
    refusal = none_left(rows, standings, tomorrow, now)
    assert refusal is not None  # nothing was chosen
    return refusal


def _uncount(store: Store, number: str, day: str) -> Command:
    return ("HINCRBY", store.keys.caller_id_uses(day), number, -1)
