"""What a campaign's pacer sees of the floor."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Final

import numpy as np

from dialer.core.agents.agent import Agent, AgentState
from dialer.core.agents.shifts import Shift, is_leaving, left_s, local_s, shift_of
from dialer.core.calls.call import CallState
from dialer.core.campaign_run import CampaignRun
from dialer.core.engine_state import EngineState
from pacing.api import Ages, Mode, Settings, Snapshot, Window

Staff = dict[str, list[Agent]]

LEAST_GRACE_S: Final = 0.1

READY: Final = AgentState.READY
TALKING: Final = AgentState.TALKING
WRAPUP: Final = AgentState.WRAPUP
# Members by a name of their own: to look one up in its enumeration takes as long as all else done for one agent.

AWAY: Final = frozenset({AgentState.PAUSED, AgentState.PREVIEW, AgentState.DIALLING})
"""Agents who take no call of the pacer's: paused, or busy with a lead on offer, which only they can end."""


@dataclass(frozen=True, slots=True)
class Surplus:
    """A campaign's calls that may take the ready agents of others when they are answered: `excess` of those `in_flight`
    (since when, on which trunk; the oldest first)."""

    campaign: str
    in_flight: list[tuple[float, str]]
    excess: int


@dataclass(slots=True)
class Crew:
    """The agents of a campaign as its pacer counts them. `staffed_s` is when the last of them will have gone home."""

    ready: int = 0
    paused: int = 0
    talking_since: list[float] = field(default_factory=list)
    wrapup_since: list[float] = field(default_factory=list)
    staffed_s: float = math.inf

    def keep(self, callers: int) -> None:
        """The next agents are those of callers who wait: so many of them take no other call, those who are ready or
        will be soonest."""
        if not callers:
            return
        kept = min(callers, self.ready)
        self.ready -= kept
        for busy_since in (self.wrapup_since, self.talking_since):
            busy_since.sort()
            longest = min(callers - kept, len(busy_since))
            del busy_since[:longest]
            kept += longest
        self.paused += kept


def pacing_settings(state: EngineState, run: CampaignRun) -> Settings:
    """What a campaign's pacer is told. An agent's phone must be rung and bridged within the limit, too: what the
    pacer takes for in time is so much shorter."""
    settings = run.settings.pacing()
    grace_s = max(LEAST_GRACE_S, settings.abandon_after_s - state.settings.handover_allowance_s)
    return replace(settings, abandon_after_s=grace_s)


def snapshot(state: EngineState, run: CampaignRun, staff: Staff, surplus: Sequence[Surplus], now: float) -> Snapshot:
    """One campaign as its pacer sees it, given everybody's `staff` and `surplus`."""
    wall = now + state.wall_ahead_s
    local = local_s(run.settings, state.utc_offset_s, wall)
    shift = None if local is None else shift_of(run.settings, local)
    crew = _crew(staff[run.name], run.settings.ring_timeout_s, shift, now, wall)
    if state.waiting or state.queued:
        crew.keep(
            sum(call.is_inbound for call in state.waiting.values() if call.campaign == run.name)
            + sum((wish.campaign or state.calls[name].campaign) == run.name for name, wish in state.queued.items())
        )
    ringing_since, ringing_trunk = _in_flight(run, staff[run.name], surplus)
    trunk, lines_free = state.opening(run, now)
    in_script = [] if run.settings.mode is not Mode.SCRIPT else _in_script(run)
    ringing_since += in_script
    ringing_trunk += ("",) * len(in_script)
    talking, wrapup, ringing = _ages(crew.talking_since, crew.wrapup_since, ringing_since, now)
    return Snapshot(
        now=now,
        ready=crew.ready,
        talking_age_s=talking,
        wrapup_age_s=wrapup,
        paused=crew.paused,
        ringing_age_s=ringing,
        waiting_age_s=_waiting(state, run, now),
        lines_free=lines_free,
        leads_available=len(run.leads),
        ledger=run.capped,
        windows=tuple(
            [Window(str(row.window.name), row.window.cap, run.window_ledger(row)) for row in run.windows[1:]]
        ),
        ringing_trunk=ringing_trunk,
        next_trunk="" if trunk is None else trunk.name,
        hour=-1 if local is None else int(local // 3600) % 24,
        staffed_s=min(crew.staffed_s, _open_s(run, wall)),
        in_script=len(in_script),
    )


def _crew(agents: list[Agent], soon_s: float, shift: Shift | None, now: float, wall: float) -> Crew:
    """Who is there, and who comes free. Who will pause or leave after the call does not, nor who goes home within
    `soon_s`, before a call that starts now may be answered."""
    crew, last_s, someone_leaves = Crew(), -math.inf, False
    talking, wrapup = crew.talking_since, crew.wrapup_since
    for agent in agents:
        state = agent.state
        if agent.pending is not None or (state is not TALKING and state in AWAY):
            crew.paused += 1
            continue
        if shift is None and agent.shift_ends_at is None:
            last_s = math.inf
        else:
            ends_s = left_s(agent, shift, now, wall)
            if is_leaving(agent, ends_s, soon_s, now):
                crew.paused += 1
                someone_leaves = True
                continue
            last_s = max(last_s, ends_s if ends_s >= 0 else math.inf)  # past it: stays on
        if state is TALKING:
            talking.append(agent.since)
        elif state is READY:
            crew.ready += 1
        elif state is WRAPUP:
            wrapup.append(agent.since)
        else:
            talking.append(now)  # the phone is being rung
    crew.staffed_s = last_s if last_s >= 0 else 0.0 if someone_leaves else math.inf
    return crew


def _open_s(run: CampaignRun, wall: float) -> float:
    """How long the calling hours last, as far as the calls so far have told."""
    return run.closes_at - wall if run.closes_at > wall else math.inf


def _in_script(run: CampaignRun) -> list[float]:
    """Since when calls are in flight that are answered, and may still ask for an agent."""
    return [call.started_at for call in run.calls.values() if call.state is CallState.SCRIPT]


def _waiting(state: EngineState, run: CampaignRun, now: float) -> Ages:
    if not state.waiting:
        return ()
    waiting = (
        call for call in state.waiting.values() if call.campaign == run.name and not (call.asked_by or call.is_inbound)
    )
    return tuple(now - (call.answered_at or now) for call in waiting)


def _in_flight(run: CampaignRun, own: list[Agent], surplus: Sequence[Surplus]) -> tuple[list[float], tuple[str, ...]]:
    """Since when calls are in flight that may take the campaign's ready agents, and on which trunks: its own, and those
    of its rivals."""
    name, (since, trunks) = run.name, _unanswered(run)
    logins = [agent.campaigns for agent in own if agent.state is READY] if surplus else []
    for other in surplus if logins else ():
        if other.campaign != name:
            shared = sum([other.campaign in login for login in logins])
            for at, trunk in other.in_flight[: min(other.excess, shared)]:
                since.append(at)
                trunks.append(trunk)
    return since, tuple(trunks)


def _unanswered(run: CampaignRun) -> tuple[list[float], list[str]]:
    """The calls that were allowed and have no answer yet, but for those whose agents have asked for them: since when
    they are in flight, and on which trunks."""
    since, trunks = list(run.unanswered_since.values()), list(run.unanswered_on.values())
    for gate in run.reserving.values():
        if not gate.agent:
            since.append(gate.since)
            trunks.append(gate.trunk)
    return since, trunks


def surplus(state: EngineState, staff: Staff) -> tuple[Surplus, ...]:
    """The campaigns that have more calls in flight than ready agents of their own, left from a time when they had
    more."""
    campaigns = []
    for run in state.campaigns.values():
        number = len(run.unanswered_since) + len(run.reserving)
        if number and (excess := number - _ready(staff[run.name])) > 0:
            in_flight = sorted(zip(*_unanswered(run), strict=True))
            excess -= number - len(in_flight)  # those at the gates that agents have asked for
            if excess > 0:
                campaigns.append(Surplus(run.name, in_flight, excess))
    return tuple(campaigns)


def _ready(agents: list[Agent]) -> int:
    return sum([agent.state is READY for agent in agents])


def _ages(talking: list[float], wrapup: list[float], ringing: list[float], now: float) -> tuple[Ages, Ages, Ages]:
    """Each list as ages; made as one array, because to make one costs more than to fill it."""
    since = talking + wrapup + ringing
    ages = np.fromiter(since, np.float64, len(since))
    np.subtract(now, ages, out=ages)
    wrapup_from = len(talking)
    ringing_from = wrapup_from + len(wrapup)
    return ages[:wrapup_from], ages[wrapup_from:ringing_from], ages[ringing_from:]
