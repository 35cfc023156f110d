"""Keys that are to last do, whoever set an end on them."""

from __future__ import annotations

import inspect
from collections.abc import Callable

from dialer.core.model import Settlement
from dialer.store.base.connection import trip
from dialer.store.base.keys import Keys
from dialer.store.base.lifetimes import OF_A_CAMPAIGN, OF_A_SHARD, SHARED, make_lasting
from tests.store.conftest import Floor
from tests.store.test_keys import live_a_whole_life

END: frozenset[str] = frozenset(
    {
        *("agent_claim", "phone_claim", "heartbeat", "status", "calls", "ledger", "ledger_hour", "agent_day"),
        *("caller_id_uses", "housekeeper", "web_session"),
    }
)
"""Keys that have an end of life by themselves."""

NOT_LOOKED_AT: frozenset[str] = frozenset(["history", "hosts", "agents_read", "control", "retention", "contacts_kept"])
"""Too many, or made again by themselves."""


def test_every_key_is_in_one_of_the_lists() -> None:
    """A new key is to last, or has an end, or nobody need look at it: somebody has said which."""
    known = {name for name, _ in inspect.getmembers(Keys, inspect.isfunction) if not name.startswith("_")}

    assert known == {*SHARED, *OF_A_CAMPAIGN, *OF_A_SHARD, *END, *NOT_LOOKED_AT}


def test_an_end_that_somebody_set_is_taken_away(floor: Floor, end: Callable[..., Settlement]) -> None:
    """Of whatever is there after a lead's whole life; nothing is found the second time."""
    store = floor.store
    live_a_whole_life(floor, end)
    assert make_lasting(store, [floor.name, "autumn"]) == ()
    keys = (store.keys.campaign(floor.name), store.keys.blocked(3), store.keys.marker(), store.keys.crm_out())
    trip(store, [("EXPIRE", key, 5) for key in keys])

    assert set(make_lasting(store, [floor.name])) == set(keys)
    assert trip(store, [("PTTL", key) for key in keys]) == [-1] * len(keys)
    assert make_lasting(store, [floor.name]) == ()
