"""What the event writer does when the store, or the disk, fails at the worst moment."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import pytest
import trio
import trio.testing

from compliance.blocks import of_number
from config.campaign import CampaignSettings
from config.redis import RedisSettings
from dialer.archive.rows import event_of
from dialer.core.agents.agent import Agent, AgentState
from dialer.core.calls.settling import unsent
from dialer.core.effects import AgentChanged, OptOut, Publish, Settle
from dialer.disk.errors import DiskError
from dialer.disk.spool import Spool
from dialer.shell.health import Health, NoCalls
from dialer.shell.parts import Queues, ToWrite
from dialer.shell.tasks import event_writer
from dialer.shell.tasks.event_writer import EventWriter
from dialer.store.base.connection import Store, close_store, open_store, trip
from dialer.store.base.streams import entries_of
from dialer.store.crm import crm_map
from dialer.store.operators import agents, campaigns, control, status
from dialer.store.privacy import blocklist
from dialer.store.settlement.outbox import from_wire
from pacing.api import Mode
from tests.crm_events import heard
from tests.shell.fickle import Moods, fickle
from tests.shell.kept import Kept
from tests.shell.some_parts import some_parts
from tests.store.conftest import NOW, OWNER, Floor, number

DEADLINE_S = 20.0


@dataclass
class Desk:
    """A writer with its store, its spool, and attempts that wait to be settled."""

    writer: EventWriter
    store: Store
    moods: Moods
    floor: Floor

    @property
    def health(self) -> Health:
        return self.writer.parts.health

    def settles(self, count: int) -> list[ToWrite]:
        """The ends of so many attempts that are open in the store."""
        self.floor.fill(count)
        clock = self.writer.parts.clock
        return [
            Settle(unsent(one.lead, one.permit.attempt, "main", "test", clock.now())) for one in self.floor.dial(count)
        ]

    def write(self, *batches: list[ToWrite], then: Callable[[], None] = lambda: None) -> None:
        """Have the writer write these, each batch after the one before; `then` is done before the last one."""

        async def main() -> None:
            queues = self.writer.parts.queues = Queues()
            tell = queues.facts
            with trio.fail_after(DEADLINE_S):
                async with trio.open_nursery() as nursery:
                    nursery.start_soon(self.writer.write)
                    async with tell:
                        for number, batch in enumerate(batches):
                            if number and number == len(batches) - 1:
                                then()
                            for effect in batch:
                                await tell.send(effect)
                            await trio.testing.wait_all_tasks_blocked(0.05)

        trio.run(main)

    def replay(self) -> bool:
        return trio.run(self.writer.replay)

    def heard(self) -> Counter[tuple[str, str]]:
        """How often the CRM heard of what, by kind and id."""
        return Counter((event.kind, event.id) for event in heard(self.store))

    def counts(self) -> status.Counts:
        return status.counts(self.store, self.floor.name, NOW)


@pytest.fixture
def desk(valkey_url: str, tmp_path: Path) -> Iterator[Desk]:
    """A writer whose store can be made to fail."""
    store = open_store(RedisSettings(url=valkey_url))
    settings = CampaignSettings(name="spring", mode=Mode.PROGRESSIVE, caller_id="+861065550000")
    campaigns.create(store, settings, who="test", now=NOW)
    moods = Moods()
    spool = Spool(tmp_path / "spool", limit_bytes=1_000_000)
    parts = some_parts(fickle(store, moods), owner=OWNER, spool=spool)
    yield Desk(EventWriter(parts), store, moods, Floor(store, settings))
    spool.close()
    close_store(store)


def state(agent: str, state: AgentState, at: float) -> AgentChanged:
    return AgentChanged(agent, state, at, "", ("spring",))


def test_facts_go_to_redis(desk: Desk) -> None:
    """Settlements, events and the presence table, in one go; nothing is left on disk."""
    now = desk.writer.parts.clock.now()
    desk.write(
        [*desk.settles(2), state("ann", AgentState.READY, now), Publish("abandoned", "spring", {"lead_id": "L"})]
    )

    assert {kind for kind, _ in desk.heard()} == {"disposition", "agent_state", "abandoned"}
    assert desk.counts().dispositions == {"not_sent": 2}
    assert [row.agent for row in agents.listing(desk.store)] == ["ann"]
    assert len(desk.writer.parts.spool) == 0
    assert desk.health.healthy


def test_an_agent_s_events_go_to_the_crm_of_the_agent_s_campaigns(desk: Desk) -> None:
    """States, and what the engine refuses of an agent whom it knows; of one whom it does not to the shared one."""
    own = desk.floor.settings.model_copy(update={"name": "summer", "crm": "north"})
    campaigns.create(desk.store, own, who="test", now=NOW)
    now = desk.writer.parts.clock.now()
    engine = desk.writer.parts.engine
    engine.state.roster.put(Agent("ann", "sip:a@x", ("summer",), "", AgentState.READY, now, now))
    refused = [Publish("agent_event_refused", "", {"agent": name, "reason": "x"}) for name in ("ann", "bob")]
    desk.write([AgentChanged("ann", AgentState.READY, now, "", ("summer",)), *refused])

    north = [(event.kind, event.data["agent"]) for event in heard(desk.store, crm="north")]
    assert north == [("agent_state", "ann"), ("agent_event_refused", "ann")]
    assert [event.data["agent"] for event in heard(desk.store)] == ["bob"]


@pytest.mark.parametrize("archived", [True, False])
def test_what_agents_did_is_told_where_an_archive_reads_it(desk: Desk, archived: bool) -> None:
    """Where none does, nothing is written: the stream does not come into being by itself."""
    floor, now = desk.store.keys.floor(), desk.writer.parts.clock.now()
    if archived:
        trip(desk.store, [("XGROUP", "CREATE", floor, "archive", "$", "MKSTREAM")])
    desk.write([state("ann", AgentState.READY, now - 9), state("ann", AgentState.TALKING, now - 4)])

    told = [event_of(entry) for entry in entries_of(trip(desk.store, [("XRANGE", floor, "-", "+")])[0])]
    spans = [(one.data["state"], round(one.data["ended_at"] - one.data["started_at"])) for one in told]
    assert sum(seconds for state, seconds in spans if state == "ready") == (5 if archived else 0)
    assert {one.kind for one in told} == ({"agent_interval"} if archived else set())


def test_two_events_of_one_moment_are_two(desk: Desk) -> None:
    """A login and a ready within a millisecond: the CRM, which knows repeated events by their ids, hears both."""
    now = desk.writer.parts.clock.now()
    desk.write([state("ann", AgentState.PAUSED, now), state("ann", AgentState.READY, now)])

    assert len(desk.heard()) == 2


def pressed(desk: Desk, *indexes: int) -> list[ToWrite]:
    now = desk.writer.parts.clock.now()
    return [OptOut("spring", f"A{i}", number(i), "9", now) for i in indexes]


def blocks(desk: Desk, index: int) -> list[tuple[str, str, str, float | None]]:
    found = blocklist.check(desk.store, of_number(number(index)), now=desk.writer.parts.clock.wall() + 1.0)
    return [(one.source, one.reason, one.who, one.until) for one in found]


def test_an_opt_out_blocks_the_number(desk: Desk) -> None:
    """At once, for all campaigns and for good; the evidence and the audit trail know of it, the number masked."""
    desk.write(pressed(desk, 1))

    assert blocks(desk, 1) == [("keypress", "pressed 9 in attempt A1", "callee", None)]
    kept = cast("Kept", desk.writer.parts.evidence)
    assert [entry.attempt for entry in kept.entries] == ["A1"]
    assert [row.kind for row in kept.journal] == ["opt_out"], "for a server that forgets"
    (line,) = control.audit_trail(desk.store, 5)
    assert (line.what, line.who) == ("block", "callee")
    assert line.detail == {"number": str(number(1)), "campaign": "", "source": "keypress"}


def test_an_answer_of_a_script_is_kept_for_a_server_that_forgets(desk: Desk) -> None:
    """It follows from no end; what else the CRM hears of the attempt may be missed."""
    fields = {"attempt_id": "A1", "script": "survey", "step": "ask", "key": "5"}
    desk.write([Publish("script_answer", "spring", fields), Publish("connected", "spring", {"attempt_id": "A1"})])
    (row,) = cast("Kept", desk.writer.parts.evidence).journal
    assert (row.kind, from_wire(row.data).kind) == ("event", "script_answer")


def test_an_opt_out_waits_for_no_disk(desk: Desk) -> None:
    """The evidence's disk fails, and whatever else happened waits for it: the number is blocked already."""
    seen: list[int] = []
    kept = cast("Kept", desk.writer.parts.evidence)

    async def keep(entries: Sequence[object]) -> bool:
        seen.append(len(blocks(desk, 1)))
        await trio.lowlevel.checkpoint()
        return False

    kept.keep = keep  # type: ignore[method-assign]
    desk.write(pressed(desk, 1))

    assert seen == [1]


def test_an_opt_out_survives_an_outage(desk: Desk) -> None:
    """On disk while Redis is away, in the no-call list after the replay; a lost answer blocks nobody less."""
    desk.moods.down = True
    desk.write(pressed(desk, 1, 2))
    assert len(desk.writer.parts.spool) == 2

    desk.moods.down = False
    assert desk.replay() is True
    assert [len(blocks(desk, i)) for i in (1, 2)] == [1, 1]
    desk.moods.lost = {desk.moods.trips}
    desk.write(pressed(desk, 3))
    assert desk.replay() is True
    assert len(blocks(desk, 3)) == 1


def test_an_offer_ends_by_the_wall_clock(desk: Desk) -> None:
    """What a desktop counts down to is seconds since the epoch; offers that end without a call are told apart."""
    clock = desk.writer.parts.clock
    until = clock.now() + 120.0
    ended = Publish("preview_ended", "spring", {"attempt_id": "", "agent": "17", "lead_id": "L1", "end": "skipped"})

    desk.write([Publish("preview", "spring", {"agent": "17", "lead_id": "L1", "until": until}), ended, ended])

    (offer,) = heard(desk.store, "preview")
    assert offer.data["until"] == pytest.approx(clock.to_wall(until))
    assert len(desk.heard()) == 3


def test_while_redis_is_away_facts_wait_on_disk_in_order(desk: Desk) -> None:
    """No call starts, nothing is lost, and the replay brings everything, the oldest first."""
    settles = desk.settles(3)
    desk.moods.down = True
    desk.write(settles[:1], settles[1:2], settles[2:])

    assert not desk.health.redis_healthy
    assert len(desk.writer.parts.spool) == 3
    assert desk.replay() is False
    assert len(desk.writer.parts.spool) == 3

    desk.moods.down = False
    assert desk.replay() is True

    assert list(desk.heard()) == [("disposition", "A0"), ("disposition", "A1"), ("disposition", "A2")]
    assert len(desk.writer.parts.spool) == 0


def test_a_fact_that_cannot_be_read_is_set_aside_and_the_rest_goes_on(desk: Desk) -> None:
    """Another release wrote it, or a hand: it is kept in a file of its own, with an alarm; no start fails for it."""
    settles = desk.settles(2)
    desk.moods.down = True
    desk.write(settles[:1])
    spool = desk.writer.parts.spool
    spool.append([["settled", {"attempt": "?"}], "nothing at all"])
    desk.write(settles[1:])
    desk.moods.down = False

    assert desk.replay() is True

    assert list(desk.heard()) == [("disposition", "A0"), ("disposition", "A1")]
    assert len(spool) == 0
    assert "could not be read" in desk.health.problems["unreadable facts"]


def test_news_does_not_overtake_what_waits_on_disk(desk: Desk) -> None:
    """Redis is back, but older facts are on disk still: newer ones queue up behind them."""
    settles = desk.settles(2)
    desk.moods.down = True

    def back() -> None:
        desk.moods.down = False

    desk.write(settles[:1], settles[1:], then=back)

    assert len(desk.writer.parts.spool) == 2
    assert desk.heard() == Counter()
    desk.replay()
    assert list(desk.heard()) == [("disposition", "A0"), ("disposition", "A1")]


@pytest.mark.parametrize("lost", range(5))
def test_an_answer_that_is_lost_costs_no_event(desk: Desk, lost: int) -> None:
    """Whichever round trip of the commit loses its answer: each attempt ends once, and after the replay the CRM has
    heard of each, without a restart of the daemon."""
    settles = [*desk.settles(2), Publish("abandoned", "spring", {"attempt_id": "A0"})]
    desk.moods.lost = {desk.moods.trips + lost}

    desk.write(settles)
    assert desk.replay() is True

    assert set(desk.heard()) == {("disposition", "A0"), ("disposition", "A1"), ("abandoned", "A0")}
    assert desk.counts().dispositions == {"not_sent": 2}
    assert desk.counts().in_attempt == 0
    assert trip(desk.store, [("HLEN", desk.store.keys.unannounced("spring"))]) == [0]


def test_a_replay_that_breaks_off_goes_on_later(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was delivered before the break is not forgotten, what was not stays on disk."""
    monkeypatch.setattr(event_writer, "BATCH", 1)
    settles = desk.settles(3)
    desk.moods.down = True
    desk.write(settles)
    desk.moods.down = False
    crm_map.load(desk.writer.parts.store)
    desk.moods.lost = {desk.moods.trips + 5}

    assert desk.replay() is False
    assert 0 < len(desk.writer.parts.spool) < 3
    assert desk.replay() is True

    assert set(desk.heard()) == {("disposition", "A0"), ("disposition", "A1"), ("disposition", "A2")}
    assert desk.counts().dispositions == {"not_sent": 3}


class FailingDisk:
    """A spool whose first writes fail; `at_failure` is done when the n-th of them does."""

    def __init__(self, spool: Spool, failures: int) -> None:
        self._spool, self.failures, self.failed = spool, failures, 0
        self.at_failure: dict[int, Callable[[], None]] = {}

    def append(self, rows: list[object]) -> None:
        if self.failed < self.failures:
            self.failed += 1
            self.at_failure.get(self.failed, lambda: None)()
            raise DiskError("spool directory /spool: No space left on device")
        self._spool.append(rows)

    def __len__(self) -> int:
        return len(self._spool)

    def __getattr__(self, name: str) -> object:
        return getattr(self._spool, name)


def test_a_disk_that_fails_loses_nothing(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """No Redis and no disk: no new calls, and the facts wait in memory until the disk works again."""
    monkeypatch.setattr(event_writer, "SPOOL_FULL_PAUSE_S", 0.01)
    settles = desk.settles(2)
    desk.moods.down = True
    disk = desk.writer.parts.spool = FailingDisk(desk.writer.parts.spool, failures=3)  # type: ignore[assignment]

    desk.write(settles)

    assert disk.failed == 3
    assert len(desk.writer.parts.spool) == 2
    assert NoCalls.SPOOL not in desk.health.reasons
    desk.moods.down = False
    assert desk.replay() is True
    assert len(desk.heard()) == 2


def test_redis_helps_where_the_disk_does_not(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """The disk stays broken: until Redis is back no new call starts, then the facts go there directly."""
    monkeypatch.setattr(event_writer, "SPOOL_FULL_PAUSE_S", 0.01)
    settles = desk.settles(2)
    desk.moods.down = True
    disk = desk.writer.parts.spool = FailingDisk(desk.writer.parts.spool, failures=1_000_000)  # type: ignore[assignment]
    healthy: list[bool] = []

    def bring_redis_back() -> None:
        healthy.append(desk.health.healthy)
        desk.moods.down = False

    disk.at_failure[3] = bring_redis_back

    desk.write(settles)

    assert healthy == [False]
    assert NoCalls.SPOOL not in desk.health.reasons
    assert len(desk.heard()) == 2


def test_the_presence_table_catches_up(desk: Desk) -> None:
    """What agents did while Redis was away is shown when it is back."""
    now = desk.writer.parts.clock.now()
    desk.write([state("ann", AgentState.READY, now), state("bob", AgentState.READY, now)])
    desk.moods.down = True
    desk.write([state("ann", AgentState.PAUSED, now + 1), state("bob", AgentState.OFFLINE, now + 1)])
    desk.moods.down = False

    assert desk.replay() is True

    assert [(row.agent, row.state) for row in agents.listing(desk.store)] == [("ann", AgentState.PAUSED)]
