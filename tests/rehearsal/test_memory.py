"""The store's twin."""

from __future__ import annotations

from dataclasses import replace
from random import Random

import pytest

from compliance.numbers import E164
from config.campaign import CampaignSettings
from config.policies import applied
from dialer.core.effects import Lease, Release, Reserve
from dialer.core.inputs import LeadsLeased, Permitted, Refused, StoreFailed, StoreHealth
from dialer.core.model import Lead
from tests.rehearsal.memory import LEASE_S, Memory, Place
from tests.rehearsal.scenario import Disorder
from tests.rehearsal.world import World


@pytest.fixture
def memory():
    """Three leads of one campaign; what the store tells is in `memory.heard`."""
    world, heard = World(dice=Random(1)), []
    settings = applied(CampaignSettings(name="sales", mode="progressive"))
    store = Memory(world, heard.append, Disorder(), {"sales": settings})
    store.load([Lead(f"lead-{n}", "sales", (E164(f"+861380000000{n}"),)) for n in range(3)])
    return store, heard


def lease(store, count=9):
    store.lease(Lease("sales", count))
    store.world.run(store.world.now + 1.0)


def test_leads_are_leased_once(memory):
    """The longest due first, no more than asked for, and none twice."""
    store, heard = memory
    lease(store, 2)
    lease(store)
    first, second = heard
    assert [lead.lead_id for lead in first.leads] == ["lead-0", "lead-1"]
    assert (first.due, first.waiting) == (1, 0)
    assert [lead.lead_id for lead in second.leads] == ["lead-2"]
    assert store.count(Place.LEASED) == 3


def test_the_gates_know_the_caps(memory):
    """Twice in thirty days: the third attempt is refused until later, and the lead is the store's again."""
    store, heard = memory
    for _ in range(3):
        lease(store, 1)
        store.reserve(Reserve("sales", "north", heard[-1].leads))
        store.world.run(store.world.now + 1.0)
        told = heard[-1]
        if isinstance(told, Permitted):
            store.release(Release("sales", (told.lead,)))
    assert [type(told) for told in heard if not isinstance(told, LeadsLeased)] == [Permitted, Permitted, Refused]
    assert store.count(Place.LEASED) == 0


def test_a_store_that_is_down_fails_everything_and_forgets_nothing(memory):
    """Questions fail; leads at the gates come back when their leases end, or are closed where a call may have been."""
    store, heard = memory
    lease(store)
    store.go_down(10.0)
    store.reserve(Reserve("sales", "north", heard[0].leads))
    store.lease(Lease("sales", 5))
    store.world.run(store.world.now + LEASE_S + 11.0)
    assert [type(told) for told in heard[1:]].count(StoreFailed) == 2
    assert [told.healthy for told in heard if isinstance(told, StoreHealth)] == [False, True]
    assert store.count(Place.LEASED) == 0
    assert store.count(Place.CLOSED) <= 1


def test_every_fault_can_be_drawn(memory):
    """Refusals by lot are Refused for each lead, for good or for a while."""
    store, heard = memory
    store.disorder = replace(store.disorder, refused=1.0)
    lease(store)
    store.reserve(Reserve("sales", "north", heard[0].leads))
    store.world.run(store.world.now + 1.0)
    assert [type(told) for told in heard[1:]] == [Refused] * 3
