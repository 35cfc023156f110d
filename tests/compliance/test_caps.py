"""Frequency caps against a naive oracle, and the caps that laws and contracts ask for, one by one."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from compliance.api import Per, Refusal, Rule
from compliance.cap_windows import DAY_S, CalendarDays, CalendarMonths, Rolling, Window
from compliance.caps import ASK_AGAIN_S, Cap, Counts, Over, Scope, horizon_s, ids_needed, verdict
from compliance.contacts import LONGEST_S, Contact, Mark
from dialer.language.refusals import detail
from tests.compliance.caps_oracle import allowed, changes
from tests.rules import CN_DEFAULT, in_words

SHANGHAI = ZoneInfo("Asia/Shanghai")
SCOPE = Scope(1, 10)
HOUR = 3600.0

# Clocks go forward and back in each; in Cairo and Beirut forward at midnight, in Havana back to it.
ZONES = ("America/New_York", "Europe/Berlin", "Africa/Cairo", "Asia/Beirut", "America/Havana", "Australia/Lord_Howe")
CHANGES = (
    "2026-03-08",
    "2026-03-29",
    "2026-04-05",
    "2026-04-24",
    "2026-10-04",
    "2026-10-25",
    "2026-10-29",
    "2026-11-01",
)


def of(*times: float, marks: Mark = Mark.ENDED, minutes: int = 0) -> tuple[Contact, ...]:
    """A history of attempts that have ended."""
    return tuple(Contact(math.ceil(at), 1, 10, i, 0, marks, minutes) for i, at in enumerate(sorted(times)))


def ask(
    history: Sequence[Contact],
    *caps: Cap,
    now: float,
    per: Per = Per.NUMBER,
    zone: ZoneInfo | None = SHANGHAI,
    agent_held: bool = False,
) -> Refusal | None:
    return verdict({Per.NUMBER: (), per: history}, caps, scope=SCOPE, now=now, zone=zone, agent_held=agent_held)


def at(text: str, zone: ZoneInfo = SHANGHAI) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=zone).timestamp()


# --- any caps, any history -------------------------------------------------------------------------------------------

windows: st.SearchStrategy[Window] = st.one_of(
    st.builds(Rolling, st.one_of(st.integers(1, 96).map(lambda h: h * HOUR), st.floats(0.5, 300_000))),
    st.builds(CalendarDays, st.integers(1, 4)),
    st.builds(CalendarMonths, st.integers(1, 2)),
)
rests = st.one_of(st.just(0.0), st.integers(1, 120).map(lambda h: h * HOUR), st.floats(0, 400_000))
caps_lists = st.lists(
    st.builds(
        Cap,
        limit=st.integers(1, 4),
        window=windows,
        counts=st.sampled_from(Counts),
        per=st.sampled_from(Per),
        over=st.sampled_from(Over),
        rest_s=rests,
        unless_agent_held=st.booleans(),
    ),
    max_size=3,
)
marks = st.integers(0, 127).map(lambda bits: 2 * bits + 1)


def histories(marked: st.SearchStrategy[int]) -> Callable[[int], st.SearchStrategy[tuple[Contact, ...]]]:
    def around(moment: int) -> st.SearchStrategy[tuple[Contact, ...]]:
        one = st.builds(
            Contact,
            at=st.one_of(
                st.integers(-96, 24).map(lambda hour: moment + 3600 * hour), st.integers(moment - 400_000, moment)
            ),
            campaign_crc=st.sampled_from([1, 2]),
            group_crc=st.sampled_from([10, 20]),
            attempt_crc=st.integers(0, 9),
            caller_crc=st.just(0),
            marks=marked,
            minutes=st.sampled_from([0, 1, 60, 255]),
        )
        return st.lists(one, max_size=7).map(lambda found: tuple(sorted(found)))

    return around


@st.composite
def questions(draw: st.DrawFn, marked: st.SearchStrategy[int]):  # type: ignore[no-untyped-def]
    """Histories of all subjects, caps, scope, now, zone, agent_held."""
    zone = ZoneInfo(draw(st.sampled_from(ZONES)))
    moment = int(at(draw(st.sampled_from(CHANGES)), zone)) + 1800 * draw(st.integers(-72, 72))
    around = histories(marked)
    contacts = {per: draw(around(moment)) for per in Per}
    scope = Scope(draw(st.sampled_from([1, 2])), draw(st.sampled_from([10, 20])))
    now = moment + draw(st.one_of(st.just(0.0), st.floats(0, 90_000), st.integers(0, 20).map(lambda h: h * HOUR)))
    return contacts, draw(caps_lists), scope, now, zone, draw(st.booleans())


@settings(max_examples=120, deadline=None)
@given(questions(marks))
def test_verdict_is_the_definition_and_until_the_first_moment_allowed(question) -> None:  # type: ignore[no-untyped-def]
    """A call is refused exactly when counting one by one says so, and nothing between now and `until` is allowed."""
    contacts, caps, scope, now, zone, held = question

    def free(moment: float) -> bool:
        return allowed(contacts, caps, scope, moment, zone, agent_held=held)

    refusal = verdict(contacts, caps, scope=scope, now=now, zone=zone, agent_held=held)

    assert (refusal is None) == free(now)
    if refusal is not None:
        assert refusal.rule is Rule.CAP
        assert refusal.until is not None
        assert refusal.until > now
        assert free(refusal.until)
        assert verdict(contacts, caps, scope=scope, now=refusal.until, zone=zone, agent_held=held) is None
        days = range(int(now / DAY_S), int(refusal.until / DAY_S) + 1)
        between = [
            change for change in changes(contacts, caps, scope, zone, days) if now < change < refusal.until - 0.001
        ]
        assert not any(free(moment) for moment in between)
        assert not free(max(now, refusal.until - 0.001))


@settings(max_examples=80, deadline=None)
@given(questions(st.integers(0, 255)))
def test_attempts_that_have_not_ended_count_and_hold_nobody_up_for_long(question) -> None:  # type: ignore[no-untyped-def]
    """They refuse as the oracle says, and where they alone do, the number comes up again in five minutes."""
    contacts, caps, scope, now, zone, held = question

    refusal = verdict(contacts, caps, scope=scope, now=now, zone=zone, agent_held=held)

    assert (refusal is None) == allowed(contacts, caps, scope, now, zone, agent_held=held)
    if refusal is not None:
        assert refusal.until is not None
        sure = {
            per: [one for one in history if one.marks & 1 or now - one.at >= LONGEST_S]
            for per, history in contacts.items()
        }
        if allowed(sure, caps, scope, now, zone, agent_held=held):
            assert now < refusal.until <= now + ASK_AGAIN_S


@settings(max_examples=80, deadline=None)
@given(questions(st.integers(0, 255)))
def test_what_is_older_than_the_horizon_changes_nothing(question) -> None:  # type: ignore[no-untyped-def]
    """`horizon_s` is far enough back."""
    contacts, caps, scope, now, zone, held = question
    later = now + 40 * DAY_S
    kept = {per: [one for one in history if one.at > later - horizon_s(caps)] for per, history in contacts.items()}
    assert verdict(kept, caps, scope=scope, now=later, zone=zone, agent_held=held) == verdict(
        contacts, caps, scope=scope, now=later, zone=zone, agent_held=held
    )


# --- the caps that laws and contracts ask for ------------------------------------------------------------------------

BASE = at("2026-03-10 12:00")


def test_the_default_is_twice_a_month_then_three_months_of_rest() -> None:
    """The second attempt within 30 days starts 90 days of rest; to the second."""
    first, second = BASE, BASE + 10 * DAY_S
    assert ask((), *CN_DEFAULT.caps, now=first) is None
    assert ask(of(first), *CN_DEFAULT.caps, now=second) is None
    assert in_words(ask(of(first, second), *CN_DEFAULT.caps, now=second + 1)) == (
        Rule.CAP,
        "called often enough: 2 attempts in 30 days, then 90 days of rest",
        second + 90 * DAY_S,
    )
    assert ask(of(first, second), *CN_DEFAULT.caps, now=second + 90 * DAY_S - 1) is not None
    assert ask(of(first, second), *CN_DEFAULT.caps, now=second + 90 * DAY_S) is None


def test_three_attempts_in_24_hours() -> None:
    """The US states' rule: the fourth waits until the first is 24 hours old (Fla. Stat. 501.616(6)(b))."""
    cap = Cap(3, Rolling(24 * HOUR))
    times = [BASE, BASE + HOUR, BASE + 2 * HOUR]
    assert ask(of(*times[:2]), cap, now=BASE + 3 * HOUR) is None
    refusal = ask(of(*times), cap, now=BASE + 3 * HOUR)
    assert in_words(refusal) == (Rule.CAP, "called often enough: 3 attempts in 24 hours", BASE + 24 * HOUR)


def test_seven_attempts_in_seven_days_per_account_and_seven_days_after_a_conversation() -> None:
    """Regulation F, 12 CFR 1006.14(b)(2): both count per account, whatever number was dialled."""
    caps = (
        Cap(7, Rolling(7 * DAY_S), per=Per.ACCOUNT),
        Cap(1, Rolling(7 * DAY_S), counts=Counts.CONVERSATIONS, per=Per.ACCOUNT),
    )
    tried = [BASE + i * HOUR for i in range(7)]
    assert ask(of(*tried[:6]), *caps, per=Per.ACCOUNT, now=BASE + 8 * HOUR) is None
    refusal = ask(of(*tried), *caps, per=Per.ACCOUNT, now=BASE + 8 * HOUR)
    assert refusal is not None
    assert detail(refusal) == "called often enough: 7 attempts in 7 days per account"
    assert refusal.until == BASE + 7 * DAY_S

    talked = of(BASE, marks=Mark.ENDED | Mark.CONNECTED | Mark.CONVERSATION, minutes=10)
    refusal = ask(talked, *caps, per=Per.ACCOUNT, now=BASE + DAY_S)
    assert refusal is not None
    assert detail(refusal) == "called often enough: 1 conversation in 7 days per account"
    assert refusal.until == BASE + 600 + 7 * DAY_S


def test_four_attempts_in_thirty_days() -> None:
    """No rest: the fifth waits for the first to leave the window."""
    cap = Cap(4, Rolling(30 * DAY_S))
    times = [BASE + i * DAY_S for i in range(4)]
    refusal = ask(of(*times), cap, now=BASE + 5 * DAY_S)
    assert refusal is not None
    assert refusal.until == BASE + 30 * DAY_S


def test_sixty_days_after_a_refusal() -> None:
    """The day of the refusal and sixty more."""
    cap = Cap(1, CalendarDays(61), counts=Counts.REFUSALS)
    refused = of(at("2026-03-10 18:00"), marks=Mark.ENDED | Mark.CONNECTED | Mark.REFUSED, minutes=2)
    refusal = ask(refused, cap, now=at("2026-03-11 09:00"))
    assert in_words(refusal) == (Rule.CAP, "called often enough: 1 refusal in 61 calendar days", at("2026-05-10 00:00"))
    assert ask(of(at("2026-03-10 18:00")), cap, now=at("2026-03-11 09:00")) is None


def test_72_hours_after_an_abandoned_call_unless_an_agent_is_held() -> None:
    """Ofcom's rule of 2016: within 72 hours only with an agent who waits for this call."""
    cap = Cap(1, Rolling(72 * HOUR), counts=Counts.ABANDONED, unless_agent_held=True)
    left = of(BASE, marks=Mark.ENDED | Mark.CONNECTED | Mark.ABANDONED, minutes=1)
    refusal = ask(left, cap, now=BASE + HOUR)
    assert refusal is not None
    assert refusal.until == BASE + 60 + 72 * HOUR
    assert detail(refusal) == "called often enough: 1 abandoned call in 3 days, unless an agent asked for the call"
    assert ask(left, cap, now=BASE + HOUR, agent_held=True) is None


def test_24_hours_after_a_machine() -> None:
    """A machine that was said to be one rests the number; a person does not."""
    cap = Cap(1, Rolling(24 * HOUR), counts=Counts.MACHINES)
    refusal = ask(of(BASE, marks=Mark.ENDED | Mark.MACHINE, minutes=1), cap, now=BASE + HOUR)
    assert refusal is not None
    assert refusal.until == BASE + 60 + 24 * HOUR
    assert ask(of(BASE, marks=Mark.ENDED | Mark.CONNECTED), cap, now=BASE + HOUR) is None


def test_three_connects_a_day() -> None:
    """Calendar days: at midnight all three are free again, and attempts that nobody answered do not count."""
    cap = Cap(3, CalendarDays(1), counts=Counts.CONNECTS)
    times = [at("2026-03-10 09:00"), at("2026-03-10 15:00"), at("2026-03-10 19:00")]
    answered = of(*times, marks=Mark.ENDED | Mark.CONNECTED)
    assert ask(of(*times), cap, now=at("2026-03-10 19:30")) is None
    refusal = ask(answered, cap, now=at("2026-03-10 19:30"))
    assert refusal is not None
    assert refusal.until == at("2026-03-11 00:00")


@pytest.mark.parametrize(
    ("day", "hours"), [("2026-03-08", 23), ("2026-11-01", 25), ("2026-06-01", 24)], ids=["short", "long", "plain"]
)
def test_a_day_is_as_long_as_it_is(day: str, hours: int) -> None:
    """One attempt a day, first thing in the morning: the next is allowed at the next midnight, DST or not."""
    zone = ZoneInfo("America/New_York")
    midnight = at(day, zone)
    refusal = ask(of(midnight), Cap(1, CalendarDays(1)), now=midnight + 60, zone=zone)
    assert refusal is not None
    assert refusal.until == midnight + hours * HOUR


def test_a_month_is_as_long_as_it_is() -> None:
    """Two a month: free again on the first."""
    refusal = ask(
        of(at("2026-02-01"), at("2026-02-28 23:59")), Cap(2, CalendarMonths(1)), now=at("2026-02-28 23:59:30")
    )
    assert refusal is not None
    assert refusal.until == at("2026-03-01")
    refusal = ask(of(at("2026-12-05")), Cap(1, CalendarMonths(2)), now=at("2026-12-31"))
    assert refusal is not None
    assert refusal.until == at("2027-02-01")


def test_rest_follows_calendar_windows_too() -> None:
    """Two in a day, then a week of rest from the second."""
    cap = Cap(2, CalendarDays(1), rest_s=7 * DAY_S)
    second = at("2026-03-10 18:00")
    refusal = ask(of(at("2026-03-10 09:00"), second), cap, now=at("2026-03-11 09:00"))
    assert refusal is not None
    assert refusal.until == second + 7 * DAY_S
    assert ask(of(at("2026-03-09 09:00"), second), cap, now=at("2026-03-11 09:00")) is None


# --- edges -----------------------------------------------------------------------------------------------------------


def test_an_attempt_exactly_one_window_old_no_longer_counts() -> None:
    """The window is open at its old end, for counting now and for what was spent then."""
    cap = Cap(2, Rolling(10.0), rest_s=50.0)
    assert ask(of(0.0, 10.0), cap, now=10.0) is None
    assert ask(of(0.0, 9.0), cap, now=9.0) is not None


def test_a_rest_shorter_than_the_window_does_not_free_it() -> None:
    """The later of rest and window decides."""
    refusal = ask(of(0.0, 1.0), Cap(2, Rolling(100.0), rest_s=5.0), now=20.0)
    assert refusal is not None
    assert refusal.until == 100.0


def test_an_attempt_in_the_future_counts() -> None:
    """A clock that was set back does not free a number."""
    assert ask(of(1000.0), Cap(1, Rolling(10.0)), now=5.0) is not None


def test_a_lead_without_the_id_that_a_cap_counts_per_is_refused_for_good() -> None:
    """In doubt the dialer does not dial."""
    cap = Cap(7, Rolling(7 * DAY_S), per=Per.ACCOUNT)
    refusal = verdict({Per.NUMBER: ()}, [cap], scope=SCOPE, now=BASE, zone=None)
    assert in_words(refusal) == (
        Rule.CAP,
        "the lead has no account_id, and a cap counts per account: 7 attempts in 7 days per account",
        None,
    )


def test_caps_over_a_campaign_or_a_group_leave_others_out() -> None:
    """The same history binds the campaign that made it, its group, or everybody."""
    history = (Contact(int(BASE), 1, 10, 0, 0, Mark.ENDED),)
    same, group, stranger = Scope(1, 10), Scope(2, 10), Scope(2, 20)
    for over, refused in ((Over.CAMPAIGN, [same]), (Over.GROUP, [same, group]), (Over.TENANT, [same, group, stranger])):
        cap = Cap(1, Rolling(DAY_S), over=over)
        found = [
            scope
            for scope in (same, group, stranger)
            if verdict({Per.NUMBER: history}, [cap], scope=scope, now=BASE + 1, zone=None) is not None
        ]
        assert found == refused


def test_a_call_in_progress_counts_as_a_conversation() -> None:
    """Another campaign waits five minutes and looks again; one that began five hours ago was forgotten and counts."""
    cap = Cap(1, Rolling(7 * DAY_S), counts=Counts.CONVERSATIONS)
    open_one = (Contact(int(BASE)),)
    refusal = ask(open_one, cap, now=BASE + 30)
    assert refusal is not None
    assert refusal.until == BASE + 30 + ASK_AGAIN_S
    refusal = ask(open_one, cap, now=BASE + 5 * HOUR)
    assert refusal is not None
    assert refusal.until == BASE + LONGEST_S + 7 * DAY_S


def test_an_attempt_in_progress_delays_a_lead_by_five_minutes_at_most() -> None:
    """Or until what is known already frees the cap, or until the cap is free whatever comes of the attempt."""
    known, in_progress = Contact(int(BASE), marks=Mark.ENDED), Contact(int(BASE) + 100)

    def refused_until(history: tuple[Contact, ...], window_s: float, now: float) -> float | None:
        refusal = ask(history, Cap(1, Rolling(window_s)), now=now)
        assert refusal is not None
        return refusal.until

    assert refused_until((known, in_progress), DAY_S, BASE + 200) == BASE + DAY_S
    assert refused_until((known, in_progress), 250, BASE + 200) == BASE + 350
    assert refused_until((known, in_progress), HOUR, BASE + HOUR) == BASE + HOUR + 100
    assert refused_until((in_progress,), DAY_S, BASE + 200) == BASE + 200 + ASK_AGAIN_S


def test_an_attempt_that_nobody_told_the_end_of_counts_in_full_once_it_was_forgotten() -> None:
    """From the longest time on that a contact can tell of, to the second."""
    forgotten = (Contact(int(BASE)),)
    cap = Cap(1, Rolling(7 * DAY_S))
    just_before = ask(forgotten, cap, now=BASE + LONGEST_S - 1)
    from_then_on = ask(forgotten, cap, now=BASE + LONGEST_S)
    assert just_before is not None
    assert from_then_on is not None
    assert just_before.until == BASE + LONGEST_S - 1 + ASK_AGAIN_S
    assert from_then_on.until == BASE + 7 * DAY_S


def test_of_several_caps_the_latest_counts() -> None:
    """And it is the one that is named."""
    refusal = ask(of(BASE), Cap(1, Rolling(HOUR)), Cap(1, Rolling(DAY_S)), now=BASE + 1)
    assert refusal is not None
    assert (refusal.until, detail(refusal)) == (BASE + DAY_S, "called often enough: 1 attempt in 24 hours")


@pytest.mark.parametrize(
    "make",
    [
        lambda: Cap(0, Rolling(1.0)),
        lambda: Rolling(0.0),
        lambda: Rolling(math.inf),
        lambda: Rolling(math.nan),
        lambda: CalendarDays(0),
        lambda: CalendarDays(4000),
        lambda: CalendarMonths(0),
        lambda: Cap(1, Rolling(1.0), rest_s=-1.0),
        lambda: Cap(1, Rolling(1.0), rest_s=math.inf),
    ],
)
def test_a_cap_that_means_nothing_does_not_construct(make: Callable[[], object]) -> None:
    """Limits, windows and rests are checked where they are made."""
    with pytest.raises(ValueError, match="cap"):
        make()


def test_leads_need_the_ids_that_caps_count_per() -> None:
    """Of a cap that does not bind calls that agents ask for, only where others than agents dial."""
    caps = [Cap(1, Rolling(1.0)), Cap(1, Rolling(1.0), per=Per.ACCOUNT)]
    caps.append(Cap(1, Rolling(1.0), per=Per.CUSTOMER, unless_agent_held=True))

    assert ids_needed(caps, agent_held=False) == {Per.ACCOUNT, Per.CUSTOMER}
    assert ids_needed(caps, agent_held=True) == {Per.ACCOUNT}


def test_now_must_be_finite() -> None:
    """A time that is no number is an error, not a permission."""
    with pytest.raises(ValueError, match="finite"):
        ask((), *CN_DEFAULT.caps, now=math.nan)
