"""The streams that the archive reads, as a registered reader: nothing goes before it is on the archive's disk."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from dialer.archive.rows import OF_LEADS, Unreadable, end_of, event_of
from dialer.core.model import Lead
from dialer.store.base.connection import Command, Store, attempt_trip, trip
from dialer.store.base.errors import KeyDamaged, NotAllowed, StoreError
from dialer.store.base.fields import Undecodable
from dialer.store.base.streams import Entry, entries_of
from dialer.store.crm import crm_map, readers
from dialer.store.leads import lists
from dialer.store.leads.lead_codec import NO_LIST, unpack
from dialer.store.leads.lists import Intake
from dialer.store.operators import campaigns

READER: Final = "archive"
CONSUMER: Final = "writer"
"""There is one, wherever it runs: the archive's folder has a lock."""

PAGE: Final = 1_000


class Taken(NamedTuple):
    """An entry that was read and is not acknowledged."""

    stream: str
    entry: Entry


@dataclass(frozen=True, slots=True)
class Sources:
    """The streams of one installation."""

    store: Store

    @property
    def crm_streams(self) -> tuple[str, ...]:
        """The streams with the events that no CRM must miss, of all CRMs that were there when last looked."""
        return tuple(self.store.keys.crm_out(crm) for crm in crm_map.loaded(self.store).crms)

    @property
    def streams(self) -> tuple[str, ...]:
        """These, what happened on the floor, the audit trail, the marks of who listened."""
        keys = self.store.keys
        return (*self.crm_streams, keys.floor(), keys.audit(), keys.recordings_scores())

    def open(self, *, who: str, now: float) -> None:
        """Register with each CRM that there is now, from the oldest event on. One that is registered stays where it is.
        Raises `StoreError`."""
        for crm in crm_map.load(self.store).crms:
            readers.register(self.store, READER, who=who, now=now, oldest=True, crm=crm)
        for stream in self.streams:
            reply = attempt_trip(self.store, [("XGROUP", "CREATE", stream, READER, "0", "MKSTREAM")])[0]
            if isinstance(reply, StoreError) and "BUSYGROUP" not in str(reply):
                raise reply

    def left(self) -> Iterator[list[Taken]]:
        """What an earlier run read and did not acknowledge, in pages. What was deleted since is acknowledged here."""
        for stream in self.streams:
            after = "0-0"
            while True:
                read = ("XREADGROUP", "GROUP", READER, CONSUMER, "COUNT", PAGE, "STREAMS", stream, after)
                reply = trip(self.store, [read])[0]
                raw = reply[0][1] if reply else ()
                if not raw:
                    break
                after = raw[-1][0].decode()
                entries = entries_of(raw)
                gone = {one[0].decode() for one in raw} - {entry.id for entry in entries}
                if gone:
                    trip(self.store, [("XACK", stream, READER, *gone)])
                yield [Taken(stream, entry) for entry in entries]

    def fresh(self, count: int = PAGE) -> list[Taken]:
        """What is new, up to `count` entries of each stream. It does not wait."""
        reads: list[Command] = [
            ("XREADGROUP", "GROUP", READER, CONSUMER, "COUNT", count, "STREAMS", stream, ">") for stream in self.streams
        ]
        taken = []
        for stream, reply in zip(self.streams, trip(self.store, reads), strict=True):
            taken += [Taken(stream, entry) for entry in entries_of(reply[0][1])] if reply else []
        return taken

    def everything(self) -> Iterator[list[Taken]]:
        """All that the streams still have, read or not, in pages; nothing is acknowledged by it."""
        for stream in self.streams:
            yield from self._pages(stream)

    def _pages(self, stream: str) -> Iterator[list[Taken]]:
        first = "-"
        while entries := entries_of(trip(self.store, [("XRANGE", stream, first, "+", "COUNT", PAGE)])[0]):
            first = f"({entries[-1].id}"
            yield [Taken(stream, entry) for entry in entries]

    def told(self) -> Iterator[Mapping[str, Any]]:
        """Each end of a call, as `rows.end_of` has it, that is still in the streams to the CRM; what cannot be read is
        passed over."""
        for stream in self.crm_streams:
            for page in self._pages(stream):
                for taken in page:
                    try:
                        event = event_of(taken.entry)
                    except Unreadable:
                        continue
                    if event.kind in OF_LEADS:
                        yield end_of(event)

    def coming(self) -> int:
        """Entries of the streams to the CRM that are not acknowledged yet."""
        return sum(one.unread for one in readers.listing(self.store) if one.name.rpartition("/")[2] == READER)

    def lists(self) -> Iterator[tuple[str, str, Intake]]:
        """What has come in so far: campaign, list ("": leads that named none) and counts. What cannot be read, or may
        not be by the user's role, is left out."""
        for campaign in campaigns.names(self.store):
            with suppress(KeyDamaged, NotAllowed):
                for name, intake in lists.intakes(self.store, campaign).items():
                    yield campaign, "" if name == NO_LIST else name, intake

    def done(self, taken: Sequence[Taken]) -> None:
        """It is on disk: acknowledge it."""
        by_stream: dict[str, list[str]] = defaultdict(list)
        for stream, entry in taken:
            by_stream[stream].append(entry.id)
        trip(
            self.store,
            [
                ("XACK", stream, READER, *ids[at : at + PAGE])
                for stream, ids in by_stream.items()
                for at in range(0, len(ids), PAGE)
            ],
        )

    def leads(self, named: Sequence[tuple[str, str]]) -> list[Lead | None]:
        """Leads by campaign and id, in one trip; None: there is none any more, or it cannot be read."""
        keys = self.store.keys
        replies = attempt_trip(self.store, [("HGET", keys.lead(campaign), lead) for campaign, lead in named])
        leads: list[Lead | None] = []
        for (campaign, _), raw in zip(named, replies, strict=True):
            try:
                known = (
                    None
                    if raw is None or isinstance(raw, StoreError)
                    else unpack(raw, campaign=campaign, progress=None)
                )
            except Undecodable:
                known = None
            leads.append(known)
        return leads
