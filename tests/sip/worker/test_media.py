"""What can be heard: both ways through the bridge, and a recorded message."""

from __future__ import annotations

import contextlib
import socket
import struct
import time

import pytest

from sip.causes import Cause, Leg
from sip.loopback.process import start_loopback
from sip.messages import Answered, Bridged, Dial, DialAgent, Digit, Ended, HangUp, MessageDone, PlayMessage
from tests.sip.conftest import udp_socket
from tests.sip.tones import LOUD, is_loud, rtp, tone, write_wav
from tests.sip.worker.conftest import DIAL

pytestmark = pytest.mark.through_edge

HZ = 440.0


@pytest.fixture
def callee_rtp():
    with udp_socket() as made:
        yield made


@pytest.fixture
def agent_rtp():
    with udp_socket() as made:
        yield made


def port(made: socket.socket) -> str:
    return str(made.getsockname()[1])


def hears_within(listener: socket.socket, speaker: socket.socket, towards: tuple[str, int], seconds: float) -> bool:
    """Speak from one socket, a packet every 20 ms, until something loud arrives at the other."""
    listener.settimeout(0.005)
    started = time.monotonic()
    number = 0
    while (elapsed := time.monotonic() - started) < seconds:
        if elapsed > number * 0.02:
            speaker.sendto(rtp(number, 0, LOUD), towards)
            number += 1
        try:
            if is_loud(listener.recv(2048)):
                return True
        except TimeoutError:
            continue
    return False


def drained(made: socket.socket) -> tuple[str, int]:
    """Forget what has arrived; where the next packet comes from."""
    made.setblocking(False)
    with contextlib.suppress(BlockingIOError):
        while True:
            made.recv(2048)
    made.settimeout(3.0)
    return made.recvfrom(2048)[1]


def test_bridged_legs_hear_each_other(worker, far, callee_rtp, agent_rtp):
    """What the agent says reaches the callee, and the other way round; in the worker's second call too."""
    callee = far("answer", calls=2, rtp_port=port(callee_rtp))
    agent = far("answer", calls=2, rtp_port=port(agent_rtp))
    tested = worker(callee.port)
    for call in ("c1", "c2"):
        tested.send(Dial(call, "carrier", "+4930123456", "+4930999", 60.0))
        tested.until(Answered)
        tested.send(DialAgent(call, "a1", f"sip:agent@127.0.0.1:{agent.port}", "138****5678"))
        tested.until(Bridged)
        assert hears_within(callee_rtp, agent_rtp, drained(agent_rtp), 3.0)
        assert hears_within(agent_rtp, callee_rtp, drained(callee_rtp), 3.0)
        tested.send(HangUp(call))
        tested.until(Ended)


@pytest.mark.parametrize("rate", [8000, 16000])
def test_message_is_played_then_the_call_ends(worker, far, callee_rtp, tmp_path, rate):
    """A message is heard by the callee to its end, then the worker hangs up."""
    callee = far("answer", rtp_port=port(callee_rtp))
    tested = worker(callee.port)
    tested.send(DIAL)
    tested.until(Answered)
    tested.send(PlayMessage("c1", str(write_wav(tmp_path / "message.wav", tone(HZ, 0.3, rate), rate))))
    tested.until(MessageDone)
    ended = tested.until(Ended)
    assert (ended.cause, ended.ended_by) == (Cause.NORMAL, Leg.DIALER)
    callee.succeeds()
    callee_rtp.setblocking(False)
    loud = 0
    try:
        while True:
            loud += is_loud(callee_rtp.recv(2048))
    except BlockingIOError:
        assert loud >= 14, f"only {loud} of 15 packets of the message"


def test_message_takes_the_place_of_a_ringing_agent(worker, far, tmp_path):
    """A message while an agent's phone rings cancels the agent."""
    callee, agent = far("answer"), far("ring")
    tested = worker(callee.port)
    tested.send(DIAL)
    tested.until(Answered)
    tested.send(DialAgent("c1", "a1", f"sip:agent@127.0.0.1:{agent.port}", "138****5678"))
    tested.send(PlayMessage("c1", str(write_wav(tmp_path / "message.wav", tone(HZ, 0.1)))))
    tested.until(Ended)
    assert sorted(tested.names()[-3:]) == ["AgentEnded", "Ended", "MessageDone"]
    assert tested.events[-1].cause is Cause.NORMAL
    callee.succeeds()


def test_missing_message_ends_the_call(worker, far, tmp_path):
    """A callee is not left in silence because a file is missing."""
    callee = far("answer")
    tested = worker(callee.port)
    tested.send(DIAL)
    tested.until(Answered)
    tested.send(PlayMessage("c1", str(tmp_path / "none.wav")))
    assert tested.until(Ended).cause is Cause.MEDIA_ERROR
    callee.succeeds()


def test_key_of_the_callee_is_reported(worker, far, callee_rtp):
    """A digit that the callee presses (RFC 4733) arrives once."""
    callee, agent = far("answer", rtp_port=port(callee_rtp)), far("answer")
    tested = worker(callee.port)
    tested.send(DIAL)
    tested.until(Answered)
    tested.send(DialAgent("c1", "a1", f"sip:agent@127.0.0.1:{agent.port}", "138****5678"))
    tested.until(Bridged)
    callee_leg = callee_rtp.recvfrom(2048)[1]
    for number in range(6):
        end = 0x80 if number >= 3 else 0
        event = struct.pack(">BBH", 5, end | 10, 160 * (number + 1))
        callee_rtp.sendto(rtp(number, 120, event, timestamp=1000), callee_leg)
    assert tested.until(Digit).digit == "5"
    tested.send(HangUp("c1"))
    tested.until(Ended)
    assert tested.names().count("Digit") == 1


@pytest.mark.parametrize("media", ["none", "tone"])
def test_a_key_is_heard_while_the_message_plays(worker, tmp_path, media):
    """Whoever listens to the message can press a key; the call goes on until it is hung up."""
    profile = tmp_path / "presses.toml"
    profile.write_text(
        f'media = "{media}"\n[shares]\nanswer = 1\n[talk]\nmean_s = 30\n[keys]\nshare = 1\nkey = "#"\nafter_s = 0.6\n'
    )
    with start_loopback(profile) as loopback:
        tested = worker(loopback.carrier_port)
        tested.send(DIAL)
        tested.until(Answered)
        tested.send(PlayMessage("c1", str(write_wav(tmp_path / "message.wav", tone(HZ, 5.0)))))
        assert tested.until(Digit).digit == "#"
        tested.send(HangUp("c1"))
        ended = tested.until(Ended)
        report = loopback.wait_for(lambda report: report.carrier.active == 0, limit_s=5)
    assert (ended.cause, ended.ended_by) == (Cause.NORMAL, Leg.DIALER)
    assert [tested.names().count(name) for name in ("Digit", "MessageDone")] == [1, 0]
    assert report.carrier.byes_received == 1


def test_a_key_in_a_sip_info_is_heard_too(worker, far, tmp_path):
    """Some carriers send keys beside the audio (application/dtmf-relay)."""
    callee = far("info", key="9")
    tested = worker(callee.port)
    tested.send(DIAL)
    tested.until(Answered)
    tested.send(PlayMessage("c1", str(write_wav(tmp_path / "message.wav", tone(HZ, 5.0)))))
    assert tested.until(Digit).digit == "9"
    tested.send(HangUp("c1"))
    tested.until(Ended)
    callee.succeeds()


def test_many_answered_calls_on_a_handful_of_ports(worker, far):
    """A worker outlives many answered calls that were never bridged, within a narrow range of RTP ports."""
    with udp_socket() as free:
        first = min(int(port(free)) // 2 * 2, 60000)
    callee = far("answer", calls=24)
    tested = worker(callee.port, rtp_port_first=first, rtp_port_last=first + 15)
    for round_ in range(6):
        calls = [f"{round_}-{slot}" for slot in range(4)]
        for call in calls:
            tested.send(Dial(call, "carrier", "+4930123456", "+4930999", 60.0))
        for _ in calls:
            tested.until(Answered)
        for call in calls:
            tested.send(HangUp(call))
        for _ in calls:
            assert tested.until(Ended).cause is Cause.NORMAL
    callee.succeeds()
