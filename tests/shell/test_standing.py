"""Agents whose phones stay on the line, from the login to the logout: a real daemon, real SIP on both legs."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator

import pytest

from tests.shell.rig import Rig, Site

AGENT = "agent-standing"


@pytest.fixture(scope="module")
def site(rig: Rig) -> Iterator[Site]:
    """A daemon with room for two phones on the line, and an agent at work."""
    with rig.site("standing", chatty=rig.chatty.carrier_port) as site:
        site.start(sip={"max_lines": 2}, agents={"connection": "standing", "standing_most": 2})
        site.campaign("long")
        site.log_in(rig.chatty, [AGENT], "long")
        yield site


def reasons(site: Site, state: str) -> list[str]:
    """Why the agent was in a state, each time."""
    told = [event.data for event in site.events("agent_state")]
    return [data["reason"] for data in told if data["agent"] == AGENT and data["state"] == state]


def test_talks_come_over_the_standing_leg(site: Site) -> None:
    """The agent is ready once the phone has answered; talk after talk begins without a ring, and the phone stays."""
    site.until(lambda: site.agents_in("ready") == {AGENT}, "the agent is ready")
    assert reasons(site, "paused") == ["login", "phone is rung; pick it up"]
    for number in ("+8613612000001", "+8613612000002"):
        before = len(site.talks("long"))
        site.leads("long", [number])
        site.until(lambda before=before: len(site.talks("long")) > before, "the callee talks to the agent")
        site.say(AGENT, "hangup")
        site.until(lambda: site.agents_in("ready") == {AGENT}, "the agent is ready again")
    assert len(reasons(site, "paused")) == 2


def test_a_phone_that_is_lost_is_rung_again(site: Site) -> None:
    """The worker that kept it is killed: the agent is away, in words, until the phone has answered once more."""
    site.until(lambda: site.agents_in("ready") == {AGENT}, "the agent is ready")
    for pid in site.daemons[0].workers():
        os.kill(pid, signal.SIGKILL)
    site.until(lambda: "line to the phone broke; it is rung again" in reasons(site, "paused"), "the agent is away")
    site.until(lambda: site.agents_in("ready") == {AGENT}, "the agent is ready again")


def test_a_phone_that_cannot_be_had_leaves_its_agent_away(site: Site, rig: Rig) -> None:
    """The login holds, and the CRM reads why."""
    site.log_in(rig.chatty, ["agent-busy"], "long")
    busy = "phone is busy; it is rung again"
    site.until(lambda: busy in [e.data["reason"] for e in site.events("agent_state")], "the CRM reads why")
    site.say("agent-busy", "logout")
    site.until(lambda: "agent-busy" not in site.agents_in("paused"), "the agent has gone")
