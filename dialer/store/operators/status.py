"""What the hosts say about themselves, and a campaign's counters."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from dialer.core.leads.lead_counts import LeadCounts
from dialer.store.base.connection import Store, attempt_trip, campaign_call, trip
from dialer.store.base.fields import Undecodable, encoded
from dialer.store.base.records import Time, whole_of
from dialer.store.base.records import read as read_record


@dataclass(frozen=True, slots=True)
class HostStatus:
    """A host's last word; `at` is seconds since the epoch."""

    host: str
    at: float
    snapshot: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Counts:
    """Where a campaign's leads are (`standing`), and how its attempts ended. The cost does not grow with the campaign.

    `accepted` and `rejected` are all that intake ever took or rejected, `deleted` those of the accepted that are
    purged, erased or deleted again, `stored` those that should be there. `closed_by` counts closings, so a lead that
    was reopened and closed again is in it twice. `windows` counts attempts and live answers by the time of the callee's
    day and by which attempt of the lead it was: `evening:2:attempts`, `evening:2:live`; 5 are all from the fifth on.
    `callers` counts calls from outside by how they ended.
    """

    standing: LeadCounts
    stored: int
    accepted: int
    rejected: int
    deleted: int
    dispositions: Mapping[str, int]
    closed_by: Mapping[str, int]
    refused_by: Mapping[str, int]
    outcomes: Mapping[str, int]
    windows: Mapping[str, int] = field(default_factory=dict)
    callers: Mapping[str, int] = field(default_factory=dict)

    @property
    def queued(self) -> int:
        return self.standing.queued

    @property
    def due(self) -> int:
        return self.standing.due

    @property
    def waiting(self) -> int:
        return self.standing.waiting

    @property
    def leased(self) -> int:
        return self.standing.leased

    @property
    def in_attempt(self) -> int:
        return self.standing.in_attempt

    @property
    def closed(self) -> int:
        return self.standing.closed

    def to_wire(self) -> dict[str, Any]:
        """As plain data."""
        return {
            **self.standing.to_wire(),
            "stored": self.stored,
            "accepted": self.accepted,
            "rejected": self.rejected,
            "deleted": self.deleted,
            "dispositions": dict(self.dispositions),
            "closed_by": dict(self.closed_by),
            "refused_by": dict(self.refused_by),
            "outcomes": dict(self.outcomes),
            "callers": dict(self.callers),
            "windows": dict(self.windows),
        }


def publish(store: Store, host: str, snapshot: Mapping[str, Any], *, now: float, ttl: float) -> None:
    """Say how this host is, good for `ttl` seconds."""
    raw = encoded([now, dict(snapshot)], "a status")
    keys = store.keys
    trip(store, [("SET", keys.status(host), raw, "PX", max(1, round(ttl * 1000))), ("SADD", keys.hosts(), host)])


def raw_words(store: Store) -> dict[str, bytes]:
    """What every host said last, as kept, by name. Hosts whose word has lapsed are forgotten, by those who may."""
    hosts = sorted(name.decode(errors="replace") for name in trip(store, [("SMEMBERS", store.keys.hosts())])[0])
    said = dict(zip(hosts, trip(store, [("GET", store.keys.status(host)) for host in hosts]), strict=True))
    silent = [host for host, raw in said.items() if raw is None]
    if silent:
        attempt_trip(store, [("SREM", store.keys.hosts(), *silent)])
    return {host: raw for host, raw in said.items() if raw is not None}


def word_of(host: str, raw: bytes) -> HostStatus:
    """A host's word. Raises `Undecodable`."""
    return HostStatus(host, *read_record(_Said, raw, f"the status of {host}"))


def read(store: Store) -> tuple[HostStatus, ...]:
    """Every host whose status has not lapsed and can be read, by name."""
    readable: list[HostStatus] = []
    for host, raw in raw_words(store).items():
        with suppress(Undecodable):
            readable.append(word_of(host, raw))
    return tuple(readable)


class _Said(NamedTuple):
    at: Time
    snapshot: dict[str, Any]


def counts(store: Store, campaign: str, now: float) -> Counts:
    """Everything at one instant, in one round trip."""
    found = trip(store, [campaign_call(store, "standing", campaign, [now])])[0]
    queued, due, waiting, leased, in_attempt, closed, next_due_at, lease_ends_at, stored, overdue, *flat = found
    named_counts = {
        name.decode(errors="replace"): whole_of(count, 0) for name, count in zip(flat[::2], flat[1::2], strict=True)
    }
    return Counts(
        standing=LeadCounts(
            at=now,
            queued=queued,
            due=due,
            waiting=waiting,
            leased=leased,
            in_attempt=in_attempt,
            closed=closed,
            next_due_at=float(next_due_at) if next_due_at else None,
            lease_ends_at=float(lease_ends_at) if lease_ends_at else None,
            overdue=overdue,
        ),
        stored=stored,
        accepted=named_counts.get("accepted", 0),
        rejected=named_counts.get("rejected", 0),
        deleted=sum(named_counts.get(name, 0) for name in ("purged", "erased", "deleted")),
        dispositions=_group(named_counts, "disposition:"),
        closed_by=_group(named_counts, "closed:"),
        refused_by=_group(named_counts, "refused:"),
        outcomes=_group(named_counts, "outcome:"),
        callers=_group(named_counts, "inbound:"),
        windows=_group(named_counts, "window:"),
    )


def _group(named: Mapping[str, int], prefix: str) -> dict[str, int]:
    return {name.removeprefix(prefix): count for name, count in sorted(named.items()) if name.startswith(prefix)}
