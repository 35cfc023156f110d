"""Third parties, from their ringing to their end. What supervisors and agents may ask for is in `listening` and `desk`.

Nothing that happens to a party ends a talk, unless it is alone with the callee by then.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from dialer.core.agents.agent import Agent, AgentState, come_free, enter, pause_after
from dialer.core.calls.call import Call, CallState
from dialer.core.calls.dispositions import PHONE_DIED
from dialer.core.effects import Listened, Publish, Send
from dialer.core.engine_state import EngineState
from dialer.core.talks.party import RING_LIMIT_S, Party, PartyState, Purpose
from dialer.language.phrases import phrase
from dialer.language.terms import term
from sip.causes import Cause
from sip.messages import CallEvent, Digit, Ended, HangUp
from sip.parties.messages import DialParty, Hold, Join, Leave, LinkOpened, OpenLink, Voice
from sip.scripts.messages import AgentLeft, HangUpAgent

ENDED_KEPT_S: Final = 60.0
"""How long one that is over can still be seen by whoever asked for it."""

VOICE_KEYS: Final = {"4": Voice.LISTEN, "5": Voice.WHISPER, "6": Voice.BARGE}
"""What a supervisor presses, as with Asterisk's ChanSpy (option d)."""

_WORDS: Final = {
    Cause.BUSY: phrase("the phone is busy"),
    Cause.DECLINED: phrase("the call was declined"),
    Cause.NO_ANSWER: phrase("nobody answered"),
    Cause.CANCELLED: phrase("nobody answered"),
    Cause.UNREACHABLE: phrase("the phone cannot be reached"),
    Cause.INVALID_NUMBER: phrase("there is no such phone"),
    Cause.NOT_SENT: phrase("this host has no room for another third party"),
    Cause.WORKER_LOST: phrase("the SIP worker of the phone died"),
    Cause.NORMAL: phrase("hung up"),
}


def heard(state: EngineState, party: Party, event: CallEvent, now: float) -> None:
    """Something happened on the line to a party. One that is over stays so, whatever comes late."""
    if is_over(party):
        return
    match event:
        case LinkOpened(_, _, port, key):
            party.port, party.key = port, key
            _is_ready(state, party, now)
        case Digit(_, _, digit) if party.purpose is Purpose.LISTENING and digit in VOICE_KEYS:
            speak(state, party, VOICE_KEYS[digit])
        case Ended():
            _ended(state, party, event, now)
        case _:
            pass  # it rings, or a key means nothing


def of_talk(state: EngineState, call: Call) -> list[Party]:
    """The parties that are joined to a talk, or are rung for it."""
    return [each for each in state.parties.values() if each.attempt == call.attempt and not is_over(each)]


def is_over(party: Party) -> bool:
    """Whether it is kept to be seen, and nothing else."""
    return party.state is PartyState.ENDED


def successor(state: EngineState, call: Call) -> Party | None:
    """Who has the talk if the agent goes: whom it was passed on to before those of a conference, an agent of ours
    before others."""
    staying = [each for each in _staying(state, call) if not _is_agents(each, call)]
    return max(staying, key=lambda each: (each.purpose is Purpose.TRANSFER, each.colleague != ""), default=None)


def _staying(state: EngineState, call: Call) -> list[Party]:
    return [each for each in of_talk(state, call) if each.stays and each.state is PartyState.JOINED]


def _is_agents(party: Party, call: Call) -> bool:
    """Whether a party is the phone of the agent whose talk it is, to whom it was passed on."""
    return bool(party.colleague) and party.colleague == call.agent


def hang_up_agent(state: EngineState, call: Call, agent: Agent, *, keeps_callee: bool = False) -> None:
    """End the line to one agent of a talk; what becomes of the callee follows from who is left, and with `keeps_callee`
    it stays even if nobody is. The first agent's phone is the talk's own, a colleague's is a party's."""
    party = next((each for each in _staying(state, call) if each.colleague == agent.agent), None)
    if party is None or (keeps_callee and _is_agents(party, call) and successor(state, call) is None):
        state.do(Send(HangUpAgent(call.dial_id)))
    if party is not None:
        hang_up(state, party)


def is_guest(state: EngineState, call: Call, agent: Agent) -> bool:
    """Whether an agent is in the talk of another, who is there, too."""
    return agent.agent != call.agent and not _is_without_agent(state, call)


def awaited(state: EngineState, call: Call) -> Party | None:
    """Who is being rung to take the talk over."""
    ringing = (each for each in of_talk(state, call) if each.state is PartyState.RINGING)
    return next((each for each in ringing if each.purpose is Purpose.TRANSFER), None)


def awaits(state: EngineState, call: Call) -> bool:
    """Whether somebody is on the way to the talk, or will be as soon as one of its queue is free."""
    return call.attempt in state.queued or awaited(state, call) is not None


def hold(state: EngineState, call: Call, *, on: bool) -> None:
    """Put the callee on hold, or go on; and say whether somebody is on the way to the talk."""
    call.on_hold = on
    state.do(Send(Hold(call.dial_id, on, awaits=awaits(state, call))))


def leave_queue(state: EngineState, call: Call) -> None:
    """A talk does not wait for anybody of a queue any more."""
    state.queued.pop(call.attempt, None)


def party_for(call: Call, purpose: Purpose, who: str, to: str, ref: str, now: float) -> Party:
    """Somebody who is to join a talk on the word of its agent `who`."""
    call.parties_rung += 1
    name = f"{call.attempt}-{call.parties_rung}"
    return Party(name, purpose, who, to, since=now, agent=who, attempt=call.attempt, ref=ref)


def ring(state: EngineState, call: Call, party: Party, uri: str, colleague: Agent | None, now: float) -> None:
    """Ring a phone for a talk, that of a `colleague` who is ready where it is one's; the callee of a transfer is on
    hold meanwhile."""
    state.parties[party.party] = party
    rings = DialParty(party.party, uri, str(call.lead.number), RING_LIMIT_S)
    if colleague is not None:
        party.colleague = colleague.agent
        state.put_agent(enter(colleague, AgentState.RINGING, now, call=call.attempt))
        standing = "" if colleague.standing is None else colleague.standing.call
        rings = replace(rings, attempt=call.attempt, standing=standing)
    state.do(Send(rings))
    tell(state, call, "ringing", party=party)
    if party.purpose is Purpose.TRANSFER:
        hold(state, call, on=True)


def speak(state: EngineState, party: Party, voice: Voice) -> None:
    """Have others hear a supervisor."""
    if party.voice is voice:
        return
    party.voice = voice
    call = state.calls.get(party.attempt)
    if call is not None and party.state is PartyState.JOINED:
        _join(state, party, call)
        _tell_listening(state, party)


def hang_up(state: EngineState, party: Party) -> None:
    """End the line to a party."""
    state.do(Send(HangUp(party.party)))


def talk_began(state: EngineState, call: Call, now: float) -> None:
    """An agent talks: whoever follows that agent hears it."""
    for party in state.parties.values():
        if party.follows and party.agent == call.agent and party.state is PartyState.WAITING and party.port:
            _listen(state, party, call, now)


def talk_ended(state: EngineState, call: Call, now: float) -> None:
    """A talk is over: who follows its agent waits for the next one, all others are hung up on."""
    leave_queue(state, call)
    for party in of_talk(state, call):
        if party.purpose is Purpose.LISTENING and party.state is PartyState.JOINED:
            _tell_listening(state, party, over=True)
        _free_colleague(state, party, call, now)
        if party.follows and party.state is PartyState.JOINED and not state.draining:
            _wait(state, party, now)
        else:
            party.attempt = ""  # the call may go on, with a survey or a message
            hang_up(state, party)


def agent_taken(state: EngineState, call: Call, now: float) -> None:
    """The agent is about to be taken from a talk that nobody is to go on with."""
    for party in of_talk(state, call):
        if party.state is PartyState.JOINED:
            state.do(Send(Leave(call.dial_id, party.party)))
    if call.on_hold or awaited(state, call) is not None:
        call.on_hold = False
        state.do(Send(Hold(call.dial_id, on=False)))
    talk_ended(state, call, now)


def agent_left(state: EngineState, call: Call, event: AgentLeft | Ended, now: float) -> bool:
    """The agent of a talk is gone. Whether the callee talks on with a party who is in the agent's place now, or waits
    for one that is being rung, or is to be: not where the agent had gone before the talk's worker knew of either."""
    if call.state is not CallState.TALKING or (isinstance(event, AgentLeft) and event.alone):
        return False
    party = successor(state, call) or awaited(state, call)
    if party is None and call.attempt not in state.queued:
        return False
    agent = state.roster.get(call.agent)
    if agent is not None and agent.call == call.attempt:
        if event.cause in PHONE_DIED:
            agent = pause_after(agent, phrase("phone is gone ({cause})", cause=term(event.cause)))
        state.wrap_up(agent, state.campaigns[call.campaign], now)
    if party is not None and party.state is PartyState.JOINED:
        _passed_on(state, call, party, now)
    return True


def _passed_on(state: EngineState, call: Call, party: Party, now: float) -> None:
    """The talk is the party's from now on, and the callee no longer on hold."""
    if call.on_hold:
        hold(state, call, on=False)
    tell(state, call, "passed_on", party=party)
    for other in of_talk(state, call):
        if other.follows and other.agent != party.colleague:  # goes with its agent
            _tell_listening(state, other, over=True)
            state.do(Send(Leave(call.dial_id, other.party)))
            _wait(state, other, now)
    if party.colleague:
        call.agent = party.colleague
        talk_began(state, call, now)


def _wait(state: EngineState, party: Party, now: float) -> None:
    party.attempt, party.port, party.state, party.since = "", 0, PartyState.WAITING, now
    state.do(Send(OpenLink(party.party)))


def look(state: EngineState, now: float) -> None:
    """Once a second: who follows an agent who has gone is hung up on, who ended long ago is forgotten."""
    for party in list(state.parties.values()):
        if is_over(party):
            if now - party.since > ENDED_KEPT_S:
                del state.parties[party.party]
        elif party.follows and not party.attempt and (state.ending or state.roster.get(party.agent) is None):
            party.reason = phrase("the agent is not logged in any more")
            hang_up(state, party)


def tell(
    state: EngineState,
    call: Call,
    what: str,
    *,
    party: Party | None = None,
    to: str = "",
    reason: str = "",
    ref: str = "",
) -> None:
    """The event `talk_state`: what the desktops of a talk see of it. A colleague who joins learns whom it is about."""
    fields = {
        "attempt_id": call.attempt,
        **call.lead.shown,
        "agent": call.agent,
        "talk": what,
        "to": to if party is None else party.to,
        "colleague": "" if party is None else party.colleague,
        "reason": reason,
        "ref": ref if party is None else party.ref,
    }
    state.do(Publish("talk_state", call.campaign, fields))


def _is_ready(state: EngineState, party: Party, now: float) -> None:
    """Its phone has answered, or its last talk is over."""
    call = state.calls.get(party.attempt)
    if party.purpose is Purpose.LISTENING:
        agent = state.roster.get(party.agent)
        if party.follows and agent is not None and agent.state is AgentState.TALKING:
            call = state.calls.get(agent.call or "")
        if call is not None and call.state is CallState.TALKING:
            _listen(state, party, call, now)
        elif party.follows:
            party.state, party.since = PartyState.WAITING, now
        else:
            party.reason = phrase("the talk is over")
            hang_up(state, party)
        return
    if call is None or call.state is not CallState.TALKING:
        hang_up(state, party)
        return
    party.state, party.since = PartyState.JOINED, now
    colleague = state.roster.get(party.colleague)
    if colleague is not None and colleague.call == call.attempt:
        state.put_agent(enter(colleague, AgentState.TALKING, now, call=call.attempt))
    _join(state, party, call)
    tell(state, call, "joined", party=party)
    if party.purpose is Purpose.TRANSFER:
        leave_queue(state, call)
        hold(state, call, on=False)
        if _is_without_agent(state, call):
            _passed_on(state, call, party, now)
        else:
            hang_up_agent(state, call, state.roster.agents[call.agent])


def _listen(state: EngineState, party: Party, call: Call, now: float) -> None:
    party.attempt, party.state, party.since = call.attempt, PartyState.JOINED, now
    _join(state, party, call)
    _tell_listening(state, party)


def _join(state: EngineState, party: Party, call: Call) -> None:
    state.do(Send(Join(call.dial_id, party.party, party.port, party.key, party.voice, party.stays)))


def _tell_listening(state: EngineState, party: Party, *, over: bool = False) -> None:
    """The audit trail always hears who listens; the agent does where the settings say so."""
    call = state.calls.get(party.attempt)
    state.do(Listened(party.who, party.attempt, party.agent, "" if over else party.voice.value))
    if call is not None and state.settings.listeners_told:
        tell(state, call, "unattended" if over else party.voice.value)


def _ended(state: EngineState, party: Party, event: Ended, now: float) -> None:
    was = party.state
    party.state, party.since = PartyState.ENDED, now
    party.reason = party.reason or _WORDS.get(event.cause, phrase("the line ended: {cause}", cause=term(event.cause)))
    call = state.calls.get(party.attempt)
    if call is None:
        return
    if was is PartyState.JOINED:
        state.do(Send(Leave(call.dial_id, party.party)))  # which ends the call if the party was alone with the callee
    if party.purpose is Purpose.LISTENING:
        if was is PartyState.JOINED:
            _tell_listening(state, party, over=True)
        return
    _free_colleague(state, party, call, now)
    tell(state, call, "left" if was is PartyState.JOINED else "failed", party=party, reason=party.reason)
    if was is PartyState.JOINED and _is_agents(party, call):
        agent_left(state, call, event, now)
    if was is PartyState.RINGING and party.purpose is Purpose.TRANSFER:
        hold(state, call, on=call.attempt in state.queued)


def _is_without_agent(state: EngineState, call: Call) -> bool:
    agent = state.roster.get(call.agent)
    return agent is None or agent.call != call.attempt


def _free_colleague(state: EngineState, party: Party, call: Call, now: float) -> None:
    agent = state.roster.get(party.colleague)
    if agent is None or agent.call != call.attempt or agent.agent == call.agent:
        return
    if agent.state is AgentState.TALKING:
        state.wrap_up(agent, state.campaigns[call.campaign], now)
    else:
        state.put_agent(come_free(agent, now))
