"""Leads that nobody takes in: in the stream of a campaign that does not exist, or under a key without its braces.

Whoever writes them gets no answer, because no daemon reads there. So daemons go through the names of all keys, a few
at a time, and say what they find.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from difflib import get_close_matches
from typing import Final

from compliance.numbers import masked_text
from dialer.language.phrases import phrase, phrases
from dialer.store.base.connection import Command, ScriptCall, Store, trip
from dialer.store.base.errors import StreamFull
from dialer.store.base.refusals import everywhere
from dialer.store.base.streams import entries_of
from dialer.store.leads.intake import QUEUE_LIMIT
from dialer.store.operators import campaigns
from dialer.store.settlement.outbox import CrmEvent

KEYS_AT_ONCE: Final = 2_000
"""Names that the server looks at for one answer: about a millisecond of its time."""

MOST_FOUND: Final = 100
MOVED_AT_ONCE: Final = 500
BEGIN: Final[Mapping[str, str]] = {}
_ENDING: Final = ":leads"


@dataclass(frozen=True, slots=True)
class Stray:
    """A stream of leads that no daemon reads. `campaign` is the one that its key names, `meant` the one that there is,
    if the key looks like it; `oldest_at` is seconds since the epoch."""

    key: str
    campaign: str
    meant: str
    leads: int
    oldest_at: float

    @property
    def reason(self) -> str:
        """What is wrong with the key, and what may be right."""
        if self.campaign == self.meant:
            return phrase("the braces around {campaign} are missing", campaign=self.campaign)
        if self.meant:
            return phrase(
                "there is no campaign {campaign}; is {meant} meant?", campaign=self.campaign, meant=self.meant
            )
        return phrase("there is no campaign {campaign}", campaign=self.campaign)

    @property
    def sentence(self) -> str:
        """All of it in words."""
        return phrases(
            "{number:,} lead waits in {key} and nobody reads there: {reason}",
            "{number:,} leads wait in {key} and nobody reads there: {reason}",
            self.leads,
            key=self.key,
            reason=self.reason,
        )

    def event(self, now: float) -> CrmEvent:
        """What the CRM is told; the same event for the same leads."""
        fields = {**asdict(self), "reason": self.reason}
        del fields["campaign"]
        return CrmEvent("stray_leads", f"{self.key}@{self.oldest_at:.3f}", self.campaign, now, fields)


def scan(store: Store, cursors: Mapping[str, str] = BEGIN) -> tuple[tuple[Stray, ...], dict[str, str]]:
    """What is found among the next keys, and where each node of a Cluster (else the one server) goes on; empty: that
    was all."""
    pattern = f"{store.keys.prefix}*{_ENDING}"
    places = sorted(set(cursors.values())) or ["0"]
    answers_of = everywhere(
        store.link,
        [("SCAN", place, "MATCH", pattern, "COUNT", KEYS_AT_ONCE, "TYPE", "stream") for place in places],
    )
    names, after = [], {}
    for node, answers in answers_of.items():
        if cursors and node not in cursors:  # all of it has been looked at
            continue
        cursor, page = answers[places.index(cursors.get(node, "0"))]
        names += [name.decode(errors="replace") for name in page]
        if cursor != b"0":
            after[node] = cursor.decode()
    known = campaigns.names(store) if names else ()
    read = {store.keys.leads(campaign) for campaign in known}
    return _strays(store, [name for name in names if name not in read], known), after


def all_of(store: Store) -> Iterator[Stray]:
    """All of them, in bounded steps."""
    strays, cursors = scan(store)
    yield from strays
    while cursors:
        strays, cursors = scan(store, cursors)
        yield from strays


def _strays(store: Store, keys: Sequence[str], known: Collection[str]) -> tuple[Stray, ...]:
    keys = keys[:MOST_FOUND]
    calls: list[Command | ScriptCall] = [("XLEN", key) for key in keys]
    calls += [("XRANGE", key, "-", "+", "COUNT", 1) for key in keys]
    replies = trip(store, calls)
    strays = []
    for key, length, first in zip(keys, replies[: len(keys)], replies[len(keys) :], strict=True):
        if length:
            name = key.removeprefix(store.keys.prefix).removesuffix(_ENDING)
            named = name.strip("{}")
            near = get_close_matches(named, known, n=1, cutoff=0.6)
            at = int(first[0][0].partition(b"-")[0]) / 1000 if first else 0.0
            strays.append(Stray(masked_text(key), masked_text(named), near[0] if near else "", length, at))
    return tuple(strays)


def move(store: Store, key: str, campaign: str) -> int:
    """Put the leads of a stray stream into that of a campaign, where they are judged as any; returns how many. Raises
    `UnknownCampaign`, and `StreamFull` where too many wait there: go on later."""
    campaigns.get(store, campaign)
    stream, moved = store.keys.leads(campaign), 0
    while True:
        entries = entries_of(trip(store, [("XRANGE", key, "-", "+", "COUNT", MOVED_AT_ONCE)])[0])
        if not entries:
            return moved
        waiting = trip(store, [("XLEN", stream)])[0]
        if waiting + len(entries) > QUEUE_LIMIT:
            raise StreamFull(stream, waiting, QUEUE_LIMIT, moved)
        calls: list[Command | ScriptCall] = [
            ("XADD", stream, "*", *(part for pair in entry.fields.items() for part in pair)) for entry in entries
        ]
        trip(store, calls)
        # Last, so that a crash in between repeats them: the second time they are known, and rejected as such.
        trip(store, [("XDEL", key, *(entry.id for entry in entries))])
        moved += len(entries)
