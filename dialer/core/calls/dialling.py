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
from compliance.words import detail
from config.campaign import MIN_RING_TIMEOUT_S
from dialer.core.abandonment import counts
from dialer.core.agents.agent import AgentState
from dialer.core.calls.call import UNANSWERED, Call, CallEvent, CallState
from dialer.core.calls.offers import OfferEnd, announce, deny, withdraw
from dialer.core.calls.settling import settle_unsent
from dialer.core.campaign_run import AtGates, CampaignRun
from dialer.core.effects import Lease, Release, Reserve, Send
from dialer.core.engine_state import Floor, TimerKind
from dialer.core.inputs import CampaignChanged, CampaignState, LeadsLeased, Permitted, Refused, StoreFailed
from dialer.core.model import Lead
from pacing.api import Decision, Mode
from sip.messages import Cancel, Dial, Dialled, Progress

EMPTY_LEASE_PAUSE_S: Final = 1.0
"""A lease that brought nothing is not repeated at once, or an empty list would keep the store busy."""

STORE_LIMIT_S: Final = 60.0
"""Longest wait for the store's answer to a `Lease` or a `Reserve`; the shell's own limits are far shorter."""

LEADS_PER_AGENT: Final = 1
FEWEST_LEADS: Final = 20
WORKER_FAILSAFE_S: Final = 60.0
NOT_CANCELLED: Final = UNANSWERED - {CallState.CANCELLING}


def may_start(floor: Floor, run: CampaignRun) -> bool:
    """Whether new calls of a campaign may start at all: not before its abandonment ledger of the day is known."""
    return run.state is CampaignState.RUNNING and run.day != "" and floor.healthy and not floor.draining


def may_lease(floor: Floor, run: CampaignRun, now: float) -> bool:
    """Whether a campaign may ask for leads now."""
    if run.leasing_since is not None or now < run.lease_not_before:
        return False
    return may_start(floor, run) and bool(floor.trunks_of(run))


def top_up(floor: Floor, runs: Iterable[CampaignRun], now: float) -> None:
    """Lease leads ahead of need. A campaign without agents keeps none: others may have use for them."""
    due = [run for run in runs if may_lease(floor, run, now)]
    prospects = floor.staffing.prospects() if due else {}
    for run in due:
        agents = prospects[run.name]
        if not agents:
            release_leads(floor, run)
            continue
        wanted = min(floor.settings.lease_batch, max(FEWEST_LEADS, LEADS_PER_AGENT * agents))
        if len(run.leads) <= wanted // 2:
            run.leasing_since = now
            floor.set_timer(now + STORE_LIMIT_S, TimerKind.STORE, run.name, now)
            floor.do(Lease(run.name, wanted - len(run.leads)))


def leased(floor: Floor, told: LeadsLeased, now: float) -> None:
    """Leads came, or word that none is due."""
    run = floor.campaigns.get(told.campaign)
    if run is None:
        floor.do(Release(told.campaign, told.leads))
        return
    run.leasing_since = None
    had_work = floor.staffing.has_work(run)
    run.due, run.waiting = told.due, told.waiting
    if told.leads and not may_start(floor, run):
        floor.do(Release(run.name, told.leads))
        return
    run.leads.extend(told.leads)
    if told.leads:
        floor.changed.add(run.name)
    else:
        run.lease_not_before = now + EMPTY_LEASE_PAUSE_S
        floor.set_timer(run.lease_not_before, TimerKind.LEASE, run.name, now)
    if floor.staffing.has_work(run) != had_work:
        floor.changed.update(floor.campaigns)  # agents may go over to another campaign


def paced(floor: Floor, campaign: str, decision: Decision, now: float) -> None:
    """Send as many leads to the gates as the pacer said, the lines carry and the trunk takes. In mode preview agents
    ask for each call themselves; a decision from before the change to it has no say any more."""
    run = floor.campaigns.get(campaign)
    if run is None or run.settings.mode is Mode.PREVIEW or not may_start(floor, run):
        return
    if decision.dial > 0:
        trunk, lines_free = floor.opening(run, now)
        number = min(decision.dial, lines_free, len(run.leads))
        if trunk is not None and number > 0:
            to_gates(floor, run, trunk.name, tuple(run.leads.popleft() for _ in range(number)), now)
    top_up(floor, (run,), now)


def to_gates(
    floor: Floor, run: CampaignRun, trunk: str, leads: tuple[Lead, ...], now: float, *, agent: str = ""
) -> None:
    """Take leads to the compliance gates; `agent` is who asked for the call, if somebody did."""
    for lead in leads:
        floor.enter_gates(run, AtGates(lead, now, trunk, agent))
    floor.set_timer(now + STORE_LIMIT_S, TimerKind.STORE, run.name, now)
    floor.do(Reserve(run.name, trunk, leads, agent_held=agent != ""))


def permitted(floor: Floor, told: Permitted, now: float, wall: float) -> None:
    """Both gates are passed: dial, unless the world has changed since; then the attempt is given back."""
    permit = told.permit
    if permit.attempt in floor.calls:
        floor.anomaly("dialling", f"attempt {permit.attempt} was permitted twice")
        return
    run = floor.campaigns.get(told.lead.campaign)
    gate = floor.leave_gates(run, told.lead.lead_id) if run is not None else None
    if run is None or gate is None:
        floor.anomaly("dialling", f"attempt {permit.attempt} was permitted and is not at the gates")
        settle_unsent(floor, told.lead, permit, "", now)
    elif (
        may_start(floor, run)
        and wall <= permit.valid_until
        and floor.takes_one(gate.trunk, now)
        and not asker_has_gone(floor, gate.agent)
    ):
        _dial(floor, run, gate, told.lead, permit, now)
    else:
        settle_unsent(floor, told.lead, permit, gate.trunk, now)
        _denied(floor, run, gate, "no call could start any more when the permit came", now)


def asker_has_gone(floor: Floor, name: str) -> bool:
    """Whether the agent who asked for a call has left, or was lost, before it started."""
    agent = floor.roster.get(name)
    return name != "" and (agent is None or agent.pending is AgentState.OFFLINE)


def _denied(floor: Floor, run: CampaignRun, gate: AtGates, reason: str, now: float) -> None:
    if gate.agent:
        deny(floor, run, gate.agent, gate.lead, reason, now)


def _dial(floor: Floor, run: CampaignRun, gate: AtGates, lead: Lead, permit: Permit, now: float) -> None:
    trunk = gate.trunk
    call = Call(permit=permit, lead=lead, trunk=trunk, reserved_at=now, asked_by=gate.agent)
    floor.add_call(call)
    floor.trunks[trunk].start(now)
    run.closes_at = max(run.closes_at, permit.cleared.closes_at or run.closes_at)
    asker = floor.roster.get(gate.agent)
    if asker is not None:
        floor.put_agent(replace(asker, call=call.attempt))
        announce(floor, run, gate.agent, lead, OfferEnd.DIALLED, attempt=call.attempt)
    ring_timeout_s = run.settings.ring_timeout_s
    floor.do(
        Send(
            Dial(
                call=call.attempt,
                trunk=trunk,
                number=permit.number.clear,
                caller_id=permit.caller_id,
                give_up_s=ring_timeout_s + WORKER_FAILSAFE_S,
            )
        )
    )
    floor.set_timer(now + ring_timeout_s, TimerKind.RING, call.attempt, call.started_at)


def refused(floor: Floor, told: Refused, now: float) -> None:
    """A gate said no. The store has written the lead's future down already; another lead may take the place."""
    run = floor.campaigns.get(told.lead.campaign)
    if run is None:
        return
    floor.changed.add(run.name)
    gate = floor.leave_gates(run, told.lead.lead_id)
    if gate is not None:
        _denied(floor, run, gate, f"{told.refusal.rule}: {detail(told.refusal)}", now)


def store_failed(floor: Floor, told: StoreFailed, now: float) -> None:
    """The store did not answer. Leads at the gates are forgotten here: their leases end by themselves, and whether an
    attempt was reserved for one of them is the store's to recover."""
    run = floor.campaigns.get(told.campaign)
    if run is None:
        return
    for lead in told.leads:
        gate = floor.leave_gates(run, lead.lead_id)
        if gate is not None:
            _denied(floor, run, gate, "the store did not answer", now)
    if told.lease:
        run.leasing_since = None
        run.lease_not_before = now + EMPTY_LEASE_PAUSE_S
        floor.set_timer(run.lease_not_before, TimerKind.LEASE, run.name, now)


def store_overdue(floor: Floor, run: CampaignRun, about: float, now: float) -> None:
    """What was asked of the store at `about` should have been answered by now: stop waiting for it. A permit that
    comes later all the same is given back."""
    for lead_id, gate in [(lead_id, gate) for lead_id, gate in run.reserving.items() if gate.since == about]:
        floor.leave_gates(run, lead_id)
        _denied(floor, run, gate, "the store did not answer", now)
        floor.anomaly("dialling", f"no word from the gates about lead {lead_id} for {STORE_LIMIT_S:g} s")
    if run.leasing_since == about:
        run.leasing_since = None
        floor.anomaly("dialling", f"no answer to a lease of campaign {run.name} for {STORE_LIMIT_S:g} s")


def campaign_changed(floor: Floor, told: CampaignChanged, now: float) -> None:
    """An operator created, changed, started, paused or stopped a campaign. Calls in progress go on in any case."""
    run = floor.campaigns.get(told.settings.name)
    if run is None:
        run = floor.campaigns[told.settings.name] = CampaignRun(told.settings, told.state)
    if run.settings.hours != told.settings.hours:
        run.closes_at = float("-inf")
    counts.settings_changed(run, told.settings)
    run.settings, run.state = told.settings, told.state
    floor.in_preview = [one for one in floor.campaigns.values() if one.settings.mode is Mode.PREVIEW]
    floor.changed.add(run.name)
    if not floor.trunks_of(run):
        floor.anomaly("dialling", f"campaign {run.name} names trunk {run.settings.trunk!r}, which is not configured")
    if run.state is not CampaignState.RUNNING:
        withdraw(floor, run, f"campaign {run.state}", now)
        release_leads(floor, run)
    elif run.settings.mode is not Mode.PREVIEW:
        withdraw(floor, run, f"campaign dials in mode {run.settings.mode} now", now)


def release_leads(floor: Floor, run: CampaignRun) -> None:
    """Give back what is leased and not yet at the gates."""
    if run.leads:
        floor.do(Release(run.name, tuple(run.leads)))
        run.due += len(run.leads)
        run.leads.clear()


def dialled(floor: Floor, call: Call, told: Dialled) -> None:
    """The INVITE has left."""
    if call.dialled_at is not None:
        floor.anomaly("dialling", f"call {call.attempt} was dialled twice")
        return
    floor.dialled(call, told.at)


def progress(floor: Floor, call: Call, told: Progress) -> None:
    """The far end rings: the ring timeout counts from here, so that slow trunks do not shorten the ringing."""
    floor.move(call, CallEvent.PROGRESS)
    if call.ringing_at is None:
        call.ringing_at = told.at


def _ring_limit_s(floor: Floor, call: Call) -> float:
    """How long a call may ring; in a drain, no longer than it must."""
    return MIN_RING_TIMEOUT_S if floor.draining else floor.campaigns[call.campaign].settings.ring_timeout_s


def ring_timeout(floor: Floor, call: Call, now: float) -> None:
    """Cancel a call that rang long enough. One timer is enough for a call: where it began to ring later than the timer
    supposed, the timer is set once more."""
    if call.state not in NOT_CANCELLED:
        return
    counted_from = call.started_at if call.ringing_at is None else call.ringing_at
    due = counted_from + _ring_limit_s(floor, call)
    if now < due:
        floor.set_timer(due, TimerKind.RING, call.attempt, counted_from)
    else:
        cancel(floor, call, now)


def cancel(floor: Floor, call: Call, now: float) -> None:
    """Stop ringing."""
    floor.move(call, CallEvent.CANCEL)
    floor.do(Send(Cancel(call.attempt)))
    floor.watch_state(call, now)


def drain(floor: Floor, now: float) -> None:
    """Start nothing more; calls that ring may ring on for the legal minimum and are served if they answer."""
    floor.draining = True
    for run in floor.campaigns.values():
        withdraw(floor, run, "the dialer is stopping", now)
        release_leads(floor, run)
    for call in floor.calls.values():
        if call.state in UNANSWERED:
            counted_from = call.started_at if call.ringing_at is None else call.ringing_at
            floor.set_timer(max(now, counted_from + MIN_RING_TIMEOUT_S), TimerKind.RING, call.attempt, counted_from)
