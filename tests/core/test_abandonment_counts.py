"""The ledger in the engine's memory: own counts at once, in every window, by the moment of the answer."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.campaign import CampaignSettings
from config.policies import applied, shipped
from dialer.core.abandonment import counts
from dialer.core.abandonment.rate import AnswerCounts
from dialer.core.abandonment.windows import CountingWindow, WindowCounts, counting_day, slot_of
from dialer.core.abandonment.windows import counting as counting_at
from dialer.core.campaign_run import CampaignRun
from dialer.core.engine_state import EngineSettings, new_state
from dialer.core.inputs import CampaignChanged, CampaignState, LedgerOfOthers
from pacing.api import Ledger, Window
from sip.causes import Cause, Leg
from tests.core.conftest import EPOCH

SETTINGS = applied(CampaignSettings(name="sales", abandon_message="/m.wav", time_zone="Europe/London"))
LONDON = ZoneInfo("Europe/London")
MIDNIGHT = 1_792_364_400.0
"""2026-10-19 00:00 in London, the Monday before the clocks go back."""


def window(label: str, since: float, answered: int = 0, abandoned: int = 0) -> WindowCounts:
    return WindowCounts(CountingWindow(label, label, 0.05, since), AnswerCounts(answered, abandoned))


def ledger(day: str, since: float, *windows: WindowCounts) -> LedgerOfOthers:
    return LedgerOfOthers("sales", day, AnswerCounts(0, 0), since, windows)


def answered(stage) -> None:
    """A call is answered, nobody comes, and it ends."""
    attempt = stage.dial()
    stage.answer(attempt)
    stage.wait(2.1)
    stage.end(attempt, Cause.NORMAL, Leg.DIALER)


def question(stage):
    (asked,) = stage.engine.pacer_requests(stage.now, everyone=True)
    return asked


def test_the_pacer_sees_every_window(stage):
    """The first as its ledger, the others with their names and caps; own counts are in all of them at once."""
    since = slot_of(stage.wall) * 300.0
    stage.tell(ledger("2026-03-02", since, window("day", since, 10, 1), window("hour", since - 300, 5, 0)))
    answered(stage)

    seen = question(stage).snapshot

    assert seen.ledger == Ledger(11, 2)
    assert seen.windows == (Window("hour", 0.05, Ledger(6, 1)),)


def test_the_pacer_sees_what_the_campaigns_definition_counts(stage):
    """A callee who hangs up in time counts in the United States and not in the United Kingdom, where machines that
    agents met are taken off and the rate is of those put through and the abandoned."""
    since = slot_of(stage.wall) * 300.0
    others = WindowCounts(CountingWindow("day", "day", 0.05, since), AnswerCounts(190, 10, 4, 20))
    stage.tell(ledger("2026-03-02", since, others))
    attempt = stage.dial()
    stage.answer(attempt)
    stage.wait(1.0)
    gone = stage.end(attempt, Cause.NORMAL, Leg.CALLEE)
    us = question(stage).snapshot.ledger
    settings = stage.state.campaigns["sales"].settings
    uk = settings.model_copy(update={"abandonment": shipped().get("uk").abandonment})
    stage.tell(CampaignChanged(uk, CampaignState.RUNNING))
    stage.tell(ledger("2026-03-02", since, others))

    assert (gone.live, gone.abandoned, gone.hung_up) == (True, True, True)
    assert us == Ledger(191, 11)
    assert question(stage).snapshot.ledger == Ledger(186, 6)


def test_a_call_counts_where_it_was_answered(stage):
    """Answered before midnight, ended after: it is in no window that began at midnight."""
    midnight = (slot_of(stage.wall) + 1) * 300.0
    stage.tell(ledger("2026-03-02", midnight - 86_400, window("day", midnight - 86_400)))
    attempt = stage.dial()
    stage.answer(attempt)
    stage.now += midnight + 10 - stage.wall
    stage.tell(ledger("2026-03-03", midnight, window("day", midnight), window("month", midnight - 86_400)))
    stage.end(attempt, Cause.NORMAL, Leg.CALLEE)
    run = stage.state.campaigns["sales"]

    assert (run.ledger, run.window_ledger(run.windows[0])) == (Ledger(), Ledger())
    assert run.window_ledger(run.windows[1]) == Ledger(1, 1)


def test_a_call_after_midnight_counts_although_the_day_was_told_late(stage):
    """Between midnight and the next word of the others nothing is lost."""
    midnight = slot_of(stage.wall) * 300.0
    stage.tell(ledger("2026-03-02", midnight - 86_400, window("day", midnight - 86_400)))
    answered(stage)

    stage.tell(ledger("2026-03-03", midnight, window("day", midnight)))

    run = stage.state.campaigns["sales"]
    assert run.window_ledger(run.windows[0]) == Ledger(1, 1)


@pytest.mark.parametrize(("window_s", "before_s"), [(3600.0, 600.0), (86_400.0, 600.0), (86_400.0, 85_800.0)])
def test_a_rolling_window_keeps_its_own_counts_over_midnight(stage, window_s, before_s):
    """What was answered before midnight is in the window for as long as it looks back, however often the ledger is told
    on the new day; then it is out."""
    midnight = slot_of(stage.wall) * 300.0 + before_s
    stage.tell(ledger("2026-03-02", midnight - 86_400, window("rolling", midnight - window_s)))
    answered(stage)
    run, at = stage.state.campaigns["sales"], slot_of(stage.wall) * 300.0

    seen = []
    for told_at in (midnight, midnight + 300.0, at + window_s, at + window_s + 300.0):
        stage.tell(ledger("2026-03-03", midnight, window("rolling", told_at - window_s)))
        seen.append(run.window_ledger(run.windows[0]).answered)

    assert seen == [1, 1, 1, 0]
    assert run.ledger == Ledger()


def test_a_new_day_without_a_beginning_starts_own_counts_anew(stage):
    """Where nobody says when the day began, what was counted before the change of day is not of it."""
    stage.tell(LedgerOfOthers("sales", "2026-03-02", AnswerCounts(5, 1)))
    answered(stage)
    run = stage.state.campaigns["sales"]
    stage.tell(LedgerOfOthers("sales", "2026-03-02", AnswerCounts(5, 1)))
    assert run.ledger == Ledger(6, 2)

    stage.tell(LedgerOfOthers("sales", "2026-03-03", AnswerCounts(0, 0)))
    assert run.ledger == Ledger(0, 0)


def test_the_day_of_others_counts_by_the_campaigns_definition(stage):
    """Their machines and the callees who hung up are told, too, for the definitions that take them off."""
    settings = stage.state.campaigns["sales"].settings
    uk = settings.model_copy(update={"abandonment": shipped().get("uk").abandonment})
    stage.tell(CampaignChanged(uk, CampaignState.RUNNING))
    seen = []
    for machines, hung_up in ((0, 0), (0, 4), (100, 0)):
        stage.tell(LedgerOfOthers("sales", "2026-03-02", AnswerCounts(110, 10, hung_up, machines)))
        seen.append(stage.state.campaigns["sales"].ledger)
    assert seen == [Ledger(110, 10), Ledger(106, 6), Ledger(105, 5)]


@pytest.mark.parametrize(
    "change",
    [
        {"max_abandon_rate": 0.01},
        {"time_zone": "UTC"},
        {"abandon_windows": SETTINGS.abandon_windows[:1]},
        {"abandonment": shipped().get("uk").abandonment},
    ],
)
def test_settings_that_count_otherwise_stop_the_campaign_until_the_ledger_is_told(stage, change):
    """No call starts while a window of the new settings is unknown; own counts are not forgotten."""
    since = slot_of(stage.wall) * 300.0
    told = ledger("2026-03-02", since, window("day", since))
    stage.tell(told)
    answered(stage)
    settings = stage.state.campaigns["sales"].settings

    stage.tell(CampaignChanged(settings.model_copy(update=change), CampaignState.RUNNING))
    assert stage.engine.pacer_requests(stage.now, everyone=True) == []

    stage.tell(told)
    assert question(stage).snapshot.ledger == Ledger(1, 1)


def test_a_change_of_other_settings_keeps_the_ledger(stage):
    """A new ring timeout is no reason to wait."""
    stage.tell(ledger("2026-03-02", EPOCH, window("day", EPOCH)))
    settings = stage.state.campaigns["sales"].settings

    stage.tell(CampaignChanged(settings.model_copy(update={"ring_timeout_s": 20.0}), CampaignState.RUNNING))

    assert question(stage).snapshot.ledger == Ledger(0, 0)


def test_old_slots_are_dropped():
    """A daemon that runs for months does not grow: some two days are kept."""
    state = new_state(EngineSettings((), 1))
    run = state.campaigns["sales"] = CampaignRun(SETTINGS, CampaignState.RUNNING)
    for day in range(40):
        since = MIDNIGHT + day * 86_400
        counts.others_counted(state, ledger(f"day {day}", since, window("day", since)))
        for minute in range(0, 1440, 5):
            counts.live_answer(run, since + minute * 60, abandoned=False)

    assert run.window_ledger(run.windows[0]).answered == 288
    assert len(run.slots) <= 3 * 288


@given(st.lists(st.tuples(st.integers(0, 50_000), st.booleans()), min_size=1, max_size=60), st.integers(0, 9))
def test_counting_along_is_the_same_as_counting_at_the_end(steps: list[tuple[int, bool]], tell_every: int) -> None:
    """Whenever the others' counts come, a list of all events says the same; clocks go back on the way."""
    state = new_state(EngineSettings((), 1))
    run = state.campaigns["sales"] = CampaignRun(SETTINGS, CampaignState.RUNNING)
    created, now, events = MIDNIGHT - 29 * 86_400, MIDNIGHT, []
    for place, (pause_s, abandoned) in enumerate(steps):
        now += pause_s
        if place % (tell_every + 1) == 0:
            tell(state, created, now, events)
        counts.live_answer(run, now - 7.0, abandoned=abandoned)
        events.append((now - 7.0, abandoned))
    tell(state, created, now, events)

    for row, open_ in zip(counting_at(SETTINGS, created, now).windows, run.windows, strict=True):
        held = [abandoned for at, abandoned in events if _held(row, at)]
        assert run.window_ledger(open_) == Ledger(len(held), sum(held)), row.name


def tell(state, created: float, now: float, events: list[tuple[float, bool]]) -> None:
    """What the store would say: of the closed days everything, of the others nothing but what this process counted."""
    found = counting_at(SETTINGS, created, now)
    rows = []
    for row in found.windows:
        closed = [abandoned for at, abandoned in events if counting_day(at, LONDON) in row.closed]
        rows.append(WindowCounts(row, AnswerCounts(len(closed), sum(closed))))
    today = found.today
    counts.others_counted(state, LedgerOfOthers("sales", today.days[-1], AnswerCounts(), today.since, tuple(rows)))


def _held(row, at: float) -> bool:
    return counting_day(at, LONDON) in row.closed + row.days if row.days else at >= row.since
