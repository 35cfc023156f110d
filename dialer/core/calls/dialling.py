"""From a pacing decision to an INVITE: leases, the gates, the dial command.

A lead is leased into `CampaignRun.leads`, moves to `reserving` while it is at the compliance gates, and becomes a
`Call` with the permit that comes back. In mode preview it is before an agent first, in `offers`. At any moment it is in
exactly one of the four.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Final

from compliance.api import Permit
from config.campaign import MIN_RING_TIMEOUT_S
from dialer.core.agents.agent import AgentState
from dialer.core.calls import recording, trunk_selection
from dialer.core.calls.call import UNANSWERED, Call, CallState, CallTrigger
from dialer.core.calls.offers import OfferEnd, announce, deny, drop, withdraw
from dialer.core.calls.promises import wait_for_agent
from dialer.core.calls.settling import settle_unsent
from dialer.core.calls.trunk_load import TrunkLoad
from dialer.core.campaign_run import AtGates, CampaignRun
from dialer.core.effects import Lease, Postpone, Release, Reserve, Send
from dialer.core.engine_state import EngineState, TimerKind
from dialer.core.inputs import (
    CampaignState,
    LeadsLeased,
    LeadsTaken,
    Permitted,
    Refused,
    StoreFailed,
)
from dialer.core.leads.lead_reasons import Kind, Why
from dialer.core.machines import judging
from dialer.core.model import Lead
from dialer.language.refusals import detail
from pacing.api import Decision, Mode
from sip.messages import Cancel, Dial, Dialled, Progress

EMPTY_LEASE_PAUSE_S: Final = 1.0
"""A lease that brought nothing is not repeated at once, or an empty list would keep the store busy."""

STORE_LIMIT_S: Final = 60.0
"""Longest wait for the store's answer to a `Lease` or a `Reserve`; the shell's own limits are far shorter."""

NOT_SERVED_DELAY_S: Final = 900.0
TRUNK_RESTS_DELAY_S: Final = 30.0
TRUNK_FULL_DELAY_S: Final = 5.0
"""A lead is put off for so long where no trunk serves its number, where all that do rest, and where they are full and
too many wait for them."""

MOST_PASSED_OVER: Final = 20
"""Leads that keep their place before others although their trunks are full."""

LEAD_TAKEN: Final = "the lead was taken from the dialer"
LEADS_PER_AGENT: Final = 1
FEWEST_LEADS: Final = 20
WORKER_FAILSAFE_S: Final = 60.0
NOT_CANCELLED: Final = UNANSWERED - {CallState.CANCELLING}


def may_start(state: EngineState, run: CampaignRun) -> bool:
    """Whether new calls of a campaign may start at all: not before its abandonment ledger of the day is known."""
    ready = run.state is CampaignState.RUNNING and run.day != "" and state.healthy and not state.draining
    return ready and not recording.keeps_from_dialling(state, run)


def may_lease(state: EngineState, run: CampaignRun, now: float) -> bool:
    """Whether a campaign may ask for leads now."""
    if run.leasing_since is not None or now < run.lease_not_before:
        return False
    return may_start(state, run) and bool(state.trunks_of(run))


def top_up(state: EngineState, runs: Iterable[CampaignRun], now: float) -> None:
    """Lease leads ahead of need. A campaign that lacks agents keeps none: others may have use for them."""
    due = [run for run in runs if may_lease(state, run, now)]
    prospects = state.staffing.prospects() if due else {}
    for run in due:
        leads_wanted = state.settings.lease_batch
        if run.settings.needs_agents:
            agents = prospects[run.name]
            if not agents:
                release_leads(state, run)
                continue
            leads_wanted = min(leads_wanted, max(FEWEST_LEADS, LEADS_PER_AGENT * agents))
        if len(run.leads) <= leads_wanted // 2:
            run.leasing_since = now
            state.set_timer(now + STORE_LIMIT_S, TimerKind.STORE, run.name, now)
            state.do(Lease(run.name, leads_wanted - len(run.leads)))


def leased(state: EngineState, event: LeadsLeased, now: float) -> None:
    """Leads came, or word that none is due."""
    run = state.campaigns.get(event.campaign)
    if run is None:
        state.do(Release(event.campaign, event.leads))
        return
    run.leasing_since = None
    had_work = state.staffing.has_work(run)
    run.due, run.waiting = event.due, event.waiting
    if event.leads and not may_start(state, run):
        state.do(Release(run.name, event.leads))
        return
    run.leads.extend(lead for lead in event.leads if not wait_for_agent(state, run, lead, now))
    if event.leads:
        state.changed.add(run.name)
    else:
        run.lease_not_before = now + EMPTY_LEASE_PAUSE_S
        state.set_timer(run.lease_not_before, TimerKind.LEASE, run.name, now)
    if state.staffing.has_work(run) != had_work:
        state.changed.update(state.campaigns)  # agents may go over to another campaign


def paced(state: EngineState, campaign: str, decision: Decision, now: float) -> None:
    """Send as many leads to the gates as the pacer said, the lines carry and the trunk takes. In mode preview agents
    ask for each call themselves; a decision from before the change to it has no say any more."""
    run = state.campaigns.get(campaign)
    if run is None or run.settings.mode is Mode.PREVIEW or not may_start(state, run):
        return
    if decision.dial > 0:
        number = min(decision.dial, state.opening(run, now)[1])
        for trunk, leads in _bound(state, run, number, now).items():
            to_gates(state, run, trunk, tuple(leads), now)
    top_up(state, (run,), now)


def _bound(state: EngineState, run: CampaignRun, number: int, now: float) -> dict[str, list[Lead]]:
    """Take the campaign's next `number` leads, by the trunks that they will be dialled through. A lead for which no
    trunk has room keeps its place; where that may take long it is put off, so that it does not hold up the others."""
    trunks = state.trunks_of(run)
    rooms = {trunk.name: state.room(trunk, now) for trunk in trunks}
    bound: dict[str, list[Lead]] = {}
    passed_over: list[Lead] = []
    while number > 0 and run.leads:
        lead = run.leads.popleft()
        trunk = trunk_selection.choose(trunks, rooms, lead.number.clear)
        if trunk is None:
            passed_over.append(lead)
            continue
        rooms[trunk.name] -= 1
        bound.setdefault(trunk.name, []).append(lead)
        number -= 1
    kept = [lead for lead in passed_over[:MOST_PASSED_OVER] if not _put_off(state, run, trunks, lead, now)]
    run.leads.extendleft(reversed(kept))
    for lead in passed_over[MOST_PASSED_OVER:]:
        state.do(Postpone(run.name, lead, TRUNK_FULL_DELAY_S, Why(Kind.NO_TRUNK, case="full")))
    return bound


def _put_off(state: EngineState, run: CampaignRun, trunks: list[TrunkLoad], lead: Lead, now: float) -> bool:
    """Put a lead off that nobody carries, or nobody for a while."""
    serving = [trunk for trunk in trunks if trunk_selection.serves(trunk, lead.number.clear)]
    if not serving:
        state.do(Postpone(run.name, lead, NOT_SERVED_DELAY_S, Why(Kind.NO_TRUNK, case="not_served")))
    elif all(trunk.rests(now) for trunk in serving):
        state.do(Postpone(run.name, lead, TRUNK_RESTS_DELAY_S, Why(Kind.NO_TRUNK, case="rests")))
    else:
        return False
    return True


def to_gates(
    state: EngineState, run: CampaignRun, trunk: str, leads: tuple[Lead, ...], now: float, *, agent: str = ""
) -> None:
    """Take leads to the compliance gates; `agent` is who asked for the call, if somebody did."""
    for lead in leads:
        state.enter_gates(run, AtGates(lead, now, trunk, agent))
    state.set_timer(now + STORE_LIMIT_S, TimerKind.STORE, run.name, now)
    state.do(Reserve(run.name, trunk, leads, agent_held=agent != ""))


def permitted(state: EngineState, event: Permitted, now: float, wall: float) -> None:
    """Both gates are passed: dial, unless the world has changed since; then the attempt is given back."""
    permit = event.permit
    if permit.attempt in state.calls:
        state.anomaly("dialling", f"attempt {permit.attempt} was permitted twice")
        return
    run = state.campaigns.get(event.lead.campaign)
    gate = state.leave_gates(run, event.lead.lead_id) if run is not None else None
    if run is None or gate is None:
        state.anomaly("dialling", f"attempt {permit.attempt} was permitted and is not at the gates")
        settle_unsent(state, event.lead, permit, "", now)
    elif (
        may_start(state, run)
        and wall <= permit.valid_until
        and state.takes_one(gate.trunk, now)
        and not gate.taken
        and not asker_has_gone(state, gate.agent)
    ):
        _dial(state, run, gate, event.lead, permit, now)
    else:
        settle_unsent(state, event.lead, permit, gate.trunk, now)
        _denied(state, run, gate, "no call could start any more when the permit came", now)


def asker_has_gone(state: EngineState, name: str) -> bool:
    """Whether the agent who asked for a call has left, or was lost, before it started."""
    agent = state.roster.get(name)
    return name != "" and (agent is None or agent.pending is AgentState.OFFLINE)


def _denied(state: EngineState, run: CampaignRun, gate: AtGates, reason: str, now: float) -> None:
    if gate.agent:
        deny(state, run, gate.agent, gate.lead, reason, now)


def _dial(state: EngineState, run: CampaignRun, gate: AtGates, lead: Lead, permit: Permit, now: float) -> None:
    scripted = run.settings.mode is Mode.SCRIPT
    call = Call(permit, lead, gate.trunk, reserved_at=now, asked_by=gate.agent, scripted=scripted)
    state.add_call(call)
    run.closes_at = max(run.closes_at, permit.cleared.closes_at or run.closes_at)
    asker = state.roster.get(gate.agent)
    if asker is not None:
        state.put_agent(replace(asker, call=call.attempt))
        announce(state, run, gate.agent, lead, OfferEnd.DIALLED, attempt=call.attempt)
    invite(state, run, call, now)


def invite(state: EngineState, run: CampaignRun, call: Call, now: float) -> None:
    """Have the call's INVITE sent through its trunk."""
    state.trunks[call.trunk].start(now)
    permit, ring_timeout_s = call.permit, run.settings.ring_timeout_s
    assert isinstance(permit, Permit)  # a call from outside is never dialled
    state.do(
        Send(
            Dial(
                call=call.dial_id,
                trunk=call.trunk,
                number=permit.number.clear,
                caller_id=permit.caller_id,
                give_up_s=ring_timeout_s + WORKER_FAILSAFE_S,
                listen_s=judging.listen_s(run.settings.machines),
            )
        )
    )
    state.set_timer(now + ring_timeout_s, TimerKind.RING, call.attempt, call.started_at)


def refused(state: EngineState, event: Refused, now: float) -> None:
    """A gate said no. The store has written the lead's future down already; another lead may take the place."""
    run = state.campaigns.get(event.lead.campaign)
    if run is None:
        return
    state.changed.add(run.name)
    gate = state.leave_gates(run, event.lead.lead_id)
    if gate is not None:
        _denied(state, run, gate, f"{event.refusal.rule}: {detail(event.refusal)}", now)


def store_failed(state: EngineState, event: StoreFailed, now: float) -> None:
    """The store did not answer. Leads at the gates are forgotten here: their leases end by themselves, and whether an
    attempt was reserved for one of them is the store's to recover."""
    run = state.campaigns.get(event.campaign)
    if run is None:
        return
    for lead in event.leads:
        gate = state.leave_gates(run, lead.lead_id)
        if gate is not None:
            _denied(state, run, gate, "the store did not answer", now)
    if event.lease:
        run.leasing_since = None
        run.lease_not_before = now + EMPTY_LEASE_PAUSE_S
        state.set_timer(run.lease_not_before, TimerKind.LEASE, run.name, now)


def store_overdue(state: EngineState, run: CampaignRun, about: float, now: float) -> None:
    """What was asked of the store at `about` should have been answered by now: stop waiting for it. A permit that
    comes later all the same is given back."""
    for lead_id, gate in [(lead_id, gate) for lead_id, gate in run.reserving.items() if gate.since == about]:
        state.leave_gates(run, lead_id)
        _denied(state, run, gate, "the store did not answer", now)
        state.anomaly("dialling", f"no word from the gates about lead {lead_id} for {STORE_LIMIT_S:g} s")
    if run.leasing_since == about:
        run.leasing_since = None
        state.anomaly("dialling", f"no answer to a lease of campaign {run.name} for {STORE_LIMIT_S:g} s")


def release_leads(state: EngineState, run: CampaignRun) -> None:
    """Give back what is leased and not yet at the gates."""
    if run.leads:
        state.do(Release(run.name, tuple(run.leads)))
        run.due += len(run.leads)
        run.leads.clear()


def dialled(state: EngineState, call: Call, event: Dialled) -> None:
    """The INVITE has left."""
    if call.dialled_at is not None:
        state.anomaly("dialling", f"call {call.attempt} was dialled twice")
        return
    state.dialled(call, event.at)


def progress(state: EngineState, call: Call, event: Progress) -> None:
    """The far end rings: the ring timeout counts from here, so that slow trunks do not shorten the ringing."""
    state.move(call, CallTrigger.PROGRESS)
    if call.ringing_at is None:
        call.ringing_at = event.at


def leads_taken(state: EngineState, event: LeadsTaken, now: float) -> None:
    """Leads were cancelled, moved or changed: they are neither offered nor dialled any more. A phone that rings already
    rings for the legal minimum; whoever answers is served, and the store closes the lead after that."""
    run = state.campaigns.get(event.campaign)
    if run is None:
        return
    kept = [lead for lead in run.leads if lead.lead_id not in event.leads]
    if len(kept) < len(run.leads):
        run.leads.clear()
        run.leads.extend(kept)
    for agent in [agent for agent, offer in run.offers.items() if offer.lead.lead_id in event.leads]:
        drop(state, run, agent, LEAD_TAKEN, now)
    for lead_id in event.leads & run.reserving.keys():
        run.reserving[lead_id] = replace(run.reserving[lead_id], taken=True)
    for call in run.calls.values():
        if call.lead.lead_id in event.leads and call.state in NOT_CANCELLED:
            call.taken = True
            _ring_no_longer_than_must(state, call, now)
    state.changed.add(run.name)


def _ring_no_longer_than_must(state: EngineState, call: Call, now: float) -> None:
    counted_from = call.started_at if call.ringing_at is None else call.ringing_at
    state.set_timer(max(now, counted_from + MIN_RING_TIMEOUT_S), TimerKind.RING, call.attempt, counted_from)


def _ring_limit_s(state: EngineState, call: Call) -> float:
    """How long a call may ring; in a drain, or where its lead was taken from us, no longer than it must."""
    if state.draining or call.taken:
        return MIN_RING_TIMEOUT_S
    return state.campaigns[call.campaign].settings.ring_timeout_s


def ring_timeout(state: EngineState, call: Call, now: float) -> None:
    """Cancel a call that rang long enough. One timer is enough for a call: where it began to ring later than the timer
    supposed, the timer is set once more."""
    if call.state not in NOT_CANCELLED:
        return
    counted_from = call.started_at if call.ringing_at is None else call.ringing_at
    due = counted_from + _ring_limit_s(state, call)
    if now < due:
        state.set_timer(due, TimerKind.RING, call.attempt, counted_from)
    else:
        cancel(state, call, now)


def cancel(state: EngineState, call: Call, now: float) -> None:
    """Stop ringing."""
    state.move(call, CallTrigger.CANCEL)
    state.do(Send(Cancel(call.dial_id)))
    state.watch_state(call, now)


def drain(state: EngineState, now: float) -> None:
    """Start nothing more; calls that ring may ring on for the legal minimum and are served if they answer."""
    state.draining = True
    for run in state.campaigns.values():
        withdraw(state, run, "the dialer is stopping", now)
        release_leads(state, run)
    for call in state.calls.values():
        if call.state in UNANSWERED:
            _ring_no_longer_than_must(state, call, now)


def trunk_said(state: EngineState, trunk: str, source: str, obstacle: str) -> None:
    """Somebody says whether a trunk may be used. Calls that are on it go on."""
    load = state.trunks.get(trunk)
    if load is None:
        return
    if obstacle:
        load.obstacles[source] = obstacle
    else:
        load.obstacles.pop(source, None)
    state.changed.update(state.campaigns)
