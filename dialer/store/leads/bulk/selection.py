"""Choosing leads of a campaign by what is known of them, in bounded pages.

Reading holds nobody up: a page is one script of a few milliseconds. Leads that move while pages are turned may be
missed or, where they are asked for one after the other, seen twice; whoever changes what was chosen checks again.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, Final

from dialer.store.base.connection import Store, trip
from dialer.store.base.fields import Undecodable
from dialer.store.leads.history import History, read_history, said_of
from dialer.store.leads.lead_codec import NO_LIST, stored_of, unpack_progress
from dialer.store.leads.leads import LeadState, Seen, ids_of, look

PAGE: Final = 250
"""Leads that are looked at in one step: some 1 ms of the server's time."""

MOST: Final = 2_000_000
"""Most leads that one choice holds."""


@dataclass(frozen=True, slots=True)
class Filter:
    """What leads must be, all of it; what is None or empty does not matter.

    `disposition` and `outcome` are those of the last attempt; `reason` is what the funnel counts a waiting or closed
    lead under; `tries` the fewest and most attempts. Times are seconds since the epoch: `quiet_since` is later than
    the last attempt (without one: than when the lead came in), `came_in_before` than when it came in; `due_from` and
    `due_to` bound when a waiting lead is due. `attrs` are values of the CRM's data, as texts;
    `list_name` is the list that the lead came with.
    """

    states: Collection[LeadState] = ()
    disposition: str = ""
    outcome: str = ""
    reason: str = ""
    tries: tuple[int, int] | None = None
    quiet_since: float | None = None
    came_in_before: float | None = None
    due_from: float | None = None
    due_to: float | None = None
    attrs: Mapping[str, str] = field(default_factory=dict)
    list_name: str = ""

    def passes(self, seen: Seen) -> bool:
        """Whether a lead is as asked for, `outcome` apart. Raises `Undecodable`."""
        if self.states and seen.state not in self.states:
            return False
        if self.reason and seen.why.counted_as != self.reason:
            return False
        if (self.due_from is not None or self.due_to is not None) and not self._due_then(seen):
            return False
        if self.tries is not None:
            tried = sum(unpack_progress(seen.progress).tries.values())
            if not self.tries[0] <= tried <= self.tries[1]:
                return False
        if self.disposition or self.quiet_since is not None:
            history = read_history(seen.raw_story)
            if self.disposition and last_disposition(history) != self.disposition:
                return False
            if self.quiet_since is not None and self._last_at(seen, history) >= self.quiet_since:
                return False
        return self._data_fits(seen)

    def _due_then(self, seen: Seen) -> bool:
        if seen.state is not LeadState.WAITING:
            return False
        return (self.due_from is None or seen.at >= self.due_from) and (self.due_to is None or seen.at < self.due_to)

    def _last_at(self, seen: Seen, history: History) -> float:
        return history.attempts[-1].ended_at if history.attempts else stored_of(seen.raw).taken_in_at

    def _data_fits(self, seen: Seen) -> bool:
        if self.came_in_before is None and not self.attrs and not self.list_name:
            return True
        stored = stored_of(seen.raw)
        if self.list_name and (stored.list_name or NO_LIST) != self.list_name:
            return False
        if self.came_in_before is not None and stored.taken_in_at >= self.came_in_before:
            return False
        return all(_text(stored.attrs.get(name)) == value for name, value in self.attrs.items())


def last_disposition(history: History) -> str:
    """How the last attempt ended; empty where there was none."""
    return history.attempts[-1].disposition if history.attempts else ""


def chosen(
    store: Store, campaign: str, criteria: Filter, progress: Callable[[int], None] = lambda _: None
) -> Iterator[Seen]:
    """The leads of a campaign that pass a filter, each once. What cannot be read is left out. `progress` hears how many
    more were looked at."""
    known: set[str] = set()
    for ids in _pages(store, campaign, criteria.states):
        fresh = [lead_id for lead_id in dict.fromkeys(ids) if lead_id not in known]
        known.update(fresh)
        yield from _passing(store, campaign, criteria, fresh)
        progress(len(fresh))


def named(store: Store, campaign: str, lead_ids: Sequence[str], criteria: Filter) -> Iterator[Seen]:
    """Those of some leads that are there and pass a filter, each once."""
    source = iter(dict.fromkeys(lead_ids))
    while ids := list(islice(source, PAGE)):
        yield from _passing(store, campaign, criteria, ids)


def _pages(store: Store, campaign: str, states: Collection[LeadState]) -> Iterator[list[str]]:
    """Pages of ids, state after state; of more than two states it is quicker to look at every lead."""
    for state in sorted(states) if 0 < len(states) <= 2 else [None]:
        cursor, more = "0", True
        while more:
            ids, cursor = ids_of(store, campaign, state, cursor, PAGE)
            for first in range(0, len(ids), PAGE):  # a scan may give more than it was asked for
                yield ids[first : first + PAGE]
            more = bool(cursor)


def _passing(store: Store, campaign: str, criteria: Filter, ids: Sequence[str]) -> Iterator[Seen]:
    passing = []
    for seen in look(store, campaign, ids):
        with suppress(Undecodable):
            if criteria.passes(seen):
                passing.append(seen)
    yield from _with_outcome(store, campaign, criteria.outcome, passing) if criteria.outcome else passing


def _with_outcome(store: Store, campaign: str, outcome: str, leads: Sequence[Seen]) -> Iterator[Seen]:
    last = [(seen, history.attempts[-1]) for seen in leads if (history := read_history(seen.raw_story)).attempts]
    if last:
        raws = trip(store, [("HMGET", store.keys.outcomes(campaign), *(attempt.attempt for _, attempt in last))])[0]
        words = map(said_of, raws)
        yield from (seen for (seen, _), word in zip(last, words, strict=True) if word and word.outcome == outcome)


def _text(value: Any) -> str:
    """A value of the CRM's data as people type it."""
    if isinstance(value, bool):
        return str(value).lower()
    return "" if value is None else str(value)
