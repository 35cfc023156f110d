"""What desktops say, and which of it is this daemon's business."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, cast

import msgpack
import pytest
import trio
import trio.testing

from compliance.api import Per
from config.agents.settings import AgentSettings
from config.campaign import CampaignSettings
from config.daemon import DaemonSettings
from dialer.core.agents.agent import AgentEvent, AgentEventKind
from dialer.core.inputs import AnswerReported, Input
from dialer.shell.health import NoCalls
from dialer.shell.parts import ToWrite
from dialer.shell.tasks import feeds as feeds_module
from dialer.shell.tasks import logins as logins_module
from dialer.shell.tasks.campaign_watch import CampaignWatch
from dialer.shell.tasks.claims import Claims
from dialer.shell.tasks.feeds import Feeds
from dialer.shell.tasks.logins import Logins
from dialer.store.base.connection import Store, trip
from dialer.store.leads import intake
from dialer.store.operators import agents, campaigns, control
from dialer.store.operators.status import counts
from dialer.store.settlement.outbox import CrmEvent
from pacing.api import Mode
from tests.crm_events import heard
from tests.shell.fickle import Moods, fickle
from tests.shell.some_parts import some_parts

DEADLINE_S = 10.0


@dataclass
class Watch:
    """Stands in for the watch over campaigns; `listed` are the campaigns that were stored, at each round of intake."""

    listed: list[set[str]]

    def ids_needed(self, _: str) -> set[Per]:
        return {Per.ACCOUNT}

    async def halt_all_but(self, names: set[str]) -> None:
        await trio.lowlevel.checkpoint()
        self.listed.append(names)


@dataclass
class Ear:
    """One daemon's feeds, with what they handed on."""

    feeds: Feeds
    inputs: trio.MemoryReceiveChannel[Input]
    facts: trio.MemoryReceiveChannel[ToWrite]
    listed: list[set[str]]

    def engine_was_told(self) -> list[Input]:
        return drained(self.inputs)

    def crm_was_told(self) -> list[CrmEvent]:
        told = drained(self.facts)
        assert all(isinstance(fact, CrmEvent) for fact in told)
        return cast("list[CrmEvent]", told)

    def listen(self, until: Callable[[], bool]) -> None:
        """Follow the agents' stream until something is so."""

        async def main() -> None:
            with trio.fail_after(DEADLINE_S):
                async with trio.open_nursery() as nursery:
                    nursery.start_soon(self.feeds.keep, self.feeds.agents)
                    while not until():
                        await trio.sleep(0.01)
                        await trio.lowlevel.checkpoint()
                    nursery.cancel_scope.cancel()

        trio.run(main)


def drained(channel: trio.MemoryReceiveChannel[Any]) -> list[Any]:
    found = []
    while True:
        try:
            found.append(channel.receive_nowait())
        except trio.WouldBlock:
            return found


@pytest.fixture
def store(store: Store) -> Store:
    """A store with one campaign, spring."""
    settings = CampaignSettings(name="spring", mode=Mode.PROGRESSIVE, caller_id="+861065550000")
    campaigns.create(store, settings, who="test", now=time.time())
    return store


def ear(store: Store, host: str = "one") -> Ear:
    """The feeds of one daemon, whose place in the agents' stream is found."""
    settings = DaemonSettings(agents=AgentSettings(probe_limit_s=0))
    parts = some_parts(store, host=host, owner=f"{host}:1", settings=settings)
    listed: list[set[str]] = []
    feeds = Feeds(parts, Logins(parts, Claims(parts)), cast("CampaignWatch", Watch(listed)))
    trio.run(feeds.begin)
    return Ear(feeds, parts.queues.inputs, parts.queues.facts_to_write, listed)


def test_a_kept_outcome_goes_on_to_the_engine(store: Store) -> None:
    """Whether it was a machine; one that is refused does not."""
    one = ear(store)
    trip(store, [("HSET", store.keys.ended("spring"), "A1", msgpack.packb(["L1", 0, "2026-03-03", True, False, 0]))])
    for attempt, word in (("A1", "machine"), ("A2", "machine"), ("A1", "sale")):
        request = {"type": "outcome", "campaign": "spring", "attempt_id": attempt, "outcome": word}
        trip(store, [("XADD", store.keys.crm_in(), "*", "request", msgpack.packb(request))])

    trio.run(one.feeds.crm)

    assert one.engine_was_told() == [AnswerReported("A1", machine=True), AnswerReported("A1", machine=False)]


def test_every_crm_is_heard_about_its_own_campaigns(store: Store) -> None:
    """Each in its own stream; a stream that cannot be read is an alarm, and the others are heard."""
    for crm in ("north", "south"):
        own = CampaignSettings(name=f"of-{crm}", mode=Mode.PROGRESSIVE, caller_id="+861065550000", crm=crm)
        campaigns.create(store, own, who="test", now=time.time())
        trip(
            store, [("HSET", store.keys.ended(own.name), "A1", msgpack.packb(["L1", 0, "2026-03-03", True, False, 0]))]
        )
    one = ear(store)
    for crm, campaign in (("north", "of-north"), ("north", "of-south"), ("north", "spring"), ("", "of-north")):
        request = {"type": "outcome", "campaign": campaign, "attempt_id": "A1", "outcome": "machine"}
        trip(store, [("XADD", store.keys.crm_in(crm), "*", "request", msgpack.packb(request))])
    trip(store, [("SET", store.keys.crm_in("south"), "x")])

    trio.run(one.feeds.crm)

    assert one.engine_was_told() == [AnswerReported("A1", machine=True)]
    assert [event.data["reasons"] for event in heard(store, "refused")] == [
        ["campaign: this CRM has no campaign of-north"]
    ]
    assert len(heard(store, "refused", crm="north")) == 2
    assert "crm:in:south" in one.feeds.parts.health.alarms["CRM south"]
    trip(store, [("DEL", store.keys.crm_in("south"))])
    trio.run(one.feeds.crm)
    assert "CRM south" not in one.feeds.parts.health.alarms


def test_the_audit_trail_goes_on_record_as_it_comes(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever cuts it short in Redis does not reach this host's evidence; numbers are masked."""
    monkeypatch.setattr(feeds_module, "AUDIT_EVERY_S", 0.01)
    one = ear(store)
    control.audit(store, "before", who="x", now=time.time(), detail={})

    def on_record() -> list[tuple[str, str]]:
        kept = one.feeds.parts.evidence.entries  # type: ignore[attr-defined]
        return [(entry.fields["what"], entry.fields["detail"].get("a", "")) for entry in kept]

    async def main() -> None:
        with trio.fail_after(DEADLINE_S):
            async with trio.open_nursery() as nursery:
                nursery.start_soon(one.feeds.audit_trail)
                while one.feeds.audited == "$":
                    await trio.sleep(0.01)
                    await trio.lowlevel.checkpoint()
                detail = {"a": "+8613800001234"}
                await trio.to_thread.run_sync(partial(control.audit, store, "block", who="x", now=5.0, detail=detail))
                await trio.to_thread.run_sync(trip, store, [("XTRIM", store.keys.audit(), "MAXLEN", 1)])
                while not on_record():
                    await trio.sleep(0.01)
                    await trio.lowlevel.checkpoint()
                nursery.cancel_scope.cancel()

    trio.run(main)
    assert on_record() == [("block", "+86138****1234")]


def login(agent: str, *names: str) -> AgentEvent:
    return AgentEvent(AgentEventKind.LOGIN, agent, f"sip:{agent}@127.0.0.1", names or ("spring",))


READY = AgentEvent(AgentEventKind.READY, "ann")


def test_a_login_right_after_ready_is_heard(store: Store) -> None:
    """A host that never read begins before anybody is told that it is ready, not at its first look after that."""
    one = ear(store)
    agents.enqueue(store, [login("ann"), READY])

    one.listen(lambda: one.inputs.statistics().current_buffer_used == 2)

    assert one.engine_was_told() == [login("ann"), READY]
    assert one.feeds.logins.claims.held == {"ann"}


def test_the_intake_is_told_which_ids_leads_need(store: Store) -> None:
    """A lead that no call could ever be made to is refused when it comes in."""
    intake.enqueue(store, "spring", [{"lead_id": "L1", "phone": "13800001234"}])

    one = ear(store)
    trio.run(one.feeds.leads)

    assert counts(store, "spring", time.time()).rejected == 1
    assert one.listed == [{"spring"}]  # whatever else the engine knows of is halted


def test_another_daemons_agent_is_left_alone(store: Store) -> None:
    """Every daemon reads every entry; who has not claimed the agent does and says nothing."""
    one, two = ear(store, "one"), ear(store, "two")
    agents.enqueue(store, [login("ann"), READY])
    one.listen(lambda: one.inputs.statistics().current_buffer_used == 2)

    agents.enqueue(store, [AgentEvent(AgentEventKind.HEARTBEAT, "bob")])
    two.listen(lambda: two.facts.statistics().current_buffer_used == 1)

    assert two.engine_was_told() == []
    assert [event.fields["agent"] for event in two.crm_was_told()] == ["bob"]


def test_what_nobody_can_use_is_refused_under_one_id(store: Store) -> None:
    """Two daemons refuse the same entry; for the CRM it is the same event."""
    stream = store.keys.agents_in()
    daemons = [ear(store, "one"), ear(store, "two")]
    trip(store, [("XADD", stream, "*", "json", "{}")])
    agents.enqueue(store, [login("ann", "spring", "sprung"), AgentEvent(AgentEventKind.PAUSE, "cat")])

    told = []
    for each in daemons:
        each.listen(lambda each=each: each.facts.statistics().current_buffer_used == 3)
        told.append(each.crm_was_told())
        assert each.engine_was_told() == []

    first, second = [[(event.kind, event.id, event.fields) for event in events] for events in told]
    assert first == second
    reasons = [event.fields["reason"] for event in told[0]]
    assert reasons[1:] == [
        "no campaign sprung; existing campaigns: spring",
        "pause does not fit an agent who is offline",
    ]


def test_a_draining_daemon_takes_no_new_agent(store: Store) -> None:
    """Who logs in while a daemon drains is for another one."""
    one, two = ear(store, "one"), ear(store, "two")
    one.feeds.logins.claims.closed = True
    agents.enqueue(store, [login("ann"), AgentEvent(AgentEventKind.PAUSE, "marker")])

    one.listen(lambda: one.facts.statistics().current_buffer_used == 1)
    two.listen(lambda: two.facts.statistics().current_buffer_used == 1)

    assert one.engine_was_told() == []
    assert two.engine_was_told() == [login("ann")]


def test_a_store_that_comes_back_is_read_on_where_it_was_left(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """No call starts meanwhile; what was said in that time is heard afterwards, once."""
    monkeypatch.setattr(feeds_module, "FIRST_PAUSE_S", 0.01)
    moods = Moods()
    one = ear(fickle(store, moods))
    agents.enqueue(store, [login("ann")])
    one.listen(lambda: one.inputs.statistics().current_buffer_used == 1)
    moods.down = True
    agents.enqueue(store, [READY])
    one.listen(lambda: NoCalls.REDIS in one.feeds.parts.health.reasons)
    moods.down = False

    one.listen(lambda: one.inputs.statistics().current_buffer_used == 2)

    assert one.engine_was_told() == [login("ann"), READY]


def test_a_host_goes_on_where_its_last_run_stopped(store: Store) -> None:
    """What desktops said while the daemon was restarted is not lost."""
    first = ear(store)
    agents.enqueue(store, [login("ann")])
    trio.run(first.feeds.begin)
    agents.enqueue(store, [login("bob")])

    second = ear(store)

    assert first.engine_was_told() == [login("ann")]
    assert second.engine_was_told() == [login("bob")]


def test_what_was_read_is_heard_although_the_feed_ends(store: Store) -> None:
    """A reading that is under way when the daemon stops marks entries as read, so it hands them on."""
    one = ear(store)

    async def main() -> None:
        with trio.fail_after(DEADLINE_S):
            async with trio.open_nursery() as nursery:
                nursery.start_soon(one.feeds.agents)
                await trio.testing.wait_all_tasks_blocked(0.05)
                nursery.cancel_scope.cancel()
                agents.enqueue(store, [login("ann")])

    trio.run(main)

    assert one.engine_was_told() == [login("ann")]


def test_a_reading_that_cannot_be_handed_on_does_not_hold_up_the_end(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The disk of the evidence hangs while outcomes are read: the feed gives up after its limit, stop or not."""
    monkeypatch.setattr(feeds_module, "FINISH_LIMIT_S", 0.05)
    one = ear(store)
    trip(store, [("XADD", store.keys.crm_in(), "*", "data", msgpack.packb({"type": "outcome"}))])

    async def never(_: object) -> bool:
        await trio.sleep_forever()
        raise AssertionError("unreachable")

    monkeypatch.setattr(one.feeds.parts.evidence, "keep", never)

    async def main() -> None:
        with trio.fail_after(DEADLINE_S), trio.CancelScope() as stop:
            stop.cancel()
            await one.feeds.crm()

    trio.run(main)


def test_a_desktop_that_says_too_much_is_heard_when_it_takes_its_agent_off_calls(store: Store) -> None:
    """Its changes beyond what a person does are refused, most of them in one sum; every pause is heard."""
    one = ear(store)
    agents.enqueue(store, [login("ann")])
    one.listen(lambda: "ann" in one.feeds.logins.claims.held)
    drained(one.inputs)

    flips = 300
    agents.enqueue(store, [READY, AgentEvent(AgentEventKind.PAUSE, "ann")] * flips)
    told: list[Input] = []
    one.listen(lambda: told.extend(one.engine_was_told()) or len([1 for each in told if is_pause(each)]) == flips)

    readies = [each for each in told if isinstance(each, AgentEvent) and each.kind is AgentEventKind.READY]
    refused = one.crm_was_told()
    assert len(readies) < 2 * logins_module.CHANGES_AT_ONCE
    assert {event.fields["reason"] for event in refused} == {logins_module.TOO_MANY}
    assert len(refused) < flips / 2


def is_pause(given: Input) -> bool:
    return isinstance(given, AgentEvent) and given.kind is AgentEventKind.PAUSE
