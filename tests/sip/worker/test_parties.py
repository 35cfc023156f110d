"""Third parties of a talk, in another worker: who hears whom, how loud, how late; and what is left when one is gone."""

from __future__ import annotations

import time

import pytest

from sip.causes import Cause, Leg
from sip.messages import Digit, Ended, HangUp, RecordingOrder
from sip.parties.messages import DialParty, Hold, Join, Leave, LinkOpened, OpenLink, Voice
from sip.scripts.messages import AgentLeft, HangUpAgent, Prompt, PromptDone
from tests.sip.tones import AMPLITUDE, heard, level, linear, read_wav, singing, tone, write_wav
from tests.sip.worker.conftest import Party, bridged

CALLEE_HZ, AGENT_HZ, PARTY_HZ, MUSIC_HZ = 500.0, 900.0, 1400.0, 2000.0
TONES = {"callee": CALLEE_HZ, "agent": AGENT_HZ, "party": PARTY_HZ, "music": MUSIC_HZ}
WITHIN_S = 6.0


def answered_party(worker, third: Party):
    """A worker with a party's phone that has answered, and its link."""
    beside = worker(9)
    beside.send(DialParty("p1", f"sip:boss@127.0.0.1:{third.sip.port}", "agent 17", give_up_s=10.0))
    third.answers()
    return beside, beside.until(LinkOpened)


def sounds(party: Party) -> set[str]:
    """What is heard for a third of a second at, about, the level it was sent with."""
    samples = heard(party, 0.3)
    return {name for name, hz in TONES.items() if level(samples, hz) > 0.7 * AMPLITUDE}


def hear(callee: Party, agent: Party, third: Party, *wanted: str) -> bool:
    """Whether the three hear, after some time, what is `wanted`: for each the names, such as "agent party"."""
    until = time.monotonic() + WITHIN_S
    while time.monotonic() < until:
        if [sounds(party) for party in (callee, agent, third)] == [set(each.split()) for each in wanted]:
            return True
    return False


def test_who_listens_whispers_and_barges_is_heard_by_whom_it_should(worker, callee, agent, third) -> None:
    """Listening is silent, a whisper is the agent's alone, barging is for all; the party hears both all the time."""
    talk = bridged(worker, callee, agent)
    _, link = answered_party(worker, third)
    with singing(callee, CALLEE_HZ), singing(agent, AGENT_HZ), singing(third, PARTY_HZ):
        for voice, callee_hears, agent_hears in (
            (Voice.LISTEN, "agent", "callee"),
            (Voice.WHISPER, "agent", "callee party"),
            (Voice.BARGE, "agent party", "callee party"),
            (Voice.LISTEN, "agent", "callee"),
        ):
            talk.send(Join("c1", "p1", link.port, link.key, voice))
            assert hear(callee, agent, third, callee_hears, agent_hears, "callee agent"), voice
        talk.send(Leave("c1", "p1"))
        assert hear(callee, agent, third, "agent", "callee", "")


def test_a_key_of_the_party_is_heard_by_the_daemon(worker, callee, agent, third) -> None:
    """By its call, so that it is no key of the callee."""
    beside, _ = answered_party(worker, third)
    third.sip.asks("INFO", third.invite, "Content-Type: application/dtmf-relay", body="Signal=5\r\n", cseq=2)
    digit = beside.until(Digit)
    assert (digit.call, digit.digit) == ("p1", "5")


@pytest.mark.parametrize("how", ["hangs up", "killed"])
def test_a_party_that_goes_costs_the_talk_nothing(worker, callee, agent, third, how) -> None:
    """Neither its BYE nor the death of its worker: not a packet is missing on the way between the other two."""
    talk = bridged(worker, callee, agent)
    beside, link = answered_party(worker, third)
    with singing(callee, CALLEE_HZ), singing(agent, AGENT_HZ), singing(third, PARTY_HZ):
        talk.send(Join("c1", "p1", link.port, link.key, Voice.BARGE))
        assert hear(callee, agent, third, "agent party", "callee party", "callee agent")
        if how == "killed":
            beside.kill()
        else:
            third.sip.asks("BYE", third.invite, cseq=2)
            ended = beside.until(Ended)
            assert (ended.call, ended.cause, ended.ended_by) == ("p1", Cause.NORMAL, Leg.CALLEE)
        samples = heard(callee, 1.0)
        windows = [samples[i : i + 160] for i in range(0, len(samples), 160)]
        assert min(level(window, AGENT_HZ) for window in windows) > 0.7 * AMPLITUDE
        talk.send(Leave("c1", "p1"))
        assert sounds(callee) == {"agent"}
        assert sounds(agent) == {"callee"}


def test_the_next_talk_is_listened_to_by_another_link(worker, callee, agent, third) -> None:
    """When a talk is over the party stays on the phone, and its new link is for the next one, and for no stranger."""
    first = bridged(worker, callee, agent)
    beside, link = answered_party(worker, third)
    with singing(callee, CALLEE_HZ), singing(agent, AGENT_HZ), singing(third, PARTY_HZ):
        first.send(Join("c1", "p1", link.port, link.key, Voice.LISTEN))
        assert hear(callee, agent, third, "agent", "callee", "callee agent")
        beside.send(OpenLink("p1"))
        renewed = beside.until(LinkOpened)
        assert renewed.key != link.key
        first.send(Leave("c1", "p1"))
        first.send(Join("c1", "p1", renewed.port, "00" * 16, Voice.LISTEN))
        assert hear(callee, agent, third, "agent", "callee", "")
        first.send(Leave("c1", "p1"))
        first.send(Join("c1", "p1", renewed.port, renewed.key, Voice.LISTEN))
        assert hear(callee, agent, third, "agent", "callee", "callee agent")


def test_on_hold_the_callee_hears_music_and_nobody_else(worker, callee, agent, third, tmp_path) -> None:
    """Until the agent goes on; agent and colleague may speak meanwhile, and nobody is late afterwards."""
    music = write_wav(tmp_path / "music.wav", tone(MUSIC_HZ, 1.0))
    talk = bridged(worker, callee, agent, hold_music=str(music))
    _, link = answered_party(worker, third)
    with singing(callee, CALLEE_HZ), singing(agent, AGENT_HZ), singing(third, PARTY_HZ):
        talk.send(Join("c1", "p1", link.port, link.key, Voice.BARGE, stays=True))
        talk.send(Hold("c1", on=True))
        assert hear(callee, agent, third, "music", "party", "agent")
        talk.send(Hold("c1", on=False))
        assert hear(callee, agent, third, "agent party", "callee party", "callee agent")


def test_after_hold_the_agent_is_heard_as_soon_as_before(worker, callee, agent) -> None:
    """What was said meanwhile does not wait in the jitter buffer: the voice is not late for the rest of the talk."""
    talk = bridged(worker, callee, agent)
    talk.send(Hold("c1", on=True))
    with singing(agent, AGENT_HZ):
        time.sleep(1.0)
    talk.send(Hold("c1", on=False))
    time.sleep(0.3)
    heard(callee, 0.1)
    packets = 0
    with singing(agent, AGENT_HZ):
        while level(linear(callee.rtp.recv(2048)[12:]), AGENT_HZ) < 0.5 * AMPLITUDE:
            packets += 1
    assert packets < 15  # of 20 ms; a voice that waited would be late by 25 at the least


def test_the_talk_goes_on_without_its_agent(worker, callee, agent, third, tmp_path) -> None:
    """With the party that stays; the recording goes on, and the party is in the agent's channel."""
    talk = bridged(worker, callee, agent, RecordingOrder("att-1", "{}"), recordings=str(tmp_path))
    beside, link = answered_party(worker, third)
    with singing(callee, CALLEE_HZ), singing(third, PARTY_HZ):
        with singing(agent, AGENT_HZ):
            talk.send(Join("c1", "p1", link.port, link.key, Voice.BARGE, stays=True))
            assert hear(callee, agent, third, "agent party", "callee party", "callee agent")
            talk.send(HangUpAgent("c1"))
            agent.sip.answers(agent.sip.hears("BYE"), "200 OK")
            assert talk.until(AgentLeft).call == "c1"
        assert sounds(callee) == {"party"}
        assert sounds(third) == {"callee"}
        time.sleep(0.5)
        third.sip.asks("BYE", third.invite, cseq=2)
        beside.until(Ended)
        talk.send(Leave("c1", "p1"))
        callee.sip.answers(callee.sip.hears("BYE"), "200 OK")
        ended = talk.until(Ended)
        assert (ended.cause, ended.ended_by) == (Cause.NORMAL, Leg.AGENT)
    (ours,) = tmp_path.glob("att-1/*.agent.wav")
    (theirs,) = tmp_path.glob("att-1/*.callee.wav")
    assert level(read_wav(ours)[-3200:], PARTY_HZ) > 0.7 * AMPLITUDE
    assert level(read_wav(ours)[-3200:], AGENT_HZ) < 0.01 * AMPLITUDE
    assert level(read_wav(theirs)[-3200:], CALLEE_HZ) > 0.7 * AMPLITUDE
    assert abs(len(read_wav(ours)) - len(read_wav(theirs))) <= 160


def test_the_callee_stays_when_the_last_of_the_talk_goes(worker, callee, agent, third, tmp_path) -> None:
    """Where the daemon wants it, because whoever is in the agent's place has asked for the survey."""
    talk = bridged(worker, callee, agent)
    _, link = answered_party(worker, third)
    talk.send(Join("c1", "p1", link.port, link.key, Voice.BARGE, stays=True))
    talk.send(HangUpAgent("c1"))
    agent.sip.answers(agent.sip.hears("BYE"), "200 OK")
    assert not talk.until(AgentLeft).alone
    talk.send(HangUpAgent("c1"))
    talk.send(Leave("c1", "p1"))
    assert talk.until(AgentLeft).alone
    talk.send(Prompt("c1", 1, str(write_wav(tmp_path / "ask.wav", tone(500.0, 0.2)))))
    assert talk.until(PromptDone).problem == ""


def test_an_agent_who_hangs_up_ends_the_talk_where_nobody_stays(worker, callee, agent, third) -> None:
    """A supervisor is no agent: whoever barges in leaves with the agent."""
    talk = bridged(worker, callee, agent)
    _, link = answered_party(worker, third)
    talk.send(Join("c1", "p1", link.port, link.key, Voice.BARGE))
    agent.sip.asks("BYE", agent.invite, cseq=2)
    callee.sip.answers(callee.sip.hears("BYE"), "200 OK")
    assert talk.until(Ended).ended_by is Leg.AGENT
    assert "AgentLeft" not in talk.names()


@pytest.mark.parametrize(("line", "cause"), [("486 Busy Here", Cause.BUSY), ("603 Decline", Cause.DECLINED)])
def test_a_phone_that_refuses_ends_the_partys_call(worker, third, line, cause) -> None:
    """With the cause, once, and without a link."""
    beside = worker(9)
    beside.send(DialParty("p1", f"sip:boss@127.0.0.1:{third.sip.port}", "agent 17", give_up_s=10.0))
    invite = third.sip.hears("INVITE")
    third.sip.answers(invite, line)
    assert beside.until(Ended).cause is cause
    assert "LinkOpened" not in beside.names()


def test_a_phone_that_rings_too_long_is_given_up(worker, third) -> None:
    """After `give_up_s`, with a CANCEL."""
    beside = worker(9)
    beside.send(DialParty("p1", f"sip:boss@127.0.0.1:{third.sip.port}", "agent 17", give_up_s=0.3))
    invite = third.sip.hears("INVITE")
    third.sip.answers(invite, "180 Ringing")
    third.sip.answers(third.sip.hears("CANCEL"), "200 OK")
    third.sip.answers(invite, "487 Request Terminated")
    assert beside.until(Ended).cause is Cause.CANCELLED


def test_a_party_is_hung_up(worker, third) -> None:
    """By the daemon's word, with a BYE."""
    beside, _ = answered_party(worker, third)
    beside.send(HangUp("p1"))
    third.sip.answers(third.sip.hears("BYE"), "200 OK")
    assert beside.until(Ended).ended_by is Leg.DIALER
