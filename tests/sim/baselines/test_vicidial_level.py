"""VICIdial's controller against values worked out by hand from its source."""

from __future__ import annotations

from dataclasses import replace

import pytest

from dialer.sim.baselines.vicidial_level import Averages, Drops, Level, Method, VicidialSettings, hhmm_at, next_level
from pacing.api import CallAbandoned, CallAnswered, CallFailed, Ledger, Observation
from tests.pacing.cases import snapshot

PLAIN = VicidialSettings()
OVER = Drops(percent=3.1, attempts_today=51)
IDLE = Averages(20.0, 4.0, 0.0)  # 20 % net idle
NOON = 1200


def levels(start: float, ticks: int, drops: Drops, method: Method, hhmm: int) -> list[float]:
    """The levels of so many ticks at 20 % net idle."""
    found = []
    for _ in range(ticks):
        start = next_level(start, IDLE, drops, VicidialSettings(method=method), hhmm)
        found.append(round(start, 2))
    return found


@pytest.mark.parametrize(
    ("averages", "intensity", "target", "expected"),
    [
        (IDLE, 0.0, 0, 2.400),
        (IDLE, 20.0, 0, 2.480),
        (IDLE, 0.0, -1, 2.300),
        (Averages(20.0, 0.0, 3.0), 20.0, 0, 1.760),
        (Averages(20.0, 0.0, 3.0), -20.0, 0, 1.640),
        (Averages(0.0, 0.0, 0.0), 0.0, 5, 2.000),
    ],
)
def test_one_tick(averages: Averages, intensity: float, target: int, expected: float) -> None:
    """Idle agents raise the level and waiting calls lower it, sharpened or softened by the intensity."""
    settings = VicidialSettings(intensity=intensity, difference_target=target)
    assert next_level(2.0, averages, Drops(), settings, NOON) == expected


def test_a_fifth_idle_reaches_the_ceiling_in_seven_ticks() -> None:
    """From 1.0 to 3.0 in 105 s."""
    assert levels(1.0, 7, Drops(), Method.AVERAGE, NOON) == [1.2, 1.44, 1.73, 2.07, 2.49, 2.99, 3.0]


def test_average_over_the_limit_collapses_in_two_ticks() -> None:
    """Halving outruns the idle agents."""
    assert levels(3.0, 4, OVER, Method.AVERAGE, NOON) == [1.5, 1.0, 1.0, 1.0]


def test_hard_limit_goes_to_one_at_once() -> None:
    """Over the limit the level is 1.0."""
    assert levels(3.0, 2, OVER, Method.HARD_LIMIT, NOON) == [1.0, 1.0]


@pytest.mark.parametrize(
    ("hhmm", "expected"),
    [
        (1000, [3.0, 3.0, 3.0]),
        (1200, [2.7, 2.7, 2.7]),
        (1400, [2.1, 1.76, 1.48, 1.24, 1.05, 1.0]),
        (1800, [1.0, 1.0]),
        (2130, [1.0, 1.0]),
    ],
)
def test_tapered_over_the_limit_depends_on_the_clock(hhmm: int, expected: list[float]) -> None:
    """No brake in the morning, a hard one in the evening, and the level 1.0 after hours."""
    assert levels(3.0, len(expected), OVER, Method.TAPERED, hhmm) == expected


def test_the_limit_sleeps_for_fifty_attempts_and_is_not_met_by_equality() -> None:
    """Exactly 50 attempts, or exactly 3 %, brake nothing."""
    for drops in (replace(OVER, attempts_today=50), replace(OVER, percent=3.0)):
        assert levels(2.0, 1, drops, Method.HARD_LIMIT, NOON) == [2.4]


def test_panic_halves() -> None:
    """More than 20 attempts in a minute, more than half of them dropped."""
    assert levels(2.0, 1, Drops(attempts_minute=21, drops_minute=11), Method.AVERAGE, NOON) == [1.2]
    assert levels(2.0, 1, Drops(attempts_minute=20, drops_minute=20), Method.AVERAGE, NOON) == [2.4]
    assert levels(2.0, 1, Drops(attempts_minute=22, drops_minute=11), Method.AVERAGE, NOON) == [2.4]


def test_few_agents_dial_one_line_each() -> None:
    """Below the configured number of agents the level is 1.0."""
    assert next_level(2.0, IDLE, Drops(), VicidialSettings(least_agents=21), NOON) == 1.0
    assert next_level(2.0, IDLE, Drops(), VicidialSettings(least_agents=20), NOON) == 2.4


def test_the_time_of_day() -> None:
    """Virtual seconds become an HHMM integer, over midnight too."""
    settings = VicidialSettings(starts_at_hhmm=930)
    assert hhmm_at(settings, 0.0) == 930
    assert hhmm_at(settings, 29 * 60.0 + 59.0) == 959
    assert hhmm_at(settings, 30 * 60.0) == 1000
    assert hhmm_at(settings, 15 * 3600.0) == 30


@pytest.mark.parametrize(
    "wrong", [{"level": 0.5}, {"level": 3.5}, {"most_level": 0.9}, {"latest_hhmm": 2460}, {"starts_at_hhmm": 975}]
)
def test_impossible_settings_do_not_construct(wrong: dict[str, float]) -> None:
    """An adaptive level below 1 or above its ceiling, and times that no clock shows."""
    with pytest.raises(ValueError, match=next(iter(wrong))):
        VicidialSettings(**wrong)  # type: ignore[arg-type]


def test_ratio_takes_any_level() -> None:
    """RATIO has no floor of 1.0."""
    assert VicidialSettings(method=Method.RATIO, level=0.5).level == 0.5


# --- the loop ----------------------------------------------------------------------------------------------------


def looks(level: Level, seconds: range, **changes: object) -> list[float]:
    """The level after a look at every second of a floor of 20 of whom 4 are ready."""
    found = []
    floor = {"ready": 4, "talking_age_s": (9.0,) * 10, "wrapup_age_s": (1.0,) * 3, "paused": 3} | changes
    for second in seconds:
        level.look(snapshot(**floor, now=float(second)))
        found.append(level.value)
    return found


def outcomes(attempts: int, drops: int, at: float) -> tuple[Observation, ...]:
    """So many attempts, some answered and dropped."""
    answered = tuple(CallAnswered(at, 9.0) for _ in range(drops))
    dropped = tuple(CallAbandoned(at) for _ in range(drops))
    return answered + dropped + tuple(CallFailed(at, 20.0) for _ in range(attempts - drops))


def test_it_ticks_every_fifteen_seconds_and_counts_everybody_logged_in() -> None:
    """Paused agents and those in wrap-up are in A: 4 of 20 idle is 20 %, not 4 of 14."""
    found = looks(Level(PLAIN), range(32), ledger=Ledger())
    assert found[14] == 1.0
    assert found[15:30] == [1.2] * 15
    assert found[30] == 1.44


def test_it_averages_fifteen_samples() -> None:
    """Agents who are idle for 5 of the last 15 s count a third."""
    level = Level(PLAIN)
    looks(level, range(11), ready=0, talking_age_s=(9.0,) * 14, ledger=Ledger())
    looks(level, range(11, 16), ready=6, talking_age_s=(9.0,) * 8, ledger=Ledger())
    assert level.value == 1.1


def test_one_reading_of_the_drops_acts_four_times() -> None:
    """Attempts of a bad minute stay the reading until the next minute mark, whatever happens in between."""
    level = Level(PLAIN)
    looks(level, range(60), ledger=Ledger(100, 0))
    level.value = 3.0
    level.observe(outcomes(60, 5, 59.5), 59.5)
    found = looks(level, range(60, 135), ledger=Ledger(100, 10))
    assert [found[0], found[15]] == [1.5, 1.0]
    level.value = 3.0
    healed = looks(level, range(135, 195), ledger=Ledger(1000, 10))
    assert [healed[0], healed[15], healed[30], healed[45]] == [1.5, 1.0, 1.0, 1.2]


def test_panic_is_of_the_last_minute() -> None:
    """Twenty-five attempts, most of them dropped: halved at the mark and on the ticks until the next."""
    level = Level(replace(PLAIN, drop_limit_percent=100.0))
    looks(level, range(60), ledger=Ledger(100, 0))
    level.value = 3.0
    level.observe(outcomes(25, 20, 59.5), 59.5)
    found = looks(level, range(60, 136), ledger=Ledger(100, 20))
    assert [found[0], found[15], found[60]] == [1.5, 1.0, 1.2]


def test_a_new_day_forgets_the_attempts() -> None:
    """The drop limit sleeps again after midnight."""
    level = Level(replace(PLAIN, starts_at_hhmm=2359))
    level.observe(outcomes(51, 0, 10.0), 10.0)
    assert level.attempts_today == 51
    level.observe(outcomes(1, 0, 61.0), 61.0)
    assert level.attempts_today == 1


def test_nobody_logged_in_moves_nothing() -> None:
    """Without a single agent the level stays."""
    found = looks(Level(PLAIN), range(60), ready=0, talking_age_s=(), wrapup_age_s=(), paused=0)
    assert set(found) == {1.0}


def test_ratio_stays() -> None:
    """RATIO never moves its level."""
    level = Level(VicidialSettings(method=Method.RATIO, level=2.0))
    level.observe(outcomes(60, 60, 1.0), 1.0)
    assert set(looks(level, range(90), ledger=Ledger(100, 60))) == {2.0}
