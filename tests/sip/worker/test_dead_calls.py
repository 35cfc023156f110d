"""Answered calls whose far end vanishes: silence, a session that is forgotten, a talk that never ends."""

from __future__ import annotations

import os
import signal
import time

import pytest

from sip.causes import Cause, Leg
from sip.messages import Ended, HangUp
from tests.sip.tones import singing
from tests.sip.worker.conftest import bridged

pytestmark = pytest.mark.through_edge

HZ = 500.0


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
    with singing(agent, HZ):
        ended = tested.until(Ended)
    assert (ended.cause, ended.ended_by, ended.sip_code) == (Cause.MEDIA_TIMEOUT, Leg.CALLEE, 200)
    callee.sip.hears("BYE")
    agent.sip.hears("BYE")


def test_a_phone_that_died_ends_the_talk(worker, callee, agent):
    """The same for the agent's phone; it says that it was the agent's."""
    tested = bridged(worker, callee, agent, media_timeout_s=2.0)
    with singing(callee, HZ):
        ended = tested.until(Ended)
    assert (ended.cause, ended.ended_by) == (Cause.MEDIA_TIMEOUT, Leg.AGENT)
    callee.sip.hears("BYE")


@pytest.mark.direct_only  # it takes its time, and has no signalling
def test_a_talk_with_audio_goes_on(worker, callee, agent):
    """While both are heard nothing ends, a stop of the whole process included; then the callee falls silent."""
    tested = bridged(worker, callee, agent, media_timeout_s=3.0)
    with singing(agent, HZ):
        with singing(callee, HZ), pytest.raises(AssertionError, match="no Ended"):
            tested.until(Ended, within_s=4.5)
        os.kill(tested.pid, signal.SIGSTOP)
        time.sleep(3.5)
        os.kill(tested.pid, signal.SIGCONT)
        with singing(callee, HZ), pytest.raises(AssertionError, match="no Ended"):
            tested.until(Ended, within_s=2.0)
        assert tested.until(Ended).cause is Cause.MEDIA_TIMEOUT


@pytest.mark.parametrize("way", ["inactive", "sendonly", "recvonly"])
def test_on_hold_nothing_has_to_be_heard(worker, callee, agent, way):
    """A callee who has put us on hold may be silent for as long as it likes."""
    tested = bridged(worker, callee, agent, media_timeout_s=2.0)
    callee.asks_for(way)
    with singing(agent, HZ), pytest.raises(AssertionError, match="no Ended"):
        tested.until(Ended, within_s=3.0)
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
