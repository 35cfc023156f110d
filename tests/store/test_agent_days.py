"""What agents did on a day."""

from __future__ import annotations

from collections.abc import Callable

from dialer.core.model import Disposition, Settlement
from dialer.store.base.connection import trip
from dialer.store.operators import agent_days
from dialer.store.operators.agent_days import AgentDay
from dialer.store.settlement import settle
from tests.store.conftest import NOW, OWNER, Floor
from tests.store.test_crm_inbox import outcome, say

End = Callable[..., Settlement]
DAY = "2026-03-03"
TALKED_AT = NOW + 20.0


def day_of(floor: Floor, agent: str = "17") -> AgentDay | None:
    return agent_days.read(floor.store, [(floor.name, DAY), ("no such campaign", DAY)]).get(agent)


def test_talks_and_outcomes_count_for_who_talked(floor: Floor, end: End) -> None:
    """Each once, however often it is told; an outcome that is corrected counts as what it is now."""
    floor.fill(3)
    first, second, third = floor.dial(3)
    ends = [end(first, live=True), end(second, live=True), end(third, Disposition.NO_ANSWER)]
    for _ in range(2):
        settle.settle(floor.store, ends, OWNER)
    say(floor.store, outcome("sale", "A0"), outcome("sale", "A0"), outcome("refused", "A1", agent="somebody else"))
    assert day_of(floor) == AgentDay(2, 79.0, TALKED_AT, {"sale": 1, "refused": 1})

    say(floor.store, outcome("sale", "A1"))
    assert day_of(floor) == AgentDay(2, 79.0, TALKED_AT, {"sale": 2})
    assert day_of(floor, "somebody else") is None


def test_what_is_said_during_the_talk_counts_at_its_end(floor: Floor, end: End) -> None:
    """Until then nobody knows in the store who talks."""
    floor.fill(1)
    dialled = floor.dial()[0]
    say(floor.store, outcome("sale"))
    assert day_of(floor) is None

    settle.settle(floor.store, [end(dialled, live=True)], OWNER)
    assert day_of(floor) == AgentDay(1, 39.5, TALKED_AT, {"sale": 1})


def test_a_day_that_cannot_be_read_counts_as_nothing(floor: Floor) -> None:
    """Whoever looks sees the rest."""
    trip(floor.store, [("SET", floor.store.keys.agent_day(floor.name, DAY), "x")])
    assert day_of(floor) is None
