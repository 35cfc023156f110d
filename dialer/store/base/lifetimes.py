"""Keys that are to last have no end of life: one that somebody set on them is taken away again.

An EXPIRE by a hand or a script meant for another key would take the no-call list, the leads of a campaign or its open
attempts away in silence, a while later. Contact histories, of which there are too many to look at, are not looked at.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from dialer.store.base.connection import Command, ScriptCall, Store, attempt_trip, trip
from dialer.store.base.keys import SHARDS

SHARED: Final = (
    *("campaigns", "prefixes", "marker", "owners", "agents", "audit", "erasures", "unwritten", "quarantine"),
    *(
        "crm_readers",
        "crm_settings",
        "crm_campaigns",
        "crm_names",
        "crm_in",
        "crm_out",
        "crm_live",
        "agents_in",
        "floor",
    ),
    *("trunks_drained", "caller_id_rests", "caller_id_blocks"),
    *("recordings_erased", "recordings_handed", "recordings_scores"),
)
OF_A_CAMPAIGN: Final = (
    *("campaign", "leads", "rejected", "lead", "progress", "story", "priority", "numbers", "due", "waiting", "early"),
    *("leased", "lessee", "attempts", "open", "ended", "outcomes", "wishes", "closed", "why", "callbacks"),
    *("callback_agent", "put_off", "learnt", "unannounced", "lists", "imports", "counts"),
)
OF_A_SHARD: Final = ("blocked", "block_ends", "prefix_generation")


def make_lasting(store: Store, campaigns: Sequence[str], crms: Sequence[str] = ()) -> tuple[str, ...]:
    """Take ends of life away from keys that are to last, in two round trips, mostly in one; returns which had one."""
    keys = store.keys
    names = [getattr(keys, name)() for name in SHARED]
    names += [getattr(keys, name)(crm) for name in ("crm_in", "crm_out", "crm_live") for crm in crms if crm]
    names += [getattr(keys, name)(shard) for name in OF_A_SHARD for shard in range(SHARDS)]
    names += [getattr(keys, name)(campaign) for name in OF_A_CAMPAIGN for campaign in campaigns]
    calls: list[Command | ScriptCall] = [("PTTL", name) for name in names]
    mortal = [name for name, ms in zip(names, trip(store, calls), strict=True) if ms >= 0]
    attempt_trip(store, [("PERSIST", name) for name in mortal])
    return tuple(mortal)
