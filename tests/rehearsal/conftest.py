"""Scenarios for rehearsals."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from config.campaign import CampaignSettings, RetrySettings, RetryTable
from config.policies import AppliedSettings, applied
from pacing.api import Mode
from tests.rehearsal.scenario import Disorder, Scenario

SOON = RetrySettings(delay_s=30.0, max_attempts=2)
RETRIES = RetryTable(**dict.fromkeys(RetryTable.model_fields, SOON))


SCRIPT = {
    "limit_s": 60.0,
    "steps": [
        {"name": "ask", "play": "/a.wav", "keys": {"1": "transfer", "9": "stop"}, "wait_s": 3.0, "next": "hang_up"},
        {"name": "stop", "opt_out": True, "play": "/b.wav", "next": "hang_up"},
    ],
}
"""For campaigns in mode script, from the start or when an operator changes the mode."""


def a_campaign(name: str, mode: Mode, **given: Any) -> AppliedSettings:
    given = {"abandon_message": "/sorry.wav", "retry": RETRIES, "wrapup_limit_s": 15.0, "script": SCRIPT, **given}
    if mode is Mode.SCRIPT:
        given = {"max_lines": 20, **given}
    return applied(CampaignSettings(name=name, mode=mode, caller_id="+8610000", **given))


def a_scenario(mode: Mode = Mode.PROGRESSIVE, **given: Any) -> Scenario:
    """Two campaigns that share most of their agents, on two small trunks."""
    campaigns = (a_campaign("sales", mode, priority=3), a_campaign("urgent", mode, priority=7, max_lines=8))
    return Scenario(**{"campaigns": campaigns, "leads": 120, **given})


@pytest.fixture(scope="session")
def make_scenario() -> Callable[..., Scenario]:
    """Builds scenarios of a mode; everything else can be given."""
    return a_scenario


@pytest.fixture(scope="session")
def make_campaign() -> Callable[..., AppliedSettings]:
    """Builds campaigns: a name, a mode, and other settings."""
    return a_campaign


@pytest.fixture(scope="session")
def disorder() -> Disorder:
    """Every kind of disorder, often enough to be met in ten minutes."""
    return Disorder(late=0.02, twice=0.02, crossing=0.3, deaf=0.02, unsent=0.02, refused=0.05, lapsed=0.01)
