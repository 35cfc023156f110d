"""Registered readers of the CRM's events: what one of them has not read and acknowledged is kept, up to a limit.

A reader is a consumer group of a CRM's `crm:out` that somebody registered by its name: READER of the stream that all
share, CRM/READER of a CRM's own. Events go when they are older than the
newest `kept` and every reader is done with them. A reader that stays away raises an alarm long before the limit, at
which the oldest events go all the same: a full server would stop the dialer.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from dialer.language.phrases import phrase
from dialer.store.base.connection import Store, attempt_trip, trip
from dialer.store.base.errors import StoreError
from dialer.store.base.fields import Undecodable
from dialer.store.base.records import Time, packed
from dialer.store.base.records import read as read_record
from dialer.store.crm import crm_map
from dialer.store.crm.crm_map import SHARED
from dialer.store.crm.event_settings import EventSettings

NAME: Final = re.compile(r"[A-Za-z0-9_.-]{1,64}")
MOST_READERS: Final = 32
BEHIND_S: Final = 900.0
"""A reader whose oldest unread event is older than this raises an alarm."""

BEHIND_SHARE: Final = 0.1
"""So does one that has this share of the limit to read yet."""

TRIMMED_AT_ONCE: Final = 50_000
"""Entries that one look takes away at most: some 10 ms of the server's time."""


class ReaderError(StoreError):
    """A reader cannot be registered or is none; the message says why."""


@dataclass(frozen=True, slots=True)
class Reader:
    """How a registered reader stands. `name` is READER or CRM/READER. `registered_at` and `oldest_at`, the time of the
    oldest event that it has not acknowledged, are seconds since the epoch; `oldest_at` is None where there is none.
    `lost` events were deleted before it read them. `group_gone`: somebody deleted its consumer group, so nobody knows
    how far it has read."""

    name: str
    registered_at: float
    registered_by: str
    unread: int
    oldest_at: float | None = None
    lost: int = 0
    group_gone: bool = False

    @property
    def crm(self) -> str:
        """Whose events it reads; empty: those that all share."""
        return self.name.rpartition("/")[0]

    def behind_s(self, now: float) -> float:
        """How far behind it is."""
        return 0.0 if self.oldest_at is None else max(0.0, now - self.oldest_at)

    def trouble(self, settings: EventSettings, now: float) -> str:
        """What is wrong with it, in a sentence; empty: nothing."""
        if self.group_gone:
            return phrase(
                "reader {name} has lost its place, its consumer group is gone: {command}",
                name=self.name,
                command=registering(self.name),
            )
        if self.lost:
            return phrase(
                "reader {name} was away for too long: {lost:,} events went before it read them",
                name=self.name,
                lost=self.lost,
            )
        behind_s = self.behind_s(now)
        if behind_s < BEHIND_S and self.unread < BEHIND_SHARE * settings.limit:
            return ""
        share = self.unread / settings.limit  # as a share: the log would mask the limit, which has seven digits
        return phrase(
            "reader {name} has {unread:,} events unread, the oldest for {behind_min:,.0f} min; that is {share:.1f} % "
            "of its limit, beyond which the oldest go",
            name=self.name,
            unread=self.unread,
            behind_min=behind_s / 60,
            share=100 * share,
        )


class _Row(NamedTuple):
    registered_at: Time
    registered_by: str


class _Place(NamedTuple):
    """Where a group is: the last entry that it was given, how many that were, how many are to come and how many it has
    not acknowledged. None: the server does not know."""

    delivered: str
    entries_read: int | None
    lag: int | None
    pending: int


def named(crm: str, reader: str) -> str:
    """How a reader of a CRM's events is called."""
    return f"{crm}/{reader}" if crm else reader


def registering(name: str) -> str:
    """The command that registers a reader of this name."""
    crm, _, reader = name.rpartition("/")
    return f"dialer crm register {reader}" + (f" --crm {crm}" if crm else "")


def register(store: Store, name: str, *, who: str, now: float, oldest: bool = False, crm: str = SHARED) -> bool:
    """Keep the events of a CRM for a reader until it has acknowledged them. Its consumer group begins with what comes
    from now on, or with the `oldest` event; one that is there already stays where it is. Returns whether the group is
    new.

    Raises `ReaderError` for a bad name, a CRM that has no campaign, or where there are too many readers.
    """
    if not NAME.fullmatch(name):
        raise ReaderError(f"{name!r} is no reader's name: letters, digits and _ . - are, at most 64")
    if crm and crm not in (names := crm_map.load(store).names):
        raise ReaderError(f"no campaign belongs to a CRM {crm!r}; there are: {', '.join(names) or 'none'}")
    row = named(crm, name)
    if len(_rows(store).keys() | {row}) > MOST_READERS:
        raise ReaderError(f"there are {MOST_READERS} readers already: dialer crm unregister NAME")
    # First the promise, then the group: in between nothing that it would read is trimmed.
    trip(store, [("HSET", store.keys.crm_readers(), row, packed(_Row(now, who)))])
    facts = _stream_facts(store, crm)
    # Said here because the server does not count for a group of an empty stream, nor for one whose first entry is gone.
    passed = facts.get("entries-added", 0) - (facts.get("length", 0) if oldest else 0)
    create = (name, "0" if oldest else "$", "MKSTREAM")
    answers = attempt_trip(
        store,
        [
            ("XGROUP", "CREATE", store.keys.crm_out(crm), *create, "ENTRIESREAD", passed),
            ("XGROUP", "CREATE", store.keys.crm_live(crm), *create),
        ],
    )
    for answer in answers:
        if isinstance(answer, StoreError) and "BUSYGROUP" not in str(answer):
            raise answer
    return not isinstance(answers[0], StoreError)


def unregister(store: Store, name: str, crm: str = SHARED) -> None:
    """Keep nothing for a reader any more, and delete its consumer groups. Raises `ReaderError` where there is none."""
    if not trip(store, [("HDEL", store.keys.crm_readers(), named(crm, name))])[0]:
        there = ", ".join(sorted(_rows(store))) or "none"
        raise ReaderError(f"there is no reader {named(crm, name)!r}; registered: {there}")
    streams = (store.keys.crm_out(crm), store.keys.crm_live(crm))
    attempt_trip(store, [("XGROUP", "DESTROY", stream, name) for stream in streams])


def listing(store: Store) -> tuple[Reader, ...]:
    """The registered readers of all CRMs by name, and how far each has read."""
    of_crms = _by_crm(_rows(store))
    standings = (_standings(store, crm, rows, _stream_facts(store, crm)) for crm, rows in sorted(of_crms.items()))
    return tuple(reader for each in standings for reader, _ in each)


def look_after(store: Store, settings: EventSettings) -> tuple[Reader, ...]:
    """Take away events that nobody needs any more, of each CRM a bounded number at once, and say how the readers
    stand."""
    of_crms = _by_crm(_rows(store))
    crms = sorted({*crm_map.loaded(store).crms, *of_crms})
    return tuple(reader for crm in crms for reader in _look_after(store, settings, crm, of_crms.get(crm, {})))


def _look_after(store: Store, settings: EventSettings, crm: str, rows: Mapping[str, _Row]) -> tuple[Reader, ...]:
    stream, facts = store.keys.crm_out(crm), _stream_facts(store, crm)
    length = facts.get("length", 0)
    standings = _standings(store, crm, rows, facts) if rows else []
    if length > settings.limit:
        trip(store, [("XTRIM", stream, "MAXLEN", "~", settings.limit, "LIMIT", TRIMMED_AT_ONCE)])
    elif length > settings.kept:
        if standings:
            slowest = min((place for _, place in standings), key=_order)
            most = min(TRIMMED_AT_ONCE, length - settings.kept)
            trip(store, [("XTRIM", stream, "MINID", "~", slowest, "LIMIT", most)])
        else:
            trip(store, [("XTRIM", stream, "MAXLEN", "~", settings.kept, "LIMIT", TRIMMED_AT_ONCE)])
    return tuple(reader for reader, _ in standings)


def _rows(store: Store) -> dict[str, _Row]:
    """Who is registered. A row that cannot be read is a reader all the same: its events stay."""
    flat = trip(store, [("HGETALL", store.keys.crm_readers())])[0]
    rows = {}
    for name, raw in zip(flat[::2], flat[1::2], strict=True):
        try:
            row = read_record(_Row, raw, "a reader")
        except Undecodable:
            row = _Row(0.0, "")
        rows[name.decode(errors="replace")] = row
    return rows


def _by_crm(rows: Mapping[str, _Row]) -> dict[str, dict[str, _Row]]:
    """The readers of each CRM, by the names of their groups."""
    of_crms: dict[str, dict[str, _Row]] = {}
    for name, row in rows.items():
        crm, _, reader = name.rpartition("/")
        of_crms.setdefault(crm, {})[reader] = row
    return of_crms


def _stream_facts(store: Store, crm: str) -> dict[str, Any]:
    reply = attempt_trip(store, [("XINFO", "STREAM", store.keys.crm_out(crm))])[0]
    if isinstance(reply, StoreError):
        if "no such key" in str(reply):
            return {}
        raise reply
    return _pairs(reply)


def _standings(store: Store, crm: str, rows: Mapping[str, _Row], facts: Mapping[str, Any]) -> list[tuple[Reader, str]]:
    """Each reader of a CRM, with the id below which it needs no event any more."""
    stream = store.keys.crm_out(crm)
    groups: Sequence[Any] = trip(store, [("XINFO", "GROUPS", stream)])[0] if facts else ()
    places = {}
    for reply in groups:
        group = _pairs(reply)
        places[group["name"].decode(errors="replace")] = _Place(
            group["last-delivered-id"].decode(), group.get("entries-read"), group.get("lag"), group["pending"]
        )
    known = [name for name in sorted(rows) if name in places]
    replies = trip(
        store,
        [
            command
            for name in known
            for command in (
                ("XPENDING", stream, name),
                ("XRANGE", stream, f"({places[name].delivered}", "+", "COUNT", 1),
            )
        ],
    )
    oldest = {
        name: [entry_id.decode() for entry_id in (pending[1], *(entry[0] for entry in coming)) if entry_id is not None]
        for name, pending, coming in zip(known, replies[::2], replies[1::2], strict=True)
    }
    standings = []
    for name in sorted(rows):
        row, place = rows[name], places.get(name)
        if place is None:
            length = facts.get("length", 0)
            standings.append((Reader(named(crm, name), *row, unread=length, group_gone=True), "0-0"))
            continue
        first = min(oldest[name], key=_order, default="")
        oldest_at = int(first.partition("-")[0]) / 1000 if first else None
        unread, lost = _unread(place, facts), _lost(place, facts)
        standings.append((Reader(named(crm, name), *row, unread, oldest_at, lost), first or place.delivered))
    return standings


def _unread(place: _Place, facts: Mapping[str, Any]) -> int:
    """What is to come and what is not acknowledged; where entries in the middle were deleted the server does not know
    how many are to come, and the most that it can be counts."""
    coming = place.lag
    if coming is None:
        coming = max(0, facts["entries-added"] - (place.entries_read or 0))
    return int(min(coming, facts["length"])) + place.pending


def _lost(place: _Place, facts: Mapping[str, Any]) -> int:
    """How many events were deleted before they came to the group."""
    first = facts.get("first-entry")
    if not first or place.entries_read is None or _order(place.delivered) >= _order(first[0].decode()):
        return 0
    return max(0, int(facts["entries-added"] - facts["length"] - place.entries_read))


def _order(entry_id: str) -> tuple[int, int]:
    ms, _, sequence = entry_id.partition("-")
    return int(ms), int(sequence or 0)


def _pairs(flat: Sequence[Any]) -> dict[str, Any]:
    return {name.decode(): value for name, value in zip(flat[::2], flat[1::2], strict=True)}
