"""A lead's life in short, in a store on the session's real server."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

from compliance.calling_hours.hours import CallingHours, HoursRule, Window
from compliance.cap_windows import Rolling
from compliance.caps import Cap
from compliance.numbers import E164
from compliance.policy import Policy
from config.campaign import CampaignSettings
from dialer.core.inputs import Permitted, Refused
from dialer.core.model import Close, Disposition, Lead, NextStep, Settlement
from dialer.disk.registers import NationalRegisters
from dialer.store.base.connection import Store
from dialer.store.gate.evaluation import Screening
from dialer.store.gate.gate import screen, sift
from dialer.store.leads import intake, leases
from dialer.store.operators import campaigns
from pacing.api import AnswerKind, Mode
from sip.causes import Cause, Leg
from tests.rules import EVERY_DAY

NOW = 1_772_500_000.0
OWNER = "host-a:1"
ALWAYS = (HoursRule(CallingHours((Window(EVERY_DAY, 0, 1440),))),)
POLICY = Policy("test", ALWAYS, (Cap(2, Rolling(30 * 86_400.0), rest_s=90 * 86_400.0),))


def number(index: int) -> E164:
    """Some valid mobile number of China."""
    return E164(f"+86138{index:08}")


@pytest.fixture
def settings() -> CampaignSettings:
    return CampaignSettings(name="spring", mode=Mode.PROGRESSIVE, caller_id="+861065550000")


@dataclass
class Floor:
    """A campaign in a store, and the steps of a lead's life in short."""

    store: Store
    settings: CampaignSettings
    policy: Policy = POLICY
    attempts: int = 0
    registers: NationalRegisters = field(default_factory=NationalRegisters)

    @property
    def name(self) -> str:
        return self.settings.name

    def add(self, *entries: dict[str, Any]) -> None:
        intake.enqueue(self.store, self.name, entries)

    def fill(self, count: int, **more: Any) -> None:
        """`count` leads, L0 .. with numbers 0 .. , taken in."""
        self.add(*({"lead_id": f"L{i}", "phone": number(i).clear, **more} for i in range(count)))
        self.take_in()

    def take_in(self, now: float = NOW, batch: int = 1000) -> intake.IntakeReport:
        return intake.take_in(self.store, self.name, OWNER, now, batch)

    def lease(self, count: int = 10, now: float = NOW, owner: str = OWNER) -> tuple[Lead, ...]:
        return leases.lease(self.store, self.name, owner, count, now, 120.0).leads

    def screen(
        self, leads: tuple[Lead, ...], now: float = NOW, owner: str = OWNER, *, agent_held: bool = False
    ) -> tuple[Permitted | Refused, ...]:
        ids = [f"A{self.attempts + i}" for i in range(len(leads))]
        self.attempts += len(leads)
        return screen(self.screening(now, agent_held=agent_held), leads, trunk="main", owner=owner, attempt_ids=ids)

    def sift(self, leads: Sequence[Lead], now: float = NOW) -> tuple[tuple[Lead, ...], tuple[Refused, ...]]:
        return sift(self.screening(now, agent_held=True), leads, owner=OWNER)

    def screening(self, now: float = NOW, *, agent_held: bool = False) -> Screening:
        return Screening(self.store, self.settings, self.policy, now, self.registers, agent_held)

    def dial(self, count: int = 1, now: float = NOW, owner: str = OWNER) -> tuple[Permitted, ...]:
        """Lease and permit leads that nothing speaks against."""
        answers = self.screen(self.lease(count, now, owner), now, owner)
        assert all(isinstance(answer, Permitted) for answer in answers)
        return tuple(answer for answer in answers if isinstance(answer, Permitted))


@pytest.fixture
def floor(store: Store, settings: CampaignSettings) -> Floor:
    campaigns.create(store, settings, who="test", now=NOW)
    return Floor(store, settings)


@pytest.fixture
def end() -> Callable[..., Settlement]:
    """Builds the settlement of a permitted attempt."""

    def build(
        dialled: Permitted,
        disposition: Disposition = Disposition.CONNECTED,
        step: NextStep | None = None,
        *,
        ended_at: float = NOW + 60,
        live: bool = False,
        abandoned: bool = False,
        hung_up: bool = False,
        charged: bool = True,
        day: str = "2026-03-03",
        reason: str = "",
        kind: AnswerKind = AnswerKind.UNKNOWN,
    ) -> Settlement:
        answered = ended_at - 40 if live or kind is AnswerKind.MACHINE else None
        return Settlement(
            attempt=dialled.permit.attempt,
            lead=dialled.lead,
            trunk="main",
            disposition=disposition,
            next_step=step or Close("done"),
            live=live,
            abandoned=abandoned,
            hung_up=hung_up,
            charged=charged,
            cause=Cause.NORMAL,
            ended_by=Leg.CALLEE,
            sip_code=200,
            q850=16,
            reason=reason,
            caller_id=dialled.permit.caller_id,
            agent="17" if live and not abandoned else "",
            reserved_at=dialled.permit.reserved.at,
            dialled_at=ended_at - 50,
            ringing_at=ended_at - 48,
            answered_at=answered,
            answer_kind=kind,
            agent_dialled_at=answered,
            bridged_at=None if abandoned or answered is None else answered + 0.5,
            ended_at=ended_at,
            message_played=abandoned,
            crossed_cancel=False,
            day=day,
        )

    return build
