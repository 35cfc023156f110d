"""Rates out of records."""

from __future__ import annotations

from typing import Any

from compliance.evidence import Entry, Head, Record, read, written
from config.campaign import CampaignSettings
from config.policies import applied
from dialer.core import evidence
from dialer.core.abandonment.evidence_rates import AnswersOnRecord, Survey, open_windows
from dialer.core.abandonment.rate import AnswerCounts

NOON = 1_772_539_200.0  # 2026-03-03 12:00 UTC
SETTINGS = applied(
    CampaignSettings(name="spring", caller_id="+861065550000", abandon_message="/m.wav", time_zone="Etc/UTC")
)


def record(entry: Entry) -> Record:
    line, _ = written(entry, Head())
    found = read(line)
    assert found is not None
    return found


def ended(
    attempt: str,
    at: float,
    day: str = "2026-03-03",
    *,
    live: bool = True,
    abandoned: bool = False,
    hung_up: bool = False,
) -> Record:
    times = {"answered": evidence.ms(at)} if live else {}
    fields: dict[str, Any] = {"campaign": "spring", "attempt": attempt, "day": day, "times": times}
    return record(
        Entry(evidence.ms(at), "settlement", {**fields, "live": live, "abandoned": abandoned, "hung_up": hung_up})
    )


def tallies(*records: Record) -> tuple[Survey, AnswersOnRecord]:
    survey = Survey()
    for one in records:
        survey.see(one)
    second = AnswersOnRecord(survey.machines)
    for one in records:
        second.see(one)
    return survey, second


def test_live_answers_and_abandoned_calls_are_counted() -> None:
    """By day; calls that nobody answered do not count."""
    survey, found = tallies(
        ended("A1", NOON),
        ended("A2", NOON, abandoned=True),
        ended("A3", NOON, live=False),
        ended("A4", NOON, "2026-03-02"),
        ended("A5", NOON, abandoned=True, hung_up=True),
    )

    assert survey.begins_at == NOON
    assert found.day("spring", "2026-03-03") == AnswerCounts(3, 2, 1)
    assert found.day("spring", "2026-03-02") == AnswerCounts(1, 0)
    assert found.day("spring", "2026-03-01") == AnswerCounts()


def test_machines_leave_the_live_answers() -> None:
    """By the last word on them, whether it came before or after the end; an abandoned call stays one."""
    said = [
        record(evidence.outcome("spring", attempt, outcome, NOON))
        for attempt, outcome in [("A1", "machine"), ("A2", "machine"), ("A2", "sale"), ("A3", "machine")]
    ]

    _, found = tallies(*said[:2], ended("A1", NOON), ended("A2", NOON), ended("A3", NOON, abandoned=True), *said[2:])

    assert found.day("spring", "2026-03-03") == AnswerCounts(2, 1, machines=1)


def test_windows_are_those_of_the_settings_on_record() -> None:
    """The day, the period from the campaign's creation, and the last hour by slots."""
    policy = record(evidence.policy(SETTINGS, "v1", NOON - 5 * 86_400, NOON))
    survey, found = tallies(
        policy, ended("A1", NOON), ended("A2", NOON - 7200, abandoned=True), ended("A3", NOON - 86_400, "2026-03-02")
    )

    windows = open_windows(survey.campaigns["spring"], NOON + 60)

    assert {window.label: found.window("spring", window) for window in windows} == {
        "calendar_day": AnswerCounts(2, 1),
        "successive_30_days": AnswerCounts(3, 1),
        "rolling_hour": AnswerCounts(1, 0),
    }


def test_settings_of_another_release_are_named() -> None:
    """The days are counted all the same."""
    entry = Entry(0, "policy", {"campaign": "spring", "policy": "v0", "created": 0, "settings": {"colour": "red"}})

    survey, _ = tallies(record(entry))

    assert (survey.unreadable, survey.campaigns) == ({"spring"}, {})
