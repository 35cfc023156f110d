"""A daemon, real calls, and callees who press a key: a survey after a talk, a reminder, and press-1 with an agent."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from dialer.store.leads import intake
from sip.loopback.process import start_loopback
from tests.config.scripts.test_scripts import tone
from tests.shell.rig import Rig, Site, noon_zone

PRESS_AFTER_S = 9.0
"""So long after the answer everybody presses 1; by then every talk of these tests is over."""

PEOPLE = f"""
callee_hangs_up_share = 0.0
media = "echo"
[shares]
answer = 1.0
[ring]
mean_s = 0.2
[talk]
mean_s = 60
[keys]
share = 1.0
key = "1"
after_s = {PRESS_AFTER_S}
"""


@pytest.fixture(scope="module")
def site(rig: Rig) -> Iterator[Site]:
    """An installation whose callees press 1."""
    profile = rig.folder / "pressing.toml"
    profile.write_text(PEOPLE)
    with (
        start_loopback(profile, max_seconds=200) as pressing,
        rig.site("scripts", pressing=pressing.carrier_port) as made,
    ):
        yield made


@pytest.fixture(scope="module")
def over(site: Site, rig: Rig) -> Site:
    """All calls of three campaigns are over: one with a survey, one without agents, one whose key asks for an agent."""
    wav = str(tone(Path(site.folder) / "short.wav", 0.2))
    thanks = {"name": "thanks", "play": wav, "next": "hang_up"}
    ask = {"name": "ask", "play": wav, "wait_s": 30.0, "next": "hang_up"}
    asked = [{**ask, "keys": {"1": "thanks"}, "scores": "1"}, thanks]
    script = {"mode": "script", "max_lines": 5}
    site.campaign("surveyed", survey={"steps": asked})
    site.campaign("reminder", **script, script={"steps": asked})
    transfer = [{**ask, "keys": {"1": "transfer"}}]
    site.campaign("press1", **script, script={"steps": transfer}, abandon_message=site.message())
    site.start()
    site.log_in(rig.quick, ["agent-1"], "surveyed")
    site.log_in(rig.quick, ["agent-2"], "press1")
    site.leads("surveyed", ["+8613920000401"])
    for name, numbers in (("reminder", ("02", "03")), ("press1", ("04",))):
        agreed = {"timezone": noon_zone(), "consent_at": time.time() - 3600}
        rows = [{"lead_id": f"{name}-{end}", "phone": f"+86139200004{end}", **agreed} for end in numbers]
        intake.enqueue(site.store, name, rows)
    site.leads("reminder", ["+8613920000405"])  # who did not agree
    site.until(lambda: site.talks("surveyed"), "the talk before the survey has begun")
    site.say("agent-1", "hangup")
    site.until(lambda: site.talks("press1"), "who pressed 1 talks to an agent")
    site.say("agent-2", "hangup")
    for name, ends in (("surveyed", 1), ("reminder", 2), ("press1", 1)):
        site.until(lambda name=name, ends=ends: len(site.ends(name)) == ends, f"{name} is over")
    return site


def test_the_callee_is_asked_when_the_agent_has_gone(over: Site) -> None:
    """The mark is bound to agent and attempt; the talk ended where the survey began, and the agent was free again."""
    (end,) = over.ends("surveyed")
    (answer,) = [event for event in over.events("script_answer") if event.data["campaign"] == "surveyed"]
    assert (end.data["disposition"], end.data["agent"]) == ("connected", "agent-1")
    assert answer.id == f"{end.id}/survey.ask"
    assert {name: answer.data[name] for name in ("attempt_id", "agent", "script", "step", "key", "score")} == {
        "attempt_id": end.id,
        "agent": "agent-1",
        "script": "survey",
        "step": "ask",
        "key": "1",
        "score": 1,
    }
    assert end.data["bridged_at"] < end.data["agent_left_at"] < answer.data["at"] < end.data["ended_at"]
    assert end.data["talk_s"] == pytest.approx(end.data["agent_left_at"] - end.data["bridged_at"], abs=0.01)
    assert "agent-1" in over.agents_in("ready")


def test_a_reminder_needs_no_agent_and_calls_only_who_agreed(over: Site) -> None:
    """Everybody who agreed heard it to its end; nobody was promised an agent, so nobody was abandoned."""
    ends = over.ends("reminder")
    assert [(end.data["disposition"], end.data["live"], end.data["wait_s"]) for end in ends] == 2 * [
        ("script_done", False, None)
    ]
    assert {event.data["score"] for event in over.events("script_answer") if event.data["campaign"] == "reminder"} == {
        1
    }
    assert over.counts("reminder").closed_by == {"script_done": 2, "consent": 1}


def test_who_presses_1_talks_to_an_agent(over: Site) -> None:
    """The wait counts from the key; the attempt is a live answer that an agent had in time."""
    (end,) = over.ends("press1")
    assert (end.data["disposition"], end.data["agent"]) == ("connected", "agent-2")
    assert (end.data["live"], end.data["abandoned"]) == (True, False)
    assert end.data["transfer_at"] - end.data["answered_at"] == pytest.approx(PRESS_AFTER_S, abs=1.5)
    assert end.data["wait_s"] == pytest.approx(end.data["bridged_at"] - end.data["transfer_at"], abs=0.01)
