"""Intake: from the campaign's stream to leads that are due, or to the rejected.

Reading, judging and acknowledging are one consumer group and one script, so that any number of daemons can take in
at once, and a crash at any point leaves an entry either handled or to be handled again, never both.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final

import msgpack

from compliance.api import Per
from config.campaign import LeadEvents
from dialer.store.base.connection import Command, ScriptCall, Store, Value, campaign_call, trip
from dialer.store.base.errors import KeyDamaged, StreamFull, UnknownCampaign
from dialer.store.base.fields import encoded
from dialer.store.base.keys import digits
from dialer.store.base.streams import GROUP, Entry, read_group
from dialer.store.leads.lead_codec import MAX_LEAD_BYTES, NO_LIST, NewLead, Rejection, pack, parse
from dialer.store.operators import campaigns
from dialer.store.settlement.outbox import CrmEvent, announce

REJECTED_KEPT: Final = 100_000
"""About how many rejected leads a campaign keeps, the newest."""

REJECTED_COPY_BYTES: Final = 65_536
QUEUE_LIMIT: Final = 100_000
ACCEPTED: Final = 1
"""The answer of lua/accept.lua for a lead that was taken in."""
MAX_LISTS: Final = 10_000
"""So many lists a campaign has at most; leads of further ones are rejected."""

_CHUNK: Final = 500


@dataclass(frozen=True, slots=True)
class IntakeReport:
    """What one pass did. `read` - `accepted` - `rejected` entries had been handled before."""

    read: int
    accepted: int
    rejected: int


def take_in(
    store: Store,
    campaign: str,
    consumer: str,
    now: float,
    batch: int,
    *,
    max_lead_bytes: int = MAX_LEAD_BYTES,
    ids_needed: Collection[Per] = (),
) -> IntakeReport:
    """Read up to `batch` new entries (never blocks) and accept or reject each. `ids_needed` as in `lead_codec.parse`.
    In a campaign with a damaged key they wait. Raises `UnknownCampaign`."""
    raw = trip(store, [("HGET", store.keys.campaign(campaign), "settings")])[0]
    if raw is None:
        raise UnknownCampaign(campaign, campaigns.names(store))
    settings = campaigns.settings_of(raw)
    entries: tuple[Entry, ...] = ()
    with suppress(KeyDamaged):
        entries = read_group(store, store.keys.leads(campaign), consumer, batch)
    if not entries:
        return IntakeReport(0, 0, 0)
    verdicts = [
        parse(
            entry.fields,
            campaign=campaign,
            default_region=settings.default_region,
            now=now,
            max_bytes=max_lead_bytes,
            ids_needed=ids_needed,
            destinations=settings.destinations(),
        )
        for entry in entries
    ]
    refs = {entry.id: verdict.ref for entry, verdict in zip(entries, verdicts, strict=True) if verdict.ref}
    crm = {"campaign": campaign, "told": settings.lead_events.value, "refs": refs}
    packed_crm = bytes(msgpack.packb(crm))
    args: list[Value] = [GROUP, now, REJECTED_KEPT, REJECTED_COPY_BYTES, MAX_LISTS, packed_crm]
    for entry, verdict in zip(entries, verdicts, strict=True):
        args += _arguments(entry, verdict, now)
    answers: list[int | bytes] = []
    with suppress(KeyDamaged):
        answers = trip(store, [campaign_call(store, "accept", campaign, args)])[0]
    if answers and settings.lead_events is not LeadEvents.NONE:
        events = [
            event_of(campaign, entry, verdict, answer, now)
            for entry, verdict, answer in zip(entries, verdicts, answers, strict=True)
            if answer and (answer != ACCEPTED or settings.lead_events is LeadEvents.ALL)
        ]
        announce(store, events)
    handled = [answer for answer in answers if answer]
    return IntakeReport(len(entries), handled.count(ACCEPTED), len(handled) - handled.count(ACCEPTED))


def event_of(campaign: str, entry: Entry, verdict: NewLead | Rejection, answer: int | bytes, now: float) -> CrmEvent:
    """What the CRM is told of one lead. lua/accept.lua keeps the same until it is announced."""
    lead_id = verdict.lead_id if isinstance(verdict, Rejection) else verdict.lead.lead_id
    fields: dict[str, Any] = {"entry": entry.id, "ref": verdict.ref, "lead_id": lead_id}
    if answer == ACCEPTED:
        return CrmEvent("accepted", f"{campaign}/{entry.id}", campaign, now, fields)
    own = verdict.reasons if isinstance(verdict, Rejection) else ()
    reasons = json.loads(answer) if isinstance(answer, bytes) else list(own)
    return CrmEvent("rejected", f"{campaign}/{entry.id}", campaign, now, {**fields, "reasons": reasons})


def _arguments(entry: Entry, verdict: NewLead | Rejection, now: float) -> list[Value]:
    if isinstance(verdict, Rejection):
        return [entry.id, verdict.lead_id, json.dumps(verdict.reasons), verdict.list_name or NO_LIST, "", 0, 0, 0]
    lead = verdict.lead
    due_at = now if verdict.not_before is None else max(now, verdict.not_before)
    args: list[Value] = [
        entry.id,
        lead.lead_id,
        "",
        lead.list_name or NO_LIST,
        pack(lead, entry.id, now),
        due_at,
        lead.priority,
        len(lead.numbers),
    ]
    for i, number in enumerate(lead.numbers):
        args += [digits(number), "phone" if len(lead.numbers) == 1 else f"phones[{i}]"]
    return args


def enqueue(
    store: Store, campaign: str, entries: Iterable[Mapping[str, Any] | bytes], *, limit: int = QUEUE_LIMIT
) -> int:
    """Add leads to the campaign's stream, as a CRM would. Each entry is a mapping of a lead's fields, or that packed.

    Returns how many were added. Raises `StreamFull` (with `added`) once `limit` entries wait: call again later with
    the rest.
    """
    stream, added = store.keys.leads(campaign), 0
    for chunk in _chunks(entries):
        length = trip(store, [("XLEN", stream)])[0]
        fits = chunk[: max(0, limit - length)]
        commands: list[Command | ScriptCall] = [
            ("XADD", stream, "*", "lead", entry if isinstance(entry, bytes) else encoded(dict(entry), "a lead"))
            for entry in fits
        ]
        trip(store, commands)
        added += len(fits)
        if len(fits) < len(chunk):
            raise StreamFull(stream, length + len(fits), limit, added)
    return added


def _chunks(entries: Iterable[Mapping[str, Any] | bytes]) -> Iterator[list[Mapping[str, Any] | bytes]]:
    source = iter(entries)
    while chunk := list(islice(source, _CHUNK)):
        yield chunk
