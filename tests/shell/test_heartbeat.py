"""Signs of life, the way back from an outage, and who takes whose work over."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, cast

import pytest
import trio

from compliance.blocks import of_number
from config.campaign import CampaignSettings
from config.daemon import DaemonSettings, HostSettings, RedisSettings
from config.policies import applied
from dialer.core.agents.agent import Roster
from dialer.core.campaign_run import CampaignRun, Offer
from dialer.core.engine import Engine
from dialer.core.engine_state import EngineSettings, TrunkLimits
from dialer.core.inputs import CampaignState, Input, LocalTime, StoreHealth
from dialer.shell.clock import Clock
from dialer.shell.health import Ailment, Health
from dialer.shell.statistics import Tally
from dialer.shell.tasks import heartbeat as beats_module
from dialer.shell.tasks.claims import Claims
from dialer.shell.tasks.heartbeat import Beats
from dialer.shell.tasks.store_tasks import StoreDesk
from dialer.store.base.connection import Store, close_store, open_store, trip
from dialer.store.leads.leads import story
from dialer.store.operators import campaigns, control
from dialer.store.privacy import blocklist
from dialer.store.settlement import recovery
from pacing.api import Mode
from tests.shell.fickle import Moods, fickle
from tests.shell.kept import kept
from tests.store.conftest import NOW, Floor, number

DEADLINE_S = 15.0
HEARTBEAT_S = 0.05
US, NEIGHBOUR = "one:1", "two:1"


class Replays:
    """Stands in for the scribe: nothing is on disk."""

    async def replay(self) -> bool:
        await trio.lowlevel.checkpoint()
        return True


@dataclass
class Heart:
    """The beats of one daemon on a store with moods, and what the engine was told."""

    beats: Beats
    moods: Moods
    store: Store
    inputs: trio.MemoryReceiveChannel[Input]

    def run(self, step: Callable[[], Any], until: Callable[[], bool]) -> None:
        """Run one of the beats until something is so."""

        async def main() -> None:
            with trio.fail_after(DEADLINE_S):
                async with trio.open_nursery() as nursery:
                    nursery.start_soon(step)
                    while not until():
                        await trio.sleep(0.01)
                        await trio.lowlevel.checkpoint()
                    nursery.cancel_scope.cancel()

        trio.run(main)

    def told(self) -> list[Input]:
        found = []
        while self.inputs.statistics().current_buffer_used:
            found.append(self.inputs.receive_nowait())
        return found


@pytest.fixture
def heart(valkey_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Heart]:
    monkeypatch.setattr(beats_module, "HEALTH_EVERY_S", 0.02)
    monkeypatch.setattr(beats_module, "RECOVER_EVERY_BEATS", 1)
    store = open_store(RedisSettings(url=valkey_url))
    moods = Moods()
    moody = fickle(store, moods)
    clock, health = Clock.start(), Health()
    inbox, inputs = trio.open_memory_channel[Input](1000)
    settings = DaemonSettings(
        redis=RedisSettings(timeout_s=0.5), host=HostSettings(heartbeat_s=HEARTBEAT_S, name="one")
    )
    nothing = cast("Any", None)
    yield Heart(
        Beats(
            store=moody,
            settings=settings,
            owner=US,
            host="one",
            clock=clock,
            health=health,
            engine=Engine(EngineSettings((TrunkLimits("carrier", 10.0, 100),), max_lines=10)),
            inbox=inbox,
            scribe=cast("Any", Replays()),
            to_scribe=nothing,
            desk=StoreDesk(moody, US, 60.0, clock, health, inbox, kept()),
            claims=Claims(moody, US, 1.0, Roster()),
            watch=nothing,
            pool=nothing,
            tally=Tally("one", clock, clock.wall()),
            metrics=nothing,
            notifier=nothing,
        ),
        moods,
        store,
        inputs,
    )
    close_store(store)


def known(store: Store) -> set[str]:
    """Owners who have been heard of and were not taken over."""
    return {name.decode() for name in trip(store, [("HKEYS", store.keys.owners())])[0]}


def neighbour_falls_silent(heart: Heart) -> None:
    """Another daemon was there, and its sign of life has lapsed."""
    recovery.beat(heart.store, NEIGHBOUR, 60.0, 0.0)
    recovery.farewell(heart.store, NEIGHBOUR)


def test_a_dead_neighbour_is_taken_over(heart: Heart) -> None:
    """Whoever looks first recovers what a daemon left whose signs of life have ended."""
    neighbour_falls_silent(heart)

    heart.run(heart.beats.beat, lambda: known(heart.store) == {US})


@pytest.mark.parametrize(("ahead_s", "said"), [(40.0, "40 s ahead"), (-3600.0, "3600 s behind")])
def test_no_call_starts_by_a_wrong_clock(
    heart: Heart, monkeypatch: pytest.MonkeyPatch, ahead_s: float, said: str
) -> None:
    """A host whose clock is not that of Redis starts nothing until it is mended."""
    health, right = heart.beats.health, Clock.wall
    monkeypatch.setattr(Clock, "wall", lambda self: right(self) + ahead_s)
    heart.run(heart.beats.beat, lambda: not health.healthy)
    assert health.ailments == {Ailment.CLOCKS: f"this one is {said}"}

    monkeypatch.setattr(Clock, "wall", right)
    heart.run(heart.beats.beat, lambda: health.healthy)


def test_blocks_that_have_ended_are_forgotten(heart: Heart) -> None:
    """Now and then; those that hold stay."""
    over, holds = (
        of_number(number(i)).block(source="crm", reason="", who="qa", at=NOW, until=until)
        for i, until in enumerate((NOW + 10.0, None))
    )
    blocklist.add(heart.store, [over, holds])

    heart.run(heart.beats.beat, lambda: blocklist.page(heart.store)[0] == (holds,))

    (line,) = control.audit_trail(heart.store, 5)
    assert (line.what, line.who, line.detail) == ("blocks_expired", US, {"blocks": 1})


def test_after_an_outage_neighbours_may_first_show_that_they_live(heart: Heart) -> None:
    """While Redis was away every sign of life lapsed: nobody is taken over before there was time for a new one."""
    neighbour_falls_silent(heart)
    heart.moods.down = True
    ailing_at: list[float] = []

    def taken_over() -> bool:
        if heart.beats.health.ailments and not ailing_at:
            ailing_at.append(heart.beats.clock.now())
            heart.moods.down = False
        return known(heart.store) == {US}

    heart.run(heart.beats.beat, taken_over)

    grace_s = heart.beats.owner_ttl_s + heart.beats.settings.redis.timeout_s
    assert heart.beats.clock.now() - ailing_at[0] >= grace_s


def test_a_neighbour_who_shows_up_after_an_outage_keeps_its_work(heart: Heart) -> None:
    """Its sign of life comes before anybody takes it for dead."""
    neighbour_falls_silent(heart)
    heart.moods.down = True
    done_at: list[float] = []

    def long_after() -> bool:
        if heart.beats.health.ailments and not done_at:
            heart.moods.down = False
            recovery.beat(heart.store, NEIGHBOUR, 60.0, 0.0)
            grace_s = heart.beats.owner_ttl_s + heart.beats.settings.redis.timeout_s
            done_at.append(heart.beats.clock.now() + grace_s + 5 * HEARTBEAT_S)
        return bool(done_at) and heart.beats.clock.now() > done_at[0]

    heart.run(heart.beats.beat, long_after)

    assert known(heart.store) == {US, NEIGHBOUR}


def test_the_engine_hears_of_an_outage_and_of_its_end(heart: Heart) -> None:
    """No new calls in between."""
    heart.beats.health.ails(Ailment.REDIS, "gone")
    heart.moods.down = True
    heart.run(heart.beats.watch_health, lambda: heart.inputs.statistics().current_buffer_used == 2)
    assert heart.told() == [LocalTime(heart.beats.clock.utc_offset_s()), StoreHealth(False)]

    heart.moods.down = False
    heart.run(heart.beats.watch_health, lambda: heart.beats.health.healthy)
    assert heart.beats.health.ailments == {}


def test_a_server_that_takes_no_writes_is_not_well(heart: Heart) -> None:
    """It answers a ping, but it is out of memory: the daemon stays ailing until it writes again."""
    heart.beats.health.ails(Ailment.REDIS, "OOM")
    trip(heart.store, [("CONFIG", "SET", "maxmemory", 1)])
    try:
        before = heart.moods.trips
        heart.run(heart.beats.watch_health, lambda: heart.moods.trips >= before + 3)
        assert not heart.beats.health.healthy
    finally:
        trip(heart.store, [("CONFIG", "SET", "maxmemory", 0)])

    heart.run(heart.beats.watch_health, lambda: heart.beats.health.healthy)


def test_a_lead_on_offer_keeps_its_lease(heart: Heart) -> None:
    """However long the agent looks at it."""
    settings = CampaignSettings(name="spring", mode=Mode.PREVIEW, caller_id="+861065550000")
    campaigns.create(heart.store, settings, who="test", now=NOW)
    floor = Floor(heart.store, settings)
    floor.fill(1)
    (lead,) = floor.lease(owner=US)
    run = heart.beats.engine.state.campaigns["spring"] = CampaignRun(applied(settings), CampaignState.RUNNING)
    run.offers["ann"] = Offer(lead, 0.0)
    before = story(heart.store, "spring", lead.lead_id).row.at

    trio.run(heart.beats._renew)

    assert story(heart.store, "spring", lead.lead_id).row.at > before
