"""Leads that wait for a rule that has changed."""

from __future__ import annotations

from dataclasses import replace

import pytest

from compliance.api import Rule
from compliance.calling_hours.hours import CallingHours, HoursRule, Window
from config.campaign import CampaignSettings
from config.policies import applied
from dialer.core.inputs import Refused
from dialer.store.base.connection import trip
from dialer.store.leads import leases, preflight, stale
from dialer.store.operators.status import counts
from dialer.store.privacy import retention
from pacing.api import Mode
from tests.rules import EVERY_DAY
from tests.store.conftest import NOW, OWNER, POLICY, Floor

SHUT = replace(POLICY, hours=(HoursRule(CallingHours((Window(EVERY_DAY, 0, 1),))),))


@pytest.fixture
def shut(floor: Floor) -> Floor:
    """Five leads, of which three were put off for the hours, and one for a time of its own."""
    floor.fill(5)
    open_policy, floor.policy = floor.policy, SHUT
    answers = floor.screen(floor.lease(3))
    assert all(isinstance(answer, Refused) and answer.refusal.rule is Rule.HOURS for answer in answers)
    floor.policy = open_policy
    leases.postpone(floor.store, floor.name, OWNER, [floor.lease(1)[0].lead_id], until=NOW + 900, why="", now=NOW)
    return floor


def test_leads_that_waited_for_the_old_hours_are_due(shut: Floor) -> None:
    """At once, and nobody else; again it changes nothing."""
    assert stale.judge_again(shut.store, shut.name, ["cap", "caller_id"], NOW) == 0
    assert stale.judge_again(shut.store, shut.name, ["hours"], NOW) == 3
    assert stale.judge_again(shut.store, shut.name, ["hours"], NOW) == 0

    standing = counts(shut.store, shut.name, NOW).standing
    assert (standing.due, standing.waiting) == (4, 1)
    assert len([one for one in shut.screen(shut.lease(4)) if isinstance(one, Refused)]) == 0


def test_what_happened_to_a_lead_since_counts_more(shut: Floor) -> None:
    """One that was put off again for something else stays; one that is gone is forgotten."""
    trip(shut.store, [("HSET", shut.store.keys.why(shut.name), "L0", '["refused","cap"]')])
    retention.purge(shut.store, shut.name, ["L1"], counter="purged")

    assert stale.judge_again(shut.store, shut.name, ["hours"], NOW) == 1
    assert trip(shut.store, [("ZCARD", shut.store.keys.put_off(shut.name))]) == [0]


def made(**changes: object) -> dict[str, str]:
    given = {"name": "spring", "mode": Mode.PROGRESSIVE, "caller_id": "+861065550000", **changes}
    return stale.fingerprints(applied(CampaignSettings.model_validate(given)), ())


@pytest.mark.parametrize(
    ("change", "rules"),
    [
        ({"wrapup_limit_s": 7}, set()),
        ({"caller_id": "+861065550001"}, {"caller_id"}),
        ({"consent_required": True}, {"consent"}),
        ({"group": "other"}, {"cap"}),
        ({"time_zone": "Europe/Berlin"}, {"cap"}),
    ],
)
def test_a_change_concerns_the_rules_that_it_changes(change: dict[str, object], rules: set[str]) -> None:
    """No other lead is judged again in vain."""
    assert set(stale.changed(made(), made(**change))) == rules


def test_nothing_has_changed_where_nobody_knew_before(store: object) -> None:
    """The first look of a new release finds no old fingerprints."""
    assert stale.changed({}, made()) == []


def test_a_preflight_judges_anew_whom_a_rule_put_off(shut: Floor) -> None:
    """Nobody need have released them: the rules are asked as they are now."""
    flight, stretches = preflight.plan(shut.store, applied(shut.settings), NOW)
    found = [preflight.judge_stretch(shut.store, flight, shut.registers, stretch) for stretch in stretches]

    assert sum(one.judged for one in found) == 5
    assert sum(one.later for one in found) == 1
