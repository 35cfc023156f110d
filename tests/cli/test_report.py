"""`dialer report` and `dialer archive`: what people and programs get, and what they are told."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from click.testing import CliRunner, Result

from dialer.cli import main
from dialer.cli.base.failures import CliExit
from tests.archive.conftest import Archive, Calls, archive, calls
from tests.reports.conftest import Book, book
from tests.store.conftest import end, settings

__all__ = ["archive", "book", "calls", "end", "settings"]

Run = Callable[..., Result]


@pytest.fixture
def run(book: Book) -> Run:
    """A command over a small archive: seven calls of two agents, one of them with a name that means something."""
    for minute, wait_s in enumerate((0.5, 1.0, 2.5)):
        book.say(book.call(f"09:0{minute}:00", "connected", wait_s=wait_s, talk_s=60), "sale")
    book.call("10:00:00", "abandoned", wait_s=2.0, campaign="autumn")
    book.call("10:01:00", "connected", wait_s=0.4, talk_s=30, agent="=HYPERLINK(1)", list="三月名单")
    for minute in range(2):
        book.call(f"11:0{minute}:00")
    book.stay("talking", "09:00:00", "09:10:00")
    book.stay("ready", "09:15:00", "09:30:00", agent="=HYPERLINK(1)", team="合作方")
    book.write()

    def invoke(*arguments: str) -> Result:
        where = ("--set", f"archive.folder={book.folder}", "--set", "archive.time_zone=Asia/Shanghai")
        return CliRunner().invoke(main, [*where, *arguments], prog_name="dialer")

    return invoke


def test_a_table_says_below_it_what_its_words_mean(run: Run) -> None:
    """In plain words."""
    done = run("report", "campaigns", "--period", "2026-03-03")

    assert done.exit_code == 0, done.output
    assert done.output.startswith("Campaigns  2026-03-03")
    assert re.search(r"^spring +6 +4 +4 +0 +0\.0 %", done.output, flags=re.MULTILINE)
    assert re.search(r"^total +7 +5 +4 +1 +20\.0 %", done.output, flags=re.MULTILINE)
    assert re.search("^abandon rate +abandoned / live", done.output, flags=re.MULTILINE)
    assert re.search("^AHT +", done.output, flags=re.MULTILINE)


def test_json_has_everything_with_its_definitions(run: Run) -> None:
    """Shares are fractions; nothing is cut."""
    told = json.loads(run("report", "daily", "--period", "2026-03-03", "--json").output)

    (whole,) = told["tables"][0]["rows"]
    assert (whole["attempts"], whole["service_level"]) == (7, 0.6)
    assert told["definitions"]["utilisation"]["chinese"] == "座席利用率"
    assert {row["hour"] for row in told["tables"][2]["rows"]} == {9, 10, 11}


def test_csv_is_for_programs_and_no_formula(run: Run) -> None:
    """An agent's name is a text, whatever it begins with."""
    done = run("report", "agents", "--period", "2026-03-03", "--format", "csv")

    heads, *rows = list(csv.reader(io.StringIO(done.output)))
    assert heads[:2] == ["agent", "handled"]
    assert [row[:2] for row in rows] == [["17", "3"], ["'=HYPERLINK(1)", "1"]]


def test_files_are_written_whole(run: Run, tmp_path: Path) -> None:
    """All formats, under one name; nothing half written is left."""
    done = run("report", "daily", "--period", "2026-03-03", "--write", str(tmp_path / "out"))

    assert done.exit_code == 0, done.output
    names = sorted(path.name for path in (tmp_path / "out").iterdir())
    assert names == [f"daily-2026-03-03.{ending}" for ending in ("csv", "html", "json", "xlsx")]
    assert (tmp_path / "out" / names[0]).read_bytes().startswith(b"\xef\xbb\xbf")


def test_a_workbook_has_numbers(run: Run, tmp_path: Path) -> None:
    """Heads in view, shares and hours as such, names as text, a font that has Chinese."""
    run("report", "daily", "--period", "2026-03-03", "--write", str(tmp_path), "--format", "xlsx")

    book = openpyxl.load_workbook(tmp_path / "daily-2026-03-03.xlsx")
    assert book.sheetnames == ["The whole", "By campaign", "By hour", "By team", "By agent", "Definitions"]
    sheet = book["By agent"]
    heads = {str(cell.value): cell.column for cell in sheet[3]}
    assert sheet.freeze_panes == "B4"
    agent = {name: sheet.cell(4, column) for name, column in heads.items()}
    assert (agent["handled"].value, agent["handled"].number_format) == (3, "#,##0")
    assert (agent["utilisation"].value, agent["utilisation"].number_format) == (1, "0.0%")
    assert agent["logged"].number_format == "[h]:mm"
    assert agent["logged"].value is not None
    assert sheet["A5"].value == "=HYPERLINK(1)"
    assert sheet["A5"].data_type == "s"
    assert agent["handled"].font.name == "Microsoft YaHei"
    assert "合作方" in [cell.value for cell in book["By team"]["A"]]


def test_a_workbook_takes_two_tables_of_one_title(run: Run, tmp_path: Path) -> None:
    """The last table grouped like an earlier one: a sheet for each."""
    done = run(
        "report", "daily", "--by", "team", "--period", "2026-03-03", "--write", str(tmp_path), "--format", "xlsx"
    )

    assert done.exit_code == 0
    assert (tmp_path / "daily-2026-03-03.xlsx").is_file()


def test_a_page_asks_nobody_for_anything(run: Run) -> None:
    """One file: no script, nothing from elsewhere; names cannot become markup."""
    page = run("report", "daily", "--period", "2026-03-03", "--format", "html").output

    assert not re.search(r"<script|src=|href=|url\(|@import", page)
    assert "utilisation" in page
    assert page.count("<svg") >= 2


def test_a_report_is_in_one_language(run: Run, tmp_path: Path) -> None:
    """As the command says, or where it does not, as the settings say: heads, definitions, sheets; programs read the
    same in both."""
    by_option = run("--lang", "zh", "report", "daily", "--period", "2026-03-03").output
    page = run("--set", "archive.language=zh", "report", "daily", "--period", "2026-03-03", "--format", "html").output
    run("--lang", "zh", "report", "daily", "--period", "2026-03-03", "--write", str(tmp_path))

    assert "日报  2026-03-03" in by_option
    assert re.search("^放弃率 +放弃数 / 接通数", by_option, flags=re.MULTILINE)
    assert re.search("^合计 +7 ", by_option, flags=re.MULTILINE)
    assert '<html lang="zh-CN">' in page
    assert "<dt>座席利用率</dt><dd>（通话" in page
    assert openpyxl.load_workbook(tmp_path / "daily-2026-03-03.xlsx").sheetnames[0] == "总计"
    assert (tmp_path / "daily-2026-03-03.csv").read_text(encoding="utf-8-sig").startswith("attempts,")


def test_filters_and_groupings(run: Run) -> None:
    """By whatever is asked for; what a filter leaves out is in no total."""
    told = json.loads(run("report", "lists", "--by", "list", "--period", "2026-03", "--json").output)
    by_list = {row["list"]: row["attempts"] for row in told["tables"][0]["rows"]}
    only = json.loads(run("report", "campaigns", "--campaign", "autumn", "--period", "2026-03", "--json").output)

    assert by_list == {"march": 6, "三月名单": 1}
    assert only["tables"][0]["total"]["attempts"] == 1
    assert only["only"] == {"campaign": ["autumn"]}


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("report", "daily", "--period", "soon"), "is no period"),
        (("report", "daily", "--format", "xlsx"), "need --write"),
        (("report", "sql", "DROP VIEW attempts"), "one statement that reads"),
        (("report", "sql", "SELECT 1; SELECT 2"), "one statement that reads"),
        (("report", "sql", "SELECT * FROM read_text('/etc/passwd')"), "Cannot access"),
        (("report", "sql", "SELECT nothing FROM attempts"), "nothing"),
        (("report", "weekly"), "No such command"),
    ],
)
def test_what_cannot_be_done_is_said(run: Run, arguments: tuple[str, ...], says: str) -> None:
    """With an exit code that is not 0, and no traceback."""
    done = run(*arguments)

    assert done.exit_code == 2
    assert says in done.output


def test_no_archive_is_said_with_what_to_do() -> None:
    """Not an empty report, which would be taken for a quiet day."""
    done = CliRunner().invoke(main, ["--set", "archive.folder=/nowhere", "report", "daily"], prog_name="dialer")

    assert done.exit_code == 2
    assert "dialer archive run" in done.output


def test_sql_changes_no_file(run: Run, book: Book) -> None:
    """Whatever a statement tries."""
    before = {path: path.read_bytes() for path in book.folder.rglob("*.parquet")}
    target = next(iter(before))
    copy = f"COPY (SELECT 1) TO '{target}'"
    explained = (f"EXPLAIN ANALYZE {copy}", f"/**/explain (Analyze) {copy}", f'EXPLAIN (FORMAT json, "analyze") {copy}')
    for statement in (copy, "DELETE FROM attempts", f"EXPORT DATABASE '{book.folder}'", *explained):
        assert run("report", "sql", statement).exit_code == 2

    assert {path: path.read_bytes() for path in book.folder.rglob("*.parquet")} == before


def test_sql_explains_what_it_would_do(run: Run) -> None:
    """A plan is not carried out; a statement that only speaks of analysis is one like any other."""
    assert run("report", "sql", "EXPLAIN SELECT count(*) FROM attempts").exit_code == 0
    assert run("report", "sql", "SELECT 'explain analyze' AS words").exit_code == 0


def test_sql_for_programs(run: Run) -> None:
    """Rows by their columns; more than the limit is said."""
    asked = "SELECT campaign, count(*) AS calls FROM attempts GROUP BY ALL ORDER BY 1"
    told = json.loads(run("report", "sql", asked, "--format", "json").output)
    few = run("report", "sql", asked, "--limit", "1")

    assert told == [{"campaign": "autumn", "calls": 1}, {"campaign": "spring", "calls": 6}]
    assert "more than 1 rows" in few.output


def of_archive(archive: Archive) -> list[str]:
    sets = {"archive.folder": archive.folder, "evidence.key_file": archive.key_file}
    return [part for name, value in sets.items() for part in ("--set", f"{name}={value}")]


def test_the_standing_of_the_archive(archive: Archive, calls: Calls, valkey_url: str) -> None:
    """What it holds and what is to come; a writer that is silent is said, with exit code 11."""

    def status(*more: str) -> Result:
        given = ["--redis", valkey_url, *of_archive(archive), *more, "archive", "status"]
        return CliRunner().invoke(main, given, prog_name="dialer")

    calls.publish(calls.settle(3, live=True))
    archive.catch_up()
    calls.publish(calls.made[:1])
    good = status()
    (archive.folder / "status.json").unlink()
    bad = status()

    assert good.exit_code == 0, good.output
    assert re.search(r"^attempts +3 ", good.output, flags=re.MULTILINE)
    assert "crm:out: 1 entries to come" in good.output
    assert (bad.exit_code, "no writer has been here" in bad.output) == (CliExit.UNFIT, True)


def test_rebuilding_is_refused_while_the_writer_runs(archive: Archive, valkey_url: str, tmp_path: Path) -> None:
    """Two writers would lose each other's rows."""
    evidence = tmp_path / "evidence"
    evidence.mkdir()
    given: list[Any] = ["--redis", valkey_url, *of_archive(archive), "archive", "rebuild", str(evidence)]

    done = CliRunner().invoke(main, given, prog_name="dialer")

    assert done.exit_code == 2
    assert "in use by another process" in done.output
