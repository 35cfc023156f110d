"""Leads from one campaign into another: copied, or moved with their tries.

Campaigns live in different slots of a Redis Cluster, so a move is several scripts: the lead is closed in its campaign
as moved, which takes it from any daemon, and then put into the other one. So at no moment can both dial it. A move that
is interrupted in between leaves it closed as moved, and is finished by moving it again. Its history stays where it was.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

import msgpack

from dialer.core.leads import lead_reasons
from dialer.core.leads.lead_reasons import Kind, Why
from dialer.store.base.connection import Store, Value, campaign_call, trip
from dialer.store.base.records import whole_of
from dialer.store.leads.bulk import changes
from dialer.store.leads.bulk.changes import Done
from dialer.store.leads.history import STORY_BYTES, ordered_line
from dialer.store.leads.lead_codec import NO_LIST, stored_of
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


def copy(store: Store, transfer: Transfer, lead_ids: Sequence[str], now: float) -> Counter[Fate]:
    """Put leads (at most `changes.CHANGED_AT_ONCE`) into another campaign as well, untried."""
    seen = look(store, transfer.source, lead_ids)
    why = lead_reasons.ordered(COPIED, transfer.who, to=transfer.target)
    answers = _put(store, transfer, seen, why, now, with_progress=False)
    fates = Counter({Fate.GONE: len(set(lead_ids)) - len(seen)})
    fates.update(Fate.DONE if answer == _PUT else Fate.DUPLICATE for answer in answers)
    return +fates


def move(store: Store, transfer: Transfer, lead_ids: Sequence[str], now: float) -> Counter[Fate]:
    """Move leads (at most `changes.CHANGED_AT_ONCE`) that are in no attempt into another campaign."""
    seen = {one.lead_id: one for one in look(store, transfer.source, lead_ids)}
    duplicates = _duplicates(store, transfer.target, list(seen.values()))
    fates = Counter({Fate.GONE: len(set(lead_ids)) - len(seen), Fate.DUPLICATE: len(duplicates)})
    begun: list[Seen] = []
    fresh: list[Seen] = []
    for lead_id, one in seen.items():
        if lead_id in duplicates:
            continue
        if one.state is LeadState.IN_ATTEMPT:
            fates[Fate.IN_CALL] += 1
        elif one.state is LeadState.CLOSED and _is_on_its_way(one, transfer):
            begun.append(one)
        else:
            fresh.append(one)
    why = lead_reasons.ordered(MOVED, transfer.who, to=transfer.target)
    closed = _closed(store, transfer, fresh, why, now)
    fates[Fate.GONE] += len(fresh) - len(closed)
    moving = begun + closed
    answers = _put(store, transfer, moving, why, now)
    refused = [one for one, answer in zip(moving, answers, strict=True) if not answer]
    _give_back(store, transfer, refused, now)
    fates[Fate.DUPLICATE] += len(refused)
    fates[Fate.DONE] += len(moving) - len(refused)
    return +fates


def _closed(store: Store, transfer: Transfer, leads: Sequence[Seen], why: Why, now: float) -> list[Seen]:
    """Close leads as moved; those that were closed now, as they are kept then: somebody may have changed one since it
    was looked at. Where they were is what was seen."""
    ids = [one.lead_id for one in leads]
    closing = changes.closed({one.state for one in leads}, MOVED, why)
    told = changes.change(store, transfer.source, ids, closing, who=transfer.who, now=now)
    closed = [one for one, done in zip(leads, told.answers, strict=True) if done is Done.CHANGED]
    if not closed:
        return []
    kept = trip(store, [("HMGET", store.keys.lead(transfer.source), *(one.lead_id for one in closed))])[0]
    return [replace(one, raw=raw) if raw else one for one, raw in zip(closed, kept, strict=True)]


def _is_on_its_way(seen: Seen, transfer: Transfer) -> bool:
    """Whether an interrupted move has closed a lead that has not arrived."""
    why = seen.why
    return why.kind is Kind.ORDERED and why.name == MOVED and why.facts.get("to") == transfer.target


def _due_at(seen: Seen, now: float) -> float:
    return seen.at if seen.state is LeadState.WAITING else now


def _duplicates(store: Store, target: str, leads: Sequence[Seen]) -> set[str]:
    """Leads whose id or number is in the target, and was not moved away from there."""
    if not leads:
        return set()
    by_number = {digits: one.lead_id for one in leads for digits in _digits(one)}
    ids = [one.lead_id for one in leads]
    keys = store.keys
    held, there = trip(store, [("HMGET", keys.numbers(target), *by_number), ("HMGET", keys.lead(target), *ids)])
    others = {
        name.decode(): by_number[digits] for digits, name in zip(by_number, held, strict=True) if name is not None
    }
    others |= {lead_id: lead_id for lead_id, raw in zip(ids, there, strict=True) if raw is not None}
    return {
        others[one.lead_id]
        for one in look(store, target, list(others))
        if not (one.state is LeadState.CLOSED and one.why.kind is Kind.ORDERED and one.why.name == MOVED)
    }


def _digits(seen: Seen) -> list[str]:
    return [number[1:] for number in stored_of(seen.raw).numbers]


def _put(
    store: Store,
    transfer: Transfer,
    leads: Sequence[Seen],
    why: Why,
    now: float,
    *,
    with_progress: bool = True,
) -> list[int]:
    if not leads:
        return []
    line, kept = ordered_line(why, now), lead_reasons.kept(why)
    rows = []
    for one in leads:
        stored = stored_of(one.raw)
        own = whole_of(one.priority, stored.priority)
        rows.append(
            {
                "id": one.lead_id,
                "stored": one.raw,
                "list": stored.list_name or NO_LIST,
                "digits": [number[1:] for number in stored.numbers],
                "due_at": _due_at(one, now) if with_progress else now,
                "priority": own if transfer.priority is None else transfer.priority,
                "progress": (one.progress or b"") if with_progress else b"",
                "why": kept,
                "line": line,
            }
        )
    told = ({"now": now, "story_bytes": STORY_BYTES}, *rows)
    args: list[Value] = [bytes(msgpack.packb(row, use_bin_type=False)) for row in told]
    return list(trip(store, [campaign_call(store, "put", transfer.target, args)])[0])


def _give_back(store: Store, transfer: Transfer, leads: Sequence[Seen], now: float) -> None:
    """A lead with the same number came into the other campaign in between: what was closed is as it was."""
    by_time: dict[float, list[str]] = defaultdict(list)
    for one in leads:
        by_time[_due_at(one, now)].append(one.lead_id)
    for at, lead_ids in by_time.items():
        back = changes.due_again({LeadState.CLOSED}, at, lead_reasons.ordered("given back", transfer.who))
        changes.change(store, transfer.source, lead_ids, back, who=transfer.who, now=now)
