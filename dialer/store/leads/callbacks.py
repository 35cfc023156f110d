"""Callbacks that somebody promised: what is owed, by whom, since when, and putting them first again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from dialer.core.leads import lead_reasons
from dialer.store.base.connection import Store, trip
from dialer.store.leads.bulk import changes
from dialer.store.leads.bulk.changes import Done
from dialer.store.leads.history import read_history
from dialer.store.leads.lead_codec import HIGHEST_PRIORITY
from dialer.store.leads.leads import LeadState, Seen, look

MOST: Final = 100_000
"""Callbacks of a campaign that one look sees, those that were promised for first."""

PAGE: Final = 250


@dataclass(frozen=True, slots=True)
class Callback:
    """A callback that is owed. `promised_at` and `due_at` are seconds since the epoch: what was said, and when the lead
    is due. `agent` is who is to have it, empty: anybody; `tried` how often it was called since its time; `number` is
    masked."""

    campaign: str
    lead_id: str
    number: str
    name: str
    promised_at: float
    agent: str
    state: LeadState
    due_at: float
    tried: int
    last_end: str

    def is_overdue(self, now: float) -> bool:
        """Whether its time has passed, and nobody is calling at the moment."""
        return self.promised_at <= now and self.state is not LeadState.IN_ATTEMPT


def owed(store: Store, campaign: str, *, until: float | None = None) -> list[Callback]:
    """The callbacks of a campaign, by their time; `until` (seconds since the epoch) leaves out those promised for
    later."""
    last = "+inf" if until is None else until
    flat = trip(
        store, [("ZRANGEBYSCORE", store.keys.callbacks(campaign), "-inf", last, "WITHSCORES", "LIMIT", 0, MOST)]
    )[0]
    rows = [(name.decode(errors="replace"), float(at)) for name, at in zip(flat[::2], flat[1::2], strict=True)]
    listed: list[Callback] = []
    for first in range(0, len(rows), PAGE):
        page = rows[first : first + PAGE]
        ids = [lead_id for lead_id, _ in page]
        agents = trip(store, [("HMGET", store.keys.callback_agent(campaign), *ids)])[0]
        agent_of = {lead_id: (raw or b"").decode(errors="replace") for lead_id, raw in zip(ids, agents, strict=True)}
        # one that is closed is on its way into another campaign, and owed there when it arrives
        seen = {lead.lead_id: lead for lead in look(store, campaign, ids) if lead.state is not LeadState.CLOSED}
        listed += [_callback(seen[name], at, agent_of[name]) for name, at in page if name in seen]
    return listed


def put_first(store: Store, campaign: str, lead_ids: Sequence[str], *, who: str, now: float) -> int:
    """Make callbacks due at once, before all other leads; returns how many that were."""
    again = changes.due_again(
        {LeadState.DUE, LeadState.WAITING},
        now,
        lead_reasons.ordered("callback put first", who),
        priority=HIGHEST_PRIORITY,
    )
    done = 0
    for first in range(0, len(lead_ids), changes.CHANGED_AT_ONCE):
        ids = lead_ids[first : first + changes.CHANGED_AT_ONCE]
        done += changes.change(store, campaign, ids, again, who=who, now=now).counts()[Done.CHANGED]
    return done


def free(store: Store, campaign: str, lead_ids: Sequence[str]) -> int:
    """Let anybody have callbacks that one agent promised; returns how many had an agent."""
    if not lead_ids:
        return 0
    return int(trip(store, [("HDEL", store.keys.callback_agent(campaign), *lead_ids)])[0])


def _callback(seen: Seen, promised_at: float, agent: str) -> Callback:
    lead, ended = seen.lead, read_history(seen.raw_story).attempts
    since = [attempt for attempt in ended if attempt.at >= promised_at]
    return Callback(
        campaign=seen.campaign,
        lead_id=seen.lead_id,
        number=str(lead.number),
        name=lead.name,
        promised_at=promised_at,
        agent=agent,
        state=seen.state,
        due_at=seen.at,
        tried=len(since),
        last_end=since[-1].disposition if since else "",
    )
