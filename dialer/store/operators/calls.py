"""The calls on the line and their third parties, as each daemon says them twice a second; for `dialer call list` and
`dialer monitor`. Numbers are masked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from dialer.core.board import CallRow, PartyRow
from dialer.language.phrases import from_wire, made_of
from dialer.store.base.connection import Store, trip
from dialer.store.base.fields import Undecodable
from dialer.store.base.records import Time, packed, text_of
from dialer.store.base.records import read as read_record


@dataclass(frozen=True, slots=True)
class Calls:
    """The calls of all live daemons, each with its host, the longest first, and the third parties; `unreadable` are
    hosts whose words this version does not understand."""

    rows: tuple[tuple[str, CallRow], ...]
    unreadable: tuple[str, ...]
    parties: tuple[tuple[str, PartyRow], ...] = ()


class _Said(NamedTuple):
    at: Time
    calls: list[CallRow]
    parties: tuple[PartyRow, ...] = ()
    phrases: dict[str, Any] | None = None


def publish(
    store: Store,
    host: str,
    calls: Sequence[CallRow],
    *,
    now: float,
    ttl_s: float,
    parties: Sequence[PartyRow] = (),
) -> None:
    """Say which calls this host has, good for `ttl_s` seconds."""
    phrases = made_of(party.reason for party in parties)
    said = packed(_Said(now, list(calls), tuple(parties), phrases))
    trip(store, [("SET", store.keys.calls(host), said, "PX", max(1, round(ttl_s * 1000)))])


def read(store: Store) -> Calls:
    """The calls of every host whose word has not lapsed."""
    hosts = sorted(text_of(name) for name in trip(store, [("SMEMBERS", store.keys.hosts())])[0])
    rows: list[tuple[str, CallRow]] = []
    parties: list[tuple[str, PartyRow]] = []
    unreadable: list[str] = []
    for host, raw in zip(hosts, trip(store, [("GET", store.keys.calls(host)) for host in hosts]), strict=True):
        try:
            if raw is not None:
                said = read_record(_Said, raw, f"the calls of {host}")
                rows += [(host, row) for row in said.calls]
                made = said.phrases or {}
                parties += [
                    (host, replace(row, reason=from_wire(row.reason, made.get(row.reason)))) for row in said.parties
                ]
        except Undecodable:
            unreadable.append(host)
    return Calls(tuple(sorted(rows, key=lambda each: each[1].started_at)), tuple(unreadable), tuple(parties))
