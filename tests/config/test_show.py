"""The table of effective settings and the shipped examples."""

import re
import tomllib
from pathlib import Path

import pytest

import config.show
from config.load import load, load_campaign
from config.show import campaign_toml, default_toml, rows

SHIPPED = Path(config.show.__file__).parent


def uncommented(text: str) -> str:
    """An example with every setting that is commented out switched on, but for the alternatives to passwords."""
    lines = [line for line in text.splitlines() if "password_file = " not in line]
    return "\n".join(re.sub(r"^#(?=\[\[|\w+ = )", "", line) for line in lines)


def test_the_table_explains_every_value_and_shows_no_secret() -> None:
    """Path, value as TOML, source, unit and explanation; a secret says only whether it is there."""
    environ = {"DIALER_TRUNKS__0__NAME": "a", "DIALER_TRUNKS__0__HOST": "h", "DIALER_TRUNKS__0__USERNAME": "u"}
    effective = load(None, environ, {"trunks[0].password": "geheim", "trunks[0].max_cps": "2.5"})
    table = {row.path: row for row in rows(effective)}
    assert set(table) == set(effective.sources)
    assert "geheim" not in str(table)
    assert table["trunks[0].password"].value == "(secret)"
    assert table["redis.password"].value == "(not set)"
    cps = table["trunks[0].max_cps"]
    assert (cps.value, cps.source, cps.unit, cps.explanation) == (
        "2.5",
        "flag",
        "calls per second",
        "most new calls per second",
    )
    assert table["log.level"].value == '"info"'
    assert all(row.explanation for row in table.values())


def test_lists_are_shown_as_toml() -> None:
    """Days are a list of strings."""
    effective = load_campaign(
        {"name": "a", "mode": "preview", "hours": [{"days": ["mon"], "opens": "09:00", "closes": "10:00"}]}
    )
    assert {row.path: row.value for row in rows(effective)}["hours[0].days"] == '["mon"]'


@pytest.mark.parametrize(
    ("name", "text"), [("dialer.example.toml", default_toml()), ("campaign.example.toml", campaign_toml())]
)
def test_the_shipped_examples_are_current(name: str, text: str) -> None:
    """A changed model changes its example: write the new text over config/*.example.toml."""
    assert (SHIPPED / name).read_text(encoding="utf-8") == text


OF_THE_DAEMON = sorted(path for path in SHIPPED.glob("*.toml") if not path.name.startswith("scenario"))
"""A scenario is the simulator's: `tests/sim/study` loads its example."""


@pytest.mark.parametrize("path", OF_THE_DAEMON, ids=lambda path: path.name)
def test_every_shipped_example_loads(path: Path) -> None:
    """As it is shipped."""
    if "campaign" in path.name:
        assert load_campaign(path).settings.missing_to_start() == ()
    else:
        assert load(path, {}, {}).settings.trunks


def test_the_daemon_example_shows_every_default(tmp_path: Path) -> None:
    """With everything switched on, nothing changes but the sources; of registers there are none by default."""
    path = tmp_path / "dialer.toml"
    path.write_text(uncommented(default_toml()), encoding="utf-8")
    effective = load(path, {}, {})
    assert effective.settings == load(SHIPPED / "dialer.example.toml", {}, {}).settings
    assert [name for name, source in effective.sources.items() if source == "default"] == ["registers"]
    assert set(effective.sources.values()) == {f"file {path}", "machine", "default"}


def test_the_example_of_a_list_without_default_rows_can_be_taken_as_it_is(tmp_path: Path) -> None:
    """Without the # and the space, it is a register."""
    path = tmp_path / "dialer.toml"
    lines = default_toml().partition("# [[registers]]\n")[2].partition("\n\n")[0].splitlines()
    path.write_text("\n".join(["[[registers]]", *(line.removeprefix("# ") for line in lines)]), encoding="utf-8")
    (register,) = load(path, {}, {}).settings.registers
    assert (register.name, register.country, register.max_age_days) == ("us-dnc", "US", 31)


def test_the_campaign_example_shows_every_default(tmp_path: Path) -> None:
    """With everything switched on, nothing changes but the sources; of rows there are none by default."""
    path = tmp_path / "campaign.toml"
    path.write_text(uncommented(campaign_toml()), encoding="utf-8")
    effective = load_campaign(path)
    assert effective.settings == load_campaign(SHIPPED / "campaign.example.toml").settings
    of_default = [name for name, source in effective.sources.items() if source == "default"]
    assert of_default == ["caller_ids", "hours", "caps", "abandon_windows", "script.steps", "survey.steps"]
    assert set(effective.sources.values()) == {f"file {path}", "default"}
    assert tomllib.loads(campaign_toml())["name"] == "survey"
