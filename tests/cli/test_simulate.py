"""`dialer simulate` as a manager meets it."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from dialer import __version__
from dialer.cli import main
from dialer.cli.pacing.simulate_charts import hours_axis, resampled, strip
from dialer.sim.study.scenario import Scenario, load_scenario
from dialer.sim.study.summary import Series

TINY = ["--hours", "0.25", "--seeds", "2", "--jobs", "1", "--set", "agents.count=5"]
QUICK = [*TINY, "--policies", "progressive,wombat"]
VOID = {"meta", "line", "polyline", "polygon", "circle", "rect"}


def simulate(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["simulate", *arguments], prog_name="dialer")


class Page(HTMLParser):
    """Tags that are opened and not closed, and everything that a browser would load."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.loads: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.loads += [str(value) for name, value in attrs if name in {"src", "href", "srcset", "data", "action"}]
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            assert self.open.pop() == tag


def read_page(file: Path) -> str:
    text = file.read_text()
    page = Page()
    page.feed(text)
    assert page.open == []
    assert page.loads == []
    assert "http" not in text
    assert "<script" not in text
    assert "url(" not in text
    return text


def test_tables_charts_and_verdict(tmp_path: Path) -> None:
    """By name; the definition of utilisation stands with it, and a page is written that loads nothing."""
    file = tmp_path / "r1.html"
    result = simulate("r1", *QUICK, "--html", str(file))

    assert result.exit_code == 0, result.output
    for words in (
        "utilisation: (talk + wrap-up) / (logged in - paused)",
        "abandon rate of the shift so far",
        "vs first",
    ):
        assert words in result.stdout
    assert re.search(r"progressive +\d\d\.\d ±", result.stdout)
    assert "agents by state (progressive)" in result.stdout
    text = read_page(file)
    assert text.count("<svg") > 6
    assert "prefers-color-scheme:dark" in text


def test_the_page_says_what_it_assumes(tmp_path: Path) -> None:
    """Talk, wrap-up, who answers, the seeds, when and by which version; on a page of a sweep, too."""
    for more in ([], ["--sweep", "agents=2,6"]):
        file = tmp_path / "page.html"
        assert simulate("r1", *TINY, "--policies", "progressive", *more, "--html", str(file)).exit_code == 0
        text = read_page(file)

        assert re.search(rf"Simulated on \d{{4}}-\d\d-\d\d by version {re.escape(__version__)}", text)
        for what, value in (
            ("talk", "lognormal, mean 120 s, cv 1"),
            ("wrap-up", "lognormal, mean 30 s, cv 0.7"),
            ("answers", "people 30 %, machines 18 % (screened), busy 7 %"),
            ("shifts", "2 of 0.25 h for each policy, seeds 1 to 2"),
        ):
            assert f"<dt>{what}</dt><dd>{value}</dd>" in text
        assert "talk: lognormal, mean 120 s, cv 1" in simulate("r1", *TINY, "--policies", "progressive").stdout


def test_tables_are_lists_on_a_narrow_screen(tmp_path: Path) -> None:
    """No cell is cut off: each knows its head, which a style for narrow screens shows beside it."""
    file = tmp_path / "page.html"
    simulate("r1", *QUICK, "--html", str(file))
    text = read_page(file)

    assert "content:attr(data-head)" in text.partition("@media (max-width:48rem)")[2]
    assert text.count("<td") == text.count("<td data-head=") > 10


def test_json_has_everything() -> None:
    """Figures with their intervals, differences, series, runs, and the scenario they came from."""
    data = json.loads(simulate("r1", *QUICK, "--json").stdout)
    second = data["policies"][1]

    assert data["scenario"]["agents"]["count"] == 5
    assert second["policy"] == "wombat"
    assert second["figures"]["utilisation"]["half"] > 0
    assert second["against_first"]["abandon_rate"]["mean"] >= 0
    assert len(second["series"]["utilisation"]) == 15
    assert len(data["runs"]) == 4


def test_a_sweep_names_the_smallest_that_is_enough(tmp_path: Path) -> None:
    """In words, in JSON and on the page."""
    file = tmp_path / "sweep.html"
    arguments = ["r1", *TINY, "--policies", "progressive", "--sweep", "agents=2,6", "--want-connects-per-hour", "60"]
    result = simulate(*arguments, "--html", str(file))

    assert result.exit_code == 0, result.output
    assert "agents = 6 is the smallest that is enough" in result.stdout
    assert "agents = 6 is the smallest that is enough" in read_page(file)
    assert json.loads(simulate(*arguments, "--json").stdout)["enough"][0]["value"] == "6"


def test_mistakes_are_said_all_at_once(tmp_path: Path) -> None:
    """With their paths, and code 2."""
    file = tmp_path / "bad.toml"
    file.write_text("hours = 0.0\n[agents]\ncuont = 3\n")
    result = simulate(str(file))

    assert result.exit_code == 2
    assert "the settings have 2 mistakes" in result.stderr
    assert "hours: must be more than 0" in result.stderr
    assert 'agents.cuont: is not a setting (did you mean "count"?)' in result.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "Which scenario?"),
        (["r99"], "neither a file nor one of"),
        (["r1", "--policies", "vicidal"], "there is no policy"),
        (["r1", "--sweep", "agents=9:1"], "goes up"),
        (["r1", "--want-connects-per-hour", "9"], "needs a --sweep"),
        (["r1", *QUICK, "--html", "/nowhere/page.html"], "cannot be written"),
    ],
)
def test_wrong_use(arguments: list[str], said: str) -> None:
    """Code 2, and what is wrong."""
    result = simulate(*arguments)

    assert result.exit_code == 2
    assert said in result.stderr


def test_what_there_is() -> None:
    """Scenarios and policies are listed, and the example is a scenario."""
    assert "R8 shock" in simulate("--list").stdout
    assert "vicidial-tapered" in json.loads(simulate("--list", "--json").stdout)["policies"]
    import tomllib

    assert load_scenario(tomllib.loads(simulate("--example").stdout)) == Scenario()


def test_columns_are_as_high_as_their_values() -> None:
    """Eighths of a character; what is beyond is cut."""
    rows = strip([0.0, 0.5, 1.0, 2.0], 2, 0.0, 1.0, ["dim"] * 4)

    assert [row.plain for row in rows] == ["  ██", " ███"]
    assert resampled([1.0, 3.0, 5.0, 7.0], 2) == [2.0, 6.0]
    assert resampled([1.0, 2.0], 4) == [1.0, 1.0, 2.0, 2.0]


def test_hours_stand_under_the_chart() -> None:
    """Without running into each other."""
    eight = Series(5.0, *((0.0,) * 96 for _ in range(8)))  # type: ignore[arg-type]

    assert hours_axis(eight, 32) == "0 h     2 h     4 h     6 h"
