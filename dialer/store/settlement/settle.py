"""Settlement: exactly one end for every attempt, and the CRM hears of it at least once.

Three round trips, whatever the number: the ends are written down (one script for each campaign, each attempt once),
the events are announced, and only then are they forgotten as unannounced. A crash in between costs the CRM a repeated
event, which `attempt_id` gives away, never a missing one.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Final

import msgpack

from dialer.core.abandonment.windows import slot_of
from dialer.core.leads.lead_reasons import AGAIN, Kind, Why, kept
from dialer.core.model import Retry, Settlement
from dialer.store.base.connection import Command, ScriptCall, Store, Value, trip
from dialer.store.gate import caller_ids
from dialer.store.gate.contacts import Reservation, end_of, fields_of, give_back, mark
from dialer.store.leads.lead_codec import pack_progress
from dialer.store.operators import campaigns
from dialer.store.settlement.ledger import DAY_KEPT_S, HOUR_KEPT_S, hour_of
from dialer.store.settlement.outbox import CrmEvent, added, pack_event, unpack_event
from dialer.store.settlement.settlements import Settled, counted_at, event_of, from_wire, retry_at, settled, to_wire

__all__ = ["Settled", "counted_at", "from_wire", "reannounce", "settle", "settled", "to_wire"]

STORY_BYTES: Final = 16_384
"""Longest story of one lead; attempts beyond it are counted but not kept in detail."""

OPTED_OUT: Final = "opted_out"
"""What leads are counted as closed by whose callee pressed the key."""

_PER_SCRIPT: Final = 200


def settle(store: Store, settlements: Sequence[Settled], owner: str) -> tuple[str, ...]:
    """Write ends down, each exactly once, and tell the CRM. Returns the attempts that were open until now.

    `owner` is who settles. The ledger is charged to the owner that opened the attempt, so a spool may be replayed by
    a later incarnation. After `StoreUnavailable` do it again: what had ended changes nothing, and what was left
    undone (an event not announced, an attempt not given back) is done. So is the giving back of an uncharged attempt
    that was reserved and never opened.
    """
    groups = _grouped(settlements)
    events = {item.settlement.attempt: event_of(item, owner) for item in settlements}
    replies = trip(store, [_settle_call(store, group, events) for group in groups])
    done: dict[str, bool] = {}
    for group, answers in zip(groups, replies, strict=True):
        for item, answer in zip(group, answers, strict=True):
            done[item.settlement.attempt] = answer == 1 or done.get(item.settlement.attempt, False)
    ended = [attempt for attempt, now in done.items() if now]
    left = _left_unannounced(store, [item.settlement for item in settlements if not done[item.settlement.attempt]])
    _announce(store, [*left, *(events[attempt] for attempt in ended)])
    ends = [item.settlement for item in settlements]
    mark(store, [end_of(one) for one in ends if one.charged])
    give_back(store, [Reservation(fields_of(one.lead), one.campaign, one.attempt) for one in ends if not one.charged])
    caller_ids.settled(store, settlements, ended)
    return tuple(ended)


def _left_unannounced(store: Store, repeated: Sequence[Settlement]) -> list[CrmEvent]:
    """Events of attempts that had been settled before, by a call that did not come as far as telling the CRM."""
    calls: list[Command | ScriptCall] = [
        ("HGET", store.keys.unannounced(one.campaign), one.attempt) for one in repeated
    ]
    return [unpack_event(raw) for raw in trip(store, calls) if raw is not None]


def reannounce(store: Store) -> int:
    """Tell the CRM what a crash kept from it. Returns how many events were sent."""
    names = campaigns.names(store)
    kept = trip(store, [("HVALS", store.keys.unannounced(name)) for name in names])
    events = [unpack_event(raw) for group in kept for raw in group]
    for i in range(0, len(events), _PER_SCRIPT):
        _announce(store, events[i : i + _PER_SCRIPT])
    return len(events)


def _announce(store: Store, events: Sequence[CrmEvent]) -> None:
    commands: list[Command | ScriptCall] = [added(store, event) for event in events]
    trip(store, commands)
    trip(store, [("HDEL", store.keys.unannounced(event.campaign), event.id) for event in events])


def _grouped(settlements: Sequence[Settled]) -> list[list[Settled]]:
    """By campaign, in order, in groups that one script can take."""
    by_campaign: dict[str, list[Settled]] = defaultdict(list)
    for item in settlements:
        by_campaign[item.settlement.campaign].append(item)
    return [group[i : i + _PER_SCRIPT] for group in by_campaign.values() for i in range(0, len(group), _PER_SCRIPT)]


def _settle_call(store: Store, group: Sequence[Settled], events: dict[str, CrmEvent]) -> ScriptCall:
    keys, campaign = store.keys, group[0].settlement.campaign
    named = (
        *(keys.attempts, keys.open, keys.ended, keys.story, keys.progress, keys.leased, keys.lessee, keys.due),
        *(keys.waiting, keys.closed, keys.why, keys.counts, keys.unannounced, keys.wishes, keys.outcomes),
        keys.priority,
    )
    days = sorted({item.day for item in group})
    hours = sorted({hour_of(item.counted_at) for item in group})
    latest = max(item.settlement.ended_at for item in group)
    args: list[Value] = [latest, STORY_BYTES, DAY_KEPT_S, HOUR_KEPT_S]
    for item in group:
        args += _arguments(item, events[item.settlement.attempt])
        args += [days.index(item.day), len(days) + hours.index(hour_of(item.counted_at)), slot_of(item.counted_at)]
    all_keys = [key(campaign) for key in named] + [keys.ledger(campaign, day) for day in days]
    all_keys += [keys.ledger_hour(campaign, hour) for hour in hours]
    return ScriptCall("settle", all_keys, args)


def _arguments(item: Settled, event: CrmEvent) -> list[Value]:
    one = item.settlement
    lead, step = one.lead, one.next_step
    tries = {**lead.tries, one.disposition: lead.tries.get(one.disposition, 0) + 1}
    if isinstance(step, Retry):
        again = Why(Kind.ENDED, one.disposition.value, AGAIN)
        what: list[Value] = ["due", retry_at(one) or one.ended_at, kept(again)]
    else:
        name = OPTED_OUT if one.opted_out else one.disposition.value
        what = ["close", one.disposition.value, kept(Why(Kind.ENDED, name, facts={"words": step.reason}))]
    number_index = step.number_index if isinstance(step, Retry) else lead.number_index
    ended = [lead.lead_id, lead.number_index, item.day, one.live, one.abandoned, slot_of(item.counted_at)]
    story = {
        "attempt": one.attempt,
        "number": lead.number_index,
        "disposition": one.disposition.value,
        "at": one.reserved_at,
        "ended_at": one.ended_at,
        "agent": one.agent,
        "sip_code": one.sip_code,
    }
    packed: list[Value] = [
        pack_progress(number_index, tries),
        bytes(msgpack.packb(ended)),
        bytes(msgpack.packb(story)),
        pack_event(event),
    ]
    counted: list[Value] = [one.disposition.value, int(one.live), int(one.abandoned), int(one.hung_up)]
    return [one.attempt, lead.lead_id, *what, *packed, *counted]
