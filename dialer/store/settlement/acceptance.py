"""A server that no host may go on with by itself: why each waits, and the word of the person who lets them.

Behind `dialer store`. What stands here is in the marker (lua/marker.lua), so that it can be seen wherever Redis can.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from dialer.store.base.connection import Store, trip
from dialer.store.base.errors import StoreError
from dialer.store.base.fields import Undecodable
from dialer.store.base.records import Count, Time, packed, read, whole_of
from dialer.store.operators import control
from dialer.store.settlement.marker import Verdict, marker_fields


class HostState(StrEnum):
    """How a host stands to the server."""

    WHOLE = "whole"  # nothing is missing
    LEFT = "left"  # it ended in good order, or is silent
    OWES = "tells again"  # it has to tell again what it did
    MISSED = "missed"  # the others did not wait for what it has to tell
    WAITS = "waits"  # for a person


@dataclass(frozen=True, slots=True)
class Wait:
    """Why a host waits for a person: `id` of the complaint, what the host found, in words, since when (seconds since
    the epoch), and what it can tell again, from when on (0: nothing)."""

    id: str
    verdict: Verdict
    words: str
    at: Time
    attempts: Count
    ends: Count
    reaches_back_to: Time


@dataclass(frozen=True, slots=True)
class HostStanding:
    """One host. `seen_at` is its last tick by the server's clock, 0 where there is none; `wait` is what it waits with,
    None where it does not or that cannot be read."""

    host: str
    state: HostState
    ticks: int
    seen_at: float
    wait: Wait | None = None


@dataclass(frozen=True, slots=True)
class Standing:
    """The marker, for people. `identity` is empty where the server has no data of ours."""

    identity: str
    generation: int
    hosts: tuple[HostStanding, ...]

    @property
    def waiting(self) -> dict[str, Wait]:
        """What each host waits with that waits for a person."""
        return {host.host: host.wait for host in self.hosts if host.wait is not None}


def standing(store: Store) -> Standing:
    """How the server and the hosts stand to each other, in one round trip."""
    fields = marker_fields(trip(store, [("HGETALL", store.keys.marker())])[0])
    pairs = (field.partition(":") for field in fields)
    hosts = sorted({host for kind, colon, host in pairs if colon})
    return Standing(
        fields.get("identity", b"").decode(errors="replace"),
        whole_of(fields.get("generation"), 0),
        tuple(_host(host, {name: fields.get(f"{name}:{host}") for name in _FIELDS}) for host in hosts),
    )


_FIELDS = ("waits", "missed", "owes", "seen", "tick")


def _host(host: str, fields: dict[str, bytes | None]) -> HostStanding:
    states = zip(_FIELDS[:3], (HostState.WAITS, HostState.MISSED, HostState.OWES), strict=True)
    silent = HostState.LEFT if fields["seen"] is None else HostState.WHOLE
    state = next((state for name, state in states if fields[name] is not None), silent)
    seen_at = float(whole_of(fields["seen"], 0))
    return HostStanding(host, state, whole_of(fields["tick"], 0), seen_at, _wait_of(fields["waits"]))


def _wait_of(raw: bytes | None) -> Wait | None:
    try:
        return None if raw is None else read(Wait, raw, "why a host waits")
    except Undecodable:
        return None


def wait(store: Store, host: str, why: Wait) -> None:
    """Say why this host does not go on by itself."""
    trip(store, [("HSET", store.keys.marker(), f"waits:{host}", packed(why))])


def accept(store: Store, *, who: str, reason: str, now: float) -> dict[str, Wait]:
    """Let the hosts that wait go on with the server as it is. Returns which, with what each said; it goes into the
    audit trail. Raises `StoreError` where nobody waits."""
    waiting = standing(store).waiting
    if not waiting:
        raise StoreError("no host waits: there is nothing to accept")
    lines = {host: why.words for host, why in waiting.items()}
    control.audit(store, "store_accepted", who=who, now=now, detail={"reason": reason, "hosts": lines})
    trip(store, [("HSET", store.keys.marker(), f"accepted:{host}", why.id) for host, why in waiting.items()])
    return waiting
