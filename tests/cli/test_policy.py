"""`dialer policy` and `dialer campaign policy`."""

from __future__ import annotations

from pathlib import Path

import pytest

from dialer.cli.base.failures import CliExit
from tests.cli.conftest import Dialer, data

OURS = """
title = "Client A"
jurisdiction = "Our contract with client A"
not_legal_advice = "Not legal advice. A contract."
[[caps]]
limit = 1
calendar_days = 1
source = "Contract of 15 Jan 2026"
as_of = 2026-01-15
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The operator's policies, named in ./dialer.toml."""
    found = tmp_path / "policies"
    found.mkdir()
    (tmp_path / "dialer.toml").write_text(f'[policies]\nfolder = "{found}"\n')
    return found


def test_list_has_the_shipped_ones_yours_and_what_is_broken(dialer: Dialer, folder: Path) -> None:
    """With versions, and the reason of each that cannot be used."""
    (folder / "client-a.toml").write_text(OURS)
    (folder / "client-b.toml").write_text("title = 3")

    text = dialer("policy", "list")
    found = data(dialer("policy", "list", "--json"))

    assert text.exit_code == 0
    assert "client-b cannot be used: client-b.toml: title: must be text" in text.stdout
    assert {one["name"]: one["from"] for one in found["policies"]}["uk"] == "shipped"
    assert {one["name"]: one["from"] for one in found["policies"]}["client-a"] == str(folder / "client-a.toml")
    assert list(found["faults"]) == ["client-b"]


def test_show_has_every_value_with_source_and_date(dialer: Dialer) -> None:
    """In a table, and as the file has it for programs."""
    text = dialer("policy", "show", "fr").stdout
    found = data(dialer("policy", "show", "fr", "--json"))

    assert "4 attempts in 30 calendar days" in text
    assert "mon-fri 10:00-13:00 14:00-20:00, no holidays" in text
    assert "2023-03-01" in text
    assert "Art. D. 223-9" in text
    assert "Not legal advice" in text
    assert found["caps"][0]["source"].startswith("Art. D. 223-9")


def test_an_unknown_policy_is_answered_with_the_nearest(dialer: Dialer) -> None:
    """As for a wrong setting."""
    result = dialer("policy", "show", "us-telemarkting")

    assert result.exit_code == 2
    assert 'did you mean "us-telemarketing"' in result.stderr


def test_check_says_every_mistake_with_its_place(dialer: Dialer, tmp_path: Path) -> None:
    """Of several files at once; a good one is said to be good, and a shipped name cannot be taken."""
    good, bad, taken = tmp_path / "good.toml", tmp_path / "bad.toml", tmp_path / "uk.toml"
    good.write_text(OURS)
    taken.write_text(OURS)
    bad.write_text(OURS.replace("limit = 1", "limit = 0").replace("calendar_days = 1", ""))

    result = dialer("policy", "check", str(good), str(bad), str(taken))

    assert result.exit_code == 2
    assert f"{good}: version" in result.stdout
    assert "1 rule" in result.stdout
    assert "bad.toml: caps[0].limit: must be at least 1" in result.stderr
    assert "uk.toml: a policy of that name is shipped" in result.stderr
    assert dialer("policy", "check", str(good)).exit_code == 0


def test_compose_says_what_holds_and_what_a_campaign_has_to_add(dialer: Dialer) -> None:
    """Rules with their policies, hours by region."""
    text = dialer("policy", "compose", "uk", "us-collections-regf")
    found = data(dialer("policy", "compose", "uk", "us-collections-regf", "--json"))

    assert text.exit_code == 0
    assert "7 attempts in 7 days per account" in text.stdout
    assert "a campaign has to say itself: max_abandon_rate: is needed" in text.stdout
    assert found["hours"] == {"US": "mon-sun 08:00-21:00"}
    assert [one.partition(":")[0] for one in found["missing"]] == ["max_abandon_rate"]
    assert {one["policy"] for one in found["rules"]} == {"uk", "us-collections-regf"}


def test_policies_that_contradict_each_other_are_refused(dialer: Dialer, folder: Path) -> None:
    """With the hours that never meet."""
    night = '[[hours]]\ndays = ["sun"]\nopens = "00:00"\ncloses = "06:00"\nregion = "FR"\n'
    night += 'source = "abc"\nas_of = 2026-01-15\n'
    (folder / "night.toml").write_text(OURS + night)

    result = dialer("policy", "compose", "fr", "night")

    assert result.exit_code == CliExit.REFUSED
    assert "nobody in FR could ever be called: fr and night have no hour in common" in result.stderr


def test_a_campaign_is_checked_against_its_policies_when_it_is_made_and_changed(dialer: Dialer, spring: str) -> None:
    """Nothing is kept that could not run; the campaign shows what holds."""
    unknown = dialer("campaign", "create", "autumn", "--set", "mode=progressive", "--set", "policies=ukk")
    changed = dialer("campaign", "set", spring, "policies=in")
    looser = dialer("campaign", "set", spring, "policies=us-telemarketing", "max_abandon_rate=0.1")

    assert unknown.exit_code == 2
    assert 'policies[0]: there is no policy "ukk" here (did you mean "uk"?)' in unknown.stderr
    assert changed.exit_code == 2
    assert "max_abandon_rate: is needed" in changed.stderr
    assert looser.exit_code == 0
    text = dialer("campaign", "policy", spring)
    assert text.exit_code == 0
    assert "at most 10 % (a stricter one holds)" in text.stdout
    assert [one["rule"] for one in data(dialer("campaign", "policy", spring, "--json"))["rules"]].count("cap") == 1


def test_a_campaign_whose_policy_went_away_cannot_be_started_from_here(
    dialer: Dialer, spring: str, folder: Path
) -> None:
    """And says so wherever it is shown."""
    (folder / "client-a.toml").write_text(OURS)
    assert dialer("campaign", "set", spring, "policies=cn-default,client-a").exit_code == 0
    (folder / "client-a.toml").unlink()

    started = dialer("campaign", "start", spring)
    shown = dialer("campaign", "show", spring)

    assert started.exit_code == 2
    assert 'policies[1]: there is no policy "client-a" here' in started.stderr
    assert "its rules cannot be applied here" in shown.stdout
    assert 'there is no policy "client-a" here' in shown.stdout


def test_check_config_names_policies_that_cannot_be_used(dialer: Dialer, folder: Path) -> None:
    """A warning: the daemon runs without them."""
    (folder / "client-b.toml").write_text("title = 3")

    result = dialer("check-config")

    assert result.exit_code == 0
    assert "policy client-b cannot be used" in result.stderr
