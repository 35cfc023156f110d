"""One call after another against SIPp, through one real worker process."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from sip.causes import Cause, Leg
from sip.messages import (
    AgentEnded,
    Answered,
    Bridged,
    Cancel,
    CancelAgent,
    Dial,
    DialAgent,
    Ended,
    HangUp,
    Progress,
    SlotsHeld,
    Stop,
)
from sip.settings import Trunk, WorkerSettings
from tests.sip.conftest import WorkerUnderTest
from tests.sip.worker.conftest import DIAL

pytestmark = pytest.mark.through_edge


Far = Callable[..., object]


def agent_at(port: int, leg: str = "a1") -> DialAgent:
    return DialAgent(call="c1", leg=leg, uri=f"sip:agent@127.0.0.1:{port}", about="138****5678")


def test_call_is_answered_bridged_and_hung_up(worker, far):
    """A call runs from the INVITE over the bridge to our BYE, in this order of events."""
    callee, agent = far("answer"), far("answer")
    tested = worker(callee.port)
    tested.send(DIAL)
    answered = tested.until(Answered)
    assert not answered.crossed_cancel
    tested.send(agent_at(agent.port))
    tested.until(Bridged)
    tested.send(HangUp("c1"))
    ended = tested.until(Ended)
    assert (ended.cause, ended.ended_by, ended.sip_code) == (Cause.NORMAL, Leg.DIALER, 200)
    assert tested.names() == ["Dialled", "Progress", "Answered", "AgentDialled", "Bridged", "Ended"]
    callee.succeeds()
    agent.succeeds()


@pytest.mark.parametrize(
    ("status", "extra", "cause", "ended_by", "q850"),
    [
        ("486 Busy Here", "X-Nothing: 1", Cause.BUSY, Leg.CALLEE, 0),
        ("404 Not Found", "X-Nothing: 1", Cause.INVALID_NUMBER, Leg.NETWORK, 0),
        ("603 Decline", "X-Nothing: 1", Cause.DECLINED, Leg.CALLEE, 0),
        ("603 Network Blocked", 'Reason: Q.850;cause=21;text="v=analytics1"', Cause.BLOCKED, Leg.NETWORK, 21),
        ("480 Temporarily Unavailable", 'Reason: Q.850;cause=20;text="absent"', Cause.UNREACHABLE, Leg.NETWORK, 20),
        ("402 Payment Required", "Reason: Q.850;cause=21", Cause.ROUTE_ERROR, Leg.NETWORK, 21),
        ("420 Bad Extension", "Unsupported: foo", Cause.ROUTE_ERROR, Leg.NETWORK, 0),
        ("429 Provide Referrer Identity", "X-Nothing: 1", Cause.ROUTE_ERROR, Leg.NETWORK, 0),
        ("482 Loop Detected", "X-Nothing: 1", Cause.ROUTE_ERROR, Leg.NETWORK, 0),
        ("503 Service Unavailable", "Retry-After: 30", Cause.CONGESTION, Leg.NETWORK, 0),
        ("503 Service Unavailable", "Reason: Q.850;cause=3", Cause.ROUTE_ERROR, Leg.NETWORK, 3),
        ("302 Moved Temporarily", "X-Nothing: 1", Cause.REDIRECTED, Leg.NETWORK, 0),
        ("407 Proxy Authentication Required", "X-Nothing: 1", Cause.AUTH_ERROR, Leg.NETWORK, 0),
        ("699 Whatever", "X-Nothing: 1", Cause.UNREACHABLE, Leg.NETWORK, 0),
    ],
)
def test_refusal_is_classified(worker, far, status, extra, cause, ended_by, q850):
    """What the far end says becomes a cause, and is kept raw beside it."""
    callee = far("reject", status=status, extra=extra)
    tested = worker(callee.port)
    tested.send(DIAL)
    ended = tested.until(Ended)
    assert (ended.cause, ended.ended_by, ended.sip_code, ended.q850) == (cause, ended_by, int(status[:3]), q850)
    assert ended.reason.startswith(status[4:])
    callee.succeeds()


@pytest.mark.parametrize(
    ("extra", "retry_after_s"),
    [
        ("Retry-After: 120", 120),
        ("Retry-After: 18000 (in a meeting);duration=3600", 18_000),
        ("X-Retry-After: 120", 0),
    ],
)
def test_a_refusal_says_how_long_it_wants_to_be_left_alone(worker, far, extra, retry_after_s):
    """Retry-After comes along with the end, whatever stands behind the seconds."""
    callee = far("reject", status="503 Service Unavailable", extra=extra)
    tested = worker(callee.port)
    tested.send(DIAL)
    assert tested.until(Ended).retry_after_s == retry_after_s
    callee.succeeds()


def test_numbers_and_codecs_go_out_as_the_trunk_wants_them(worker, peer):
    """Request URI and From are rewritten, and the offer names the trunk's codecs in its order."""
    tested = worker(
        peer.port, called_rules=("+49=0", "+=00"), caller_rules=("+=",), codecs=("PCMA",), first_answer_s=1.0
    )
    tested.send(DIAL)
    invite = peer.hears("INVITE")
    assert invite[""].startswith("INVITE sip:030123456@127.0.0.1")
    assert "<sip:4930999@" in invite["from"]
    assert peer.offered == [8]
    peer.answers(invite, "486 Busy Here")
    tested.until(Ended)


def test_an_agents_phone_is_offered_both_codecs(worker, peer, far):
    """Whatever the callee's trunk takes."""
    callee = far("answer")
    tested = worker(callee.port, codecs=("PCMA", "PCMU"))
    tested.send(DIAL)
    tested.until(Answered)
    tested.send(agent_at(peer.port))
    peer.hears("INVITE")
    assert peer.offered == [0, 8]
    tested.send(HangUp("c1"))
    tested.until(Ended)


@pytest.mark.direct_only  # SIPp answers the INVITE by the Via of the CANCEL
def test_ringing_call_is_cancelled(worker, far):
    """Cancel before the answer is a CANCEL, and the far end's 487 ends the call."""
    callee = far("ring")
    tested = worker(callee.port)
    tested.send(DIAL)
    tested.until(Progress)
    tested.send(Cancel("c1"))
    ended = tested.until(Ended)
    assert (ended.cause, ended.ended_by, ended.sip_code) == (Cause.CANCELLED, Leg.DIALER, 487)
    callee.succeeds()


def test_cancel_of_an_answered_call_changes_nothing(worker, far):
    """A Cancel that arrives after the answer leaves the call up, for the daemon to decide about."""
    callee, agent = far("answer"), far("answer")
    tested = worker(callee.port)
    tested.send(DIAL)
    tested.until(Answered)
    tested.send(Cancel("c1"))
    tested.send(agent_at(agent.port))
    tested.until(Bridged)
    tested.send(HangUp("c1"))
    assert tested.until(Ended).cause is Cause.NORMAL
    callee.succeeds()
    agent.succeeds()


@pytest.mark.direct_only  # SIPp answers the INVITE by the Via of the CANCEL
def test_worker_gives_up_by_itself(worker, far):
    """A call that nobody cancels is cancelled after `give_up_s`."""
    callee = far("ring")
    tested = worker(callee.port)
    tested.send(Dial("c1", "carrier", "+4930123456", "+4930999", give_up_s=0.2))
    assert tested.until(Ended).cause is Cause.CANCELLED
    callee.succeeds()


@pytest.mark.direct_only  # SIPp answers the INVITE by the Via of the CANCEL
def test_answer_that_crosses_the_cancel_is_an_answer(worker, far):
    """A 200 OK after our CANCEL is reported as such, and the call can still be bridged."""
    callee, agent = far("cross_cancel"), far("answer")
    tested = worker(callee.port)
    tested.send(DIAL)
    tested.until(Progress)
    tested.send(Cancel("c1"))
    assert tested.until(Answered).crossed_cancel
    tested.send(agent_at(agent.port))
    tested.until(Bridged)
    tested.send(HangUp("c1"))
    assert tested.until(Ended).cause is Cause.NORMAL
    callee.succeeds()
    agent.succeeds()


def test_callee_hangs_up_while_bridged(worker, far):
    """The end of one bridged leg ends the other at once."""
    callee, agent = far("hang_up"), far("answer")
    tested = worker(callee.port)
    tested.send(DIAL)
    tested.until(Answered)
    tested.send(agent_at(agent.port))
    tested.until(Bridged)
    ended = tested.until(Ended)
    assert (ended.cause, ended.ended_by, ended.q850) == (Cause.NORMAL, Leg.CALLEE, 16)
    callee.succeeds()
    agent.succeeds()


def test_agent_hangs_up_while_bridged(worker, far):
    """The agent's BYE ends the call for the callee too."""
    callee, agent = far("answer"), far("hang_up")
    tested = worker(callee.port)
    tested.send(DIAL)
    tested.until(Answered)
    tested.send(agent_at(agent.port))
    assert tested.until(Ended).ended_by is Leg.AGENT
    callee.succeeds()
    agent.succeeds()


def test_next_agent_after_a_busy_one(worker, far):
    """An agent's refusal leaves the callee on the line for another agent."""
    callee, busy, agent = far("answer"), far("reject", status="486 Busy Here", extra="X-Nothing: 1"), far("answer")
    tested = worker(callee.port)
    tested.send(DIAL)
    tested.until(Answered)
    tested.send(agent_at(busy.port, "a1"))
    failed = tested.until(AgentEnded)
    assert (failed.leg, failed.cause, failed.sip_code) == ("a1", Cause.BUSY, 486)
    tested.send(agent_at(agent.port, "a2"))
    assert tested.until(Bridged).leg == "a2"
    tested.send(HangUp("c1"))
    tested.until(Ended)
    agent.succeeds()


def test_next_agent_may_be_named_while_one_is_cancelled(worker, far):
    """CancelAgent and DialAgent may be given in one breath, although a call has only two slots."""
    callee, ringing, agent = far("answer"), far("ring"), far("answer")
    tested = worker(callee.port)
    tested.send(DIAL)
    tested.until(Answered)
    tested.send(agent_at(ringing.port, "a1"))
    tested.send(CancelAgent("c1", "a1"))
    tested.send(agent_at(agent.port, "a2"))
    assert tested.until(AgentEnded).cause is Cause.CANCELLED
    assert tested.until(Bridged).leg == "a2"
    tested.send(HangUp("c1"))
    tested.until(Ended)
    agent.succeeds()


def test_early_media_is_told_apart(worker, far):
    """A 183 with SDP is early media; the refusal that follows is still the outcome."""
    callee = far("early_media")
    tested = worker(callee.port)
    tested.send(DIAL)
    progress = tested.until(Progress)
    assert (progress.sip_code, progress.early_media) == (183, True)
    assert tested.until(Ended).cause is Cause.INVALID_NUMBER
    callee.succeeds()


def test_right_credentials_are_accepted(worker, far):
    """A trunk that asks for credentials gets them."""
    callee = far("auth")
    tested = worker(callee.port, username="dialer", password="secret")
    tested.send(DIAL)
    tested.until(Answered)
    tested.send(HangUp("c1"))
    tested.until(Ended)
    callee.succeeds()


def test_wrong_credentials_end_the_call(worker, far):
    """A trunk that asks again after our credentials is an authentication error, not a loop."""
    callee = far("auth")
    tested = worker(callee.port, username="dialer", password="wrong")
    tested.send(DIAL)
    ended = tested.until(Ended)
    assert (ended.cause, ended.sip_code) == (Cause.AUTH_ERROR, 401)
    callee.succeeds()


def test_unanswered_bye_holds_the_slot_but_not_the_report(worker, far):
    """`Ended` comes although the far end ignores our BYE; the slot that it costs is reported."""
    callee = far("deaf_to_bye")
    tested = worker(callee.port)
    tested.send(DIAL)
    tested.until(Answered)
    tested.send(HangUp("c1"))
    assert tested.until(SlotsHeld).slots == 1
    assert tested.until(Ended, within_s=2.0).cause is Cause.NORMAL


@pytest.mark.parametrize("field", ["number", "caller_id", "trunk"])
def test_bad_address_is_never_sent(worker, field):
    """Nothing that could leave its header is put into one."""
    tested = worker(5060)
    fields = {"call": "c1", "trunk": "carrier", "number": "+4930", "caller_id": "+4930", "give_up_s": 1.0}
    tested.send(Dial(**{**fields, field: '1>\r\nX-Injected: "yes'}))
    ended = tested.until(Ended)
    assert (ended.cause, ended.ended_by) == (Cause.NOT_SENT, Leg.DIALER)
    assert tested.names() == ["Ended"]
    assert "Injected" not in ended.reason


def test_bad_agent_uri_is_never_sent(worker, far):
    """An agent's URI from outside cannot carry a header."""
    callee = far("answer")
    tested = worker(callee.port)
    tested.send(DIAL)
    tested.until(Answered)
    tested.send(DialAgent("c1", "a1", "sip:agent@host>\r\nX: y", "138****5678"))
    assert tested.until(AgentEnded).cause is Cause.NOT_SENT
    tested.send(HangUp("c1"))
    tested.until(Ended)


def test_stop_hangs_up_ringing_and_answered_calls(worker, far):
    """Stop reports every end and leaves no leg behind."""
    ringing, callee = far("ring"), far("answer")
    tested = worker(callee.port)
    tested.send(DIAL)
    tested.until(Answered)
    tested.send(Stop())
    assert [event.cause for event in tested.rest() if isinstance(event, Ended)] == [Cause.NORMAL]
    callee.succeeds()
    other = worker(ringing.port)
    other.send(DIAL)
    other.until(Progress)
    other.send(Stop())
    assert [event.cause for event in other.rest() if isinstance(event, Ended)] == [Cause.CANCELLED]
    ringing.succeeds()


def test_end_of_stream_hangs_up(worker, far):
    """A worker whose daemon is gone hangs up by itself."""
    callee = far("answer")
    tested = worker(callee.port)
    tested.send(DIAL)
    tested.until(Answered)
    tested.close()
    callee.succeeds()


def test_a_worker_takes_as_many_trunks_as_the_settings_allow(zygote, far):
    """64, each as full as it may be, with 256 sources in all; the last one works like the first."""
    callee = far("answer")
    others = tuple(
        Trunk(
            f"t{place}",
            f"sip{place}.example",
            5060,
            f"user{place}",
            "secret" * 20,
            targets=tuple(f"192.0.{number}.{place}:5060" for number in range(4)),
            sources=tuple(f"10.{place}.{number}.0/24" for number in range(4)),
            called_rules=tuple(f"+{number:014}={'0' * 20}" for number in range(64)),
            caller_rules=tuple(f"+{number:014}={'0' * 20}" for number in range(64)),
        )
        for place in range(63)
    )
    tested = WorkerUnderTest(zygote, WorkerSettings(trunks=(*others, Trunk("carrier", "127.0.0.1", callee.port))))
    tested.send(DIAL)
    tested.until(Answered)
    tested.send(HangUp("c1"))
    tested.until(Ended)
    tested.close()
    callee.succeeds()
