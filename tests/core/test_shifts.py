"""Ends of shifts: whose, when, and who is leaving."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from config.campaign import CampaignSettings
from dialer.core.agents.agent import Agent, AgentState
from dialer.core.agents.shifts import LINGER_S, Shift, is_leaving, left_s, local_s, shift_of

HOUR_S = 3600.0
WALL = datetime(2026, 3, 2, 9, 30, tzinfo=UTC).timestamp()


def settings(**given):
    return CampaignSettings(name="sales", abandon_message="/sorry.wav", **given)


def an_agent(state=AgentState.READY, **given):
    return Agent("ann", "sip:ann@phones", ("sales",), "", state, **{"since": 0.0, "heard_at": 0.0, **given})


def test_local_time_is_the_campaigns_zone_or_the_hosts():
    """A zone of the campaign's own goes before what the host says; without either it is not known."""
    shanghai = local_s(settings(time_zone="Asia/Shanghai"), 0.0, WALL)
    assert shanghai % 86_400 == 17.5 * HOUR_S
    assert local_s(settings(), 2 * HOUR_S, WALL) % 86_400 == 11.5 * HOUR_S
    assert local_s(settings(), None, WALL) is None


def test_local_time_follows_the_clocks():
    """Berlin goes from one to two hours ahead in the last night of March's last week."""
    berlin = settings(time_zone="Europe/Berlin")
    change = datetime(2026, 3, 29, 1, 0, tzinfo=UTC).timestamp()
    assert local_s(berlin, None, change - 1.0) - (change - 1.0) == HOUR_S
    assert local_s(berlin, None, change) - change == 2 * HOUR_S


@pytest.mark.parametrize(
    ("hour", "left_h", "since_h"), [(17.0, 1.0, None), (18.5, 23.5, 0.5), (5.9, 12.1, 11.9), (6.1, 11.9, None)]
)
def test_a_shift_has_an_end_before_and_one_to_come(hour, left_h, since_h):
    """The last end counts for half a day, then the next one is meant."""
    shift = shift_of(settings(shift_ends="18:00"), hour * HOUR_S)
    assert shift.left_s == pytest.approx(left_h * HOUR_S)
    assert shift.since_s == (None if since_h is None else pytest.approx(since_h * HOUR_S))


def test_a_campaign_without_an_end_of_shift_has_none():
    """Nobody has said."""
    assert shift_of(settings(), 0.0) is None
    assert left_s(an_agent(), None, 0.0, WALL) == float("inf")


def test_the_login_goes_before_the_campaign():
    """What the agent's desktop has said is about this agent."""
    assert left_s(an_agent(shift_ends_at=WALL + 90.0), Shift(7200.0, None), 0.0, WALL) == 90.0
    assert left_s(an_agent(), Shift(7200.0, None), 0.0, WALL) == 7200.0


def test_who_logs_in_after_the_end_works_the_next_shift():
    """The evening shift is not over because the day shift is."""
    shift = Shift(left_s=23 * HOUR_S, since_s=HOUR_S)
    assert left_s(an_agent(logged_in_at=-2 * HOUR_S), shift, 0.0, WALL) == -HOUR_S
    assert left_s(an_agent(logged_in_at=-0.5 * HOUR_S), shift, 0.0, WALL) == 23 * HOUR_S


@pytest.mark.parametrize(
    ("state", "ends_in_s", "ready_for_s", "leaves"),
    [
        (AgentState.READY, 26.0, 100.0, False),
        (AgentState.READY, 24.0, 100.0, True),
        (AgentState.READY, 1.0 - LINGER_S, 100.0, True),
        (AgentState.READY, -1.0 - LINGER_S, 100.0, False),
        (AgentState.READY, -1.0 - LINGER_S, 1.0, True),
        (AgentState.TALKING, 26.0, 100.0, False),
        (AgentState.TALKING, 24.0, 100.0, True),
        (AgentState.WRAPUP, -500.0, 100.0, True),
    ],
)
def test_who_is_leaving(state, ends_in_s, ready_for_s, leaves):
    """Whoever goes before a call can be answered; after the end only those who are still ready a while later stay."""
    assert is_leaving(an_agent(state, since=1000.0 - ready_for_s), ends_in_s, 25.0, 1000.0) is leaves
