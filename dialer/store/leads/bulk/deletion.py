"""Deleting leads for good, on somebody's word, and telling the CRM which: it has them on its screens."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from dialer.store.base.connection import Store
from dialer.store.privacy.retention import PURGED_AT_ONCE, Purged, purge
from dialer.store.settlement.outbox import CrmEvent, publish

EVENT: Final = "leads_deleted"
NAMED_AT_ONCE: Final = 200
"""So many leads one event names."""


def delete(
    store: Store,
    campaign: str,
    lead_ids: Sequence[str],
    *,
    who: str,
    now: float,
    list_name: str = "",
    close_why: str = "",
) -> list[Purged]:
    """Delete leads (at most a few hundred) in small scripts, and tell the CRM of those that are gone. `list_name` is
    the list that was taken back with them. Doing it twice does no harm; after a crash in between the CRM may not have
    heard of the last ones."""
    answers: list[Purged] = []
    for first in range(0, len(lead_ids), PURGED_AT_ONCE):
        some = lead_ids[first : first + PURGED_AT_ONCE]
        answers += purge(store, campaign, some, counter="deleted", close_why=close_why)
    gone = [lead_id for lead_id, answer in zip(lead_ids, answers, strict=True) if answer is Purged.GONE]
    named = [gone[first : first + NAMED_AT_ONCE] for first in range(0, len(gone), NAMED_AT_ONCE)]
    publish(store, [event_of(campaign, ids, list_name, who, now) for ids in named])
    return answers


def event_of(campaign: str, lead_ids: list[str], list_name: str, who: str, now: float) -> CrmEvent:
    """What the CRM is told of leads that are gone, all of one campaign."""
    fields = {"lead_ids": lead_ids, "list": list_name, "who": who}
    return CrmEvent(EVENT, f"{campaign}/{lead_ids[0]}@{now:.3f}", campaign, now, fields)
