"""Why leads were put off or closed: kept as data, counted by name, said in words."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from compliance.api import Refusal, Rule
from dialer.core.leads.lead_reasons import AGAIN, MOST_BYTES, Kind, Why, kept, read, refused, sentence, text

HOURS = refused(
    Refusal(Rule.HOURS, "outside_hours", 1.0, {"zones": ["Asia/Shanghai"], "zones_more": 0, "at_s": 1_772_496_000.0})
)


@pytest.mark.parametrize(
    ("why", "written", "counted_as", "words"),
    [
        (HOURS, None, "hours", "hours: outside calling hours: Tue 08:00 in Asia/Shanghai"),
        (Why(Kind.REFUSED, "unknown_zone", "zone_unknown"), '["refused","unknown_zone","zone_unknown"]', "unknown zone",
         "unknown zone: the time zone of the number is not known"),
        (Why(Kind.ENDED, "no_answer", AGAIN), '["ended","no_answer","again"]', "no answer", "no answer: called again"),
        (Why(Kind.ENDED, "connected", facts={"words": "an agent talked"}), None, "connected", "an agent talked"),
        (Why(Kind.SAID, "sale", facts={"who": "17"}), None, "sale", "sale, says 17"),
        (Why(Kind.SAID, "sale"), '["said","sale"]', "sale", "sale, says the CRM"),
        (Why(Kind.SAID, "callback", AGAIN), None, "callback", "callback"),
        (Why(Kind.SAID, "machine", AGAIN), None, "machine", "an answering machine: called again"),
        (Why(Kind.SKIPPED, facts={"agent": "17", "reason": "spoke to her: today"}), None, "skipped by an agent",
         "skipped by agent 17: spoke to her: today"),
        (text("erased on request"), '["text","erased on request"]', "erased on request", "erased on request"),
    ],
)  # fmt: skip
def test_a_reason_comes_back(why: Why, written: str | None, counted_as: str, words: str) -> None:
    """From the store as it went in, with what it is counted under and what people read."""
    assert written in {None, kept(why)}
    assert read(kept(why)) == why
    assert (why.counted_as, sentence(why)) == (counted_as, words)


@pytest.mark.parametrize(
    ("written", "counted_as"),
    [
        ("hours: outside calling hours: Tue 08:00 in Asia/Shanghai", "hours"),
        ("unknown zone: the time zone of the number is not known", "unknown zone"),
        ("no answer: called again", "no answer"),
        ("sale, says 17", "sale"),
        ("callback", "callback"),
        ("an agent talked to the callee", "an agent talked to the callee"),
        ("an answering machine: called again", "an answering machine"),
        ("skipped by agent 17: spoke to her this morning", "skipped by an agent"),
        ("x" * 300, "x" * 60),
        ('["not ours"]', '["not ours"]'),
        ('["refused","hours","",[]]', '["refused","hours","",[]]'),
        ("", ""),
    ],
)
def test_what_older_releases_kept_is_read(written: str, counted_as: str) -> None:
    """Said as it is, counted as it was."""
    why = read(written)

    assert (why.kind, why.counted_as, sentence(why)) == (Kind.TEXT, counted_as, written)


def test_a_newer_release_may_have_other_rules_and_cases() -> None:
    """Their names are all that is said."""
    assert sentence(Why(Kind.REFUSED, "full_moon", "too_bright", {"lux": 3})) == "full moon: too bright"
    assert sentence(Why(Kind.REFUSED, "hours", "siesta")) == "hours: siesta"
    assert sentence(Why(Kind.REFUSED, "hours", "outside_hours", {"zones": 5})) == "hours: outside hours"


def test_a_long_one_loses_its_facts() -> None:
    """What is kept with a lead is bounded."""
    long = kept(Why(Kind.REFUSED, "blocklist", "blocked", {"reason": "x" * 2000}))

    assert len(long) < MOST_BYTES
    assert read(long) == Why(Kind.REFUSED, "blocklist", "blocked")
    assert len(kept(text("\u4e2d" * 5000)).encode()) < MOST_BYTES


values = st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=20)
readable = st.text(st.characters(exclude_categories=("Cs",)), max_size=40)


@given(st.sampled_from(Kind), readable, readable, st.dictionaries(readable, values, max_size=4))
def test_any_reason_can_be_kept_read_and_said(kind: Kind, name: str, case: str, facts: dict[str, Any]) -> None:
    """Nothing that is kept breaks whoever shows it."""
    again = read(kept(Why(kind, name, case, facts)))

    assert (again.kind, again.name, again.case) == (kind, name, case)
    assert isinstance(sentence(again), str)
    assert sentence(read(name)) == name or name.startswith('["')
