"""The marker in the store: how a host notices that the server has forgotten something that it had confirmed.

A restart, a power cut, a failover, a backup that was restored, FLUSHALL, another server behind the same name: each
shows in the run of the server, in the identity of the data, or in this host's own tick, which only rises
(lua/marker.lua). What a reservation relies on is asked once more when it has been made (`stands`): nothing was
forgotten between the last tick and then, or nobody is dialled.
"""

from __future__ import annotations

import secrets
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from dialer.disk.journal import Confirmed
from dialer.store.base.connection import ScriptCall, Store, Value, trip
from dialer.store.base.errors import StoreUnavailable
from dialer.store.base.records import whole_of
from dialer.store.base.server_facts import server_run

_BEGUN: Final = Confirmed("", 0, "", 0, 0.0)
"""What a host remembers that remembers nothing."""


class StoreForgot(StoreUnavailable):
    """The server may have forgotten what was judged by, or this very attempt."""


class Verdict(StrEnum):
    """What a look at the marker came to."""

    WHOLE = "whole"  # nothing is missing, and the tick is confirmed
    FORGOT = "forgot"  # what this host did since some tick is to be told again
    EMPTIED = "emptied"  # there is no marker any more
    REPLACED = "replaced"  # it is that of other data


@dataclass(frozen=True, slots=True)
class Marker:
    """What stands in the marker, as far as one host is concerned. `tick` is the one of this host that the server knows
    (-1: none). `owing` hosts have to tell again what they did, `missed` were not waited for, `waiting` wait for a
    person who has not spoken yet, and `accepted` is what that person accepted of this host."""

    verdict: Verdict
    identity: str
    generation: int
    server: str
    tick: int
    owing: frozenset[str] = frozenset()
    missed: frozenset[str] = frozenset()
    waiting: frozenset[str] = frozenset()
    accepted: str = ""


def tick(store: Store, host: str, remembered: Confirmed | None, alive_s: float) -> Marker:
    """Look at the marker with what this host remembers, and confirm its next tick if nothing was forgotten. A host that
    remembers nothing takes what there is, or begins. `alive_s`: so long a host that is not heard counts as alive."""
    return _asked(store, host, "tick", remembered or _BEGUN, alive_s)


def told(store: Store, host: str, remembered: Confirmed, seen: Marker, alive_s: float) -> Marker:
    """Everything was told again for the generation that was `found`: confirm it, unless there is a newer one by now."""
    again = Confirmed(seen.identity, seen.generation, seen.server, max(remembered.tick, seen.tick), 0.0)
    return _asked(store, host, "told", again, alive_s)


def adopt(store: Store, host: str, complaint: str, alive_s: float) -> Marker:
    """Everything was told to a server that has no data of ours, and that a person has accepted on this `complaint`:
    take what there is, or begin. It is looked at anew where it was emptied or replaced meanwhile."""
    return _asked(store, host, "adopt", _BEGUN, alive_s, complaint)


def stands(store: Store, confirmed: Confirmed) -> None:
    """Make sure that the server is the one, and the data are those, that `confirmed` says, in two round trips. Raises
    `StoreForgot`."""
    held = trip(store, [("HMGET", store.keys.marker(), "identity", "generation", "server")])[0]
    expected = (confirmed.identity, str(confirmed.generation), confirmed.server)
    marks = tuple((value or b"").decode(errors="replace") for value in held)
    if marks != expected or server_run(store.link) != confirmed.server:
        raise StoreForgot("the server was restarted, emptied or replaced")


def leave(store: Store, host: str) -> None:
    """An orderly end: nobody waits for this host to tell what it did."""
    trip(store, [("HDEL", store.keys.marker(), f"seen:{host}")])


def give_up_on(store: Store, hosts: Collection[str]) -> None:
    """Wait no longer for hosts that owe what they did; that they were missed stays until they come."""
    key = store.keys.marker()
    for host in hosts:
        gone = [f"{kind}:{host}" for kind in ("owes", "seen", "waits", "accepted")]
        trip(store, [("HSET", key, f"missed:{host}", 1), ("HDEL", key, *gone)])


# --- how the script is asked ------------------------------------------------------------------------------------------


def _asked(store: Store, host: str, what: str, remembered: Confirmed, alive_s: float, complaint: str = "") -> Marker:
    mine: list[Value] = [remembered.identity, remembered.generation, remembered.server, remembered.tick]
    args: list[Value] = [host, what, secrets.token_hex(8), alive_s, *mine, complaint, server_run(store.link)]
    verdict, *own = trip(store, [ScriptCall("marker", [store.keys.marker()], args)])[0]
    generation, server, ticked, identity = own[:4]
    fields = marker_fields(own[4:])
    waiting, accepted = _hosts(fields, "waits"), _hosts(fields, "accepted")
    return Marker(
        Verdict(verdict.decode()),
        identity.decode(errors="replace"),
        whole_of(generation, 0),
        server.decode(errors="replace"),
        whole_of(ticked, -1),
        owing=_hosts(fields, "owes") | (waiting & accepted),
        missed=_hosts(fields, "missed"),
        waiting=waiting - accepted,
        accepted=fields.get(f"accepted:{host}", b"").decode(errors="replace"),
    )


def marker_fields(flat: Sequence[bytes]) -> Mapping[str, bytes]:
    """The fields of a marker by name."""
    return {name.decode(errors="replace"): raw for name, raw in zip(flat[::2], flat[1::2], strict=True)}


def _hosts(fields: Mapping[str, bytes], kind: str) -> frozenset[str]:
    return frozenset(field.partition(":")[2] for field in fields if field.startswith(f"{kind}:"))
