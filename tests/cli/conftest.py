"""The command line against a real server, and boards to draw."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from click.testing import CliRunner, Result

from config.campaign import CampaignSettings
from dialer.cli import main
from dialer.core.board import AgentRow, Board, CampaignRow, Delay, TrunkRow
from dialer.store.base.connection import Store
from dialer.store.operators import campaigns
from pacing.api import Decision, Mode, Reason, Rule

NOW = 1_772_500_000.0

Dialer = Callable[..., Result]


@pytest.fixture(autouse=True)
def _away_from_home(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    """No settings of this machine or of the person at it."""
    monkeypatch.chdir(tmp_path)
    for name in ("DIALER_CONFIG", "CREDENTIALS_DIRECTORY"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def dialer(valkey_url: str) -> Dialer:
    """Calls `dialer` with the test's server."""

    def call(*arguments: str, **kwargs: Any) -> Result:
        return CliRunner().invoke(
            main, ["--redis", valkey_url, "--who", "tester@here", *arguments], prog_name="dialer", **kwargs
        )

    return call


@pytest.fixture
def spring(store: Store) -> str:
    """A campaign that can be started."""
    settings = CampaignSettings(name="spring", mode=Mode.PROGRESSIVE, caller_id="+862155550100")
    campaigns.create(store, settings, who="test", now=NOW)
    return settings.name


def data(result: Result) -> Any:
    """What `--json` printed."""
    return json.loads(result.stdout)


def campaign_row(name: str = "spring", **changes: Any) -> CampaignRow:
    """A campaign in full swing."""
    values: dict[str, Any] = {
        "name": name,
        "state": "running",
        "mode": "predictive",
        "problem": "",
        "sentence": "dial 3: 2 ready, 14 ringing",
        "risk": 0.02,
        "decision": Decision(3, Reason(Rule.PREDICTIVE), 0.02),
        "max_abandon_rate": 0.03,
        "leads_held": 50,
        "due": 12_045,
        "waiting": 830,
        "answered": 967,
        "abandoned": 12,
        "attempts": 3120,
        "agents": {"talking": 8, "ready": 2, "wrapup": 2, "paused": 1, "ringing": 1},
        "calls": {"dialling": 3, "ringing": 14, "talking": 8, "connecting": 1},
        "dispositions": {"connected": 30, "no_answer": 60, "busy": 10},
        "refusals": {"hours": 120, "cap": 44},
        "hand_over": Delay(870, 3.2, 12.4, 40.0),
        "answer_to_agent": Delay(870, 412.0, 1310.0, 1900.0),
    }
    return CampaignRow(**(values | changes))


def board(host: str = "dial-1", **changes: Any) -> Board:
    """A host that is well."""
    values: dict[str, Any] = {
        "host": host,
        "version": "0.1.0",
        "at": NOW,
        "started_at": NOW - 3600.0,
        "state": "running",
        "redis_healthy": True,
        "spooled": 0,
        "lines_used": 26,
        "lines_total": 100,
        "workers": 25,
        "worker_restarts": 0,
        "pacing_late": 0,
        "anomalies": 0,
        "trunks": (TrunkRow("north", 20, 60, 3, 10.0, 0, 0.0),),
        "campaigns": (campaign_row(),),
        "agents": (AgentRow("ann", "red", "ready", NOW - 5, "", "spring"),),
        "agent_s": {"talking": 60.0, "ready": 20.0, "paused": 500.0},
    }
    return Board(**(values | changes))
