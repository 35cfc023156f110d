"""An upgrade: the daemons are stopped, the server has what a release before this one left, and today's are started.

That release knew less of everything. So what this one has added is taken away: keys that it makes again by itself,
fields behind those that were there, settings that campaigns did not have; reasons are texts, words on attempts have no
time, and there is no marker and no journal.
"""

from __future__ import annotations

import json
import shutil
from typing import Any, Final

import msgpack

from dialer.core.leads import lead_reasons
from dialer.store.base.connection import Command, ScriptCall, Store, trip
from tests.chaos.floor import Floor
from tests.chaos.plan import CAMPAIGN
from tests.shell.rig import is_alive, kill_quietly

ADDED_KEYS: Final = ("marker", "crm:settings", "crm:campaigns", "crm:names", "trunks:drained", "quarantine")
ADDED_OF_CAMPAIGN: Final = ("callbacks", "callback_agent", "put_off", "early", "lists", "imports", "learnt")
ADDED_SETTINGS: Final = (
    *("crm", "lead_events", "trunks", "countries", "number_types", "callback_agent_wait_s", "talk_limit_s"),
    *("refuse_above_share", "believe_stated_zone", "same_caller_id_on_retry", "retention_days"),
)
OLD_ENDED: Final = 5
"""So many values of an ended attempt were kept."""

ADDED_TO_LEADS: Final = ("taken_in_at", "list_name", "list", "region", "account_id")


def upgrade(floor: Floor) -> None:
    """Kill a daemon in full swing, stop the others in order, put the keys back into their older form, start all."""
    hosts = sorted(floor.dialers)
    victim = floor.dialers[floor.random.choice(hosts)]
    family = victim.family()
    victim.kill()
    for dialer in floor.dialers.values():
        if dialer is not victim:
            dialer.stop()
    floor.site.until(lambda: all(dialer.process.poll() is not None for dialer in floor.dialers.values()), "all end", 90)
    for pid in filter(is_alive, family):
        kill_quietly(pid)
    make_older(floor.site.store, CAMPAIGN)
    for host in hosts:
        shutil.rmtree(floor.site.folder / host / "spool" / "journal", ignore_errors=True)
    floor.start(*hosts)


def make_older(store: Store, campaign: str) -> None:
    """Put a campaign's keys into the form of a release before this one."""
    keys, prefix = store.keys, store.keys.prefix
    gone = [f"{prefix}{name}" for name in ADDED_KEYS]
    gone += [getattr(keys, name)(campaign) for name in ADDED_OF_CAMPAIGN]
    trip(store, [("DEL", *gone)])
    settings = json.loads(trip(store, [("HGET", keys.campaign(campaign), "settings")])[0])
    kept = {name: value for name, value in settings.items() if name not in ADDED_SETTINGS}
    trip(store, [("HSET", keys.campaign(campaign), "settings", json.dumps(kept))])
    _rewrite(store, keys.why(campaign), lambda raw: lead_reasons.sentence(lead_reasons.read(raw.decode())).encode())
    _rewrite(store, keys.ended(campaign), lambda raw: msgpack.packb(msgpack.unpackb(raw)[:OLD_ENDED]))
    _rewrite(store, keys.outcomes(campaign), _without("said_at", "callback_agent", "opt_out_scope"))
    _rewrite(store, keys.lead(campaign), _without(*ADDED_TO_LEADS))


def _without(*names: str) -> Any:
    def shorten(raw: bytes) -> bytes:
        data = msgpack.unpackb(raw)
        return bytes(msgpack.packb({name: value for name, value in data.items() if name not in names}))

    return shorten


def _rewrite(store: Store, key: str, older: Any) -> None:
    flat = trip(store, [("HGETALL", key)])[0]
    calls: list[Command | ScriptCall] = [
        ("HSET", key, field, older(raw)) for field, raw in zip(flat[::2], flat[1::2], strict=True)
    ]
    for i in range(0, len(calls), 500):
        trip(store, calls[i : i + 500])
