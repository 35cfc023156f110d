"""The carrier against real SIPp: what SIPp sees is what was drawn and what is counted."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from sip.loopback.carrier import REFUSALS
from sip.loopback.draws import draw_call
from sip.loopback.process import start_loopback
from sip.loopback.profile import Outcome
from sip.loopback.profile_file import read_profile

QUICK = """
callee_hangs_up_share = 0.5
early_media_share = 0.3
no_answer_limit_s = 0.4
[shares]
answer = 0.35
machine = 0.1
busy = 0.1
unallocated = 0.1
declined = 0.05
unwanted = 0.05
blocked = 0.05
congestion = 0.05
[post_dial_delay]
mean_s = 0.05
sigma = 0.5
[ring]
mean_s = 0.2
sigma = 0.5
[machine_ring]
mean_s = 0.2
[decline_after]
mean_s = 0.1
[greeting]
mean_s = 0.2
[talk]
mean_s = 0.3
sigma = 0.4
max_s = 1
"""


def test_every_fate_is_the_drawn_one_and_all_counts_agree(run_sipp: Any, write_profile: Any) -> None:
    """Over a mixed bag of numbers SIPp's counts, the carrier's and the draws are the same to the last call."""
    path = write_profile(QUICK)
    numbers = [f"+861380000{n:04}" for n in range(80)]
    with start_loopback(path, seed=5) as loopback:
        seen = run_sipp("any_end", loopback.carrier_port, numbers, rate=80)
        loopback.wait_for(lambda report: report.carrier.active == 0, limit_s=5)
        carrier = loopback.stop().carrier
    plans = [draw_call(read_profile(str(path)), seed=5, number=number, nth=0) for number in numbers]
    answered = sum(plan.outcome in (Outcome.ANSWER, Outcome.MACHINE) for plan in plans)
    drawn = Counter(plan.outcome for plan in plans)
    assert set(drawn) == set(Outcome)
    assert carrier.drawn == drawn
    codes = Counter(str(REFUSALS[outcome].code) for outcome in drawn.elements() if outcome in REFUSALS)
    codes += Counter({"200": answered, "480": drawn[Outcome.NO_ANSWER]})
    assert carrier.finals == codes
    assert {code: seen[f"{code}_Recv"] for code in codes} == codes
    assert carrier.invites == seen["INVITE_Sent"] == len(numbers)
    assert carrier.answered == carrier.byes_sent == seen["BYE_Recv"] == answered
    assert seen["183_Recv"] == sum(plan.early_media for plan in plans) > 0
    assert carrier.users == dict.fromkeys(numbers, 1)
    assert (carrier.retransmissions, carrier.cancels, carrier.byes_received) == (0, 0, 0)


def test_caller_may_hang_up_first(run_sipp: Any) -> None:
    """A BYE from the caller is answered and counted as theirs; numbers called twice are told."""
    with start_loopback("sipp-like") as loopback:
        seen = run_sipp("hang_up", loopback.carrier_port, ["1", "2", "1"])
        carrier = loopback.stop().carrier
    assert carrier.byes_received == seen["BYE_Sent"] == 3
    assert (carrier.byes_sent, carrier.byes_at_stop, carrier.active) == (0, 0, 0)
    assert carrier.called_again == {"1": 2}


def test_cancel_ends_the_ringing(run_sipp: Any) -> None:
    """A CANCEL is answered, the INVITE ends with 487, and nobody is answered after it."""
    numbers = [f"20{n}" for n in range(10)]
    with start_loopback("sipp-like", forced=dict.fromkeys(numbers, "no_answer")) as loopback:
        seen = run_sipp("cancel", loopback.carrier_port, numbers)
        carrier = loopback.stop().carrier
    assert carrier.cancels == seen["CANCEL_Sent"] == seen["487_Recv"] == 10
    assert carrier.finals == {"487": 10}
    assert (carrier.crossed_cancels, carrier.late_cancels, carrier.answered) == (0, 0, 0)


def test_cancel_that_crosses_the_answer_changes_nothing(run_sipp: Any) -> None:
    """A CANCEL after the 200 leaves the call up, to be ended by BYE, and is counted apart."""
    with start_loopback("sipp-like") as loopback:
        seen = run_sipp("crossed_cancel", loopback.carrier_port, ["1", "2", "3"])
        carrier = loopback.stop().carrier
    assert carrier.cancels == carrier.crossed_cancels == seen["CANCEL_Sent"] == 3
    assert carrier.finals == {"200": 3}
    assert carrier.byes_received == 3


@pytest.mark.parametrize(("password", "right"), [("secret", True), ("guess", False)])
def test_calls_need_the_credentials(run_sipp: Any, password: str, right: bool) -> None:
    """Every call is challenged once and counted once; wrong credentials are refused and become no call."""
    with start_loopback("sipp-like", auth="dialer:secret") as loopback:
        seen = run_sipp("authenticate", loopback.carrier_port, ["1", "2", "3"], "-au", "dialer", "-ap", password)
        carrier = loopback.stop().carrier
    assert carrier.challenges == seen["407_Recv"] == 3
    assert seen["INVITE_Sent"] == 6
    assert (carrier.invites, carrier.auth_failures) == ((3, 0) if right else (0, 3))
    assert seen["403_Recv"] == carrier.auth_failures


def test_calls_over_the_limit_are_refused(run_sipp: Any, write_profile: Any) -> None:
    """More calls at once than allowed get 503 and are counted as refused, not as calls."""
    with start_loopback(write_profile("no_answer_limit_s = 1"), max_calls=2) as loopback:
        seen = run_sipp("any_end", loopback.carrier_port, [str(n) for n in range(5)])
        carrier = loopback.stop().carrier
    assert (carrier.invites, carrier.max_active, carrier.refused) == (2, 2, 3)
    assert seen["503_Recv"] == 3
    assert seen["480_Recv"] == 2
