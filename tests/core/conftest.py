"""A stage for the engine: tell it things, let time pass, look at what it wants done."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count
from typing import Any

import pytest

from compliance.api import Cleared, Permit, Reserved
from compliance.numbers import E164
from config.campaign import CampaignSettings
from config.policies import applied
from dialer.core.abandonment.rate import AnswerCounts
from dialer.core.agents.agent import Agent, AgentEvent, AgentEventKind
from dialer.core.calls.call import Call, CallState
from dialer.core.calls.trunk_load import TrunkLimits
from dialer.core.effects import Anomaly, Effect, Lease, Reserve, Send, Settle
from dialer.core.engine import Engine
from dialer.core.engine_state import EngineSettings
from dialer.core.inputs import (
    CampaignChanged,
    CampaignState,
    Input,
    LeadsLeased,
    LedgerOfOthers,
    Paced,
    Permitted,
)
from dialer.core.model import Disposition, Lead, Settlement
from pacing.api import Decision
from sip.causes import Answerer, Cause, Leg
from sip.messages import AgentDialled, AgentEnded, Answered, Bridged, Capacity, DialAgent, Dialled, Ended, Progress

EPOCH = 1_772_000_000.0
DAY = "2026-03-02"


def a_lead(serial: int = 1, campaign: str = "sales", numbers: int = 1, **given: Any) -> Lead:
    """A lead with `numbers` numbers."""
    phones = tuple(E164(f"+86138{serial:06d}{index:02d}") for index in range(numbers))
    return Lead(lead_id=f"lead-{serial}", campaign=campaign, numbers=phones, **given)


def a_permit(lead: Lead, attempt: str, wall: float, valid_s: float = 30.0) -> Permit:
    """What both gates would have said about a lead."""
    return Permit(Cleared(lead.number, wall, wall + valid_s), Reserved(attempt, lead.number, wall, "+8610000"))


@dataclass
class Stage:
    """An engine with a clock that the test moves. `done` collects every effect."""

    engine: Engine
    now: float = 1000.0
    done: list[Effect] = field(default_factory=list)
    serial: count = field(default_factory=lambda: count(1))

    @property
    def wall(self) -> float:
        return EPOCH + self.now

    @property
    def state(self) -> Any:
        return self.engine.state

    def tell(self, told: Input) -> list[Effect]:
        return self._note(self.engine.receive(told, self.now, self.wall))

    def wait(self, seconds: float) -> list[Effect]:
        """Let time pass, waking the engine whenever it wants."""
        end, effects = self.now + seconds, []
        while (wake := self.engine.next_wake()) <= end:
            self.now = max(self.now, wake)
            effects += self._note(self.engine.advance(self.now))
        self.now = end
        return effects + self._note(self.engine.advance(self.now))

    def _note(self, effects: list[Effect]) -> list[Effect]:
        self.done += effects
        return effects

    # --- the set ---

    def campaign(self, name: str = "sales", state: CampaignState = CampaignState.RUNNING, **given: Any) -> list[Effect]:
        given = {"abandon_message": "/sorry.wav", **given}
        effects = self.tell(CampaignChanged(applied(CampaignSettings(name=name, caller_id="+8610000", **given)), state))
        return effects + self.tell(LedgerOfOthers(name, DAY, AnswerCounts(0, 0)))

    def say(self, kind: AgentEventKind, agent: str, **given: Any) -> list[Effect]:
        return self.tell(AgentEvent(kind, agent, **given))

    def login(self, *agents: str, campaigns: tuple[str, ...] = ("sales",)) -> None:
        """Agents log in and are ready, in this order, 0.1 s apart."""
        for agent in agents:
            self.say(AgentEventKind.LOGIN, agent, uri=f"sip:{agent}@phones", campaigns=campaigns)
            self.say(AgentEventKind.READY, agent)
            self.wait(0.1)

    def agent(self, agent: str) -> Agent:
        return self.state.roster.agents[agent]

    # --- one call, step by step ---

    def lease(self, number: int = 1, campaign: str = "sales", due: int = 0) -> tuple[Lead, ...]:
        """Leads come, whether they were asked for or not."""
        leads = tuple(a_lead(next(self.serial), campaign) for _ in range(number))
        self.tell(LeadsLeased(campaign, leads, due, 0))
        return leads

    def pace(self, number: int = 1, campaign: str = "sales") -> list[Effect]:
        return self.tell(Paced(campaign, Decision(number)))

    def permit(self, lead: Lead, valid_s: float = 30.0) -> tuple[str, list[Effect]]:
        attempt = f"attempt-{next(self.serial)}"
        return attempt, self.tell(Permitted(lead, a_permit(lead, attempt, self.wall, valid_s)))

    def dial(self, campaign: str = "sales") -> str:
        """A lead is leased, paced, permitted and dialled; the attempt's id."""
        self.lease(1, campaign)
        (reserve,) = of(Reserve, self.pace(1, campaign))
        attempt, _ = self.permit(reserve.leads[0])
        self.tell(Dialled(attempt, self.now))
        return attempt

    def ring(self, attempt: str) -> list[Effect]:
        return self.tell(Progress(attempt, self.now, 180, False))

    def answer(self, attempt: str, *, crossed: bool = False, kind: Answerer = Answerer.UNKNOWN) -> list[Effect]:
        return self.tell(Answered(attempt, self.now, crossed, kind))

    def bridge(self, attempt: str) -> list[Effect]:
        leg = self.call(attempt).leg
        self.tell(AgentDialled(attempt, leg, self.now))
        return self.tell(Bridged(attempt, leg, self.now))

    def leg_ends(self, attempt: str, cause: Cause, sip_code: int = 486) -> list[Effect]:
        return self.tell(AgentEnded(attempt, self.call(attempt).leg, self.now, cause, sip_code))

    def end(self, attempt: str, cause: Cause = Cause.NORMAL, by: Leg = Leg.CALLEE, sip_code: int = 200) -> Settlement:
        """The call ends; its settlement."""
        (settle,) = of(Settle, self.tell(Ended(attempt, self.now, cause, by, sip_code, 0, "")))
        return settle.settlement

    def talk(self, campaign: str = "sales") -> str:
        """A call on which an agent talks."""
        attempt = self.dial(campaign)
        self.answer(attempt)
        self.bridge(attempt)
        assert self.call(attempt).state is CallState.TALKING
        return attempt

    def call(self, attempt: str) -> Call:
        return self.state.calls[attempt]

    # --- what to look at ---

    def anomalies(self) -> list[str]:
        return [effect.detail for effect in of(Anomaly, self.done)]

    def leased(self, effects: list[Effect]) -> list[str]:
        return [effect.campaign for effect in of(Lease, effects)]

    def settled(self) -> list[Disposition]:
        return [effect.settlement.disposition for effect in of(Settle, self.done)]


def of(kind: type, effects: list[Effect]) -> list[Any]:
    """The effects of one kind, or the commands of one kind among them."""
    commands = [effect.command for effect in effects if isinstance(effect, Send)]
    return [found for found in [*effects, *commands] if isinstance(found, kind)]


def rung(effects: list[Effect]) -> list[str]:
    """Addresses of the agents' phones that are to be rung."""
    return [command.uri for command in of(DialAgent, effects)]


def a_stage(
    *, trunks: tuple[TrunkLimits, ...] = (TrunkLimits("north", 100.0, 1000),), slots: int = 1000, **given: Any
) -> Stage:
    stage = Stage(Engine(EngineSettings(trunks=trunks, max_lines=given.pop("max_lines", 1000), **given)))
    stage.tell(Capacity(slots, 1))
    return stage


@pytest.fixture(scope="session")
def make_stage() -> Callable[..., Stage]:
    """Builds stages: trunks, slots, max_lines and other settings of the engine."""
    return a_stage


@pytest.fixture
def stage() -> Stage:
    """A stage with workers, a trunk and a running campaign, and no agents."""
    stage = a_stage()
    stage.campaign()
    return stage


@pytest.fixture
def shared(stage: Stage) -> Stage:
    """Two campaigns, the second more important, and two agents who serve both."""
    stage.campaign("sales", priority=3)
    stage.campaign("urgent", priority=7)
    stage.login("ann", "bob", campaigns=("sales", "urgent"))
    return stage


@pytest.fixture(scope="session")
def make_lead() -> Callable[..., Lead]:
    """Builds leads."""
    return a_lead


@pytest.fixture(scope="session")
def make_permit() -> Callable[..., Permit]:
    """Builds permits."""
    return a_permit


@pytest.fixture(scope="session", name="of")
def of_fixture() -> Callable[[type, list[Effect]], list[Any]]:
    """Picks effects and commands by their kind."""
    return of


@pytest.fixture(scope="session", name="rung")
def rung_fixture() -> Callable[[list[Effect]], list[str]]:
    """Picks the phones that are to be rung."""
    return rung
