"""Talks that our side ends, from the order to what the CRM hears: a real daemon, real SIP on both legs."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from click.testing import CliRunner

from dialer.cli import main
from tests.crm_events import Heard
from tests.shell.rig import Rig, Site


@pytest.fixture(scope="module")
def site(rig: Rig) -> Iterator[Site]:
    """A daemon whose callees talk for 50 s if nobody ends it, and two agents at work."""
    with rig.site("hanging-up", chatty=rig.chatty.carrier_port) as site:
        site.start()
        site.campaign("long")
        site.log_in(rig.quick, ["agent-1", "agent-2"], "long")
        yield site


def talk_of(site: Site, number: str) -> Heard:
    """A new talk."""
    before = len(site.talks("long"))
    site.leads("long", [number])
    site.until(lambda: len(site.talks("long")) > before, "the callee talks to an agent")
    return site.talks("long")[-1]


def end_of(site: Site, talk: Heard) -> Heard:
    """What the CRM hears at its end."""

    def ends() -> list[Heard]:
        return [event for event in site.ends("long") if event.id == talk.id]

    site.until(ends, "the talk has ended", 10)
    (end,) = ends()
    return end


def dialer_says(site: Site, *arguments: str) -> str:
    """What a command of the operator's prints."""
    settings = site.folder / "one" / "dialer.toml"
    done = CliRunner().invoke(main, ["--config", str(settings), *arguments])
    assert done.exit_code == 0, done.output
    return done.stdout


def listed(site: Site) -> list[str]:
    """The calls of `dialer call list`."""
    done = CliRunner().invoke(main, ["--config", str(site.folder / "one" / "dialer.toml"), "call", "list", "--json"])
    return [row["attempt_id"] for row in json.loads(done.stdout)["calls"]]


def test_an_operator_ends_a_talk_with_dialer_call_hangup(site: Site) -> None:
    """BYE to both, and the CRM hears of a talk that an operator ended; the agent wraps up and takes the next."""
    talk = talk_of(site, "+8613612000001")
    site.until(lambda: listed(site) == [talk.id], "the call is listed")
    assert "hangs up the call" in dialer_says(site, "call", "hangup", talk.id)
    end = end_of(site, talk)
    assert (end.data["disposition"], end.data["cause"], end.data["ended_by"]) == ("connected", "operator", "dialer")
    site.until(lambda: site.agents_in("ready") == {"agent-1", "agent-2"}, "both are ready again")
    site.until(lambda: listed(site) == [], "no call is listed any more")


def test_an_agent_ends_a_talk_with_a_hangup_event(site: Site) -> None:
    """The desktop's button: the same end, with the agent as its cause."""
    talk = talk_of(site, "+8613612000002")
    site.say(talk.data["agent"], "hangup")
    end = end_of(site, talk)
    assert (end.data["disposition"], end.data["cause"]) == ("connected", "agent")
    site.until(lambda: site.agents_in("ready") == {"agent-1", "agent-2"}, "both are ready again")
