"""Agents who log in: their phones are asked, and nobody waits for somebody else's."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, cast

import pytest
import trio

from config.agents.settings import AgentSettings
from config.campaign import CampaignSettings
from config.daemon import DaemonSettings
from config.edge import EdgeSettings
from config.sip import TrunkSettings
from dialer.core.agents.agent import Agent, AgentEvent, AgentEventKind, AgentState
from dialer.shell.tasks.claims import Claims
from dialer.shell.tasks.logins import HELD_LIMIT, Logins
from dialer.store.base.connection import Store, trip
from dialer.store.operators import campaigns
from dialer.store.operators.agents import Heard
from dialer.store.settlement.outbox import CrmEvent
from pacing.api import Mode
from tests.shell.some_parts import inputs_of, some_parts

DEADLINE_S = 10.0


@pytest.fixture
def store(store: Store) -> Store:
    """A store with one campaign, spring."""
    settings = CampaignSettings(name="spring", mode=Mode.PROGRESSIVE, caller_id="+861065550000")
    campaigns.create(store, settings, who="test", now=time.time())
    return store


def desk(store: Store, host: str = "one", *, probe_limit_s: float = 2.0, **settings: Any) -> Logins:
    """What one daemon does with its logins."""
    agents = AgentSettings(probe_limit_s=probe_limit_s)
    parts = some_parts(store, host=host, owner=f"{host}:1", settings=DaemonSettings(agents=agents, **settings))
    return Logins(parts, Claims(parts))


@contextmanager
def phone(status: str = "200 OK") -> Iterator[str]:
    """A phone that answers OPTIONS with a status ("": with nothing); its URI."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as line:
        line.bind(("127.0.0.1", 0))
        line.settimeout(DEADLINE_S)

        def answer() -> None:
            while True:
                data, source = line.recvfrom(4096)
                if not data:
                    return
                kept = data.decode().split("\r\n")[1:7]
                if status:
                    line.sendto("\r\n".join([f"SIP/2.0 {status}", *kept, "", ""]).encode(), source)

        thread = threading.Thread(target=answer)
        thread.start()
        try:
            yield f"sip:17@127.0.0.1:{line.getsockname()[1]}"
        finally:
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as end:
                end.sendto(b"", line.getsockname())
            thread.join()


def login(agent: str, uri: str) -> Heard:
    return Heard(f"1-{agent}", AgentEvent(AgentEventKind.LOGIN, agent, uri, ("spring",)))


def says(agent: str, kind: AgentEventKind) -> Heard:
    return Heard(f"2-{agent}", AgentEvent(kind, agent))


def told(logins: Logins) -> tuple[list[tuple[str, str]], list[str]]:
    """What the engine hears (agent, kind), and the reasons of the refusals."""
    events = [cast("AgentEvent", event) for event in inputs_of(logins.parts)]
    reasons = []
    while logins.parts.queues.facts_to_write.statistics().current_buffer_used:
        reasons.append(cast("CrmEvent", logins.parts.queues.facts_to_write.receive_nowait()).fields["reason"])
    return [(event.agent, event.kind.value) for event in events], reasons


def hear(logins: Logins, *heard: Heard, until: Callable[[int, int], bool]) -> None:
    """Hear these, until so many inputs and refusals are there."""

    async def main() -> None:
        queues = logins.parts.queues
        with trio.fail_after(DEADLINE_S):
            async with trio.open_nursery() as nursery:
                nursery.start_soon(logins.run)
                for each in heard:
                    await logins.hear(each)
                while not until(
                    queues.inputs.statistics().current_buffer_used,
                    queues.facts_to_write.statistics().current_buffer_used,
                ):
                    await trio.sleep(0.01)
                    await trio.lowlevel.checkpoint()
                nursery.cancel_scope.cancel()

    trio.run(main)


@pytest.mark.parametrize("status", ["200 OK", "486 Busy Here", "405 Method Not Allowed", "501 Not Implemented"])
def test_a_phone_that_is_there_is_taken(store: Store, status: str) -> None:
    """Whatever it answers to OPTIONS, as long as it is there; what follows the login is heard after it."""
    logins = desk(store)
    with phone(status) as uri:
        hear(logins, login("ann", uri), says("ann", AgentEventKind.READY), until=lambda inputs, _: inputs == 2)
    assert told(logins) == ([("ann", "login"), ("ann", "ready")], [])
    assert logins.claims.held == {"ann"}


@pytest.mark.parametrize(
    ("status", "why"),
    [
        ("404 Not Found", "takes no calls: 404 Not Found"),
        ("480 Temporarily Unavailable", "takes no calls: 480"),
        ("503 Service Unavailable", "takes no calls: 503"),
        ("", "cannot be reached: no answer to OPTIONS within 0.2 s"),
    ],
)
def test_a_phone_that_is_not_there_is_refused_with_the_reason(store: Store, status: str, why: str) -> None:
    """The desktop reads why; the agent belongs to nobody, and what was said meanwhile does not fit."""
    logins = desk(store, probe_limit_s=0.2)
    with phone(status) as uri:
        hear(logins, login("ann", uri), says("ann", AgentEventKind.READY), until=lambda _, refused: refused == 2)
    inputs, reasons = told(logins)
    assert inputs == []
    assert why in reasons[0]
    assert reasons[1] == "ready does not fit an agent who is offline"
    assert logins.claims.held == set()
    keys = store.keys
    assert trip(store, [("EXISTS", keys.agent_claim("ann")), ("KEYS", keys.phone_claim("*"))]) == [0, []]


def test_a_silent_phone_keeps_nobody_waiting(store: Store) -> None:
    """Others log in and are heard while one phone is still being asked."""
    logins = desk(store, probe_limit_s=5.0)
    with phone("") as silent, phone() as uri:
        hear(
            logins,
            *(login("ann", silent), login("bob", uri), says("bob", AgentEventKind.READY)),
            until=lambda inputs, _: inputs == 2,
        )
        assert told(logins) == ([("bob", "login"), ("bob", "ready")], [])


def test_what_a_desktop_says_while_its_phone_is_asked_is_bounded(store: Store) -> None:
    """Beyond the limit entries are refused, not kept."""
    logins = desk(store, probe_limit_s=5.0)
    beats = [says("ann", AgentEventKind.HEARTBEAT)] * (HELD_LIMIT + 3)
    with phone("") as silent:
        hear(logins, login("ann", silent), *beats, until=lambda _, refused: refused >= 3)
    assert set(told(logins)[1]) == {"too much was said while the phone was being looked at"}


def test_a_trunk_and_strangers_are_never_an_agents_phone(store: Store) -> None:
    """A login that names a trunk, or a host that is not permitted, is refused and dials nobody."""
    logins = desk(store, trunks=(TrunkSettings(name="north", host="10.1.1.1"),))
    hear(
        logins,
        login("ann", "sip:+19005551234@10.1.1.1"),
        login("bob", "sip:17@203.0.113.9"),
        until=lambda _, refused: refused == 2,
    )
    inputs, reasons = told(logins)
    assert inputs == []
    assert set(reasons) == {
        "uri: 10.1.1.1:5060 is trunk north, not a phone",
        "uri: 203.0.113.9 is in no network of agents.hosts",
    }


def test_one_phone_is_one_agents_whichever_daemon(store: Store) -> None:
    """The second agent is refused, also by another daemon, until the first has left."""
    one, two = desk(store, "one", probe_limit_s=0), desk(store, "two", probe_limit_s=0)
    hear(one, login("ann", "sip:17@127.0.0.1:5070"), until=lambda inputs, _: inputs == 1)
    for logins in (one, two):
        hear(logins, login("bob", "sip:%317@127.0.0.1:5070;line=2"), until=lambda _, refused: refused == 1)
        assert told(logins)[1] == ["uri: another agent has logged in with this phone"]
    assert trip(store, [("EXISTS", store.keys.agent_claim("bob"))]) == [0]

    trio.run(one.claims.give_up)
    hear(two, login("bob", "sip:17@127.0.0.1:5070"), until=lambda inputs, _: inputs == 1)


def test_an_agent_who_takes_another_phone_leaves_the_first(store: Store) -> None:
    """Logging in again with another phone frees the one before; with the same it keeps it."""
    logins = desk(store, probe_limit_s=0)
    for port in (5070, 5070, 5071):
        hear(logins, login("ann", f"sip:17@127.0.0.1:{port}"), until=lambda inputs, _: inputs >= 1)
    hear(logins, login("bob", "sip:17@127.0.0.1:5070"), until=lambda inputs, _: inputs == 4)
    hear(logins, login("cat", "sip:17@127.0.0.1:5071"), until=lambda _, refused: refused == 1)


def test_the_phone_of_an_agent_in_a_talk_stays(store: Store) -> None:
    """A login that does not fit the agent's state is the engine's to refuse, and claims nothing."""
    logins = desk(store, probe_limit_s=0)
    talking = Agent("ann", "sip:17@127.0.0.1:5070", ("spring",), "", AgentState.TALKING, since=0.0, heard_at=0.0)
    logins.parts.engine.state.roster.put(talking)
    hear(logins, login("ann", "sip:17@127.0.0.1:5071"), until=lambda inputs, _: inputs == 1)
    assert trip(store, [("EXISTS", store.keys.phone_claim("17@127.0.0.1:5071"))]) == [0]


def test_an_agent_whose_phone_somebody_else_has_is_lost(store: Store) -> None:
    """Redis forgot the claim, and another agent took the phone: whoever has it keeps it."""
    logins = desk(store, probe_limit_s=0)
    hear(logins, login("ann", "sip:17@127.0.0.1:5070"), until=lambda inputs, _: inputs == 1)
    logins.parts.engine.state.roster.put(
        Agent("ann", "sip:17@127.0.0.1:5070", ("spring",), "", AgentState.READY, since=0.0, heard_at=0.0)
    )
    claim = store.keys.phone_claim("17@127.0.0.1:5070")
    trip(store, [("SET", claim, "bob")])

    assert trio.run(logins.claims.keep) == ("ann",)

    assert trip(store, [("GET", claim), ("EXISTS", store.keys.agent_claim("ann"))]) == [b"bob", 0]


def test_behind_an_edge_the_edge_is_asked_for_the_phone(store: Store) -> None:
    """It knows whether the phone has registered, and passes the question on; phones elsewhere are refused."""
    with phone("480 Not Registered") as at:
        port = int(at.rpartition(":")[2])
        edge = EdgeSettings(
            used=True, address="192.0.2.10", phones_domain="phones.example", phones_file="/phones", phones_port=port
        )
        logins = desk(store, edge=edge)
        hear(
            logins,
            *(login("ann", "sip:17@phones.example"), login("bob", "sip:18@10.0.0.5")),
            until=lambda _, refused: refused == 2,
        )
    assert set(told(logins)[1]) == {
        "the phone 17@phones.example:5060 takes no calls: 480 Not Registered",
        "uri: phones register at the edge; it must be sip:USER@phones.example",
    }
