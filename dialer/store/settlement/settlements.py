"""A settlement that can leave the process, and the event that tells the CRM of it. Pure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import MISSING, fields, replace
from typing import Any, Final, get_type_hints

import msgspec

from dialer.core.attempt_fields import FIELDS, TIMES, durations_of, fields_of
from dialer.core.inbound.ending import InboundEnd, end_of
from dialer.core.leads.retry_windows import window_of, zones_of
from dialer.core.model import NOBODY, Close, NextStep, Retry, Settlement
from dialer.store.base.fields import Undecodable
from dialer.store.base.records import Time, plain, shaped
from dialer.store.leads.lead_codec import Priority, pack, pack_progress, unpack
from dialer.store.settlement.outbox import CrmEvent

KIND: Final = "disposition"
INBOUND_CALL: Final = "inbound_call"

MOST_TRIES_TOLD: Final = 5
"""Later attempts of a lead are counted as this one."""


def counted_at(settlement: Settlement) -> float:
    """The moment by which a call is booked in the ledger: that of its answer, or of its end if nobody answered."""
    return settlement.ended_at if settlement.answered_at is None else settlement.answered_at


def settled(settlement: Settlement, *, clock: Callable[[float], float], day: str) -> Settlement:
    """The engine's settlement in epoch time; `clock` maps monotonic seconds to seconds since the epoch."""
    times = {name: getattr(settlement, name) for name in TIMES}
    epoch: dict[str, Any] = {name: None if at is None else clock(at) for name, at in times.items()}
    return replace(settlement, **epoch, day=day)


def retry_at(settlement: Settlement) -> float | None:
    """When the lead is due again (seconds since the epoch); None: it is closed."""
    step = settlement.next_step
    return settlement.ended_at + step.after_s if isinstance(step, Retry) else None


def yields_from(settlement: Settlement) -> float | None:
    """From when on the lead may be called where nothing else is due, seconds since the epoch; None: it does not
    yield."""
    step = settlement.next_step
    early_s = step.yields_from_s if isinstance(step, Retry) else None
    return None if early_s is None else settlement.ended_at + early_s


def window_field(settlement: Settlement) -> str:
    """Under which name an attempt is counted: the window of the callee's day, and which attempt of its lead it was."""
    zones = zones_of(settlement.lead, believe_stated_zone=True, otherwise=None)
    try_ = min(sum(settlement.lead.tries.values()) + 1, MOST_TRIES_TOLD)
    return f"{window_of(settlement.dialled_at or settlement.reserved_at, zones[0])}:{try_}"


def event_of(settlement: Settlement, settled_by: str, corrects: str = "") -> CrmEvent:
    """The disposition event. Numbers are masked, also in what the far end said. `corrects` is the disposition that the
    CRM was told of this attempt before; empty: none."""
    if settlement.inbound:
        return _inbound_event(settlement, settled_by, corrects)
    lead, step = settlement.lead, settlement.next_step
    body: dict[str, Any] = {
        "attempt_id": settlement.attempt,
        "lead_id": lead.lead_id,
        "customer_id": lead.customer_id,
        "phone": str(lead.number),
        "try": sum(lead.tries.values()) + 1,
        **fields_of(settlement),
        **{name: getattr(settlement, name) for name in TIMES},
        **durations_of(settlement, "ring_s", "wait_s", "talk_s"),
        "next": "close" if isinstance(step, Close) else "retry",
        "next_at": retry_at(settlement),
        "next_why": step.reason if isinstance(step, Close) else "",
        "day": settlement.day,
        "settled_by": settled_by,
        "corrects": corrects,
        "attrs": lead.shown_attrs,
    }
    return CrmEvent(KIND, settlement.attempt, settlement.campaign, settlement.ended_at, body)


def _inbound_event(settlement: Settlement, settled_by: str, corrects: str) -> CrmEvent:
    """A call from outside has ended: an event of its own, so that whoever counts dispositions counts calls of ours."""
    lead, step = settlement.lead, settlement.next_step
    told = ("message_played", "opted_out", "agent", "trunk", "cause", "ended_by", "sip_code", "reason")
    body: dict[str, Any] = {
        "attempt_id": settlement.attempt,
        "end": end_of(settlement).value,
        "lead_id": lead.lead_id,
        "customer_id": lead.customer_id,
        "phone": "" if lead.number == NOBODY else str(lead.number),
        "called": settlement.caller_id,
        "wants_callback": settlement.wants_callback,
        **{name: FIELDS[name](settlement) for name in told},
        "arrived_at": settlement.reserved_at,
        **{name: getattr(settlement, name) for name in ("answered_at", "bridged_at", "agent_left_at", "ended_at")},
        **durations_of(settlement, "wait_s", "talk_s"),
        "next": "close" if isinstance(step, Close) else "retry",
        "next_at": retry_at(settlement),
        "day": settlement.day,
        "settled_by": settled_by,
        "corrects": InboundEnd.FAILED.value if corrects else "",
        "attrs": lead.shown_attrs,
    }
    return CrmEvent(INBOUND_CALL, settlement.attempt, settlement.campaign, settlement.ended_at, body)


# --- on the disk spool ------------------------------------------------------------------------------------------------


class _LeadOnWire(msgspec.Struct, frozen=True):
    campaign: str
    lead: bytes
    progress: bytes
    priority: Priority


_RETYPED: Final[dict[Any, Any]] = {float: Time, float | None: Time | None}
_HINTS: Final = {name: _RETYPED.get(kind, kind) for name, kind in get_type_hints(Settlement).items()}
_TYPES: Final = {**_HINTS, "lead": _LeadOnWire, "next_step": list[str | float]}
_Wire: Final = msgspec.defstruct(
    "SettlementOnWire",
    [
        (each.name, _TYPES[each.name]) if each.default is MISSING else (each.name, _TYPES[each.name], each.default)
        for each in fields(Settlement)
        if each.name != "day"
    ],
    kw_only=True,
    frozen=True,
)


def to_wire(settlement: Settlement) -> dict[str, Any]:
    """As plain msgpack-able data, for the disk spool. It holds clear numbers."""
    step = settlement.next_step
    progress = pack_progress(settlement.lead.number_index, settlement.lead.tries, settlement.lead.last_agent)
    body = {
        **{name: getattr(settlement, name) for name in _Wire.__struct_fields__},
        "lead": _LeadOnWire(settlement.campaign, pack(settlement.lead, ""), progress, settlement.lead.priority),
        "next_step": _step_on_wire(step),
    }
    return {"day": settlement.day, "settlement": plain(body)}


def from_wire(data: object) -> Settlement:
    """The way back. Raises `Undecodable` for what `to_wire` did not write."""
    match data:
        case {"day": str(day), "settlement": dict(body)}:
            wire: Any = shaped(_Wire, body, "not a settlement: it")
            given = {name: getattr(wire, name) for name in _Wire.__struct_fields__} | {"day": day}
            kept: _LeadOnWire = wire.lead
            given["lead"] = unpack(kept.lead, campaign=kept.campaign, progress=kept.progress, priority=kept.priority)
            given["next_step"] = _step(wire.next_step)
            return Settlement(**given)
    raise Undecodable("not a settlement")


def _step_on_wire(step: NextStep) -> list[str | float]:
    if isinstance(step, Close):
        return [step.reason]
    return [step.after_s, step.number_index, *(() if step.yields_from_s is None else (step.yields_from_s,))]


def _step(parts: list[str | float]) -> Close | Retry:
    match parts:
        case [str(reason)]:
            return Close(reason)
        case [int() | float() as after_s, int() | float() as place] if after_s >= 0 and place >= 0:
            return Retry(float(after_s), int(place))
        case [int() | float() as after_s, int() | float() as place, int() | float() as early_s] if (
            min(after_s, place, early_s) >= 0
        ):
            return Retry(float(after_s), int(place), float(early_s))
    raise Undecodable("not a settlement: what is next cannot be read")
