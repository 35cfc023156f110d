"""The books can fail: every figure that is doctored is found out by the line that it belongs to."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from dialer.demo.books import Counts, balance

RIGHT = Counts(
    sent=10,
    accepted=8,
    rejected=2,
    queued=0,
    due=3,
    waiting=2,
    closed=3,
    leased=0,
    in_attempt=0,
    expected_rejects=frozenset({"1-0", "2-0"}),
    rejects=frozenset({"1-0", "2-0"}),
    dispositions={"connected": 2, "busy": 2, "not_sent": 1},
    archived={"connected": 2, "busy": 2, "not_sent": 1},
    heard={"a": "connected", "b": "connected", "c": "busy", "d": "busy", "e": "not_sent"},
    contradictions=0,
    talks=frozenset({"a", "b"}),
    outcomes_sent=2,
    outcomes_kept=1,
    outcomes_waiting=1,
    dialled={"+8613800000001": 1, "+8613800000002": 1, "+8613800000003": 2},
    forbidden=frozenset({"+8613900000001"}),
    most_per_number=2,
)


def _wrong(counts: Counts) -> list[str]:
    return [line.text for line in balance(counts) if not line.balances]


def test_right_counts_balance() -> None:
    """Eleven lines, all of them right."""
    assert _wrong(RIGHT) == []
    assert len(balance(RIGHT)) == 11


@pytest.mark.parametrize(
    ("doctored", "found"),
    [
        ({"sent": 11}, ["leads sent 11 = accepted 8 + rejected 2"]),
        ({"rejects": frozenset({"1-0"})}, ["bad rows accepted 1, good rows rejected 0"]),
        ({"rejects": frozenset({"1-0", "2-0", "3-0"})}, ["bad rows accepted 0, good rows rejected 1"]),
        ({"waiting": 1}, ["accepted 8 = closed 3 + due 3 + waiting for their time 1"]),
        ({"waiting": 1, "leased": 1}, ["nothing is left open: leads on lease 1"]),
        ({"waiting": 1, "in_attempt": 1}, ["attempts without an end 1"]),
        ({"sent": 11, "queued": 1}, ["nothing is left open"]),
        ({"contradictions": 1}, ["attempts with two different ends 1"]),
        ({"outcomes_kept": 2}, ["outcomes sent 2 = kept 2"]),
        ({"dialled": {"+8613800000001": 3}}, ["INVITEs that the carrier got 3 =", "more than 2 times: most 3"]),
        ({"dialled": {**RIGHT.dialled, "+8613800000004": 1}}, ["INVITEs that the carrier got 5"]),
        ({"forbidden": frozenset({"+8613800000001"})}, ["called 1"]),
        ({"talks": frozenset({"a", "c"})}, ["saw begin 2 = attempts that ended as connected 2"]),
        ({"heard": {**RIGHT.heard, "f": "busy"}}, ["attempts ended 5 = dispositions that the CRM heard, one each 6"]),
        ({"heard": {**RIGHT.heard, "d": "declined"}}, ["but of other kinds: busy 2, connected 2"]),
    ],
)
def test_doctored_counts_are_found_out(doctored: dict[str, Any], found: list[str]) -> None:
    """A count that is off by one makes its own line fail and no other."""
    wrong = _wrong(replace(RIGHT, **doctored))

    assert len(wrong) == len(found), wrong
    for text, words in zip(wrong, found, strict=True):
        assert words in text


def test_attempts_in_doubt_may_or_may_not_have_left() -> None:
    """Where a worker died, nobody knows whether its INVITE had left: the carrier's count may lie in between."""
    lost = replace(
        RIGHT,
        dispositions=(kinds := {"connected": 2, "busy": 1, "worker_lost": 1, "not_sent": 1}),
        archived=kinds,
        heard={**RIGHT.heard, "d": "worker_lost"},
    )

    assert _wrong(lost) == []
    assert _wrong(replace(lost, dialled={"+8613800000001": 1, "+8613800000003": 2})) == []
    assert _wrong(replace(lost, dialled={"+8613800000003": 2})) != []


def test_a_talk_whose_worker_died_is_no_contradiction() -> None:
    """The CRM heard that it began; it ended as lost."""
    lost = replace(
        RIGHT,
        dispositions=(kinds := {"connected": 1, "worker_lost": 1, "busy": 2, "not_sent": 1}),
        archived=kinds,
        heard={**RIGHT.heard, "b": "worker_lost"},
    )

    assert _wrong(lost) == []


def test_an_attempt_that_is_not_archived_is_missed() -> None:
    """And one of another kind, or one too many."""
    for archived in ({"connected": 2, "busy": 2}, {"connected": 3, "busy": 1, "not_sent": 1}, {}):
        (wrong,) = _wrong(replace(RIGHT, archived=archived))
        assert wrong.startswith("attempts ended 5 = attempts in the archive")
