"""Supervisors who listen to a talk, whisper to its agent or speak with both, by an operator's order."""

from __future__ import annotations

from dialer.core.calls.call import CallState
from dialer.core.effects import Send
from dialer.core.engine_state import EngineState
from dialer.core.inputs import Monitor
from dialer.core.talks import parties
from dialer.core.talks.party import MOST_OF_A_TALK, RING_LIMIT_S, Party, PartyState, Purpose
from dialer.language.phrases import phrase
from dialer.language.terms import term
from sip.parties.messages import DialParty


def ordered(state: EngineState, order: Monitor, now: float) -> None:
    """Ring a supervisor's phone, or change what goes on already. Whoever asked sees what cannot be done, in words, as a
    party that has ended. An order about another host's agent or call is not for this one."""
    if order.agent not in state.roster.agents and order.attempt not in state.calls:
        return
    own = [each for each in state.parties.values() if _is_meant(each, order)]
    party = Party(
        party=f"listen-{order.order}",
        purpose=Purpose.LISTENING,
        who=order.who,
        to=order.shown,
        since=now,
        agent=order.agent or state.calls[order.attempt].agent,
        attempt=order.attempt,
        follows=bool(order.agent),
        voice=order.voice,
    )
    if not order.uri:
        for each in own:
            if order.stops:
                parties.hang_up(state, each)
            else:
                parties.speak(state, each, order.voice)
        if own:
            return
    party.reason = order.obstacle or _obstacle(state, order, is_there=bool(own))
    state.parties[party.party] = party
    if party.reason:
        party.state = PartyState.ENDED
        return
    about = f"agent {party.agent}" if party.agent else "a talk"
    state.do(Send(DialParty(party.party, order.uri, about, RING_LIMIT_S)))


def _is_meant(party: Party, order: Monitor) -> bool:
    """Whether an order is about what this party does already: the same supervisor, and the same agent or talk."""
    if party.purpose is not Purpose.LISTENING or parties.is_over(party) or party.who != order.who:
        return False
    return party.agent == order.agent if order.agent else party.attempt == order.attempt


def _obstacle(state: EngineState, order: Monitor, *, is_there: bool) -> str:
    """Why a supervisor's phone is not rung, in words."""
    if not order.uri:
        return phrase("you are not listening there; say with --to which phone is to ring")
    if is_there:
        return phrase("you are listening there already; leave out --to, or press 4, 5 or 6 on the phone")
    if state.draining:
        return phrase("this host is stopping")
    call = state.calls.get(order.attempt)
    if call is not None and call.state is not CallState.TALKING:
        return phrase("nobody talks there, the call is {state}", state=term(call.state))
    if call is not None and len(parties.of_talk(state, call)) >= MOST_OF_A_TALK:
        return phrase("{most} third parties are in that talk already", most=MOST_OF_A_TALK)
    return no_room(state)


def no_room(state: EngineState) -> str:
    """Why no third party more can be rung, in words; empty: one can."""
    on_the_line = sum(not parties.is_over(each) for each in state.parties.values())
    if on_the_line < state.settings.max_parties:
        return ""
    return f"{on_the_line} third parties are on the line, and sip.max_parties allows no more"
