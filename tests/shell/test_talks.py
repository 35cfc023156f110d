"""Listening in, hold, conference and transfer, from the order or the desktop to the CRM: a real daemon, real SIP."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from dialer.cli import main
from dialer.store.operators import calls, control
from tests.crm_events import Heard
from tests.shell.rig import Rig, Site


@pytest.fixture(scope="module")
def site(rig: Rig) -> Iterator[Site]:
    """A daemon whose callees talk for 50 s if nobody ends it, two agents at work, and a phone that is always busy."""
    with rig.site("talks", chatty=rig.chatty.carrier_port) as site:
        busy = f"busy={rig.chatty.phone_uri('agent-busy')}"
        site.start(agents={"heartbeat_timeout_s": 300, "transfer_to": [busy]})
        site.campaign("long")
        site.log_in(rig.chatty, ["agent-1", "agent-2"], "long")
        yield site


@pytest.fixture
def talk(site: Site) -> Iterator[Heard]:
    """A talk; ended after the test, with one disposition."""
    site.until(lambda: site.agents_in("ready") == {"agent-1", "agent-2"}, "both agents are ready")
    before = len(site.talks("long"))
    site.leads("long", [f"+8613612{before:06}"])
    site.until(lambda: len(site.talks("long")) > before, "the callee talks to an agent")
    talk = site.talks("long")[-1]
    site.until(lambda: talk.id in listed(site), "the call is listed")
    yield talk
    if talk.id in listed(site):
        dialer_says(site, "call", "hangup", talk.id)
    site.until(lambda: ends(site, talk), "the talk has ended")
    assert [end.data["disposition"] for end in ends(site, talk)] == ["connected"]


def listed(site: Site) -> list[str]:
    """The calls on the line, as the daemon says them."""
    return [row.attempt_id for _, row in calls.read(site.store).rows]


def ends(site: Site, talk: Heard) -> list[Heard]:
    return [event for event in site.ends("long") if event.id == talk.id]


def states(site: Site, talk: Heard) -> list[str]:
    """What the desktops of a talk were told of it."""
    events = site.events("talk_state")
    return [event.data["talk"] for event in events if event.data["attempt_id"] == talk.id]


def dialer_says(site: Site, *arguments: str) -> Result:
    """A command of the operator's, as "ann"."""
    settings = site.folder / "one" / "dialer.toml"
    return CliRunner().invoke(main, ["--config", str(settings), "--who", "ann", *arguments])


def sockets(pid: int) -> int:
    """How many a process has open."""
    return sum(os.readlink(link).startswith("socket:") for link in Path(f"/proc/{pid}/fd").iterdir())


def other_of(talk: Heard) -> str:
    return "agent-2" if talk.data["agent"] == "agent-1" else "agent-1"


def test_a_supervisor_listens_whispers_and_stops(site: Site, rig: Rig, talk: Heard) -> None:
    """The phone rings and joins; the desktop and the audit trail hear of each change; the talk goes on."""
    agent = talk.data["agent"]
    began = dialer_says(site, "monitor", agent, "--to", rig.chatty.phone_uri("agent-boss"), "--json")
    assert began.exit_code == 0, began.output
    assert json.loads(began.stdout)["state"] == "joined"
    assert "The agent hears you" in dialer_says(site, "monitor", agent, "--whisper").stdout
    again = dialer_says(site, "monitor", agent, "--to", rig.chatty.phone_uri("agent-boss"))
    assert "already" in again.output, (again.output, ends(site, talk), states(site, talk))
    assert "no longer listen" in dialer_says(site, "monitor", agent, "--stop").stdout
    site.until(lambda: states(site, talk) == ["listen", "whisper", "unattended"], "the desktop knows it all")
    trail = list(reversed(control.audit_trail(site.store, 50)))  # two processes write it, neither waits for the other
    asked = [line.detail["mode"] for line in trail if line.what == "monitor"]
    heard = [(line.what, line.detail["mode"]) for line in trail if line.what in ("listening", "listening_over")]
    assert asked == ["listen", "whisper", "listen", "stop"]
    assert heard == [("listening", "listen"), ("listening", "whisper"), ("listening_over", "")]
    assert ends(site, talk) == []


@pytest.mark.parametrize(
    ("phone", "words"),
    [("sip:boss@192.0.2.1", "in no network of agents.hosts"), ("sip:boss@127.0.0.1:{carrier}", "not a phone")],
)
def test_a_phone_that_is_none_of_ours_is_not_rung(site: Site, rig: Rig, talk: Heard, phone: str, words: str) -> None:
    """As no agent could log in with it."""
    said = dialer_says(site, "monitor", talk.id, "--to", phone.format(carrier=rig.chatty.carrier_port))
    assert said.exit_code == 7
    assert words in said.output


def test_who_is_not_there_cannot_be_listened_to(site: Site) -> None:
    """A name that nobody has is said at once."""
    assert dialer_says(site, "monitor", "agent-9", "--to", "sip:boss@127.0.0.1").exit_code == 6


def test_a_callee_is_put_on_hold(site: Site, talk: Heard) -> None:
    """And taken off it."""
    site.say(talk.data["agent"], "hold")
    site.until(lambda: states(site, talk) == ["held"], "the callee is on hold")
    site.say(talk.data["agent"], "resume")
    site.until(lambda: states(site, talk) == ["held", "resumed"], "both talk again")


def test_a_talk_is_passed_on_to_a_colleague(site: Site, talk: Heard) -> None:
    """The first agent is ready again while the colleague talks, and the disposition names the colleague."""
    first, second = talk.data["agent"], other_of(talk)
    site.say(first, "transfer", to=second)
    site.until(lambda: states(site, talk) == ["ringing", "joined", "passed_on"], "the talk is passed on")
    site.until(lambda: site.agents_in("ready") == {first}, "the first agent is ready")
    assert site.agents_in("talking") == {second}
    dialer_says(site, "call", "hangup", talk.id)
    site.until(lambda: ends(site, talk), "the talk has ended")
    assert ends(site, talk)[0].data["agent"] == second


def test_a_talk_is_left_to_a_queue(site: Site, talk: Heard) -> None:
    """The callee waits alone until an agent is free; the one who left the talk has wrap-up and is not rung again."""
    first, second = talk.data["agent"], other_of(talk)
    site.say(second, "pause")
    site.until(lambda: site.agents_in("paused") == {second}, "the colleague is away")
    site.say(first, "transfer", to="queue:long")
    site.until(lambda: site.agents_in("ready") == {first}, "the first agent is ready")
    assert (states(site, talk), talk.id in listed(site)) == (["queued"], True)
    site.say(second, "ready")
    site.until(lambda: states(site, talk) == ["queued", "ringing", "joined", "passed_on"], "the colleague has the talk")
    dialer_says(site, "call", "hangup", talk.id)
    site.until(lambda: ends(site, talk), "the talk has ended")
    assert ends(site, talk)[0].data["agent"] == second


def test_a_transfer_that_fails_and_one_that_may_not_be(site: Site, talk: Heard) -> None:
    """The talk goes on; the desktop hears why."""
    site.say(talk.data["agent"], "transfer", to="busy", ref="t1")
    site.until(lambda: states(site, talk) == ["ringing", "failed"], "the agent is told")
    (failed,) = [event for event in site.events("talk_state") if event.data["talk"] == "failed"]
    assert (failed.data["reason"], failed.data["ref"], failed.data["to"]) == ("the phone is busy", "t1", "busy")
    site.say(talk.data["agent"], "transfer", to="+861361234567", ref="t2")
    site.until(lambda: any(event.data["ref"] == "t2" for event in site.events("agent_event_refused")), "it is refused")


def test_a_conference_outlives_the_colleague_and_the_agents_leg(site: Site, talk: Heard) -> None:
    """A colleague joins; the agent passes the talk on to the one who has joined."""
    first, second = talk.data["agent"], other_of(talk)
    site.say(first, "conference", to=second)
    site.until(lambda: states(site, talk) == ["ringing", "joined"], "the colleague has joined")
    assert site.agents_in("talking") == {first, second}
    site.say(first, "transfer")
    site.until(lambda: states(site, talk)[-1] == "passed_on", "the talk is the colleague's")
    site.until(lambda: site.agents_in("talking") == {second}, "the first agent is free")


def test_the_death_of_a_supervisors_worker_ends_no_talk(site: Site, rig: Rig, talk: Heard) -> None:
    """The talk goes on, the supervisor's line is gone, and the worker is back for the next one."""
    (dialer,) = site.daemons
    before = set(dialer.workers())
    began = dialer_says(site, "monitor", talk.id, "--to", rig.chatty.phone_uri("agent-boss"), "--json")
    assert began.exit_code == 0, began.output
    assert json.loads(began.stdout)["state"] == "joined"
    *_, partys, _ = sorted(dialer.workers(), key=sockets)  # the talk's has two legs, the party's one, the others none
    os.kill(partys, signal.SIGKILL)
    site.until(lambda: states(site, talk)[-1] == "unattended", "the listening is over")
    assert ends(site, talk) == []
    site.until(lambda: len(set(dialer.workers()) - before) == 1, "another worker is there")
