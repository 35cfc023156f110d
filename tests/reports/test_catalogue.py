"""Reports and measures as data: whatever is named is there, and the floor's own words are used."""

from __future__ import annotations

import pytest

from dialer.disk.archive.formulas import SOURCES
from dialer.reports.catalogue import KEY_HEADS, REPORTS
from dialer.reports.measures import MEASURES, Unit, value_of

FLOOR_WORDS = {
    "utilisation": "座席利用率",
    "att_s": "平均交谈时间",
    "acw_s": "事后处理时间",
    "aht_s": "平均处理时间",
    "calls_per_hour": "每小时呼叫次数",
    "connect_rate": "实际工作率",
    "service_level": "服务水平",
    "abandon_rate": "放弃率",
    "resolution_rate": "一次性解决率",
    "score": "监听分值",
    "complaint_rate": "投诉率",
    "recording_rate": "录入率",
    "calls_per_day": "每天处理电话数",
}


def test_the_measures_of_the_floor_have_the_floors_names() -> None:
    """The rule books' words, beside the English."""
    assert {name: MEASURES[name].chinese for name in FLOOR_WORDS} == FLOOR_WORDS


def test_every_measure_is_made_of_sums_that_there_are() -> None:
    """And every measure is shown by some report."""
    known = {name for source in SOURCES for name in source.sums}
    for measure in MEASURES.values():
        assert {*measure.over, *measure.under, *measure.less} <= known, measure.name
        assert measure.meaning
        assert measure.meaning_chinese
    shown = {name for report in REPORTS.values() for part in report.parts for name in part.measures}
    assert shown == MEASURES.keys()


@pytest.mark.parametrize("report", REPORTS.values(), ids=lambda report: report.name)
def test_a_report_names_keys_and_measures_that_there_are(report: object) -> None:
    """No table has a column twice; what is drawn is one of its columns."""
    for part in report.parts:  # type: ignore[attr-defined]
        assert set(part.keys) <= set(part.can_be_by)
        assert set(part.chart) <= set(part.measures)
        assert len(set(part.measures)) == len(part.measures)


def test_heads_are_told_apart() -> None:
    """Two measures never have one name, in either language, in one report."""
    for report in REPORTS.values():
        measures = {MEASURES[name] for part in report.parts for name in part.measures}
        assert len({measure.head for measure in measures}) == len(measures), report.name
        assert len({measure.chinese for measure in measures}) == len(measures), report.name
    assert KEY_HEADS.keys() == {key for source in SOURCES for key in source.keys}


def test_a_share_needs_something_to_be_a_share_of() -> None:
    """Also where what is taken off is all there is."""
    sums = {name: 0 for source in SOURCES for name in source.sums}

    assert value_of(MEASURES["utilisation"], {**sums, "logged_s": 60, "pause_s": 60}) is None
    assert value_of(MEASURES["utilisation"], {**sums, "logged_s": 60, "pause_s": 20, "talking_s": 10}) == 0.25
    assert value_of(MEASURES["utilisation"], {**sums, "logged_s": None}) is None
    assert all(measure.under for measure in MEASURES.values() if measure.unit is Unit.SHARE)
