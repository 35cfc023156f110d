"""What the hosts say about themselves, and a campaign's counters."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgpack

from dialer.store.connection import Store, trip
from dialer.store.fields import encoded


@dataclass(frozen=True, slots=True)
class HostStatus:
    """A host's last word; `at` is seconds since the epoch."""

    host: str
    at: float
    snapshot: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Counts:
    """Where a campaign's leads are, and how its attempts ended. The cost does not grow with the campaign.

    `closed_by` counts closings, so a lead that was reopened by a callback and closed again is in it twice.
    """

    queued: int  # in the stream, not taken in yet
    due: int
    waiting: int
    leased: int
    in_attempt: int
    closed: int
    accepted: int
    rejected: int
    dispositions: Mapping[str, int]
    closed_by: Mapping[str, int]
    refused_by: Mapping[str, int]
    outcomes: Mapping[str, int]


def publish(store: Store, host: str, snapshot: Mapping[str, Any], *, now: float, ttl: float) -> None:
    """Say how this host is, good for `ttl` seconds."""
    raw = encoded([now, dict(snapshot)], "a status")
    keys = store.keys
    trip(store, [("SET", keys.status(host), raw, "PX", max(1, round(ttl * 1000))), ("SADD", keys.hosts(), host)])


def read(store: Store) -> tuple[HostStatus, ...]:
    """Every host whose status has not lapsed, by name. Those that have are forgotten."""
    hosts = sorted(name.decode() for name in trip(store, [("SMEMBERS", store.keys.hosts())])[0])
    said = dict(zip(hosts, trip(store, [("GET", store.keys.status(host)) for host in hosts]), strict=True))
    silent = [host for host, raw in said.items() if raw is None]
    if silent:
        trip(store, [("SREM", store.keys.hosts(), *silent)])
    return tuple(HostStatus(host, *msgpack.unpackb(raw)) for host, raw in said.items() if raw is not None)


def counts(store: Store, campaign: str, now: float) -> Counts:
    """The campaign's counters, in one round trip."""
    keys = store.keys
    queued, due, ripe, waiting, leased, attempts, closed, flat = trip(
        store,
        [
            ("XLEN", keys.leads(campaign)),
            ("ZCARD", keys.due(campaign)),
            ("ZCOUNT", keys.waiting(campaign), "-inf", now),
            ("ZCOUNT", keys.waiting(campaign), f"({now!r}", "+inf"),
            ("ZCARD", keys.leased(campaign)),
            ("HLEN", keys.attempts(campaign)),
            ("ZCARD", keys.closed(campaign)),
            ("HGETALL", keys.counts(campaign)),
        ],
    )
    named = {name.decode(): int(count) for name, count in zip(flat[::2], flat[1::2], strict=True)}
    return Counts(
        queued=queued,
        due=due + ripe,
        waiting=waiting,
        leased=max(0, leased - attempts),  # a lead in an attempt keeps its lease
        in_attempt=attempts,
        closed=closed,
        accepted=named.get("accepted", 0),
        rejected=named.get("rejected", 0),
        dispositions=_group(named, "disposition:"),
        closed_by=_group(named, "closed:"),
        refused_by=_group(named, "refused:"),
        outcomes=_group(named, "outcome:"),
    )


def _group(named: Mapping[str, int], prefix: str) -> dict[str, int]:
    return {name.removeprefix(prefix): count for name, count in sorted(named.items()) if name.startswith(prefix)}
