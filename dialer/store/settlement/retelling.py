"""Telling a server again what it has forgotten: permits, ends, opt-outs and events out of this host's journal.

All of it may be told any number of times: an attempt is counted once, opened only where it is neither open nor ended,
and ended once. So whoever is not sure tells too much.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final

import msgspec

from compliance.contacts import CONTACT_BYTES, completed, group_of, head
from config.campaign import CampaignSettings
from dialer.core.inputs import Permitted
from dialer.core.model import Lead, Settlement
from dialer.disk.journal import Journal, Row
from dialer.store.base.connection import ScriptCall, Store, Value, campaign_call, careful_trip, trip
from dialer.store.base.errors import KeyDamaged
from dialer.store.base.fields import Undecodable
from dialer.store.base.keys import digits
from dialer.store.base.records import Count, Time, plain, shaped
from dialer.store.crm.told_again import ASKED
from dialer.store.gate.contacts import ATTEMPTS_KEPT, fields_of, spot
from dialer.store.leads.lead_codec import Priority, pack, pack_progress, unpack
from dialer.store.privacy import opt_outs
from dialer.store.privacy.opt_outs import OptedOut
from dialer.store.settlement import outbox, settle
from dialer.store.settlement.attempts import OpenAttempt
from dialer.store.settlement.outbox import CrmEvent

PERMIT: Final = "permit"
SETTLED: Final = "settled"
OPT_OUT: Final = "opt_out"
EVENT: Final = "event"

BATCH: Final = 200
PERMIT_TICKS: Final = 2
"""A permit is in the journal when the store has had it for less than so many ticks."""

LEASE_S: Final = 120.0
"""A lead that is put back into its call is looked at again after so long; only the end of the call frees it."""


class _Permit(msgspec.Struct, frozen=True):
    """A permit in the journal. `contact` is what was appended to the histories."""

    campaign: str
    lead: bytes
    progress: bytes
    priority: Priority
    attempt: str
    number: Count
    owner: str
    trunk: str
    caller_id: str
    at: Time
    contact: bytes


@dataclass(frozen=True, slots=True)
class _Permitted:
    """A permit that was read again."""

    row: _Permit
    lead: Lead


@dataclass(slots=True)
class Retold:
    """What was told again. Of `rows` the server had forgotten so many attempts, contacts and ends; `unreadable` rows
    were left out."""

    rows: int = 0
    attempts: int = 0
    contacts: int = 0
    ends: int = 0
    unreadable: int = 0

    @property
    def forgotten(self) -> int:
        """How much the server did not know any more."""
        return self.attempts + self.contacts + self.ends


# --- into the journal -------------------------------------------------------------------------------------------------


def permit_row(permitted: Permitted, settings: CampaignSettings, trunk: str, owner: str) -> Row:
    """A permit, before its INVITE leaves."""
    lead, permit = permitted.lead, permitted.permit
    begins = head(permit.reserved.at, lead.campaign, group_of(lead.campaign, settings.group))
    wire = _Permit(
        campaign=lead.campaign,
        lead=pack(lead, ""),
        progress=pack_progress(lead.number_index, lead.tries, lead.last_agent),
        priority=lead.priority,
        attempt=permit.attempt,
        number=lead.number_index,
        owner=owner,
        trunk=trunk,
        caller_id=permit.caller_id,
        at=permit.reserved.at,
        contact=completed(begins, permit.attempt, permit.caller_id),
    )
    return Row(PERMIT, plain(wire))


def end_row(ended: Settlement) -> Row:
    """An end, before the store has it."""
    return Row(SETTLED, settle.to_wire(ended))


def opt_out_row(pressed: OptedOut) -> Row:
    """A person who asked not to be called again."""
    return Row(OPT_OUT, opt_outs.to_wire(pressed))


def event_row(event: CrmEvent) -> Row:
    """An event that the CRM must not miss and that follows from no end: of a recording, of an answer in a script."""
    return Row(EVENT, outbox.to_wire(event))


# --- out of it, to the server -----------------------------------------------------------------------------------------


def missing(journal: Journal, tick: int, margin_ticks: int) -> Iterator[Row]:
    """What a server may not know that knows of `tick`. Permits first: the server had them before the journal, so that
    few ticks are looked at; ends may have been on their way for `margin_ticks`. Raises `OSError`."""
    yield from (row for row in journal.since(tick - PERMIT_TICKS) if row.kind == PERMIT)
    yield from (row for row in journal.since(tick - margin_ticks) if row.kind in (SETTLED, OPT_OUT, EVENT))


def requests(journal: Journal, tick: int, margin_ticks: int) -> Iterator[Row]:
    """What CRMs asked for that such a server may not know; told when all that they may be about has been. Raises
    `OSError`."""
    return (row for row in journal.since(tick - margin_ticks) if row.kind == ASKED)


def retell(store: Store, rows: Iterable[Row], owner: str, now: float) -> Retold:
    """Tell everything again, in its order. `owner` is who tells; after `StoreError` begin anew."""
    retold = Retold()
    rows = iter(rows)
    while batch := list(islice(rows, BATCH)):
        retold.rows += len(batch)
        permits, ends, pressed, events = [], [], [], []
        for item in _read(batch, retold):
            match item:
                case _Permitted():
                    permits.append(item)
                case Settlement():
                    ends.append(item)
                case OptedOut():
                    pressed.append(item)
                case CrmEvent():
                    events.append(item)
        opt_outs.block(store, pressed)
        retold.contacts += _count(store, permits)
        retold.attempts += _reopen(store, permits, owner, now)
        retold.ends += len(settle.settle(store, ends, owner))
        outbox.publish(store, events)
    return retold


def _read(rows: Sequence[Row], retold: Retold) -> Iterator[_Permitted | Settlement | OptedOut | CrmEvent]:
    for row in rows:
        try:
            match row.kind:
                case "permit":
                    permit = shaped(_Permit, row.data, "a permit")
                    if len(permit.contact) != CONTACT_BYTES:
                        raise Undecodable("a permit whose contact cannot be read")
                    lead = unpack(
                        permit.lead,
                        campaign=permit.campaign,
                        progress=permit.progress,
                        priority=permit.priority,
                    )
                    yield _Permitted(permit, lead)
                case "settled":
                    yield settle.from_wire(row.data)
                case "opt_out":
                    yield opt_outs.from_wire(row.data)
                case "event":
                    yield outbox.from_wire(row.data)
        except Undecodable:
            retold.unreadable += 1


def _count(store: Store, permits: Sequence[_Permitted]) -> int:
    """Count attempts in the histories of all whom they were to; returns how many contacts had been forgotten."""
    by_shard: dict[int, tuple[list[str], list[Value]]] = defaultdict(lambda: ([], []))
    for permit in permits:
        for field in fields_of(permit.lead):
            shard, key, _ = spot(store, field)
            keys, args = by_shard[shard]
            keys.append(key)
            args += (field, permit.row.contact)
    keep = ATTEMPTS_KEPT * CONTACT_BYTES
    calls = [ScriptCall("count_again", keys, [keep, *args]) for keys, args in by_shard.values()]
    return sum(len(forgotten) for forgotten in trip(store, calls))


def _reopen(store: Store, permits: Sequence[_Permitted], owner: str, now: float) -> int:
    """Open attempts that are neither open nor ended; returns how many. Runs that the server has forgotten as well are
    known to it again, so that what they left is taken over."""
    by_campaign: dict[str, list[Value]] = defaultdict(list)
    for permit in permits:
        by_campaign[permit.row.campaign] += _arguments(permit.row, permit.lead)
    calls = [campaign_call(store, "reopen", name, [now + LEASE_S, *args]) for name, args in by_campaign.items()]
    replies: list[Any] = careful_trip(store, calls)
    earlier = sorted({permit.row.owner for permit in permits} - {owner})
    trip(store, [("HSETNX", store.keys.owners(), name, now) for name in earlier])
    return sum(sum(reply) for reply in replies if not isinstance(reply, KeyDamaged))


def _arguments(row: _Permit, lead: Lead) -> list[Value]:
    record = OpenAttempt(
        row.attempt, row.campaign, lead.lead_id, row.number, row.owner, row.trunk, row.caller_id, row.at
    )
    numbers = " ".join(digits(number) for number in lead.numbers)
    return [
        *(row.attempt, record.pack(), lead.lead_id, row.lead, row.progress, row.priority),
        *(row.owner, numbers),
    ]
