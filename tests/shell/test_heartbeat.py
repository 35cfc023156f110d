"""Signs of life, the way back from an outage, and who takes whose work over."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, cast

import pytest
import trio

from compliance.blocks import of_number
from config.campaign import CampaignSettings
from config.daemon import DaemonSettings, HostSettings
from config.policies import applied
from config.redis import RedisSettings
from dialer.core.campaign_run import CampaignRun, Offer
from dialer.core.inputs import CampaignState, LocalTime, StoreHealth
from dialer.shell.clock import Clock
from dialer.shell.health import Health, NoCalls
from dialer.shell.parts import Parts
from dialer.shell.tasks import heartbeat
from dialer.shell.tasks.claims import Claims
from dialer.shell.tasks.heartbeat import Heartbeat
from dialer.shell.tasks.store_tasks import StoreTasks
from dialer.store.base.connection import Store, close_store, open_store, trip
from dialer.store.leads.leads import story
from dialer.store.operators import agents, campaigns, control
from dialer.store.privacy import blocklist
from dialer.store.settlement import recovery
from pacing.api import Mode
from tests.shell.fickle import Moods, fickle
from tests.shell.some_parts import inputs_of, some_parts
from tests.store.conftest import NOW, Floor, number

DEADLINE_S = 15.0
HEARTBEAT_S = 0.05
US, NEIGHBOUR = "one:1", "two:1"


class Replays:
    """Stands in for the event writer: nothing is on disk."""

    async def replay(self) -> bool:
        await trio.lowlevel.checkpoint()
        return True


@dataclass
class Heart:
    """The heartbeat of one daemon on a store with moods, and what the engine was told."""

    beats: Heartbeat
    moods: Moods
    store: Store

    @property
    def parts(self) -> Parts:
        return self.beats.parts

    @property
    def health(self) -> Health:
        return self.parts.health

    def run(self, *steps: Callable[[], Any], until: Callable[[], bool]) -> None:
        """Run some of the tasks until something is so."""

        async def main() -> None:
            with trio.fail_after(DEADLINE_S):
                async with trio.open_nursery() as nursery:
                    for step in steps:
                        nursery.start_soon(step)
                    while not until():
                        await trio.sleep(0.01)
                        await trio.lowlevel.checkpoint()
                    nursery.cancel_scope.cancel()

        trio.run(main)


@pytest.fixture
def heart(valkey_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Heart]:
    monkeypatch.setattr(heartbeat, "HEALTH_EVERY_S", 0.02)
    monkeypatch.setattr(heartbeat, "RECOVER_EVERY_BEATS", 1)
    store = open_store(RedisSettings(url=valkey_url))
    moods = Moods()
    settings = DaemonSettings(redis=RedisSettings(timeout_s=0.5), host=HostSettings(heartbeat_s=HEARTBEAT_S))
    parts = some_parts(fickle(store, moods), settings=settings, owner=US)
    nothing = cast("Any", None)
    store_tasks = StoreTasks(parts, iter(()))
    yield Heart(Heartbeat(parts, Claims(parts), store_tasks, nothing, cast("Any", Replays())), moods, store)
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

    heart.run(heart.beats.beat, until=lambda: known(heart.store) == {US})


@pytest.mark.parametrize(("ahead_s", "said"), [(40.0, "40 s ahead"), (-3600.0, "3600 s behind")])
def test_no_call_starts_by_a_wrong_clock(
    heart: Heart, monkeypatch: pytest.MonkeyPatch, ahead_s: float, said: str
) -> None:
    """A host whose clock is not that of Redis starts nothing until it is mended."""
    health, right = heart.health, Clock.wall
    monkeypatch.setattr(Clock, "wall", lambda self: right(self) + ahead_s)
    heart.run(heart.beats.beat, until=lambda: not health.healthy)
    assert health.reasons == {NoCalls.CLOCKS: f"this one is {said}"}

    monkeypatch.setattr(Clock, "wall", right)
    heart.run(heart.beats.beat, until=lambda: health.healthy)


def test_blocks_that_have_ended_are_forgotten(heart: Heart) -> None:
    """Now and then; those that hold stay."""
    over, holds = (
        of_number(number(i)).block(source="crm", reason="", who="qa", at=NOW, until=until)
        for i, until in enumerate((NOW + 10.0, None))
    )
    blocklist.add(heart.store, [over, holds])

    heart.run(heart.beats.beat, until=lambda: blocklist.page(heart.store)[0] == (holds,))

    (line,) = control.audit_trail(heart.store, 5)
    assert (line.what, line.who, line.detail) == ("blocks_expired", US, {"blocks": 1})


def test_a_daemon_never_takes_itself_for_dead(heart: Heart) -> None:
    """Its sign of life has lapsed, and others are taken over; its own calls go on, its agents stay its own."""
    neighbour_falls_silent(heart)
    agents.claim(heart.store, ["ann"], US, 60.0)
    recovery.beat(heart.store, US, 60.0, 0.0)
    recovery.farewell(heart.store, US)

    trio.run(heart.beats.recover)

    assert known(heart.store) == {US}
    assert agents.is_claimed(heart.store, "ann")


def test_no_call_starts_once_the_sign_of_life_was_not_renewed_in_time(heart: Heart) -> None:
    """Others take the daemon for dead then; calls may start again as soon as it has given a new one."""
    heart.beats.alive_until = heart.parts.clock.now()
    heart.run(heart.beats.watch_health, until=lambda: not heart.health.healthy)
    assert list(heart.health.reasons) == [NoCalls.SIGN_OF_LIFE]
    assert StoreHealth(False) in inputs_of(heart.parts)

    heart.run(heart.beats.sign_of_life, heart.beats.watch_health, until=lambda: heart.health.healthy)


def test_slow_chores_do_not_hold_up_the_sign_of_life(heart: Heart, monkeypatch: pytest.MonkeyPatch) -> None:
    """They go over every campaign, and a slow server answers each of their trips only after a while."""
    answer, signs = threading.Event(), []

    def dead_owners(_: Store) -> tuple[str, ...]:
        assert answer.wait(DEADLINE_S)
        return ()

    def beat(*_: object) -> float:
        signs.append(1)
        if len(signs) >= 5:
            answer.set()
        return heart.parts.clock.wall()

    monkeypatch.setattr(recovery, "dead_owners", dead_owners)
    monkeypatch.setattr(recovery, "beat", beat)

    heart.run(heart.beats.beat, until=answer.is_set)


@pytest.mark.parametrize("ahead", ["now", "wall"])
def test_after_a_pause_of_the_process_nobody_is_taken_over_at_once(
    heart: Heart, monkeypatch: pytest.MonkeyPatch, ahead: str
) -> None:
    """Whoever stood still, or was woken from a snapshot, may have had the others stand still with it."""
    beats, right = heart.beats, getattr(Clock, ahead)
    before_s, ahead_s = beats.recover_at, [0.0]
    monkeypatch.setattr(Clock, ahead, lambda self: right(self) + ahead_s[0])
    if ahead == "wall":
        monkeypatch.setattr(Clock, "jumped", lambda self: ahead_s[0])

    def paused() -> bool:
        if heart.parts.queues.inputs.statistics().current_buffer_used:  # it has looked once
            ahead_s[0] = 11.0
        return beats.recover_at > before_s

    heart.run(beats.watch_health, until=paused)

    assert beats.recover_at > heart.parts.clock.now()


def test_a_clean_stop_is_no_death(heart: Heart, capsys: pytest.CaptureFixture[str]) -> None:
    """What was left, and by whom, is a warning only where something was left."""
    neighbour_falls_silent(heart)

    trio.run(heart.beats.recover)

    log = capsys.readouterr().out
    assert "forgot daemons that had ended and left nothing" in log
    assert "warning" not in log


def test_after_an_outage_neighbours_may_first_show_that_they_live(heart: Heart) -> None:
    """While Redis was away every sign of life lapsed: nobody is taken over before there was time for a new one."""
    neighbour_falls_silent(heart)
    heart.moods.down = True
    noticed_at: list[float] = []

    def taken_over() -> bool:
        if heart.health.reasons and not noticed_at:
            noticed_at.append(heart.parts.clock.now())
            heart.moods.down = False
        return known(heart.store) == {US}

    heart.run(heart.beats.beat, until=taken_over)

    grace_s = heart.beats.owner_ttl_s + heart.parts.settings.redis.timeout_s
    assert heart.parts.clock.now() - noticed_at[0] >= grace_s


def test_a_neighbour_who_shows_up_after_an_outage_keeps_its_work(heart: Heart) -> None:
    """Its sign of life comes before anybody takes it for dead."""
    neighbour_falls_silent(heart)
    heart.moods.down = True
    done_at: list[float] = []

    def long_after() -> bool:
        if heart.health.reasons and not done_at:
            heart.moods.down = False
            recovery.beat(heart.store, NEIGHBOUR, 60.0, 0.0)
            grace_s = heart.beats.owner_ttl_s + heart.parts.settings.redis.timeout_s
            done_at.append(heart.parts.clock.now() + grace_s + 5 * HEARTBEAT_S)
        return bool(done_at) and heart.parts.clock.now() > done_at[0]

    heart.run(heart.beats.beat, until=long_after)

    assert known(heart.store) == {US, NEIGHBOUR}


def test_the_engine_hears_of_an_outage_and_of_its_end(heart: Heart) -> None:
    """No new calls in between."""
    heart.health.stop_calls(NoCalls.REDIS, "gone")
    heart.moods.down = True
    heart.run(heart.beats.watch_health, until=lambda: heart.parts.queues.inputs.statistics().current_buffer_used == 2)
    assert inputs_of(heart.parts) == [LocalTime(heart.parts.clock.utc_offset_s()), StoreHealth(False)]

    heart.moods.down = False
    heart.run(heart.beats.bring_store_back, until=lambda: heart.health.healthy)
    assert heart.health.reasons == {}


def test_a_server_that_takes_no_writes_is_not_well(heart: Heart) -> None:
    """It answers a ping, but it is out of memory: no call starts until it writes again."""
    heart.health.stop_calls(NoCalls.REDIS, "OOM")
    trip(heart.store, [("CONFIG", "SET", "maxmemory", 1)])
    try:
        before = heart.moods.trips
        heart.run(heart.beats.bring_store_back, until=lambda: heart.moods.trips >= before + 3)
        assert not heart.health.healthy
    finally:
        trip(heart.store, [("CONFIG", "SET", "maxmemory", 0)])

    heart.run(heart.beats.bring_store_back, until=lambda: heart.health.healthy)


def test_a_lead_on_offer_keeps_its_lease(heart: Heart) -> None:
    """However long the agent looks at it."""
    settings = CampaignSettings(name="spring", mode=Mode.PREVIEW, caller_id="+861065550000")
    campaigns.create(heart.store, settings, who="test", now=NOW)
    floor = Floor(heart.store, settings)
    floor.fill(1)
    (lead,) = floor.lease(owner=US)
    run = heart.parts.engine.state.campaigns["spring"] = CampaignRun(applied(settings), CampaignState.RUNNING)
    run.offers["ann"] = Offer(lead, 0.0)
    before = story(heart.store, "spring", lead.lead_id).row.at

    trio.run(heart.beats.renew)

    assert story(heart.store, "spring", lead.lead_id).row.at > before
