"""Answered calls whose far end vanishes: silence, a session that is forgotten, a talk that never ends."""

from __future__ import annotations

import os
import signal
import time

import pytest

from sip.causes import Cause, Leg
from sip.messages import Answered, Bridged, Dial, DialAgent, Ended, HangUp
from tests.sip.worker.conftest import Party

pytestmark = pytest.mark.through_edge

DIAL = Dial(call="c1", trunk="carrier", number="+4930123456", caller_id="+4930999", give_up_s=60.0)


def bridged(worker, callee: Party, agent: Party, **settings: float):
    """A worker with a talk."""
    tested = worker(callee.sip.port, **{"media_timeout_s": 0.0, "session_refresh_s": 0.0, **settings})
    tested.send(DIAL)
    callee.answers()
    tested.until(Answered)
    tested.send(DialAgent("c1", "a1", f"sip:agent@127.0.0.1:{agent.sip.port}", "138****5678", attempt="attempt-7"))
    agent.answers()
    tested.until(Bridged)
    return tested


def test_the_headers_that_make_phones_answer_go_to_phones_alone(worker, callee, agent):
    """Those of the settings, with the attempt's id; a carrier sees none of them."""
    headers = ("Alert-Info: <http://127.0.0.1>;info=alert-autoanswer", "X-Attempt-Id: {attempt}")
    bridged(worker, callee, agent, phone_headers=headers)
    assert agent.invite["alert-info"] == "<http://127.0.0.1>;info=alert-autoanswer"
    assert agent.invite["x-attempt-id"] == "attempt-7"
    assert not {"alert-info", "x-attempt-id"} & callee.invite.keys()


def test_a_callee_of_whom_nothing_is_heard_is_hung_up_on(worker, callee, agent):
    """No audio from the callee for the time of the settings ends the talk, with a cause of its own."""
    tested = bridged(worker, callee, agent, media_timeout_s=2.0)
    with agent.talking():
        ended = tested.until(Ended)
    assert (ended.cause, ended.ended_by, ended.sip_code) == (Cause.MEDIA_TIMEOUT, Leg.CALLEE, 200)
    callee.sip.hears("BYE")
    agent.sip.hears("BYE")


def test_a_phone_that_died_ends_the_talk(worker, callee, agent):
    """The same for the agent's phone; it says that it was the agent's."""
    tested = bridged(worker, callee, agent, media_timeout_s=2.0)
    with callee.talking():
        ended = tested.until(Ended)
    assert (ended.cause, ended.ended_by) == (Cause.MEDIA_TIMEOUT, Leg.AGENT)
    callee.sip.hears("BYE")


@pytest.mark.direct_only  # it takes its time, and has no signalling
def test_a_talk_with_audio_goes_on(worker, callee, agent):
    """While both are heard nothing ends, a stop of the whole process included; then the callee falls silent."""
    tested = bridged(worker, callee, agent, media_timeout_s=3.0)
    with agent.talking():
        with callee.talking(), pytest.raises(AssertionError, match="no Ended"):
            tested.until(Ended, within_s=4.5)
        os.kill(tested.pid, signal.SIGSTOP)
        time.sleep(3.5)
        os.kill(tested.pid, signal.SIGCONT)
        with callee.talking(), pytest.raises(AssertionError, match="no Ended"):
            tested.until(Ended, within_s=2.0)
        assert tested.until(Ended).cause is Cause.MEDIA_TIMEOUT


@pytest.mark.parametrize("way", ["inactive", "sendonly", "recvonly"])
def test_on_hold_nothing_has_to_be_heard(worker, callee, agent, way):
    """A callee who has put us on hold may be silent for as long as it likes."""
    tested = bridged(worker, callee, agent, media_timeout_s=2.0)
    callee.sip.asks(
        "INVITE", callee.invite, "Content-Type: application/sdp", body=callee.sdp(way).replace("\n", "\r\n")
    )
    assert callee.sip.hears_code() == 200
    callee.sip.asks("ACK", callee.invite)
    with agent.talking(), pytest.raises(AssertionError, match="no Ended"):
        tested.until(Ended, within_s=4.0)
    tested.send(HangUp("c1"))
    assert tested.until(Ended).cause is Cause.NORMAL


@pytest.mark.parametrize("line", ["481 Call/Transaction Does Not Exist", "408 Request Timeout"])
def test_a_far_end_that_forgot_the_call_is_hung_up_on(worker, callee, agent, line):
    """Asked whether it is still there, it says that it is not: the session has expired."""
    tested = bridged(worker, callee, agent, session_refresh_s=1.0)
    callee.sip.answers(callee.sip.hears("OPTIONS"), "405 Method Not Allowed")  # as good as a yes
    callee.sip.answers(callee.sip.hears("OPTIONS"), line)
    ended = tested.until(Ended)
    assert (ended.cause, ended.ended_by) == (Cause.SESSION_EXPIRED, Leg.CALLEE)


def test_a_forgotten_agents_leg_ends_the_talk_too(worker, callee, agent):
    """The agent's phone is asked as well."""
    tested = bridged(worker, callee, agent, session_refresh_s=1.0)
    agent.sip.answers(agent.sip.hears("OPTIONS"), "481 Call/Transaction Does Not Exist")
    ended = tested.until(Ended)
    assert (ended.cause, ended.ended_by) == (Cause.SESSION_EXPIRED, Leg.AGENT)


def test_a_talk_ends_at_its_limit(worker, callee, agent):
    """However well they understand each other."""
    tested = bridged(worker, callee, agent, talk_limit_s=1.0)
    ended = tested.until(Ended)
    assert (ended.cause, ended.ended_by) == (Cause.TALK_LIMIT, Leg.DIALER)
    callee.sip.hears("BYE")
    agent.sip.hears("BYE")
