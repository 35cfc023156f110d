"""Rows of the archive out of events of the streams, lines of the audit trail and records of the evidence. Pure.

Events are our own, and untrusted all the same: what does not fit its column makes its event `Unreadable`, for itself.
"""

from __future__ import annotations

import json
import math
import re
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from compliance.evidence import customer_hash, number_hash
from dialer.core.model import Lead
from dialer.disk.archive.partitions import Row
from dialer.disk.archive.tables import TABLES, Column, Table
from dialer.store.base.fields import EPOCH_MAX, unpacked
from dialer.store.base.streams import Entry

LONGEST_TEXT: Final = 300
LONGEST_DETAIL: Final = 4096
HASH_DIGITS: Final = 12
"""Hexadecimal digits of a keyed hash that are kept, 48 bits: of ten million numbers some 180 pairs share theirs."""

CHANGE: Final = "campaign_"
ERASED: Final = "erased"
DISPOSITION: Final = "disposition"
INBOUND_CALL: Final = "inbound_call"
OF_LEADS: Final = frozenset({DISPOSITION, INBOUND_CALL})
"""Events that are about a lead, which has what they do not: its list, and whose number it is."""

_DAY: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_RANGES: Final = {
    "UTINYINT": (0, 2**8 - 1),
    "USMALLINT": (0, 2**16 - 1),
    "UINTEGER": (0, 2**32 - 1),
    "UBIGINT": (0, 2**64 - 1),
    "INTEGER": (-(2**31), 2**31 - 1),
}
"""Whole numbers by type, the least and the greatest; what is beyond is at the edge."""


_FLOAT_MAX: Final = 3.4e38


class Unreadable(ValueError):
    """An entry that cannot be archived; the message says why."""


@dataclass(frozen=True, slots=True)
class Archived:
    """What an entry comes to: a row of a table."""

    table: str
    row: Row


@dataclass(frozen=True, slots=True)
class Event:
    """An event of a stream, read."""

    kind: str
    id: str
    data: Mapping[str, Any]


def event_of(entry: Entry) -> Event:
    """Raises `Unreadable`."""
    kind, id_ = (entry.fields.get(name, b"").decode(errors="replace") for name in (b"type", b"id"))
    raw = entry.fields.get(b"data", b"")
    try:
        data = json.loads(raw) if raw.startswith(b"{") else unpacked(raw)
    except (ValueError, RecursionError) as error:
        raise Unreadable(f"data: {error}") from error
    if not isinstance(data, dict) or not kind:
        raise Unreadable("it is no event")
    return Event(kind, id_, data)


def archived(event: Event, key: bytes, lead: Lead | None) -> Archived | None:
    """The row of an event; None for a type that is not archived. `lead` is that of an event of `OF_LEADS`, None where
    there is none any more: then nothing that tells of the person is kept. Raises `Unreadable`."""
    make = _MAKERS.get(event.kind)
    if make is None:
        return None
    return make(event, key, lead)


def _disposition(event: Event, key: bytes, lead: Lead | None) -> Archived:
    data = dict(event.data)
    trunks = data.get("failed_trunks")
    data["failed_trunks"] = ",".join(map(str, trunks)) if isinstance(trunks, list) else ""
    return _call("attempts", data, key, lead)


def _inbound_call(event: Event, key: bytes, lead: Lead | None) -> Archived:
    return _call("inbound_calls", end_of(event), key, lead)


def end_of(event: Event) -> Mapping[str, Any]:
    """The data of an event of `OF_LEADS`; how the call ended is its `disposition`."""
    return event.data if event.kind == DISPOSITION else {**event.data, "disposition": event.data.get("end")}


def _call(table: str, data: Mapping[str, Any], key: bytes, lead: Lead | None) -> Archived:
    of_lead = {"list": "" if lead is None else lead.list_name, **_person(key, lead, str(data.get("phone")))}
    return Archived(table, _row(TABLES[table], {**data, **of_lead}))


def _person(key: bytes, lead: Lead | None, phone: str) -> dict[str, Any]:
    if lead is None:
        return dict.fromkeys(TABLES["attempts"].personal)
    dialled = next((number for number in lead.numbers if str(number) == phone), None)
    return {
        "lead_id": lead.lead_id,
        "number": None if dialled is None else kept_hash(number_hash(key, dialled)),
        "customer": kept_hash(customer_hash(key, lead.customer_id)) if lead.customer_id else None,
        "phone": phone,
    }


def kept_hash(digest: str) -> int:
    """What is kept of a keyed hash, as the evidence and the audit trail have it."""
    return int(digest[:HASH_DIGITS], 16)


def _outcome(event: Event, key: bytes, lead: Lead | None) -> Archived:
    return Archived(
        "outcomes", _row(TABLES["outcomes"], {**event.data, "word": word_of(event.id), "said_at": event.data.get("at")})
    )


def word_of(text: str) -> int:
    """A number for what tells words on one attempt apart."""
    return zlib.crc32(text.encode())


def _plain(table: str, **renamed: str) -> Callable[[Event, bytes, Lead | None], Archived]:
    def make(event: Event, key: bytes, lead: Lead | None) -> Archived:
        data = {**event.data, **{name: event.data.get(given) for name, given in renamed.items()}}
        return Archived(table, _row(TABLES[table], data))

    return make


_MAKERS: Final[Mapping[str, Callable[[Event, bytes, Lead | None], Archived]]] = {
    DISPOSITION: _disposition,
    INBOUND_CALL: _inbound_call,
    "outcome": _outcome,
    "agent_interval": _plain("agent_intervals"),
    "pacing_minute": _plain("pacing_minutes"),
    "recording": _plain("recordings", finished_at="at"),
    "script_answer": _plain("script_answers", answered_at="at"),
}
"""By type of event. What has none is not archived, and not missed: it is for screens."""


def campaign_change(entry: Entry) -> Archived | None:
    """The row of a line of the audit trail that is about a campaign. Raises `Unreadable`."""
    what = entry.fields.get(b"what", b"").decode(errors="replace")
    if not what.startswith(CHANGE):
        return None
    detail = audit_detail(entry)
    row = {
        "entry": entry.id,
        "changed_at": _at_of(entry),
        "campaign": _printable(str(detail.pop("campaign", ""))),
        "what": _printable(what),
        "redis_user": _printable(entry.fields.get(b"user", b"").decode(errors="replace")),
        "who": _printable(entry.fields.get(b"who", b"").decode(errors="replace")),
        "detail": json.dumps(detail, default=str)[:LONGEST_DETAIL],
    }
    return Archived("campaign_changes", row)


def quality_mark(entry: Entry) -> Archived:
    """The row of marks that somebody gave a recording. Raises `Unreadable`."""
    try:
        score = unpacked(entry.fields.get(b"score", b""))
        row = {
            **{name: score[given] for name, given in _MARK.items()},
            "sheet": f"{score['sheet']} {score['version']}",
            "score": 100.0 * score["points"] / score["most"],
        }
    except (ValueError, KeyError, TypeError, ZeroDivisionError) as error:
        raise Unreadable(f"score: {error}") from error
    return Archived("quality_marks", _row(TABLES["quality_marks"], row))


def list_row(campaign: str, list_name: str, accepted: int, rejected: int, at: float) -> Row:
    """How many leads have come in with a list; `at` is seconds since the epoch. Raises `Unreadable`."""
    row = {"campaign": campaign, "list": list_name, "counted_at": at, "accepted": accepted, "rejected": rejected}
    return _row(TABLES["lists"], row)


_MARK: Final = {"attempt_id": "attempt", "campaign": "campaign", "agent": "agent", "scorer": "by", "marked_at": "at"}


def erased_of(entry: Entry) -> tuple[set[int], set[int]]:
    """Numbers and customers, as kept hashes, of a line of the audit trail that says who was erased. Raises
    `Unreadable`."""
    if entry.fields.get(b"what") != ERASED.encode():
        return set(), set()
    return persons_of(audit_detail(entry))


def persons_of(fields: Mapping[str, Any]) -> tuple[set[int], set[int]]:
    """The same of the fields of a record that says so. Raises `Unreadable`."""
    try:
        numbers = {kept_hash(str(one)) for one in fields.get("numbers", ())}
        return numbers, {kept_hash(str(fields["customer"]))} if fields.get("customer") else set()
    except (TypeError, ValueError) as error:
        raise Unreadable(f"an erasure: {error}") from error


def audit_detail(entry: Entry) -> dict[str, Any]:
    """What a line of the audit trail says besides who and when. Raises `Unreadable`."""
    try:
        detail = unpacked(entry.fields.get(b"detail", b"\x80"))
    except ValueError as error:
        raise Unreadable(f"detail: {error}") from error
    if not isinstance(detail, dict):
        raise Unreadable("detail: no map")
    return detail


def _at_of(entry: Entry) -> int:
    try:
        at = float(entry.fields.get(b"at", b""))
    except ValueError:
        at = -1.0
    return math.floor(at * 1000) if 0 <= at <= EPOCH_MAX else int(entry.id.partition("-")[0])


# --- columns ----------------------------------------------------------------------------------------------------------


def _printable(text: str) -> str:
    """Text that any file takes: what is half a character, or none, is a question mark."""
    return text[:LONGEST_TEXT].encode(errors="replace").decode().replace("\0", "?")


def _is_day(text: str) -> bool:
    try:
        return bool(_DAY.fullmatch(text)) and bool(date.fromisoformat(text))
    except ValueError:
        return False


def _row(table: Table, data: Mapping[str, Any]) -> Row:
    row = {column.name: _value(column, data.get(column.name)) for column in table.columns}
    for name in dict.fromkeys((*table.id, table.time)):
        if row[name] is None:
            raise Unreadable(f"{name}: missing")
    return row


def _value(column: Column, value: Any) -> Any:
    """A value as its column takes it. Raises `Unreadable`."""
    if value is None:
        return None
    match column.type, value:
        case "VARCHAR", str():
            return _printable(value)
        case "BOOLEAN", bool():
            return value
        case "TIMESTAMP_MS", int() | float() if not isinstance(value, bool) and 0 <= value <= EPOCH_MAX:
            return math.floor(value * 1000)
        case "DATE", str() if _is_day(value):
            return value
        case "FLOAT", int() | float() if not isinstance(value, bool) and abs(value) <= _FLOAT_MAX:
            return float(value)
        case type_, int() if type_ in _RANGES and not isinstance(value, bool):
            least, most = _RANGES[type_]
            return min(max(value, least), most)
    raise Unreadable(f"{column.name}: {str(value)[:40]!r} is no {column.type.lower()}")
