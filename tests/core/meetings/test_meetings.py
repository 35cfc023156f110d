"""Walks through everything at once; what must hold whenever nothing is on its way, and at the end."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import pytest

from dialer.core.agents.agent import AgentState
from dialer.core.agents.standing import LegState
from dialer.core.calls.call import CallState
from dialer.core.engine_state import TimerKind
from dialer.core.model import Close, Disposition
from dialer.core.talks import parties as parties_of_talks
from dialer.core.talks.party import PartyState
from tests.core.meetings.walk import CAMPAIGN, Walk, begin

STEPS = 400


@pytest.mark.parametrize("seed", range(20))
def test_nothing_is_left_or_stuck_wherever_the_parts_meet(seed: int) -> None:
    """Each attempt and caller has one end, each agent a way on, each leg somebody; whatever crosses and dies."""
    walk = begin(seed)
    for _ in range(STEPS):
        walk.step()
        if walk.dice.random() < 0.3:
            settle_down(walk)
    walk.close()
    assert list(wrong_at_the_end(walk)) == []


def settle_down(walk: Walk) -> None:
    """Let everything arrive, and look."""
    while walk.let_through():
        pass
    assert list(wrong(walk)) == []


def wrong(walk: Walk) -> Iterator[str]:
    """What does not fit while nothing is on its way between the engine and its workers."""
    state, lines = walk.stage.state, walk.workers.lines
    calls = {call.dial_id: call for call in state.calls.values()}
    if calls.keys() != lines.keys():
        yield f"calls: the engine has {sorted(calls)}, workers {sorted(lines)}"
        return
    parties = {name: party for name, party in state.parties.items() if party.state is not PartyState.ENDED}
    if parties.keys() != walk.workers.parties.keys():
        yield f"third parties: the engine has {sorted(parties)}, workers {sorted(walk.workers.parties)}"
    legs = {agent.standing.call for agent in state.roster.agents.values() if _is_kept(agent)}
    if legs != walk.workers.standing.keys():
        yield f"standing legs: the engine has {sorted(legs)}, workers {sorted(walk.workers.standing)}"
    for name, call in calls.items():
        if call.state is CallState.TALKING and call.watched_since is None and not lines[name].talk:
            yield f"{name} is a talk that nobody has with the callee"
        joined = {each.party for each in parties.values() if each.attempt == call.attempt and _has_joined(each)}
        if call.state is CallState.TALKING and joined != lines[name].joined.keys():
            yield f"{name}: the engine has joined {joined}, the worker {sorted(lines[name].joined)}"
        held = call.on_hold, parties_of_talks.awaits(state, call)
        if call.state is CallState.TALKING and lines[name].talk and held != (lines[name].on_hold, lines[name].awaits):
            yield f"{name}: on hold and awaiting somebody are {held} here, otherwise in the worker"
        if call.state is CallState.SCRIPT and call.lead.consent_at is None:
            yield f"{name} hears a script and has not agreed to"
    for agent in state.roster.agents.values():
        yield from _wrong_with(walk, agent)
    engine, now = walk.stage.engine, walk.stage.now
    if len(engine.calls()) != len(calls) or engine.statistics(now).lines_used != state.lines_used:
        yield "the board shows other calls than there are"
    engine.view(), engine.parties(), engine.pacer_requests(now, everyone=True)
    if any(
        trunk.calls != len([each for each in calls.values() if each.trunk == trunk.name])
        for trunk in state.trunks.values()
    ):
        yield "a trunk counts other calls than there are"


def _is_kept(agent) -> bool:
    return agent.standing is not None and agent.standing.state is not LegState.DOWN


def _has_joined(party) -> bool:
    return party.state is PartyState.JOINED


def _wrong_with(walk: Walk, agent) -> Iterator[str]:
    state = walk.stage.state
    call = state.calls.get(agent.call or "")
    if call is None and (agent.call is not None or agent.state in {AgentState.RINGING, AgentState.TALKING}):
        yield f"agent {agent.agent} is {agent.state} in a call that is over"
    if agent.state is AgentState.READY and not agent.can_be_reached:
        yield f"agent {agent.agent} is ready without a phone"
    leg = agent.standing
    rings = [(name, about) for _, _, kind, name, about in walk.stage.state.timers if kind is TimerKind.STANDING]
    waits = leg is not None and leg.ready_then and leg.state is LegState.DOWN
    if waits and (agent.agent, leg.since) not in rings:
        yield f"agent {agent.agent} waits for a phone that nobody rings"
    if call is None or agent.state is not AgentState.TALKING:
        return
    party = [each for each in state.parties.values() if each.colleague == agent.agent and each.attempt == call.attempt]
    if call.agent != agent.agent and not any(_has_joined(each) for each in party):
        yield f"agent {agent.agent} talks in {call.attempt} and has no line there"
    if call.agent == agent.agent and not (walk.workers.lines[call.dial_id].leg or any(map(_has_joined, party))):
        yield f"agent {agent.agent} has the talk {call.attempt} and no line there"


def wrong_at_the_end(walk: Walk) -> Iterator[str]:
    """What is left, and what was counted twice or not at all."""
    yield from wrong(walk)
    state, run = walk.stage.state, walk.stage.state.campaigns[CAMPAIGN]
    settled = Counter(each.attempt for each in walk.settlements)
    owed = walk.permits - walk.refused
    if settled != Counter(owed):
        yield f"ends: {Counter(owed) - settled} lack, {settled - Counter(owed)} are too many"
    if state.lines_used or state.parties or walk.workers.lines or walk.workers.parties:
        yield f"left: {state.calls}, {state.parties}, {walk.workers}"
    if busy := [
        each for each in state.roster.agents.values() if each.state in {AgentState.RINGING, AgentState.TALKING}
    ]:
        yield f"agents are still busy: {busy}"
    told = (run.own.answered, run.own.abandoned)
    counted = sum(each.live for each in walk.settlements), sum(each.abandoned for each in walk.settlements)
    if told != counted:
        yield f"the ledger has {told}, settlements {counted}"
    for each in walk.settlements:
        if (
            each.inbound
            and each.bridged_at is None
            and each.next_step == Close("")
            and not each.opted_out
            and each.lead.lead_id in walk.held
        ):
            yield f"{each.attempt} closed the lead of a caller"
        if each.disposition is Disposition.CONNECTED and not each.agent:
            yield f"{each.attempt} was connected with nobody"
        if each.opted_out is not (each.attempt in walk.opted_out) and each.disposition is not Disposition.UNWANTED:
            yield f"{each.attempt} opted out, and not everybody knows"
    heard: dict[tuple[str, str, str], str] = {}
    for row in walk.listened:
        listening = row.who, row.agent, row.attempt
        if not (row.voice or heard.get(listening)):
            yield f"{listening} ended twice"
        heard[listening] = row.voice
    yield from (f"{listening} never ended" for listening, voice in heard.items() if voice)
