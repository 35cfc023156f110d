"""Calling hours against a clock on the wall."""

import math
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import holidays
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from compliance.api import Refusal, Rule
from compliance.calling_hours import hours as module
from compliance.calling_hours.hours import SEARCH_DAYS, STRETCH_DAYS, CallingHours, HoursRule, Open, Window
from compliance.calling_hours.places import Places
from dialer.language.refusals import detail
from tests.rules import in_words

EVERY_DAY = frozenset(range(7))
MONDAY_TO_FRIDAY = frozenset(range(5))
SHANGHAI = ("Asia/Shanghai",)
OFFICE = CallingHours((Window(EVERY_DAY, 9 * 60, 12 * 60), Window(EVERY_DAY, 14 * 60, 20 * 60)))


def at(zone: str, text: str, fold: int = 0) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone), fold=fold).timestamp()


def check(hours: CallingHours, zones: tuple[str, ...], instant: float, ring_s: float) -> Open | Refusal:
    """The same hours for everybody."""
    return module.check((HoursRule(hours),), Places(zones), instant, ring_s)


# A number of Florida, or an address in France: nobody knows which, so rules of both hold.
CLAIMS = (frozenset({"US", "US-FL"}), frozenset({"FR"}))
YEARS = range(2025, 2028)
HOLIDAYS = {
    "US": set(holidays.country_holidays("US", years=YEARS)),
    "US-FL": set(holidays.country_holidays("US", subdiv="FL", years=YEARS)),
    "FR": set(holidays.country_holidays("FR", years=YEARS)),
}
HOLIDAYS[""] = HOLIDAYS["US"] | HOLIDAYS["US-FL"] | HOLIDAYS["FR"]


def wall_clock_open(rules: tuple[HoursRule, ...], zones: tuple[str, ...], instant: float) -> bool:
    """The definition: look at the clock and the calendar on the wall of every zone, for every rule."""
    for zone in zones:
        local = datetime.fromtimestamp(instant, UTC).astimezone(ZoneInfo(zone))
        minute = local.hour * 60 + local.minute
        for rule in rules:
            if rule.region not in HOLIDAYS:
                continue
            if rule.closed_on_holidays and local.date() in HOLIDAYS[rule.region]:
                return False
            windows = rule.hours.windows
            if not any(local.weekday() in w.days and w.opens <= minute < w.closes for w in windows):
                return False
    return True


@st.composite
def windows(draw: st.DrawFn) -> Window:
    opens = draw(st.integers(0, 95)) * 15
    closes = draw(st.integers(opens // 15 + 1, 96)) * 15
    return Window(draw(st.frozensets(st.integers(0, 6), min_size=1)), opens, closes)


hours_sets = st.lists(windows(), min_size=1, max_size=4).map(lambda rows: CallingHours(tuple(rows)))
hours_rules = st.builds(HoursRule, hours_sets, st.sampled_from(["", "US", "US-FL", "FR", "US-PA"]), st.booleans())
# Every set begins with a rule for everybody, so that somebody is about both claims.
rule_sets = st.tuples(st.builds(HoursRule, hours_sets, st.just(""), st.booleans()), hours_rules, hours_rules)
zone_names = [
    "Asia/Shanghai",
    "America/New_York",
    "Australia/Lord_Howe",  # changes by half an hour
    "Asia/Kathmandu",
    "Africa/Casablanca",  # daylight saving ends for Ramadan
    "America/Havana",  # skips midnight, and has it twice
    "America/Santiago",
    "Pacific/Kiritimati",  # two dates at once with the one below
    "Pacific/Pago_Pago",
    "UTC",
]
zone_sets = st.lists(st.sampled_from(zone_names), min_size=1, max_size=3, unique=True).map(tuple)
# Around changes of daylight saving time and holidays, when anything that can go wrong does: in minutes.
days = [
    "2026-03-08", "2026-11-01", "2026-04-05", "2026-10-04", "2026-02-14", "2026-03-22", "2026-06-15", "2026-09-06",
    "2026-12-24", "2026-07-03",
]  # fmt: skip
starts = st.sampled_from([int(datetime.fromisoformat(day).replace(tzinfo=UTC).timestamp()) // 60 for day in days])
STEP = 5  # minutes; windows, ring times and changes of clocks are multiples of it


@settings(max_examples=60, deadline=None)
@given(rule_sets, zone_sets, starts, st.integers(-288, 576), st.integers(0, 18))
@example(
    (HoursRule(CallingHours((Window(EVERY_DAY, 0, 1440),))),) * 3, ("UTC",), 29_000_000 // STEP * STEP, 0, 6
)  # never closes
@example((HoursRule(CallingHours((Window(EVERY_DAY, 60, 150),))),) * 3, ("America/New_York",), 29_625_480, 0, 2)
@example((HoursRule(CallingHours((Window(EVERY_DAY, 0, 60),))),) * 3, ("America/Havana",), 29_548_800, -12, 1)
def test_check_agrees_with_the_clock_minute_by_minute(
    rules: tuple[HoursRule, ...], zones: tuple[str, ...], start: int, shift: int, ring_steps: int
) -> None:
    """Open, closing time and next opening are those found by looking at every five minutes."""
    now = start + shift * STEP
    ring = ring_steps * STEP
    answer = module.check(rules, Places(zones, CLAIMS), now * 60.0, ring * 60.0)

    def state(minute: int) -> bool:
        return wall_clock_open(rules, zones, minute * 60.0)

    def closing(minute: int, limit: int) -> int:
        return next((one for one in range(minute, limit, STEP) if not state(one)), limit)

    longest = now + STRETCH_DAYS * 1440
    if state(now) and closing(now, longest) >= now + ring:
        assert answer == Open(closing(now, longest) * 60.0)
        return
    assert isinstance(answer, Refusal)
    assert answer.rule is Rule.HOURS
    expected, before = None, state(now)
    for minute in range(now + STEP, now + SEARCH_DAYS * 1440 + 1, STEP):
        is_open = state(minute)
        if is_open and not before and closing(minute, minute + ring) >= minute + ring:
            expected = minute * 60.0
            break
        before = is_open
    assert answer.until == expected


def test_a_zone_is_closed_from_the_minute_in_which_it_closes() -> None:
    """Also for a call that would not ring at all."""
    noon = at("Asia/Shanghai", "2026-03-02 12:00")

    assert isinstance(check(OFFICE, SHANGHAI, noon - 1, 0.0), Open)
    refusal = check(OFFICE, SHANGHAI, noon, 0.0)

    assert isinstance(refusal, Refusal)
    assert refusal.until == at("Asia/Shanghai", "2026-03-02 14:00")


@pytest.mark.parametrize(
    ("clock", "opens_at"),
    [
        ("2026-03-02 08:59:59", "2026-03-02 09:00"),
        ("2026-03-02 09:00:00", None),
        ("2026-03-02 11:59:35", None),
        ("2026-03-02 11:59:36", "2026-03-02 14:00"),
        ("2026-03-02 12:00:00", "2026-03-02 14:00"),
        ("2026-03-02 14:00:00", None),
        ("2026-03-02 19:59:35", None),
        ("2026-03-02 19:59:36", "2026-03-03 09:00"),
    ],
)
def test_lunch_break_and_ringing_past_closing(clock: str, opens_at: str | None) -> None:
    """A call of 25 s may start up to 25 s before closing, and not at noon."""
    answer = check(OFFICE, SHANGHAI, at("Asia/Shanghai", clock), 25.0)
    if opens_at is None:
        assert isinstance(answer, Open)
    else:
        assert isinstance(answer, Refusal)
        assert answer.until == at("Asia/Shanghai", opens_at)


def test_clocks_go_forward() -> None:
    """New York skips 02:00 to 03:00 on 8 March 2026: hours from 02:30 open at 03:00, a minute after 01:59."""
    hours = CallingHours((Window(EVERY_DAY, 150, 240),))
    answer = check(hours, ("America/New_York",), at("America/New_York", "2026-03-08 01:59"), 20.0)
    assert isinstance(answer, Refusal)
    assert answer.until == at("America/New_York", "2026-03-08 03:00")
    assert answer.until - at("America/New_York", "2026-03-08 01:59") == 60.0
    # 09:00 comes an hour sooner than 24 h after the day before's.
    morning = check(OFFICE, ("America/New_York",), at("America/New_York", "2026-03-07 21:00"), 20.0)
    assert isinstance(morning, Refusal)
    assert morning.until == at("America/New_York", "2026-03-07 21:00") + 11 * 3600


def test_clocks_go_back() -> None:
    """New York has 01:00 to 02:00 twice on 1 November 2026: hours from 01:00 to 01:30 are open twice."""
    hours = CallingHours((Window(EVERY_DAY, 60, 90),))
    first = at("America/New_York", "2026-11-01 01:00")
    second = at("America/New_York", "2026-11-01 01:00", fold=1)
    assert second - first == 3600
    answer = check(hours, ("America/New_York",), first, 20.0)
    assert answer == Open(first + 1800)
    between = check(hours, ("America/New_York",), first + 1800, 20.0)
    assert isinstance(between, Refusal)
    assert between.until == second
    morning = check(OFFICE, ("America/New_York",), at("America/New_York", "2026-10-31 21:00"), 20.0)
    assert isinstance(morning, Refusal)
    assert morning.until == at("America/New_York", "2026-10-31 21:00") + 13 * 3600


def test_all_zones_must_be_open() -> None:
    """A number in New York or Los Angeles is called when both are open."""
    hours = CallingHours((Window(EVERY_DAY, 9 * 60, 20 * 60),))
    zones = ("America/New_York", "America/Los_Angeles")
    answer = check(hours, zones, at("America/New_York", "2026-06-01 10:00"), 25.0)
    assert isinstance(answer, Refusal)
    assert answer.until == at("America/Los_Angeles", "2026-06-01 09:00")
    assert detail(answer) == "outside calling hours: Mon 10:00 in America/New_York, Mon 07:00 in America/Los_Angeles"
    assert check(hours, zones, answer.until, 25.0) == Open(at("America/New_York", "2026-06-01 20:00"))


def test_zones_that_are_never_open_together() -> None:
    """Nine to ten in Shanghai and in London never meet, and the search ends."""
    hours = CallingHours((Window(EVERY_DAY, 9 * 60, 10 * 60),))
    answer = check(hours, ("Asia/Shanghai", "Europe/London"), at("UTC", "2026-06-01 00:00"), 25.0)
    assert isinstance(answer, Refusal)
    assert (answer.rule, answer.until) == (Rule.HOURS, None)
    assert detail(answer) == "no common calling hours of 2 zones, Asia/Shanghai to Europe/London in the next 56 days"


def test_hours_over_midnight_are_one_opening() -> None:
    """Two windows that touch at midnight do not close there."""
    hours = CallingHours((Window(frozenset({4}), 20 * 60, 1440), Window(frozenset({5}), 0, 60)))
    friday = at("Asia/Shanghai", "2026-03-06 23:59:50")
    assert check(hours, SHANGHAI, friday, 25.0) == Open(at("Asia/Shanghai", "2026-03-07 01:00"))


@pytest.mark.parametrize("zones", [(), ("Etc/Unknown",), ("Asia",), ("../../etc/passwd",), ("Asia/Shanghai", "Mars/X")])
def test_an_unknown_zone_is_refused_for_good(zones: tuple[str, ...]) -> None:
    """Nobody knows the time there."""
    answer = check(OFFICE, zones, 0.0, 25.0)
    assert isinstance(answer, Refusal)
    assert (answer.rule, answer.until) == (Rule.UNKNOWN_ZONE, None)


@pytest.mark.parametrize(
    ("days", "opens", "closes"),
    [((), 0, 60), ((7,), 0, 60), ((0,), 60, 60), ((0,), 61, 60), ((0,), -1, 60), ((0,), 0, 1441)],
)
def test_impossible_windows_do_not_construct(days: tuple[int, ...], opens: int, closes: int) -> None:
    """A window has days, and opens before it closes."""
    with pytest.raises(ValueError, match=r"window|days"):
        Window(frozenset(days), opens, closes)


def test_no_hours_at_all_do_not_construct() -> None:
    """A campaign without hours is a mistake."""
    with pytest.raises(ValueError, match="at least one window"):
        CallingHours(())


@pytest.mark.parametrize(("now", "ring_s"), [(math.nan, 1.0), (math.inf, 1.0), (0.0, -1.0), (0.0, math.inf)])
def test_times_must_be_finite(now: float, ring_s: float) -> None:
    """A time that is no number is an error, not a permission."""
    with pytest.raises(ValueError, match="finite"):
        check(OFFICE, SHANGHAI, now, ring_s)


# --- regions ----------------------------------------------------------------------------------------------------------


def of(opens: int, closes: int, region: str, days: frozenset[int] = EVERY_DAY, closed: bool = False) -> HoursRule:
    return HoursRule(CallingHours((Window(days, opens * 60, closes * 60),)), region, closed)


NEW_YORK = ("America/New_York",)
FLORIDA = frozenset({"US", "US-FL"})


def test_the_strictest_rule_wins() -> None:
    """Florida closes at 20:00, the country at 21:00 and the campaign opens at 09:00: 09:00 to 20:00."""
    rules = (of(8, 21, "US"), of(8, 20, "US-FL"), of(9, 24, ""), of(12, 13, "US-PA"))
    places = Places(NEW_YORK, (FLORIDA,))
    early = module.check(rules, places, at(NEW_YORK[0], "2026-06-01 08:30"), 25.0)
    assert isinstance(early, Refusal)
    assert early.until == at(NEW_YORK[0], "2026-06-01 09:00")
    assert module.check(rules, places, early.until, 25.0) == Open(at(NEW_YORK[0], "2026-06-01 20:00"))


@pytest.mark.parametrize(
    ("claims", "words"),
    [
        ((frozenset({"GB", "GB-*"}),), "no calling hours are known for GB"),
        ((FLORIDA, frozenset({"FR", "FR-75"})), "no calling hours are known for FR or FR-75"),
        ((), "no calling hours are known for a number that is of no country"),
    ],
)
def test_a_region_without_hours_is_refused_for_good(claims: tuple[frozenset[str], ...], words: str) -> None:
    """Hours of the USA say nothing about Britain, and a number of Florida with an address in Paris needs both."""
    answer = module.check((of(8, 21, "US"),), Places(NEW_YORK, claims), at(NEW_YORK[0], "2026-06-01 10:00"), 25.0)
    assert in_words(answer) == (Rule.HOURS, words, None)


def test_rules_of_every_part_hold_where_the_part_is_not_known() -> None:
    """A number of some state may be in Florida."""
    rules = (of(8, 21, "US"), of(8, 20, "US-FL"), of(10, 18, "CA-ON"))
    places = Places(NEW_YORK, (frozenset({"US", "US-*"}),))
    assert module.check(rules, places, at(NEW_YORK[0], "2026-06-01 08:00"), 25.0) == Open(
        at(NEW_YORK[0], "2026-06-01 20:00")
    )


def test_holidays_are_those_of_the_rule_or_of_the_callee() -> None:
    """Quebec keeps 24 June, Canada does not: a rule of Canada is open, one of Quebec or of everywhere is closed."""
    places = Places(("America/Toronto",), (frozenset({"CA", "CA-QC"}),))
    morning = at("America/Toronto", "2026-06-24 10:00")
    assert isinstance(module.check((of(9, 20, "CA", closed=True),), places, morning, 25.0), Open)
    for region in ("CA-QC", ""):
        answer = module.check((of(9, 20, region, closed=True),), places, morning, 25.0)
        assert isinstance(answer, Refusal)
        assert answer.until == at("America/Toronto", "2026-06-25 09:00")


def test_the_date_of_a_holiday_is_the_callees() -> None:
    """On 14 July at 23:30 in Paris it is no holiday in Shanghai any more."""
    night = at("Europe/Paris", "2026-07-14 23:30")
    rule = of(0, 24, "FR", closed=True)
    claims = (frozenset({"FR"}),)
    assert isinstance(module.check((rule,), Places(SHANGHAI, claims), night, 25.0), Open)
    paris = module.check((rule,), Places(("Europe/Paris",), claims), night, 25.0)
    assert isinstance(paris, Refusal)
    assert paris.until == at("Europe/Paris", "2026-07-15 00:00")


def test_a_week_of_holidays_is_searched_through() -> None:
    """Hours on Saturdays only, over the National Day week of 2026 and the Saturday before: three weeks later."""
    rule = of(9, 12, "CN", days=frozenset({5}), closed=True)
    places = Places(SHANGHAI, (frozenset({"CN"}),))
    answer = module.check((rule,), places, at("Asia/Shanghai", "2026-09-26 09:00"), 25.0)  # Mid-Autumn weekend
    assert isinstance(answer, Refusal)
    assert answer.until == at("Asia/Shanghai", "2026-10-10 09:00")


def test_holidays_that_nobody_knows_refuse(monkeypatch: pytest.MonkeyPatch) -> None:
    """A rule that closes on holidays of a region without any data is closed for good, and says so."""
    monkeypatch.setattr(module, "holidays_known", lambda region: region != "FR")
    module._closed_days.cache_clear()
    places = Places(("Europe/Paris",), (frozenset({"FR"}),))
    answer = module.check((of(8, 20, "FR", closed=True),), places, at("Europe/Paris", "2031-03-03 10:00"), 25.0)
    assert in_words(answer) == (
        Rule.HOURS,
        "the public holidays of FR are not known, and the rules close on them",
        None,
    )
    module._closed_days.cache_clear()


def test_years_without_known_holidays_are_closed() -> None:
    """The holidays of Sri Lanka follow the moon and are known to the end of 2026: the last opening is in that year."""
    places = Places(("Asia/Colombo",), (frozenset({"LK"}),))
    rule = of(9, 17, "LK", closed=True)
    answer = module.check((rule,), places, at("Asia/Colombo", "2026-12-30 18:00"), 25.0)
    assert isinstance(answer, Refusal)
    assert answer.until == at("Asia/Colombo", "2026-12-31 09:00")
    after = module.check((rule,), places, at("Asia/Colombo", "2026-12-31 17:00"), 25.0)
    assert isinstance(after, Refusal)
    assert after.until is None


def test_equal_rules_are_one_to_the_memory() -> None:
    """A campaign's rules may be built anew for every batch, and another campaign's are never taken for them."""
    places = Places(SHANGHAI)
    morning = at("Asia/Shanghai", "2026-06-01 09:30")
    for count in range(600):
        opens = 9 + count % 2
        answer = module.check((of(opens, 20, ""),), places, morning, 25.0)
        assert isinstance(answer, Open) is (opens == 9)
    assert len(module._rule_sets) <= 256


# --- hours as laws and policies have them -----------------------------------------------------------------------------

FRANCE = (
    HoursRule(
        CallingHours((Window(MONDAY_TO_FRIDAY, 10 * 60, 13 * 60), Window(MONDAY_TO_FRIDAY, 14 * 60, 20 * 60))),
        "FR",
        closed_on_holidays=True,
    ),
)
GERMANY = (of(8, 20, "DE", days=frozenset(range(6)), closed=True),)
AUSTRALIA = (
    HoursRule(
        CallingHours((Window(MONDAY_TO_FRIDAY, 9 * 60, 20 * 60), Window(frozenset({5}), 9 * 60, 17 * 60))),
        "AU",
        closed_on_holidays=True,
    ),
)
CANADA = (
    HoursRule(
        CallingHours((Window(MONDAY_TO_FRIDAY, 9 * 60, 21 * 60 + 30), Window(frozenset({5, 6}), 10 * 60, 18 * 60))),
        "CA",
    ),
)
UNITED_STATES = (
    of(8, 21, "US"),
    of(8, 20, "US-FL"),
    of(8, 20, "US-OK"),
    of(8, 20, "US-MD"),
    of(9, 20, "US-CT"),
    HoursRule(
        CallingHours((Window(frozenset({0, 1, 2, 3, 4, 6}), 8 * 60, 21 * 60), Window(frozenset({5}), 480, 720))),
        "US-PA",
        closed_on_holidays=True,
    ),
)
CHINA = (HoursRule(OFFICE, "CN"),)
CHINA_BUT_HOLIDAYS = (HoursRule(OFFICE, "CN", closed_on_holidays=True),)
BRITAIN = (of(8, 21, "GB"),)


@pytest.mark.parametrize(
    ("rules", "zone", "region", "clock", "opens"),
    [
        (FRANCE, "Europe/Paris", "FR", "2026-06-01 10:00", ""),
        (FRANCE, "Europe/Paris", "FR", "2026-06-01 12:59:36", "2026-06-01 14:00"),
        (FRANCE, "Europe/Paris", "FR", "2026-06-05 20:00", "2026-06-08 10:00"),  # Friday evening
        (FRANCE, "Europe/Paris", "FR", "2026-07-14 15:00", "2026-07-15 10:00"),
        (FRANCE, "Europe/Paris", "FR", "2026-05-14 15:00", "2026-05-15 10:00"),  # Ascension Day
        (FRANCE, "Indian/Reunion", "FR", "2026-06-01 09:59", "2026-06-01 10:00"),
        (GERMANY, "Europe/Berlin", "DE", "2026-06-06 19:00", ""),  # a Saturday is a working day
        (GERMANY, "Europe/Berlin", "DE", "2026-06-07 12:00", "2026-06-08 08:00"),
        (GERMANY, "Europe/Berlin", "DE", "2026-10-03 12:00", "2026-10-05 08:00"),
        (GERMANY, "Europe/Berlin", "DE", "2026-03-28 20:00", "2026-03-30 08:00"),  # the clocks go forward
        (AUSTRALIA, "Australia/Sydney", "AU", "2026-06-06 16:59", ""),
        (AUSTRALIA, "Australia/Sydney", "AU", "2026-06-06 17:00", "2026-06-08 09:00"),
        (AUSTRALIA, "Australia/Perth", "AU", "2026-04-25 10:00", "2026-04-27 09:00"),  # ANZAC Day, a Saturday
        (AUSTRALIA, "Australia/Lord_Howe", "AU", "2026-10-04 03:00", "2026-10-05 09:00"),
        (UNITED_STATES, "America/Chicago", "US-TX", "2026-06-01 20:59", ""),
        (UNITED_STATES, "America/New_York", "US-FL", "2026-06-01 20:00", "2026-06-02 08:00"),
        (UNITED_STATES, "America/Chicago", "US-OK", "2026-06-01 20:00", "2026-06-02 08:00"),
        (UNITED_STATES, "America/New_York", "US-MD", "2026-06-01 20:00", "2026-06-02 08:00"),
        (UNITED_STATES, "America/New_York", "US-CT", "2026-06-01 08:30", "2026-06-01 09:00"),
        (UNITED_STATES, "America/New_York", "US-PA", "2026-06-06 12:00", "2026-06-07 08:00"),
        (UNITED_STATES, "America/New_York", "US-PA", "2026-12-25 12:00", "2026-12-26 08:00"),
        (UNITED_STATES, "America/New_York", "US-NY", "2026-12-25 12:00", ""),
        (CHINA, "Asia/Shanghai", "CN", "2026-10-01 12:00", "2026-10-01 14:00"),
        (CHINA_BUT_HOLIDAYS, "Asia/Shanghai", "CN", "2026-10-01 12:00", "2026-10-08 09:00"),
        (CHINA_BUT_HOLIDAYS, "Asia/Shanghai", "CN", "2026-10-10 10:00", ""),  # a Saturday on which people work
        (CHINA_BUT_HOLIDAYS, "Asia/Shanghai", "CN", "2026-02-14 20:00", "2026-02-24 09:00"),
        (BRITAIN, "Europe/London", "GB", "2026-10-25 21:00", "2026-10-26 08:00"),  # the clocks go back
        (CANADA, "America/Toronto", "CA", "2026-06-05 21:29", ""),
        (CANADA, "America/Toronto", "CA", "2026-06-06 09:30", "2026-06-06 10:00"),
        (CANADA, "America/Toronto", "CA", "2026-06-07 18:00", "2026-06-08 09:00"),
    ],
)
def test_hours_of_countries(rules: tuple[HoursRule, ...], zone: str, region: str, clock: str, opens: str) -> None:
    """One call of 25 s in each country: open, or closed until when."""
    places = Places((zone,), (frozenset({region[:2], region}),))
    answer = module.check(rules, places, at(zone, clock), 25.0)
    if opens:
        assert isinstance(answer, Refusal)
        assert answer.until == at(zone, opens)
    else:
        assert isinstance(answer, Open)


def test_golden_week_of_a_year_without_a_notice() -> None:
    """Where the State Council has not spoken yet, the days of the law and the weekends at them are closed."""
    assert date(2030, 10, 1).weekday() == 1
    places = Places(SHANGHAI, (frozenset({"CN"}),))
    answer = module.check(CHINA_BUT_HOLIDAYS, places, at("Asia/Shanghai", "2030-10-01 10:00"), 25.0)
    assert isinstance(answer, Refusal)
    assert answer.until == at("Asia/Shanghai", "2030-10-04 09:00")
