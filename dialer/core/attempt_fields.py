"""What is told of an attempt that has ended: one table for the event, the log line and the evidence. Pure.

Who tells it chooses names from here and adds what is its own: ids, the lead, masked or hashed numbers.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from compliance.numbers import masked_text
from dialer.core.model import Settlement

TIMES: Final = (
    *("reserved_at", "dialled_at", "ringing_at", "answered_at", "agent_dialled_at", "bridged_at"),
    "ended_at",
)
"""The times of a settlement, in their order; what did not happen is None."""


def _between(start: float | None, end: float | None) -> float | None:
    return None if start is None or end is None else round(max(0.0, end - start), 3)


DURATIONS: Final[Mapping[str, Callable[[Settlement], float | None]]] = {
    "post_dial_delay_s": lambda one: _between(one.dialled_at, one.ringing_at),
    # From the INVITE where no ringing was heard, until the answer or the end.
    "ring_s": lambda one: _between(one.ringing_at or one.dialled_at, one.answered_at or one.ended_at),
    "wait_s": lambda one: _between(one.answered_at, one.bridged_at or one.ended_at),
    "hand_over_s": lambda one: _between(one.answered_at, one.agent_dialled_at),
    "talk_s": lambda one: _between(one.bridged_at, one.ended_at),
}

FIELDS: Final[Mapping[str, Callable[[Settlement], Any]]] = {
    "disposition": lambda one: one.disposition.value,
    "answer_kind": lambda one: "" if one.answered_at is None else one.answer_kind.value,
    "live": lambda one: one.live,
    "abandoned": lambda one: one.abandoned,
    "hung_up": lambda one: one.hung_up,
    "charged": lambda one: one.charged,
    "message_played": lambda one: one.message_played,
    "opted_out": lambda one: one.opted_out,
    "crossed_cancel": lambda one: one.crossed_cancel,
    "agent": lambda one: one.agent,
    "trunk": lambda one: one.trunk,
    "failed_trunks": lambda one: list(one.failed_trunks),
    "caller_id": lambda one: one.caller_id,
    "cause": lambda one: one.cause.value,
    "ended_by": lambda one: one.ended_by.value,
    "sip_code": lambda one: one.sip_code,
    "q850": lambda one: one.q850,
    "reason": lambda one: masked_text(one.reason),
}


def fields_of(one: Settlement, *left_out: str) -> dict[str, Any]:
    """All of `FIELDS` but some."""
    return {name: read(one) for name, read in FIELDS.items() if name not in left_out}


def durations_of(one: Settlement, *names: str) -> dict[str, float | None]:
    """How long each part took, in seconds; None: it did not come to that. All of them, or those that are named."""
    return {name: DURATIONS[name](one) for name in names or DURATIONS}
