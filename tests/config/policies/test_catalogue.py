"""Policies of the operator, beside those that are shipped."""

from __future__ import annotations

from pathlib import Path

import pytest

from config.policies import read_catalogue, shipped
from config.policies.catalogue import read_policy, stamp
from config.problems import ConfigError

OURS = """
title = "Our client's rule"
jurisdiction = "The contract with our client"
not_legal_advice = "Not legal advice: a contract."

[[caps]]
limit = 1
calendar_days = 1
source = "Contract of 2026, section 4"
as_of = 2026-01-15
"""


def test_a_policy_of_the_operator_is_beside_the_shipped_ones(tmp_path: Path) -> None:
    """By the name of its file; other files are not looked at. A TOML date will do as a date."""
    (tmp_path / "client-a.toml").write_text(OURS)
    (tmp_path / "README.md").write_text("no policy")

    found = read_catalogue(tmp_path)

    assert set(found.policies) == {*shipped().policies, "client-a"}
    assert found.faults == {}
    assert found.get("client-a").caps[0].as_of == "2026-01-15"


def test_a_folder_that_is_not_there_has_no_policies(tmp_path: Path) -> None:
    """The shipped ones are there all the same."""
    assert read_catalogue(tmp_path / "none").policies == read_catalogue().policies


def test_an_unknown_name_is_answered_with_the_nearest() -> None:
    """Or with all that there are."""
    with pytest.raises(ConfigError, match=r'no policy "us-telemarkting" here.*did you mean "us-telemarketing"'):
        shipped().get("us-telemarkting")
    with pytest.raises(ConfigError, match="there is: au, ca, cn-default"):
        shipped().get("mars")


def test_a_name_that_is_there_twice_cannot_be_used(tmp_path: Path) -> None:
    """Neither the shipped nor the operator's: nobody could say which one holds. The others can."""
    (tmp_path / "uk.toml").write_text(OURS)

    found = read_catalogue(tmp_path)

    with pytest.raises(ConfigError, match=r'there are two policies "uk".*rename yours'):
        found.get("uk")
    assert found.get("fr")


@pytest.mark.parametrize(
    ("text", "problems"),
    [
        ("title = ", ["is not TOML"]),
        (
            OURS.replace('source = "Contract of 2026, section 4"', ""),
            ["caps[0].source: is missing: where the number is"],
        ),
        (OURS.replace("as_of = 2026-01-15", 'as_of = "soon"'), ["caps[0].as_of: must be a date"]),
        (OURS.replace("calendar_days = 1", ""), ["caps[0]: needs exactly one window"]),
        (
            OURS.replace("limit = 1", "limit = 0\ncount = 2"),
            ["caps[0].limit: must be at least 1", "caps[0].count: is not"],
        ),
        (OURS.partition("[[caps]]")[0], ["has no rule at all"]),
        (OURS.replace('not_legal_advice = "Not legal advice: a contract."', ""), ["not_legal_advice: is missing"]),
        ("min_ring_timeout_s = 15\n" + OURS, ["min_ring_timeout_s: must be a section"]),
        (
            OURS + '[[abandon_windows]]\nkind = "calendar_day"\nstart = "2026-01-01"\nsource = "abc"\nas_of = "2026"\n',
            ["abandon_windows[0].start: belongs to a campaign"],
        ),
        (
            OURS + "[consent_required]\nvalue = true\n",
            ["consent_required.source: is missing", "consent_required.as_of"],
        ),
    ],
)
def test_a_bad_file_is_refused_with_every_reason_and_its_path(tmp_path: Path, text: str, problems: list[str]) -> None:
    """It stays in the catalogue with what is wrong with it, and nothing else is lost."""
    file = tmp_path / "ours.toml"
    file.write_text(text)

    found = read_catalogue(tmp_path)

    assert "ours" not in found.policies
    assert "fr" in found.policies
    with pytest.raises(ConfigError) as caught:
        found.get("ours")
    said = str(caught.value)
    assert "ours.toml" in said
    assert all(problem in said for problem in problems), said


@pytest.mark.parametrize("name", ["Our policy.toml", "..toml", "-a.toml"])
def test_a_file_needs_a_name_that_a_campaign_can_write(tmp_path: Path, name: str) -> None:
    """Small letters, digits, - and _."""
    (tmp_path / name).write_text(OURS)
    with pytest.raises(ConfigError, match="small letters"):
        read_policy(tmp_path / name)


def test_a_file_that_cannot_be_read_is_a_fault(tmp_path: Path) -> None:
    """A folder by that name, for instance."""
    (tmp_path / "ours.toml").mkdir()
    assert "cannot be read" in str(read_catalogue(tmp_path).faults["ours"][0])


def test_the_version_changes_with_what_a_policy_says(tmp_path: Path) -> None:
    """And with nothing else: a comment is no rule."""
    texts = [OURS, "# for you\n" + OURS, OURS.replace("limit = 1", "limit = 2")]
    versions = []
    for text in texts:
        (tmp_path / "ours.toml").write_text(text)
        versions.append(read_policy(tmp_path / "ours.toml").version)

    assert versions[0] == versions[1] != versions[2]


def test_the_stamp_changes_with_the_files(tmp_path: Path) -> None:
    """So that they are read again."""
    before = stamp(tmp_path)
    (tmp_path / "ours.toml").write_text(OURS)
    there = stamp(tmp_path)
    (tmp_path / "ours.toml").write_text(OURS + "# longer\n")

    assert len({before, there, stamp(tmp_path)}) == 3
    assert stamp(tmp_path / "none") == ()
