"""Leads from one campaign into another: copied, or moved with their tries.

Campaigns live in different slots of a Redis Cluster, so a move is several scripts: the lead is closed in its campaign
as moved, which takes it from any daemon, and then put into the other one. So at no moment can both dial it. A move that
is interrupted in between leaves it closed as moved, and is finished by moving it again. A promised callback goes along;
its history stays where it was.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import msgpack

from dialer.core.leads import lead_reasons
from dialer.core.leads.lead_reasons import Kind, Why
from dialer.store.base.connection import Command, Store, Value, campaign_call, trip
from dialer.store.base.records import whole_of
from dialer.store.leads.bulk import changes
from dialer.store.leads.bulk.changes import Change, Changed, Done
from dialer.store.leads.history import STORY_BYTES, ordered_line
from dialer.store.leads.lead_codec import NO_LIST, Stored, stored_of
from dialer.store.leads.leads import LeadState, Seen, look

MOVED: Final = "moved"
COPIED: Final = "copied"
_PUT: Final = 1  # what lua/put.lua says of a lead that was not there


class Fate(StrEnum):
    """What became of a lead that was to be moved or copied."""

    DONE = "done"
    DUPLICATE = "duplicate"  # its id or one of its numbers is in the other campaign already
    IN_CALL = "in_call"  # it stays: an attempt to it has not ended
    GONE = "gone"  # it is not there any more, or somebody has closed it meanwhile


@dataclass(frozen=True, slots=True)
class Transfer:
    """From which campaign into which, on whose word. `priority` None keeps each lead's own."""

    source: str
    target: str
    who: str
    priority: int | None = None

    def priority_of(self, kept: bytes | None, own: int) -> int:
        """The priority of a lead in the other campaign: `own` is what it came with, `kept` what it was given later."""
        return whole_of(kept, own) if self.priority is None else self.priority


@dataclass(slots=True)
class _Row:
    """A lead on its way: as it is kept, decoded, and with what goes along. `waits_until` is when it is due, None: at
    once; `promised_at` when somebody is to call back."""

    lead_id: str
    raw: bytes
    stored: Stored
    progress: bytes | None = None
    priority: bytes | None = None
    waits_until: float | None = None
    promised_at: float | None = None
    agent: bytes = b""


def copy(store: Store, transfer: Transfer, lead_ids: Sequence[str], now: float) -> Counter[Fate]:
    """Put leads (at most `changes.CHANGED_AT_ONCE`) into another campaign as well, untried."""
    rows = [
        _Row(seen.lead_id, seen.raw, stored_of(seen.raw), priority=seen.priority)
        for seen in look(store, transfer.source, lead_ids)
    ]
    why = lead_reasons.ordered(COPIED, transfer.who, to=transfer.target)
    answers = _put(store, transfer, rows, why, now)
    fates = Counter({Fate.GONE: len(set(lead_ids)) - len(rows)})
    fates.update(Fate.DONE if answer == _PUT else Fate.DUPLICATE for answer in answers)
    return +fates


def move(store: Store, transfer: Transfer, lead_ids: Sequence[str], now: float) -> Counter[Fate]:
    """Move leads (at most `changes.CHANGED_AT_ONCE`) that are in no attempt into another campaign. A callback that was
    promised is owed there."""
    leads = {seen.lead_id: seen for seen in look(store, transfer.source, lead_ids)}
    rows = [_Row(seen.lead_id, seen.raw, stored_of(seen.raw)) for seen in leads.values()]
    duplicates = _duplicates(store, transfer.target, rows)
    fates = Counter({Fate.GONE: len(set(lead_ids)) - len(rows), Fate.DUPLICATE: len(duplicates)})
    begun: list[_Row] = []
    fresh: list[_Row] = []
    for row in rows:
        seen = leads[row.lead_id]
        if row.lead_id in duplicates:
            continue
        if seen.state is LeadState.IN_ATTEMPT:
            fates[Fate.IN_CALL] += 1
        elif seen.state is LeadState.CLOSED and _is_on_its_way(seen, transfer):
            begun.append(row)
        else:
            fresh.append(row)
    why = lead_reasons.ordered(MOVED, transfer.who, to=transfer.target)
    places = {leads[row.lead_id].state for row in fresh}
    moving = begun + _closed(store, transfer, begun, fresh, Change("close", places, 0.0, MOVED, why, owed=True), now)
    fates[Fate.GONE] += len(begun) + len(fresh) - len(moving)
    answers = _put(store, transfer, moving, why, now)
    refused = [row for row, answer in zip(moving, answers, strict=True) if not answer]
    _give_back(store, transfer, refused, now)
    _forget_promises(store, transfer, [row for row, answer in zip(moving, answers, strict=True) if answer])
    fates[Fate.DUPLICATE] += len(refused)
    fates[Fate.DONE] += len(moving) - len(refused)
    return +fates


def _closed(
    store: Store, transfer: Transfer, begun: Sequence[_Row], fresh: Sequence[_Row], closing: Change, now: float
) -> list[_Row]:
    """Close fresh leads as moved; those that were closed now. All, with those that an interrupted move has closed, get
    what is kept of them then: somebody may have called or changed one since it was looked at."""
    rows = [*begun, *fresh]
    if not rows:
        return []
    ids, campaign, keys = [row.lead_id for row in rows], transfer.source, store.keys
    orders = [changes.change_call(store, campaign, ids[len(begun) :], closing, now)] if fresh else []
    kept: list[Command] = [("HMGET", key(campaign), *ids) for key in (keys.lead, keys.progress, keys.priority)]
    promises: list[Command] = [
        ("ZMSCORE", keys.callbacks(campaign), *ids),
        ("HMGET", keys.callback_agent(campaign), *ids),
    ]
    *answer, raws, progress, priorities, promised, agents = trip(store, [*orders, *kept, *promises])
    changed = changes.read_answer(answer[0]) if answer else Changed()
    changes.tell_daemons(store, campaign, changed.held, who=transfer.who, now=now)
    for row, *cells in zip(rows, raws, progress, priorities, promised, agents, strict=True):
        raw, row.progress, row.priority, promised_at, agent = cells
        if raw and raw != row.raw:
            row.raw, row.stored = raw, stored_of(raw)
        row.promised_at, row.agent = None if promised_at is None else float(promised_at), agent or b""
        row.waits_until = row.promised_at  # of those that an interrupted move has closed nobody knows more
    for row, waited_until in zip(fresh, changed.waited_until, strict=True):
        row.waits_until = waited_until
    return [row for row, done in zip(fresh, changed.answers, strict=True) if done is Done.CHANGED]


def _is_on_its_way(seen: Seen, transfer: Transfer) -> bool:
    """Whether an interrupted move has closed a lead that has not arrived."""
    why = seen.why
    return _is_moved(why) and why.facts.get("to") == transfer.target


def _duplicates(store: Store, target: str, rows: Sequence[_Row]) -> set[str]:
    """Leads whose id or number is in the target, and was not moved away from there."""
    if not rows:
        return set()
    by_number = {digits: row.lead_id for row in rows for digits in _digits(row)}
    ids = [row.lead_id for row in rows]
    keys = store.keys
    held, there = trip(store, [("HMGET", keys.numbers(target), *by_number), ("HMGET", keys.lead(target), *ids)])
    others = {
        name.decode(): by_number[digits] for digits, name in zip(by_number, held, strict=True) if name is not None
    }
    others |= {lead_id: lead_id for lead_id, raw in zip(ids, there, strict=True) if raw is not None}
    if not others:
        return set()
    closed, whys = trip(store, [("ZMSCORE", keys.closed(target), *others), ("HMGET", keys.why(target), *others)])
    was_moved = {why: _is_moved(lead_reasons.read((why or b"").decode(errors="replace"))) for why in set(whys)}
    return {
        others[other]
        for other, closed_at, why in zip(others, closed, whys, strict=True)
        if closed_at is None or not was_moved[why]
    }


def _is_moved(why: Why) -> bool:
    return why.kind is Kind.ORDERED and why.name == MOVED


def _digits(row: _Row) -> list[str]:
    return [number[1:] for number in row.stored.numbers]


def _put(store: Store, transfer: Transfer, rows: Sequence[_Row], why: Why, now: float) -> list[int]:
    if not rows:
        return []
    given = {
        "now": now,
        "story_bytes": STORY_BYTES,
        "why": lead_reasons.kept(why),
        "line": ordered_line(why, now),
    }
    leads = [
        {
            "id": row.lead_id,
            "stored": row.raw,
            "sid": row.stored.sid,
            "list": row.stored.list_name or NO_LIST,
            "digits": _digits(row),
            "due_at": now if row.waits_until is None else row.waits_until,
            "priority": transfer.priority_of(row.priority, row.stored.priority),
            "progress": row.progress or b"",
            "promised": "" if row.promised_at is None else row.promised_at,
            "agent": row.agent,
        }
        for row in rows
    ]
    args: list[Value] = [bytes(msgpack.packb(body, use_bin_type=False)) for body in (given, *leads)]
    return list(trip(store, [campaign_call(store, "put", transfer.target, args)])[0])


def _give_back(store: Store, transfer: Transfer, rows: Sequence[_Row], now: float) -> None:
    """A lead with the same number came into the other campaign in between: what was closed is as it was."""
    by_time: dict[float, list[str]] = defaultdict(list)
    for row in rows:
        by_time[now if row.waits_until is None else row.waits_until].append(row.lead_id)
    for at, lead_ids in by_time.items():
        back = changes.due_again({LeadState.CLOSED}, at, lead_reasons.ordered("given back", transfer.who))
        changes.change(store, transfer.source, lead_ids, back, who=transfer.who, now=now)


def _forget_promises(store: Store, transfer: Transfer, rows: Sequence[_Row]) -> None:
    """What has arrived is owed there, and here no more."""
    ids = [row.lead_id for row in rows if row.promised_at is not None]
    if ids:
        keys, campaign = store.keys, transfer.source
        trip(store, [("ZREM", keys.callbacks(campaign), *ids), ("HDEL", keys.callback_agent(campaign), *ids)])
