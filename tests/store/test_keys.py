"""The names of the keys, and that every script stays inside one slot."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from importlib import resources
from typing import Any

import pytest
from redis.crc import key_slot

from compliance.blocks import of_number
from config.campaign import CampaignSettings
from config.policies import applied, read_catalogue
from config.redis import RedisSettings
from dialer.core.effects import FindCaller
from dialer.core.model import Retry, Settlement
from dialer.disk.registers import NationalRegisters
from dialer.store.base import connection as door
from dialer.store.base.connection import ScriptCall, Store, close_store, open_store, read_scripts, trip
from dialer.store.base.errors import StoreError
from dialer.store.base.keys import BUCKETS, SHARDS, Keys, digits, place
from dialer.store.crm import inbox
from dialer.store.leads import callers, funnel, leads, leases, lists, preflight, stale
from dialer.store.leads.bulk import changes, transfer
from dialer.store.leads.bulk.rewrite import CannotRewrite, Rewrite, rewrite
from dialer.store.operators import agents, campaigns
from dialer.store.privacy import blocklist, retention
from dialer.store.settlement import marker, recovery, retelling, settle
from tests.conftest import running_valkey
from tests.store.conftest import NOW, OWNER, Floor, number


def test_numbers_spread_evenly() -> None:
    """No shard has far more than its share, and no number leaves the buckets."""
    places = [place(digits(number(i))) for i in range(16_000)]
    per_shard = [sum(one.shard == shard for one in places) for shard in range(SHARDS)]

    assert min(per_shard) > 850
    assert max(per_shard) < 1150
    assert max(one.bucket for one in places) < BUCKETS


def test_the_prefix_begins_every_key() -> None:
    """Two installations can share a server."""
    keys = Keys("other:")
    named = [
        keys.campaigns(),
        keys.crm_in(),
        keys.lead("c"),
        keys.history(place(digits(number(1)))),
        keys.heartbeat("a:1"),
    ]

    assert all(name.startswith("other:") for name in named)


def test_every_script_stays_in_one_slot(
    floor: Floor, end: Callable[..., Settlement], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A lead's whole life, with every script of the room, names only keys of one slot at a time."""
    used: dict[str, set[int]] = {}
    command = door._command

    def watching(store: Store, call: Any) -> Any:
        if isinstance(call, ScriptCall):
            slots = {key_slot(key.encode()) for key in call.keys}
            assert len(slots) == 1, f"{call.name}: {call.keys}"
            used.setdefault(call.name, set()).update(slots)
        return command(store, call)

    monkeypatch.setattr(door, "_command", watching)
    live_a_whole_life(floor, end)
    with suppress(StoreError):  # calls may be open
        campaigns.delete(floor.store, floor.name)

    assert set(used) | {"campaign"} == set(read_scripts())
    assert len(used["reserve"]) > 1, "contact histories are spread over slots"


def live_a_whole_life(floor: Floor, end: Callable[..., Settlement]) -> None:
    store = floor.store
    floor.fill(30)
    dialled = floor.dial(20)
    marker.tick(store, "host-a", None, 15.0)
    retelling.retell(store, [retelling.permit_row(one, floor.settings, "main", OWNER) for one in dialled], OWNER, NOW)
    leases.release(store, floor.name, OWNER, ["L25"], NOW)
    items = [end(one, step=Retry(9.0, 0), charged=i % 2 == 0) for i, one in enumerate(dialled[:10])]
    settle.settle(store, items, OWNER)
    request = inbox.Outcome(floor.name, "A0", "complaint")
    inbox.read(store, OWNER, 10, 0)
    inbox.apply(store, [inbox.Received("0-1", request)], now=NOW)
    blocklist.add(store, [of_number(number(i)).block(source="crm", reason="", who="x", at=NOW) for i in range(20)])
    prefix = blocklist.Target(blocklist.BlockKind.PREFIX, "99").block(source="crm", reason="", who="x", at=NOW)
    blocklist.add(store, [prefix])
    blocklist.expire(store, who="x", now=NOW)
    blocklist.remove(store, [prefix.target], who="x", now=NOW)
    agents.claim(store, ["17", "18"], OWNER, 60)
    recovery.beat(store, OWNER, 60, NOW)
    recovery.farewell(store, OWNER)
    recovery.recover(store, NOW)
    caller = callers.Caller(dialled[-1].lead, 0, NOW, NOW, b"")
    wish = FindCaller("I0", number(0), "main", "+861065550000", (floor.name,))
    callers.keep(store, caller, wish, OWNER, NOW)
    leads.page(store, floor.name)
    changes.change(store, floor.name, ["L0"], changes.cancelled("x"), who="x", now=NOW)
    stale.judge_again(store, floor.name, ["hours"], NOW)
    transfer.copy(store, transfer.Transfer(floor.name, "autumn", "x"), ["L0"], NOW)
    with suppress(CannotRewrite):
        rewrite(store, floor.name, "L0", Rewrite(priority=1), who="x", now=NOW)
    funnel.read(store, floor.name, NOW, None)
    list(lists.tallies(store, floor.name))
    flight, stretches = preflight.plan(store, applied(floor.settings, read_catalogue()), NOW)
    for stretch in stretches:
        preflight.judge_stretch(store, flight, NationalRegisters(), stretch)
    retention.purge_leads(store, floor.name, NOW + 1)
    where = place(digits(number(0)))
    retention.purge_contacts(store, NOW + 86_400, str(where.shard * BUCKETS + where.bucket))


def test_the_scripts_run_on_a_cluster(end: Callable[..., Settlement], settings: CampaignSettings) -> None:
    """A server in cluster mode, which refuses keys of two slots in one script, carries the same life."""
    with running_valkey({"cluster-enabled": "yes", "save": ""}) as server:
        store = open_store(RedisSettings(url=server.connection_url))
        trip(store, [("CLUSTER", "ADDSLOTSRANGE", 0, 16383)])
        deadline = time.monotonic() + 20
        while b"cluster_state:ok" not in trip(store, [("CLUSTER", "INFO")])[0] and time.monotonic() < deadline:
            time.sleep(0.02)
        campaigns.create(store, settings, who="test", now=NOW)
        live_a_whole_life(Floor(store, settings), end)
        close_store(store)


def test_script_headers_name_their_keys() -> None:
    """Every Lua source says what its arguments and answers are, and its keys, or names them by `keys_of`."""
    folder = resources.files("dialer.store") / "lua"
    for name, script in read_scripts().items():
        header = (folder / f"{name}.lua").read_text().split("\nlocal ", 1)[0]
        assert all(f"-- {part}\n" in header for part in ("ARGV", "RETURNS")), name
        assert script.keys or "-- KEYS\n" in header, name
