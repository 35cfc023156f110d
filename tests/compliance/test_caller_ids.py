"""Which number a call shows: country, blocks of the network, the same one again, rotation, rest."""

from __future__ import annotations

import math
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from compliance.api import Refusal, Rule
from compliance.caller_ids import (
    EVASION,
    REST_S,
    CallerId,
    Pool,
    Standing,
    Wanted,
    candidates,
    choose,
    none_left,
    rest_of,
)
from compliance.contacts import Contact, Mark, crc16
from compliance.numbers import E164
from dialer.language.refusals import detail
from tests.rules import in_words

NOW = 1_772_500_000.0
TOMORROW = NOW + 40_000.0
CHINA, US = E164("+8613800001234"), E164("+12025550123")
A, B = CallerId("+861065550001"), CallerId("+861065550002")
POOL = Pool("spring", (A, B))


def contact(shown: str, campaign: str = "spring", marks: Mark = Mark.ENDED, at: int = 1000) -> Contact:
    """An earlier attempt."""
    return Contact(at, crc16(campaign), crc16(""), 7, crc16(shown), marks)


def allowed(pool: Pool, *contacts: Contact, number: E164 = CHINA) -> list[str]:
    """The numbers that may be shown."""
    found = candidates(pool, Wanted(number, contacts), TOMORROW)
    assert not isinstance(found, Refusal)
    return [row.number for row in found]


def test_a_number_fits_the_country_of_the_callee() -> None:
    """Rows with countries are for these alone, rows without for any."""
    pool = Pool("spring", (CallerId("+12025550100", frozenset({"US"})), CallerId("95533", frozenset({"CN", "HK"})), A))

    assert allowed(pool) == ["95533", A.number]
    assert allowed(pool, number=US) == ["+12025550100", A.number]


def test_without_a_number_for_the_country_the_lead_waits() -> None:
    """It is not closed: somebody may add a number."""
    pool = Pool("spring", (CallerId("95533", frozenset({"CN"})),))

    why = "no caller id of the campaign may be shown in the callee's country"
    assert in_words(candidates(pool, Wanted(US), TOMORROW)) == (Rule.CALLER_ID, why, TOMORROW)


def test_a_callee_is_shown_the_same_number_again() -> None:
    """The newest one of this campaign; other campaigns show their own."""
    assert allowed(POOL, contact(A.number, at=1), contact(B.number, at=2)) == [B.number]
    assert allowed(POOL, contact(B.number, "autumn")) == [A.number, B.number]
    assert allowed(Pool("spring", (A, B), same_on_retry=False), contact(B.number)) == [A.number, B.number]


def test_a_number_that_left_the_pool_is_replaced() -> None:
    """The callee is then shown any other; so where the country of a number was changed."""
    assert allowed(POOL, contact("+861065559999")) == [A.number, B.number]
    abroad = Pool("spring", (CallerId(A.number, frozenset({"US"})), B))
    assert allowed(abroad, contact(A.number)) == [B.number]


@pytest.mark.parametrize("same_on_retry", [True, False])
@pytest.mark.parametrize("campaign", ["spring", "autumn"])
def test_a_block_is_never_got_around(campaign: str, same_on_retry: bool) -> None:
    """Whichever campaign was blocked, only the number shown then may be shown again, whatever was shown since."""
    pool = Pool("spring", (A, B), same_on_retry)
    blocked = contact(B.number, campaign, Mark.ENDED | Mark.NETWORK_BLOCKED)

    assert allowed(pool, blocked, contact(A.number, at=2000)) == [B.number]


@pytest.mark.parametrize("shown", [["+861065559999"], [A.number, B.number], [A.number, "+861065559999"], [""]], ids=len)
def test_where_only_evasion_is_left_the_lead_is_refused_for_good(shown: list[str]) -> None:
    """The number of the block is not in the pool, or blocks were met under several numbers, or nobody knows it."""
    blocked = tuple(contact(one, "autumn", Mark.ENDED | Mark.NETWORK_BLOCKED) for one in shown)

    assert candidates(POOL, Wanted(CHINA, blocked), TOMORROW) == Refusal(Rule.CALLER_ID, EVASION, None)


def test_a_block_goes_before_the_country() -> None:
    """A number that may not be shown in the callee's country any more makes the block final."""
    pool = Pool("spring", (CallerId(A.number, frozenset({"US"})), B))
    blocked = contact(A.number, marks=Mark.ENDED | Mark.NETWORK_BLOCKED)

    assert candidates(pool, Wanted(CHINA, (blocked,)), TOMORROW) == Refusal(Rule.CALLER_ID, EVASION, None)


def test_the_least_shown_number_is_chosen_and_the_first_of_equals() -> None:
    """Numbers that rest or have reached their limit are not."""
    limited = CallerId(A.number, daily_limit=3)

    assert choose((A, B), {}, NOW) is A
    assert choose((A, B), {A.number: Standing(2), B.number: Standing(1)}, NOW) is B
    assert choose((A, B), {A.number: Standing(0, NOW + 1)}, NOW) is B
    assert choose((A, B), {A.number: Standing(0, NOW)}, NOW) is A, "the rest is over at its very end"
    assert choose((limited,), {A.number: Standing(2)}, NOW) is limited
    assert choose((limited,), {A.number: Standing(3)}, NOW) is None


def test_a_refusal_says_why_and_until_when() -> None:
    """Until the first of the numbers comes free: at midnight, or when its rest ends, whichever is later."""
    limited = CallerId(A.number, daily_limit=3)
    used = {A.number: Standing(3), B.number: Standing(0, NOW + 9e4, "complaints")}

    found = none_left((limited, B), used, TOMORROW, NOW)

    assert found is not None
    assert (found.rule, found.until) == (Rule.CALLER_ID, TOMORROW)
    assert detail(found) == (
        "no caller id can be shown now: +861065550001 was shown 3 times today, its daily limit is 3; "
        "+861065550002 rests: complaints"
    )
    both = none_left((limited,), {A.number: Standing(3, NOW + 9e4, "x")}, TOMORROW, NOW)
    assert both is not None
    assert both.until == NOW + 9e4
    resting = none_left((B,), used, TOMORROW, NOW)
    assert resting is not None
    assert resting.until == NOW + 9e4
    assert none_left((limited, B), {}, TOMORROW, NOW) is None


def test_three_blocks_within_a_day_rest_a_number_for_a_day() -> None:
    """From the third block on; a block of the day before does not count, and 0 never rests."""
    assert rest_of([NOW, NOW + 10], 3) == -math.inf
    assert rest_of([NOW + 20, NOW, NOW + 10], 3) == NOW + 20 + REST_S
    assert rest_of([NOW, NOW + 10, NOW + 86_400], 3) == -math.inf
    assert rest_of([NOW, NOW + 10, NOW + 86_399], 3) == NOW + 86_399 + REST_S
    assert rest_of([NOW], 1) == NOW + REST_S
    assert rest_of([NOW] * 9, 0) == -math.inf


@given(st.lists(st.integers(0, 400_000).map(float), max_size=12), st.integers(1, 4), st.integers(0, 500_000))
def test_a_number_rests_while_some_full_day_of_blocks_is_recent(blocks: list[float], limit: int, now: int) -> None:
    """The definition read aloud, block by block."""
    expected = any(
        sum(1 for other in blocks if other <= last and last - other < 86_400.0) >= limit and now < last + REST_S
        for last in blocks
    )

    assert (rest_of(blocks, limit) > now) == expected


def test_blocks_a_full_day_apart_are_not_of_one_day() -> None:
    """A second less is one; a limit of one block needs no second."""
    assert rest_of((0.0, 86_400.0), 2) == -math.inf
    assert rest_of((0.0, 86_399.0), 2) == 86_399.0 + REST_S
    assert rest_of((5.0,), 1) == 5.0 + REST_S


@given(st.integers(1, 6), st.lists(st.integers(0, 4), min_size=6, max_size=6), st.integers(0, 60))
def test_rotation_spreads_evenly_and_never_exceeds_a_limit(size: int, limits: list[int], calls: int) -> None:
    """Numbers without a limit differ by one use at most, and a call is refused only when all limits are reached."""
    rows = [CallerId(f"+86106555000{i}", daily_limit=limits[i]) for i in range(size)]
    uses: Counter[str] = Counter()
    for _ in range(calls):
        standings = {number: Standing(count) for number, count in uses.items()}
        row = choose(rows, standings, NOW)
        if row is None:
            assert all(row.daily_limit and uses[row.number] == row.daily_limit for row in rows)
            break
        uses[row.number] += 1

    free = [uses[row.number] for row in rows if not row.daily_limit]
    assert max(free, default=0) - min(free, default=0) <= 1
    assert all(not row.daily_limit or uses[row.number] <= row.daily_limit for row in rows)


@given(
    st.lists(
        st.builds(
            contact,
            st.sampled_from([A.number, B.number, "+861065559999"]),
            st.sampled_from(["spring", "autumn"]),
            st.sampled_from([Mark.ENDED, Mark.ENDED | Mark.NETWORK_BLOCKED, Mark(0)]),
        ),
        max_size=6,
    ),
    st.booleans(),
)
def test_whatever_was_before_no_blocked_callee_sees_another_number(history: list[Contact], same: bool) -> None:
    """Every candidate was the number of every block."""
    found = candidates(Pool("spring", (A, B), same), Wanted(CHINA, tuple(history)), TOMORROW)
    blocked = {one.caller_crc for one in history if one.marks & Mark.NETWORK_BLOCKED}

    if isinstance(found, Refusal):
        assert blocked
        assert found.until is None
    else:
        assert found
        assert all({crc16(row.number)} == blocked for row in found) or not blocked
