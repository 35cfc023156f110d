"""What managers do to leads while they are dialled: cancel, reopen, move away and back, change priorities."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Final

from dialer.store.leads.bulk import changes
from dialer.store.leads.bulk.changes import Change, Done
from dialer.store.leads.bulk.selection import Filter, chosen
from dialer.store.leads.bulk.transfer import Fate, Transfer, move
from dialer.store.leads.leads import LeadState
from dialer.store.operators import campaigns
from tests.chaos.floor import Floor
from tests.chaos.plan import CAMPAIGN

ELSEWHERE: Final = "elsewhere"
"""A stopped campaign, to which leads are moved for a while."""

WHO: Final = "chaos"
AT_ONCE: Final = 100
OPEN: Final = (LeadState.DUE, LeadState.WAITING, LeadState.LEASED, LeadState.IN_ATTEMPT)


@dataclass(slots=True)
class Ordered:
    """What was done: how many leads met which fate, and since when (seconds since the epoch) leads that are closed by
    order may not be dialled any more. `in_call` were cancelled while they were called."""

    fates: Counter[str] = field(default_factory=Counter)
    closed_at: dict[str, float] = field(default_factory=dict)
    in_call: set[str] = field(default_factory=set)

    def dialled_all_the_same(self, ends: Sequence[tuple[str, float]]) -> list[str]:
        """Leads that were reserved after they had been closed; `ends` are leads with the time of the reservation."""
        return sorted({lead for lead, reserved_at in ends if reserved_at > self.closed_at.get(lead, float("inf"))})


def order(floor: Floor, seconds: float) -> Ordered:
    """One order after the other, each for leads that are drawn, those that daemons have and that are in a call
    included."""
    store, done = floor.site.store, Ordered()
    settings = campaigns.get(store, CAMPAIGN).settings.model_copy(update={"name": ELSEWHERE})
    if ELSEWHERE not in campaigns.names(store):
        campaigns.create(store, settings, who=WHO, now=time.time())
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        _cancel(floor, done)
        _move_and_back(floor, done)
        _change(floor, changes.prioritised(floor.random.randrange(10)), OPEN)
        _change(floor, changes.due_again({LeadState.WAITING}, time.time()), (LeadState.WAITING,))
        _reopen(floor, done)
    return done


def _drawn(floor: Floor, states: Sequence[LeadState], most: int = AT_ONCE) -> list[str]:
    """Some leads in these states, those that daemons work on among them."""
    named = []
    for state in states:
        some = list(islice(chosen(floor.site.store, CAMPAIGN, Filter(states=(state,))), 4 * most))
        named += [lead.lead_id for lead in floor.random.sample(some, min(len(some), most // len(states)))]
    return named


def _change(floor: Floor, change: Change, states: Sequence[LeadState]) -> changes.Changed:
    return changes.change(floor.site.store, CAMPAIGN, _drawn(floor, states), change, who=WHO, now=time.time())


def _cancel(floor: Floor, done: Ordered) -> None:
    """A lead in a call is closed when that ends; all others at once."""
    ids = _drawn(floor, OPEN, 40)
    changed = changes.change(floor.site.store, CAMPAIGN, ids, changes.cancelled(WHO), who=WHO, now=time.time())
    after = time.time()
    for lead_id, answer in zip(ids, changed.answers, strict=True):
        done.fates[f"cancel {answer.name}"] += 1
        if answer in (Done.CHANGED, Done.AT_END):
            done.closed_at[lead_id] = after
        if answer is Done.AT_END:
            done.in_call.add(lead_id)


def _reopen(floor: Floor, done: Ordered) -> None:
    """Some of those that were cancelled, and of these only such as no attempt has closed: a call that was on the line
    may have closed the lead as well."""
    reason = Filter(states=(LeadState.CLOSED,), reason=changes.CANCELLED)
    closed = [lead.lead_id for lead in islice(chosen(floor.site.store, CAMPAIGN, reason), 60)]
    ids = [lead_id for lead_id in closed if lead_id not in done.in_call][:20]
    for lead_id in ids:
        done.closed_at.pop(lead_id, None)
    reopened = changes.due_again({LeadState.CLOSED}, time.time())
    answers = changes.change(floor.site.store, CAMPAIGN, ids, reopened, who=WHO, now=time.time()).answers
    done.fates.update(f"reopen {answer.name}" for answer in answers)


def _move_and_back(floor: Floor, done: Ordered) -> None:
    """Nobody dials them meanwhile: the other campaign is stopped, and this one has them no more."""
    store, now = floor.site.store, time.time()
    ids = _drawn(floor, OPEN)
    moved = move(store, Transfer(CAMPAIGN, ELSEWHERE, WHO), ids, now)
    done.fates.update({f"move {fate}": number for fate, number in moved.items()})
    there = [lead.lead_id for lead in chosen(store, ELSEWHERE, Filter(states=(LeadState.DUE, LeadState.WAITING)))]
    for first in range(0, len(there), AT_ONCE):
        back = move(store, Transfer(ELSEWHERE, CAMPAIGN, WHO), there[first : first + AT_ONCE], time.time())
        assert set(back) == {Fate.DONE}, back


def lead_orders(floor: Floor) -> None:
    """Leads cancelled, reopened, moved away and back, for up to 8 s."""
    order(floor, floor.span_s(2.0, 8.0))
