"""Agents: their words, their owners, their presence."""

from __future__ import annotations

import json
from typing import Any

import msgpack
import pytest

from dialer.core.agents.agent import AgentEvent, AgentEventKind, AgentState
from dialer.store.base.connection import Store, trip
from dialer.store.base.streams import Entry
from dialer.store.operators import agents
from dialer.store.operators.agents import Heard, Malformed, Presence
from tests.store.conftest import NOW, OWNER

LOGIN = AgentEvent(
    AgentEventKind.LOGIN,
    "17",
    "sip:17@10.0.0.5",
    ("spring",),
    "north",
    shift_ends_at=1_772_500_000.0,
    name="李娜",
    connection="standing",
)
LOGIN_SAID = {"type": "login", "agent": "17", "uri": "sip:17@10.0.0.5", "campaigns": ["spring"]}


def said(store: Store, body: Any) -> Heard | Malformed:
    trip(store, [("DEL", store.keys.agents_in()), ("XADD", store.keys.agents_in(), "*", "json", json.dumps(body))])
    return agents.read(store, "host-a", "0", 10, 0)[0][0]


def test_a_presence_table_that_went_back_is_put_right(store: Store) -> None:
    """Of one's own agents: who left meanwhile is gone from it, who came is there; others' rows are theirs."""

    def row(agent: str, owner: str) -> agents.Presence:
        return agents.Presence(agent, AgentState.READY, 1.0, "", ("spring",), owner)

    agents.show(store, [row("17", "a:1"), row("18", "a:1"), row("19", "b:1")])

    agents.show_all(store, [row("18", "a:1"), row("20", "a:1")], "a:1")

    assert [one.agent for one in agents.listing(store)] == ["18", "19", "20"]


def test_what_a_desktop_says_is_heard_by_every_host(store: Store) -> None:
    """In order, by each for itself."""
    agents.enqueue(store, [LOGIN, AgentEvent(AgentEventKind.PAUSE, "17", reason="lunch")])

    for host in ("host-a", "host-b"):
        heard, _ = agents.read(store, host, "0", 10, 0)
        assert [one.event for one in heard if isinstance(one, Heard)] == [
            LOGIN,
            AgentEvent(AgentEventKind.PAUSE, "17", reason="lunch"),
        ]


def test_a_host_goes_on_where_it_left_off(store: Store) -> None:
    """New hosts begin with what is new; nothing falls between two reads or into a restart."""
    agents.enqueue(store, [LOGIN])
    nothing, cursor = agents.read(store, "host-a", "", 10, 0)
    agents.enqueue(store, [LOGIN])
    one, _ = agents.read(store, "host-a", cursor, 10, 0)
    agents.enqueue(store, [AgentEvent(AgentEventKind.READY, "17")])
    after_restart, cursor = agents.read(store, "host-a", "", 10, 0)

    assert (len(nothing), len(one), len(after_restart)) == (0, 1, 1)
    assert agents.read(store, "host-a", cursor, 10, 20) == ((), cursor)


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ([], "must be a map of fields"),
        ({"agent": "17"}, "type: missing"),
        ({"type": "lost", "agent": "17"}, "type: must be one of login"),
        ({"type": "ready"}, "agent: missing"),
        ({"type": "ready", "agent": "a}b"}, "agent: must be letters"),
        ({"type": "login", "agent": "17", "uri": "http://x", "campaigns": ["a"]}, "uri: must begin with sip:"),
        ({"type": "login", "agent": "17", "campaigns": ["a"]}, "uri: a login needs it"),
        ({"type": "login", "agent": "17", "uri": "sip:1@a"}, "campaigns: a login needs it"),
        ({"type": "login", "agent": "17", "uri": "sip:1@a", "campaigns": [7]}, "campaigns[0]: must be text"),
        ({"type": "pause", "agent": "17", "reason": "x" * 65}, "reason: longer than 64 characters"),
        (LOGIN_SAID | {"shift_ends_at": "18:00"}, "shift_ends_at: not an ISO 8601 time"),
        (LOGIN_SAID | {"connection": "wire"}, "connection: must be one of default, rung, standing"),
        ({"type": "ready", "agent": "17", "shoe": 1}, "unknown field 'shoe'"),
        ({"type": "dial", "agent": "17"}, "lead_id: missing"),
        ({"type": "skip", "agent": "17", "lead_id": " "}, "lead_id: empty"),
        ({"type": "dial", "agent": "17", "lead_id": 5}, "lead_id: must be text"),
        ({"type": "dial", "agent": "17", "lead_id": "x" * 65}, "lead_id: longer than 64 characters"),
    ],
)
def test_a_malformed_word_has_its_reason(store: Store, body: Any, reason: str) -> None:
    """One fault, one reason, so that the sender can be told."""
    heard = said(store, body)

    assert isinstance(heard, Malformed)
    assert [text[: len(reason)] for text in heard.reasons] == [reason]


def test_what_an_agent_decides_is_heard(store: Store) -> None:
    """Which lead, and why it is skipped."""
    words = [
        AgentEvent(AgentEventKind.DIAL, "17", lead_id="L1"),
        AgentEvent(AgentEventKind.SKIP, "17", reason="spoke to her", lead_id="L2"),
    ]

    agents.enqueue(store, words)

    assert [one.event for one in agents.read(store, "host-a", "0", 10, 0)[0] if isinstance(one, Heard)] == words


def test_an_agent_belongs_to_one_owner(store: Store) -> None:
    """Claims exclude each other, are renewed and given up by their owner alone."""
    assert agents.claim(store, ["17", "18"], OWNER, 60) == ("17", "18")
    assert agents.claim(store, ["17", "19"], "other:1", 60) == ("19",)

    assert agents.renew(store, ["17", "19"], OWNER, 60) == ("19",)
    assert agents.release(store, ["17", "19"], "other:1") == 1
    assert agents.claim(store, ["19"], OWNER, 60) == ("19",)
    assert trip(store, [("PTTL", store.keys.agent_claim("19"))])[0] > 59_000


def test_presence_is_listed_until_offline(store: Store) -> None:
    """By agent; who logs out is gone."""
    row = Presence("17", AgentState.READY, NOW, "", ("spring",), OWNER)
    agents.show(store, [row, Presence("16", AgentState.PAUSED, NOW, "lunch", (), OWNER)])
    assert [one.agent for one in agents.listing(store)] == ["16", "17"]

    agents.show(store, [Presence("16", AgentState.OFFLINE, NOW, "logout", (), OWNER)])

    assert agents.listing(store) == (row,)


@pytest.mark.parametrize("agent", ["13812345678", "+8613812345678", "a-138.1234.5678"])
def test_an_agent_whose_name_is_a_phone_number_is_refused(agent: str) -> None:
    """Names are shown on boards, in events and logs; the refusal does not repeat it."""
    heard = agents.parse(Entry("1-0", {b"event": msgpack.packb({"type": "ready", "agent": agent})}))

    assert isinstance(heard, Malformed)
    assert heard.reasons == ("agent: reads like a phone number, and agents are shown and logged by name",)
    assert heard.agent == ""
