"""What the CRM hears: the events of both streams, in the order in which they came."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import msgpack

from dialer.store.base.connection import Store, trip
from dialer.store.base.streams import Entry, entries_of


@dataclass(frozen=True, slots=True)
class Heard:
    """One event."""

    kind: str
    id: str
    data: dict[str, Any]


def heard(store: Store, *kinds: str, crm: str = "") -> list[Heard]:
    """Every event so far that went to a CRM, or those of some kinds."""
    entries = [
        entry
        for stream in (store.keys.crm_live(crm), store.keys.crm_out(crm))
        for entry in entries_of(trip(store, [("XRANGE", stream, "-", "+")])[0])
    ]
    events = [_event(entry) for entry in sorted(entries, key=_order)]
    return [event for event in events if not kinds or event.kind in kinds]


def _order(entry: Entry) -> tuple[int, int]:
    ms, _, sequence = entry.id.partition("-")
    return int(ms), int(sequence)


def _event(entry: Entry) -> Heard:
    raw = entry.fields[b"data"]
    data = json.loads(raw) if raw.startswith(b"{") else msgpack.unpackb(raw)
    return Heard(entry.fields[b"type"].decode(), entry.fields[b"id"].decode(), data)
