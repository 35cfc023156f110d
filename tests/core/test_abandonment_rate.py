"""The abandon rate by each definition."""

from __future__ import annotations

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.abandonment import AbandonmentSettings, Denominator, HangUps, Machines, strictest
from config.policies import shipped
from dialer.core.abandonment.rate import AnswerCounts, ledger_of, one_more, together, without_machines
from pacing.api import Ledger

DEFINITIONS = [
    AbandonmentSettings(denominator=one, hang_ups=two, machines=three)
    for one, two, three in product(
        (Denominator.LIVE_ANSWERS, Denominator.PUT_THROUGH),
        (HangUps.COUNT, HangUps.LEAVE_OUT),
        (Machines.KEEP, Machines.ESTIMATE),
    )
]

SEEN = AnswerCounts(answered=190, abandoned=10, hung_up=4, machines=20)
"""A floor that put 180 people and 20 machines through and lost ten, four of whom hung up in time."""

answers = st.builds(
    lambda through, abandoned, gone, machines: AnswerCounts(
        through + abandoned, abandoned, min(gone, abandoned), machines
    ),
    st.integers(0, 500),
    st.integers(0, 50),
    st.integers(0, 50),
    st.integers(0, 100),
)


@pytest.mark.parametrize(
    ("policy", "expected"),
    [
        ("us-telemarketing", Ledger(190, 10)),  # 10 of all 190 that a person answered
        ("ca", Ledger(190, 10)),
        ("uk", Ledger(186, 6)),  # A = 6 without hang-ups; A' = 6 (1 - 20/200) = 5.4, rounded up; A' + 180
    ],
)
def test_the_presets_count_what_their_regulator_counts(policy: str, expected: Ledger) -> None:
    """Worked out by hand."""
    definition = shipped().get(policy).abandonment

    assert definition is not None
    assert ledger_of(SEEN, definition) == expected


def test_nobody_saying_means_the_careful_reading() -> None:
    """All live answers, hang-ups counted, no machine taken off."""
    assert ledger_of(SEEN) == ledger_of(SEEN, strictest(())) == Ledger(190, 10)


def test_abandoned_machines_are_estimated() -> None:
    """A tenth of the calls that agents took were machines, so a tenth of the abandoned ones will have been."""
    assert without_machines(10, put_through=180, machines=20) == pytest.approx(9.0)
    assert without_machines(5, put_through=0, machines=0) == 5.0


def rate(ledger: Ledger) -> float:
    return ledger.abandoned / ledger.answered if ledger.answered else 0.0


@given(answers, st.sampled_from(DEFINITIONS), st.sampled_from(DEFINITIONS))
def test_two_definitions_together_give_no_lower_rate_than_either(
    seen: AnswerCounts, one: AbandonmentSettings, two: AbandonmentSettings
) -> None:
    """The stricter wins."""
    both = rate(ledger_of(seen, strictest((one, two))))

    assert both >= rate(ledger_of(seen, one)) - 1e-12
    assert both >= rate(ledger_of(seen, two)) - 1e-12


@given(answers, st.sampled_from(DEFINITIONS))
def test_a_rate_is_a_share(seen: AnswerCounts, definition: AbandonmentSettings) -> None:
    """Never more than one, and without an abandoned call none."""
    ledger = ledger_of(seen, definition)

    assert 0 <= ledger.abandoned <= ledger.answered or seen.answered == 0
    assert ledger.abandoned <= seen.abandoned


@given(st.lists(answers, max_size=4))
def test_counts_add_up(some: list[AnswerCounts]) -> None:
    """Over hosts, days and slots."""
    total = together(some)

    assert total.answered == sum(one.answered for one in some)
    assert (total.hung_up, total.machines) == (sum(one.hung_up for one in some), sum(one.machines for one in some))
    assert one_more(total, abandoned=True, hung_up=True) == together([total, AnswerCounts(1, 1, 1)])
