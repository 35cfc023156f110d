"""The conductor: one input in, effects out, and the next moment it wants to be woken.

    engine = Engine(settings)
    effects = engine.receive(told, now, wall)      # something happened
    effects = engine.advance(now)                  # time passed
    questions = engine.questions(now)              # campaigns whose pacer should look again
    engine.next_wake()                             # call advance() then

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
from dialer.core import pacing_snapshot
from dialer.core.abandonment import counts
from dialer.core.agents.agent import AgentEvent
from dialer.core.calls import answer_kinds, dialling, previewing, routing, settling
from dialer.core.calls.call import Call, CallError
from dialer.core.campaign_run import CampaignRun
from dialer.core.effects import Effect
from dialer.core.engine_state import SILENCE_CHECK_S, FloorSettings, Timer, TimerKind, open_floor
from dialer.core.inputs import (
    AnswerSaid,
    CampaignChanged,
    Drain,
    HangUpAll,
    Input,
    LeadsLeased,
    LedgerOfOthers,
    LocalTime,
    Paced,
    Permitted,
    Refused,
    StoreFailed,
    StoreHealth,
)
from pacing.api import Observation, Settings, Snapshot
from sip.messages import (
    AgentDialled,
    AgentEnded,
    Answered,
    Bridged,
    Capacity,
    Dialled,
    Digit,
    Ended,
    MessageDone,
    Progress,
)

LEASE_CHECK_S: Final = 0.1
OF_A_CALL: Final = frozenset({TimerKind.RING, TimerKind.ABANDON, TimerKind.STATE})


@dataclass(frozen=True, slots=True)
class Question:
    """What a campaign's pacer is asked: its settings, what happened since it was last asked, and how things stand."""

    campaign: str
    settings: Settings
    observations: tuple[Observation, ...]
    snapshot: Snapshot


class Engine:
    """Decides for one daemon. Not thread-safe; one task owns it."""

    def __init__(self, settings: FloorSettings) -> None:
        self.floor = open_floor(settings)
        self._silence_at = float("-inf")
        self._lease_at = float("-inf")
        self._paced_by: dict[str, tuple[AppliedSettings, Settings]] = {}

    # --- what the shell calls -----------------------------------------------------------------------------------

    def receive(self, told: Input, now: float, wall: float) -> list[Effect]:
        """Take one input and say what is to be done. Never raises for an input that arrives out of order: what the
        tables do not foresee becomes an `Anomaly`."""
        self.floor.wall_ahead_s = wall - now
        try:
            self._dispatch(told, now, wall)
        except CallError as error:
            self.floor.anomaly("calls", f"{type(told).__name__}: {error}")
        return self._attended(now)

    def advance(self, now: float) -> list[Effect]:
        """Let time pass: fire the timers that are due."""
        floor = self.floor
        if now >= self._silence_at:
            self._silence_at = now + SILENCE_CHECK_S
            routing.silence(floor, now)
        while floor.timers and floor.timers[0][0] <= now:
            _, _, kind, name, about = heapq.heappop(floor.timers)
            self._fire(kind, name, about, now)
        return self._attended(now)

    def next_wake(self) -> float:
        """The next moment at which `advance` has something to do. Timers that have become stale are dropped here."""
        timers = self.floor.timers
        while timers and self._is_stale(timers[0]):
            heapq.heappop(timers)
        return min(self._silence_at, timers[0][0]) if timers else self._silence_at

    def questions(self, now: float, *, everyone: bool = False) -> list[Question]:
        """Campaigns whose pacer should decide again: those something happened to, or everyone that is running.
        Asking takes the observations away."""
        floor = self.floor
        names = set(floor.campaigns) if everyone else floor.changed & set(floor.campaigns)
        floor.changed.clear()
        runs = [floor.campaigns[name] for name in names]
        runs.sort(key=lambda run: (-run.settings.priority, run.name))
        runs = [run for run in runs if dialling.may_start(floor, run)]
        if not runs:
            return []
        staff = floor.staff()
        surplus = pacing_snapshot.surplus(floor, staff) if len(floor.campaigns) > 1 else ()
        return [self._question(run, staff, surplus, now) for run in runs]

    def lease_more(self, now: float) -> list[Effect]:
        """Top up every campaign's leads. May be called as often as one likes; it looks every `LEASE_CHECK_S`."""
        if now < self._lease_at:
            return []
        self._lease_at = now + LEASE_CHECK_S
        dialling.top_up(self.floor, self.floor.campaigns.values(), now)
        return self._collect()

    def is_idle(self) -> bool:
        """Whether nothing is on the line or on its way there."""
        return self.floor.lines_used == 0

    # --- within ---------------------------------------------------------------------------------------------------

    def _question(
        self, run: CampaignRun, staff: pacing_snapshot.Staff, surplus: Sequence[pacing_snapshot.Surplus], now: float
    ) -> Question:
        observations = tuple(run.observations)
        run.observations.clear()
        snapshot = pacing_snapshot.snapshot(self.floor, run, staff, surplus, now)
        return Question(run.name, self._settings_of(run), observations, snapshot)

    def _settings_of(self, run: CampaignRun) -> Settings:
        known = self._paced_by.get(run.name)
        if known is None or known[0] is not run.settings:
            known = run.settings, pacing_snapshot.pacing_settings(self.floor, run)
            self._paced_by[run.name] = known
        return known[1]

    def _is_stale(self, timer: Timer) -> bool:
        """Whether a timer's call has ended, or was answered before its ringing took too long."""
        _, _, kind, name, _ = timer
        if kind not in OF_A_CALL:
            return False
        call = self.floor.calls.get(name)
        return call is None or (kind is TimerKind.RING and call.answered_at is not None)

    def _attended(self, now: float) -> list[Effect]:
        """Whoever waits on the line comes first, then whoever may have a lead to decide on."""
        if self.floor.waiting:
            routing.serve(self.floor, now)
        if self.floor.in_preview and self.floor.roster.ready:
            previewing.offer(self.floor, now)
        return self._collect()

    def _collect(self) -> list[Effect]:
        effects, self.floor.effects = self.floor.effects, []
        return effects

    def _dispatch(self, told: Input, now: float, wall: float) -> None:
        floor = self.floor
        match told:
            case Ended():
                settling.ended(floor, told, now)
            case (
                Dialled()
                | Progress()
                | Answered()
                | AgentDialled()
                | Bridged()
                | AgentEnded()
                | MessageDone()
                | Digit()
            ):
                call = floor.calls.get(told.call)
                if call is not None:  # else it has ended, and the two crossed
                    self._on_call(call, told, now)
            case AgentEvent():
                routing.agent_event(floor, told, now)
            case Permitted():
                dialling.permitted(floor, told, now, wall)
            case Refused():
                dialling.refused(floor, told, now)
            case LeadsLeased():
                dialling.leased(floor, told, now)
            case Paced(campaign, decision):
                dialling.paced(floor, campaign, decision, now)
            case Capacity(slots):
                floor.slots_total = slots
                floor.changed.update(floor.campaigns)
            case CampaignChanged():
                dialling.campaign_changed(floor, told, now)
            case StoreFailed():
                dialling.store_failed(floor, told, now)
            case StoreHealth(healthy):
                floor.healthy = healthy
                floor.changed.update(floor.campaigns)
            case LedgerOfOthers():
                counts.told(floor, told)
            case AnswerSaid():
                answer_kinds.said(floor, told, now)
            case LocalTime(utc_offset_s):
                floor.utc_offset_s = utc_offset_s
            case Drain():
                dialling.drain(floor, now)
            case HangUpAll():
                routing.hang_up_all(floor, now)

    def _on_call(
        self,
        call: Call,
        told: Dialled | Progress | Answered | AgentDialled | Bridged | AgentEnded | MessageDone | Digit,
        now: float,
    ) -> None:
        floor = self.floor
        match told:
            case Dialled():
                dialling.dialled(floor, call, told)
            case Progress():
                dialling.progress(floor, call, told)
            case Answered():
                routing.answered(floor, call, told, now)
            case AgentDialled():
                routing.agent_dialled(call, told)
            case Bridged():
                routing.bridged(floor, call, told, now)
            case AgentEnded():
                routing.agent_ended(floor, call, told, now)
            case Digit():
                routing.key_pressed(floor, call, told, now)
            case MessageDone():
                pass  # the worker hangs up after the message by itself

    def _fire(self, kind: TimerKind, name: str, about: float, now: float) -> None:
        floor = self.floor
        if kind is TimerKind.WRAPUP:
            routing.wrapup_limit(floor, name, about, now)
            return
        if kind is TimerKind.LEASE:
            floor.changed.add(name)
            return
        if kind is TimerKind.OFFER:
            previewing.lapse(floor, name, about, now)
            return
        if kind is TimerKind.LINE:
            previewing.line(floor, name, about, now)
            return
        if kind is TimerKind.STORE:
            dialling.store_overdue(floor, floor.campaigns[name], about, now)
            return
        call = floor.calls.get(name)
        if call is None:
            return
        match kind:
            case TimerKind.RING:
                dialling.ring_timeout(floor, call, now)
            case TimerKind.ABANDON:
                routing.abandon_limit(floor, call, about, now)
            case TimerKind.STATE:
                routing.state_limit(floor, call, about, now)
