"""`dialer agent pause` and `logout`, and the board's keys that do the same, against a real server."""

from __future__ import annotations

import time

import pytest

from config.daemon import DaemonSettings
from config.policies import Catalogue
from dialer.cli.base.failures import CliExit
from dialer.cli.live.floor_app import Order
from dialer.cli.live.floor_orders import orders
from dialer.core.agents.agent import AgentEvent, AgentEventKind, AgentState
from dialer.core.board import AgentRow
from dialer.core.inputs import CampaignState
from dialer.operating.agent_lines import AgentLine
from dialer.operating.desk import Desk
from dialer.store.base.connection import Store
from dialer.store.operators import agents, campaigns, control
from dialer.store.operators.agents import Heard, Presence
from tests.cli.conftest import Dialer, campaign_row, data


@pytest.fixture
def ann(store: Store) -> None:
    agents.show(store, [Presence("ann", AgentState.TALKING, time.time(), "", ("spring",), "dial-1:1")])


def told(store: Store) -> list[AgentEvent]:
    entries, _ = agents.read(store, "test", "0", 10, 0)
    return [entry.event for entry in entries if isinstance(entry, Heard)]


@pytest.mark.usefixtures("ann")
def test_an_agent_is_told_as_the_desktop_would(dialer: Dialer, store: Store) -> None:
    """The daemon hears of it, and the audit trail says who wanted it."""
    assert data(dialer("agent", "pause", "ann", "--reason", "meeting", "--json"))["told"] == "pause"
    assert "is logged out" in dialer("agent", "logout", "ann").stdout

    assert told(store) == [
        AgentEvent(AgentEventKind.PAUSE, "ann", reason="meeting"),
        AgentEvent(AgentEventKind.LOGOUT, "ann"),
    ]
    trail = [(line.what, line.who, line.detail["agent"]) for line in control.audit_trail(store, 10)]
    assert trail == [("agent_logout", "tester@here", "ann"), ("agent_pause", "tester@here", "ann")]


@pytest.mark.usefixtures("ann")
def test_nobody_is_told_who_is_not_there(dialer: Dialer, store: Store) -> None:
    """A mistyped name changes nothing."""
    result = dialer("agent", "pause", "anne")

    assert result.exit_code == CliExit.NOT_FOUND
    assert "no agent 'anne' is logged in" in result.stderr
    assert told(store) == []


@pytest.mark.usefixtures("ann")
def test_the_boards_keys_do_what_the_commands_do(store: Store, spring: str) -> None:
    """Each under the name of whoever looks; what makes no sense is answered with why."""
    keys = orders(Desk(store, DaemonSettings(), Catalogue, "boss"))
    campaigns.set_state(store, spring, CampaignState.RUNNING, who="boss", now=time.time())
    row = AgentRow("ann", "", "talking", time.time(), "", spring)

    pause = keys.pause_campaign(campaign_row(spring, state="running"))
    assert isinstance(pause, Order)
    pause.do()
    assert campaigns.get(store, spring).state is CampaignState.PAUSED
    go_on = keys.pause_campaign(campaign_row(spring, state="paused"))
    assert isinstance(go_on, Order)
    go_on.do()
    assert campaigns.get(store, spring).state is CampaignState.RUNNING
    assert "dialer campaign start" in str(keys.pause_campaign(campaign_row(spring, state="stopped")))

    for order in (keys.pause_agent, keys.log_out_agent):
        given = order(AgentLine(row, "dial-1", 5.0, -5.0))
        assert isinstance(given, Order)
        given.do()
    assert [event.kind for event in told(store)] == [AgentEventKind.PAUSE, AgentEventKind.LOGOUT]
    paused = AgentLine(AgentRow("ann", "", "paused", time.time(), "", spring), "dial-1", 5.0, -5.0)
    assert "is paused already" in str(keys.pause_agent(paused))
