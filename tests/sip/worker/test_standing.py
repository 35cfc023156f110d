"""An agent's phone that stays on the line in one worker, and talks that come to it from another."""

from __future__ import annotations

import pytest

from sip.causes import Cause, Leg
from sip.messages import Answered, Bridged, Dial, DialAgent, Ended, HangUp
from sip.standing.messages import Cue, DialStanding, StandingUp
from tests.sip.conftest import WorkerUnderTest
from tests.sip.worker.conftest import Party
from tests.sip.worker.test_hold_music import asks_for, becomes, music  # noqa: F401 - a fixture

DIAL = Dial(call="c1", trunk="carrier", number="+4930123456", caller_id="+4930999", give_up_s=60.0)
TOKEN = "0123456789abcdef" * 2


@pytest.fixture
def keeper(worker):
    """Start the worker that keeps the phone of `agent` on the line; it is up."""

    def start(agent: Party, **settings) -> WorkerUnderTest:
        tested = worker(5060, keeps_phones=True, **{"media_timeout_s": 0.0, "session_refresh_s": 0.0, **settings})
        tested.send(DialStanding("s1", f"sip:agent@127.0.0.1:{agent.sip.port}", "dialer", 30.0, token=TOKEN))
        agent.answers()
        tested.until(StandingUp)
        return tested

    return start


def to(keeper: WorkerUnderTest, token: str = TOKEN, cue: Cue = Cue(), leg: str = "a1") -> DialAgent:  # noqa: B008
    uri = f"sip:{token}@127.0.0.1:{keeper.ready.sip_port}"
    return DialAgent("c1", leg, uri, "138****5678", standing="s1", cue=cue)


def talking(worker, callee: Party, keeping: WorkerUnderTest, **settings) -> WorkerUnderTest:
    """A talk over the standing leg."""
    tested = worker(callee.sip.port, **{"media_timeout_s": 0.0, "session_refresh_s": 0.0, **settings})
    tested.send(DIAL)
    callee.answers()
    tested.until(Answered)
    tested.send(to(keeping))
    tested.until(Bridged)
    return tested


def test_a_talk_comes_and_goes_and_the_phone_stays(worker, callee, agent, keeper):
    """Bridged without a word to the phone, again and again."""
    keeping = keeper(agent)
    for _ in range(3):
        tested = talking(worker, callee, keeping)
        tested.send(HangUp("c1"))
        assert tested.until(Ended).cause is Cause.NORMAL
        callee.sip.hears("BYE")
        tested.close()
    keeping.send(HangUp("s1"))
    ended = keeping.until(Ended)
    assert (ended.call, ended.cause, ended.ended_by) == ("s1", Cause.NORMAL, Leg.DIALER)
    agent.sip.hears("BYE")
