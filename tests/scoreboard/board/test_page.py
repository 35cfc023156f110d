"""From days to the page and its charts."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from dialer.sim.study.scenario import Heard, find_scenario, load_scenario
from tests.scoreboard import calibration, tuning
from tests.scoreboard.board.charts import overview_chart, trade_chart
from tests.scoreboard.board.page import Facts, page
from tests.scoreboard.board.standing import Standing, Table, actual_policy, standing, table_of
from tests.scoreboard.board.timing import Size, Timing, time_decisions
from tests.scoreboard.days import Kept, play_all, task_of
from tests.scoreboard.row import Group, Row
from tests.scoreboard.tuning import trials, tuned
from tests.scoreboard.virtual_floor.outcome import Outcome

FACTS = Facts("2026-03-02", 2, 0.2, 20, 2, "3.11.7")
POLICIES = ("predictive", "predictive-next-day", "progressive", "vicidial-ratio", "ratio-tuned", "yardstick")


@pytest.fixture(scope="module")
def row() -> Row:
    scenario = load_scenario(find_scenario("r2"), {"hours": "0.2"})
    return Row("r2-20-30", "R2 mid: 20 agents, 30 % answer", scenario, (0.03,), {0.03: 0.89})


@pytest.fixture(scope="module")
def kept(row: Row, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kept]:
    found = Kept(tmp_path_factory.mktemp("board") / "days.jsonl")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tuning, "ANSWERS", (0.3, 0.6, 2.7))
        play_all(trials(row, 0.03), found, jobs=1)
        patch.setattr(calibration, "MOST_DAYS", 2)
        while tasks := calibration.due(row, 0.03, found):
            play_all(tasks, found, jobs=1)
        policies = [actual_policy(row, name, 0.03, found) for name in POLICIES]
        play_all([task_of(row, policy, seed, 0.03) for policy in policies for seed in (1, 2)], found, jobs=1)
        yield found


@pytest.fixture
def table(row: Row, kept: Kept) -> Table:
    return table_of(row, 0.03, POLICIES, (1, 2), kept)


def day(utilisation: float, answered: int, abandoned: int, **quarters: Any) -> Outcome:
    return Outcome(
        utilisation, utilisation, 100, 0, answered, abandoned, answered - abandoned, 3600.0, 1800.0, 600.0, 0.1, 0.05,
        ((0.01, 120.0), (0.03, 60.0)), 10.0, 20.0, 12.0, 1000, **quarters,
    )  # fmt: skip


def test_a_standing_is_the_mean_of_days_against_the_same_days() -> None:
    """Differences are paired: they may be certain where the figures are not."""
    ours = [day(0.80, 100, 1), day(0.90, 100, 1)]
    found = standing("cisco", "", [day(0.78, 100, 2), day(0.88, 100, 4)], 0.03, ours)

    assert found.utilisation.mean == pytest.approx(0.83)
    assert found.utilisation.half is not None
    assert found.utilisation.half > 0.1
    assert found.against_ours is not None
    assert found.against_ours.mean == pytest.approx(-0.02)
    assert found.against_ours.half == pytest.approx(0.0, abs=1e-12)
    assert found.abandon_rate == pytest.approx(0.03)
    assert found.worst_day == pytest.approx(0.04)
    assert found.kept_share == 0.5
    assert not found.keeps
    assert found.over_cap_s == 60.0


def test_a_table_has_the_busiest_first(table: Table) -> None:
    """Ours has no difference to itself; the tuned ratio says which it is."""
    means = [one.utilisation.mean for one in table.standings]
    ours, best = table.of("predictive"), table.of("ratio-tuned")

    assert means == sorted(means, reverse=True)
    assert {one.policy for one in table.standings} == set(POLICIES)
    assert ours is not None
    assert ours.against_ours is None
    assert best is not None
    assert best.note in {"1", "2", "9"}
    assert table.best_other is not None
    assert table.best_other.policy == "progressive"


def test_the_tuned_ratio_keeps_the_cap_where_it_can(row: Row, kept: Kept, monkeypatch: pytest.MonkeyPatch) -> None:
    """Among the trials that do, the busiest; the smallest if none does."""
    by_policy = {task.policy: kept.days[task.key] for task in trials(row, 0.03)}

    assert tuned(row, 0.03, kept) in by_policy
    for task in trials(row, 0.03):
        monkeypatch.setitem(kept.days, task.key, day(0.9, 100, 50))
    assert tuned(row, 0.03, kept) == "ratio:1"


def test_the_page_says_what_was_measured(table: Table) -> None:
    """The targets with what is missing, a line for each policy, bold for those who keep the cap."""
    text = page(FACTS, [table], [Timing(Size(50, 100), 4000, 50.0, 90.0, 400.0)])
    target = next(line for line in text.splitlines() if line.startswith("| 20 | 30 %"))
    reached = r" \| \d\d\.\d ±\d+\.\d % \| [+-]\d+\.\d( \(within\))? \| \d+\.\d\d %"

    assert "2026-03-02: 2 days of `predictive` on a row, of 0.2 hours" in text
    assert re.fullmatch(rf"\| 20 \| 30 % \| 3 % \| 89\.0 %{reached}{reached} \|", target)
    assert "| **progressive** |" in text
    assert "| vicidial-ratio |" in text
    assert "| 50 | 100 | 50 µs | 90 µs | 400 µs |" in text
    assert "/tmp" not in text
    assert "None" not in text


@pytest.mark.parametrize(
    ("utilisation", "cells"),
    [
        ((0.90, 0.92), ["91.0 ±12.7 %", "+2.0", "2.00 %"]),
        ((0.86, 0.88), ["87.0 ±12.7 %", "-2.0 (within)", "2.00 %"]),
        ((0.80, 0.80), ["80.0 ±0.0 %", "-9.0", "2.00 %"]),
    ],
)
def test_a_target_has_the_cold_day_and_the_next_one(row: Row, utilisation: Sequence[float], cells: list[str]) -> None:
    """Each with its interval and its difference to what is asked, in points; one that was not played is left empty."""
    played = [day(value, 100, 2) for value in utilisation]
    cold = standing("predictive", "", [day(0.89, 100, 3)] * 2, 0.03)
    warm = standing("predictive-next-day", "", played, 0.03)
    asked = "| 20 | 30 % | 3 % | 89.0 %"
    line, alone = (
        next(line for line in page(FACTS, [Table(row, 0.03, some)], []).splitlines() if line.startswith(asked))
        for some in ((cold, warm), (warm,))
    )

    assert line == f"{asked} | 89.0 ±0.0 % | +0.0 | 3.00 % | {' | '.join(cells)} |"
    assert alone == f"{asked} |  |  |  | {' | '.join(cells)} |"


def test_the_days_above_their_cap_are_counted_over_all_tables(row: Row) -> None:
    """In a sentence for each of ours, as a number and a share."""
    good, bad = [day(0.8, 100, 3)] * 4, [day(0.8, 100, 3), day(0.8, 100, 4, machines=50)] * 2
    tricked = [day(0.8, 100, 3, machines=2, machines_lost=2), *good[:3]]
    tables = [
        Table(row, 0.03, (standing("predictive", "", tricked, 0.03), standing("predictive-next-day", "", bad, 0.03))),
        Table(row, 0.03, (standing("predictive", "", bad[:2], 0.03), standing("cisco", "", bad, 0.03))),
    ]
    text = page(FACTS, tables, [])

    counted = "by the ledgers' count, machines included,"
    assert (
        f"Of all 6 days of `predictive`, over all rows and caps, 1 ended above their cap: 16.67 %; {counted} 1." in text
    )
    assert f"of `predictive-next-day`, over all rows and caps, 2 ended above their cap: 50.00 %; {counted} 0." in text
    assert "days of `predictive-hard`" not in text
    assert "days of `cisco`" not in text


def test_the_next_day_does_not_compete(row: Row) -> None:
    """Neither for the busiest of the others nor against the cold day; the cold one stands for ours."""
    names = ("predictive-next-day", "predictive", "progressive")
    found = [standing(name, "", [day(0.9 - 0.01 * i, 100, 0)] * 2, 0.03) for i, name in enumerate(names)]
    table = Table(row, 0.03, tuple(found))

    assert table.best_other is not None
    assert table.best_other.policy == "progressive"
    assert "busiest agents in 1 of 1 tables" in page(FACTS, [table], [])


def played(policy: str, utilisation: float, yardstick: float | None = None, **quarters: Any) -> Standing:
    told = None if yardstick is None else [day(yardstick, 100, 3)] * 2
    return standing(policy, "", [day(utilisation, 100, 2, **quarters)] * 2, 0.03, told=told)


def test_the_page_names_what_falls_short(row: Row) -> None:
    """The first quarter, the worst calm one, the worst near a shock, and the distance to the yardstick."""
    bad = {"first_quarter": 0.05, "calm_quarter": 0.06, "shocked_quarter": 0.09, "quarter_answers": 100}
    shaken = replace(row, title="A bad day", group=Group.SHOCKS)
    text = page(FACTS, [Table(shaken, 0.03, (played("predictive", 0.85, 0.90, **bad),))], [])

    assert "The first 15 minutes abandoned at most the cap, mean over days, in 0 of 1 tables." in text
    assert "Above it in the first 15 minutes of A bad day, cap 3 %: 5.00 %." in text
    assert "Above it in the worst calm 15 minutes of A bad day, cap 3 %: 6.00 %." in text
    assert "Above it in the worst 15 minutes near a shock of A bad day, cap 3 %: 9.00 %." in text
    assert "Less busy than the yardstick in A bad day, cap 3 %: by 5.0 points." in text


def test_the_page_names_nothing_that_does_not(row: Row) -> None:
    """At the limits all is well; a quarter of few answers is shown with their number and not judged."""
    good = {"first_quarter": 0.03, "calm_quarter": 0.048, "shocked_quarter": 0.075, "quarter_answers": 100}
    few = {"first_quarter": 0.0, "calm_quarter": 0.2, "quarter_answers": 14}
    shaken = replace(row, group=Group.SHOCKS)
    tables = [
        Table(shaken, 0.03, (played("predictive", 0.894, 0.90, **good),)),
        Table(row, 0.03, (played("predictive", 0.894, 0.90, **few),)),
    ]
    text = page(FACTS, tables, [])

    assert "Above it" not in text
    assert "Less busy" not in text
    assert "abandoned at most 1.6 times the cap, mean over days, in 1 of 1 tables." in text
    assert "of the yardstick's utilisation, or above it, in 2 of 2 tables." in text
    assert "| 20.0 % (14) |" in text


def test_the_yardstick_does_not_compete(row: Row) -> None:
    """It is told the row; it has a column of differences, and a place in the table of every row."""
    found = [played("yardstick", 0.9), played("predictive", 0.88, 0.9), played("progressive", 0.5, 0.9)]
    table = Table(row, 0.03, tuple(found))
    text = page(FACTS, [table], [])

    assert table.best_other is not None
    assert table.best_other.policy == "progressive"
    assert next(line for line in text.splitlines() if line.startswith("| r2-20-30 | 3 %")).count("|") == 14
    assert "| -2.0 ±0.0 |" in text
    assert "| -40.0 ±0.0 |" in text


def test_rows_stand_under_their_headings(row: Row) -> None:
    """In the order of the groups, whatever the order of the tables; a group without rows has none."""
    rows = [replace(row, title=f"In {group}", group=group) for group in (Group.SHOCKS, Group.STEADY, Group.MACHINES)]
    text = page(FACTS, [Table(one, 0.03, (played("predictive", 0.9),)) for one in rows], [])
    headings = [line for line in text.splitlines() if line.startswith("###")]

    assert headings == [
        "### Steady days", "#### In Steady days, cap 3 %", "### Machines", "#### In Machines, cap 3 %",
        "### Shocks", "#### In Shocks, cap 3 %",
    ]  # fmt: skip


def test_a_partial_run_says_so(table: Table) -> None:
    """So that nobody takes a look for the figures."""
    facts = Facts("2026-03-02", 1, 8.0, 4, 2, "3.11.7", missing="1 of 18 rows")

    assert "partial run: 1 of 18 rows" in page(facts, [table], [])


def test_the_charts_are_whole_pictures(table: Table) -> None:
    """Well-formed, nothing outside, a dot for each policy."""
    for chart in (trade_chart([table, table]), overview_chart([table])):
        root = ElementTree.fromstring(chart)
        width, height = (float(root.attrib[side]) for side in ("width", "height"))
        texts = [node for node in root.iter() if node.tag.endswith("text")]

        assert texts
        for node in root.iter():
            if "cx" in node.attrib:
                assert 0 <= float(node.attrib["cx"]) <= width
                assert 0 <= float(node.attrib["cy"]) <= height
    dots = [node for node in ElementTree.fromstring(trade_chart([table])).iter() if node.tag.endswith("title")]
    assert len(dots) == len(POLICIES)


def test_decisions_are_timed_by_the_clock_given() -> None:
    """Each once, after a warm-up that does not count."""
    ticks = iter(range(10**9))
    timing = time_decisions(Size(20, 40), lambda: next(ticks) * 1e-6, decisions=20)

    assert timing.decisions == 20
    assert (timing.p50_us, timing.max_us) == pytest.approx((1.0, 1.0))


def test_no_path_of_a_machine_is_written(table: Table, tmp_path: Path) -> None:
    """Neither on the page nor in the charts."""
    written = page(FACTS, [table], []) + trade_chart([table]) + overview_chart([table])

    assert str(Path.home()) not in written
    assert str(tmp_path.parent) not in written


def test_a_yardstick_that_breaks_the_count_is_no_measure(row: Row) -> None:
    """It keeps the cap of people and loses machines that the ledger counts as people."""
    days = [day(0.95, 100, 3, machines=60, machines_lost=30)] * 2
    ours = [day(0.90, 100, 3)] * 2

    def text(heard: Heard) -> str:
        told = standing("yardstick", "", days, 0.03, heard=heard)
        found = (told, standing("predictive", "", ours, 0.03, told=days, heard=heard), played("cisco", 0.8))
        plain = (played("predictive", 0.9, 0.9), played("yardstick", 0.9))
        return page(FACTS, [Table(row, 0.03, found), Table(row, 0.03, plain)], [])

    assert "Less busy than the yardstick in R2 mid: 20 agents, 30 % answer, cap 3 %: by 5.0 points." in text(
        Heard.AT_ONCE
    )
    later = text(Heard.LATER)
    assert "Less busy" not in later
    assert "in 1 of 1 tables." in later
    assert (
        "Not compared with the yardstick in R2 mid: 20 agents, 30 % answer, cap 3 %: as the ledger counts, it abandoned"
        " 25.4 %."
    ) in later


def test_what_the_ledger_counts_stands_beside_what_people_met(row: Row) -> None:
    """Machines that found no agent are in the one and not in the other; unless they are known at once."""
    machines = day(0.9, 100, 2, machines=60, machines_lost=10)

    def rates(heard: Heard) -> list[str]:
        ours = standing("predictive", "", [machines] * 2, 0.03, heard=heard)
        text = page(FACTS, [Table(row, 0.03, (ours,))], [])
        line = next(line for line in text.splitlines() if line.startswith("| r2-20-30 | 3 %"))
        return [cell.strip() for cell in line.split("|")[4:6]]

    assert rates(Heard.AT_ONCE) == ["2.00 %", "2.00 %"]
    assert rates(Heard.LATER) == ["2.00 %", "10.91 %"]
    assert rates(Heard.NEVER) == ["2.00 %", "7.50 %"]
