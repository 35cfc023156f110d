"""Looking at leads, masked, in bounded pages."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

import msgpack
import msgspec

from compliance.numbers import masked_data, masked_text
from dialer.core.leads import lead_reasons
from dialer.core.leads.lead_reasons import Why
from dialer.core.model import Lead
from dialer.store.base.connection import Store, campaign_call, trip
from dialer.store.base.errors import StoreError, UnknownLead
from dialer.store.base.fields import Undecodable
from dialer.store.base.records import read, shaped
from dialer.store.leads.lead_codec import stream_id_of, taken_in_at_of, unpack
from dialer.store.settlement import attempts

MAX_PAGE: Final = 1000

# In a score of the due: 9 minus the priority, times this, plus milliseconds since the epoch (lua/lease.lua).
_PRIORITY_STEP: Final = 1e13


class LeadState(StrEnum):
    """Where a lead is."""

    DUE = "due"
    WAITING = "waiting"
    LEASED = "leased"
    IN_ATTEMPT = "in_attempt"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class LeadRow:
    """One lead as people may see it. `at` (seconds since the epoch) is when it became or becomes due, when its lease
    ends, or when it was closed. `why` says in words why it was last put off or closed, `reason` as data."""

    lead_id: str
    number: str
    name: str
    priority: int
    state: LeadState
    at: float
    tries: int
    why: str
    reason: Why


@dataclass(frozen=True, slots=True)
class PastAttempt:
    """One attempt of a lead that has ended. `number` is masked, times are seconds since the epoch."""

    attempt: str
    number: str
    disposition: str
    at: float
    ended_at: float
    agent: str
    sip_code: int
    outcome: str


@dataclass(frozen=True, slots=True)
class LeadStory:
    """Everything about one lead, numbers masked."""

    row: LeadRow
    numbers: tuple[str, ...]
    timezone: str
    customer_id: str
    expires_at: float | None
    consent_at: float | None
    consent_until: float | None
    consent_source: str
    came_in_at: float
    attrs: dict[str, Any]
    stream_id: str
    owner: str
    open_attempt: str
    attempts: tuple[PastAttempt, ...]


@dataclass(frozen=True, slots=True)
class _Seen:
    """One lead as lua/look.lua found it."""

    lead: Lead
    raw: bytes
    why: Why
    attempt: str
    owner: str
    state: LeadState
    at: float


def page(
    store: Store, campaign: str, *, state: LeadState | None = None, cursor: str = "", count: int = 100
) -> tuple[tuple[LeadRow, ...], str]:
    """About `count` leads and the cursor for the next call; an empty cursor says that was all.

    Pages of one state come in its order (what is next first); of all states, in none. Leads that move while pages are
    turned may be missed or seen twice.
    """
    if cursor and not cursor.isdecimal():
        raise StoreError(f"{cursor!r} is not a cursor of a list of leads")
    ids, after = _ids(store, campaign, state, cursor or "0", min(max(1, count), MAX_PAGE))
    rows = (_row(seen) for seen in _look(store, campaign, ids))
    return tuple(row for row in rows if state is None or row.state is state), after


def story(store: Store, campaign: str, lead_id: str) -> LeadStory:
    """One lead's whole story. Raises `UnknownLead`."""
    seen = next(iter(_look(store, campaign, [lead_id])), None)
    if seen is None:
        raise UnknownLead(f"campaign {campaign!r} has no lead {lead_id!r}")
    raw = trip(store, [("HGET", store.keys.story(campaign), lead_id)])[0]
    past = past_attempts(raw)
    names = [line.attempt for line in past]
    said = trip(store, [("HMGET", store.keys.outcomes(campaign), *names)])[0] if names else []
    return LeadStory(
        row=_row(seen),
        numbers=tuple(map(str, seen.lead.numbers)),
        timezone=seen.lead.timezone or "",
        customer_id=seen.lead.customer_id,
        expires_at=seen.lead.expires_at,
        consent_at=seen.lead.consent_at,
        consent_until=seen.lead.consent_until,
        consent_source=masked_text(seen.lead.consent_source),
        came_in_at=taken_in_at_of(seen.raw),
        attrs=seen.lead.shown_attrs,
        stream_id=stream_id_of(seen.raw),
        owner=seen.owner,
        open_attempt=seen.attempt,
        attempts=tuple(_past(seen.lead, one, outcome) for one, outcome in zip(past, said, strict=True)),
    )


def _ids(store: Store, campaign: str, state: LeadState | None, cursor: str, count: int) -> tuple[list[str], str]:
    keys = store.keys
    if state in (None, LeadState.IN_ATTEMPT):
        key = keys.lead(campaign) if state is None else keys.open(campaign)
        after, flat = trip(store, [("HSCAN", key, cursor, "COUNT", count)])[0]
        return [name.decode() for name in flat[::2]], "" if after == b"0" else after.decode()
    sets = {
        LeadState.DUE: keys.due,
        LeadState.WAITING: keys.waiting,
        LeadState.LEASED: keys.leased,
        LeadState.CLOSED: keys.closed,
    }
    first = int(cursor)
    found = trip(store, [("ZRANGE", sets[LeadState(state)](campaign), first, first + count - 1)])[0]
    return [name.decode() for name in found], str(first + count) if len(found) == count else ""


def _look(store: Store, campaign: str, ids: Sequence[str]) -> list[_Seen]:
    """Leads by id; those that are gone are left out."""
    if not ids:
        return []
    flat = trip(store, [campaign_call(store, "look", campaign, list(ids))])[0]
    return [_seen(campaign, flat[i : i + 10]) for i in range(0, len(flat), 10) if flat[i]]


def _seen(campaign: str, cells: Sequence[bytes]) -> _Seen:
    raw, progress, priority, why, attempt, owner, closed, leased, waiting, due = cells
    if attempt:
        state, at = LeadState.IN_ATTEMPT, leased
    elif closed:
        state, at = LeadState.CLOSED, closed
    elif leased:
        state, at = LeadState.LEASED, leased
    elif waiting:
        state, at = LeadState.WAITING, waiting
    else:
        state, at = LeadState.DUE, due
    score = float(at or 0)
    return _Seen(
        lead=unpack(raw, campaign=campaign, progress=progress, priority=priority or None),
        raw=raw,
        why=lead_reasons.read(why.decode(errors="replace")),
        attempt=attempt.decode(),
        owner=owner.decode(),
        state=state,
        at=score % _PRIORITY_STEP / 1000 if state is LeadState.DUE else score,
    )


def _row(seen: _Seen) -> LeadRow:
    lead = seen.lead
    return LeadRow(
        lead_id=lead.lead_id,
        number=str(lead.number),
        name=masked_text(lead.name),
        priority=lead.priority,
        state=seen.state,
        at=seen.at,
        tries=sum(lead.tries.values()),
        why=masked_text(lead_reasons.sentence(seen.why)),
        reason=Why(seen.why.kind, masked_text(seen.why.name), seen.why.case, masked_data(dict(seen.why.facts))),
    )


def past_attempts(raw: bytes | None) -> list[attempts.PastAttempt]:
    """The lines of a story, up to the first that cannot be read; of an attempt whose end was corrected the last."""
    unpacker = msgpack.Unpacker(strict_map_key=True)
    unpacker.feed(raw or b"")
    lines: dict[str, attempts.PastAttempt] = {}
    with suppress(Undecodable, ValueError, msgpack.UnpackException):
        for line in unpacker:
            past = shaped(attempts.PastAttempt, line, "a line of the story")
            lines[past.attempt] = past
    return list(lines.values())


def _past(lead: Lead, line: attempts.PastAttempt, outcome: bytes | None) -> PastAttempt:
    return PastAttempt(
        attempt=line.attempt,
        number=str(lead.numbers[line.number]) if line.number < len(lead.numbers) else "",
        disposition=line.disposition,
        at=line.at,
        ended_at=line.ended_at,
        agent=line.agent,
        sip_code=line.sip_code,
        outcome=outcome_name(outcome),
    )


def outcome_name(raw: bytes | None) -> str:
    """What a kept outcome says came of an attempt; empty where nobody said, or it cannot be read."""
    if raw is not None:
        with suppress(Undecodable):
            return read(_Said, raw, "an outcome").outcome
    return ""


class _Said(msgspec.Struct, frozen=True):
    outcome: str
