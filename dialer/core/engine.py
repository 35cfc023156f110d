"""The conductor: one input in, effects out, and the next moment it wants to be woken.

    engine = Engine(settings)
    effects = engine.receive(event, now, wall)      # something happened
    effects = engine.advance(now)                  # time passed
    questions = engine.pacer_requests(now)              # campaigns whose pacer should look again
    engine.next_wake()                             # call advance() then
    engine.view(), engine.statistics(now)          # what others may know of it

`now` is monotonic seconds and never goes back; `wall` is seconds since the epoch: permits are compared with it, and
answers are counted on its days.
The engine reads no clock and does no I/O; the same inputs in the same order give the same effects.

After every step: a call exists only with a permit; a lead is in one place; no more lines are used than the workers
have; and no ready agent stays idle while a call that may be theirs waits, or a lead that may be offered to them.
"""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from config.policies import AppliedSettings
from dialer.core import campaign_changes, engine_view, inputs, pacing_snapshot
from dialer.core.abandonment import counts
from dialer.core.agents import standing_legs
from dialer.core.agents.agent import Agent, AgentEvent
from dialer.core.board import CallRow, PartyRow
from dialer.core.calls import dialling, failover, previewing, recording, routing
from dialer.core.calls.call import Call, CallError, CallState
from dialer.core.campaign_run import CampaignRun
from dialer.core.effects import Effect
from dialer.core.engine_state import SILENCE_CHECK_S, EngineSettings, Timer, TimerKind, new_state
from dialer.core.engine_view import EngineStatistics, EngineView
from dialer.core.inbound import arriving
from dialer.core.machines import judging
from dialer.core.scripts import steps
from dialer.core.talks import listening, parties, queue
from pacing.api import Observation, Settings, Snapshot
from sip import messages
from sip.causes import Cause
from sip.detection.messages import Listening
from sip.inbound.messages import Arrived
from sip.scripts.messages import AgentLeft, PromptDone
from sip.standing.messages import StandingUp

LEASE_CHECK_S: Final = 0.1
CATCH_UP_S: Final = 1.0
"""After the process stood still timers wait this long for the news of what happened meanwhile."""

OF_A_CALL: Final = frozenset(
    {
        *(TimerKind.RING, TimerKind.ABANDON, TimerKind.STATE, TimerKind.TALK, TimerKind.HOLD, TimerKind.BEEP),
        *(TimerKind.SCRIPT, TimerKind.STEP),
    }
)


@dataclass(frozen=True, slots=True)
class PacerRequest:
    """What a campaign's pacer is asked: its settings, what happened since it was last asked, and how things stand."""

    campaign: str
    settings: Settings
    observations: tuple[Observation, ...]
    snapshot: Snapshot


class Engine:
    """Decides for one daemon. Not thread-safe; one task owns it."""

    def __init__(self, settings: EngineSettings) -> None:
        self.state = new_state(settings)
        self._silence_at = float("-inf")
        self._lease_at = float("-inf")
        self._timers_from = float("-inf")
        self.decisions_taken = 0
        self._paced_by: dict[str, tuple[AppliedSettings, Settings]] = {}

    # --- what the shell calls -----------------------------------------------------------------------------------

    def receive(self, event: inputs.Input, now: float, wall: float) -> list[Effect]:
        """Take one input and say what is to be done. Never raises for an input that arrives out of order: what the
        tables do not foresee becomes an `Anomaly`."""
        self.state.wall_ahead_s = wall - now
        try:
            self._dispatch(event, now, wall)
        except CallError as error:
            self.state.anomaly("calls", f"{type(event).__name__}: {error}")
        return self._attended(now)

    def advance(self, now: float) -> list[Effect]:
        """Let time pass: fire the timers that are due."""
        state = self.state
        if now < self._timers_from:
            return self._attended(now)
        if now >= self._silence_at:
            self._silence_at = now + SILENCE_CHECK_S
            routing.silence(state, now)
            parties.look(state, now)
            queue.look(state, now)
        while state.timers and state.timers[0][0] <= now:
            _, _, kind, name, about = heapq.heappop(state.timers)
            self._fire(kind, name, about, now)
        return self._attended(now)

    def next_wake(self) -> float:
        """The next moment at which `advance` has something to do. Timers that have become stale are dropped here."""
        timers = self.state.timers
        while timers and timers[0][2] in OF_A_CALL and self._is_stale(timers[0]):
            heapq.heappop(timers)
        wake_at = timers[0][0] if timers and timers[0][0] < self._silence_at else self._silence_at
        return wake_at if wake_at > self._timers_from else self._timers_from

    def stood_still(self, now: float) -> None:
        """The process did nothing for a while, as after SIGSTOP or a snapshot of its machine. What workers and desktops
        said meanwhile is still to be read: no timer speaks before it, and no desktop counts as silent."""
        self._timers_from = now + CATCH_UP_S
        self._silence_at = now + self.state.settings.agent_heartbeat_timeout_s

    def pacer_requests(self, now: float, *, everyone: bool = False) -> list[PacerRequest]:
        """Campaigns whose pacer should decide again: those something happened to, or everyone that is running.
        Asking takes the observations away."""
        state = self.state
        names = set(state.campaigns) if everyone else state.changed & set(state.campaigns)
        state.changed.clear()
        runs = [state.campaigns[name] for name in names]
        runs.sort(key=lambda run: (-run.settings.priority, run.name))
        runs = [run for run in runs if dialling.may_start(state, run)]
        if not runs:
            return []
        staff = state.staff()
        surplus = pacing_snapshot.surplus(state, staff) if len(state.campaigns) > 1 else ()
        return [self._question(run, staff, surplus, now) for run in runs]

    def lease_more(self, now: float) -> list[Effect]:
        """Top up every campaign's leads. May be called as often as one likes; it looks every `LEASE_CHECK_S`."""
        if now < self._lease_at:
            return []
        self._lease_at = now + LEASE_CHECK_S
        dialling.top_up(self.state, self.state.campaigns.values(), now)
        return self._collect()

    def is_idle(self) -> bool:
        """Whether nothing is on the line or on its way there."""
        return self.state.lines_used == 0

    def settings_of(self, campaign: str) -> AppliedSettings | None:
        """The settings of a campaign, if it is known."""
        run = self.state.campaigns.get(campaign)
        return None if run is None else run.settings

    def view(self) -> EngineView:
        """What is in the engine's hands now."""
        return engine_view.view(self.state)

    def agent(self, name: str) -> Agent | None:
        """An agent as this moment has them; None who is not logged in here. `view` copies everybody."""
        return self.state.roster.agents.get(name)

    def calls(self) -> list[CallRow]:
        """The calls on the line now."""
        return engine_view.calls(self.state)

    def parties(self) -> list[PartyRow]:
        """The third parties of talks, and those who were a moment ago."""
        return engine_view.parties(self.state)

    def has_call(self, attempt: str) -> bool:
        """Whether an attempt is on the line."""
        return attempt in self.state.calls

    def statistics(self, now: float) -> EngineStatistics:
        """The figures of this moment."""
        return engine_view.statistics(self.state, now)

    # --- within ---------------------------------------------------------------------------------------------------

    def _question(
        self, run: CampaignRun, staff: pacing_snapshot.Staff, surplus: Sequence[pacing_snapshot.Surplus], now: float
    ) -> PacerRequest:
        observations = tuple(run.observations)
        run.observations.clear()
        snapshot = pacing_snapshot.snapshot(self.state, run, staff, surplus, now)
        return PacerRequest(run.name, self._settings_of(run), observations, snapshot)

    def _settings_of(self, run: CampaignRun) -> Settings:
        known = self._paced_by.get(run.name)
        if known is None or known[0] is not run.settings:
            known = run.settings, pacing_snapshot.pacing_settings(self.state, run)
            self._paced_by[run.name] = known
        return known[1]

    def _is_stale(self, timer: Timer) -> bool:
        """Whether the call of one of its timers has ended, or was answered before its ringing took too long."""
        _, _, kind, name, _ = timer
        call = self.state.calls.get(name)
        return call is None or (kind is TimerKind.RING and call.answered_at is not None)

    def _attended(self, now: float) -> list[Effect]:
        """Whoever waits on the line comes first, then whoever may have a lead to decide on."""
        if self.state.waiting:
            routing.assign_agents(self.state, now)
        if self.state.queued and self.state.roster.ready:
            queue.serve(self.state, now)
        if self.state.in_preview and self.state.roster.ready:
            previewing.offer(self.state, now)
        return self._collect()

    def _collect(self) -> list[Effect]:
        effects, self.state.effects = self.state.effects, []
        return effects

    def _dispatch(self, event: inputs.Input, now: float, wall: float) -> None:
        state = self.state
        match event:
            case inputs.Permitted():
                dialling.permitted(state, event, now, wall)
            case inputs.Paced(campaign, decision):
                self.decisions_taken += 1
                dialling.paced(state, campaign, decision, now)
            case _ if state.parties and isinstance(event, messages.CallEvent) and event.call in state.parties:
                parties.heard(state, state.parties[event.call], event, now)
            case StandingUp() | messages.Ended() if standing_legs.concerns(event.call):
                if cut_off := standing_legs.heard(state, event, now):
                    routing.hang_up(state, cut_off, Cause.WORKER_LOST, now)
            case messages.Ended():
                if not arriving.went(state, event):
                    failover.ended(state, event, now, wall)
            case Arrived():
                arriving.arrived(state, event, now)
            case inputs.CallerFound():
                arriving.found(state, event, now)
            case _ if isinstance(event, messages.CallEvent):
                call = state.call_on(event.call)
                if call is not None:  # else it has ended, and the two crossed
                    self._on_call(call, event, now)
            case AgentEvent():
                routing.agent_event(state, event, now)
            case inputs.Refused():
                dialling.refused(state, event, now)
            case inputs.LeadsLeased():
                dialling.leased(state, event, now)
            case inputs.LeadsTaken():
                dialling.leads_taken(state, event, now)
            case messages.Capacity(slots):
                state.slots_total = slots
                state.changed.update(state.campaigns)
            case inputs.CampaignChanged():
                campaign_changes.campaign_changed(state, event, now)
            case inputs.StoreFailed():
                dialling.store_failed(state, event, now)
            case inputs.StoreHealth(healthy):
                state.healthy = healthy
                state.changed.update(state.campaigns)
            case inputs.RecordingFault(detail):
                state.recording_fault = detail
                state.changed.update(state.campaigns)
            case inputs.LedgerOfOthers():
                counts.others_counted(state, event)
            case inputs.AnswerReported():
                routing.answer_reported(state, event, now)
            case inputs.Judged() | inputs.BeepEnded():
                judging.heard(state, event, now)
            case inputs.TrunkSaid(trunk, source, obstacle):
                dialling.trunk_said(state, trunk, source, obstacle)
            case inputs.LocalTime(utc_offset_s):
                state.utc_offset_s = utc_offset_s
            case inputs.Drain():
                dialling.drain(state, now)
            case inputs.HangUpCall(attempt):
                routing.hang_up(state, attempt, Cause.OPERATOR, now)
            case inputs.Monitor():
                listening.ordered(state, event, now)
            case inputs.HangUpAll():
                routing.hang_up_all(state, now)

    def _on_call(self, call: Call, event: messages.CallEvent, now: float) -> None:
        state = self.state
        match event:
            case messages.Dialled():
                dialling.dialled(state, call, event)
            case messages.Progress():
                dialling.progress(state, call, event)
            case messages.Answered():
                routing.answered(state, call, event, now)
            case messages.AgentDialled():
                routing.agent_dialled(call, event)
            case messages.Bridged():
                routing.bridged(state, call, event, now)
            case messages.AgentEnded():
                routing.agent_ended(state, call, event, now)
            case Listening():
                judging.listening(state, call, event, now)
            case AgentLeft():
                if not parties.agent_left(state, call, event, now):
                    routing.agent_left(state, call, event, now)
            case messages.RecordingChanged():
                recording.changed(state, call, event)
            case PromptDone():
                steps.prompt_done(state, call, event, now)
            case messages.Digit() if call.state in steps.IN_SCRIPT:
                steps.key_pressed(state, call, event, now)
            case messages.Digit():
                routing.key_pressed(state, call, event, now)
            case _:
                pass  # a message was played: the worker hangs up by itself

    def _fire(self, kind: TimerKind, name: str, about: float, now: float) -> None:
        state = self.state
        if kind in OF_A_CALL:
            call = state.calls.get(name)
            if call is not None:
                self._fire_at(call, kind, about, now)
            return
        if kind is TimerKind.WRAPUP:
            routing.wrapup_limit(state, name, about, now)
            return
        if kind is TimerKind.LEASE:
            state.changed.add(name)
            return
        if kind is TimerKind.OFFER:
            previewing.lapse(state, name, about, now)
            return
        if kind is TimerKind.LINE:
            previewing.line(state, name, about, now)
            return
        if kind is TimerKind.STANDING:
            standing_legs.redial(state, name, about, now)
            return
        if kind is TimerKind.STORE:
            dialling.store_overdue(state, state.campaigns[name], about, now)

    def _fire_at(self, call: Call, kind: TimerKind, about: float, now: float) -> None:
        state = self.state
        match kind:
            case TimerKind.RING:
                dialling.ring_timeout(state, call, now)
            case TimerKind.ABANDON:
                routing.abandon_limit(state, call, about, now)
            case TimerKind.STATE:
                routing.state_limit(state, call, about, now)
            case TimerKind.BEEP:
                judging.no_beep(state, call, now)
            case TimerKind.TALK if call.state is CallState.TALKING:
                routing.hang_up(state, call.attempt, Cause.TALK_LIMIT, now)
            case TimerKind.SCRIPT:
                steps.script_limit(state, call, about, now)
            case TimerKind.STEP:
                steps.step_limit(state, call, about, now)
