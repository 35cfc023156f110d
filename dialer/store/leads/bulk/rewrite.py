"""Changing what one lead is: priority, time, numbers and the CRM's own data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

import msgpack

from compliance.numbers import E164
from dialer.language.phrases import phrase
from dialer.store.base.connection import Store, campaign_call, trip
from dialer.store.base.errors import StoreError, UnknownLead
from dialer.store.base.keys import digits
from dialer.store.leads.bulk.changes import HAND_BACK_S, tell_daemons
from dialer.store.leads.lead_codec import pack, stream_id_of, taken_in_at_of, unpack

ROUNDS: Final = 5
_CHANGED_SINCE, _LEASED, _OPEN = -1, 2, 3
_FAULTS: Final = {
    -2: "lead_id: the lead is closed; reopen it first",
    -3: "phones: the lead is in a call; change its numbers after that",
}


@dataclass(frozen=True, slots=True)
class Rewrite:
    """What is to be different; None: that stays. `not_before` is seconds since the epoch, a past one is at once;
    `numbers` are in the order of dialling."""

    priority: int | None = None
    not_before: float | None = None
    attrs: Mapping[str, Any] | None = None
    numbers: tuple[E164, ...] | None = None


class CannotRewrite(StoreError):
    """The lead stays as it is; the message begins with the field and says why."""


def rewrite(store: Store, campaign: str, lead_id: str, changes: Rewrite, *, who: str, now: float) -> None:
    """Change a lead in one atomic step. What a daemon had of it in memory is forgotten there. In an attempt
    `not_before` holds from its end on. Doing it twice does no harm.

    Raises `UnknownLead`, and `CannotRewrite` for a closed lead, a time that is not before `expires_at`, a number that
    another lead of the campaign has, and new numbers during an attempt.
    """
    for _ in range(ROUNDS):
        answer = _attempt(store, campaign, lead_id, changes, now)
        if answer != _CHANGED_SINCE:
            break
    if isinstance(answer, bytes):
        other = trip(store, [("HGET", store.keys.numbers(campaign), answer)])[0] or b""
        raise CannotRewrite(f"phones: a number is in the campaign already, in lead {other.decode(errors='replace')}")
    if answer == 0:
        raise UnknownLead(phrase("campaign {campaign!r} has no lead {lead_id!r}", campaign=campaign, lead_id=lead_id))
    if answer < 0:
        raise CannotRewrite(_FAULTS.get(answer, "lead_id: the lead changes all the time; try again"))
    if answer == _LEASED:
        tell_daemons(store, campaign, [lead_id], who=who, now=now)


def _attempt(store: Store, campaign: str, lead_id: str, changes: Rewrite, now: float) -> int | bytes:
    raw = trip(store, [("HGET", store.keys.lead(campaign), lead_id)])[0]
    if raw is None:
        return 0
    before = unpack(raw, campaign=campaign, progress=None)
    if changes.not_before is not None and before.expires_at is not None and changes.not_before >= before.expires_at:
        raise CannotRewrite("not_before: is not before expires_at")
    after = replace(
        before,
        priority=before.priority if changes.priority is None else changes.priority,
        attrs=before.attrs if changes.attrs is None else dict(changes.attrs),
        numbers=before.numbers if changes.numbers is None else changes.numbers,
    )
    given = {
        "now": now,
        "lead": lead_id,
        "read": raw,
        "stored": pack(after, stream_id_of(raw), taken_in_at_of(raw)),
        "taken": [digits(number) for number in after.numbers if number not in before.numbers],
        "freed": [digits(number) for number in before.numbers if number not in after.numbers],
        "due_at": "" if changes.not_before is None else changes.not_before,
        "priority": "" if changes.priority is None else changes.priority,
        "hand_back_s": HAND_BACK_S,
    }
    args = [bytes(msgpack.packb(given, use_bin_type=False))]
    answer: int | bytes = trip(store, [campaign_call(store, "rewrite", campaign, args)])[0]
    return answer
