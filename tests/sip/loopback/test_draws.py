"""Drawing the fate of calls: repeatable, and in the profile's proportions."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import replace
from random import Random
from statistics import fmean

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sip.loopback.draws import Side, Talk, draw_call, draw_delay, draw_phone, forced_outcome
from sip.loopback.profile import Delay, Keys, Outcome, PhoneOutcome, Phones, Profile, Shares
from sip.loopback.profile_file import read_profile

DEMO = read_profile("demo")
CALLS = 8000


def test_shares_are_met_under_a_seed() -> None:
    """Over many numbers each outcome comes as often as its share says, within four standard errors."""
    drawn = Counter(draw_call(DEMO, seed=7, number=f"+86138{n:08}", nth=0).outcome for n in range(CALLS))
    wanted = {outcome: getattr(DEMO.shares, outcome, 1 - DEMO.shares.total) for outcome in Outcome}
    for outcome, share in wanted.items():
        assert drawn[outcome] / CALLS == pytest.approx(share, abs=4 * math.sqrt(share * (1 - share) / CALLS))


def test_talks_have_their_mean_and_their_enders() -> None:
    """Talk times average to the profile's mean, and the callee ends its share of them."""
    people = replace(DEMO, shares=Shares(answer=1), talk=replace(DEMO.talk, max_s=3600))
    talks = [draw_call(people, seed=3, number=str(n), nth=0).talk for n in range(CALLS)]
    assert fmean(talk.length_s for talk in talks) == pytest.approx(8, rel=0.03)
    assert fmean(talk.ended_by is Side.CALLEE for talk in talks) == pytest.approx(0.4, abs=0.025)


@given(seed=st.integers(), number=st.text(max_size=20), nth=st.integers(0, 5))
def test_same_call_has_the_same_fate(seed: int, number: str, nth: int) -> None:
    """Seed, number and try decide everything."""
    assert draw_call(DEMO, seed=seed, number=number, nth=nth) == draw_call(DEMO, seed=seed, number=number, nth=nth)


def test_seed_number_and_try_all_matter() -> None:
    """Another seed, number or try is another call."""
    plans = [
        draw_call(DEMO, seed=seed, number=number, nth=nth)
        for seed, number, nth in [(1, "1", 0), (2, "1", 0), (1, "2", 0), (1, "1", 1)]
    ]
    assert len({plan.post_dial_delay_s for plan in plans}) == 4


@given(
    delay=st.builds(
        Delay,
        mean_s=st.floats(0, 100),
        sigma=st.floats(0, 3),
        min_s=st.floats(0, 5),
        max_s=st.floats(5, 1000),
    ),
    seed=st.integers(0, 1000),
)
def test_delay_stays_inside_its_bounds(delay: Delay, seed: int) -> None:
    """Whatever the parameters, a drawn delay is between its bounds."""
    assert delay.min_s <= draw_delay(delay, Random(seed)) <= delay.max_s


def test_delay_without_spread_is_its_mean() -> None:
    """Sigma 0 is a constant."""
    assert draw_delay(Delay(2.5), Random(1)) == pytest.approx(2.5)


def test_forced_number_beats_suffix_beats_shares() -> None:
    """A number's own outcome comes first, then the longest suffix that fits, then the shares."""
    profile = Profile(
        shares=Shares(answer=1),
        forced={"100": Outcome.BUSY},
        forced_suffix={"0": Outcome.DECLINED, "00": Outcome.BLOCKED},
    )
    outcomes = [draw_call(profile, seed=1, number=number, nth=0).outcome for number in ("100", "200", "10", "1")]
    assert outcomes == [Outcome.BUSY, Outcome.BLOCKED, Outcome.DECLINED, Outcome.ANSWER]
    assert forced_outcome(profile, "1") is None


def test_machine_plays_its_greeting_and_hangs_up() -> None:
    """The length of a machine's call is its greeting, and it is the one to end it."""
    profile = Profile(shares=Shares(machine=1), greeting=Delay(6), talk=Delay(60))
    assert draw_call(profile, seed=1, number="1", nth=0).talk == Talk(6, Side.CALLEE)


def test_only_ringing_calls_have_early_media() -> None:
    """A call that is refused at once rings not, and so has no early media."""
    profile = Profile(shares=Shares(busy=0.5, answer=0.5), early_media_share=1.0)
    plans = [draw_call(profile, seed=1, number=str(n), nth=0) for n in range(50)]
    assert {(plan.outcome, plan.early_media) for plan in plans} == {(Outcome.BUSY, False), (Outcome.ANSWER, True)}


def test_one_side_ends_a_talk_and_the_other_is_late() -> None:
    """The side that is to end the talk has the shorter timer."""
    talk = Talk(10, Side.AGENT)
    assert (talk.timer_s(Side.AGENT), talk.timer_s(Side.CALLEE)) == (10, 20)


def test_some_of_those_who_answer_press_a_key() -> None:
    """In the share that the profile has, and nothing else of their calls is another for it."""
    keys = Keys(share=0.3, key="*", after_s=2.0)
    quiet = [draw_call(DEMO, seed=1, number=str(n), nth=0) for n in range(2000)]
    plans = [draw_call(replace(DEMO, keys=keys), seed=1, number=str(n), nth=0) for n in range(2000)]
    answered = [plan for plan in plans if plan.outcome is Outcome.ANSWER]
    assert {plan.key for plan in quiet} == {""}
    assert {plan.key for plan in plans if plan.outcome is not Outcome.ANSWER} == {""}
    assert sum(plan.key == "*" for plan in answered) / len(answered) == pytest.approx(0.3, abs=0.06)
    assert [replace(plan, key="", key_after_s=1.5) for plan in plans] == quiet


def test_phones_answer_late_or_not_by_their_shares() -> None:
    """Phones are busy or silent in their shares, answer in their delay, and obey what is forced on them."""
    phones = Phones(busy_share=0.2, no_answer_share=0.1, no_answer_limit_s=9, forced={"agent-0": PhoneOutcome.BUSY})
    plans = [draw_phone(Profile(phones=phones), seed=1, user="agent-1", nth=n) for n in range(2000)]
    drawn = Counter(plan.outcome for plan in plans)
    assert drawn[PhoneOutcome.BUSY] / 2000 == pytest.approx(0.2, abs=0.04)
    assert drawn[PhoneOutcome.NO_ANSWER] / 2000 == pytest.approx(0.1, abs=0.03)
    assert all(0.05 <= plan.delay_s <= 0.15 for plan in plans if plan.outcome is PhoneOutcome.ANSWER)
    assert {plan.delay_s for plan in plans if plan.outcome is PhoneOutcome.NO_ANSWER} == {9}
    assert draw_phone(Profile(phones=phones), seed=1, user="agent-0", nth=0).outcome is PhoneOutcome.BUSY
