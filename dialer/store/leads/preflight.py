"""A whole campaign judged before it is dialled, by the rules and the facts of the gate. Nothing is changed or reserved.

The leads that are not done are read a thousand at a time: those that are due, those that wait and those that a daemon
has. They are cut into stretches, so that several processes can share the work. Leads that move meanwhile may be missed
or counted twice.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from config.policies import AppliedSettings
from dialer.core.abandonment.windows import zone_of
from dialer.core.inputs import CampaignState
from dialer.core.leads import lead_reasons
from dialer.core.leads.lead_counts import hours_and_days
from dialer.core.leads.lead_reasons import Kind
from dialer.core.leads.preflight import Preflight
from dialer.core.model import Lead
from dialer.disk.registers import NationalRegisters
from dialer.store.base.connection import Command, ScriptCall, Store, trip
from dialer.store.base.fields import Undecodable
from dialer.store.base.keys import digits
from dialer.store.gate.evaluation import Screening
from dialer.store.leads.lead_codec import unpack
from dialer.store.operators import campaigns

PAGE: Final = 1000
STRETCH: Final = 10 * PAGE
"""Leads that one process judges at a stretch."""

_PLACES: Final = ("due", "waiting", "leased")


@dataclass(frozen=True, slots=True)
class Flight:
    """What a list is judged by, all of it at the moment `at` (seconds since the epoch). `edges` are those of the times
    at which leads may be judged again, `others` are the other campaigns that run."""

    settings: AppliedSettings
    at: float
    edges: tuple[float, ...]
    others: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Stretch:
    """`leads` leads of one place of the campaign (`due`, `waiting` or `leased`), from rank `first` on."""

    place: str
    first: int
    leads: int


def plan(store: Store, settings: AppliedSettings, now: float) -> tuple[Flight, tuple[Stretch, ...]]:
    """How a campaign is to be judged, and the stretches of its leads."""
    running = [
        campaign.settings.name for campaign in campaigns.readable(store)[0] if campaign.state is CampaignState.RUNNING
    ]
    others = tuple(name for name in running if name != settings.name)
    sizes = trip(store, [("ZCARD", _place(store, settings.name, place)) for place in _PLACES])
    stretches = tuple(
        Stretch(place, first, min(STRETCH, size - first))
        for place, size in zip(_PLACES, sizes, strict=True)
        for first in range(0, size, STRETCH)
    )
    return Flight(settings, now, tuple(hours_and_days(now, zone_of(settings))), others), stretches


def judge_stretch(
    store: Store,
    flight: Flight,
    registers: NationalRegisters,
    stretch: Stretch,
    progress: Callable[[int], None] = lambda _: None,
) -> Preflight:
    """Judge some of the leads. `told` hears how many more have been read."""
    preflight = Preflight(flight.at, flight.edges)
    screening = Screening.as_dialled(store, flight.settings, flight.at, registers)
    for first in range(stretch.first, stretch.first + stretch.leads, PAGE):
        last = min(first + PAGE, stretch.first + stretch.leads) - 1
        leads, due_at = _page(store, flight, stretch.place, first, last, preflight)
        preflight.see(zip(screening.foreseen(screening.facts(leads)), due_at, strict=True))
        _note_shared(store, flight, leads, preflight)
        progress(last + 1 - first)
    return preflight


def _place(store: Store, campaign: str, place: str) -> str:
    keys = store.keys
    return {"due": keys.due, "waiting": keys.waiting, "leased": keys.leased}[place](campaign)


def _page(
    store: Store, flight: Flight, place: str, first: int, last: int, preflight: Preflight
) -> tuple[list[Lead], list[float]]:
    """Leads, and the time from which on each is due: at once where it waits only because a rule put it off, for the
    rules are judged anew. Those in a call are left out."""
    name, keys = flight.settings.name, store.keys
    named = [_place(store, name, place), keys.lead(name), keys.progress(name), keys.why(name)]
    flat = trip(store, [ScriptCall("leads_page", named, [first, last])])[0]
    leads: list[Lead] = []
    due_at: list[float] = []
    for score, raw, progress, why in zip(*(flat[column::4] for column in range(4)), strict=True):
        if raw:
            try:
                leads.append(unpack(raw, campaign=name, progress=progress))
            except Undecodable:
                preflight.unreadable += 1
            else:
                due_at.append(float(score) if place == "waiting" and not _by_a_rule(why) else flight.at)
    if place == "leased" and leads:
        in_call = trip(store, [("HMGET", keys.open(name), *(lead.lead_id for lead in leads))])[0]
        free = [i for i, attempt in enumerate(in_call) if attempt is None]
        return [leads[i] for i in free], [due_at[i] for i in free]
    return leads, due_at


def _by_a_rule(why: bytes) -> bool:
    return lead_reasons.read(why.decode(errors="replace")).kind is Kind.REFUSED


def _note_shared(store: Store, flight: Flight, leads: Sequence[Lead], preflight: Preflight) -> None:
    """Count the numbers that other running campaigns have, too."""
    if not flight.others or not leads:
        return
    numbers = [digits(lead.number) for lead in leads]
    asked: list[Command | ScriptCall] = [("HMGET", store.keys.numbers(name), *numbers) for name in flight.others]
    rows = trip(store, asked)
    for name, row in zip(flight.others, rows, strict=True):
        there = sum(held is not None for held in row)
        if there:
            preflight.shared[name] += there
    preflight.shared_numbers += sum(any(held is not None for held in column) for column in zip(*rows, strict=True))
