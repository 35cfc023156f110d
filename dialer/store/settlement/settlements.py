"""A settlement that can leave the process, and the event that tells the CRM of it. Pure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from typing import Any, Final

from compliance.numbers import masked_text
from dialer.core.model import Close, Disposition, Retry, Settlement
from dialer.store.base.errors import StoreError
from dialer.store.leads.lead_codec import pack, pack_progress, unpack
from dialer.store.settlement.outbox import CrmEvent
from pacing.api import AnswerKind
from sip.causes import Cause, Leg

KIND: Final = "disposition"

TIMES: Final = (
    "reserved_at",
    "dialled_at",
    "ringing_at",
    "answered_at",
    "agent_dialled_at",
    "bridged_at",
    "ended_at",
)


@dataclass(frozen=True, slots=True)
class Settled:
    """A settlement whose times are all seconds since the epoch. `day` is the counting day of the abandonment ledger,
    such as "2026-03-01"."""

    settlement: Settlement
    day: str

    @property
    def counted_at(self) -> float:
        """The moment that counts for the ledger, in seconds since the epoch."""
        return counted_at(self.settlement)


def counted_at(settlement: Settlement) -> float:
    """The moment by which a call is booked in the ledger: that of its answer, or of its end if nobody answered."""
    return settlement.ended_at if settlement.answered_at is None else settlement.answered_at


def settled(settlement: Settlement, *, clock: Callable[[float], float], day: str) -> Settled:
    """Turn the engine's settlement into epoch time; `clock` maps monotonic seconds to seconds since the epoch."""
    times = {name: getattr(settlement, name) for name in TIMES}
    epoch: dict[str, Any] = {name: None if at is None else clock(at) for name, at in times.items()}
    return Settled(replace(settlement, **epoch), day)


def retry_at(settlement: Settlement) -> float | None:
    """When the lead is due again (seconds since the epoch); None: it is closed."""
    step = settlement.next_step
    return settlement.ended_at + step.after_s if isinstance(step, Retry) else None


def event_of(item: Settled, settled_by: str) -> CrmEvent:
    """The disposition event. Numbers are masked, also in what the far end said."""
    one = item.settlement
    lead, step = one.lead, one.next_step
    body: dict[str, Any] = {
        "attempt_id": one.attempt,
        "lead_id": lead.lead_id,
        "customer_id": lead.customer_id,
        "phone": str(lead.number),
        "try": sum(lead.tries.values()) + 1,
        "disposition": one.disposition.value,
        "answer_kind": "" if one.answered_at is None else one.answer_kind.value,
        "live": one.live,
        "abandoned": one.abandoned,
        "hung_up": one.hung_up,
        "charged": one.charged,
        "agent": one.agent,
        "trunk": one.trunk,
        "caller_id": one.caller_id,
        "cause": one.cause.value,
        "ended_by": one.ended_by.value,
        "sip_code": one.sip_code,
        "q850": one.q850,
        "reason": masked_text(one.reason),
        **{name: getattr(one, name) for name in TIMES},
        "ring_s": _span(one.ringing_at or one.dialled_at, one.answered_at or one.ended_at),
        "wait_s": _span(one.answered_at, one.bridged_at or one.ended_at),
        "talk_s": _span(one.bridged_at, one.ended_at),
        "message_played": one.message_played,
        "opted_out": one.opted_out,
        "crossed_cancel": one.crossed_cancel,
        "next": "close" if isinstance(step, Close) else "retry",
        "next_at": retry_at(one),
        "next_why": step.reason if isinstance(step, Close) else "",
        "day": item.day,
        "settled_by": settled_by,
        "attrs": lead.shown_attrs,
    }
    return CrmEvent(KIND, one.attempt, one.campaign, one.ended_at, body)


def _span(start: float | None, end: float) -> float | None:
    return None if start is None else round(max(0.0, end - start), 3)


def to_wire(item: Settled) -> dict[str, Any]:
    """As plain msgpack-able data, for the disk spool. It holds clear numbers."""
    one = item.settlement
    step = one.next_step
    plain = {field.name: getattr(one, field.name) for field in fields(one)}
    plain["lead"] = {
        "campaign": one.campaign,
        "lead": pack(one.lead, ""),
        "progress": pack_progress(one.lead.number_index, one.lead.tries),
        "priority": one.lead.priority,
    }
    plain["next_step"] = [step.reason] if isinstance(step, Close) else [step.after_s, step.number_index]
    for name in ("disposition", "answer_kind", "cause", "ended_by"):
        plain[name] = plain[name].value
    return {"day": item.day, "settlement": plain}


def from_wire(data: object) -> Settled:
    """The way back. Raises `ValueError` for what `to_wire` did not write."""
    try:
        match data:
            case {"day": str(day), "settlement": {"lead": dict(lead), "next_step": list(step), **rest}}:
                given: dict[str, Any] = {str(name): value for name, value in rest.items()}
                given["lead"] = unpack(
                    lead["lead"],
                    campaign=lead["campaign"],
                    progress=lead["progress"],
                    priority=lead["priority"],
                )
                given["next_step"] = Close(*step) if len(step) == 1 else Retry(*step)
                given["disposition"] = Disposition(given["disposition"])
                given["answer_kind"] = AnswerKind(given.get("answer_kind", AnswerKind.UNKNOWN))  # older: without
                given["cause"], given["ended_by"] = Cause(given["cause"]), Leg(given["ended_by"])
                return Settled(Settlement(**given), day)
    except (KeyError, TypeError, StoreError) as error:
        raise ValueError(f"not a settlement: {error}") from error
    raise ValueError("not a settlement")
