"""`dialer register`, on files of this machine; Redis is never asked."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from dialer.cli import main
from dialer.cli.base.failures import CliExit
from dialer.cli.privacy import register
from tests.cli.conftest import data

DAY = 86_400.0
NOW = 1_772_500_000.0  # 2026-03-03


@pytest.fixture
def ask(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    """Calls `dialer register` on the day of NOW, on a machine that has one register configured."""
    monkeypatch.setattr(register, "now", lambda: NOW)
    Path("dialer.toml").write_text(
        f'[redis]\nurl = "redis://127.0.0.1:1/0"\n[[registers]]\nname = "us-dnc"\ncountry = "US"\n'
        f'path = "{tmp_path}/state/us-dnc.reg"\n'
    )

    def call(*arguments: str) -> Result:
        return CliRunner().invoke(main, ["--who", "tester@here", "register", *arguments], prog_name="dialer")

    return call


@pytest.fixture
def take(ask: Callable[..., Result], tmp_path: Path) -> Callable[..., Result]:
    """Imports a list of some text."""

    def call(text: str, *arguments: str, as_of: str = "2026-03-01") -> Result:
        file = tmp_path / "list.txt"
        file.write_text(text)
        return ask("import", "us-dnc", str(file), "--as-of", as_of, "--source", "FTC", *arguments)

    return call


def test_import_show_check(ask: Callable[..., Result], take: Callable[..., Result]) -> None:
    """A list goes in, is shown with what it is, and answers, masked."""
    imported = take("# today\n2025550123\n202-555-0199\n")
    shown, shown_json = ask("show", "us-dnc", "--verify"), data(ask("show", "--json"))
    on, off = ask("check", "+12025550123"), data(ask("check", "2025550124", "--region", "US", "--json"))
    elsewhere = ask("check", "13800001234")

    assert imported.exit_code == 0
    assert "3 lines, 2 numbers" in imported.stdout
    assert "us-dnc: 2 numbers as of 2026-03-01, 0.0 MB, in use now." in imported.stdout
    assert "2 of 31 days" in shown.stdout
    assert shown.stdout.rstrip().endswith("ok")
    (row,) = shown_json
    assert (row["count"], row["source"], row["imported_by"], row["imported_at"]) == (2, "FTC", "tester@here", NOW)
    assert (row["age_days"], row["usable"], row["fault"]) == (2, True, "")
    assert "us-dnc    on it" in on.stdout
    assert off["registers"] == {"us-dnc": "not on it"}
    assert "of another country" in elsewhere.stdout
    assert "2025550123" not in imported.output + shown.output + on.output


def test_a_packed_list_in_columns(ask: Callable[..., Result], tmp_path: Path) -> None:
    """As the register of the US comes: area code and number, packed with gzip."""
    file = tmp_path / "list.csv.gz"
    file.write_bytes(gzip.compress(b"202,5550123\n415,5550199\n"))

    done = ask(
        "import",
        "us-dnc",
        str(file),
        "--column",
        "1",
        "--column",
        "2",
        "--as-of",
        "2026-03-01",
        "--source",
        "FTC",
        "--json",
    )

    assert (data(done)["count"], data(done)["lines"], data(done)["reasons"]) == (2, 2, {})


@pytest.mark.parametrize(
    ("text", "as_of", "says", "way_out"),
    [
        (
            "2025550123\n" * 50 + "x\n",
            "2026-03-01",
            "1 of 51 lines are no numbers, more than 1 %",
            ("--max-refused", "5"),
        ),
        ("2025550123\n", "2026-03-02", "it has 1 numbers, the one before has 2", ("--smaller",)),
        ("2025550123\n2025550124\n", "2026-02-27", "older than those of 2026-03-01", ("--older",)),
    ],
    ids=["refused", "smaller", "older"],
)
def test_what_looks_like_a_broken_download_is_not_taken(
    take: Callable[..., Result], ask: Callable[..., Result], text: str, as_of: str, says: str, way_out: tuple[str, ...]
) -> None:
    """The register stays as it is, unless the operator says that it is right."""
    take("2025550123\n2025550199\n")

    refused = take(text, as_of=as_of)
    kept: Any = data(ask("show", "--json"))[0]
    ways = (*way_out, "--smaller") if way_out[0] == "--max-refused" else way_out
    taken = take(text, *ways, as_of=as_of)

    assert refused.exit_code == CliExit.REFUSED
    assert says in refused.stderr
    assert (kept["count"], kept["as_of"]) == (2, "2026-03-01")
    assert taken.exit_code == 0


def test_a_list_without_numbers_is_not_taken(take: Callable[..., Result]) -> None:
    """Nor one that is cut off, nor one of a day that is still to come."""
    assert "there is no number in it" in take("# nothing\n").stderr
    assert "still to come" in take("2025550123\n", as_of="2026-03-10").stderr
    assert take("2025550123\n", as_of="yesterday").exit_code == 2
    assert "'XX' is not a known country" in take("2025550123\n", "--region", "XX").stderr


@pytest.mark.parametrize("broken", [lambda raw: raw[:-9], lambda raw: raw[:20] + b"X" * 20 + raw[40:]])
def test_a_packed_list_that_is_broken_is_not_taken(
    ask: Callable[..., Result], tmp_path: Path, broken: Callable[[bytes], bytes]
) -> None:
    """Half a download is no register, nor is a damaged one."""
    file = tmp_path / "list.gz"
    file.write_bytes(broken(gzip.compress(b"".join(b"%d\n" % (2025550000 + i * i) for i in range(99)))))

    done = ask("import", "us-dnc", str(file), "--as-of", "2026-03-01", "--source", "FTC")

    assert done.exit_code == CliExit.REFUSED
    assert "the register stays as it is" in done.stderr
    assert not (tmp_path / "state" / "us-dnc.reg").exists()


def test_what_cannot_be_relied_on_is_said_by_show(
    ask: Callable[..., Result], take: Callable[..., Result], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Missing, too old, damaged: exit code 7, with the reason; check says who cannot say."""
    missing, unsaid = ask("show"), ask("check", "+12025550123")
    take("2025550123\n")
    file = tmp_path / "state" / "us-dnc.reg"
    raw = file.read_bytes()
    file.write_bytes(raw[:4096] + b"X" + raw[4097:])
    damaged, unverified = ask("show", "--verify"), ask("show")
    file.write_bytes(raw)
    monkeypatch.setattr(register, "now", lambda: NOW + 30 * DAY)
    old = ask("show")

    assert [one.exit_code for one in (missing, damaged, unverified, old)] == [7, 7, 0, 7]
    assert "is not there" in missing.stderr
    assert "cannot say" in unsaid.stdout
    assert "does not fit its checksum" in damaged.stderr
    assert "is 32 days old, more than 31" in old.stderr


def test_a_register_that_is_not_configured(ask: Callable[..., Result], tmp_path: Path) -> None:
    """Is named, with the one that may have been meant."""
    Path("list.txt").write_text("2025550123\n")
    done = ask("import", "us-dcn", "list.txt", "--as-of", "2026-03-01", "--source", "FTC")

    assert done.exit_code == CliExit.NOT_FOUND
    assert "Did you mean 'us-dnc'?" in done.stderr
    Path("dialer.toml").write_text("")
    assert "No register is configured" in ask("show").stdout
    assert "no register is configured" in ask("check", "+12025550123").stdout
