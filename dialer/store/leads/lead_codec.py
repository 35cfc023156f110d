"""Leads as bytes: what the CRM sends, and what the store keeps. Pure.

A lead that the CRM sends is read strictly, and all its faults are named at once, so that one correction is enough.
A fault never repeats a phone number: only its last digits are shown.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Annotated, Any, Final, NamedTuple

import msgspec
from msgspec import Meta, structs

from compliance.api import Per
from compliance.blocks import is_id
from compliance.calling_hours.regions import is_region, is_zone
from compliance.consent import CLOCKS_DIFFER_S
from compliance.destinations import Destinations, NumberType
from compliance.numbering.written import spoilt_id
from compliance.numbers import E164, BadNumber, holds_number, masked_text
from compliance.numbers import parse as parse_number
from config.agent_choice import HIGHEST_LEVEL
from dialer.core.model import Disposition, Lead
from dialer.language.refusals import detail
from dialer.store.base.fields import MAX_ENTRY_BYTES, Fields, Undecodable, decode, fault_in, kind_of
from dialer.store.base.records import Count, Time, packed, read, whole_of

MAX_LEAD_BYTES: Final = MAX_ENTRY_BYTES
MAX_NUMBERS: Final = 5
MAX_ID_LENGTH: Final = 64
MAX_NAME_LENGTH: Final = 200
MAX_ZONE_LENGTH: Final = 64
MAX_ATTRS_BYTES: Final = 4096
MAX_SOURCE_LENGTH: Final = 200
MAX_LIST_LENGTH: Final = 64

NO_LIST: Final = "stream"
"""What the leads are called together that came without the name of a list."""

ANY_NUMBER: Final = Destinations(number_types=frozenset(NumberType))

DEFAULT_PRIORITY: Final = 5
HIGHEST_PRIORITY: Final = 9
Priority = Annotated[int, Meta(ge=0, le=HIGHEST_PRIORITY)]


@dataclass(frozen=True, slots=True)
class NewLead:
    """A lead that was read without fault. `not_before` is seconds since the epoch; None: due at once. `ref` is what its
    sender calls the entry, and comes back in the answer."""

    lead: Lead
    not_before: float | None
    ref: str = ""


@dataclass(frozen=True, slots=True)
class Rejection:
    """A stream entry that is no lead, with every reason. `lead_id` and `list_name` are empty where they could not be
    read."""

    lead_id: str
    reasons: tuple[str, ...]
    ref: str = ""
    list_name: str = ""


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
    return read_lead(given, campaign, default_region, now, ids_needed=ids_needed, destinations=destinations)


def read_lead(
    given: Fields,
    campaign: str,
    default_region: str,
    now: float,
    *,
    ids_needed: Collection[Per] = (),
    destinations: Destinations = ANY_NUMBER,
) -> NewLead | Rejection:
    """A lead out of the fields of an entry; the arguments are those of `parse`."""
    judged = judge_lead(given, default_region, now, ids_needed=ids_needed, destinations=destinations)
    if isinstance(judged, Rejection):
        return judged
    return NewLead(Lead(campaign=campaign, **judged.fields), judged.not_before, judged.ref)


class Judged(NamedTuple):
    """A lead without fault, as the `fields` of a `Lead`; the rest as in `NewLead`."""

    fields: dict[str, Any]
    not_before: float | None
    ref: str


def judge_lead(
    given: Fields,
    default_region: str,
    now: float,
    *,
    ids_needed: Collection[Per] = (),
    destinations: Destinations = ANY_NUMBER,
) -> Judged | Rejection:
    """The same for who needs no `Lead`, which is dear to make."""
    lead_id = given.text("lead_id", MAX_ID_LENGTH, needed=True)
    numbers = numbers_of(given, default_region)
    given.faults += not_called(numbers, destinations, now)
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
    region = _region(given)
    consent_at, consent_until = given.time("consent_at"), given.time("consent_until")
    given.faults += _consent_faults(consent_at, consent_until, now)
    consent_source = given.text("consent_source", MAX_SOURCE_LENGTH)
    list_name = _list_name(given)
    skills = given.skills()
    attrs = given.free("attrs", MAX_ATTRS_BYTES)
    ref = given.ref()
    given.finish(": the CRM's own data belongs into attrs")
    for field, text in (("lead_id", lead_id), ("customer_id", customer_id), ("account_id", account_id)):
        given.faults += _id_faults(field, text, numbers)
    if given.faults:
        return Rejection(lead_id, tuple(map(masked_text, given.faults)), ref, list_name)
    fields = {
        "lead_id": lead_id,
        "numbers": numbers,
        "name": name,
        "timezone": timezone,
        "priority": priority,
        "expires_at": expires_at,
        "customer_id": customer_id,
        "account_id": account_id,
        "region": region,
        "consent_at": consent_at,
        "consent_until": consent_until,
        "consent_source": consent_source,
        "list_name": list_name,
        "skills": skills,
        "attrs": attrs,
    }
    return Judged(fields, not_before, ref)


@lru_cache(maxsize=1024)  # the rows of a file come with the same name, one after the other
def list_fault(name: str) -> str | None:
    """Why a list cannot be called so; None: it can. The name is shown, logged and typed."""
    fault = Fields.text_fault(name, MAX_LIST_LENGTH, needed=True)
    if fault is None and not is_id(name):
        return "holds characters that cannot be seen, or a blank before or after"
    return fault or ("reads like a phone number, and names are shown and logged" if holds_number(name) else None)


def _list_name(given: Fields) -> str:
    """The list that a lead came with; empty for none."""
    name = given.text("list", MAX_LIST_LENGTH)
    if not name:
        return ""
    fault = list_fault(name)
    if fault is not None:
        given.faults.append(f"list: {fault}")
    return "" if fault is not None or name == NO_LIST else name


def _region(given: Fields) -> str:
    region = given.text("region", MAX_ID_LENGTH)
    if region and not is_region(region):
        given.faults.append(f"region: {region!r} is not a country or a part of one, such as US-FL (ISO 3166-1, 3166-2)")
    return region


def _id_faults(name: str, text: str, numbers: tuple[E164, ...]) -> list[str]:
    """Why an id may not be used. People whose ids a spreadsheet made the same would be capped and blocked together."""
    if not text:
        return []
    faults = []
    if (spoilt := spoilt_id(text)) is not None:
        faults.append(f"{name}: {spoilt}")
    if any(number.is_in(text) for number in numbers):
        faults.append(f"{name}: holds the phone number, and ids are shown and logged: use another one")
    return faults


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


def numbers_of(given: Fields, default_region: str, *, needed: bool = True) -> tuple[E164, ...]:
    """The numbers in `phone` or `phones` in the order of dialling, each once."""
    given.asked |= {"phone", "phones"}
    single, several = given.data.get("phone"), given.data.get("phones")
    if single is not None and several is not None:
        given.faults.append("phone: given together with phones; use one of them")
    elif single is None and several is None:
        if needed:
            given.faults.append("phone: missing (phone, or a list phones)")
    elif single is not None:
        return _read_numbers(given, [("phone", single)], default_region)
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


def not_called(numbers: tuple[E164, ...], destinations: Destinations, now: float) -> list[str]:
    """Why a campaign does not call some of these, one sentence each."""
    refusals = {number: destinations.verdict(number, now) for number in numbers}
    return [f"phone: {detail(no)}{_hint(number.clear)}" for number, no in refusals.items() if no is not None]


def _hint(raw: str) -> str:
    """The last digits of a bad number, so that the sender can find it; none of a short one."""
    digits = [char for char in raw[:64] if char.isdecimal()]
    return f" (…{''.join(digits[-4:])})" if len(digits) >= 8 else ""


# --- the stored form ------------------------------------------------------------------------------------------------


_SHORT: Final = {
    "lead_id": "id",
    "numbers": "n",
    "taken_in_at": "at",
    "name": "nm",
    "timezone": "tz",
    "priority": "p",
    "expires_at": "x",
    "customer_id": "c",
    "account_id": "ac",
    "region": "r",
    "consent_at": "ca",
    "consent_until": "cu",
    "consent_source": "cs",
    "list_name": "l",
    "skills": "sk",
    "attrs": "a",
}
"""Names of fields as they are kept: there are millions of leads."""


class Stored(msgspec.Struct, frozen=True, omit_defaults=True, rename=_SHORT):
    """An accepted lead as it is kept: all but number_index and tries. `sid` is the stream entry that it came in,
    `taken_in_at` when that was (seconds since the epoch)."""

    sid: str
    lead_id: str
    numbers: Annotated[tuple[str, ...], Meta(min_length=1)]
    taken_in_at: Time = 0
    name: str = ""
    timezone: str | None = None
    priority: Priority = DEFAULT_PRIORITY
    expires_at: Time | None = None
    customer_id: str = ""
    account_id: str = ""
    region: str = ""
    consent_at: Time | None = None
    consent_until: Time | None = None
    consent_source: str = ""
    list_name: str = ""
    skills: dict[str, Annotated[int, Meta(ge=1, le=HIGHEST_LEVEL)]] = {}
    attrs: dict[str, Any] = {}


_AS_IN_LEAD: Final = tuple(name for name in _SHORT if name not in ("numbers", "taken_in_at"))


class Progress(NamedTuple):
    number_index: Count
    tries: dict[Disposition, Count]
    last_agent: str = ""


def pack(lead: Lead, stream_id: str, taken_in_at: float = 0.0) -> bytes:
    """The stored form of an accepted lead."""
    same = {name: getattr(lead, name) for name in _AS_IN_LEAD}
    numbers = tuple([number.clear for number in lead.numbers])
    return packed(Stored(sid=stream_id, numbers=numbers, taken_in_at=int(taken_in_at), **same))


def stored_of(raw: bytes, campaign: str = "") -> Stored:
    """A lead as it is kept. Raises `Undecodable`."""
    return read(Stored, raw, f"a stored lead of campaign {campaign}" if campaign else "a stored lead")


def unpack(
    raw: bytes,
    *,
    campaign: str,
    progress: bytes | None,
    priority: bytes | int | None = None,
    promised_at: bytes | None = None,
    wanted_agent: bytes | None = None,
) -> Lead:
    """The lead again, with its progress. `priority` (a number, or as it is kept) overrides its own. Raises
    `Undecodable`."""
    stored = stored_of(raw, campaign)
    number_index, tries, last_agent = unpack_progress(progress)
    if number_index >= len(stored.numbers):
        raise Undecodable(f"a stored lead of campaign {campaign} cannot be read: it has no number {number_index}")
    fault = fault_in(stored.attrs) if stored.attrs else None
    if fault is not None:
        raise Undecodable(f"a stored lead of campaign {campaign} cannot be read: attrs: {fault}")
    own = whole_of(priority, stored.priority) if isinstance(priority, bytes) else priority
    given = structs.asdict(stored)
    del given["sid"], given["taken_in_at"]
    if own is not None and 0 <= own <= HIGHEST_PRIORITY:
        given["priority"] = own
    try:
        given["numbers"] = tuple([E164(number) for number in stored.numbers])
    except BadNumber as error:
        raise Undecodable(f"a stored lead of campaign {campaign} cannot be read: a number is {error}") from None
    if promised_at:
        given["promised_at"] = float(promised_at)
        given["wanted_agent"] = (wanted_agent or b"").decode(errors="replace")
    return Lead(campaign=campaign, number_index=number_index, tries=tries, last_agent=last_agent, **given)


def stream_id_of(raw: bytes) -> str:
    """The stream entry that a stored lead came in. Raises `Undecodable`."""
    return stored_of(raw).sid


def taken_in_at_of(raw: bytes) -> float:
    """When a stored lead came in, in seconds since the epoch. Raises `Undecodable`."""
    return stored_of(raw).taken_in_at


def pack_progress(number_index: int, tries: Mapping[Disposition, int], last_agent: str = "") -> bytes:
    """What changes about a lead: the number to dial next, earlier attempts by disposition, and who talked with it
    last."""
    return packed([number_index, tries, last_agent] if last_agent else [number_index, tries])


def unpack_progress(raw: bytes | None) -> Progress:
    """The way back; a lead without progress was never tried. Raises `Undecodable`."""
    return read(Progress, raw, "the progress of a lead") if raw else Progress(0, {})
