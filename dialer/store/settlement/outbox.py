"""Events for the CRM's stream, and their form on the wire."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import msgpack

from compliance.numbers import masked_data
from dialer.core.effects import Publish
from dialer.core.model import shown_attempt
from dialer.store.base.connection import Command, Store, trip
from dialer.store.base.errors import StoreError
from dialer.store.base.records import packed, read, shaped

VERSION: Final = 1
"""Version of the event format, the field `v` of every entry. It changes when a reader would have to."""

EVENTS_KEPT: Final = 1_000_000
"""About how many events `crm:out` keeps, the newest."""


FREE_TEXT: Final = frozenset({"name", "reason", "reasons", "next_why"})
"""Fields in which people, the CRM or the far end say what they like."""


@dataclass(frozen=True, slots=True)
class CrmEvent:
    """One event of docs/redis.md. (`kind`, `id`) is its idempotency key; `at` is seconds since the epoch."""

    kind: str
    id: str
    campaign: str
    at: float
    fields: dict[str, Any]


def event_of(effect: Publish, at: float) -> CrmEvent:
    """The event that the engine wants published. Its id is the attempt's where it is about one, else the agent's or
    the lead's name with the time."""
    fields = effect.fields
    named = fields.get("attempt_id")
    about = fields.get("agent") or fields.get("lead_id") or effect.campaign
    return CrmEvent(effect.kind, str(named or f"{about}@{at:.3f}"), effect.campaign, at, dict(fields))


def refused(stream: str, entry_id: str, reasons: Sequence[str], *, about: str, campaign: str, at: float) -> CrmEvent:
    """Tells the sender of an entry of `stream` why it was refused; `about` is the attempt or agent it named."""
    fields = {"stream": stream, "entry": entry_id, "about": shown_attempt(about), "reasons": list(reasons)}
    return CrmEvent("refused", f"{stream}/{entry_id}", campaign, at, fields)


def publish(store: Store, events: Sequence[CrmEvent]) -> None:
    """Append events to the CRM's stream, in order, in one round trip."""
    trip(store, [xadd_event(store, event) for event in events])


def xadd_event(store: Store, event: CrmEvent) -> Command:
    """The command that appends an event."""
    data = {"campaign": event.campaign, "at": event.at, **shown(event.fields)}
    try:
        raw = (
            json.dumps(data, ensure_ascii=False, allow_nan=False).encode()
            if store.json_events
            else bytes(msgpack.packb(data))
        )
    except (TypeError, ValueError, OverflowError) as error:
        raise StoreError(f"the {event.kind} event {event.id} cannot be encoded: {error}") from error
    stream = store.keys.crm_out()
    return (
        *("XADD", stream, "MAXLEN", "~", EVENTS_KEPT, "*"),
        *("v", VERSION, "type", event.kind, "id", event.id, "data", raw),
    )


def shown(fields: Mapping[str, Any]) -> dict[str, Any]:
    """An event's fields as they may leave: what people wrote is masked. Ids, which others know things by, stay."""
    return {name: masked_data(value) if name in FREE_TEXT else value for name, value in fields.items()}


def to_wire(event: CrmEvent) -> dict[str, Any]:
    """As plain msgpack-able data, for the disk spool."""
    fields = shown(event.fields)
    return {"kind": event.kind, "id": event.id, "campaign": event.campaign, "at": event.at, "fields": fields}


def from_wire(data: object) -> CrmEvent:
    """The way back. Raises `Undecodable` for what `to_wire` did not write."""
    return shaped(CrmEvent, data, "an event")


def pack_event(event: CrmEvent) -> bytes:
    """The form in which an event waits in `unannounced`."""
    return packed(to_wire(event))


def unpack_event(raw: bytes) -> CrmEvent:
    """The way back. Raises `Undecodable`."""
    return read(CrmEvent, raw, "a kept event")
