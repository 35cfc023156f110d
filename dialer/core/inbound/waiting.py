"""What a caller hears, and may ask for by a key, until an agent comes or the call ends."""

from __future__ import annotations

from typing import Final

from dialer.core.calls.call import Call, CallState, CallTrigger
from dialer.core.effects import OptOut, Send
from dialer.core.engine_state import EngineState, TimerKind
from sip.causes import Cause
from sip.inbound.messages import PlayMusic
from sip.messages import CancelAgent, HangUp, PlayMessage

HEARS_THE_KEYS: Final = frozenset({CallState.WAITING, CallState.CONNECTING, CallState.MESSAGE})
"""While a caller hears the music, or the message."""


def answered(state: EngineState, call: Call, now: float) -> None:
    """The caller is on the line. One whom nobody here could serve, and a stranger, hears the message at once; who waits
    for an agent hears music, at most until the limit."""
    settings = state.settings.inbound
    if state.ending:
        hang_up(state, call, now)
        return
    if not call.lead.lead_id or not state.roster.serving[call.campaign]:
        play_message(state, call, now)
        return
    assert call.answered_at is not None
    state.set_timer(call.answered_at + settings.longest_wait_s, TimerKind.ABANDON, call.attempt, call.answered_at)
    if settings.wait_music:
        state.do(Send(PlayMusic(call.attempt, settings.wait_music)))


def waited_too_long(state: EngineState, call: Call, now: float) -> None:
    """No agent came in time."""
    if call.state is CallState.CONNECTING:
        state.do(Send(CancelAgent(call.attempt, call.leg)))
    state.changed.add(call.campaign)
    play_message(state, call, now)


def play_message(state: EngineState, call: Call, now: float) -> None:
    """Say who called and why; the call ends with it."""
    path = state.campaigns[call.campaign].settings.return_message or state.settings.inbound.message
    state.move(call, CallTrigger.PLAY_MESSAGE)
    call.message_played = True
    state.do(Send(PlayMessage(call.attempt, path)))
    state.watch_state(call, now)


def key_pressed(state: EngineState, call: Call, key: str, at: float, now: float) -> None:
    """A caller whom we know may ask not to be called again, or to be called by an agent; that ends the call, also while
    an agent's phone is rung. Strangers' keys mean nothing, nor do any while an agent is on the line."""
    settings = state.settings.inbound
    if not key or not call.lead.lead_id or call.state not in HEARS_THE_KEYS:
        return
    if key == settings.opt_out_key:
        call.opted_out = True
        state.do(OptOut(call.campaign, call.attempt, call.lead.number, key, at))
    elif key == settings.callback_key:
        call.wants_callback = True
    else:
        return
    call.hung_up_for = Cause.NORMAL
    hang_up(state, call, now)


def hang_up(state: EngineState, call: Call, now: float) -> None:
    """End the call."""
    state.move(call, CallTrigger.HANG_UP)
    state.do(Send(HangUp(call.attempt)))
    state.watch_state(call, now)
