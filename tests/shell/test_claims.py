"""Whose agents are whose: claims that outlive outages and do not outlive agents."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import TypeVar

import pytest
import trio

from config.daemon import DaemonSettings, HostSettings
from dialer.core.agents.agent import Agent, AgentState
from dialer.shell.health import NoCalls
from dialer.shell.tasks import claims as module
from dialer.shell.tasks.claims import CLAIM_BEATS, Claims
from dialer.store.base.connection import Store, trip
from dialer.store.operators import agents, status
from tests.shell.some_parts import some_parts

OURS, THEIRS = "one:1", "two:1"
TTL_S = 60.0

T = TypeVar("T")


@pytest.fixture
def claims(store: Store) -> Claims:
    """The claims of one daemon with an empty roster."""
    settings = DaemonSettings(host=HostSettings(lease_s=60.0, heartbeat_s=TTL_S / CLAIM_BEATS))
    return Claims(some_parts(store, owner=OURS, settings=settings))


def do(step: Callable[..., Awaitable[T]], *args: str) -> T:
    return trio.run(step, *args)


def come(claims: Claims, name: str) -> None:
    """The engine has taken the agent's login."""
    claims.parts.engine.state.roster.put(
        Agent(name, "sip:a@b", ("spring",), "", AgentState.READY, since=0.0, heard_at=0.0)
    )


def holder(store: Store, name: str) -> str:
    held = trip(store, [("GET", store.keys.agent_claim(name))])[0]
    return held.decode() if held else ""


def test_an_agent_belongs_to_whoever_is_first(claims: Claims, store: Store) -> None:
    """Another daemon's agent is not taken, and is known to be somebody's."""
    agents.claim(store, ["bob"], THEIRS, TTL_S)

    assert do(claims.take, "ann") is True
    assert do(claims.take, "bob") is False

    assert claims.held == {"ann"}
    assert do(claims.is_anybodys, "bob") is True
    assert do(claims.is_anybodys, "cat") is False


def test_a_claim_that_lapsed_is_taken_again(claims: Claims, store: Store) -> None:
    """Redis was away for longer than claims last: the agents are still there, so the claims are renewed."""
    do(claims.take, "ann")
    come(claims, "ann")
    trip(store, [("DEL", store.keys.agent_claim("ann"))])

    assert do(claims.keep) == ()

    assert holder(store, "ann") == OURS


def test_an_agent_whom_another_daemon_took_is_lost(claims: Claims, store: Store) -> None:
    """The claim lapsed, and the agent has logged in elsewhere: said once, and not fought over."""
    do(claims.take, "ann")
    come(claims, "ann")
    trip(store, [("SET", store.keys.agent_claim("ann"), THEIRS)])

    assert do(claims.keep) == ("ann",)
    assert do(claims.keep) == ()

    assert holder(store, "ann") == THEIRS


def test_a_claim_is_given_back_after_logout(claims: Claims, store: Store) -> None:
    """The agent has left the roster, for longer than a login takes to get there."""
    do(claims.take, "ann")

    do(claims.keep)
    assert holder(store, "ann") == OURS, "the login may be on its way to the engine"
    do(claims.keep)

    assert holder(store, "ann") == ""
    assert claims.held == set()


def test_who_logs_in_again_keeps_the_claim(claims: Claims, store: Store) -> None:
    """A logout and a login between two beats, the login not yet with the engine: the claim stays."""
    do(claims.take, "ann")
    do(claims.keep)
    assert do(claims.take, "ann") is True

    do(claims.keep)

    assert holder(store, "ann") == OURS


def test_all_are_given_up_at_the_end(claims: Claims, store: Store) -> None:
    """Other daemons may have the agents as soon as this one has stopped."""
    for name in ("ann", "bob"):
        do(claims.take, name)
        come(claims, name)

    do(claims.give_up)

    assert holder(store, "ann") == holder(store, "bob") == ""
    assert claims.held == set()


def board_of(store: Store, host: str, **changes: object) -> None:
    status.publish(store, host, {"state": "running", "no_new_calls": [], **changes}, now=1.0, ttl=60.0)


def test_a_host_that_cannot_call_lets_its_agents_go_to_one_that_can(
    claims: Claims, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """For a reason of its own, after a while, and only those in no call; who logs in meanwhile is the other one's."""
    for name in ("ann", "bob"):
        do(claims.take, name)
        come(claims, name)
    roster = claims.parts.engine.state.roster
    roster.put(replace(roster.agents["bob"], state=AgentState.TALKING, call="A1"))
    claims.parts.health.stop_calls(NoCalls.CLOCKS, "60 s ahead")
    board_of(store, "two")
    assert do(claims.to_let_go) == ()

    monkeypatch.setattr(module, "UNFIT_S", 0.0)
    assert do(claims.to_let_go) == ("ann",)
    assert do(claims.take, "cat") is False

    claims.parts.health.allow_calls(NoCalls.CLOCKS)
    assert do(claims.to_let_go) == ()
    assert do(claims.take, "cat") is True


@pytest.mark.parametrize(
    ("reason", "other"),
    [
        (NoCalls.CLOCKS, {"no_new_calls": ["its disk is full"]}),
        (NoCalls.CLOCKS, {"state": "draining"}),
        (NoCalls.REDIS, {}),
        (NoCalls.FORGOT, {}),
    ],
)
def test_where_nobody_else_can_call_agents_stay(
    claims: Claims, store: Store, monkeypatch: pytest.MonkeyPatch, reason: NoCalls, other: dict[str, object]
) -> None:
    """Or where the reason is one that all hosts have."""
    monkeypatch.setattr(module, "UNFIT_S", 0.0)
    do(claims.take, "ann")
    come(claims, "ann")
    claims.parts.health.stop_calls(reason, "x")
    board_of(store, "two", **other)
    board_of(store, claims.parts.host, no_new_calls=[])

    assert do(claims.to_let_go) == ()
    assert do(claims.take, "cat") is True
