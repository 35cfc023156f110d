"""Lists: the leads that came together, from a file or under one name in the stream; counted, compared, taken back.

A lead says which list it came with. What came in and what was rejected is counted at intake, whose file it was and what
was wrong with its rows is kept by the import; where the leads are now is counted by looking at all of them, in slices.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Final, NamedTuple

import msgspec

from dialer.core.leads import lead_reasons
from dialer.store.base.connection import Command, Store, campaign_call, trip
from dialer.store.base.fields import Undecodable
from dialer.store.base.records import Count, Time, packed, read
from dialer.store.leads.bulk.deletion import delete
from dialer.store.leads.intake import MAX_LISTS
from dialer.store.leads.lead_codec import NO_LIST, stored_of
from dialer.store.privacy.retention import Purged

SLICE: Final = 200
"""Leads that one script looks at: some 2 ms of the server's time."""

PAGE: Final = 1000


class Import(msgspec.Struct, frozen=True):
    """One file that was imported into a list: its name and how it was read, whose it is, who imported it when (seconds
    since the epoch), what became of its rows and why some were rejected before they were sent."""

    list_name: str
    file: str
    what: str
    owner: str
    who: str
    at: Time
    rows: Count = 0
    sent: Count = 0
    rejected: Count = 0
    reasons: dict[str, Count] = {}


@dataclass(slots=True)
class Tally:
    """Where the leads of a list are now. `tried` have been called at least once, `connected` talked to an agent."""

    leads: int = 0
    tried: int = 0
    connected: int = 0
    due: int = 0
    waiting: int = 0
    leased: int = 0
    in_attempt: int = 0
    closed: int = 0

    @property
    def penetration(self) -> float:
        """The share of the leads that have been called at least once."""
        return self.tried / self.leads if self.leads else 0.0


@dataclass(frozen=True, slots=True)
class Intake:
    """What came in under the name of a list: leads accepted and rejected by the daemons, and when the list was taken
    back (seconds since the epoch)."""

    accepted: int = 0
    rejected: int = 0
    taken_back_at: float | None = None


# --- what came in -----------------------------------------------------------------------------------------------------


def record(store: Store, campaign: str, digest: str, imported: Import) -> None:
    """Keep what an import did; the same file imported into the same list again takes the place of the first time. Of
    the imports of a campaign at most `MAX_LISTS` are kept: a further one is counted, and not described."""
    key, name = store.keys.imports(campaign), f"{digest}@{imported.list_name}"
    if trip(store, [("HLEN", key)])[0] < MAX_LISTS or trip(store, [("HEXISTS", key, name)])[0]:
        trip(store, [("HSET", key, name, packed(imported))])


def imports(store: Store, campaign: str) -> dict[str, Import]:
    """Every import of a campaign by the digest of its file and its list (`DIGEST@LIST`), the oldest first. What cannot
    be read is left out."""
    flat = trip(store, [("HGETALL", store.keys.imports(campaign))])[0]
    known: dict[str, Import] = {}
    for name, raw in zip(flat[::2], flat[1::2], strict=True):
        try:
            known[name.decode(errors="replace")] = read(Import, raw, "an import")
        except Undecodable:
            continue
    return dict(sorted(known.items(), key=lambda item: item[1].at))


def intakes(store: Store, campaign: str) -> dict[str, Intake]:
    """What came in, by list."""
    flat = trip(store, [("HGETALL", store.keys.lists(campaign))])[0]
    cells: dict[str, dict[str, float]] = defaultdict(dict)
    for name, raw in zip(flat[::2], flat[1::2], strict=True):
        what, _, list_name = name.decode(errors="replace").partition(":")
        try:
            cells[list_name][what] = float(raw)
        except ValueError:
            continue
    known = {each.name for each in fields(Intake)}
    return {
        name: Intake(int(given.get("accepted", 0)), int(given.get("rejected", 0)), given.get("taken_back_at"))
        for name, given in cells.items()
        if known & given.keys()
    }


# --- where its leads are ----------------------------------------------------------------------------------------------


def tallies(store: Store, campaign: str) -> Iterator[dict[str, Tally]]:
    """Where the leads of every list are, slice by slice; the sum of the slices is the answer. Leads that come or go
    meanwhile may be missed."""
    cursor = "0"
    while True:
        after, *cells = trip(store, [campaign_call(store, "tally", campaign, [cursor, SLICE])])[0]
        yield {
            cells[place].decode(errors="replace") or NO_LIST: Tally(*map(int, cells[place + 1 : place + 9]))
            for place in range(0, len(cells), 9)
        }
        cursor = after.decode()
        if cursor == "0":
            return


def add(total: dict[str, Tally], part: Mapping[str, Tally]) -> None:
    """Add a slice to what was counted so far."""
    for name, tally in part.items():
        sums = total.setdefault(name, Tally())
        for each in fields(Tally):
            setattr(sums, each.name, getattr(sums, each.name) + getattr(tally, each.name))


class Listed(NamedTuple):
    """A lead as lists compare it: `numbers` are clear, E.164."""

    lead_id: str
    list_name: str
    numbers: tuple[str, ...]
    customer_id: str


def leads_of(store: Store, campaign: str, list_name: str | None = None) -> Iterator[list[Listed]]:
    """The leads of a list, or of all, in pages. Those that cannot be read are left out."""
    cursor = "0"
    while True:
        after, flat = trip(store, [("HSCAN", store.keys.lead(campaign), cursor, "COUNT", PAGE)])[0]
        page: list[Listed] = []
        for raw in flat[1::2]:
            try:
                lead = stored_of(raw)
            except Undecodable:
                continue
            if list_name is None or (lead.list_name or NO_LIST) == list_name:
                page.append(Listed(lead.lead_id, lead.list_name or NO_LIST, lead.numbers, lead.customer_id))
        yield page
        cursor = after.decode()
        if cursor == "0":
            return


# --- taking back ------------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class TakenBack:
    """What became of the leads of a list: deleted, or held: in a call, or the CRM has yet to be told of one. They are
    closed when that has ended, and deleted when the list is taken back again."""

    deleted: int = 0
    held: int = 0


def take_back(store: Store, campaign: str, list_name: str, now: float, *, who: str) -> Iterator[TakenBack]:
    """Delete the leads of a list with everything the campaign knows of them, but for what the rules need: the contact
    history of their numbers, blocks and counts stay. Nothing comes into the list from now on. The CRM is told which
    leads are gone. Yields what is done so far; doing it twice does no harm."""
    trip(store, [("HSET", store.keys.lists(campaign), f"taken_back_at:{list_name}", now)])
    done, why = TakenBack(), lead_reasons.kept(lead_reasons.text(f"the list {list_name} was taken back"))
    for page in leads_of(store, campaign, list_name):
        ids = [lead.lead_id for lead in page]
        answers = delete(store, campaign, ids, who=who, now=now, list_name=list_name, close_why=why)
        done.deleted += answers.count(Purged.GONE)
        done.held += answers.count(Purged.HELD)
        yield done


def taken(store: Store, campaign: str, ids: Sequence[str], numbers: Sequence[str]) -> tuple[list[bool], list[str]]:
    """What is in a campaign already: which lead ids, and for each number (digits) the lead that has it, else ""."""
    calls: list[Command] = []
    if ids:
        calls.append(("HMGET", store.keys.lead(campaign), *ids))
    if numbers:
        calls.append(("HMGET", store.keys.numbers(campaign), *numbers))
    answers = trip(store, calls)
    known = [raw is not None for raw in answers[0]] if ids else []
    holders = [b"" if raw is None else raw for raw in answers[-1]] if numbers else []
    return known, [raw.decode(errors="replace") for raw in holders]
