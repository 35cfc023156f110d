"""The agents: their desktops, which talk to the engine, and their phones, which are rung."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from functools import partial
from typing import Final

from dialer.core.agents import AgentEvent, AgentEventKind, AgentState
from dialer.core.effects import AgentChanged
from dialer.sim.scenario import Desks
from dialer.sim.world import Tell, World

HEARTBEAT_S: Final = 20.0
BACK_AFTER_S: Final = 15.0


class PickUp(StrEnum):
    """What a phone does when it is rung."""

    ANSWERS = "answers"
    REFUSES = "refuses"
    SILENT = "silent"
    GONE = "gone"


@dataclass(slots=True)
class Desk:
    """One agent's desktop and phone. `seen` counts the changes that the desktop saw, so that a plan made in one state
    is dropped in the next; a desktop that is not `alive` says nothing."""

    name: str
    campaigns: tuple[str, ...]
    state: AgentState = AgentState.OFFLINE
    seen: int = 0
    alive: bool = True
    phone_lost: bool = False

    @property
    def uri(self) -> str:
        return f"sip:{self.name}@phones"


@dataclass(slots=True)
class Phones:
    """All desks. `ring` is the phones' side, `changed` and the faults are the desktops'."""

    world: World
    tell: Tell
    settings: Desks
    desks: dict[str, Desk] = field(default_factory=dict)

    def open(self, campaigns: tuple[str, ...]) -> None:
        """Agents log in during the first seconds; every third one serves the first campaign only."""
        for index in range(self.settings.agents):
            desk = Desk(f"agent{index}", campaigns[:1] if index % 3 == 2 else campaigns)
            self.desks[desk.name] = desk
            self.world.after(self.world.between(0.0, 5.0), partial(self._log_in, desk))
            self.world.after(self.world.between(5.0, HEARTBEAT_S), partial(self._beat, desk))

    def ring(self, uri: str) -> PickUp:
        """What the phone at `uri` does this time."""
        desk = self.desks[uri.removeprefix("sip:").removesuffix("@phones")]
        if desk.phone_lost:
            return PickUp.GONE
        drawn = self.world.dice.random()
        if drawn < self.settings.refuse:
            return PickUp.REFUSES
        return PickUp.SILENT if drawn < self.settings.refuse + self.settings.silent else PickUp.ANSWERS

    def changed(self, told: AgentChanged) -> None:
        """The desktop shows the agent's new state, and the agent acts on it."""
        desk = self.desks[told.agent]
        if told.state is desk.state:
            return
        desk.state = told.state
        desk.seen += 1
        match told.state:
            case AgentState.WRAPUP if not self.world.chance(self.settings.by_limit):
                self._later(desk, self.world.about(self.settings.wrapup_s), AgentEventKind.WRAPUP_DONE)
            case AgentState.PAUSED:
                self._later(desk, self.world.between(0.5, BACK_AFTER_S), AgentEventKind.READY)
            case AgentState.READY if self.world.chance(self.settings.pause):
                self._later(desk, self.world.between(0.1, 20.0), AgentEventKind.PAUSE)
            case AgentState.TALKING if self.world.chance(self.settings.pause):
                self._later(desk, self.world.between(0.1, 20.0), AgentEventKind.PAUSE)
            case AgentState.OFFLINE:
                self.world.after(BACK_AFTER_S, partial(self._log_in, desk))
            case _:
                pass

    def fall_silent(self, desk: Desk, seconds: float) -> None:
        """A desktop says nothing for a while."""
        desk.alive = False
        self.world.after(seconds, partial(self._come_back, desk))

    def lose_phone(self, desk: Desk, seconds: float) -> None:
        """A phone cannot be reached for a while."""
        desk.phone_lost = True
        self.world.after(seconds, partial(setattr, desk, "phone_lost", False))

    def babble(self, desk: Desk, kind: AgentEventKind) -> None:
        """A desktop says something, fitting or not."""
        self.tell(AgentEvent(kind, desk.name, desk.uri, desk.campaigns))

    # --- within ---------------------------------------------------------------------------------------------------

    def _come_back(self, desk: Desk) -> None:
        desk.alive = True
        if desk.state is AgentState.OFFLINE:
            self._log_in(desk)
        elif desk.state is AgentState.PAUSED:
            self._later(desk, 1.0, AgentEventKind.READY)

    def _log_in(self, desk: Desk) -> None:
        if desk.alive and desk.state is AgentState.OFFLINE:
            self.babble(desk, AgentEventKind.LOGIN)

    def _beat(self, desk: Desk) -> None:
        if desk.alive and desk.state is not AgentState.OFFLINE:
            self.babble(desk, AgentEventKind.HEARTBEAT)
        self.world.after(HEARTBEAT_S, partial(self._beat, desk))

    def _later(self, desk: Desk, delay_s: float, kind: AgentEventKind) -> None:
        self.world.after(delay_s, partial(self._say_if_still, desk, desk.seen, kind))

    def _say_if_still(self, desk: Desk, seen: int, kind: AgentEventKind) -> None:
        if desk.alive and desk.seen == seen:
            self.babble(desk, kind)
