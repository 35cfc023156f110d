"""Counts and reports."""

from __future__ import annotations

import pytest

from sip.loopback import counts
from sip.loopback.counts import Report, SideReport, Tally


def report_of(tally: Tally, *, final: bool = False) -> SideReport:
    """The report of a side without media."""
    return tally.report(final=final, rtp_packets=0, rtp_voiced_packets=0)


def test_report_survives_json() -> None:
    """A report read back is the report that was written; without users if those are left out."""
    tally = Tally()
    tally.begin("+861")
    tally.drawn["busy"] += 1
    tally.finals["486"] += 1
    report = Report("demo", 1, 2.5, True, carrier=report_of(tally))
    assert Report.from_json(report.to_json()) == report
    assert Report.from_json(report.to_json(with_users=False)).carrier.users == {}


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"carrier": {"colour": 1}, "phones": {}}'])
def test_what_is_no_report_is_refused(text: str) -> None:
    """Anything but a report raises."""
    with pytest.raises((ValueError, TypeError, KeyError, AttributeError)):
        Report.from_json(text)


def test_calls_are_counted_by_user_and_at_their_peak() -> None:
    """The peak of simultaneous calls stays, and a number called twice stands out."""
    tally = Tally()
    assert [tally.begin(user) for user in ("a", "b", "a")] == [0, 0, 1]
    tally.end()
    report = report_of(tally)
    assert (report.invites, report.active, report.max_active) == (3, 2, 3)
    assert report.called_again == {"a": 2}
    assert report.distinct_users == 2


def test_unknown_count_is_an_error() -> None:
    """A misspelt count does not vanish."""
    with pytest.raises(AttributeError):
        Tally().add("anwsered")


def test_live_reports_stay_small(monkeypatch: pytest.MonkeyPatch) -> None:
    """With very many users only the final report lists them."""
    monkeypatch.setattr(counts, "LIVE_USERS_LIMIT", 1)
    tally = Tally()
    tally.begin("a")
    tally.begin("b")
    assert report_of(tally).users == {}
    assert report_of(tally, final=True).users == {"a": 1, "b": 1}
