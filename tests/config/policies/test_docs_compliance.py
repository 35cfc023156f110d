"""docs/compliance.md says what the code does."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

from pydantic import ValidationError

from compliance.api import Per
from compliance.caps import Counts, Over
from config.campaign import CampaignSettings
from config.policies import applied, shipped
from config.policies.catalogue import read_policy
from config.problems import ConfigError

PAGE = (Path(__file__).parents[3] / "docs" / "compliance.md").read_text(encoding="utf-8")


def examples() -> list[str]:
    return re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)


def section(title: str) -> str:
    return PAGE.split(f"\n## {title}\n")[1].split("\n## ")[0]


def test_every_example_is_a_policy_or_settings_of_a_campaign(tmp_path: Path) -> None:
    """As it stands on the page."""
    for text in examples():
        tree = tomllib.loads(text)
        if "title" in tree:
            (tmp_path / "client-a.toml").write_text(text)
            assert read_policy(tmp_path / "client-a.toml").title
        else:
            try:
                CampaignSettings.model_validate({"name": "spring", "mode": "progressive", **tree})
            except ValidationError as error:
                raise AssertionError(text) from error


def test_every_shipped_policy_is_in_the_table_with_what_a_campaign_adds() -> None:
    """Those without such a word can be a campaign's only policy."""
    rows = re.findall(r"^\| `([\w-]+)` \| [^|]+ \| ([^|]*)\|$", section("Policies"), re.MULTILINE)

    assert {name for name, _ in rows} == set(shipped().policies)
    for name, adds in rows:
        settings = CampaignSettings.model_validate({"name": "spring", "mode": "progressive", "policies": [name]})
        try:
            applied(settings)
            wanted = set()
        except ConfigError as error:
            wanted = {problem.path for problem in error.problems}
        assert bool(wanted) == bool(adds.strip()), (name, wanted)
        assert ("hours" in wanted) == ("hours" in adds)


def test_the_words_of_a_cap_are_all_there() -> None:
    """What it counts, per whom, over what."""
    text = section("Caps")
    for word in (*Counts, *Per, *Over):
        assert re.search(rf"\b{word.value}\b", text), word


def test_the_presets_of_abandoned_calls_are_those_of_the_policies() -> None:
    """By their words."""
    words = {
        name: " ".join(cells)
        for name, *cells in re.findall(
            r"^\| `([\w-]+)` \|(.*)\|(.*)\|(.*)\|(.*)\|$", section("Abandoned calls"), re.MULTILINE
        )
    }

    assert set(words) == {"us-telemarketing", "ca", "uk"}
    for name, text in words.items():
        definition = shipped().get(name).abandonment
        assert definition is not None
        assert ("ACR" in text) == (definition.denominator == "put_through")
        assert ("do not count" in text) == (definition.hang_ups == "leave_out")
        assert ("machines that agents met" in text) == (definition.machines == "estimate")
