"""Policies in words."""

from __future__ import annotations

from typing import Any

from config.campaign import CampaignSettings
from config.policies import shipped
from config.policies.composition import Composed, composed
from config.policies.explained import hours_by_region, of_campaign, of_policy


def under(*policies: str, **given: Any) -> Composed:
    fields = {"name": "spring", "abandon_message": "/m.wav", "policies": policies, **given}
    return composed(CampaignSettings.model_validate(fields), shipped())


def test_every_value_of_every_shipped_policy_is_said_with_source_and_date() -> None:
    """As many rows as the file has, but for windows of one day that stand together."""
    for name, policy in shipped().policies.items():
        rows = of_policy(name, policy)
        assert rows
        assert all(row.source and row.as_of and row.value and row.policy == name for row in rows)
        assert len([row for row in rows if row.rule == "cap"]) == len(policy.caps)
        said = {row.rule for row in rows}
        assert {f"hours {row.region}".strip() for row in policy.hours} <= said
        assert {f"abandoned, {row.label}" for row in policy.abandon_windows} <= said


def test_what_a_stricter_rule_replaces_is_marked() -> None:
    """A campaign's looser rate, a longer age, the same window of another policy."""
    windows = [{"kind": "calendar_month", "max_rate": 0.01}]
    rows = of_campaign(
        under("ca", "us-telemarketing", max_abandon_rate=0.1, retention_days=30, abandon_windows=windows)
    )
    assert [(row.rule, row.value, row.policy) for row in rows if not row.holds] == [
        ("abandoned", "at most 10 %", ""),
        ("abandoned, calendar_month", "at most 5 %", "ca"),
        ("evidence_days", "1096 days", "ca"),
    ]
    (retention,) = [row for row in of_campaign(under("cn-default", retention_days=30)) if row.rule == "retention_days"]
    assert not retention.holds
    assert all(row.holds for row in of_campaign(under("cn-default")))


def test_a_campaigns_own_rules_come_first_and_have_no_policy() -> None:
    """In the same words."""
    own = {
        "hours": [{"days": ["mon"], "opens": "10:00", "closes": "11:00", "region": "GB", "closed_on_holidays": True}],
        "caps": [{"limit": 1, "calendar_days": 1}],
        "max_abandon_rate": 0.02,
    }
    rows = of_campaign(under("uk", **own))

    assert [(row.rule, row.value) for row in rows if not row.policy] == [
        ("hours GB", "mon 10:00-11:00, no holidays"),
        ("cap", "1 attempt in 1 calendar day"),
        ("abandoned", "at most 2 %"),
    ]


def test_the_hours_of_each_region_under_all_rules() -> None:
    """Those of a state within those of its country."""
    hours = dict(hours_by_region(under("us-telemarketing", "cn-default")))

    assert hours["everywhere else"] == "mon-sun 09:00-12:00 14:00-20:00"
    assert hours["US-RI"] == "mon-sun 09:00-12:00 14:00-18:00"
    assert hours["US-PA"] == "mon-fri 09:00-12:00 14:00-20:00; sat 09:00-12:00; sun 09:00-12:00 14:00-20:00"
