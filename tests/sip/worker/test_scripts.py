"""A call in a script: prompts that give way to each other, keys, messages, a callee who stays when the agent goes."""

from __future__ import annotations

import json
import struct
import time

import pytest

from sip.causes import Cause, Leg
from sip.messages import Answered, Bridged, DialAgent, Digit, Ended, HangUp, RecordingChanged, RecordingOrder
from sip.scripts.messages import AgentLeft, EndMessage, HangUpAgent, Prompt, PromptDone, TakeMessage
from tests.sip.tones import heard_s, read_wav, rtp, singing, tone, write_wav
from tests.sip.worker.conftest import DIAL, Party
from tests.sip.worker.test_media import callee_rtp, port

__all__ = ["callee_rtp"]


def answered(worker, callee: Party, **settings):
    tested = worker(callee.sip.port, media_timeout_s=0.0, session_refresh_s=0.0, **settings)
    tested.send(DIAL)
    callee.answers()
    tested.until(Answered)
    return tested


def hung_up(tested, callee: Party) -> Ended:
    tested.send(HangUp("c1"))
    callee.sip.answers(callee.sip.hears("BYE"), "200 OK")
    return tested.until(Ended)


def test_a_prompt_ends_and_the_call_goes_on(worker, callee, tmp_path):
    """Its end is told when it has been heard; what cannot be played is told at once; the callee stays for more."""
    tested = answered(worker, callee)
    short = write_wav(tmp_path / "short.wav", tone(500.0, 0.4))
    began = time.monotonic()
    tested.send(Prompt("c1", 1, str(short)))
    done = tested.until(PromptDone)
    tested.send(Prompt("c1", 2, str(tmp_path / "none.wav")))
    missing = tested.until(PromptDone)
    tested.send(Prompt("c1", 3, str(short)))

    assert (done.prompt, done.problem) == (1, "")
    assert 0.4 <= done.at - began < 1.5
    assert missing.prompt == 2
    assert missing.problem
    assert tested.until(PromptDone).prompt == 3
    ended = hung_up(tested, callee)
    assert (ended.cause, ended.ended_by) == (Cause.NORMAL, Leg.DIALER)


@pytest.mark.parametrize("rate_hz", [11_025, 0, 2**32 - 1])
def test_a_file_that_became_another_costs_no_call(worker, callee, tmp_path, rate_hz):
    """The library would abort at such a header, and take the worker's other calls along."""
    tested = answered(worker, callee)
    path = write_wav(tmp_path / "prompt.wav", tone(500.0, 0.4))
    header = bytearray(path.read_bytes())
    header[24:28] = struct.pack("<I", rate_hz)
    path.write_bytes(header)
    tested.send(Prompt("c1", 1, str(path)))

    assert "16 bit mono PCM at 8 or 16 kHz" in tested.until(PromptDone).problem
    assert hung_up(tested, callee).cause is Cause.NORMAL


def test_the_next_prompt_takes_the_place_of_the_one_that_plays(worker, callee, tmp_path):
    """Whoever presses a key does not hear the rest; of the first one nothing more is told."""
    tested = answered(worker, callee)
    tested.send(Prompt("c1", 1, str(write_wav(tmp_path / "long.wav", tone(500.0, 20.0)))))
    callee.rtp.recv(2048)
    tested.send(Prompt("c1", 2, str(write_wav(tmp_path / "short.wav", tone(900.0, 0.2)))))

    assert tested.until(PromptDone).prompt == 2
    hung_up(tested, callee)
    assert tested.names().count("PromptDone") == 1


def test_a_key_is_heard_while_a_prompt_plays_and_while_nothing_does(worker, far, callee_rtp, tmp_path):
    """Keys of RFC 4733 from a real far end, in both cases once."""
    callee = far("answer", rtp_port=port(callee_rtp))
    tested = worker(callee.port)
    tested.send(DIAL)
    tested.until(Answered)
    tested.send(Prompt("c1", 1, str(write_wav(tmp_path / "long.wav", tone(500.0, 20.0)))))
    leg = callee_rtp.recvfrom(2048)[1]
    for key, stamp in ((5, 1000), (11, 9000)):
        for number in range(6):
            event = struct.pack(">BBH", key, (0x80 if number >= 3 else 0) | 10, 160 * (number + 1))
            callee_rtp.sendto(rtp(stamp // 160 + number, 120, event, timestamp=stamp), leg)
        assert tested.until(Digit).digit == {5: "5", 11: "#"}[key]
        tested.send(Prompt("c1", 2, str(write_wav(tmp_path / "short.wav", tone(900.0, 0.1)))))
        assert tested.until(PromptDone).prompt == 2
    tested.send(HangUp("c1"))
    tested.until(Ended)
    assert tested.names().count("Digit") == 2


def test_a_message_is_what_the_callee_says_until_it_is_ended(worker, callee, tmp_path):
    """The callee's voice is on disk from then to then, and nothing that comes after it."""
    tested = answered(worker, callee, recordings=str(tmp_path))
    tested.send(TakeMessage("c1", "att-1-m1", json.dumps({"campaign": "spring"})))
    with singing(callee, 500.0):
        time.sleep(1.0)
        tested.send(EndMessage("c1"))
        time.sleep(0.5)
    hung_up(tested, callee)

    (said,) = [read_wav(path) for path in (tmp_path / "att-1-m1").glob("*.callee.wav")]
    assert heard_s(said, 500.0) == pytest.approx(1.0, abs=0.25)
    assert json.loads((tmp_path / "att-1-m1" / "talk.json").read_text())["campaign"] == "spring"


def test_a_message_that_cannot_be_recorded_is_told(worker, callee, tmp_path):
    """The call goes on, and the reason is in words."""
    (tmp_path / "rec").touch()
    tested = answered(worker, callee, recordings=str(tmp_path / "rec"))
    tested.send(TakeMessage("c1", "att-1-m1", "{}"))
    told = tested.until(PromptDone)

    assert (told.prompt, bool(told.problem)) == (0, True)
    hung_up(tested, callee)


@pytest.mark.parametrize("who", ["the phone", "the daemon"])
def test_the_callee_stays_when_the_agent_goes(worker, callee, agent, tmp_path, who):
    """The talk's recording ends with it, and the callee hears what is played next."""
    tested = answered(worker, callee, recordings=str(tmp_path))
    order = RecordingOrder("att-1", "{}")
    uri = f"sip:agent@127.0.0.1:{agent.sip.port}"
    tested.send(DialAgent("c1", "a1", uri, "138****5678", recording=order, keeps_callee=who == "the phone"))
    agent.answers()
    tested.until(Bridged)
    tested.until(RecordingChanged)
    if who == "the phone":
        agent.sip.asks("BYE", agent.invite)
        assert agent.sip.hears_code() == 200
    else:
        tested.send(HangUpAgent("c1"))
        agent.sip.answers(agent.sip.hears("BYE"), "200 OK")

    assert tested.until(AgentLeft).cause is Cause.NORMAL
    tested.send(Prompt("c1", 1, str(write_wav(tmp_path / "ask.wav", tone(500.0, 1.0)))))
    with singing(callee, 900.0):
        assert tested.until(PromptDone).problem == ""
    hung_up(tested, callee)
    (talk,) = [read_wav(path) for path in (tmp_path / "att-1").glob("*.callee.wav")]
    assert heard_s(talk, 900.0, share=0.02) == 0.0


def test_a_callee_whom_everybody_forgot_is_hung_up_on(worker, callee, agent):
    """Nobody is left in silence: without a word from the daemon the call ends by itself."""
    tested = answered(worker, callee)
    tested.send(DialAgent("c1", "a1", f"sip:a@127.0.0.1:{agent.sip.port}", "138****5678", keeps_callee=True))
    agent.answers()
    tested.until(Bridged)
    agent.sip.asks("BYE", agent.invite)
    tested.until(AgentLeft)
    callee.sip.answers(callee.sip.hears("BYE"), "200 OK")

    assert tested.until(Ended).ended_by is Leg.DIALER
