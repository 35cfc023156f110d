"""What pacers have learnt outlives them: saved, recalled, and never in anybody's way."""

from __future__ import annotations

import threading
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import msgpack
import pytest
import trio

from config.redis import RedisSettings
from dialer.core.engine import PacerRequest
from dialer.shell.health import NoCalls
from dialer.shell.tasks import pacer_memory as task
from dialer.shell.tasks.pacer_memory import PacerMemory
from dialer.shell.tasks.pacers import Pacers
from dialer.store.base.connection import Store, close_store, open_store, trip
from dialer.store.operators import pacer_memory
from dialer.store.operators.pacer_memory import KEPT_S, Learnt
from pacing.api import CallAnswered, CallFailed, Decision, Ledger, Mode, Observation, Settings, Snapshot
from tests.shell.fickle import Moods, fickle
from tests.shell.some_parts import some_parts

DEADLINE_S = 15.0
FLOOR = Snapshot(
    now=100.0,
    ready=3,
    talking_age_s=(5.0,),
    wrapup_age_s=(),
    paused=0,
    ringing_age_s=(),
    waiting_age_s=(),
    lines_free=10,
    leads_available=10,
    ledger=Ledger(200, 3),
)
HAPPENED: tuple[Observation, ...] = (
    *(CallAnswered(float(i), 6.0) for i in range(20)),
    *(CallFailed(float(i), 25.0) for i in range(20)),
)


def question(campaign: str = "spring", settings: Settings | None = None, happened: Any = ()) -> PacerRequest:
    return PacerRequest(campaign, settings or Settings(), happened, FLOOR)


@dataclass
class Desk:
    """The pacers' memory of one daemon on a server with moods."""

    memory: PacerMemory
    moods: Moods
    store: Store

    @property
    def pacers(self) -> Pacers:
        return self.memory.pacers

    def decide(self, *questions: PacerRequest) -> None:
        """One round, as `pace` does it."""
        for asked, decision in zip(questions, self.pacers.step(list(questions)), strict=True):
            self.memory.parts.statistics.decided(asked.campaign, decision)

    def records(self, *campaigns: str) -> dict[tuple[str, str], Learnt]:
        found = pacer_memory.read(self.store, campaigns or ("spring",), self.memory.parts.clock.wall())
        return {(record.campaign, record.host): record for record in found.records}


def run(step: Callable[[], Awaitable[Any]]) -> Any:
    async def main() -> Any:
        with trio.fail_after(DEADLINE_S):
            return await step()

    return trio.run(main)


@pytest.fixture
def begin(valkey_url: str) -> Iterator[Callable[..., Desk]]:
    """Starts a daemon's memory; each call is another run."""
    stores: list[Store] = []

    def started(host: str = "one", owner: str = "one:1") -> Desk:
        store = open_store(RedisSettings(url=valkey_url))
        stores.append(store)
        moods = Moods()
        return Desk(PacerMemory(some_parts(fickle(store, moods), host=host, owner=owner)), moods, store)

    yield started
    for store in stores:
        close_store(store)


Begin = Callable[..., Desk]


def test_everything_is_saved(begin: Begin) -> None:
    """What was learnt, for the next pacer and for people; the last decision; the settings in force."""
    desk = begin()
    settings = Settings(max_abandon_rate=0.02)
    desk.decide(question(settings=settings, happened=HAPPENED))
    run(desk.memory.save)
    pacer = desk.pacers.by_campaign["spring"][1]
    (record,) = desk.records().values()

    assert (record.host, record.owner, record.settings) == ("one", "one:1", settings)
    assert record.memory == msgpack.unpackb(msgpack.packb(pacer.memory()))
    assert record.figures == pacer.learnt()
    assert record.decision == desk.memory.parts.statistics.campaigns["spring"].decision
    assert record.decision.dial == 3
    assert 0 <= record.at - record.decided_at < DEADLINE_S


def test_a_restart_goes_on(begin: Begin) -> None:
    """The first pacer of the next run knows what the last one of this run knew."""
    before, after = begin(), begin(owner="one:2")
    before.decide(question(happened=HAPPENED))
    run(before.memory.save)

    assert run(lambda: after.memory.recall([question()])) == [question()]
    after.decide(question())

    was, now = (desk.pacers.by_campaign["spring"][1].learnt() for desk in (before, after))
    assert now["answer_probability"] == pytest.approx(was["answer_probability"], abs=0.02)
    assert now["answer_probability"] > 0.35


def test_the_next_morning_doubts_the_answer_rate(begin: Begin) -> None:
    """What was learnt yesterday is recalled, but calls are seen again before the first forecast."""
    before, after = begin(), begin(owner="one:2")
    before.decide(question(happened=HAPPENED))
    run(before.memory.save)
    (record,) = before.records().values()
    pacer_memory.save(before.store, [replace(record, at=record.at - 12 * 3600.0)])

    run(lambda: after.memory.recall([question()]))
    after.decide(question())

    now = after.pacers.by_campaign["spring"][1].learnt()
    assert now["calls_seen"] == 0.0
    assert now["answer_probability"] > 0.35


def test_another_host_learns_from_its_peers(begin: Begin) -> None:
    """A new host goes on from the freshest of the others, and keeps its own from then on."""
    old, young = begin("old", "old:1"), begin("young", "young:1")
    old.decide(question(happened=HAPPENED))
    run(old.memory.save)
    run(lambda: young.memory.recall([question()]))
    young.decide(question())
    run(young.memory.save)

    assert young.pacers.memories["spring"]
    assert set(young.records()) == {("spring", "old"), ("spring", "young")}


def test_only_what_was_asked_is_saved_and_in_one_trip(begin: Begin) -> None:
    """Campaigns that rest cost nothing."""
    desk = begin()
    desk.decide(question("spring"), question("autumn"))
    run(desk.memory.save)
    trips = desk.moods.trips
    desk.decide(question("autumn"))
    first = desk.records("spring", "autumn")
    run(desk.memory.save)
    second = desk.records("spring", "autumn")

    assert trips == 1
    assert second[("spring", "one")] == first[("spring", "one")]
    assert second[("autumn", "one")].at > first[("autumn", "one")].at


def test_each_campaign_is_recalled_once(begin: Begin) -> None:
    """All new ones in one trip."""
    desk = begin()
    both = [question("spring"), question("autumn")]
    for _ in range(3):
        assert run(lambda: desk.memory.recall(both)) == both

    assert desk.moods.trips == 1


@pytest.mark.parametrize("mode", tuple(Mode))
@pytest.mark.parametrize(
    "memory",
    [
        {},
        {"answer_probability": "high", "talk_s": None, "calibration": []},
        {"answers": 7, "talk": [[]], "wrapup": {"ended": "x" * 100}, "v": -1},
    ],
)
def test_an_odd_memory_stops_nobody(begin: Begin, mode: Mode, memory: dict[str, Any]) -> None:
    """It can be read, and means nothing: the pacer begins from its priors."""
    desk = begin()
    asked = question(settings=Settings(mode=mode))
    desk.decide(asked)
    run(desk.memory.save)
    (record,) = desk.records().values()
    pacer_memory.save(desk.store, [replace(record, memory=memory)])

    after = begin(owner="one:2")
    run(lambda: after.memory.recall([asked]))
    after.decide(asked)

    assert (
        after.memory.parts.statistics.campaigns["spring"].decision.dial
        == desk.memory.parts.statistics.campaigns["spring"].decision.dial
    )


def test_garbage_is_logged_and_ignored(begin: Begin, monkeypatch: pytest.MonkeyPatch) -> None:
    """The campaign is dialled from the priors, and the next save mends it."""
    said: list[str] = []
    monkeypatch.setattr(task.log, "warning", lambda _, detail: said.append(detail), raising=False)
    desk = begin()
    trip(desk.store, [("HSET", desk.store.keys.learnt("spring"), "one", b"garbage")])

    assert run(lambda: desk.memory.recall([question()])) == [question()]
    desk.decide(question())
    run(desk.memory.save)

    assert len(said) == 1
    assert said[0].startswith("campaign spring, host one: ")
    assert set(desk.records()) == {("spring", "one")}


def test_redis_away_when_a_campaign_begins(begin: Begin) -> None:
    """No pacer begins from nothing and writes over what is there: the campaign is asked about when Redis is back."""
    before, desk = begin(), begin(owner="one:2")
    before.decide(question(happened=HAPPENED))
    run(before.memory.save)
    run(lambda: desk.memory.recall([question("autumn")]))
    desk.moods.down = True

    assert run(lambda: desk.memory.recall([question("autumn"), question()])) == [question("autumn")]
    assert NoCalls.REDIS in desk.memory.parts.health.reasons

    desk.moods.down = False
    assert run(lambda: desk.memory.recall([question()])) == [question()]
    assert desk.pacers.memories["spring"]


def test_redis_away_when_it_is_time_to_save(begin: Begin) -> None:
    """It is skipped, nothing is forgotten, and the next save has it."""
    desk = begin()
    desk.decide(question())
    desk.moods.down = True
    run(desk.memory.save)
    assert NoCalls.REDIS in desk.memory.parts.health.reasons
    run(desk.memory.save)

    desk.moods.down = False
    desk.memory.parts.health.allow_calls(NoCalls.REDIS)
    run(desk.memory.save)

    assert set(desk.records()) == {("spring", "one")}


def test_a_memory_that_cannot_be_kept(begin: Begin, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is logged, and the other campaigns' are kept."""
    said: list[str] = []
    monkeypatch.setattr(task.log, "warning", lambda _, detail: said.append(detail), raising=False)
    desk = begin()
    desk.decide(question("spring"), question("autumn"))
    monkeypatch.setattr(desk.pacers, "memories", {"spring": {"x": {1}}})
    monkeypatch.setattr(desk.pacers.by_campaign["spring"][1], "memory", dict, raising=False)
    run(desk.memory.save)

    assert said == ["campaign spring: what was learnt holds set, which is not allowed"]
    assert set(desk.records("spring", "autumn")) == {("autumn", "one")}


def test_a_pacer_at_work_is_not_disturbed(begin: Begin) -> None:
    """Saving waits until the round is over."""
    desk = begin()
    desk.decide(question())
    order: list[str] = []

    async def main() -> None:
        release = threading.Event()

        async def work() -> None:
            async with desk.pacers.busy:
                await trio.to_thread.run_sync(release.wait, DEADLINE_S)
                order.append("decided")

        async def save() -> None:
            await desk.memory.save()
            order.append("saved")

        async with trio.open_nursery() as nursery:
            nursery.start_soon(work)
            await trio.testing.wait_all_tasks_blocked(0.01)
            nursery.start_soon(save)
            await trio.testing.wait_all_tasks_blocked(0.01)
            release.set()

    run(main)

    assert order == ["decided", "saved"]


def keeping(desk: Desk, campaigns: tuple[str, ...], trips: int) -> None:
    """Let the memory be kept, while all campaigns are asked all the time, for so many trips to the store."""

    async def main() -> None:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(desk.memory.keep, 0.01)
            while desk.moods.trips < trips:
                desk.decide(*map(question, campaigns))
                await trio.sleep(0.01)
                await trio.lowlevel.checkpoint()
            nursery.cancel_scope.cancel()

    run(main)


def test_it_is_kept_up_to_date(begin: Begin, monkeypatch: pytest.MonkeyPatch) -> None:
    """Save after save, until the daemon stops it."""
    monkeypatch.setattr(task, "SAVE_EVERY_S", 0.0)
    desk = begin()
    keeping(desk, ("spring",), trips=3)

    assert set(desk.records()) == {("spring", "one")}


def test_a_campaign_that_begins_is_saved_soon(begin: Begin) -> None:
    """At the next look; then once in `SAVE_EVERY_S`."""
    desk = begin()
    keeping(desk, ("spring",), trips=1)
    first = desk.records()[("spring", "one")]
    keeping(desk, ("spring", "autumn"), trips=2)
    both = desk.records("spring", "autumn")

    assert both[("spring", "one")] == first
    assert ("autumn", "one") in both


def test_a_daemon_that_never_restarts_forgets_the_gone(begin: Begin, monkeypatch: pytest.MonkeyPatch) -> None:
    """Once a day."""
    monkeypatch.setattr(task, "PURGE_EVERY_S", 0.0)
    desk = begin()
    run(lambda: desk.memory.recall([question()]))
    desk.decide(question())
    run(desk.memory.save)
    (record,) = desk.records().values()
    desk.decide(question())
    pacer_memory.save(desk.store, [replace(record, host="gone", at=record.at - KEPT_S - 1, decision=Decision(0))])
    run(desk.memory.save)

    assert trip(desk.store, [("HKEYS", desk.store.keys.learnt("spring"))])[0] == [b"one"]
