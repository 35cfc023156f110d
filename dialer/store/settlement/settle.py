"""Settlement: exactly one end for every attempt, and the CRM hears of it at least once.

A few round trips, whatever the number: the ends are written down (one script for each campaign, each attempt once),
the events are announced, and only then are they forgotten as unannounced. A crash in between costs the CRM a repeated
event, which `attempt_id` gives away, never a missing one. An end is never dropped: one whose attempt the store has
forgotten is written as any other, and where a key of the campaign is damaged its ends wait until that is mended. What
somebody saw beats `unknown`, which another daemon wrote meanwhile: the end is corrected, and the CRM told so, in two
more round trips.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgpack

from dialer.core.abandonment.windows import slot_of
from dialer.core.inbound.ending import STAYS, InboundEnd, end_of
from dialer.core.leads.lead_reasons import AGAIN, Kind, Why, in_words, kept
from dialer.core.model import Disposition, Retry, Settlement
from dialer.store.base import quarantine
from dialer.store.base.connection import ScriptCall, Store, campaign_call, careful_trip, trip
from dialer.store.base.errors import KeyDamaged
from dialer.store.base.fields import Undecodable, unpacked
from dialer.store.base.quarantine import Bad
from dialer.store.base.records import packed
from dialer.store.gate import caller_ids, contacts
from dialer.store.gate.contacts import Reservation, fields_of, give_back, mark
from dialer.store.leads.history import INBOUND, STORY_BYTES
from dialer.store.leads.lead_codec import pack_progress
from dialer.store.operators import campaigns
from dialer.store.operators.agent_days import KEPT_S as AGENT_DAY_KEPT_S
from dialer.store.settlement.attempts import EndedAttempt, PastAttempt
from dialer.store.settlement.ledger import DAY_KEPT_S, HOUR_KEPT_S, hour_of
from dialer.store.settlement.outbox import CrmEvent, announce, pack_event, unpack_event
from dialer.store.settlement.settlements import (
    counted_at,
    event_of,
    from_wire,
    retry_at,
    settled,
    to_wire,
    window_field,
    yields_from,
)

__all__ = ["counted_at", "from_wire", "reannounce", "settle", "settled", "to_wire"]

PROMISE_S: Final = 4 * 3600.0
PROMISE_RETRY_S: Final = 600.0
"""A callback that was promised and reached nobody is tried again, so far apart at most and for so long after its time,
whatever the retry table says. The caps hold for it as for any call."""

NOBODY_REACHED: Final = frozenset({Disposition.BUSY, Disposition.NO_ANSWER, Disposition.CONGESTION})

OPTED_OUT: Final = "opted_out"
"""The reason under which leads are counted whose callee pressed the opt-out key."""

_PER_SCRIPT: Final = 200
_KNOWS_BETTER: Final = 2
"""The answer of lua/settle.lua where the attempt had ended as unknown."""


def settle(store: Store, settlements: Sequence[Settlement], owner: str) -> tuple[str, ...]:
    """Write ends down, each exactly once, and tell the CRM. Returns the attempts that had not ended until now, or had
    ended as unknown and do not any more.

    `owner` is who settles. The ledger is charged to the owner that opened the attempt, so a spool may be replayed by
    a later incarnation. After `StoreUnavailable` do it again: what had ended changes nothing, and what was left
    undone (an event not announced, an attempt not given back) is done. So is the giving back of an uncharged attempt
    that was reserved and never opened.
    """
    return _settle(store, settlements, owner)[0]


def _settle(store: Store, settlements: Sequence[Settlement], owner: str) -> tuple[tuple[str, ...], set[str]]:
    """Attempts that ended now, and those that have to wait."""
    events = {item.attempt: event_of(item, owner) for item in settlements}
    ended, waiting = _write(store, settlements, events, owner)
    ends = [contacts.end_of(item) for item in settlements if item.charged]
    ends += [contacts.end_of_inbound(store, item) for item in settlements if item.inbound and item.lead.lead_id]
    mark(store, ends)
    dialled = [item for item in settlements if not item.inbound]
    give_back(
        store,
        [Reservation(fields_of(item.lead), item.campaign, item.attempt) for item in dialled if not item.charged],
    )
    caller_ids.settled(store, dialled, ended)
    return tuple(ended), waiting


def write_off(store: Store, settlements: Sequence[Settlement], owner: str) -> int:
    """Write the ends of attempts down whose lead is gone or cannot be read, so that whom they were to is not known: the
    number of their `lead` stands for nobody's. Returns how many had not ended until now."""
    events = {}
    for item in settlements:
        event = event_of(item, owner)
        events[event.id] = CrmEvent(event.kind, event.id, event.campaign, event.at, {**event.fields, "phone": ""})
    return len(_write(store, settlements, events, owner)[0])


def _write(
    store: Store, settlements: Sequence[Settlement], events: Mapping[str, CrmEvent], owner: str
) -> tuple[list[str], set[str]]:
    """Write down ends, their events, and what was left unannounced by a call that did not come so far."""
    done, waiting = _told(store, settlements, events, owner)
    better = [item for item in settlements if done.get(item.attempt) == _KNOWS_BETTER]
    if better:
        corrections = {item.attempt: event_of(item, owner, corrects=Disposition.UNKNOWN.value) for item in better}
        events = {**events, **corrections}
        corrected, more = _told(store, better, events, owner, corrects=True)
        done |= corrected
        waiting |= more
    ended = [attempt for attempt, answer in done.items() if answer == 1]
    repeated = [item for item in settlements if done.get(item.attempt) == 0]
    left = trip(store, [("HGET", store.keys.unannounced(item.campaign), item.attempt) for item in repeated])
    kept_events = [(item.campaign, item.attempt.encode(), raw) for item, raw in zip(repeated, left, strict=True) if raw]
    announce(store, [*_readable(store, kept_events), *(events[attempt] for attempt in ended)])
    return ended, waiting


def _told(
    store: Store,
    settlements: Sequence[Settlement],
    events: Mapping[str, CrmEvent],
    owner: str,
    *,
    corrects: bool = False,
) -> tuple[dict[str, int], set[str]]:
    """What lua/settle.lua answered about each attempt, and the attempts that have to wait for a damaged key."""
    groups = _grouped(settlements)
    replies = careful_trip(store, [_settle_call(store, group, events, owner, corrects=corrects) for group in groups])
    done: dict[str, int] = {}
    waiting: set[str] = set()
    for group, answers in zip(groups, replies, strict=True):
        if isinstance(answers, KeyDamaged):
            waiting |= _put_off(store, group, owner)
            continue
        for item, answer in zip(group, answers, strict=True):
            done[item.attempt] = answer or done.get(item.attempt, 0)
    return done, waiting


def reannounce(store: Store) -> int:
    """Tell the CRM what a crash kept from it. Returns how many events were sent."""
    names = campaigns.names(store)
    replies = careful_trip(store, [("HGETALL", store.keys.unannounced(name)) for name in names])
    kept_events = [
        (name, field, raw)
        for name, flat in zip(names, replies, strict=True)
        if not isinstance(flat, KeyDamaged)  # it rests until that is mended
        for field, raw in zip(flat[::2], flat[1::2], strict=True)
    ]
    events = _readable(store, kept_events)
    for i in range(0, len(events), _PER_SCRIPT):
        announce(store, events[i : i + _PER_SCRIPT])
    return len(events)


def _readable(store: Store, kept_events: Sequence[tuple[str, bytes, bytes]]) -> list[CrmEvent]:
    """Kept events by campaign and attempt; what is none is set aside."""
    events: list[CrmEvent] = []
    bad: list[Bad] = []
    for campaign, field, raw in kept_events:
        try:
            events.append(unpack_event(raw))
        except Undecodable as error:
            bad.append(Bad(store.keys.unannounced(campaign), field, raw, str(error)))
    quarantine.set_aside(store, bad)
    return events


# --- ends that wait for a key to be mended ----------------------------------------------------------------------------


def _put_off(store: Store, group: Sequence[Settlement], owner: str) -> set[str]:
    rows = {item.attempt: packed([owner, to_wire(item)]) for item in group}
    trip(store, [("HSET", store.keys.unwritten(), attempt, row) for attempt, row in rows.items()])
    return set(rows)


def settle_put_off(store: Store) -> int:
    """Write down what had to wait, as far as it can be by now; returns how many ends that were. They are there until
    the store has them."""
    flat = trip(store, [("HGETALL", store.keys.unwritten())])[0]
    written = 0
    bad: list[Bad] = []
    for field, raw in zip(flat[::2], flat[1::2], strict=True):
        try:
            match unpacked(raw):
                case [str(owner), body]:
                    item = from_wire(body)
                case _:
                    raise Undecodable("no settlement that waits")
        except Undecodable as error:
            bad.append(Bad(store.keys.unwritten(), field, raw, str(error)))
            continue
        if not _settle(store, [item], owner)[1]:  # else it was put off again: the key is still damaged
            written += trip(store, [("HDEL", store.keys.unwritten(), field)])[0]
    quarantine.set_aside(store, bad)
    return written


# --- how the script is told -------------------------------------------------------------------------------------------


def _grouped(settlements: Sequence[Settlement]) -> list[list[Settlement]]:
    """By campaign, in order, in groups that one script can take."""
    by_campaign: dict[str, list[Settlement]] = defaultdict(list)
    for item in settlements:
        by_campaign[item.campaign].append(item)
    return [group[i : i + _PER_SCRIPT] for group in by_campaign.values() for i in range(0, len(group), _PER_SCRIPT)]


def _settle_call(
    store: Store, group: Sequence[Settlement], events: Mapping[str, CrmEvent], owner: str, *, corrects: bool
) -> ScriptCall:
    campaign, keys = group[0].campaign, store.keys
    days = sorted({item.day for item in group})
    hours = sorted({hour_of(counted_at(item)) for item in group})
    ledgers = [keys.ledger(campaign, day) for day in days] + [keys.ledger_hour(campaign, hour) for hour in hours]
    counted = ledgers + [keys.agent_day(campaign, day) for day in days]
    about = {
        "now": max(item.ended_at for item in group),
        "owner": owner,
        "story_bytes": STORY_BYTES,
        "day_kept_s": DAY_KEPT_S,
        "hour_kept_s": HOUR_KEPT_S,
        "promise_s": PROMISE_S,
        "promise_retry_s": PROMISE_RETRY_S,
        "agent_day_kept_s": AGENT_DAY_KEPT_S,
    }
    rows = [
        {
            **_row(item, events[item.attempt]),
            "day": 1 + days.index(item.day),
            "hour": 1 + len(days) + hours.index(hour_of(counted_at(item))),
            "corrects": corrects,
            "agent_day": 1 + len(ledgers) + days.index(item.day),
        }
        for item in group
    ]
    args = [bytes(msgpack.packb(row, use_bin_type=False)) for row in (about, *rows)]  # Lua's msgpack knows no binary
    return campaign_call(store, "settle", campaign, args, counted)


def _row(ended: Settlement, event: CrmEvent) -> dict[str, Any]:
    lead, step, slot = ended.lead, ended.next_step, slot_of(counted_at(ended))
    tries, counted, story = dict(lead.tries), f"disposition:{ended.disposition}", ended.disposition.value
    if ended.inbound:
        counted, story = f"inbound:{end_of(ended)}", f"{INBOUND}{end_of(ended)}"
    else:
        tries[ended.disposition] = tries.get(ended.disposition, 0) + 1
    if isinstance(step, Retry):
        again = Why(Kind.ENDED, ended.disposition.value, AGAIN)
        what: dict[str, Any] = {"what": "due", "a": retry_at(ended), "early": yields_from(ended), "why": kept(again)}
    else:
        name = OPTED_OUT if ended.opted_out else ended.disposition.value
        why = in_words(name, step.reason)
        what = {"what": "close", "a": ended.disposition.value, "why": kept(why)}
    talked_s = 0.0 if ended.bridged_at is None else max(0.0, ended.ended_at - ended.bridged_at)
    talked_with = "" if ended.bridged_at is None else ended.agent
    past = PastAttempt(
        attempt=ended.attempt,
        number=lead.number_index,
        disposition=story,
        at=ended.reserved_at,
        ended_at=ended.ended_at,
        agent=ended.agent,
        sip_code=ended.sip_code,
    )
    return {
        "attempt": ended.attempt,
        "lead": lead.lead_id,
        **what,
        "again": kept(Why(Kind.ENDED, ended.disposition.value, AGAIN)) if ended.disposition in NOBODY_REACHED else "",
        "progress": pack_progress(
            step.number_index if isinstance(step, Retry) else lead.number_index, tries, talked_with or lead.last_agent
        ),
        "ended": packed(
            EndedAttempt(
                lead.lead_id,
                lead.number_index,
                ended.day,
                ended.live,
                ended.abandoned,
                slot,
                talked_with,
                unknown=ended.disposition is Disposition.UNKNOWN,
                stands_for=ended.stands_for,
            )
        ),
        "story": packed(past),
        "event": pack_event(event),
        "disposition": ended.disposition.value,
        "counted": counted,
        "counted_unknown": f"inbound:{InboundEnd.FAILED}" if ended.inbound else f"disposition:{Disposition.UNKNOWN}",
        "inbound": ended.inbound,
        "stays": ended.inbound and step == STAYS,
        "charged": ended.charged,
        "live": ended.live,
        "abandoned": ended.abandoned,
        "hung_up": ended.hung_up,
        "window": window_field(ended),
        "slot": slot,
        "stands_for": ended.stands_for,
        "agent": talked_with,
        "talk_at": math.floor(ended.bridged_at or 0),
        "talk_ms": round(talked_s * 1000),
    }
