"""What CRMs and desktops asked for, in this host's journal, for the day on which the server forgets that it was done.

An entry is deleted when it has been carried out, so a server that loses its last second can lose what came of it and
never see the entry again: an outcome, an opt-out, a block. Told again it is read, judged and carried out as it was, by
the time at which it was asked for, and nobody is answered a second time.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import groupby, islice
from typing import Any, Final

import msgspec

from dialer.disk.journal import Row
from dialer.store.base.connection import Store, trip
from dialer.store.base.fields import Undecodable
from dialer.store.base.records import shaped
from dialer.store.crm import inbox
from dialer.store.crm.inbox import Known
from dialer.store.crm.lead_requests import LeadCancel, LeadUpdate
from dialer.store.crm.refusals import Allowance
from dialer.store.crm.requests import BlockRequest, Outcome, Received, parse_request
from dialer.store.leads.history import read_history
from dialer.store.operators import campaigns

ASKED: Final = "asked"

BATCH: Final = 200
BYTES_PER_S: Final = 100_000.0
BYTES_AT_ONCE: Final = 2_000_000.0
"""What the journal takes of this at most, so that no flood of requests drives permits and ends out of it."""

_TOLD: Final = (Outcome, BlockRequest, LeadCancel, LeadUpdate)
"""Requests that are told again. Campaigns are started and paused by what holds now, and a question needs no answer any
more."""


class _Asked(msgspec.Struct, frozen=True):
    """An entry in the journal."""

    crm: str
    entry: str
    fields: list[tuple[bytes, bytes]]


@dataclass(slots=True)
class Heard:
    """What was told again: so many requests were carried out, `there` were known still, `unreadable` rows were left
    out. `early` are words on attempts that the server does not know yet: another host has to tell of those first."""

    done: int = 0
    there: int = 0
    unreadable: int = 0
    early: list[Row] = field(default_factory=list)


@dataclass(slots=True)
class Recorder:
    """Makes rows of what was received, within the allowance of bytes; `left_out` says how many requests were beyond
    it."""

    allowance: Allowance = field(default_factory=lambda: Allowance(BYTES_PER_S, BYTES_AT_ONCE))
    left_out: int = 0

    def rows(self, received: Sequence[Received], crm: str, now: float) -> list[Row]:
        """The rows, before anything is carried out. `now` in seconds of any clock that does not go back."""
        rows = []
        for entry in received:
            if not isinstance(entry.request, _TOLD) or not entry.fields:
                continue
            size = sum(len(name) + len(value) for name, value in entry.fields.items())
            if self.allowance.take(now, size):
                pairs = [[name, value] for name, value in entry.fields.items()]
                rows.append(Row(ASKED, {"crm": crm, "entry": entry.entry_id, "fields": pairs}))
            else:
                self.left_out += 1
        return rows


def tell(
    store: Store, rows: Iterable[Row], *, now: float, shortest_prefix: int, default_region: str, last: bool = False
) -> Heard:
    """Carry out again what is not known any more, in the order of the rows. With `last` nobody is waited for: a word on
    an attempt that is not known comes to nothing."""
    heard = Heard()
    rows = iter(rows)
    while batch := list(islice(rows, BATCH)):
        requests = [(row, entry) for row in batch if (entry := _read(row, heard)) is not None]
        regions = {row.settings.name: row.settings.default_region for row in campaigns.readable(store)[0]}
        for crm, group in groupby(requests, key=lambda pair: pair[1].crm):
            entries = [
                (row, parse_request(asked.entry, dict(asked.fields), default_region, regions)) for row, asked in group
            ]
            missing = _not_there(store, entries, heard, last=last)
            done = inbox.carry_out(store, missing, now=now, shortest_prefix=shortest_prefix, crm=crm)
            heard.done += len(done.received) - len(done.refusals)
    return heard


def _read(row: Row, heard: Heard) -> _Asked | None:
    try:
        asked = shaped(_Asked, row.data, "a request")
        ms, dash, sequence = asked.entry.partition("-")
        if not (ms.isdecimal() and dash and sequence.isdecimal()):
            raise Undecodable("an entry without an id")
    except Undecodable:
        heard.unreadable += 1
        return None
    return asked


def _not_there(store: Store, entries: Sequence[tuple[Row, Received]], heard: Heard, *, last: bool) -> list[Received]:
    """What is to be carried out: everything but words on attempts that are as new still, or cannot be told yet."""
    words = [(row, entry, entry.request) for row, entry in entries if isinstance(entry.request, Outcome)]
    known = inbox.look_up(store, [outcome for *_, outcome in words])
    attempts = [attempt if isinstance(attempt, Known) else None for attempt in known]
    stories = trip(
        store,
        [
            ("HGET", store.keys.story(outcome.campaign), "" if attempt is None else attempt.lead_id)
            for (*_, outcome), attempt in zip(words, attempts, strict=True)
        ],
    )
    passed: set[str] = set()
    for (row, entry, outcome), attempt, story in zip(words, attempts, stories, strict=True):
        if attempt is None and not last:
            heard.early.append(row)
            passed.add(entry.entry_id)
        elif _said_at(story, outcome) >= entry.asked_at:
            heard.there += 1
            passed.add(entry.entry_id)
    return [entry for _, entry in entries if entry.entry_id not in passed]


def _said_at(story: Any, outcome: Outcome) -> float:
    """When the newest word on an attempt that is known was kept."""
    return max((word.said_at for word in read_history(story).words if word.attempt == outcome.attempt), default=-1.0)
