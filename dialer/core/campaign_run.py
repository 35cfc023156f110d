"""What one campaign has under way on this daemon: its leads, its calls, its counts."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import Final

from config.policies import AppliedSettings
from dialer.core.abandonment.rate import AnswerCounts, ledger_of, together
from dialer.core.abandonment.windows import Slots, WindowCounts
from dialer.core.calls.call import Call
from dialer.core.inputs import CampaignState
from dialer.core.model import Lead
from pacing.api import Ledger, Observation

OBSERVATIONS_KEPT: Final = 10_000
"""Observations that wait for a pacer; the oldest go first. A campaign that is not asked about collects no more."""


@dataclass(frozen=True, slots=True)
class AtGates:
    """A lead at the compliance gates since `since`, bound for `trunk`; `agent` is who asked for the call (preview).
    `taken`: somebody has taken the lead from the dialer meanwhile."""

    lead: Lead
    since: float
    trunk: str
    agent: str = ""
    taken: bool = False


@dataclass(frozen=True, slots=True)
class Offer:
    """A lead that an agent decides on since `since` (preview). `asked_at` is when the agent said to dial it, while no
    line is free."""

    lead: Lead
    since: float
    asked_at: float | None = None


@dataclass(slots=True)
class CampaignRun:
    """A campaign while this daemon serves it.

    `leads` are leased and wait for their turn; `offers` are before agents, by agent; `reserving` are at the gates, by
    lead; `calls` on the line, by attempt.
    `unanswered_since` and `unanswered_on` are the start and the trunk of the calls that have no answer yet and that no
    agent has asked for. `closes_at` is when calling hours end for whoever of the people called so far may be called
    longest, in seconds since the epoch.
    `own` is this process's part of the day's abandonment ledger, `others` the part of everybody else; `day` is empty
    until the ledger is known. `windows` are the counting windows with a cap, in order; `slots` is what this process
    counted, by the slot of the answer. `abandonment.counts` moves all of it.
    """

    settings: AppliedSettings
    state: CampaignState
    leads: deque[Lead] = field(default_factory=deque)
    offers: dict[str, Offer] = field(default_factory=dict)
    reserving: dict[str, AtGates] = field(default_factory=dict)
    calls: dict[str, Call] = field(default_factory=dict)
    unanswered_since: dict[str, float] = field(default_factory=dict)
    unanswered_on: dict[str, str] = field(default_factory=dict)
    closes_at: float = float("-inf")
    leasing_since: float | None = None
    lease_not_before: float = float("-inf")
    due: int = 0
    waiting: int = 0
    day: str = ""
    own: AnswerCounts = field(default_factory=AnswerCounts)
    others: AnswerCounts = field(default_factory=AnswerCounts)
    day_since: float | None = None
    windows: tuple[WindowCounts, ...] = ()
    slots: Slots = field(default_factory=dict)
    observations: deque[Observation] = field(default_factory=lambda: deque(maxlen=OBSERVATIONS_KEPT))

    @property
    def name(self) -> str:
        return self.settings.name

    @property
    def ledger(self) -> Ledger:
        """The counting day so far, over all hosts, by the campaign's definition."""
        return ledger_of(together((self.own, self.others)), self.settings.abandonment)

    @property
    def capped(self) -> Ledger:
        """The counting window that the pacer's own cap is about: the first one, or the day where there are none."""
        return self.window_ledger(self.windows[0]) if self.windows else self.ledger

    def window_ledger(self, window: WindowCounts) -> Ledger:
        """A counting window so far, over all hosts, by the campaign's definition."""
        return ledger_of(window.answers, self.settings.abandonment)

    @property
    def rank(self) -> tuple[int, str]:
        """Who goes first where campaigns share agents or lines; the smaller the sooner."""
        return -self.settings.priority, self.settings.name

    @property
    def in_flight(self) -> int:
        """Calls on the line or at the gates."""
        return len(self.calls) + len(self.reserving)

    def answered(self, attempt: str) -> None:
        """A call has been answered, or has ended: its answer is not waited for any more."""
        self.unanswered_since.pop(attempt, None)
        self.unanswered_on.pop(attempt, None)
