"""The whole product through Kamailio and rtpengine."""

from __future__ import annotations

import json
import shutil
import signal
from pathlib import Path

import pytest

from tests.conftest import need
from tests.demo.conftest import commands, running
from tests.demo.test_stage import start, wait_until


@pytest.fixture(autouse=True)
def _programs() -> None:
    need("kamailio")
    need("rtpengine")


@pytest.mark.timeout(120)
def test_a_short_campaign_through_the_edge_and_its_books(tmp_path: Path, quick: Path) -> None:
    """The books balance, what the carrier counts included; every call went through Kamailio."""
    options = ("--edge", "--seconds", "10", "--agents", "6", "--leads", "200", "--profile", str(quick))
    with start(tmp_path, *options, "--json", "--keep") as demo:
        out, err = demo.communicate(timeout=110)
    assert demo.returncode == 0, out + err
    summary = json.loads(out)
    folder = Path(summary["folder"])
    assert summary["balances"]
    assert summary["dispositions"]["connected"] > 3
    assert (folder / "edge" / "edge.log").read_text().count("Creating new call") >= summary["attempts"]
    assert running(str(folder)) == []
    shutil.rmtree(folder)


@pytest.mark.timeout(90)
def test_the_edge_ends_with_the_demo_however_that_ends(tmp_path: Path, quick: Path) -> None:
    """Killed with SIGKILL: none of Kamailio's processes is left behind."""
    options = ("--edge", "--seconds", "60", "--agents", "2", "--leads", "100", "--profile", str(quick))
    with start(tmp_path, *options) as demo:
        assert demo.stdout is not None
        assert any(line.startswith("dialling") for line in demo.stdout)
        assert len([each for each in commands().values() if "kamailio.cfg" in each and str(tmp_path) in each]) > 3
        demo.send_signal(signal.SIGKILL)
        demo.communicate(timeout=40)
    wait_until(lambda: running(str(tmp_path)) == [], 30)
