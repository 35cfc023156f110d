"""The call table, stepped through completely."""

from __future__ import annotations

from itertools import product

import pytest

from dialer.core.calls.call import STATE_LIMIT_S, TRANSITIONS, UNANSWERED, Call, CallError, CallState, CallTrigger

LEGAL = {
    ("dialling", "progress"): "ringing",
    ("dialling", "answered"): "waiting",
    ("dialling", "cancel"): "cancelling",
    ("ringing", "progress"): "ringing",
    ("ringing", "answered"): "waiting",
    ("ringing", "cancel"): "cancelling",
    ("cancelling", "progress"): "cancelling",
    ("cancelling", "answered"): "waiting",
    ("waiting", "agent_chosen"): "connecting",
    ("waiting", "play_message"): "message",
    ("waiting", "hang_up"): "hanging_up",
    ("connecting", "agent_failed"): "waiting",
    ("connecting", "bridged"): "talking",
    ("connecting", "play_message"): "message",
    ("connecting", "hang_up"): "hanging_up",
    ("talking", "hang_up"): "talking",
    ("talking", "play_message"): "message",
    ("message", "agent_failed"): "message",
    ("message", "bridged"): "talking",
    ("message", "hang_up"): "hanging_up",
    ("hanging_up", "agent_failed"): "hanging_up",
    ("hanging_up", "bridged"): "hanging_up",
}


@pytest.fixture
def call(make_lead, make_permit):
    lead = make_lead()
    return Call(permit=make_permit(lead, "attempt-1", 0.0), lead=lead, trunk="north", reserved_at=10.0)


@pytest.mark.parametrize(("state", "event"), list(product(CallState, CallTrigger)), ids=str)
def test_every_pair_of_state_and_event(call, state, event):
    """Every legal pair leads where it should; every other one raises and changes nothing."""
    call.state, call.watched_since = state, 5.0
    target = LEGAL.get((state.value, event.value))
    if target is None:
        with pytest.raises(CallError, match="does not fit a call that is"):
            call.move(event)
        assert (call.state, call.watched_since) == (state, 5.0)
    else:
        call.move(event)
        assert call.state == target


def test_a_watch_ends_with_its_state(call):
    """A watch over one state does not outlive it, and stays while the state does."""
    call.move(CallTrigger.CANCEL)
    call.watched_since = 20.0
    call.move(CallTrigger.PROGRESS)
    assert call.watched_since == 20.0
    call.move(CallTrigger.ANSWERED)
    assert call.watched_since is None


def test_the_table_covers_every_state():
    """No state is missing from the table, and every state that ends by our command is bounded."""
    assert set(TRANSITIONS) == set(CallState)
    asked_to_end = {CallState.CANCELLING, CallState.MESSAGE, CallState.HANGING_UP, CallState.TALKING}
    assert set(STATE_LIMIT_S) == asked_to_end
    assert {CallState.DIALLING, CallState.RINGING, CallState.CANCELLING} == UNANSWERED


def test_a_call_counts_from_its_invite(call):
    """Until the INVITE is known to have left, a call counts from its reservation."""
    assert call.started_at == 10.0
    call.dialled_at = 10.5
    assert call.started_at == 10.5
    assert (call.attempt, call.campaign) == ("attempt-1", "sales")
