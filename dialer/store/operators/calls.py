"""The calls on the line, as each daemon says them once a second; for `dialer call list`. Numbers are masked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from dialer.core.board import CallRow
from dialer.store.base.connection import Store, trip
from dialer.store.base.fields import Undecodable
from dialer.store.base.records import Time, packed, text_of
from dialer.store.base.records import read as read_record


@dataclass(frozen=True, slots=True)
class Calls:
    """The calls of all live daemons, each with its host, the longest first; `unreadable` are hosts whose words this
    version does not understand."""

    rows: tuple[tuple[str, CallRow], ...]
    unreadable: tuple[str, ...]


class _Said(NamedTuple):
    at: Time
    calls: list[CallRow]


def publish(store: Store, host: str, calls: Sequence[CallRow], *, now: float, ttl_s: float) -> None:
    """Say which calls this host has, good for `ttl_s` seconds."""
    trip(store, [("SET", store.keys.calls(host), packed(_Said(now, list(calls))), "PX", max(1, round(ttl_s * 1000)))])


def read(store: Store) -> Calls:
    """The calls of every host whose word has not lapsed."""
    hosts = sorted(text_of(name) for name in trip(store, [("SMEMBERS", store.keys.hosts())])[0])
    rows: list[tuple[str, CallRow]] = []
    unreadable: list[str] = []
    for host, raw in zip(hosts, trip(store, [("GET", store.keys.calls(host)) for host in hosts]), strict=True):
        try:
            if raw is not None:
                rows += [(host, row) for row in read_record(_Said, raw, f"the calls of {host}").calls]
        except Undecodable:
            unreadable.append(host)
    return Calls(tuple(sorted(rows, key=lambda each: each[1].started_at)), tuple(unreadable))
