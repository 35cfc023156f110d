"""Which CRM each campaign belongs to, and so whose streams its events go to and whose requests may be about it.

A campaign says so itself (its setting `crm`); one that says nothing belongs to the CRM that the installation shares,
whose name is empty. What was said last is kept beside the campaigns (`crm:campaigns`), so that the events of one that
is gone or cannot be read do not go astray, and so is every name that there ever was (`crm:names`), so that its streams
are looked after until they are empty.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from config.campaign import NAME
from dialer.store.base.connection import Command, ScriptCall, Store, trip
from dialer.store.operators import campaigns

SHARED: Final = ""
"""The CRM of campaigns that name none."""

_KEPT: Final = "crm_map"


@dataclass(frozen=True, slots=True)
class CrmMap:
    """The CRM of each campaign by its name, and all named CRMs that there are or were, sorted."""

    by_campaign: Mapping[str, str]
    names: tuple[str, ...] = ()

    @property
    def crms(self) -> tuple[str, ...]:
        """All CRMs, the shared one first."""
        return (SHARED, *self.names)

    def campaigns_of(self, crm: str) -> tuple[str, ...]:
        """The campaigns of one CRM, sorted."""
        return tuple(sorted(name for name, owner in self.by_campaign.items() if owner == crm))


def load(store: Store) -> CrmMap:
    """What holds now, in three round trips."""
    return _load(store)[0]


def loaded(store: Store) -> CrmMap:
    """What held when last looked at: daemons look every few seconds (`shell/tasks/crm_streams.py`)."""
    kept = store.kept.get(_KEPT)
    return kept if isinstance(kept, CrmMap) else load(store)


def crm_of(store: Store, campaign: str) -> str:
    """The CRM whose campaign it is. One that is not known yet is asked for; what nobody knows is the shared one's."""
    if not campaign:
        return SHARED
    known = loaded(store)
    if campaign not in known.by_campaign:
        known = load(store)
    return known.by_campaign.get(campaign, SHARED)


def refresh(store: Store) -> CrmMap:
    """What holds now; what campaigns say is kept for the day on which they cannot be asked. For daemons."""
    crm_map, stale = _load(store)
    if stale:
        trip(store, stale)
    return crm_map


def _load(store: Store) -> tuple[CrmMap, list[Command | ScriptCall]]:
    """The map, and the commands that keep what is not kept yet."""
    keys = store.keys
    flat, raw_names = trip(store, [("HGETALL", keys.crm_campaigns()), ("SMEMBERS", keys.crm_names())])
    pairs = zip(flat[::2], flat[1::2], strict=True)
    noted = {name.decode(errors="replace"): crm.decode(errors="replace") for name, crm in pairs}
    noted = {name: crm for name, crm in noted.items() if NAME.fullmatch(crm)}
    stated = {row.settings.name: row.settings.crm for row in campaigns.readable(store)[0]}
    by_campaign = {**noted, **stated}
    names = {name for raw in raw_names if NAME.fullmatch(name := raw.decode(errors="replace"))}
    named = {crm for crm in by_campaign.values() if crm}
    stale: list[Command | ScriptCall] = [("SADD", keys.crm_names(), name) for name in sorted(named - names)]
    for name, crm in stated.items():
        if crm != noted.get(name, SHARED):
            change: Command = ("HSET", keys.crm_campaigns(), name, crm) if crm else ("HDEL", keys.crm_campaigns(), name)
            stale.append(change)
    crm_map = CrmMap(by_campaign, tuple(sorted(names | named)))
    store.kept[_KEPT] = crm_map
    return crm_map, stale
