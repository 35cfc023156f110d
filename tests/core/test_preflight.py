"""What a list comes to."""

from __future__ import annotations

from datetime import UTC

from hypothesis import given
from hypothesis import strategies as st

from compliance.api import Cleared, Refusal, Rule
from compliance.numbers import E164
from dialer.core.leads.preflight import MOST_DETAILS, Preflight, sentence, too_many_lost

NOW = 1_772_500_000.0  # 2026-03-03 01:06:40 UTC
NINE = NOW + 28_400
EDGES = (NOW, NINE, NINE + 3600)

CLEARED = Cleared(E164("+8613800000000"), NOW, NOW + 30)
BLOCKED = Refusal(Rule.BLOCKLIST, "asked", None)
CLOSED = Refusal(Rule.HOURS, "outside calling hours", NINE)


def capped(until: float = NOW + 10 * 86_400) -> Refusal:
    return Refusal(Rule.CAP, "called often enough", until)


def seen(*verdicts: tuple[Cleared | Refusal, float]) -> Preflight:
    found = Preflight(NOW, EDGES)
    found.see(verdicts)
    return found


def test_the_sentence_of_a_list() -> None:
    """Every lead is in it once, the most frequent refusal first."""
    found = seen(
        *[(CLEARED, NOW)] * 850,
        *[(BLOCKED, NOW)] * 100,
        *[(capped(), NOW), (capped(NOW + 20 * 86_400), NOW)] * 15,
        *[(CLOSED, NOW)] * 20,
    )

    assert sentence(found, UTC) == (
        "1,000 leads: 850 diallable now, 100 blocked, 30 over the cap until 2026-03-13 01:06 at the earliest, "
        "20 outside hours until 09:00"
    )


def test_a_lead_that_nothing_is_against_may_still_wait_for_its_time() -> None:
    """It is diallable, but not now."""
    found = seen((CLEARED, NINE), (CLEARED, NOW - 5))

    assert (found.diallable, found.later, found.later_from) == (1, 1, NINE)
    assert sentence(found, UTC) == "2 leads: 1 diallable now, 1 not due before 09:00"


def test_who_is_refused_until_and_due_later_counts_for_the_later() -> None:
    """A lead waits for both."""
    found = seen((CLOSED, NINE + 7200))

    assert found.rules[Rule.HOURS].earliest == NINE + 7200
    assert found.when == {3: 1}


def test_times_that_there_are_not_are_left_out_of_plain_data() -> None:
    """A rule that refuses for good has no earliest; one that does not has both."""
    wire = seen((BLOCKED, NOW), (CLOSED, NOW)).to_wire()

    assert wire["later_from"] is None
    assert (wire["rules"]["blocklist"]["earliest"], wire["rules"]["blocklist"]["latest"]) == (None, None)
    assert (wire["rules"]["hours"]["earliest"], wire["rules"]["hours"]["latest"]) == (NINE, NINE)


def test_the_share_that_is_lost() -> None:
    """Refused for good, or over a cap; hours are not a loss."""
    found = seen((CLEARED, NOW), (BLOCKED, NOW), (capped(), NOW), (CLOSED, NOW))

    assert (found.lost, found.lost_share) == (2, 0.5)
    assert too_many_lost(found, 0.5) == ""
    assert too_many_lost(found, 0.4) == (
        "50.0 % of its 4 leads are refused for good or over a cap, more than 40 %: 1 blocked, 1 over the cap"
    )


def test_an_empty_list_is_no_loss() -> None:
    """Nothing is divided by nothing."""
    assert too_many_lost(seen(), 0.0) == ""
    assert sentence(seen(), UTC) == "no lead to judge"


def test_details_are_bounded() -> None:
    """A rule that says something else of every lead does not fill the memory."""
    found = seen(*((Refusal(Rule.BLOCKLIST, f"reason {i}", None), NOW) for i in range(500)))

    assert len(found.rules[Rule.BLOCKLIST].details) == MOST_DETAILS + 1
    assert found.rules[Rule.BLOCKLIST].details.total() == 500


some = st.lists(
    st.tuples(st.sampled_from([CLEARED, BLOCKED, CLOSED, capped()]), st.sampled_from([NOW - 1, NOW + 60, NINE + 5])),
    max_size=30,
)


@given(some, some)
def test_parts_put_together_are_the_whole(
    first: list[tuple[Cleared | Refusal, float]], second: list[tuple[Cleared | Refusal, float]]
) -> None:
    """A list that several processes judge comes to the same, and every lead is counted once."""
    whole, part = seen(*first, *second), seen(*first)
    part.add(seen(*second))

    assert part == whole
    assert whole.judged == whole.diallable + whole.later + sum(row.leads for row in whole.rules.values())
    assert whole.when.total() == whole.judged - whole.diallable - sum(row.for_good for row in whole.rules.values())
