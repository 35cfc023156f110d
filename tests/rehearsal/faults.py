"""What goes wrong, and how it is done."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from itertools import count
from random import Random
from typing import Final

from config.policies import AppliedSettings
from dialer.core.abandonment.rate import AnswerCounts
from dialer.core.agents.agent import AgentEventKind
from dialer.core.inputs import CampaignChanged, CampaignState, Drain, HangUpAll, LedgerOfOthers, TrunkSaid
from dialer.sim.virtual_time import Tell
from pacing.api import Mode
from tests.rehearsal.desks import Phones
from tests.rehearsal.far_end import FallibleFarEnd
from tests.rehearsal.memory import Memory
from tests.rehearsal.scenario import Fault, FaultKind, Scenario
from tests.rehearsal.world import World

ENDINGS: Final = frozenset({FaultKind.DRAIN, FaultKind.HANG_UP_ALL})
LONGEST_S: Final = 30.0
TRUNKS: Final = ("north", "south", "spare")


def draw(scenario: Scenario, dice: Random) -> tuple[Fault, ...]:
    """Faults at random moments, none of which ends the rehearsal early."""
    kinds = [kind for kind in FaultKind if kind not in ENDINGS]
    number = round(scenario.faults_per_min * scenario.duration_s / 60)
    return tuple(
        Fault(dice.uniform(0.0, scenario.duration_s), dice.choice(kinds), dice.uniform(1.0, LONGEST_S))
        for _ in range(number)
    )


@dataclass(slots=True)
class Saboteur:
    """Does faults to the world. Holds the campaigns' settings as the operator last wrote them."""

    world: World
    tell: Tell
    far_end: FallibleFarEnd
    phones: Phones
    memory: Memory
    campaigns: dict[str, AppliedSettings]
    days: count[int]

    def plan(self, faults: tuple[Fault, ...]) -> None:
        """Let every fault happen at its time."""
        for fault in faults:
            self.world.at(fault.at_s, partial(self.do, fault))

    def do(self, fault: Fault) -> None:
        """Let a fault happen now."""
        dice, size = self.world.dice, fault.size
        desk = dice.choice(list(self.phones.desks.values())) if self.phones.desks else None
        name = dice.choice(list(self.campaigns))
        match fault.kind:
            case FaultKind.WORKER_DIES:
                self.far_end.worker_dies(max(1, min(4, round(size))))
            case FaultKind.STORE_DOWN:
                self.memory.go_down(size)
            case FaultKind.TRUNK_DOWN:
                self._trunk_fails(self.far_end.trunks_down, size)
            case FaultKind.TRUNK_REFUSES:
                self._trunk_fails(self.far_end.trunks_refusing, size)
            case FaultKind.TRUNK_OBSTACLE:
                self._trunk_obstacle(size)
            case FaultKind.DESKTOP_SILENT if desk:
                self.phones.fall_silent(desk, size * 4)
            case FaultKind.PHONE_LOST if desk:
                self.phones.lose_phone(desk, size)
            case FaultKind.GARBAGE if desk:
                self.phones.says(desk, dice.choice(list(AgentEventKind)))
            case FaultKind.CAMPAIGN_PAUSED:
                self._halt(name, CampaignState.PAUSED, size)
            case FaultKind.CAMPAIGN_STOPPED:
                self._halt(name, CampaignState.STOPPED, size)
            case FaultKind.SETTINGS_CHANGED:
                self._change(name)
            case FaultKind.MODE_CHANGED:
                self._other_mode(name, size)
            case FaultKind.LEADS_CANCELLED:
                self.memory.cancel(name, max(1, round(size)))
            case FaultKind.LEDGER_OF_OTHERS:
                self.tell(LedgerOfOthers(name, "day 0", AnswerCounts(dice.randrange(1000), dice.randrange(10))))
            case FaultKind.NEW_DAY:
                self.tell(LedgerOfOthers(name, f"day {next(self.days)}", AnswerCounts(0, 0)))
            case FaultKind.DRAIN:
                self.tell(Drain())
            case FaultKind.HANG_UP_ALL:
                self.tell(HangUpAll())
            case _:
                pass  # a fault of desks where there are none

    def _trunk_fails(self, failing: set[str], seconds: float) -> None:
        trunk = self.world.dice.choice(TRUNKS)
        failing.add(trunk)
        self.world.after(seconds, partial(failing.discard, trunk))

    def _trunk_obstacle(self, seconds: float) -> None:
        trunk, source = self.world.dice.choice(TRUNKS), self.world.dice.choice(["options", "operator"])
        self.tell(TrunkSaid(trunk, source, "not now"))
        self.world.after(seconds, partial(self.tell, TrunkSaid(trunk, source, "")))

    def _halt(self, name: str, state: CampaignState, seconds: float) -> None:
        self.tell(CampaignChanged(self.campaigns[name], state))
        self.world.after(seconds, partial(self._resume, name))

    def _resume(self, name: str) -> None:
        self.tell(CampaignChanged(self.campaigns[name], CampaignState.RUNNING))

    def _change(self, name: str) -> None:
        dice = self.world.dice
        self.campaigns[name] = self.campaigns[name].model_copy(
            update={
                "ring_timeout_s": dice.uniform(15.0, 40.0),
                "abandon_after_s": dice.uniform(1.0, 3.0),
                "wrapup_limit_s": dice.uniform(0.0, 20.0),
                "max_lines": dice.choice([0, 3, 10]),
                "trunk": "",
                "trunks": dice.choice([(), ("north",), ("south", "spare"), ("nowhere",)]),
                "priority": dice.randrange(10),
            }
        )
        self.memory.settings[name] = self.campaigns[name]
        self._resume(name)

    def _other_mode(self, name: str, seconds: float) -> None:
        before = self.campaigns[name].mode
        self._set_mode(name, self.world.dice.choice(list(Mode)))
        self.world.after(seconds, partial(self._set_mode, name, before))

    def _set_mode(self, name: str, mode: Mode) -> None:
        self.campaigns[name] = self.campaigns[name].model_copy(update={"mode": mode})
        self._resume(name)
