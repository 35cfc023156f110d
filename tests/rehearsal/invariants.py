"""What must hold after every step, whatever was broken on purpose.

Each invariant looks at one step (`Step`: what was told, what the engine wants, the floor after it) and at what is
remembered of the steps before (`Past`), and yields a sentence for each thing that is wrong. `INVARIANTS` has them all.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Final

from compliance.api import Permit
from config.campaign import MIN_RING_TIMEOUT_S
from dialer.core.agents.agent import ON_CALL, AgentState
from dialer.core.calls.call import UNANSWERED, Call, CallState
from dialer.core.calls.dialling import may_start
from dialer.core.calls.dispositions import SCRIPTED
from dialer.core.effects import Effect, OptOut, Publish, Reserve, Send, Settle
from dialer.core.engine_state import EngineState
from dialer.core.inputs import Input, Paced, Permitted
from dialer.core.model import Close, Disposition
from pacing.api import Mode
from sip.causes import Leg
from sip.messages import SLOTS_PER_CALL, Cancel, Dial, DialAgent, Ended, PlayMessage
from tests.rehearsal.memory import Place, Record

BREATH_S: Final = 1e-6
LEFT_FOR_MACHINES: Final = "/leave.wav"
LONGEST_UNTALKED_S: Final = 600.0
"""Far longer than all limits of a call without a talk together."""


class InvariantBroken(AssertionError):
    """The engine did what it promised never to do."""


@dataclass(slots=True)
class Past:
    """What the steps so far leave behind. `asked_by` are the agents who asked for calls, by attempt; `starts` are the
    INVITEs of the last second, by trunk; `machines` the attempts that were said to be answered by machines.
    `invites_out` are the INVITEs that have not ended, by attempt, `trunks_tried` where they went, and `rang` the
    attempts whose callee's phone gave a sign."""

    permits: dict[str, Permit] = field(default_factory=dict)
    asked_by: dict[str, str] = field(default_factory=dict)
    dialled: set[str] = field(default_factory=set)
    dialled_leases: set[tuple[str, int]] = field(default_factory=set)
    settled: set[str] = field(default_factory=set)
    opted_out: set[str] = field(default_factory=set)
    machines: set[str] = field(default_factory=set)
    live: Counter[str] = field(default_factory=Counter)
    abandoned: Counter[str] = field(default_factory=Counter)
    starts: dict[str, deque[float]] = field(default_factory=dict)
    invites_out: dict[str, str] = field(default_factory=dict)
    trunks_tried: dict[str, set[str]] = field(default_factory=dict)
    rang: set[str] = field(default_factory=set)


@dataclass(slots=True)
class Step:
    """One step of the engine. `could_start` is how many calls might have started, by campaign, just before a
    decision; `records` is the store's view of every lead."""

    told: Input | None
    effects: list[Effect]
    state: EngineState
    now: float
    wall: float
    records: dict[str, Record]
    past: Past
    could_start: int = 0

    @property
    def sent(self) -> list[object]:
        """The commands of this step."""
        return [effect.command for effect in self.effects if isinstance(effect, Send)]

    @property
    def dials(self) -> list[Dial]:
        """The INVITEs of this step."""
        return [command for command in self.sent if isinstance(command, Dial)]


Wrong = Iterator[str]

TRUNKS_DOING: Final = frozenset(
    {
        Disposition.TRUNK_UNREACHABLE,
        Disposition.ROUTE_ERROR,
        Disposition.AUTH_ERROR,
        Disposition.CONGESTION,
        Disposition.MEDIA_ERROR,
    }
)


def attempt_of(dial_id: str) -> str:
    """The attempt of an INVITE: its second is `ATTEMPT/2`."""
    return dial_id.partition("/")[0]


# --- permits, attempts, settlements --------------------------------------------------------------------------------


def no_dial_without_permit(step: Step) -> Wrong:
    """An INVITE leaves only in the step that brought its permit, or the end of the one before, to the permit's number,
    while the permit is valid."""
    for dial in step.dials:
        permit = step.told.permit if isinstance(step.told, Permitted) else None
        if isinstance(step.told, Ended) and attempt_of(step.told.call) == attempt_of(dial.call):
            permit = step.past.permits.get(attempt_of(dial.call))
        if permit is None or permit.attempt != attempt_of(dial.call) or permit.number.clear != dial.number:
            yield f"{dial.call} was dialled without a permit"
        elif permit.caller_id != dial.caller_id:
            yield f"{dial.call} shows another number than its permit says"
        elif step.wall > permit.valid_until:
            yield f"{dial.call} was dialled after its permit had lapsed"


def no_attempt_twice(step: Step) -> Wrong:
    """An INVITE is sent once, and a lead has one attempt under one lease."""
    for dial in step.dials:
        call = step.state.calls.get(attempt_of(dial.call))
        record = step.records.get(call.lead.lead_id) if call else None
        if dial.call in step.past.dialled:
            yield f"{dial.call} was dialled twice"
        if (
            dial.call == attempt_of(dial.call)
            and record
            and (record.lead.lead_id, record.leases) in step.past.dialled_leases
        ):
            yield f"{record.lead.lead_id} was dialled twice under one lease"
        if record and record.place is Place.CLOSED:
            yield f"{record.lead.lead_id} was dialled although it is closed"


def one_invite_at_a_time(step: Step) -> Wrong:
    """An attempt has one INVITE at a time, each on another trunk, and none after its callee's phone rang."""
    for dial in step.dials:
        attempt, past = attempt_of(dial.call), step.past
        out = past.invites_out.get(attempt)
        if out is not None and not (isinstance(step.told, Ended) and step.told.call == out):
            yield f"{dial.call} was sent while {out} is out"
        if attempt in past.rang:
            yield f"{dial.call} was sent after {attempt} rang"
        if dial.trunk in past.trunks_tried.get(attempt, ()):
            yield f"{dial.call} went to {dial.trunk} again"


def faults_of_trunks_are_not_charged(step: Step) -> Wrong:
    """A lead is not charged for what its trunks did to it before anything rang, and is for all else that left."""
    for effect in step.effects:
        if isinstance(effect, Settle):
            told = effect.settlement
            if (
                isinstance(step.told, Ended | Permitted)
                and told.ended_by is Leg.NETWORK
                and told.charged == (told.disposition in TRUNKS_DOING and told.attempt not in step.past.rang)
            ):
                yield f"{told.attempt} ended as {told.disposition} and is charged: {told.charged}"


def nobody_who_opted_out_is_dialled(step: Step) -> Wrong:
    """Whoever pressed the key during a message, or answered 607, is never called again, and says so once."""
    for dial in step.dials:
        if dial.number in step.past.opted_out:
            yield f"{dial.call} goes to somebody who has opted out"
    for effect in step.effects:
        if isinstance(effect, OptOut) and effect.number.clear in step.past.opted_out:
            yield f"{effect.attempt} opted out twice"
        told = effect.settlement if isinstance(effect, Settle) else None
        if told is not None and told.opted_out and not isinstance(told.next_step, Close):
            yield f"{told.attempt} opted out, and its lead is to be called again"


def one_settlement_for_each_permit(step: Step) -> Wrong:
    """An attempt is settled once, after its permit came; a call that is on the line is not settled yet."""
    known = set(step.past.permits)
    if isinstance(step.told, Permitted):
        known.add(step.told.permit.attempt)
    settled = Counter(effect.settlement.attempt for effect in step.effects if isinstance(effect, Settle))
    for attempt, times in settled.items():
        if attempt in step.past.settled or times > 1:
            yield f"{attempt} was settled twice"
        if attempt not in known:
            yield f"{attempt} was settled and never permitted"
        if attempt in step.state.calls:
            yield f"{attempt} was settled and is still on the line"


def nothing_is_forgotten(step: Step) -> Wrong:
    """Every permit is on the line or settled."""
    settled = step.past.settled | {e.settlement.attempt for e in step.effects if isinstance(e, Settle)}
    permits = set(step.past.permits)
    if isinstance(step.told, Permitted):
        permits.add(step.told.permit.attempt)
    for attempt in permits - settled - step.state.calls.keys():
        yield f"{attempt} is neither on the line nor settled"


# --- limits ---------------------------------------------------------------------------------------------------------


def no_more_than_the_lines(step: Step) -> Wrong:
    """A step that starts calls or sends leads to the gates leaves no more in flight than slots and lines carry."""
    floor = step.state
    if not (step.dials or any(isinstance(effect, Reserve) for effect in step.effects)):
        return  # workers may have died under calls that they still hold
    in_flight = len(floor.calls) + sum(len(run.reserving) for run in floor.campaigns.values())
    if in_flight * SLOTS_PER_CALL > floor.slots_total or in_flight > floor.settings.max_lines:
        yield f"{in_flight} calls in flight on {floor.slots_total} slots and {floor.settings.max_lines} lines"


def no_more_than_the_campaigns_lines(step: Step) -> Wrong:
    """A step that sends leads of a campaign to the gates leaves no more of its calls in flight than it may have."""
    for name in {effect.campaign for effect in step.effects if isinstance(effect, Reserve)}:
        run = step.state.campaigns[name]
        in_flight, most = len(run.calls) + len(run.reserving), run.settings.max_lines
        if 0 < most < in_flight:
            yield f"{in_flight} calls of {name} in flight, where it may have {most}"


def no_more_than_the_trunk(step: Step) -> Wrong:
    """A trunk carries at most its calls, takes at most its calls per second, and counts right."""
    carried = Counter(call.trunk for call in step.state.calls.values())
    for trunk in step.state.trunks.values():
        if trunk.calls != carried[trunk.name]:
            yield f"trunk {trunk.name} counts {trunk.calls} calls and carries {carried[trunk.name]}"
        if carried[trunk.name] > trunk.limits.max_calls:
            yield f"trunk {trunk.name} carries {carried[trunk.name]} of {trunk.limits.max_calls} calls"
        starts = sum(dial.trunk == trunk.name for dial in step.dials)
        if not starts:
            continue
        lately = sum(at > step.now - 1.0 + BREATH_S for at in step.past.starts.get(trunk.name, ()))
        if starts + lately > trunk.limits.max_cps:
            yield f"trunk {trunk.name} took {starts + lately} calls in one second"


def decisions_are_carried_out(step: Step) -> Wrong:
    """A decision sends exactly as many leads to the gates as it says, as far as lines and leads go."""
    if isinstance(step.told, Paced):
        wanted = min(step.told.decision.dial, step.could_start)
        sent = sum(len(effect.leads) for effect in step.effects if isinstance(effect, Reserve))
        if sent != wanted:
            yield f"{sent} leads went to the gates where {wanted} could"


# --- agents ---------------------------------------------------------------------------------------------------------


def nobody_is_ready_without_a_phone(step: Step) -> Wrong:
    """Where a phone should stay on the line, its agent has no call and no offer before it does."""
    for agent in step.state.roster.agents.values():
        if agent.state in {AgentState.READY, AgentState.PREVIEW} and not agent.can_be_reached:
            yield f"{agent.agent} is {agent.state} without a phone"


def nobody_idle_while_a_caller_waits(step: Step) -> Wrong:
    """No ready agent who may take a waiting call is left idle, and the floor knows who waits."""
    ready = [agent for agent in step.state.roster.agents.values() if agent.state is AgentState.READY]
    for attempt, call in step.state.calls.items():
        if (call.state is CallState.WAITING) != (attempt in step.state.waiting):
            yield f"{attempt} is {call.state} and the list of waiting calls says otherwise"
        held = call.judged is None and step.now < call.held_until
        if call.state is CallState.WAITING and not (call.asked_by or held):
            for agent in ready:
                if call.campaign in agent.campaigns and agent.agent not in call.tried:
                    yield f"{agent.agent} is idle while {attempt} waits"


def one_call_for_each_agent(step: Step) -> Wrong:
    """Agents on a call and calls with an agent point at each other; whoever talks, talks on a call that talks."""
    agents = step.state.roster.agents
    for agent in agents.values():
        call = step.state.calls.get(agent.call) if agent.call else None
        if (agent.state in ON_CALL) != (call is not None and call.agent == agent.agent):
            yield f"{agent.agent} is {agent.state} and has call {agent.call}"
        elif call is not None and (agent.state is AgentState.TALKING) != (call.state is CallState.TALKING):
            yield f"{agent.agent} is {agent.state} on a call that is {call.state}"
    for attempt, call in step.state.calls.items():
        if call.agent and (call.agent not in agents or agents[call.agent].call != attempt):
            yield f"{attempt} has agent {call.agent}, who knows nothing of it"
        if call.state in {CallState.CONNECTING, CallState.TALKING} and not call.agent:
            yield f"{attempt} is {call.state} without an agent"
    for command in step.sent:
        if isinstance(command, DialAgent) and step.state.calls[attempt_of(command.call)].leg != command.leg:
            yield f"leg {command.leg} was rung and is not the call's"


def every_offer_with_one_agent(step: Step) -> Wrong:
    """A lead on offer is with exactly one agent, who decides on it and on nothing else; whoever has asked for a call
    waits for that call."""
    floor, deciding = step.state, {AgentState.PREVIEW, AgentState.DIALLING}
    held: dict[str, list[tuple[str, str, AgentState]]] = {}
    for run in floor.campaigns.values():
        for name, offer in run.offers.items():
            state = AgentState.PREVIEW if offer.asked_at is None else AgentState.DIALLING
            held.setdefault(name, []).append((run.name, offer.lead.lead_id, state))
        for lead_id, gate in run.reserving.items():
            if gate.agent:
                held.setdefault(gate.agent, []).append((run.name, lead_id, AgentState.DIALLING))
        for call in run.calls.values():
            asker = floor.roster.get(call.asked_by)
            if asker is not None and asker.call == call.attempt and asker.state in deciding:
                held.setdefault(call.asked_by, []).append((run.name, call.lead.lead_id, AgentState.DIALLING))
            elif call.asked_by and call.state in UNANSWERED:
                yield f"{call.asked_by} asked for {call.attempt} and does not wait for it"
    for agent in floor.roster.agents.values():
        own = [] if agent.lead is None else [(agent.lead.campaign, agent.lead.lead_id, agent.state)]
        if own != held.pop(agent.agent, []) or bool(own) != (agent.state in deciding):
            yield f"{agent.agent} is {agent.state} and decides on {own}, the floor says otherwise"
    for name in held:
        yield f"{held[name]} is on offer to {name}, who is not there"


def calls_are_for_whoever_asked(step: Step) -> Wrong:
    """A call that an agent asked for is bridged to that agent, or to nobody."""
    for attempt, call in step.state.calls.items():
        if call.asked_by and call.agent not in {"", call.asked_by}:
            yield f"{attempt} is {call.asked_by}'s and went to {call.agent}"
    for effect in step.effects:
        if isinstance(effect, Publish) and effect.kind == "connected":
            attempt, agent = effect.fields["attempt_id"], effect.fields["agent"]
            asked_by = step.past.asked_by.get(attempt)
            if asked_by is not None and asked_by != agent:
                yield f"{attempt} is {asked_by}'s and was bridged to {agent}"


def nobody_idle_while_leads_are_on_hand(step: Step) -> Wrong:
    """In mode preview, whoever is ready and counts for a campaign has a lead on offer while there is one."""
    for run in step.state.campaigns.values():
        if run.settings.mode is Mode.PREVIEW and run.leads and may_start(step.state, run):
            for agent in step.state.serving(run):
                if agent.state is AgentState.READY:
                    yield f"{agent.agent} is idle while {run.name} has leads"


# --- callees --------------------------------------------------------------------------------------------------------


def messages_only_after_the_limit(step: Step) -> Wrong:
    """The abandon message plays only where nobody came within the limit."""
    for command in step.sent:
        if isinstance(command, PlayMessage) and command.path != LEFT_FOR_MACHINES:
            call = step.state.calls[attempt_of(command.call)]
            waited_s = step.now - (step.now if call.agent_wanted_at is None else call.agent_wanted_at)
            if waited_s < call.abandon_after_s - BREATH_S or call.bridged_at is not None:
                yield f"{command.call} heard the message {waited_s:.3f} s after an agent was due"


def machines_are_nobody(step: Step) -> Wrong:
    """What is known to be a machine is no live answer, is not abandoned and hears no message; every other answer is
    live, unless it came to no more than a script."""
    machines = step.past.machines
    for command in step.sent:
        if (
            isinstance(command, PlayMessage)
            and command.path != LEFT_FOR_MACHINES
            and attempt_of(command.call) in machines
        ):
            yield f"{command.call} is a machine and hears the message"
    for effect in step.effects:
        if isinstance(effect, Publish) and effect.kind == "abandoned" and effect.fields["attempt_id"] in machines:
            yield f"{effect.fields['attempt_id']} is a machine and is said to be abandoned"
        if isinstance(effect, Settle):
            told, answered = effect.settlement, effect.settlement.answered_at is not None
            may_be_script = told.disposition in {*SCRIPTED, Disposition.WORKER_LOST, Disposition.MEDIA_ERROR}
            if told.live != (answered and told.attempt not in machines) and (told.live or not may_be_script):
                yield f"{told.attempt} is live: {told.live}, answered: {answered}, machine: {told.attempt in machines}"
            if not told.live and (told.abandoned or told.disposition is Disposition.ABANDONED):
                yield f"{told.attempt} is no live answer and was abandoned"


def phones_ring_long_enough(step: Step) -> Wrong:
    """No callee's phone stops ringing by our doing before 15 s, but when everything is hung up."""
    for command in step.sent:
        call = step.state.calls.get(attempt_of(command.call)) if isinstance(command, Cancel) else None
        if call is None or call.state is not CallState.CANCELLING or step.state.ending:
            continue
        if call.ringing_at is not None and step.now < call.ringing_at + MIN_RING_TIMEOUT_S - BREATH_S:
            yield f"{call.attempt} rang for {step.now - call.ringing_at:.3f} s only"


def no_call_hangs(step: Step) -> Wrong:
    """A call that is not a talk ends some time."""
    for attempt, call in step.state.calls.items():
        if call.state is not CallState.TALKING and step.now > call.reserved_at + _talk_s(call) + LONGEST_UNTALKED_S:
            yield f"{attempt} is {call.state} since long ago"


def _talk_s(call: Call) -> float:
    return 0.0 if call.bridged_at is None else call.bridged_at - call.reserved_at


# --- leads and counts -----------------------------------------------------------------------------------------------


def every_lead_in_one_place(step: Step) -> Wrong:
    """A lead is waiting, on offer, at the gates or on the line, once; what the engine has, the store has leased to it,
    unless somebody has cancelled it and the engine has not heard."""
    held = [call.lead.lead_id for call in step.state.calls.values()]
    for run in step.state.campaigns.values():
        held += [lead.lead_id for lead in run.leads]
        held += [offer.lead.lead_id for offer in run.offers.values()]
        held += run.reserving
    if len(held) != len(set(held)):
        yield f"{Counter(held).most_common(1)[0][0]} is in more than one place"
    for lead_id in held:
        record = step.records.get(lead_id)
        if record and record.place is not Place.LEASED and not record.cancelled:
            yield f"{lead_id} is {step.records[lead_id].place} in the store and in the engine's hands"


def ledger_adds_up(step: Step) -> Wrong:
    """The ledger is the sum of the settlements of its day."""
    live, abandoned = Counter(step.past.live), Counter(step.past.abandoned)
    for effect in step.effects:
        if isinstance(effect, Settle):
            live[effect.settlement.campaign] += effect.settlement.live
            abandoned[effect.settlement.campaign] += effect.settlement.abandoned
    for run in step.state.campaigns.values():
        if (run.own.answered, run.own.abandoned) != (live[run.name], abandoned[run.name]):
            yield f"{run.name}'s ledger says {run.own}, its settlements {live[run.name]}, {abandoned[run.name]}"


INVARIANTS: Final[tuple[Callable[[Step], Wrong], ...]] = (
    no_dial_without_permit,
    no_attempt_twice,
    one_invite_at_a_time,
    faults_of_trunks_are_not_charged,
    nobody_who_opted_out_is_dialled,
    one_settlement_for_each_permit,
    nothing_is_forgotten,
    no_more_than_the_lines,
    no_more_than_the_campaigns_lines,
    no_more_than_the_trunk,
    decisions_are_carried_out,
    nobody_is_ready_without_a_phone,
    nobody_idle_while_a_caller_waits,
    one_call_for_each_agent,
    every_offer_with_one_agent,
    calls_are_for_whoever_asked,
    nobody_idle_while_leads_are_on_hand,
    messages_only_after_the_limit,
    machines_are_nobody,
    phones_ring_long_enough,
    no_call_hangs,
    every_lead_in_one_place,
    ledger_adds_up,
)


def check(step: Step) -> None:
    """Hold a step against every invariant. Raises `InvariantBroken` with the first sentence."""
    for invariant in INVARIANTS:
        for wrong in invariant(step):
            raise InvariantBroken(f"{invariant.__name__} at {step.now:.3f} s: {wrong}")
