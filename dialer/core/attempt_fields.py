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
    "post_dial_delay_s": lambda end: _between(end.dialled_at, end.ringing_at),
    # From the INVITE where no ringing was heard, until the answer or the end.
    "ring_s": lambda end: _between(end.ringing_at or end.dialled_at, end.answered_at or end.ended_at),
    "wait_s": lambda end: _between(end.answered_at, end.bridged_at or end.ended_at),
    "hand_over_s": lambda end: _between(end.answered_at, end.agent_dialled_at),
    "talk_s": lambda end: _between(end.bridged_at, end.ended_at),
}

FIELDS: Final[Mapping[str, Callable[[Settlement], Any]]] = {
    "disposition": lambda end: end.disposition.value,
    "answer_kind": lambda end: "" if end.answered_at is None else end.answer_kind.value,
    "judged": lambda end: end.judged,
    "confidence": lambda end: end.confidence,
    "message_left": lambda end: end.message_left,
    "live": lambda end: end.live,
    "abandoned": lambda end: end.abandoned,
    "hung_up": lambda end: end.hung_up,
    "charged": lambda end: end.charged,
    "message_played": lambda end: end.message_played,
    "opted_out": lambda end: end.opted_out,
    "crossed_cancel": lambda end: end.crossed_cancel,
    "agent": lambda end: end.agent,
    "trunk": lambda end: end.trunk,
    "failed_trunks": lambda end: list(end.failed_trunks),
    "caller_id": lambda end: end.caller_id,
    "cause": lambda end: end.cause.value,
    "ended_by": lambda end: end.ended_by.value,
    "sip_code": lambda end: end.sip_code,
    "q850": lambda end: end.q850,
    "reason": lambda end: masked_text(end.reason),
}


def fields_of(settlement: Settlement, *left_out: str) -> dict[str, Any]:
    """All of `FIELDS` but some."""
    return {name: read(settlement) for name, read in FIELDS.items() if name not in left_out}


def durations_of(settlement: Settlement, *names: str) -> dict[str, float | None]:
    """How long each part took, in seconds; None: it did not come to that. All of them, or those that are named."""
    return {name: DURATIONS[name](settlement) for name in names or DURATIONS}
