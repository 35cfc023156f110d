"""Looking at leads, masked, in bounded pages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from msgspec.structs import replace

from compliance.numbers import masked_data, masked_numbers, masked_text
from dialer.core.leads import lead_reasons
from dialer.core.leads.lead_reasons import Why
from dialer.core.model import Lead
from dialer.language.phrases import changed, phrase
from dialer.store.base.connection import Store, campaign_call, trip
from dialer.store.base.errors import StoreError, UnknownLead
from dialer.store.base.records import NO_TIME
from dialer.store.leads.history import History, Said, read_history, said_of
from dialer.store.leads.lead_codec import NO_LIST, stream_id_of, taken_in_at_of, unpack
from dialer.store.settlement import attempts

MAX_PAGE: Final = 1000

# In a score of the due: 9 minus the priority, times twice this, plus this for those behind the others of their
# priority, plus milliseconds since the epoch (lua/prelude.lua).
_DUE_STEP: Final = 5e12


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
    ends, or when it was closed. `why` says in words why it was last put off or closed, `reason` as data. `list_name` is
    the list that it came with."""

    lead_id: str
    number: str
    name: str
    priority: int
    state: LeadState
    at: float
    tries: int
    why: str
    reason: Why
    list_name: str


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
class HistoryLine:
    """Something that happened to a lead besides its attempts: a word on one of them, an order, or a call of its own
    (`inbound_` and how it ended). `at` is seconds since the epoch, None where nobody knows; `who` and `text` are
    masked."""

    at: float | None
    what: str
    who: str
    text: str
    attempt: str = ""


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
    history: tuple[HistoryLine, ...] = ()


@dataclass(frozen=True, slots=True)
class Seen:
    """One lead as lua/look.lua found it: as it is kept, and where it is. `at` as in `LeadRow`."""

    campaign: str
    lead_id: str
    raw: bytes
    progress: bytes | None
    priority: bytes | None
    raw_why: bytes | None
    attempt: str
    owner: str
    raw_story: bytes | None
    state: LeadState
    at: float

    @property
    def lead(self) -> Lead:
        """Raises `Undecodable`."""
        return unpack(self.raw, campaign=self.campaign, progress=self.progress, priority=self.priority)

    @property
    def why(self) -> Why:
        return lead_reasons.read((self.raw_why or b"").decode(errors="replace"))


def page(
    store: Store, campaign: str, *, state: LeadState | None = None, cursor: str = "", count: int = 100
) -> tuple[tuple[LeadRow, ...], str]:
    """About `count` leads and the cursor for the next call; an empty cursor says that was all.

    Pages of one state come in its order (what is next first); of all states, in none. Leads that move while pages are
    turned may be missed or seen twice.
    """
    if cursor and not cursor.isdecimal():
        raise StoreError(f"{cursor!r} is not a cursor of a list of leads")
    ids, after = ids_of(store, campaign, state, cursor or "0", min(max(1, count), MAX_PAGE))
    rows = (_row(seen) for seen in look(store, campaign, ids))
    return tuple(row for row in rows if state is None or row.state is state), after


def story(store: Store, campaign: str, lead_id: str) -> LeadStory:
    """One lead's whole story. Raises `UnknownLead`."""
    seen = next(iter(look(store, campaign, [lead_id])), None)
    if seen is None:
        raise UnknownLead(phrase("campaign {campaign!r} has no lead {lead_id!r}", campaign=campaign, lead_id=lead_id))
    lead, history = seen.lead, read_history(seen.raw_story)
    names = [line.attempt for line in history.attempts]
    words = trip(store, [("HMGET", store.keys.outcomes(campaign), *names)])[0] if names else []
    return LeadStory(
        row=_row(seen),
        numbers=tuple(map(str, lead.numbers)),
        timezone=lead.timezone or "",
        customer_id=lead.customer_id,
        expires_at=lead.expires_at,
        consent_at=lead.consent_at,
        consent_until=lead.consent_until,
        consent_source=masked_text(lead.consent_source),
        came_in_at=taken_in_at_of(seen.raw),
        attrs=lead.shown_attrs,
        stream_id=stream_id_of(seen.raw),
        owner=seen.owner,
        open_attempt=seen.attempt,
        attempts=tuple(_past(lead, past, said_of(raw)) for past, raw in zip(history.attempts, words, strict=True)),
        history=_lines(lead, history, dict(zip(names, map(said_of, words), strict=True))),
    )


def ids_of(store: Store, campaign: str, state: LeadState | None, cursor: str, count: int) -> tuple[list[str], str]:
    """About `count` ids of the leads of one state, or of all, and the cursor for the next call, as `page` has it."""
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
    members = trip(store, [("ZRANGE", sets[LeadState(state)](campaign), first, first + count - 1)])[0]
    return [name.decode() for name in members], str(first + count) if len(members) == count else ""


def look(store: Store, campaign: str, ids: Sequence[str]) -> list[Seen]:
    """Leads by id, at most 1,000, all at one instant; those that are gone are left out."""
    if not ids:
        return []
    columns = trip(store, [campaign_call(store, "look", campaign, list(ids))])[0]
    rows = zip(ids, *columns, strict=True)
    return [_seen(campaign, lead_id, cells) for lead_id, *cells in rows if cells[0] is not None]


def _seen(campaign: str, lead_id: str, cells: Sequence[bytes | None]) -> Seen:
    raw, progress, priority, why, attempt, owner, story, closed, leased, waiting, due = cells
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
    return Seen(
        campaign=campaign,
        lead_id=lead_id,
        raw=raw or b"",
        progress=progress,
        priority=priority,
        raw_why=why,
        attempt=(attempt or b"").decode(errors="replace"),
        owner=(owner or b"").decode(errors="replace"),
        raw_story=story,
        state=state,
        at=score % _DUE_STEP / 1000 if state is LeadState.DUE else score,
    )


def _row(seen: Seen) -> LeadRow:
    lead, why = seen.lead, seen.why
    return LeadRow(
        lead_id=lead.lead_id,
        number=str(lead.number),
        name=masked_text(lead.name),
        priority=lead.priority,
        state=seen.state,
        at=seen.at,
        tries=sum(lead.tries.values()),
        why=changed(lead_reasons.sentence(why), masked_text),
        reason=Why(why.kind, masked_text(why.name), why.case, masked_data(dict(why.facts))),
        list_name=lead.list_name or NO_LIST,
    )


def _lines(lead: Lead, history: History, kept: Mapping[str, Said | None]) -> tuple[HistoryLine, ...]:
    """Words, orders and calls from outside by time. What was said before words had lines of their own is only kept
    under its attempt."""
    in_lines = {word.attempt for word in history.words}
    older = [replace(word, attempt=name) for name, word in kept.items() if word is not None and name not in in_lines]
    lines = [
        HistoryLine(
            at=None if word.said_at == NO_TIME else word.said_at,
            what=word.outcome,
            who=masked_text(word.agent),
            text=masked_numbers(word.note, own=lead.numbers),
            attempt=word.attempt,
        )
        for word in (*older, *history.words)
    ]
    lines += [HistoryLine(order.ordered_at, "order", "", masked_text(order.ordered)) for order in history.orders]
    lines += [
        HistoryLine(call.at, call.disposition, masked_text(call.agent), "", call.attempt)
        for call in history.from_outside
    ]
    return tuple(sorted(lines, key=lambda line: line.at or 0.0))


def _past(lead: Lead, line: attempts.PastAttempt, word: Said | None) -> PastAttempt:
    return PastAttempt(
        attempt=line.attempt,
        number=str(lead.numbers[line.number]) if line.number < len(lead.numbers) else "",
        disposition=line.disposition,
        at=line.at,
        ended_at=line.ended_at,
        agent=line.agent,
        sip_code=line.sip_code,
        outcome="" if word is None else word.outcome,
    )
