"""What the end of a call means: the total table, the charge, the ledger."""

from __future__ import annotations

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialer.core.calls.call import UNANSWERED, CallState
from dialer.core.calls.dispositions import (
    NO_SIGN,
    OUR_SIDE,
    TABLE,
    TRUNK_FAULTS,
    Counted,
    counts,
    disposition_of,
    is_charged,
)
from dialer.core.model import Disposition
from pacing.api import AnswerKind
from sip.causes import Cause, Leg

D = Disposition
UNANSWERED_MEANS = {
    Cause.NORMAL: D.UNREACHABLE,
    Cause.BUSY: D.BUSY,
    Cause.NO_ANSWER: D.NO_ANSWER,
    Cause.UNREACHABLE: D.UNREACHABLE,
    Cause.INVALID_NUMBER: D.INVALID,
    Cause.DECLINED: D.DECLINED,
    Cause.UNWANTED: D.UNWANTED,
    Cause.BLOCKED: D.BLOCKED,
    Cause.CONGESTION: D.CONGESTION,
    Cause.ROUTE_ERROR: D.ROUTE_ERROR,
    Cause.AUTH_ERROR: D.AUTH_ERROR,
    Cause.MEDIA_ERROR: D.MEDIA_ERROR,
    Cause.REDIRECTED: D.REDIRECTED,
    Cause.CANCELLED: D.NO_ANSWER,
    Cause.TRUNK_UNREACHABLE: D.TRUNK_UNREACHABLE,
    Cause.PROTOCOL_ERROR: D.ROUTE_ERROR,
    Cause.MEDIA_TIMEOUT: D.UNREACHABLE,
    Cause.SESSION_EXPIRED: D.UNREACHABLE,
    Cause.TALK_LIMIT: D.UNREACHABLE,
    Cause.OPERATOR: D.NO_ANSWER,
    Cause.AGENT: D.NO_ANSWER,
    Cause.MACHINE: D.MACHINE,
    Cause.NOT_SENT: D.NOT_SENT,
    Cause.WORKER_LOST: D.WORKER_LOST,
}
ANSWERED_MEANS = {
    CallState.WAITING: D.HUNG_UP,
    CallState.CONNECTING: D.HUNG_UP,
    CallState.TALKING: D.CONNECTED,
    CallState.MESSAGE: D.ABANDONED,
    CallState.HANGING_UP: D.ABANDONED,
}


@pytest.mark.parametrize(("state", "cause"), list(product(CallState, Cause)), ids=str)
def test_every_end_in_every_state_means_something(state, cause):
    """Unanswered calls are judged by their cause, answered ones by how far they came, lost workers as such."""
    if cause is Cause.WORKER_LOST:
        expected = D.WORKER_LOST
    elif cause is Cause.MACHINE:
        expected = D.MACHINE
    else:
        expected = UNANSWERED_MEANS[cause] if state in UNANSWERED else ANSWERED_MEANS[state]
        if cause is Cause.MEDIA_ERROR and state in {CallState.WAITING, CallState.CONNECTING}:
            expected = D.MEDIA_ERROR  # nothing could be heard: no hang-up of the callee's
    assert TABLE[state, cause] is expected
    assert disposition_of(state, cause, Leg.CALLEE) is expected


@pytest.mark.parametrize("state", [CallState.WAITING, CallState.CONNECTING])
def test_an_answered_callee_whom_we_hung_up_on_was_abandoned(state):
    """A 200 OK that crossed our CANCEL and was ended by our own BYE is an abandoned call, not a callee's hang-up."""
    assert disposition_of(state, Cause.NORMAL, Leg.DIALER) is D.ABANDONED
    assert disposition_of(state, Cause.NORMAL, Leg.NETWORK) is D.HUNG_UP


@pytest.mark.parametrize("ended_by", list(Leg), ids=str)
def test_nobody_abandons_a_machine(ended_by):
    """Where a person would have hung up or been abandoned, a machine is a machine; other ends are what they are."""
    for (state, cause), usual in TABLE.items():
        found = disposition_of(state, cause, ended_by, AnswerKind.MACHINE)
        assert found is (D.MACHINE if usual in {D.HUNG_UP, D.ABANDONED} else usual)


def test_who_ended_it_matters_nowhere_else():
    """Ended by us or not: every other end means the same."""
    for state, cause in TABLE:
        if TABLE[state, cause] is not D.HUNG_UP:
            assert disposition_of(state, cause, Leg.DIALER) is TABLE[state, cause]


@pytest.mark.parametrize("disposition", list(Disposition), ids=str)
def test_only_failures_of_our_own_are_not_charged(disposition):
    """An attempt that failed on our side before any phone rang is free; everything else is charged."""
    assert is_charged(disposition, rang=True)
    assert is_charged(disposition, rang=False) == (disposition not in OUR_SIDE)
    assert set(TRUNK_FAULTS) < OUR_SIDE
    assert {D.CONGESTION} == OUR_SIDE - NO_SIGN  # a share of all calls, from which the pacer may learn


def counted(answered_at, bridged_at, ended_at=100.0, ended_by=Leg.DIALER):
    return counts(
        answered_at=answered_at, bridged_at=bridged_at, ended_at=ended_at, ended_by=ended_by, abandon_after_s=2.0
    )


@pytest.mark.parametrize("bridged_at", [None, 11.0, 20.0])
def test_a_machine_is_not_in_the_ledger(bridged_at):
    """Whether an agent came, in time or late, or nobody."""
    told = {"answered_at": 10.0, "bridged_at": bridged_at, "ended_at": 60.0, "ended_by": Leg.CALLEE}
    assert counts(**told, abandon_after_s=2.0, kind=AnswerKind.MACHINE) == Counted()


@given(st.integers(0, 10**6), st.none() | st.integers(0, 5000))
def test_an_answer_is_abandoned_unless_an_agent_came_in_time(answered_ms, waited_ms):
    """Live always; abandoned where no agent was on the line within the limit (the limit itself is in time)."""
    answered = answered_ms / 1000
    bridged = None if waited_ms is None else answered + waited_ms / 1000
    found = counted(answered, bridged, answered + 60)
    assert found.live
    assert not found.hung_up
    if waited_ms != 2000:  # a float's breath beside the limit may fall on either side
        assert found.abandoned == (waited_ms is None or waited_ms > 2000)


def test_the_limit_itself_is_in_time():
    """An agent exactly at the limit is in time."""
    assert counted(10.0, 12.0) == Counted(live=True)


@pytest.mark.parametrize(
    ("ended_at", "ended_by", "bridged_at", "hung_up"),
    [
        (11.5, Leg.CALLEE, None, True),
        (12.0, Leg.CALLEE, None, False),  # the limit had passed: nobody was there in time
        (11.5, Leg.DIALER, None, False),
        (11.5, Leg.CALLEE, 11.0, False),
    ],
)
def test_who_hangs_up_before_the_limit_is_told_apart(ended_at, ended_by, bridged_at, hung_up):
    """It is abandoned all the same; not every law counts it."""
    assert counted(10.0, bridged_at, ended_at, ended_by) == Counted(True, bridged_at is None, hung_up)
