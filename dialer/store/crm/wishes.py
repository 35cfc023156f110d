"""Callers who asked by a key to be called by an agent: a callback like one that an agent has promised."""

from __future__ import annotations

from collections.abc import Sequence

from config.daemon import SHORTEST_PREFIX
from dialer.core.model import Settlement
from dialer.store.base.connection import Store
from dialer.store.crm import crm_map, inbox
from dialer.store.crm.requests import CALLBACK, Outcome, Received
from dialer.store.settlement import outbox


def promise_callbacks(store: Store, ends: Sequence[Settlement], after_s: float) -> None:
    """Promise a callback, `after_s` after the end, for those of these ends that ask for one. The ends are in the store;
    doing it again changes nothing."""
    for end in ends:
        if end.wants_callback and end.lead.lead_id:
            wish = Outcome(end.campaign, end.attempt, CALLBACK, callback_at=end.ended_at + after_s)
            asked = Received(f"{int(end.ended_at * 1000)}-0", wish)
            crm = crm_map.crm_of(store, end.campaign)
            done = inbox.carry_out(store, [asked], now=end.ended_at, shortest_prefix=SHORTEST_PREFIX, crm=crm)
            outbox.publish(store, done.answers)
