"""When agents go home, as far as anybody has said: the end of a shift takes them off the floor for whoever paces.

An agent's own `shift_ends_at`, from the login, goes before the campaign's `shift_ends`. Who stays on after the end is
there while ready, but is not counted on to become free again.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo

from config.campaign import CampaignSettings
from dialer.core.agents.agent import Agent, AgentState

DAY_S: Final = 86_400.0
PASSED_S: Final = DAY_S / 2
"""So long after a campaign's end of shift it is the one that has passed, and then the next one is meant."""

QUARTER_S: Final = 900
LINGER_S: Final = 15.0
"""An agent who is still ready so long after the end of the shift stays on."""


@dataclass(frozen=True, slots=True)
class Shift:
    """A campaign's ends of shift around now: seconds until the next one and, if it is not long ago, since the last."""

    left_s: float
    since_s: float | None


def local_s(settings: CampaignSettings, host_offset_s: float | None, wall: float) -> float | None:
    """The campaign's local time at `wall`, in seconds since a local midnight; None where the host's is not known."""
    if settings.time_zone:
        return wall + _utc_offset_s(settings.time_zone, int(wall // QUARTER_S))
    return None if host_offset_s is None else wall + host_offset_s


@lru_cache(maxsize=256)
def _utc_offset_s(zone: str, quarter: int) -> float:
    """How far a zone is ahead of UTC in a quarter of an hour since the epoch; no clock changes within one."""
    offset = datetime.fromtimestamp(quarter * QUARTER_S, ZoneInfo(zone)).utcoffset()
    return 0.0 if offset is None else offset.total_seconds()


def shift_of(settings: CampaignSettings, local_s: float) -> Shift | None:
    """The campaign's shift at a local time, in seconds since any local midnight; None if it has no end."""
    if not settings.shift_ends:
        return None
    hours, minutes = settings.shift_ends.split(":")
    left_s = (int(hours) * 3600 + int(minutes) * 60 - local_s) % DAY_S
    since_s = DAY_S - left_s
    return Shift(left_s, since_s if since_s < PASSED_S else None)


def left_s(agent: Agent, shift: Shift | None, now: float, wall: float) -> float:
    """Seconds until the end of an agent's shift, negative after it; infinite if nobody has said."""
    if agent.shift_ends_at is not None:
        return agent.shift_ends_at - wall
    if shift is None:
        return math.inf
    if shift.since_s is not None and now - agent.logged_in_at > shift.since_s:
        return -shift.since_s
    return shift.left_s


def is_leaving(agent: Agent, left_s: float, soon_s: float, now: float) -> bool:
    """Whether an agent whose shift ends in `left_s` will not be there for a call that is answered within `soon_s`."""
    if left_s >= soon_s:
        return False
    if agent.state is not AgentState.READY or left_s > 0:
        return True
    return min(-left_s, now - agent.since) < LINGER_S
