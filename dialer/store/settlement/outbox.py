"""Events for the CRM, and their form on the wire.

Each CRM has streams of its own (`store/crm/crm_map.py`). What it must not miss is in `crm:out` and kept until its
readers have it (`store/crm/readers.py`). All else, events for screens and answers to entries, is in `crm:live`, so that
no flood of it takes the place of a disposition.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import msgpack

from compliance.numbers import masked_data, masked_text
from dialer.core.effects import Publish
from dialer.core.model import shown_attempt
from dialer.store.base.connection import Command, Store, trip
from dialer.store.base.errors import StoreError
from dialer.store.base.records import packed, read, shaped
from dialer.store.crm import crm_map, event_settings
from dialer.store.crm.event_settings import LIVE_KEPT, EventSettings, Format

VERSION: Final = 1
"""Version of the event format, the field `v` of every entry. It changes when a reader would have to."""

MUST_NOT_MISS: Final = frozenset({"disposition", "inbound_call", "recording"})
"""The events of `crm:out`."""

FLOOR: Final = frozenset({"agent_interval", "pacing_minute", "outcome"})
"""The events of the stream `floor`. It is there, and costs anything, where an archive reads it."""

FLOOR_KEPT: Final = 1_000_000
"""About how many events it keeps, the newest: some days of a floor of 300 agents, 250 MB at most."""

MOST_REASONS: Final = 20
LONGEST_REASON: Final = 500
"""Bounds of what an event says of an entry that was no good, however long that entry was."""

FREE_TEXT: Final = frozenset({"name", "reason", "reasons", "next_why"})
"""Fields in which people, the CRM or the far end say what they like."""


@dataclass(frozen=True, slots=True)
class CrmEvent:
    """One event of docs/redis.md. (`kind`, `id`) is its idempotency key; `at` is seconds since the epoch. It goes to
    the CRM of its campaign; one of no campaign to `crm`, or else to the CRMs of the campaigns that it is `about`."""

    kind: str
    id: str
    campaign: str
    at: float
    fields: dict[str, Any]
    crm: str | None = None
    about: tuple[str, ...] = ()


def event_of(effect: Publish, at: float) -> CrmEvent:
    """The event that the engine wants published. Its id is the attempt's where it is about one, else the agent's or
    the lead's name with the time."""
    fields = effect.fields
    named = fields.get("attempt_id")
    about = fields.get("agent") or fields.get("lead_id") or effect.campaign
    return CrmEvent(effect.kind, str(named or f"{about}@{at:.3f}"), effect.campaign, at, dict(fields))


def refused(
    stream: str,
    entry_id: str,
    reasons: Sequence[str],
    *,
    at: float,
    about: str = "",
    campaign: str = "",
    sender: str = "",
    ref: str = "",
    crm: str | None = None,
) -> CrmEvent:
    """Tells the sender of an entry of `stream` why it was refused; `about` is the attempt, lead or agent it named,
    `ref` what the sender calls the entry, `crm` the sender's where that is known."""
    more = len(reasons) - MOST_REASONS
    shortened = [reason[:LONGEST_REASON] for reason in reasons[:MOST_REASONS]]
    if more > 0:
        shortened.append(f"and {more:,} more reasons")
    fields = {
        "stream": stream,
        "entry": entry_id,
        "about": shown_attempt(about),
        "reasons": shortened,
        "sender": masked_text(sender),
        "ref": masked_text(ref),
    }
    return CrmEvent("refused", f"{stream}/{entry_id}", campaign, at, fields, crm)


def publish(store: Store, events: Sequence[CrmEvent]) -> None:
    """Append events to the streams of their CRMs, in order, in one round trip."""
    if events:
        settings = event_settings.loaded(store)
        trip(store, [_append(store, event, crm, settings) for event in events for crm in _crms(store, event)])


def announce(store: Store, events: Sequence[CrmEvent]) -> None:
    """Publish events that wait in `unannounced`, and only then forget them there: a crash in between repeats them."""
    publish(store, events)
    trip(store, [("HDEL", store.keys.unannounced(event.campaign), event.id) for event in events])


def _crms(store: Store, event: CrmEvent) -> Sequence[str]:
    if event.crm is not None:
        return (event.crm,)
    if event.about:  # campaigns that an agent named, which need not be there: nobody is asked about each of them
        known = crm_map.loaded(store).by_campaign
        return sorted({known.get(name, crm_map.SHARED) for name in event.about})
    return (crm_map.crm_of(store, event.campaign),)


def _append(store: Store, event: CrmEvent, crm: str, settings: EventSettings) -> Command:
    data = {"campaign": event.campaign, "at": event.at, **shown(event.fields)}
    try:
        raw = (
            json.dumps(data, ensure_ascii=False, allow_nan=False).encode()
            if settings.format is Format.JSON
            else bytes(msgpack.packb(data))
        )
    except (TypeError, ValueError, OverflowError) as error:
        raise StoreError(f"the {event.kind} event {event.id} cannot be encoded: {error}") from error
    entry = ("v", VERSION, "type", event.kind, "id", event.id, "data", raw)
    if event.kind in FLOOR:
        return ("XADD", store.keys.floor(), "NOMKSTREAM", "MAXLEN", "~", FLOOR_KEPT, "*", *entry)
    if event.kind in MUST_NOT_MISS or not settings.live_stream:
        stream, most = store.keys.crm_out(crm), settings.limit
    else:
        stream, most = store.keys.crm_live(crm), LIVE_KEPT
    return ("XADD", stream, "MAXLEN", "~", most, "*", *entry)


def shown(fields: Mapping[str, Any]) -> dict[str, Any]:
    """An event's fields as they may leave: what people wrote is masked. Ids, which others know things by, stay."""
    return {name: masked_data(value) if name in FREE_TEXT else value for name, value in fields.items()}


def to_wire(event: CrmEvent) -> dict[str, Any]:
    """As plain msgpack-able data, for the disk spool."""
    fields = shown(event.fields)
    wire = {"kind": event.kind, "id": event.id, "campaign": event.campaign, "at": event.at, "fields": fields}
    wire |= {} if event.crm is None else {"crm": event.crm}
    return wire | ({"about": list(event.about)} if event.about else {})


def from_wire(data: object) -> CrmEvent:
    """The way back. Raises `Undecodable` for what `to_wire` did not write."""
    return shaped(CrmEvent, data, "an event")


def pack_event(event: CrmEvent) -> bytes:
    """The form in which an event waits in `unannounced`."""
    return packed(to_wire(event))


def unpack_event(raw: bytes) -> CrmEvent:
    """The way back. Raises `Undecodable`."""
    return read(CrmEvent, raw, "a kept event")
