"""When a trunk gives a call back before anything rang: the next trunk, or the end.

The attempt and its permit stay the same, and the lead is not charged for the trunk's fault. There is one INVITE at a
time: the next leaves after the end of the one before, under another id, so that what is still said of that one is
ignored. After a sign of the callee's phone, or a word that is the callee's or the network's own (busy, declined,
blocked), nothing goes anywhere else.
"""

from __future__ import annotations

from typing import Final

from dialer.core.calls import settling, trunk_selection
from dialer.core.calls.call import Call, CallState
from dialer.core.calls.dialling import asker_has_gone, invite, may_start
from dialer.core.calls.dispositions import TRUNK_FAULTS, disposition_of
from dialer.core.engine_state import EngineState
from dialer.core.inbound.arrival import Arrival
from sip.causes import Cause, Leg
from sip.messages import Ended

MOST_TRIES: Final = 4
"""INVITEs of one attempt. Callers' hours are judged for the moment of the permit, and it lapses soon anyway."""


def ended(state: EngineState, event: Ended, now: float, wall: float) -> None:
    """A worker's word that an INVITE's call is over: go on with another trunk where that may be, else settle."""
    call = state.call_on(event.call)
    trunk = None if call is None else _next_trunk(state, call, event, now, wall)
    if call is None or trunk is None:
        settling.ended(state, event, now)
        return
    disposition = disposition_of(call.state, event.cause, event.ended_by)
    settling.free_trunk(state, call, disposition, event, now)
    state.go_elsewhere(call, trunk, now)
    invite(state, state.campaigns[call.campaign], call, now)


def _next_trunk(state: EngineState, call: Call, event: Ended, now: float, wall: float) -> str | None:
    permit = call.permit
    if call.state is not CallState.DIALLING or call.taken or not _gave_back(event) or isinstance(permit, Arrival):
        return None
    tried = (*call.failed_trunks, call.trunk)
    run = state.campaigns[call.campaign]
    if len(tried) >= MOST_TRIES or wall > permit.valid_until:
        return None
    if not may_start(state, run) or asker_has_gone(state, call.asked_by):
        return None
    caller_id = permit.caller_id
    left = [
        trunk for trunk in state.trunks_of(run) if trunk.name not in tried and trunk_selection.shows(trunk, caller_id)
    ]
    rooms = {trunk.name: state.room(trunk, now) for trunk in left}
    trunk = trunk_selection.choose(left, rooms, permit.number.clear)
    return None if trunk is None else trunk.name


def _gave_back(event: Ended) -> bool:
    """Whether the trunk is to blame, and the INVITE is over: one that our own side broke off may still be out."""
    over = event.ended_by is Leg.NETWORK or event.cause is Cause.TRUNK_UNREACHABLE
    return over and disposition_of(CallState.DIALLING, event.cause, event.ended_by) in TRUNK_FAULTS
