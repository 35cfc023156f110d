"""Leads as bytes: every fault at once, and never a clear number in a reason."""

from __future__ import annotations

import json
import re
from typing import Any

import msgpack
import pytest
from hypothesis import given
from hypothesis import strategies as st

from compliance.destinations import Destinations
from dialer.core.model import Disposition, Lead
from dialer.store.base.errors import StoreError
from dialer.store.leads.lead_codec import (
    NewLead,
    Rejection,
    pack,
    pack_progress,
    parse,
    stream_id_of,
    taken_in_at_of,
    unpack,
)
from tests.store.conftest import NOW, number

GOOD: dict[str, Any] = {"lead_id": "L1", "phone": "13800001234"}


def read(fields: dict[bytes, bytes]) -> NewLead | Rejection:
    return parse(fields, campaign="spring", default_region="CN", now=NOW)


def packed(**fields: Any) -> NewLead | Rejection:
    return read({b"lead": msgpack.packb(fields)})


def reasons(answer: NewLead | Rejection) -> tuple[str, ...]:
    assert isinstance(answer, Rejection)
    return answer.reasons


def test_a_full_lead_is_read_the_same_from_msgpack_and_json() -> None:
    """All fields, in both encodings."""
    full = {
        "lead_id": "L1",
        "phones": ["+8613800001234", "138 0000 1235", "13800001234"],
        "name": "王芳",
        "timezone": "Asia/Shanghai",
        "priority": 9,
        "not_before": "2026-03-04T09:30:00+08:00",
        "expires_at": 1_790_000_000,
        "customer_id": "C1",
        "consent_at": "2026-01-04T09:30:00+08:00",
        "consent_until": 1_780_000_000,
        "consent_source": "web form 17",
        "attrs": {"lot": 3, "tags": ["a", None, 1.5]},
    }

    answer = packed(**full)

    assert answer == read({b"json": json.dumps(full).encode()})
    assert isinstance(answer, NewLead)
    assert [one.clear for one in answer.lead.numbers] == ["+8613800001234", "+8613800001235"], "each once"
    assert (answer.not_before, answer.lead.expires_at) == (1_772_587_800.0, 1_790_000_000.0)
    assert (answer.lead.consent_at, answer.lead.consent_until) == (1_767_490_200.0, 1_780_000_000.0)
    assert answer.lead.consent_source == "web form 17"


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"lead": b"\x82\xa1a"}, "msgpack: "),
        ({"lead": b""}, "msgpack: "),
        ({"lead": msgpack.packb(GOOD) + b"x"}, "msgpack: bytes after the end of the map"),
        ({"lead": b"\x81\xa1\xff\x01"}, "msgpack: text that is not UTF-8"),
        ({"lead": b"\x91" * 3000}, "msgpack: "),
        ({"lead": msgpack.packb({1: 2})}, "msgpack: "),
        ({"lead": msgpack.packb({"a": msgpack.ExtType(5, b"")})}, "msgpack: extension type 5 is not allowed"),
        ({"lead": b"\x82\xa1a\x01\xa1a\x02"}, "the field 'a' is there twice"),
        ({"lead": b"\xdd\xff\xff\xff\xff"}, "msgpack: "),
        ({"lead": msgpack.packb([1])}, "must be a map of fields, got a list"),
        ({"lead": b"x" * 9000}, "9000 bytes, the limit is 8192"),
        ({"json": b'{"a": 1, "a": 2}'}, "the field 'a' is there twice"),
        ({"json": b'{"a": NaN}'}, "JSON: NaN is not a number"),
        ({"json": b"[" * 8000}, "JSON: "),
        ({"json": b'{"a": ' + b"9" * 5000 + b"}"}, "JSON: "),
        ({"json": b"{"}, "JSON: "),
        ({"json": b"\xff"}, "JSON: not UTF-8"),
        ({"json": b"{}", "lead": b"\x80"}, "an entry has one field"),
        ({"phone": b"1"}, "an entry has one field, 'lead' (msgpack) or 'json' (JSON); found: 'phone'"),
        ({}, "an entry has one field"),
    ],
)
def test_what_is_no_map_is_named(fields: dict[str, bytes], reason: str) -> None:
    """Each way in which bytes can be wrong has its reason."""
    (only,) = reasons(read({name.encode(): value for name, value in fields.items()}))

    assert only.startswith(reason)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"lead_id": None}, "lead_id: missing"),
        ({"lead_id": 7}, "lead_id: must be text, got a whole number"),
        ({"lead_id": " "}, "lead_id: empty"),
        ({"lead_id": "x" * 65}, "lead_id: longer than 64 characters"),
        ({"lead_id": "a\nb"}, "lead_id: holds control characters"),
        ({"phone": None}, "phone: missing (phone, or a list phones)"),
        ({"phone": 13800001234}, "phone: must be text, got a whole number"),
        ({"phone": "138000012345678"}, "phone: too long (…5678)"),
        ({"phone": "12"}, "phone: "),
        ({"phones": ["13800001234"]}, "phone: given together with phones; use one of them"),
        ({"phone": None, "phones": []}, "phones: must hold 1 to 5 numbers, got 0"),
        ({"phone": None, "phones": ["1"] * 6}, "phones: must hold 1 to 5 numbers, got 6"),
        ({"phone": None, "phones": "13800001234"}, "phones: must be a list of texts, got text"),
        ({"phone": None, "phones": [True]}, "phones[0]: must be text, got true or false"),
        ({"name": "x" * 201}, "name: longer than 200 characters"),
        ({"timezone": "Mars/Olympus"}, "timezone: 'Mars/Olympus' is not in the IANA time zone database"),
        ({"timezone": "../../etc/passwd"}, "timezone: "),
        ({"region": "us-fl"}, "region: 'us-fl' is not a country or a part of one"),
        ({"region": "US-ZZ"}, "region: 'US-ZZ' is not a country or a part of one"),
        ({"timezone": "localtime"}, "timezone: 'localtime' is not in the IANA time zone database"),
        ({"timezone": "right/Asia/Shanghai"}, "timezone: "),
        ({"priority": 10}, "priority: must be 0 to 9, got 10"),
        ({"priority": True}, "priority: must be a whole number, got true or false"),
        ({"priority": 5.5}, "priority: must be a whole number, got a number"),
        ({"not_before": "2026-03-04T09:30:00"}, "not_before: an ISO 8601 time needs its offset, such as +08:00 or Z"),
        ({"not_before": "soon"}, "not_before: not an ISO 8601 time"),
        ({"not_before": 1_772_500_000_000}, "not_before: not a time between 1970 and 2100"),
        ({"not_before": float("nan")}, "not_before: not a time between 1970 and 2100"),
        ({"not_before": []}, "not_before: must be seconds since the epoch or ISO 8601 text, got a list"),
        ({"expires_at": NOW}, "expires_at: has passed already"),
        ({"expires_at": NOW + 5, "not_before": NOW + 5}, "not_before: is not before expires_at"),
        ({"consent_at": NOW + 301}, "consent_at: is in the future"),
        ({"consent_until": NOW}, "consent_until: has passed already"),
        ({"consent_at": NOW + 9, "consent_until": NOW + 9}, "consent_until: is not after consent_at"),
        ({"consent_source": "x" * 201}, "consent_source: longer than 200 characters"),
        ({"list": "x" * 65}, "list: longer than 64 characters"),
        ({"list": " march"}, "list: holds characters that cannot be seen"),
        ({"list": "13800001234"}, "list: reads like a phone number"),
        ({"lead_id": "13800001234"}, "lead_id: holds the phone number"),
        ({"lead_id": "crm 0086-138.0000.1234/7"}, "lead_id: holds the phone number"),
        ({"customer_id": "C1 "}, "customer_id: holds characters that cannot be seen, or a blank before or after"),
        ({"customer_id": "C\u00a01"}, "customer_id: holds characters that cannot be seen"),
        ({"account_id": " "}, "account_id: holds characters that cannot be seen, or a blank before or after"),
        ({"customer_id": "C+8613800001234"}, "customer_id: holds the phone number"),
        ({"attrs": {"a": "x" * 4096}}, "attrs: 4102 bytes as msgpack, the limit is 4096"),
        ({"attrs": {"a": b"x"}}, "attrs: holds binary, which is not allowed"),
        ({"attrs": {"a": 2**64 - 1}}, "attrs: holds a number beyond 64 bits"),
        ({"attrs": {"a": float("inf")}}, "attrs: holds a number that is not finite"),
        ({"attrs": []}, "attrs: must be a map, got a list"),
        ({"colour": "red"}, "unknown field 'colour': the CRM's own data belongs into attrs"),
    ],
)
def test_every_field_is_checked(change: dict[str, Any], reason: str) -> None:
    """One wrong field gives one reason that names it."""
    fields = {name: value for name, value in {**GOOD, **change}.items() if value is not None}

    (only,) = reasons(packed(**fields))

    assert only.startswith(reason)


def test_a_number_that_the_campaign_does_not_call_is_a_fault() -> None:
    """Another country, or a premium range; the reason says what to set, and shows the last digits."""
    entry = {b"json": json.dumps({"lead_id": "L1", "phones": ["+19005551234", "+819012345678"]}).encode()}
    here = Destinations(frozenset({"CN"}))
    answer = parse(entry, campaign="spring", default_region="CN", now=NOW, destinations=here)
    assert reasons(answer) == (
        "phone: a number of the type premium_rate, called only where the campaign's number_types names it (…1234)",
        "phone: a number of JP, and the campaign calls CN only: its setting countries may list more (…5678)",
    )


def test_all_faults_are_named_at_once() -> None:
    """One correction is enough."""
    answer = packed(lead_id="L1", phone="12345678901234", priority="high", colour="red", expires_at=1)

    assert isinstance(answer, Rejection)
    assert answer.lead_id == "L1"
    assert [reason.split(":")[0] for reason in answer.reasons] == [
        "phone",
        "priority",
        "expires_at",
        "unknown field 'colour'",
    ]


def test_text_that_is_no_unicode_is_refused() -> None:
    """A lone surrogate, which JSON can spell, cannot be kept."""
    assert reasons(read({b"json": b'{"lead_id": "\\ud800", "phone": "13800001234"}'})) == (
        "lead_id: is not valid Unicode",
    )
    assert reasons(read({b"json": b'{"lead_id": "L", "phone": "13800001234", "attrs": {"a": "\\ud800"}}'})) == (
        "attrs: holds text that is not valid Unicode",
    )


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
FIELDS = [
    *GOOD,
    "phones",
    "name",
    "timezone",
    "priority",
    "not_before",
    "expires_at",
    "customer_id",
    "consent_at",
    "attrs",
    "other",
]


@given(st.dictionaries(st.sampled_from(FIELDS), json_values, max_size=8))
def test_no_map_is_too_strange(fields: dict[str, Any]) -> None:
    """Whatever the values are, the answer is a lead or reasons, never an exception."""
    try:
        raw = msgpack.packb(fields)
    except (OverflowError, ValueError):
        return
    answer = read({b"lead": raw})

    assert isinstance(answer, NewLead) or answer.reasons


def test_a_reason_does_not_repeat_a_number() -> None:
    """Whichever field somebody put it into."""
    answer = packed(**GOOD, timezone="138 0000 1235", priority=13_800_001_236, **{"13800001237": "x"})

    assert not re.search(r"0000.?123", "".join(reasons(answer)))


@given(st.binary(max_size=200), st.sampled_from([b"lead", b"json"]))
def test_no_bytes_are_too_strange(raw: bytes, name: bytes) -> None:
    """Noise gives reasons."""
    answer = read({name: raw})

    assert isinstance(answer, NewLead) or answer.reasons


@given(st.text(alphabet="0123456789+-() .", min_size=8, max_size=30))
def test_no_reason_shows_a_whole_number(raw: str) -> None:
    """At most the last four digits of what was sent appear in a reason."""
    answer = packed(lead_id="L1", phone=raw)
    digits = "".join(char for char in raw if char.isdecimal())

    if isinstance(answer, Rejection) and len(digits) >= 8:
        shown = repr(answer.reasons)
        assert not any(digits[i : i + 5] in shown for i in range(len(digits) - 4))


@given(
    st.builds(
        Lead,
        lead_id=st.text(min_size=1, max_size=20),
        campaign=st.just("spring"),
        numbers=st.lists(st.integers(0, 99).map(number), min_size=2, max_size=5, unique=True).map(tuple),
        number_index=st.integers(0, 1),
        name=st.text(max_size=20),
        timezone=st.none() | st.just("Asia/Shanghai"),
        priority=st.integers(0, 9),
        expires_at=st.none() | st.floats(0, 4e9),
        customer_id=st.text(max_size=10),
        consent_at=st.none() | st.floats(0, 4e9),
        consent_until=st.none() | st.floats(0, 4e9),
        consent_source=st.text(max_size=10),
        list_name=st.text(max_size=10),
        attrs=st.dictionaries(st.text(max_size=5), st.integers(-(2**63), 2**63 - 1) | st.text(max_size=9), max_size=3),
        tries=st.dictionaries(st.sampled_from(Disposition), st.integers(1, 9), max_size=3),
    )
)
def test_a_stored_lead_comes_back_equal(lead: Lead) -> None:
    """What is kept of a lead is all of it."""
    raw, progress = pack(lead, "17-0", 1_772_500_000.5), pack_progress(lead.number_index, lead.tries)

    assert unpack(raw, campaign="spring", progress=progress) == lead
    assert (stream_id_of(raw), taken_in_at_of(raw)) == ("17-0", 1_772_500_000.0)


@pytest.mark.parametrize("raw", [b"", b"\x80", b"\xc0", msgpack.packb({"id": "x", "n": ["12"]})])
def test_stored_bytes_of_others_are_an_error(raw: bytes) -> None:
    """A damaged record is said, not guessed at."""
    with pytest.raises(StoreError, match="cannot be read"):
        unpack(raw, campaign="spring", progress=None)
