"""A daemon that hears who answers: SIPp speaks as a person or a machine, and the events say which it was."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from string import Template

import pytest

from tests.conftest import rtp_ports
from tests.shell.rig import Dialer, Rig, Site, free_port
from tests.sip.detection.made_lines import Samples, line, silence, tone, voice
from tests.sip.tones import ulaw

SCENARIO = Path(__file__).parent / "scenarios" / "greeting.xml"
LIMIT_S = 400

PATIENT = {"abandon_after_s": 10.0}  # a busy machine

PERSON = line(silence(0.4), voice(0.6), silence(12.0))
MACHINE = line(silence(0.4), voice(3.5), silence(0.3), tone(1000, 0.5), silence(8.0))


@contextmanager
def speaking(sipp: str, folder: Path, name: str, samples: Samples, media_port: int) -> Iterator[int]:
    """Callees on a port, each of whom plays these samples from the answer on."""
    folder.mkdir(parents=True, exist_ok=True)
    audio, scenario = folder / f"{name}.ulaw", folder / f"{name}.xml"
    audio.write_bytes(ulaw(samples))
    scenario.write_text(Template(SCENARIO.read_text()).substitute(audio=audio))
    port = free_port()
    command = [sipp, "-sf", str(scenario), "-i", "127.0.0.1", "-p", str(port), "-mi", "127.0.0.1", "-nostdin"]
    command += ["-mp", str(media_port), "-timeout", f"{LIMIT_S}s"]
    with (folder / f"{name}.log").open("wb") as log:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=folder)
    try:
        yield port
    finally:
        process.terminate()
        process.wait()


@pytest.fixture(scope="module")
def site(rig: Rig, sipp: str) -> Iterator[Site]:
    """An installation with two trunks, one to people and one to machines."""
    folder, ports = rig.folder / "speaking", rtp_ports(24_000, 100)
    with (
        speaking(sipp, folder, "person", PERSON, ports) as people,
        speaking(sipp, folder, "machine", MACHINE, ports + 50) as machines,
        rig.site("machines", people=people, machines=machines) as made,
    ):
        yield made


@pytest.fixture(scope="module")
def dialer(site: Site) -> Dialer:
    return site.start()


def judged(site: Site, campaign: str) -> list[dict[str, object]]:
    return [event.data for event in site.events("answer_judged") if event.data["campaign"] == campaign]


def test_persons_and_machines_are_told_apart(site: Site, dialer: Dialer, rig: Rig) -> None:
    """Agents have both at once; the verdicts come while they talk, and go into the end's event, too."""
    for name, trunk, number in (("to-people", "people", 1), ("to-machines", "machines", 2)):
        site.campaign(name, trunk=trunk, machines={"action": "tell"}, **PATIENT, talk_limit_s=6)
        site.log_in(rig.chatty, [f"agent-{name}"], name)
        site.leads(name, [f"+861392100000{number}"])
    site.until(lambda: judged(site, "to-people") and judged(site, "to-machines"), "both are judged")
    (person,), (machine,) = judged(site, "to-people"), judged(site, "to-machines")

    assert (person["judged"], person["sign"], person["agent"]) == ("person", "short_greeting", "agent-to-people")
    assert 0.3 < person["greeting_s"] < 1.0
    assert (machine["judged"], machine["sign"], machine["action"]) == ("machine", "long_greeting", "none")
    assert 1.95 < machine["greeting_s"] < 2.6
    assert min(person["confidence"], machine["confidence"]) > 0.8
    for name, kind in (("to-people", "person"), ("to-machines", "machine")):
        end = site.until(lambda name=name: site.ends(name), "the talk ends")[0].data
        assert (end["disposition"], end["judged"], end["live"]) == ("connected", kind, True)


def test_a_machine_is_hung_up_on(site: Site, dialer: Dialer, rig: Rig) -> None:
    """The agent is free again, and the ledger has no live answer of it."""
    site.campaign("no-machines", trunk="machines", machines={"action": "hang_up", "sampled_share": 0.01}, **PATIENT)
    site.log_in(rig.chatty, ["agent-9"], "no-machines")
    site.leads("no-machines", ["+8613921000003"])

    end = site.until(lambda: site.ends("no-machines"), "it is hung up on")[0].data

    assert (end["disposition"], end["cause"], end["live"], end["answer_kind"]) == (
        "machine",
        "machine",
        False,
        "machine",
    )
    site.until(lambda: "agent-9" in site.agents_in("ready"), "the agent is ready")


def test_a_message_is_left_after_the_beep(site: Site, dialer: Dialer, rig: Rig) -> None:
    """The agent has left by then."""
    settings = {"action": "message", "message": site.message(), "sampled_share": 0.01}
    site.campaign("messages", trunk="machines", machines=settings, **PATIENT)
    site.log_in(rig.chatty, ["agent-8"], "messages")
    site.leads("messages", ["+8613921000004"])

    site.until(lambda: judged(site, "messages"), "it is judged")
    site.until(lambda: "agent-8" in site.agents_in("ready"), "the agent is ready while the machine speaks")
    end = site.until(lambda: site.ends("messages"), "the message is left")[0].data

    assert (end["disposition"], end["message_left"], end["message_played"]) == ("machine", True, False)


def test_no_file_stays_behind_and_a_killed_listener_costs_no_call(site: Site, dialer: Dialer, rig: Rig) -> None:
    """Calls go on without a verdict, and the next ones are judged again."""
    site.campaign("later", trunk="people", machines={"action": "hang_up", "within_s": 3.0}, **PATIENT, talk_limit_s=2)
    site.log_in(rig.chatty, ["agent-7"], "later")
    assert list(Path("/dev/shm").glob("dialer-listening-one-*/*.wav")) == []
    (listener,) = [
        pid for pid in dialer.family() if b"sip.detection.program" in Path(f"/proc/{pid}/cmdline").read_bytes()
    ]
    os.kill(listener, signal.SIGKILL)
    site.until(lambda: "listens to answered lines ended" in dialer.log, "the daemon notices")

    signs: list[object] = []
    while "short_greeting" not in signs:
        calls = len(signs) + 1
        assert calls <= 5
        site.leads("later", [f"+86139210001{calls:02}"])
        site.until(lambda calls=calls: len(site.ends("later")) == calls, "the talk ends")
        signs = [verdict["sign"] for verdict in judged(site, "later")]
    assert site.kinds("later") == {"connected": len(signs)}
    assert set(signs) <= {"no_audio", "short_greeting"}
