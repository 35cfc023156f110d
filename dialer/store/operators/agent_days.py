"""What agents did on a day: talks, time in talks, outcomes. Counted where attempts are settled, each exactly once."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from dialer.store.base.connection import Store, careful_trip
from dialer.store.base.errors import KeyDamaged
from dialer.store.base.records import whole_of

KEPT_S: Final = 40 * 86_400
"""How long a day is kept after its last count, in seconds."""


@dataclass(slots=True)
class AgentDay:
    """One agent's day. `first_at` is when the first of its talks began (seconds since the epoch), `outcomes` are what
    agents and the CRM said of the talks, by name."""

    talks: int = 0
    talk_s: float = 0.0
    first_at: float = math.inf
    outcomes: dict[str, int] = field(default_factory=dict)


def read(store: Store, days: Iterable[tuple[str, str]]) -> dict[str, AgentDay]:
    """Agents' counts over some campaigns, each with the day that is meant, in one round trip. What cannot be read of
    them counts as nothing: this is shown, and nothing depends on it."""
    replies = careful_trip(store, [("HGETALL", store.keys.agent_day(campaign, day)) for campaign, day in days])
    counts: dict[str, AgentDay] = {}
    for flat in replies:
        if isinstance(flat, KeyDamaged):
            continue
        for name, raw in zip(flat[::2], flat[1::2], strict=True):
            agent, _, what = name.decode(errors="replace").partition("|")
            _add(counts.setdefault(agent, AgentDay()), what, whole_of(raw, 0))
    return counts


def _add(day: AgentDay, what: str, number: int) -> None:
    match what.split("|"):
        case ["talks"]:
            day.talks += number
        case ["talk_ms"]:
            day.talk_s += number / 1000
        case ["first_at"]:
            day.first_at = min(day.first_at, number)
        case ["outcome", outcome] if number > 0:
            day.outcomes[outcome] = day.outcomes.get(outcome, 0) + number
