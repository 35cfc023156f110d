"""Looking at what passes through the CRM's streams, masked. Whoever looks takes nothing from anybody."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from compliance.numbers import masked_data, masked_text
from dialer.store.base.connection import Command, ScriptCall, Store, trip
from dialer.store.base.fields import Undecodable, decode, unpacked
from dialer.store.base.streams import Entry, entries_of
from dialer.store.crm import crm_map

AT_ONCE: Final = 200
_FIELD: Final = {"crm:in": "request", "agents:in": "event"}


@dataclass(frozen=True, slots=True)
class Passing:
    """One entry of a stream as people may see it. `at` is when it came into the stream, in seconds since the epoch."""

    stream: str
    entry: str
    at: float
    kind: str
    id: str
    data: Mapping[str, Any]


def streams(store: Store, *, incoming: bool, crm: str | None = None) -> dict[str, str]:
    """The streams to look at, of one CRM or of all: their keys by their names without the prefix."""
    crms = crm_map.load(store).crms if crm is None else (crm,)
    of_crm = [store.keys.crm_live, store.keys.crm_out] + [store.keys.crm_in] * incoming
    keys = [key(name) for name in crms for key in of_crm] + [store.keys.agents_in()] * incoming
    return {key.removeprefix(store.keys.prefix): key for key in keys}


def newest(store: Store, keys: Mapping[str, str], count: int) -> tuple[list[Passing], dict[str, str]]:
    """The newest `count` entries of each stream, the oldest first, and where each stream is to be read on."""
    calls: list[Command | ScriptCall] = [("XREVRANGE", key, "+", "-", "COUNT", max(1, count)) for key in keys.values()]
    entries_by_stream = dict(zip(keys, map(entries_of, trip(store, calls)), strict=True))
    cursors = {name: entries[0].id if entries else "0-0" for name, entries in entries_by_stream.items()}
    return _sorted(entries_by_stream) if count else [], cursors


def after(store: Store, keys: Mapping[str, str], cursors: Mapping[str, str]) -> tuple[list[Passing], dict[str, str]]:
    """What came since, at most 200 of each stream, and where to read on. Waits for nothing."""
    calls: list[Command | ScriptCall] = [
        ("XRANGE", key, f"({cursors[name]}", "+", "COUNT", AT_ONCE) for name, key in keys.items()
    ]
    entries_by_stream = dict(zip(keys, map(entries_of, trip(store, calls)), strict=True))
    return _sorted(entries_by_stream), {
        name: entries[-1].id if entries else cursors[name] for name, entries in entries_by_stream.items()
    }


def _sorted(entries_by_stream: Mapping[str, Sequence[Entry]]) -> list[Passing]:
    """By time; what came in the same millisecond, a screen's event before the end that it led to."""
    rows = []
    for place, (name, entries) in enumerate(entries_by_stream.items()):
        for entry in entries:
            ms, _, sequence = entry.id.partition("-")
            rows.append((int(ms), place, int(sequence), _passing(name, entry)))
    return [row for *_, row in sorted(rows, key=lambda row: row[:3])]


def _passing(stream: str, entry: Entry) -> Passing:
    at = int(entry.id.partition("-")[0]) / 1000
    field = _FIELD.get(":".join(stream.split(":")[:2]))
    if field:
        try:
            data = decode(entry.fields, field)
        except Undecodable as error:
            return Passing(stream, entry.id, at, "unreadable", "", {"reason": masked_text(str(error))})
        return Passing(stream, entry.id, at, masked_text(str(data.get("type", ""))[:64]), "", masked_data(data))
    kind, name = (entry.fields.get(part, b"").decode(errors="replace") for part in (b"type", b"id"))
    raw = entry.fields.get(b"data", b"")
    try:
        data = json.loads(raw) if raw.startswith(b"{") else unpacked(raw)
    except (ValueError, RecursionError):
        data = {"reason": "its data cannot be read"}
    return Passing(stream, entry.id, at, kind, name, data if isinstance(data, dict) else {})
