"""An agent's phone that stays on the line in one worker, and talks that come to it from another."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from sip.causes import Cause, Leg
from sip.messages import (
    AgentEnded,
    Answered,
    Bridged,
    DialAgent,
    Digit,
    Ended,
    HangUp,
    RecordingChanged,
    RecordingOrder,
)
from sip.standing.messages import NO_CUE, Cue, DialStanding, FreeStanding, StandingUp
from tests.sip.conftest import WorkerUnderTest
from tests.sip.tones import AMPLITUDE, heard_s, level, linear, read_wav, singing, tone, write_wav
from tests.sip.worker.conftest import DIAL, Party

TOKEN = "0123456789abcdef" * 2
QUIET = {"media_timeout_s": 0.0, "session_refresh_s": 0.0}
CALLEE_HZ, AGENT_HZ, BEEP_HZ, FILE_HZ = 500.0, 1250.0, 880.0, 2000.0
FRAMES = 25
KEYS = 101


@pytest.fixture
def keeper(worker):
    """Start the worker that keeps the phone of `agent` on the line; it is up."""

    def start(agent: Party, **settings) -> WorkerUnderTest:
        tested = worker(5060, keeps_phones=True, **QUIET | settings)
        tested.send(DialStanding("s1", f"sip:agent@127.0.0.1:{agent.sip.port}", "dialer", 30.0, token=TOKEN))
        agent.answers()
        tested.until(StandingUp)
        return tested

    return start


def to(keeping: WorkerUnderTest, token: str = TOKEN, cue: Cue = NO_CUE, recording: str = "") -> DialAgent:
    uri = f"sip:{token}@127.0.0.1:{keeping.ready.sip_port}"
    return DialAgent("c1", "a1", uri, "138****5678", standing="s1", cue=cue, recording=RecordingOrder(recording))


def answered(worker, callee: Party, **settings) -> WorkerUnderTest:
    tested = worker(callee.sip.port, **QUIET | settings)
    tested.send(DIAL)
    callee.answers()
    tested.until(Answered)
    return tested


def talking(worker, callee: Party, keeping: WorkerUnderTest, cue: Cue = NO_CUE, **settings) -> WorkerUnderTest:
    """A talk over the standing leg."""
    tested = answered(worker, callee, **settings)
    tested.send(to(keeping, cue=cue))
    tested.until(Bridged)
    return tested


def frames(listener: socket.socket, count: int = FRAMES) -> np.ndarray:
    """So many of the next packets of audio, as samples."""
    listener.settimeout(5.0)
    octets: list[bytes] = []
    while len(octets) < count:
        packet = listener.recv(2048)
        if packet[1] & 0x7F == 0:  # PCMU, no key press
            octets.append(packet[12:])
    return linear(b"".join(octets))


def drain(listener: socket.socket) -> None:
    listener.setblocking(False)
    with contextlib.suppress(BlockingIOError):
        while True:
            listener.recv(2048)
    listener.settimeout(5.0)


def hears(party: Party, hz: float, *, within_s: float = 6.0) -> bool:
    """Whether a party comes to hear a tone, at the level at which it was sent."""
    drain(party.rtp)
    until = time.monotonic() + within_s
    while time.monotonic() < until:
        if level(frames(party.rtp), hz) > 0.9 * AMPLITUDE:
            return True
    return False


def is_silent(party: Party, *, within_s: float = 6.0) -> bool:
    """Whether packets come, and nothing is heard in them."""
    drain(party.rtp)
    until = time.monotonic() + within_s
    while time.monotonic() < until:
        if np.abs(frames(party.rtp)).max() < 100:
            return True
    return False


@contextmanager
def both_sing(callee: Party, agent: Party) -> Iterator[None]:
    with singing(callee, CALLEE_HZ), singing(agent, AGENT_HZ):
        yield


def file_of(path: Path, hz: float) -> str:
    return str(write_wav(path, tone(hz, 1.0)))


def test_both_hear_each_other_and_nobody_else(worker, callee, agent, keeper):
    """The level is kept, no echo of oneself comes back; between talks the phone hears silence that is sent."""
    keeping = keeper(agent)
    assert is_silent(agent)
    with singing(agent, AGENT_HZ):
        for _ in range(2):
            tested = talking(worker, callee, keeping)
            with singing(callee, CALLEE_HZ):
                assert hears(callee, AGENT_HZ)
                assert hears(agent, CALLEE_HZ)
                assert level(frames(callee.rtp), CALLEE_HZ) < 0.05 * AMPLITUDE
            tested.send(HangUp("c1"))
            callee.sip.hears("BYE")
            assert is_silent(agent)
            tested.close()


def test_the_agents_voice_is_not_late_after_the_first_talk(worker, callee, agent, keeper):
    """A leg that nobody hears between talks would be half a second late in the second one."""
    keeping = keeper(agent)
    with singing(agent, 300.0):
        talking(worker, callee, keeping).send(HangUp("c1"))
        callee.sip.hears("BYE")
        time.sleep(1.0)  # the jitter buffer would fill meanwhile
        talking(worker, callee, keeping)
        assert hears(callee, 300.0)
        drain(agent.rtp)
    changed_at = time.monotonic()
    with singing(agent, AGENT_HZ):
        drain(callee.rtp)
        while level(frames(callee.rtp, 1), AGENT_HZ) < 0.5 * AMPLITUDE:
            assert time.monotonic() - changed_at < 3.0
    assert time.monotonic() - changed_at < 0.3


def test_only_the_agent_hears_the_cue(worker, callee, agent, keeper, tmp_path):
    """A beep, then the whisper; the callee is heard meanwhile."""
    keeping = keeper(agent)
    drain(agent.rtp)
    talking(worker, callee, keeping, Cue(beep=True, whisper=file_of(tmp_path / "spring.wav", FILE_HZ)))
    with singing(callee, CALLEE_HZ):
        drain(callee.rtp)
        heard = frames(agent.rtp, 100)
        assert heard_s(heard, BEEP_HZ, 0.3) == pytest.approx(0.2, abs=0.08)
        assert heard_s(heard, FILE_HZ) == pytest.approx(1.0, abs=0.2)
        assert heard_s(heard, CALLEE_HZ) > 1.0
        others = frames(callee.rtp, 50)
        assert max(level(others, BEEP_HZ), level(others, FILE_HZ)) < 0.05 * AMPLITUDE


def test_between_talks_there_is_music(worker, callee, agent, keeper, tmp_path):
    """And none of it in a talk; a file that is not there is silence."""
    keeping = keeper(agent, standing_music=file_of(tmp_path / "music.wav", FILE_HZ))
    assert hears(agent, FILE_HZ)
    tested = talking(worker, callee, keeping)
    with singing(callee, CALLEE_HZ):
        assert hears(agent, CALLEE_HZ)
        assert level(frames(agent.rtp), FILE_HZ) < 0.05 * AMPLITUDE
    tested.send(HangUp("c1"))
    assert hears(agent, FILE_HZ)


def takes_keys(party: Party) -> None:
    """The far end says that it takes key presses in RTP (RFC 4733)."""
    plain = party.sdp

    def sdp(way: str = "sendrecv") -> str:
        return plain(way).replace("RTP/AVP 0\n", f"RTP/AVP 0 {KEYS}\na=rtpmap:{KEYS} telephone-event/8000\n")

    party.sdp = sdp  # type: ignore[method-assign]


def key_heard(party: Party) -> int:
    """The first key that a party hears."""
    until = time.monotonic() + 5.0
    while time.monotonic() < until:
        packet = party.rtp.recv(2048)
        if packet[1] & 0x7F == KEYS:
            return packet[12]
    raise AssertionError("no key is heard")


def test_keys_go_both_ways(worker, callee, agent, keeper):
    """The agent's to the callee, and the callee's to the agent and the daemon."""
    takes_keys(callee)
    takes_keys(agent)
    keeping = keeper(agent)
    tested = talking(worker, callee, keeping)
    info = ("Content-Type: application/dtmf-relay",)
    agent.sip.asks("INFO", agent.invite, *info, body="Signal=5\r\nDuration=160\r\n", cseq=2)
    assert key_heard(callee) == 5
    callee.sip.asks("INFO", callee.invite, *info, body="Signal=7\r\nDuration=160\r\n", cseq=2)
    assert key_heard(agent) == 7
    assert tested.until(Digit).digit == "7"


def test_a_phone_on_hold_gives_the_callee_music(worker, callee, agent, keeper, tmp_path):
    """The talk's worker knows of it, as with any phone; afterwards both hear each other again."""
    keeping = keeper(agent)
    talking(worker, callee, keeping, hold_music=file_of(tmp_path / "hold.wav", FILE_HZ))
    agent.asks_for("sendonly")
    assert hears(callee, FILE_HZ)
    agent.asks_for("sendrecv", 3)
    with both_sing(callee, agent):
        assert hears(callee, AGENT_HZ)
        assert hears(agent, CALLEE_HZ)


def test_the_recording_has_both_voices_and_no_whisper(worker, callee, agent, keeper, tmp_path):
    """Each in its own file."""
    keeping = keeper(agent)
    tested = answered(worker, callee, recordings=str(tmp_path))
    whisper = file_of(tmp_path / "spring.wav", FILE_HZ)
    tested.send(to(keeping, cue=Cue(beep=True, whisper=whisper), recording="talk"))
    tested.until(RecordingChanged)
    with both_sing(callee, agent):
        assert hears(callee, AGENT_HZ)
        assert hears(agent, CALLEE_HZ)
    tested.send(HangUp("c1"))
    tested.until(Ended)
    said = {path.name.split(".")[1]: read_wav(path) for path in (tmp_path / "talk").glob("*.wav")}
    assert heard_s(said["callee"], CALLEE_HZ) > 0.3
    assert heard_s(said["agent"], AGENT_HZ) > 0.3
    assert max(level(said[side], FILE_HZ) for side in said) < 0.05 * AMPLITUDE


def test_an_agent_who_hangs_up_ends_the_talk_and_the_leg(worker, callee, agent, keeper):
    """Both workers say so, each for its own."""
    keeping = keeper(agent)
    tested = talking(worker, callee, keeping)
    agent.sip.asks("BYE", agent.invite, cseq=2)
    ended = tested.until(Ended)
    assert (ended.cause, ended.ended_by) == (Cause.NORMAL, Leg.AGENT)
    ended = keeping.until(Ended)
    assert (ended.call, ended.cause, ended.ended_by) == ("s1", Cause.NORMAL, Leg.AGENT)
    callee.sip.hears("BYE")


def test_a_phone_that_falls_silent_is_gone(worker, callee, agent, keeper):
    """As in any call; the talk ends with it."""
    keeping = keeper(agent, media_timeout_s=2.0)
    talking(worker, callee, keeping)
    with singing(callee, CALLEE_HZ):
        assert keeping.until(Ended).cause is Cause.MEDIA_TIMEOUT
    callee.sip.hears("BYE")


@pytest.mark.parametrize("token", ["f" * 32, "agent", TOKEN[:-1]])
def test_strangers_are_not_let_in(worker, callee, agent, keeper, token):
    """Whoever has not the token gets no further than the screen, and the agent has the next talk."""
    keeping = keeper(agent)
    tested = answered(worker, callee)
    tested.send(to(keeping, token))
    refused = tested.until(AgentEnded)
    assert (refused.cause, refused.sip_code) == (Cause.NO_ANSWER, 480)
    tested.send(to(keeping))
    tested.until(Bridged)


def test_a_leg_that_has_ended_lets_nobody_in(worker, callee, agent, keeper):
    """Its token is worth nothing any more."""
    keeping = keeper(agent)
    agent.sip.asks("BYE", agent.invite, cseq=2)
    keeping.until(Ended)
    tested = answered(worker, callee)
    tested.send(to(keeping))
    assert tested.until(AgentEnded).sip_code == 480


def test_a_talk_whose_worker_dies_leaves_the_phone_free_at_once(worker, callee, agent, keeper):
    """Its slot, too: two phones share a worker of four. The next talk comes without a wait."""
    keeping = keeper(agent)
    for _ in range(3):
        tested = talking(worker, callee, keeping)
        os.kill(tested.pid, signal.SIGKILL)
        keeping.send(FreeStanding("s1"))
        assert is_silent(agent)
    tested = talking(worker, callee, keeping)
    with both_sing(callee, agent):
        assert hears(callee, AGENT_HZ)
        assert hears(agent, CALLEE_HZ)


@pytest.mark.parametrize(("line", "cause"), [("486 Busy Here", Cause.BUSY), ("603 Decline", Cause.DECLINED)])
def test_a_phone_that_does_not_take_it(worker, agent, line, cause):
    """The end says why."""
    tested = worker(5060, keeps_phones=True)
    tested.send(DialStanding("s1", f"sip:agent@127.0.0.1:{agent.sip.port}", "dialer", 30.0, token=TOKEN))
    agent.sip.answers(agent.sip.hears("INVITE"), line)
    assert tested.until(Ended).cause is cause


def test_nobody_picks_up(worker, agent):
    """CANCEL after the time that an agent has."""
    tested = worker(5060, keeps_phones=True)
    tested.send(DialStanding("s1", f"sip:agent@127.0.0.1:{agent.sip.port}", "dialer", 0.3, token=TOKEN))
    invite = agent.sip.hears("INVITE")
    agent.sip.answers(invite, "180 Ringing")
    agent.sip.answers(agent.sip.hears("CANCEL"), "200 OK")
    agent.sip.answers(invite, "487 Request Terminated")
    assert tested.until(Ended).cause is Cause.CANCELLED
