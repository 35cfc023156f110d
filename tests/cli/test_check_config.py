"""`dialer check-config`."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from dialer.cli import main
from tests.cli.conftest import data


def dialer(*arguments: str, **environ: str) -> Result:
    return CliRunner(env=environ).invoke(main, list(arguments), prog_name="dialer")


def test_every_value_has_its_source() -> None:
    """File, environment and flags, each with what it gave."""
    Path("dialer.toml").write_text("[sip]\nmax_lines = 40\n", encoding="utf-8")

    result = dialer("--set", "log.level=debug", "check-config", "--json", DIALER_REDIS__URL="redis://10.0.0.5:6379/0")
    sources = {row["path"]: (row["value"], row["source"]) for row in data(result)}

    assert result.exit_code == 0
    assert sources["sip.max_lines"] == ("40", "file dialer.toml")
    assert sources["redis.url"] == ('"redis://10.0.0.5:6379/0"', "env DIALER_REDIS__URL")
    assert sources["log.level"] == ('"debug"', "flag")
    assert sources["redis.prefix"] == ('"dialer:"', "default")


def test_a_daemon_without_a_trunk_is_no_mistake_but_said() -> None:
    """It would run and dial nothing."""
    result = dialer("check-config")

    assert result.exit_code == 0
    assert "no trunk is configured" in result.stderr


def test_changed_leaves_the_defaults_out() -> None:
    """What was set, and nothing else."""
    rows = data(dialer("--redis", "redis://h:1/0", "check-config", "--changed", "--json"))

    assert {row["path"] for row in rows} == {"redis.url", "host.name"}


def test_secrets_are_never_shown() -> None:
    """Not in the table, not as JSON."""
    for arguments in ([], ["--json"]):
        result = dialer("check-config", *arguments, DIALER_REDIS__PASSWORD="geheim")
        assert result.exit_code == 0
        assert "geheim" not in result.output
        assert "(secret)" in result.output


def test_all_mistakes_at_once() -> None:
    """With exit code 2."""
    Path("dialer.toml").write_text("[sip]\nmax_lnes = 40\n[redis]\ntimeout_s = -1\n", encoding="utf-8")

    result = dialer("check-config")

    assert result.exit_code == 2
    assert "2 mistakes" in result.stderr
    assert 'did you mean "max_lines"' in result.stderr
    assert "redis.timeout_s" in result.stderr


def test_the_example_has_no_mistakes(tmp_path: Path) -> None:
    """What `--example` prints is a settings file."""
    example = dialer("check-config", "--example")
    file = tmp_path / "example.toml"
    file.write_text(example.stdout, encoding="utf-8")

    assert dialer("--config", str(file), "check-config").exit_code == 0


@pytest.mark.parametrize("pairs", [["sip.max_lines"], ["=3"], ["a=1", "a=2"]])
def test_bad_flags_are_wrong_use(pairs: list[str]) -> None:
    """Each with the option that was meant."""
    result = dialer(*(part for pair in pairs for part in ("--set", pair)), "check-config")

    assert result.exit_code == 2
    assert "--set" in result.stderr
