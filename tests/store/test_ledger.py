"""The abandonment ledger, by day, slot and owner."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from random import Random
from zoneinfo import ZoneInfo

import pytest

from compliance.evidence import Record
from config.abandonment import AbandonWindow, WindowKind
from config.campaign import CampaignSettings
from config.policies import applied, shipped
from dialer.core import evidence
from dialer.core.abandonment.evidence_rates import AnswersOnRecord
from dialer.core.abandonment.rate import AnswerCounts, ledger_of
from dialer.core.abandonment.windows import SLOT_S, Counting, CountingWindow, counting, counting_day, slot_of
from dialer.core.inputs import LedgerOfOthers
from dialer.core.model import Settlement
from dialer.store.base.connection import Store, trip
from dialer.store.settlement import ledger, settle
from dialer.store.settlement.ledger import DAY_KEPT_S, HOUR_KEPT_S, DayTotal, hour_of
from dialer.store.settlement.settlements import counted_at
from tests.rules import AT_ANY_HOUR
from tests.store.conftest import NOW, OWNER, Floor
from tests.store.test_crm_inbox import outcome, say

OTHER = "host-b:1"
ZONE = ZoneInfo("Asia/Shanghai")
WINDOWS = (
    AbandonWindow(kind=WindowKind.CALENDAR_DAY),
    AbandonWindow(kind=WindowKind.SUCCESSIVE_DAYS, days=3),
    AbandonWindow(kind=WindowKind.SUCCESSIVE_DAYS, days=30),
    AbandonWindow(kind=WindowKind.ROLLING_HOUR),
)
SETTINGS = applied(
    CampaignSettings(
        name="spring",
        abandon_message="/m.wav",
        time_zone=str(ZONE),
        **{**AT_ANY_HOUR, "abandon_windows": WINDOWS},
    )
)


def test_others_and_totals(store: Store) -> None:
    """Own counts are left out of the one and in the other, and machines are no live answers in either."""
    key = store.keys.ledger("spring", "2026-03-03")
    trip(
        store,
        [
            (
                "HSET",
                key,
                "a:1|answered",
                5,
                "a:1|abandoned",
                1,
                "b:1|answered",
                7,
                "b:1|hung_up",
                1,
                "machine|answered",
                -2,
            )
        ],
    )
    day = CountingWindow("calendar_day", "today", 0.03, NOW, days=("2026-03-03",))

    told = ledger.others(store, "spring", Counting(NOW, day, ()), "a:1")

    assert told == LedgerOfOthers("spring", "2026-03-03", AnswerCounts(5, 0, 1, 2), NOW)
    assert ledger.totals(store, "spring", ["2026-03-02", "2026-03-03"]) == (
        DayTotal("2026-03-02", 0, 0, 0),
        DayTotal("2026-03-03", 10, 1, 2, 1),
    )
    assert ledger.totals(store, "spring", []) == ()


def test_own_counts_of_closed_days_are_read(store: Store) -> None:
    """The process does not keep them in memory for so long."""
    keys = [store.keys.ledger("spring", day) for day in ("2026-03-01", "2026-03-02", "2026-03-03")]
    trip(store, [("HSET", key, "a:1|answered", 10, "b:1|answered", 100) for key in keys])
    window = CountingWindow("calendar_month", "Mar", 0.03, NOW, ("2026-03-01",), ("2026-03-02", "2026-03-03"))
    today = CountingWindow("calendar_day", "today", 0.03, NOW, days=("2026-03-03",))

    (found,) = ledger.others(store, "spring", Counting(NOW, today, (window,)), "a:1").windows

    assert found.others.answered == 310


def test_every_window_is_the_sum_of_its_calls(floor: Floor, end: Callable[..., Settlement]) -> None:
    """Two owners over five days, with machines found before and after the end, against a list of the calls. Each
    owner's own part is as it would be in its memory."""
    dice, store, events = Random(7), floor.store, []
    floor.fill(80)
    for place, dialled in enumerate(floor.dial(40) + floor.dial(40, owner=OTHER)):
        owner = OWNER if place < 40 else OTHER
        answered_at = NOW - dice.choice([300, 3000, 86_400, 5 * 86_400]) * dice.random()
        abandoned, machine, early = dice.random() < 0.3, dice.random() < 0.4, dice.random() < 0.5
        item = end(
            dialled,
            ended_at=answered_at + 40,
            live=True,
            abandoned=abandoned,
            day=counting_day(answered_at, ZONE),
        )
        if machine and early:
            say(store, outcome("machine", dialled.permit.attempt))
        settle.settle(store, [item], owner)
        if machine and not early:
            say(store, outcome("machine", dialled.permit.attempt))
        events.append((owner, answered_at, abandoned, machine and not abandoned))
    now = counting(SETTINGS, NOW - 4 * 86_400, NOW)

    for owner in (OWNER, OTHER, "host-c:1"):
        told = ledger.others(store, floor.name, now, owner)
        for row, window in zip(told.windows, now.windows, strict=True):
            held = [event for event in events if _holds(window, event[1])]
            unread = [one for one in held if one[0] == owner and one[1] >= window.since]
            assert row.others.answered + len(unread) == len(held) - sum(one[3] for one in held), (owner, row)
            assert row.others.abandoned + sum(one[2] for one in unread) == sum(one[2] for one in held), (owner, row)
            assert row.others.machines == sum(one[3] for one in held), (owner, row)
    day, month, period, hour = [row.others.answered for row in told.windows]
    assert hour < day < month < period


def _holds(window: CountingWindow, at: float) -> bool:
    return counting_day(at, ZONE) in window.closed + window.days if window.days else at >= window.since


def test_counts_are_kept_for_as_long_as_the_longest_window(floor: Floor, end: Callable[..., Settlement]) -> None:
    """Days for four hundred days, slots for two; a correction later on keeps the day for longer, and brings no slot
    back."""
    floor.fill(1)
    item = end(floor.dial()[0], live=True)
    settle.settle(floor.store, [item], OWNER)
    day = floor.store.keys.ledger(floor.name, item.day)
    hour = floor.store.keys.ledger_hour(floor.name, hour_of(counted_at(item)))

    kept = trip(floor.store, [("TTL", day), ("TTL", hour)])
    assert [round(left / 86_400) for left in kept] == [DAY_KEPT_S / 86_400, HOUR_KEPT_S / 86_400] == [400, 2]

    trip(floor.store, [("PERSIST", day), ("DEL", hour)])
    say(floor.store, outcome("machine"))
    left, there = trip(floor.store, [("TTL", day), ("EXISTS", hour)])
    assert (round(left / 86_400), there) == (400, 0)


def test_a_slot_is_booked_by_the_moment_of_the_answer(floor: Floor, end: Callable[..., Settlement]) -> None:
    """A call that was answered at the end of one hour and ended in the next is in the first one's hash."""
    floor.fill(1)
    edge = (hour_of(NOW) + 1) * 3600.0
    settle.settle(floor.store, [end(floor.dial()[0], ended_at=edge + 30, live=True, abandoned=True)], OWNER)

    flat = trip(floor.store, [("HGETALL", floor.store.keys.ledger_hour(floor.name, hour_of(NOW)))])[0]

    slot = slot_of(edge - 10)
    assert slot * SLOT_S == edge - SLOT_S
    expected = {f"{slot}|{OWNER}|answered": "1", f"{slot}|{OWNER}|abandoned": "1"}
    assert dict(zip([one.decode() for one in flat[::2]], [one.decode() for one in flat[1::2]], strict=True)) == expected


def test_a_year_of_days_is_read_in_one_go(store: Store) -> None:
    """The longest window there may be, in its last days."""
    rows = (AbandonWindow(kind=WindowKind.SUCCESSIVE_DAYS, days=366),)
    begun = datetime(2026, 1, 1, 12, tzinfo=ZONE).timestamp()
    settings = SETTINGS.model_copy(update={"abandon_windows": rows})
    trip(store, [("HSET", store.keys.ledger("spring", "2026-01-01"), "a:1|answered", 3)])

    (found,) = ledger.others(store, "spring", counting(settings, begun, begun + 360 * 86_400), "b:1").windows

    assert (found.window.name, found.others.answered) == ("366 days to 1 Jan", 3)


@pytest.mark.parametrize("policy", ["us-telemarketing", "uk", "ca"])
def test_the_ledger_and_the_evidence_give_the_same_rate(
    floor: Floor, end: Callable[..., Settlement], policy: str
) -> None:
    """By each regulator's definition: from what all hosts share, and counted again from the record alone."""
    definition = shipped().get(policy).abandonment
    assert definition is not None
    dice, store, machines = Random(3), floor.store, set()
    tallies = AnswersOnRecord(machines)
    floor.fill(60)
    for place, dialled in enumerate(floor.dial(60)):
        answered_at = NOW - 3000 * dice.random()
        abandoned = dice.random() < 0.4
        item = end(
            dialled,
            ended_at=answered_at + 40,
            live=True,
            abandoned=abandoned,
            hung_up=abandoned and dice.random() < 0.4,
            day=counting_day(answered_at, ZONE),
        )
        settle.settle(store, [item], OWNER if place % 2 else OTHER)
        if dice.random() < 0.2:
            say(store, outcome("machine", dialled.permit.attempt))
            machines.add(dialled.permit.attempt)
        entry = evidence.settlement(item, item.day, OWNER, bytes(32), answered_at + 40)
        tallies.see(Record(place, entry.at_ms, entry.kind, entry.fields, "", ""))
    now = counting(SETTINGS, NOW - 4 * 86_400, NOW)

    told = ledger.others(store, floor.name, now, "host-c:1")

    for row, window in zip(told.windows, now.windows, strict=True):
        assert ledger_of(row.answers, definition) == ledger_of(tallies.window("spring", window), definition), row
    day = told.windows[0].answers
    assert 0 < day.hung_up < day.abandoned < day.answered
    assert day.machines > 0
    assert (ledger_of(day, definition) == ledger_of(day)) == (policy != "uk")
