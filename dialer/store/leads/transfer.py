"""Leads from one campaign into another: copied, or moved with their tries.

Campaigns live in different slots of a Redis Cluster, so a move is several scripts: the lead is closed in its campaign
as moved, which takes it from any daemon, and then put into the other one. So at no moment can both dial it. A move that
is interrupted in between leaves it closed as moved, and is finished by moving it again. Its history stays where it was.
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
from dialer.store.base.connection import Store, Value, campaign_call, trip
from dialer.store.leads import changes
from dialer.store.leads.changes import Done
from dialer.store.leads.history import STORY_BYTES, ordered_line
from dialer.store.leads.lead_codec import stored_of
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
    """From which campaign into which, on whose word. `priority` None keeps each lead's own; `at` is when the leads are
    due there, in seconds since the epoch; None: at once, those that wait at their own time."""

    source: str
    target: str
    who: str
    priority: int | None = None
    at: float | None = None


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
    why = lead_reasons.ordered(MOVED, transfer.who, to=transfer.target)
    seen = {one.lead_id: one for one in look(store, transfer.source, lead_ids)}
    fates = Counter({Fate.GONE: len(set(lead_ids)) - len(seen)})
    duplicates = _duplicates(store, transfer.target, list(seen.values()))
    fates[Fate.DUPLICATE] += len(duplicates)
    going = [one for lead_id, one in seen.items() if lead_id not in duplicates]
    fates[Fate.IN_CALL] += sum(one.state is LeadState.IN_ATTEMPT for one in going)
    resting = [one for one in going if one.state is not LeadState.IN_ATTEMPT]
    begun = [one for one in resting if _is_on_its_way(one, transfer)]
    fresh = [one.lead_id for one in resting if not _is_on_its_way(one, transfer)]
    places = {one.state for one in resting}
    closing = changes.closed(places - {LeadState.IN_ATTEMPT}, MOVED, why)
    told = changes.change(store, transfer.source, fresh, closing, who=transfer.who, now=now)
    closed = [lead_id for lead_id, done in zip(fresh, told.answers, strict=True) if done is Done.CHANGED]
    fates[Fate.GONE] += len(fresh) - len(closed)
    # Read again: what is kept of a lead may have changed before it was closed; when it was due is known from before.
    moving = begun + look(store, transfer.source, closed)
    answers = _put(store, transfer, moving, why, now, due_at={name: _due_at(one, now) for name, one in seen.items()})
    refused = [one.lead_id for one, answer in zip(moving, answers, strict=True) if not answer]
    _give_back(store, transfer, [seen[lead_id] for lead_id in refused], now)
    fates[Fate.DUPLICATE] += len(refused)
    fates[Fate.DONE] += len(moving) - len(refused)
    return +fates


def _is_on_its_way(seen: Seen, transfer: Transfer) -> bool:
    """Whether an interrupted move has closed a lead that has not arrived."""
    why = seen.why
    moved = why.kind is Kind.ORDERED and why.name == MOVED and why.facts.get("to") == transfer.target
    return seen.state is LeadState.CLOSED and moved


def _due_at(seen: Seen, now: float) -> float:
    return seen.at if seen.state is LeadState.WAITING else now


def _duplicates(store: Store, target: str, leads: Sequence[Seen]) -> set[str]:
    """Leads whose id or number is in the target, and was not moved away from there."""
    if not leads:
        return set()
    by_number = {digits: one.lead_id for one in leads for digits in _digits(one)}
    held = trip(store, [("HMGET", store.keys.numbers(target), *by_number)])[0]
    others = {
        name.decode(): by_number[digits] for digits, name in zip(by_number, held, strict=True) if name is not None
    }
    others |= {one.lead_id: one.lead_id for one in leads}
    there = look(store, target, list(others))
    return {
        others[one.lead_id]
        for one in there
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
    due_at: dict[str, float] | None = None,
) -> list[int]:
    if not leads:
        return []
    line, kept = ordered_line(why, now), lead_reasons.kept(why)
    rows = []
    for one in leads:
        own = stored_of(one.raw).priority if one.priority is None else int(one.priority)
        rows.append(
            {
                "id": one.lead_id,
                "stored": one.raw,
                "digits": _digits(one),
                "due_at": (due_at or {}).get(one.lead_id, now) if transfer.at is None else transfer.at,
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
