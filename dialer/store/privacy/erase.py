"""Erasing one person on request: everything but what the law keeps.

An erasure is written down first, so that one that is interrupted is finished by a daemon. The person's numbers are
blocked before anything is deleted, so that a lead in some daemon's memory is not dialled any more. A lead in an attempt
is closed when the attempt ends, and deleted after that. Doing a step twice does no harm.

What stays, and why: the block, a bare number, because without it the next list would bring the calls back; the same
number for hosts that are away, so that they delete what they recorded when they are back; evidence and the audit trail,
which have keyed hashes and masked numbers; the contact history until its retention ends, digits and times, because the
frequency rules need it, unless it is to go as well; counts.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import msgpack

from compliance.api import Per, Subject
from compliance.blocks import Block, BlockKind, Target
from compliance.contacts import unpacked as contacts_of
from compliance.numbers import E164, ENOUGH_DIGITS
from dialer.core.leads import lead_reasons
from dialer.core.model import Lead
from dialer.store.base.connection import Command, Store, trip
from dialer.store.base.fields import unpacked
from dialer.store.base.keys import digits, place, subject_field
from dialer.store.base.records import packed
from dialer.store.base.streams import GROUP, Entry, entries_of
from dialer.store.crm import crm_map
from dialer.store.leads.lead_codec import taken_in_at_of, unpack
from dialer.store.privacy import blocklist
from dialer.store.privacy.blocklist import Unblock
from dialer.store.privacy.erasures import Erasure, save
from dialer.store.privacy.recordings import tell_hosts
from dialer.store.privacy.retention import PURGED_AT_ONCE, Purged, purge
from dialer.store.settlement.settle import from_wire, to_wire

SOURCE: Final = "erased"
"""The source of the block that stays."""

WHY: Final = "erased on request"
PAGE: Final = 500
_NO_DIGITS: Final = bytes(set(range(256)) - set(b"0123456789"))
_FULL_WIDTH: Final = b"\xef\xbc"  # how full-width digits begin in UTF-8
EVENTS_BEFORE_S: Final = 3600.0
"""Events are looked for from this long before the first lead came in: clocks of hosts differ."""


@dataclass(frozen=True, slots=True)
class FoundLead:
    """A lead of the person. `came_in_at` is seconds since the epoch."""

    campaign: str
    lead_id: str
    numbers: tuple[E164, ...]
    customer: str
    came_in_at: float
    in_attempt: bool


@dataclass(frozen=True, slots=True)
class Found:
    """What is known of a person: leads, and attempts in the contact histories, by masked number or id."""

    leads: tuple[FoundLead, ...]
    numbers: tuple[E164, ...]
    customers: tuple[str, ...]
    contacts: Mapping[str, int]


# --- finding --------------------------------------------------------------------------------------------------------


def find(store: Store, campaigns: Sequence[str], *, number: E164 | None = None, customer: str = "") -> Found:
    """Everything that is known of a number, or of a customer. A customer is looked for in every lead."""
    if number is not None:
        held = trip(store, [("HGET", store.keys.numbers(name), digits(number)) for name in campaigns])
        ids = [(name, raw.decode()) for name, raw in zip(campaigns, held, strict=True) if raw is not None]
        leads = tuple(lead for name, lead_id in ids for lead in _read(store, name, [lead_id]))
        numbers: tuple[E164, ...] = (number,)
    else:
        leads = tuple(lead for name in campaigns for lead in _of_customer(store, name, customer))
        numbers = ()
    numbers = tuple(dict.fromkeys([*numbers, *(each for lead in leads for each in lead.numbers)]))
    customers = tuple(dict.fromkeys([customer, *(lead.customer for lead in leads)]))
    subjects = _subjects(numbers, customer)
    raws = trip(
        store, [("HGET", store.keys.history(place(subject_field(each))), subject_field(each)) for each in subjects]
    )
    contacts = {_shown(each): len(contacts_of(raw)) for each, raw in zip(subjects, raws, strict=True) if raw}
    return Found(leads, numbers, tuple(filter(None, customers)), contacts)


def _subjects(numbers: Sequence[E164], customer: str) -> list[Subject]:
    subjects = [Subject(Per.NUMBER, digits(number)) for number in numbers]
    return [*subjects, Subject(Per.CUSTOMER, customer)] if customer else subjects


def _shown(subject: Subject) -> str:
    return str(E164(f"+{subject.id}")) if subject.kind is Per.NUMBER else f"customer {subject.id}"


def _read(store: Store, campaign: str, lead_ids: Sequence[str]) -> list[FoundLead]:
    raws, held = trip(
        store,
        [("HMGET", store.keys.lead(campaign), *lead_ids), ("HMGET", store.keys.open(campaign), *lead_ids)],
    )
    return [_lead(campaign, raw, busy is not None) for raw, busy in zip(raws, held, strict=True) if raw is not None]


def _lead(campaign: str, raw: bytes, in_attempt: bool) -> FoundLead:
    lead: Lead = unpack(raw, campaign=campaign, progress=None)
    return FoundLead(campaign, lead.lead_id, lead.numbers, lead.customer_id, taken_in_at_of(raw), in_attempt)


def _of_customer(store: Store, campaign: str, customer: str) -> Iterator[FoundLead]:
    cursor, wanted = "0", customer.encode()
    while True:
        after, flat = trip(store, [("HSCAN", store.keys.lead(campaign), cursor, "COUNT", PAGE)])[0]
        likely = [name.decode() for name, raw in zip(flat[::2], flat[1::2], strict=True) if wanted in raw]
        if likely:
            yield from (lead for lead in _read(store, campaign, likely) if lead.customer == customer)
        cursor = after.decode()
        if cursor == "0":
            return


# --- erasing --------------------------------------------------------------------------------------------------------


def erase(store: Store, erasure: Erasure, campaigns: Sequence[str]) -> Erasure:
    """Do it, all that can be done now. What is left, leads in an attempt, is in the answer, for `finish`.

    First it is written down and the person blocked; then what is not taken in yet is deleted, so that no lead comes
    after the look for leads.
    """
    if erasure.asked is not None:
        erasure = replace(erasure, numbers=tuple(dict.fromkeys([*erasure.numbers, erasure.asked])))
    save(store, erasure)
    _block(store, erasure, campaigns)
    done: dict[str, int] = defaultdict(int, erasure.done)
    _erase_entries(store, store.keys.quarantine(), erasure)
    if stripped := _strip_unwritten(store, erasure):
        done["unwritten"] += stripped
    for name in campaigns:
        done["queued"] += _erase_entries(store, store.keys.leads(name), erasure)
        done["rejected"] += _erase_entries(store, store.keys.rejected(name), erasure)
    person = find(store, campaigns, number=erasure.asked, customer=erasure.customer)
    known = replace(
        erasure,
        numbers=tuple(dict.fromkeys([*erasure.numbers, *person.numbers])),
        leads=tuple(dict.fromkeys([*erasure.leads, *((lead.campaign, lead.lead_id) for lead in person.leads)])),
        since=min([erasure.since or erasure.at, *(lead.came_in_at for lead in person.leads)]),
        done=done,
    )
    save(store, known)
    _block(store, known, campaigns)
    tell_hosts(store, known)
    after, _ = _delete(store, known)
    events = _erase_events(store, known, set(known.leads))
    return replace(after, since=erasure.at, done={**after.done, "events": after.done.get("events", 0) + events})


def finish(store: Store, erasure: Erasure) -> Erasure:
    """Delete what is left of leads whose attempts have ended, with the events of these. Not saved."""
    after, deleted = _delete(store, erasure)
    events = _erase_events(store, erasure, deleted) if deleted else 0
    return replace(after, done={**after.done, "events": after.done.get("events", 0) + events})


def _delete(store: Store, erasure: Erasure) -> tuple[Erasure, set[tuple[str, str]]]:
    """Delete the leads that are not held, and the contact histories, if they are wanted, when no lead is left."""
    done: dict[str, int] = defaultdict(int, erasure.done)
    left: list[tuple[str, str]] = []
    for campaign, lead_ids in _by_campaign(erasure.leads).items():
        for i in range(0, len(lead_ids), PURGED_AT_ONCE):
            group = lead_ids[i : i + PURGED_AT_ONCE]
            answers = purge(
                store, campaign, group, counter="erased", close_why=lead_reasons.kept(lead_reasons.text(WHY))
            )
            done["leads"] += answers.count(Purged.GONE)
            left += [
                (campaign, lead_id) for lead_id, answer in zip(group, answers, strict=True) if answer is Purged.HELD
            ]
    if erasure.also_history and not left:
        done["histories"] += _erase_histories(store, erasure)
    return replace(erasure, leads=tuple(left), done=dict(done)), set(erasure.leads) - set(left)


def _block(store: Store, erasure: Erasure, campaigns: Sequence[str]) -> None:
    """Bare blocks for all campaigns take the place of all that are there, whose reasons may tell of the person."""
    targets = [Target(BlockKind.NUMBER, digits(number)) for number in erasure.numbers]
    if erasure.customer:
        targets.append(Target(BlockKind.CUSTOMER, erasure.customer))
    changes: list[Block | Unblock] = [
        target.block(source=SOURCE, reason="", who=erasure.who, at=erasure.at) for target in targets
    ]
    changes += [
        Unblock(replace(target, campaign=name), by_administrator=True) for target in targets for name in campaigns
    ]
    for i in range(0, len(changes), PAGE):
        blocklist.change(store, changes[i : i + PAGE], now=erasure.at)


def _by_campaign(leads: Sequence[tuple[str, str]]) -> dict[str, list[str]]:
    by_campaign: dict[str, list[str]] = defaultdict(list)
    for campaign, lead_id in leads:
        by_campaign[campaign].append(lead_id)
    return by_campaign


def _erase_histories(store: Store, erasure: Erasure) -> int:
    subjects = _subjects(erasure.numbers, erasure.customer)
    return sum(
        trip(
            store,
            [
                ("HDEL", store.keys.history(place(subject_field(subject))), subject_field(subject))
                for subject in subjects
            ],
        )
    )


def _erase_events(store: Store, erasure: Erasure, leads: Collection[tuple[str, str]]) -> int:
    """Events of leads, and of the customer, out of the streams to the CRM."""
    gone = 0
    if not leads and not erasure.customer:
        return 0
    crms, keys = crm_map.load(store).crms, store.keys
    streams = [key(crm) for crm in crms for key in (keys.crm_out, keys.crm_live)]
    for stream in (*streams, keys.floor()):
        for entries in _pages(store, stream, erasure.since):
            ids = [entry.id for entry in entries if _is_of(_event(entry), leads, erasure.customer)]
            gone += trip(store, [("XDEL", stream, *ids)])[0] if ids else 0
    return gone


def _event(entry: Entry) -> Mapping[str, Any]:
    raw = entry.fields.get(b"data", b"")
    try:
        data = json.loads(raw) if raw.startswith(b"{") else unpacked(raw)
    except (ValueError, RecursionError):
        return {}
    return data if isinstance(data, dict) else {}


def _is_of(data: Mapping[str, Any], leads: Collection[tuple[Any, Any]], customer: str) -> bool:
    if (data.get("campaign"), data.get("lead_id")) in leads:
        return True
    return bool(customer) and data.get("customer_id") == customer


def _erase_entries(store: Store, stream: str, erasure: Erasure) -> int:
    """Entries with a lead of the person, as it came, out of a stream of leads: whatever holds the number or the id."""
    gone = 0
    for entries in _pages(store, stream, 0.0):
        ids = [entry.id for entry in entries if _mentions(entry, erasure)]
        if ids:  # acknowledged as well, so that a daemon that has read it does not take it in
            acknowledge: Command = ("XACK", stream, GROUP, *ids)
            gone += trip(store, [acknowledge, ("XDEL", stream, *ids)])[1]
    return gone


def _strip_unwritten(store: Store, erasure: Erasure) -> int:
    """Ends that wait for a damaged key keep what it takes to write them, bare number and ids, and lose the rest. One
    that cannot be read and may be the person's is deleted."""
    key, stripped = store.keys.unwritten(), 0
    flat = trip(store, [("HGETALL", key)])[0]
    for field, raw in zip(flat[::2], flat[1::2], strict=True):
        if not _mentions(Entry("", {b"row": raw}), erasure):
            continue
        try:
            owner, body = unpacked(raw)
            ended = from_wire(body)
            lead = Lead(ended.lead.lead_id, ended.campaign, (ended.lead.number,), tries=ended.lead.tries)
            bare = packed([owner, to_wire(replace(ended, lead=lead))])
            trip(store, [("HSET", key, field, bare)])  # one that was written down meanwhile is no end a second time
        except (ValueError, TypeError):
            trip(store, [("HDEL", key, field)])
        stripped += 1
    return stripped


def _mentions(entry: Entry, erasure: Erasure) -> bool:
    text = b" ".join(value for name, value in entry.fields.items() if name not in (b"entry", b"at"))
    if text.isascii() or _FULL_WIDTH not in text:
        digits_only = text.translate(None, _NO_DIGITS)
        held = any(number.clear[-ENOUGH_DIGITS:].encode() in digits_only for number in erasure.numbers)
    else:
        held = any(number.is_in(text.decode(errors="replace")) for number in erasure.numbers)
    return held or _names_customer(text, erasure.customer)


def _names_customer(text: bytes, customer: str) -> bool:
    """Whether a lead as it came, msgpack or JSON, may be the customer's: the id stands in it as a text of its own."""
    if not customer:
        return False
    return msgpack.packb(customer) in text or json.dumps(customer).encode() in text


def _pages(store: Store, stream: str, since: float) -> Iterator[list[Entry]]:
    first = f"{max(0, int((since - EVENTS_BEFORE_S) * 1000))}-0"
    while True:
        entries = entries_of(trip(store, [("XRANGE", stream, first, "+", "COUNT", PAGE)])[0])
        if not entries:
            return
        first = f"({entries[-1].id}"
        yield list(entries)
