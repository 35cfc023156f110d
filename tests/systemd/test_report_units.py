"""The units beside the daemon's: systemd accepts them, they are locked up, a missed run is made up."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from dialer.reports.catalogue import REPORTS
from tests.conftest import need

FOLDER = Path(__file__).parents[2] / "systemd"
SERVICES = {
    "dialer-archive.service": "dialer-archive.service",
    "dialer-report@.service": "dialer-report@daily.service",
    "dialer-web.service": "dialer-web.service",
}
TIMERS = {"dialer-report-daily.timer": "daily", "dialer-report-monthly.timer": "monthly"}


def analyze(*arguments: str) -> subprocess.CompletedProcess[str]:
    program = need("systemd-analyze")
    return subprocess.run([program, *arguments], capture_output=True, text=True, timeout=30, check=False)


@pytest.fixture
def units(tmp_path: Path) -> Path:
    """All of them, with a program that exists on this machine."""
    for path in FOLDER.glob("dialer-*"):
        if path.suffix in (".service", ".timer"):
            text = path.read_text(encoding="utf-8").replace("/opt/dialer/bin/dialer", "/bin/true")
            (tmp_path / path.name).write_text(text, encoding="utf-8")
    return tmp_path


@pytest.mark.parametrize("name", [*SERVICES.values(), *TIMERS])
def test_systemd_accepts_it(units: Path, name: str) -> None:
    """`systemd-analyze verify` has nothing to say about it."""
    (units / "dialer-report@daily.service").write_text((units / "dialer-report@.service").read_text())

    done = analyze("verify", "--man=no", str(units / name))

    ours = [line for line in done.stderr.splitlines() if "dialer" in line]
    assert (done.returncode, ours) == (0, [])


@pytest.mark.parametrize(
    ("name", "most"), [("dialer-archive.service", 15), ("dialer-report@.service", 10), ("dialer-web.service", 17)]
)
def test_it_is_locked_up(units: Path, name: str, most: int) -> None:
    """systemd's own measure of exposure is at most 1.5 of 10, 1.7 with numba, 1.0 without a network."""
    whole = units / name.replace("@", "@daily")
    whole.write_text((units / name).read_text())

    done = analyze("security", "--offline=yes", f"--threshold={most}", "--no-pager", str(whole))

    assert done.returncode == 0, done.stdout[-400:]


@pytest.mark.parametrize(("name", "report"), TIMERS.items())
def test_a_missed_run_is_made_up(name: str, report: str) -> None:
    """A machine that was off at the time writes the report when it is on again."""
    text = (FOLDER / name).read_text()

    assert "Persistent=yes" in text
    assert f"Unit=dialer-report@{report}.service" in text
    assert report in REPORTS


def test_reports_are_there_when_they_are_wanted() -> None:
    """Management information at 08:15, the monthly report on the 3rd."""
    times = {name: re.findall(r"OnCalendar=(.*)", (FOLDER / name).read_text()) for name in TIMERS}

    assert times == {
        "dialer-report-daily.timer": ["*-*-* 08:15:00"],
        "dialer-report-monthly.timer": ["*-*-03 06:00:00"],
    }
