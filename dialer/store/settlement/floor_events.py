"""Events of the stream `floor`: what reports need and no CRM has to read. Pure."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Final

from dialer.core.agents.intervals import Interval
from dialer.core.model import shown_attempt
from dialer.store.crm.requests import Outcome
from dialer.store.settlement.outbox import CrmEvent

AGENT_INTERVAL: Final = "agent_interval"
PACING_MINUTE: Final = "pacing_minute"


@dataclass(frozen=True, slots=True)
class PacingFigures:
    """A campaign on one host in one minute: decisions, calls that they came to and attempts that ended within it; the
    last decision's rule, brake (empty: none) and risk; agents by state and calls at its end; the day so far over all
    hosts, and how many calls could be abandoned on end before a cap is broken."""

    mode: str
    decisions: int
    dialled: int
    ended: int
    rule: str
    brake: str
    risk: float | None
    ready: int
    talking: int
    wrapup: int
    paused: int
    calls: int
    answered_today: int
    abandoned_today: int
    abandons_left: int


def agent_interval(interval: Interval, host: str) -> CrmEvent:
    """What an agent did in a part of a quarter of an hour."""
    fields = {
        "agent": interval.agent,
        "name": interval.name,
        "team": interval.team,
        "state": interval.state.value,
        "reason": interval.reason,
        "started_at": interval.started_at,
        "ended_at": interval.ended_at,
        "host": host,
    }
    name = f"{interval.agent}@{interval.started_at:.3f}"
    return CrmEvent(AGENT_INTERVAL, name, interval.campaign, interval.ended_at, fields)


def pacing_minute(campaign: str, host: str, minute_at: float, figures: PacingFigures) -> CrmEvent:
    """How a campaign was paced by one host in the minute that began at `minute_at` (seconds since the epoch)."""
    fields = {"host": host, "minute_at": minute_at, **asdict(figures)}
    return CrmEvent(PACING_MINUTE, f"{host}@{minute_at:.0f}", campaign, minute_at + 60.0, fields)


def outcome_said(outcome: Outcome, entry_id: str, at: float) -> CrmEvent:
    """What somebody said of an attempt, without the note, when it was sent; `entry_id` is that of the entry."""
    fields = {
        "attempt_id": shown_attempt(outcome.attempt),
        "outcome": outcome.outcome,
        "agent": outcome.agent,
        "opt_out": outcome.opt_out,
        "callback_at": outcome.callback_at,
    }
    return CrmEvent("outcome", f"{outcome.attempt}/{entry_id}", outcome.campaign, at, fields)
