"""What a call from outside came to, and what becomes of its lead."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from dialer.core.model import Close, Disposition, NextStep, Retry, Settlement
from sip.causes import Cause


class InboundEnd(StrEnum):
    """How it ended, in the words of the CRM contract. Exactly one for every call that was let in."""

    CONNECTED = "connected"  # the caller talked to an agent
    HUNG_UP = "hung_up"  # the caller hung up before one came
    NOT_SERVED = "not_served"  # no agent was there, or none free in time: the message
    STRANGER = "stranger"  # nobody whom we called lately: the message
    FAILED = "failed"  # it broke on our side


STAYS: Final = Close("")
"""The lead was closed or in another call when its caller came, and is left alone."""

_BROKEN = frozenset({Disposition.WORKER_LOST, Disposition.MEDIA_ERROR, Disposition.NOT_SENT, Disposition.UNKNOWN})


def end_of(settlement: Settlement) -> InboundEnd:
    """In which of the words."""
    if settlement.disposition in _BROKEN:
        return InboundEnd.FAILED
    if settlement.bridged_at is not None:
        return InboundEnd.CONNECTED
    if settlement.cause is Cause.MEDIA_ERROR:
        return InboundEnd.FAILED
    if not settlement.lead.lead_id:
        return InboundEnd.STRANGER
    return InboundEnd.NOT_SERVED if settlement.message_played else InboundEnd.HUNG_UP


def back_to(due_at: float | None, number_index: int, ended_at: float) -> NextStep:
    """A lead that was not talked with is due when it was before; times are seconds since the epoch. One that the call
    never had stays where it is by then."""
    if due_at is None:
        return STAYS
    return Retry(max(0.0, due_at - ended_at), number_index)
