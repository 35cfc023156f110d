"""What Prometheus and Grafana are given: metrics by the conventions, rules that fire when they should, a dashboard."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.parser import text_string_to_metric_families

from dialer.archive.metrics import ArchiveCollector
from dialer.archive.writer import write_status
from dialer.core.board import CallerIdRow, ReaderRow, RecordingsRow, WindowRow
from dialer.core.call_quality import NO_CALLS
from dialer.shell.metrics import Metrics
from tests.cli.conftest import board, campaign_row
from tests.conftest import need

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "systemd" / "monitoring"
RULES = FOLDER / "dialer.rules.yml"
DASHBOARD = json.loads((FOLDER / "grafana-dashboard.json").read_text(encoding="utf-8"))
PAGE = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
ALERTS = re.findall(r"- alert: (\w+)", RULES.read_text(encoding="utf-8"))

# Series of a minute each over an hour, for which an alert fires; `_` is where they come from.
FIRES = {
    "DialerDown": {'up{job="dialer",instance="a"}': "0x60"},
    "DialerStartsNoCalls": {"dialer_no_new_calls": "1x60"},
    "DialerAlarm": {'dialer_alarm{about="trunk north"}': "1x60"},
    "DialerAbandonsAboveCap": {
        'dialer_window_abandoned{campaign="s",window="d"}': "4x60",
        'dialer_window_live_answers{campaign="s",window="d"}': "100x60",
        'dialer_window_cap_ratio{campaign="s",window="d"}': "0.03x60",
    },
    "DialerAbandonBudgetSpent": {
        'dialer_window_budget_calls{campaign="s",window="d"}': "0x60",
        'dialer_campaign_running{campaign="s"}': "1x60",
    },
    "DialerAgentsIdle": {
        'dialer_agents{campaign="s",state="ready"}': "2x60",
        'dialer_campaign_running{campaign="s"}': "1x60",
    },
    "DialerCallbacksLate": {'dialer_leads{campaign="s",where="overdue"}': "3x60"},
    "DialerTrunkUnusable": {'dialer_trunk_unusable{trunk="north"}': "1x60"},
    "DialerShortCalls": {
        'dialer_quality_short_call_share{by="trunk",name="north"}': "0.2x60",
        'dialer_quality_answers_total{by="trunk",name="north"}': "0+5x60",
    },
    "DialerWorkersDie": {"dialer_worker_restarts_total": "0+1x60"},
    "DialerPacingLate": {"dialer_pacing_late_total": "0+30x60"},
    "DialerAnomaly": {"dialer_anomalies_total": "0x50 1x10"},
    "DialerFilesRunOut": {
        'process_open_fds{job="dialer"}': "900x60",
        'process_max_fds{job="dialer"}': "1000x60",
    },
    "DialerReaderBehind": {'dialer_crm_reader_behind_seconds{reader="archive"}': "1000x60"},
    "DialerReaderLostEvents": {'dialer_crm_reader_lost_events{reader="crm"}': "5x60"},
    "DialerRecordingsWait": {"dialer_recordings_waiting": "60x60"},
    "DialerRecordingsFail": {"dialer_recordings_set_aside": "1x60"},
    "DialerArchiveStandsStill": {"dialer_archive_last_write_timestamp_seconds": "0x60"},
    "DialerArchiveUnreadable": {"dialer_archive_unreadable_total": "0x50 1x10"},
}
WELL = {
    'up{job="dialer"}': "1x60",
    'up{job="dialer-archive"}': "1x60",
    "dialer_no_new_calls": "0x60",
    'dialer_window_abandoned{campaign="s",window="d"}': "2x60",
    'dialer_window_live_answers{campaign="s",window="d"}': "100x60",
    'dialer_window_cap_ratio{campaign="s",window="d"}': "0.03x60",
    'dialer_window_budget_calls{campaign="s",window="d"}': "1x60",
    'dialer_campaign_running{campaign="s"}': "1x60",
    'dialer_agents{campaign="s",state="ready"}': "2x60",
    'dialer_calls{campaign="s",state="ringing"}': "3x60",
    'dialer_agents{campaign="paused",state="ready"}': "2x60",
    'dialer_campaign_running{campaign="paused"}': "0x60",
    'dialer_window_budget_calls{campaign="paused",window="d"}': "0x60",
    'dialer_quality_short_call_share{by="trunk",name="north"}': "0.5x60",
    'dialer_quality_answers_total{by="trunk",name="north"}': "0+1x60",  # too few to say anything
    "dialer_worker_restarts_total": "0x30 1x30",
    "dialer_recordings_waiting": "60x10 0x50",
    "dialer_recordings_set_aside": "0x60",
    "dialer_archive_stuck": "0x60",
    "dialer_archive_last_write_timestamp_seconds": "0+60x60",
}


def promtool(*arguments: str, given: str = "") -> None:
    """Fails with what it said unless it has nothing to say."""
    done = subprocess.run(
        [need("promtool"), *arguments], input=given, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(scope="module")
def scraped(tmp_path_factory: pytest.TempPathFactory) -> str:
    """What a daemon and an archive say in which there is something of everything."""
    metrics, window = Metrics(), WindowRow("calendar_day", "today", 0.03, 967, 12)
    trunk = board().trunks[0]
    metrics.show(
        board(
            about=("trunk north",),
            readers=(ReaderRow("archive", 3, 2.0),),
            recordings=RecordingsRow(free_mb=1000.0),
            trunks=(replace(trunk, ended={"answered": 3}),),
            caller_ids=(CallerIdRow("+862155550100", NO_CALLS, {"answered": 3}, 3, 0),),
            campaigns=(campaign_row(windows=(window,), causes={"answered": 3}),),
        )
    )
    for delay in (metrics._ring, metrics._hand_over, metrics._to_agent, metrics._talk):
        delay.labels("spring").observe(1.0)
    folder = tmp_path_factory.mktemp("archive")
    write_status(folder, {"at": 1.0, "waiting": 0, "rows": {"attempts": 4, "unreadable": 1}, "problem": ""})
    archive = CollectorRegistry()
    archive.register(ArchiveCollector(folder))
    return generate_latest(metrics.registry).decode() + generate_latest(archive).decode()


def names_in(expression: str) -> set[str]:
    """The metrics that an expression names; those that are not ours are Prometheus' own."""
    return set(re.findall(r"\b(?:dialer|process)_\w+", re.sub(r'"[^"]*"', "", expression)))


def expressions() -> Iterator[tuple[str, str]]:
    """Of the dashboard: a panel's title, and what it asks with the variables put in."""
    for panel in DASHBOARD["panels"]:
        for target in panel.get("targets", ()):
            text = target["expr"].replace("$__rate_interval", "1m")
            yield panel["title"], re.sub(r"\$\w+", ".*", text)


def test_metrics_keep_the_conventions(scraped: str) -> None:
    """promtool has nothing to say about them."""
    promtool("check", "metrics", given=scraped)


def test_rules_and_dashboard_name_metrics_that_exist(scraped: str) -> None:
    """Of the daemon or the archive."""
    there = {sample.name for family in text_string_to_metric_families(scraped) for sample in family.samples}
    rules = re.sub(r"(?m)^ +(summary|runbook):.*$|^#.*$", "", RULES.read_text(encoding="utf-8"))

    assert names_in(rules) - there == set()
    for title, expression in expressions():
        assert names_in(expression) - there == set(), title


def test_each_rule_fires_when_it_should_and_no_other(tmp_path: Path) -> None:
    """Nor does any where all is well."""
    assert list(FIRES) == ALERTS

    def case(series: dict[str, str], *alerts: str) -> dict[str, Any]:
        firing = [{"labels": f'{{alertname="{name}"}}', "value": 1} for name in alerts]
        asked = 'count by (alertname) (ALERTS{alertstate="firing"})'
        return {
            "interval": "1m",
            "input_series": [{"series": name, "values": values} for name, values in series.items()],
            "promql_expr_test": [{"expr": asked, "eval_time": "55m", "exp_samples": firing}],
        }

    cases = [case(series, name) for name, series in FIRES.items()]
    file = tmp_path / "test.yml"
    file.write_text(json.dumps({"rule_files": [str(RULES)], "tests": [*cases, case(WELL)]}))

    promtool("test", "rules", str(file))


def test_every_alert_leads_to_a_page(scraped: str) -> None:
    """To a heading that is there; and each has a line of its own in the table of alerts."""
    runbooks = re.findall(r"runbook: docs/operations\.md#(\S+)", RULES.read_text(encoding="utf-8"))
    headings = {title.lower().replace(" ", "-") for title in re.findall(r"(?m)^##+ (.*)$", PAGE)}
    table = PAGE.split("### Alerts of Prometheus\n")[1].split("\n## ")[0]

    assert len(runbooks) == len(ALERTS)
    assert set(runbooks) <= headings
    assert re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE) == ALERTS


def test_every_panel_asks_what_prometheus_understands(tmp_path: Path) -> None:
    """Each expression is taken for a rule."""
    rules = [{"record": "panel", "expr": text, "labels": {"n": str(n)}} for n, (_, text) in enumerate(expressions())]
    file = tmp_path / "panels.yml"
    file.write_text(json.dumps({"groups": [{"name": "panels", "rules": rules}]}))

    promtool("check", "rules", str(file))


def test_the_dashboard_is_one_that_grafana_can_draw() -> None:
    """Panels do not overlap and fit into 24 columns, ids and references are unique, variables that are used exist."""
    panels, variables = DASHBOARD["panels"], {one["name"] for one in DASHBOARD["templating"]["list"]}
    used = set(re.findall(r"\$\{?([a-z]\w*)", json.dumps(panels)))
    cells: set[tuple[int, int]] = set()
    for panel in panels:
        place = panel["gridPos"]
        mine = {(place["x"] + x, place["y"] + y) for x in range(place["w"]) for y in range(place["h"])}
        assert not cells & mine, panel["title"]
        assert place["x"] + place["w"] <= 24
        cells |= mine
        assert panel["type"] in {"row", "stat", "table", "timeseries"}
        references = [target["refId"] for target in panel.get("targets", ())]
        assert len(set(references)) == len(references)
        assert references or panel["type"] == "row"

    assert len({panel["id"] for panel in panels}) == len(panels)
    assert used == variables
