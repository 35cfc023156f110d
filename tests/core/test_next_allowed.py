"""When somebody may be dialled."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from compliance.api import Refusal, Rule
from dialer.core.leads.next_allowed import MOST_STEPS, next_allowed


def refused(rule: Rule, until: float | None) -> Refusal:
    return Refusal(rule, f"{rule}", until)


def test_nothing_refuses() -> None:
    """Now."""
    assert next_allowed(lambda _: (), 100.0).at == 100.0


def test_one_refusal_after_the_other() -> None:
    """A cap that ends at night is followed by the hours of the next morning."""

    def judge(at: float) -> list[Refusal]:
        cap = [refused(Rule.CAP, 500.0)] * (at < 500)
        return cap + [refused(Rule.HOURS, 200.0 if at < 200 else 900.0)] * (at < 200 or 400 <= at < 900)

    found = next_allowed(judge, 100.0)

    assert found.at == 900.0
    assert [(step.rule, step.until) for step in found.steps] == [(Rule.CAP, 500.0), (Rule.HOURS, 900.0)]


def test_one_for_good_among_others() -> None:
    """Never, and the rule that says so."""
    found = next_allowed(lambda _: [refused(Rule.CAP, 500.0), refused(Rule.BLOCKLIST, None)], 100.0)

    assert (found.at, found.never) == (None, True)
    assert found.left is not None
    assert found.left.rule is Rule.BLOCKLIST


@pytest.mark.parametrize("rule", [Rule.REGISTER_OUTDATED, Rule.REGISTER_UNREADABLE])
def test_what_somebody_must_mend(rule: Rule) -> None:
    """Its moment is only one to ask again: nobody can say when, and it is not for good."""
    found = next_allowed(lambda at: [refused(rule, at + 600)], 100.0)

    assert (found.at, found.never) == (None, False)


def test_a_refusal_until_the_past_does_not_hang() -> None:
    """It is given back as what is left."""
    found = next_allowed(lambda _: [refused(Rule.CAP, 100.0)], 100.0)

    assert found.at is None
    assert found.left == refused(Rule.CAP, 100.0)


def test_the_steps_are_bounded() -> None:
    """Something that always refuses a little longer."""
    found = next_allowed(lambda at: [refused(Rule.HOURS, at + 1)], 0.0)

    assert (found.at, len(found.steps)) == (None, MOST_STEPS)


@given(st.lists(st.tuples(st.floats(0, 1000), st.floats(0, 1000)), max_size=12), st.floats(0, 1000))
def test_at_the_moment_found_nothing_refuses(spans: list[tuple[float, float]], start: float) -> None:
    """And it is not in the past."""

    def judge(at: float) -> list[Refusal]:
        return [refused(Rule.HOURS, end) for begin, end in spans if begin <= at < end]

    found = next_allowed(judge, start)

    assert found.at is not None
    assert found.at >= start
    assert not judge(found.at)
