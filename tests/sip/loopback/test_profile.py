"""Profiles as data: what cannot be, does not construct."""

from __future__ import annotations

import math
from dataclasses import fields

import pytest

from sip.loopback.profile import Delay, Outcome, Phones, Profile, ProfileError, Shares


def test_shares_name_every_outcome_but_no_answer() -> None:
    """A share exists for each outcome; `no_answer` has the rest."""
    assert {each.name for each in fields(Shares)} == set(Outcome) - {Outcome.NO_ANSWER}


@pytest.mark.parametrize("share", [-0.1, 1.1, math.nan])
def test_share_outside_0_to_1_is_refused(share: float) -> None:
    """A share is a number between 0 and 1, and the message says which one is not."""
    with pytest.raises(ProfileError, match="busy"):
        Shares(busy=share)


def test_shares_above_1_in_all_are_refused() -> None:
    """Shares that add up to more than all calls are refused; exactly all calls are fine."""
    with pytest.raises(ProfileError, match=r"1\.100"):
        Shares(answer=0.6, busy=0.5)
    assert Shares(answer=0.7, busy=0.1, machine=0.2).total == pytest.approx(1)


@pytest.mark.parametrize(
    "wrong", [{"mean_s": -1}, {"mean_s": 1, "sigma": math.inf}, {"mean_s": 1, "min_s": 3, "max_s": 2}]
)
def test_delay_that_cannot_be_drawn_is_refused(wrong: dict[str, float]) -> None:
    """A delay has finite, non-negative parameters and its bounds in order."""
    with pytest.raises(ProfileError):
        Delay(**wrong)


def test_phones_bounds_are_checked() -> None:
    """Bounds of the answer delay out of order and shares above all INVITEs are refused."""
    with pytest.raises(ProfileError, match="answer_delay_min_s"):
        Phones(answer_delay_min_s=2, answer_delay_max_s=1)
    with pytest.raises(ProfileError, match="more than 1"):
        Phones(busy_share=0.6, no_answer_share=0.6)


def test_profile_codes_and_suffixes_are_checked() -> None:
    """The carrier gives up with a code for no answer, and an empty suffix would swallow every number."""
    with pytest.raises(ProfileError, match="no_answer_code = 486"):
        Profile(no_answer_code=486)
    with pytest.raises(ProfileError, match="empty suffix"):
        Profile(forced_suffix={"": Outcome.BUSY})
