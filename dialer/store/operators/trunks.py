"""Trunks that operators have taken out of use, for all daemons and across restarts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from dialer.language.phrases import phrase
from dialer.store.base.connection import Store, trip
from dialer.store.base.fields import Undecodable
from dialer.store.base.records import Time, packed, read
from dialer.store.operators.control import audit_line

UNREADABLE: Final = "somebody; the record cannot be read"


@dataclass(frozen=True, slots=True)
class Drained:
    """Who took a trunk out of use, when (seconds since the epoch) and why."""

    who: str
    at: Time
    reason: str = ""

    @property
    def words(self) -> str:
        """For the board."""
        if self.reason:
            return phrase("drained by {who}: {reason}", who=self.who, reason=self.reason)
        return phrase("drained by {who}", who=self.who)


def drain(store: Store, trunk: str, *, who: str, now: float, reason: str = "") -> bool:
    """No new calls through a trunk from now on. False: it was drained already, and that stands. Audited."""
    (new,) = trip(store, [("HSETNX", store.keys.trunks_drained(), trunk, packed(Drained(who, now, reason)))])
    if new:
        trip(store, [audit_line(store, "trunk_drain", who, now, {"trunk": trunk, "reason": reason})])
    return bool(new)


def resume(store: Store, trunk: str, *, who: str, now: float) -> bool:
    """Calls may go through it again. False: it was not drained. Audited."""
    (gone,) = trip(store, [("HDEL", store.keys.trunks_drained(), trunk)])
    if gone:
        trip(store, [audit_line(store, "trunk_resume", who, now, {"trunk": trunk})])
    return bool(gone)


def drained(store: Store) -> Mapping[str, Drained]:
    """The trunks that are out of use, by name. What cannot be read counts as such."""
    (flat,) = trip(store, [("HGETALL", store.keys.trunks_drained())])
    return {name.decode(errors="replace"): _read(raw) for name, raw in zip(flat[::2], flat[1::2], strict=True)}


def _read(raw: bytes) -> Drained:
    try:
        return read(Drained, raw, "a drained trunk")
    except Undecodable:
        return Drained(UNREADABLE, 0.0)
