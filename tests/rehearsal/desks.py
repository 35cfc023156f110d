"""The agents: their desktops, which talk to the engine, and their phones, which are rung."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from dialer.core.agents.agent import AgentEvent, AgentEventKind, AgentState
from dialer.core.effects import AgentChanged
from dialer.sim.desk import Desk, Desks
from tests.rehearsal.scenario import DeskSettings
from tests.rehearsal.world import World

HEARTBEAT_S: Final = 20.0
BACK_AFTER_S: Final = 15.0


class PickUp(StrEnum):
    """What a phone does when it is rung."""

    ANSWERS = "answers"
    REFUSES = "refuses"
    SILENT = "silent"
    GONE = "gone"


@dataclass(slots=True)
class FallibleDesk(Desk):
    """One agent's desktop and phone, which may fail: a desktop that is not `alive` says nothing."""

    alive: bool = True
    phone_lost: bool = False


@dataclass(slots=True)
class Phones(Desks[FallibleDesk]):
    """All desks. `ring` is the phones' side, `changed` and the faults are the desktops'."""

    timeline: World
    settings: DeskSettings

    def open(self, campaigns: tuple[str, ...]) -> None:
        """Agents log in during the first seconds; every third one serves the first campaign only."""
        for index in range(self.settings.agents):
            desk = FallibleDesk(f"agent{index}", campaigns[:1] if index % 3 == 2 else campaigns)
            self.desks[desk.name] = desk
            self.timeline.after(self.timeline.between(0.0, 5.0), self._log_in, desk)
            self.timeline.after(self.timeline.between(5.0, HEARTBEAT_S), self._beat, desk)

    def ring(self, uri: str) -> PickUp:
        """What the phone at `uri` does this time."""
        desk = self.desks[uri.removeprefix("sip:").removesuffix("@phones")]
        if desk.phone_lost:
            return PickUp.GONE
        drawn = self.timeline.dice.random()
        if drawn < self.settings.refuse:
            return PickUp.REFUSES
        return PickUp.SILENT if drawn < self.settings.refuse + self.settings.silent else PickUp.ANSWERS

    def changed(self, change: AgentChanged) -> None:
        """The desktop shows the agent's new state, and the agent acts on it."""
        desk = self.desks[change.agent]
        if not desk.sees(change):
            return
        match change.state:
            case AgentState.WRAPUP if not self.timeline.chance(self.settings.by_limit):
                self.says_later(desk, self.timeline.about(self.settings.wrapup_s), AgentEventKind.WRAPUP_DONE)
            case AgentState.PAUSED:
                self.says_later(desk, self.timeline.between(0.5, BACK_AFTER_S), AgentEventKind.READY)
            case AgentState.READY if self.timeline.chance(self.settings.pause):
                self.says_later(desk, self.timeline.between(0.1, 20.0), AgentEventKind.PAUSE)
            case AgentState.TALKING if self.timeline.chance(self.settings.pause):
                self.says_later(desk, self.timeline.between(0.1, 20.0), AgentEventKind.PAUSE)
            case AgentState.OFFLINE:
                self.timeline.after(BACK_AFTER_S, self._log_in, desk)
            case _:
                pass

    def offered(self, agent: str, lead_id: str) -> None:
        """The desktop shows a lead, and the agent decides, or does not."""
        desk, settings, dice = self.desks[agent], self.settings, self.timeline.dice
        desk.lead_id = lead_id
        drawn = dice.random()
        if drawn < settings.undecided:
            return
        kind = AgentEventKind.SKIP if drawn < settings.undecided + settings.skip else AgentEventKind.DIAL
        delay_s = self.timeline.about(settings.decide_s)
        if self.timeline.chance(settings.slip):
            slip = AgentEvent(kind, desk.name, lead_id="another lead")
            self.timeline.after(delay_s / 2, self.tell, slip)
        self.says_later(desk, delay_s, kind)
        if self.timeline.chance(settings.slip):
            self.timeline.after(delay_s + 0.01, self.says, desk, kind)

    def fall_silent(self, desk: FallibleDesk, seconds: float) -> None:
        """A desktop says nothing for a while."""
        desk.alive = False
        self.timeline.after(seconds, self._come_back, desk)

    def lose_phone(self, desk: FallibleDesk, seconds: float) -> None:
        """A phone cannot be reached for a while."""
        desk.phone_lost = True
        self.timeline.after(seconds, setattr, desk, "phone_lost", False)

    # --- within ---------------------------------------------------------------------------------------------------

    def _come_back(self, desk: FallibleDesk) -> None:
        desk.alive = True
        if desk.state is AgentState.OFFLINE:
            self._log_in(desk)
        elif desk.state is AgentState.PAUSED:
            self.says_later(desk, 1.0, AgentEventKind.READY)

    def _log_in(self, desk: FallibleDesk) -> None:
        if desk.alive and desk.state is AgentState.OFFLINE:
            self.says(desk, AgentEventKind.LOGIN)

    def _beat(self, desk: FallibleDesk) -> None:
        if desk.alive and desk.state is not AgentState.OFFLINE:
            self.says(desk, AgentEventKind.HEARTBEAT)
        self.timeline.after(HEARTBEAT_S, self._beat, desk)

    def _says_if_still(self, desk: FallibleDesk, seen: int, kind: AgentEventKind) -> None:
        if desk.alive and desk.seen == seen:
            self.says(desk, kind)
