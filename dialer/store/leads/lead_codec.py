"""Leads as bytes: what the CRM sends, and what the store keeps. Pure.

A lead that the CRM sends is read strictly, and all its faults are named at once, so that one correction is enough.
A fault never repeats a phone number: only its last digits are shown.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, Final

import msgpack

from compliance.api import Per
from compliance.blocks import is_id
from compliance.calling_hours.regions import is_region, is_zone
from compliance.consent import CLOCKS_DIFFER_S
from compliance.destinations import Destinations, NumberType
from compliance.numbers import E164, BadNumber, masked_text
from compliance.numbers import parse as parse_number
from compliance.words import detail
from dialer.core.model import Disposition, Lead
from dialer.store.base.errors import StoreError
from dialer.store.base.fields import MAX_ENTRY_BYTES, Fields, Undecodable, decode, kind_of

MAX_LEAD_BYTES: Final = MAX_ENTRY_BYTES
MAX_NUMBERS: Final = 5
MAX_ID_LENGTH: Final = 64
MAX_NAME_LENGTH: Final = 200
MAX_ZONE_LENGTH: Final = 64
MAX_ATTRS_BYTES: Final = 4096
MAX_SOURCE_LENGTH: Final = 200

ANY_NUMBER: Final = Destinations(number_types=frozenset(NumberType))

DEFAULT_PRIORITY: Final = 5
HIGHEST_PRIORITY: Final = 9


@dataclass(frozen=True, slots=True)
class NewLead:
    """A lead that was read without fault. `not_before` is seconds since the epoch; None: due at once."""

    lead: Lead
    not_before: float | None


@dataclass(frozen=True, slots=True)
class Rejection:
    """A stream entry that is no lead, with every reason. `lead_id` where it could be read, else empty."""

    lead_id: str
    reasons: tuple[str, ...]


def parse(
    fields: Mapping[bytes, bytes],
    *,
    campaign: str,
    default_region: str,
    now: float,
    max_bytes: int = MAX_LEAD_BYTES,
    ids_needed: Collection[Per] = (),
    destinations: Destinations = ANY_NUMBER,
) -> NewLead | Rejection:
    """Read one entry of the campaign's stream: one field, `lead` (a msgpack map) or `json` (a JSON object).

    `ids_needed`: the campaign's caps count per customer or account, and a lead without that id could never be called.
    `destinations`: which countries and ranges the campaign calls.
    """
    try:
        given = Fields(decode(fields, "lead", max_bytes))
    except Undecodable as error:
        return Rejection("", (str(error),))
    lead_id = given.text("lead_id", MAX_ID_LENGTH, needed=True)
    numbers = _numbers(given, default_region)
    given.faults += _not_called(numbers, destinations, now)
    name = given.text("name", MAX_NAME_LENGTH)
    timezone = given.text("timezone", MAX_ZONE_LENGTH) or None
    if timezone is not None and not is_zone(timezone):
        given.faults.append(f"timezone: {timezone!r} is not in the IANA time zone database")
    priority = given.whole("priority", 0, HIGHEST_PRIORITY, DEFAULT_PRIORITY)
    not_before, expires_at = given.time("not_before"), given.time("expires_at")
    if expires_at is not None:
        if expires_at <= now:
            given.faults.append("expires_at: has passed already")
        elif not_before is not None and not_before >= expires_at:
            given.faults.append("not_before: is not before expires_at")
    customer_id, account_id = _subject_id(given, "customer_id"), _subject_id(given, "account_id")
    for per, text in ((Per.CUSTOMER, customer_id), (Per.ACCOUNT, account_id)):
        if per in ids_needed and not text:
            given.faults.append(f"{per}_id: missing, and a cap of the campaign counts per {per}")
    region = given.text("region", MAX_ID_LENGTH)
    if region and not is_region(region):
        given.faults.append(f"region: {region!r} is not a country or a part of one, such as US-FL (ISO 3166-1, 3166-2)")
    consent_at, consent_until = given.time("consent_at"), given.time("consent_until")
    given.faults += _consent_faults(consent_at, consent_until, now)
    consent_source = given.text("consent_source", MAX_SOURCE_LENGTH)
    attrs = given.free("attrs", MAX_ATTRS_BYTES)
    given.finish(": the CRM's own data belongs into attrs")
    given.faults += [
        f"{name}: holds the phone number, and ids are shown and logged: use another one"
        for name, text in (("lead_id", lead_id), ("customer_id", customer_id), ("account_id", account_id))
        if any(number.is_in(text) for number in numbers)
    ]
    if given.faults:
        return Rejection(lead_id, tuple(map(masked_text, given.faults)))
    lead = Lead(
        lead_id=lead_id,
        campaign=campaign,
        numbers=numbers,
        name=name,
        timezone=timezone,
        priority=priority,
        expires_at=expires_at,
        customer_id=customer_id,
        account_id=account_id,
        region=region,
        consent_at=consent_at,
        consent_until=consent_until,
        consent_source=consent_source,
        attrs=attrs,
    )
    return NewLead(lead, not_before)


def _subject_id(given: Fields, name: str) -> str:
    """An id that a block can name, or none."""
    text = given.text(name, MAX_ID_LENGTH)
    if text and not is_id(text):
        given.faults.append(f"{name}: holds characters that cannot be seen, or a blank before or after")
    return text


def _consent_faults(at: float | None, until: float | None, now: float) -> list[str]:
    faults = []
    if at is not None and at > now + CLOCKS_DIFFER_S:
        faults.append("consent_at: is in the future")
    if until is not None and until <= now:
        faults.append("consent_until: has passed already")
    elif at is not None and until is not None and until <= at:
        faults.append("consent_until: is not after consent_at")
    return faults


def _numbers(given: Fields, default_region: str) -> tuple[E164, ...]:
    """The numbers in the order of dialling, each once."""
    given.asked |= {"phone", "phones"}
    one, several = given.data.get("phone"), given.data.get("phones")
    if one is not None and several is not None:
        given.faults.append("phone: given together with phones; use one of them")
    elif one is None and several is None:
        given.faults.append("phone: missing (phone, or a list phones)")
    elif one is not None:
        return _read_numbers(given, [("phone", one)], default_region)
    elif not isinstance(several, list):
        given.faults.append(f"phones: must be a list of texts, got {kind_of(several)}")
    elif not 1 <= len(several) <= MAX_NUMBERS:
        given.faults.append(f"phones: must hold 1 to {MAX_NUMBERS} numbers, got {len(several)}")
    else:
        return _read_numbers(given, [(f"phones[{i}]", raw) for i, raw in enumerate(several)], default_region)
    return ()


def _read_numbers(given: Fields, raws: list[tuple[str, Any]], default_region: str) -> tuple[E164, ...]:
    numbers: dict[E164, None] = {}
    for name, raw in raws:
        if not isinstance(raw, str):
            given.faults.append(f"{name}: must be text, got {kind_of(raw)}")
            continue
        try:
            numbers[parse_number(raw, default_region)] = None
        except BadNumber as error:
            given.faults.append(f"{name}: {error}{_hint(raw)}")
    return tuple(numbers)


def _not_called(numbers: tuple[E164, ...], destinations: Destinations, now: float) -> list[str]:
    refusals = {number: destinations.verdict(number, now) for number in numbers}
    return [f"phone: {detail(no)}{_hint(number.clear)}" for number, no in refusals.items() if no is not None]


def _hint(raw: str) -> str:
    """The last digits of a bad number, so that the sender can find it; none of a short one."""
    digits = [char for char in raw[:64] if char.isdecimal()]
    return f" (…{''.join(digits[-4:])})" if len(digits) >= 8 else ""


# --- the stored form ------------------------------------------------------------------------------------------------


def pack(lead: Lead, stream_id: str, taken_in_at: float = 0.0) -> bytes:
    """The stored form of an accepted lead: all but number_index and tries, with the stream entry that it came in and
    when that was (seconds since the epoch)."""
    stored: dict[str, Any] = {"sid": stream_id, "id": lead.lead_id, "n": [number.clear for number in lead.numbers]}
    optional = {
        "at": int(taken_in_at) or None,
        "nm": lead.name,
        "tz": lead.timezone,
        "p": None if lead.priority == DEFAULT_PRIORITY else lead.priority,
        "x": lead.expires_at,
        "c": lead.customer_id,
        "ac": lead.account_id,
        "r": lead.region,
        "ca": lead.consent_at,
        "cu": lead.consent_until,
        "cs": lead.consent_source,
        "a": lead.attrs,
    }
    stored.update((key, value) for key, value in optional.items() if value not in (None, "", {}))
    return bytes(msgpack.packb(stored))


def unpack(raw: bytes, *, campaign: str, progress: bytes | None, priority: int | None = None) -> Lead:
    """The lead again, with its progress. `priority` overrides its own. Raises `StoreError` for bytes not of ours."""
    try:
        stored = msgpack.unpackb(raw)
        number_index, tries = unpack_progress(progress)
        return Lead(
            lead_id=stored["id"],
            campaign=campaign,
            numbers=tuple(E164(number) for number in stored["n"]),
            number_index=number_index,
            name=stored.get("nm", ""),
            timezone=stored.get("tz"),
            priority=stored.get("p", DEFAULT_PRIORITY) if priority is None else priority,
            expires_at=stored.get("x"),
            customer_id=stored.get("c", ""),
            account_id=stored.get("ac", ""),
            region=stored.get("r", ""),
            consent_at=stored.get("ca"),
            consent_until=stored.get("cu"),
            consent_source=stored.get("cs", ""),
            attrs=stored.get("a", {}),
            tries=tries,
        )
    except (ValueError, TypeError, KeyError) as error:
        raise StoreError(f"a stored lead of campaign {campaign} cannot be read: {type(error).__name__}") from error


def stream_id_of(raw: bytes) -> str:
    """The stream entry that a stored lead came in."""
    return str(msgpack.unpackb(raw)["sid"])


def taken_in_at_of(raw: bytes) -> float:
    """When a stored lead came in, in seconds since the epoch."""
    return float(msgpack.unpackb(raw).get("at", 0))


def pack_progress(number_index: int, tries: Mapping[Disposition, int]) -> bytes:
    """What changes about a lead: the number to dial next, and earlier attempts by disposition."""
    return bytes(msgpack.packb([number_index, {disposition.value: count for disposition, count in tries.items()}]))


def unpack_progress(raw: bytes | None) -> tuple[int, dict[Disposition, int]]:
    """The way back; a lead without progress was never tried."""
    if not raw:
        return 0, {}
    number_index, tries = msgpack.unpackb(raw)
    return number_index, {Disposition(name): count for name, count in tries.items()}
