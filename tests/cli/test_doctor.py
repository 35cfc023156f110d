"""`dialer doctor` against a real server and real folders."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from dialer.cli.base.failures import CliExit
from dialer.shell.exits import Exit
from dialer.shell.host_checks import State, check_unit
from dialer.store.base import quarantine
from dialer.store.base.connection import Store
from dialer.store.base.quarantine import Bad
from tests.cli.conftest import Dialer, data


@pytest.fixture
def settings(tmp_path: Path) -> Path:
    """A host whose folders exist, with one trunk at which nobody answers."""
    for name in ("spool", "evidence"):
        (tmp_path / name).mkdir(mode=0o700)
    file = tmp_path / "dialer.toml"
    file.write_text(f"""
[[trunks]]
name = "north"
host = "127.0.0.1"
port = 9
[spool]
dir = "{tmp_path}/spool"
max_mb = 1
[evidence]
folder = "{tmp_path}/evidence"
key_file = "{tmp_path}/evidence.key"
[policies]
folder = "{tmp_path}/policies"
""")
    return file


def findings(dialer: Dialer, *arguments: str) -> dict[str, list[str]]:
    """The texts of what is not well, by area."""
    texts: dict[str, list[str]] = {}
    for finding in data(dialer("doctor", "--json", *arguments))["findings"]:
        if finding["state"] != State.OK:
            texts.setdefault(finding["area"], []).append(finding["text"])
    return texts


@pytest.mark.usefixtures("settings")
def test_a_host_that_can_dial(dialer: Dialer) -> None:
    """A silent trunk and a missing unit are worth a look, and no fault."""
    result = dialer("doctor")

    assert result.exit_code == 0, result.output
    assert "This host can dial" in result.stdout
    assert set(findings(dialer)) <= {"trunks", "unit", "redis"}
    assert "trunks" not in findings(dialer, "--no-trunks")


@pytest.mark.usefixtures("settings")
def test_redis_that_does_not_answer(dialer: Dialer) -> None:
    """A fault, and the other checks are made all the same."""
    result = dialer("--redis", "redis://127.0.0.1:1/0", "doctor", "--json")

    assert result.exit_code == CliExit.UNFIT
    assert {"settings", "disk", "unit"} <= {finding["area"] for finding in data(result)["findings"]}
    assert not data(result)["fit"]


def test_a_host_without_trunks(dialer: Dialer) -> None:
    """It would run and dial nothing."""
    assert findings(dialer)["settings"] == ["no trunk is configured"]


def test_hold_music_that_is_not_there(dialer: Dialer) -> None:
    """The daemon would not start."""
    found = findings(dialer, "--no-trunks")
    assert not any("hold_music" in text for text in found.get("settings", ()))
    result = dialer("--set", "sip.hold_music=/nowhere.wav", "doctor", "--json", "--no-trunks")
    assert any("sip.hold_music /nowhere.wav cannot be read" in each["text"] for each in data(result)["findings"])


def test_mistakes_in_the_settings_come_first(dialer: Dialer, settings: Path) -> None:
    """With the exit code that they have everywhere."""
    settings.write_text("[sip]\nmax_lines = 0\n")

    assert dialer("doctor").exit_code == Exit.CONFIG


def test_a_password_that_others_can_read(dialer: Dialer, settings: Path) -> None:
    """In a file open to everybody, or on the command line."""
    with settings.open("a") as file:
        file.write('[[trunks]]\nname = "south"\nhost = "127.0.0.1"\nusername = "u"\npassword = "secret"\n')
    settings.chmod(0o644)

    assert any("everybody can read it" in text for text in findings(dialer, "--no-trunks")["settings"])
    result = dialer("--set", "trunks[0].username=u", "--set", "trunks[0].password=secret", "doctor", "--json")
    assert "on the command line" in result.stdout
    assert "secret" not in result.stdout


def test_a_private_password_is_no_finding(dialer: Dialer, settings: Path) -> None:
    """The group may read it: systemd's way."""
    with settings.open("a") as file:
        file.write('[[trunks]]\nname = "south"\nhost = "127.0.0.1"\nusername = "u"\npassword = "secret"\n')
    settings.chmod(0o640)

    assert "settings" not in findings(dialer, "--no-trunks")


def test_folders_and_keys_that_are_open(dialer: Dialer, settings: Path) -> None:
    """An open folder is worth a look; with an open key the daemon does not start."""
    (settings.parent / "spool").chmod(0o755)
    key = settings.parent / "evidence.key"
    key.write_text("0" * 64)
    key.chmod(0o644)

    texts = findings(dialer, "--no-trunks")["disk"]

    assert any("open to everybody" in text for text in texts)
    assert any("is not private" in text for text in texts)


@pytest.mark.skipif(os.getuid() == 0, reason="root may write everywhere")
def test_a_folder_that_is_not_ours(dialer: Dialer, settings: Path) -> None:
    """The daemon could not start."""
    (settings.parent / "evidence").chmod(0o500)

    assert any("cannot be written" in text for text in findings(dialer, "--no-trunks")["disk"])


def test_what_could_not_be_read(dialer: Dialer, settings: Path, store: Store) -> None:
    """Set aside in Redis or in the spool: how much, the last of it, where to look and how to clear it."""
    quarantine.set_aside(store, [Bad("dialer:{spring}:attempts", b"A13800138000", b"x", "it is no map")])
    (settings.parent / "spool").mkdir(exist_ok=True)
    (settings.parent / "spool" / "unreadable.damaged").write_bytes(b"x")

    found = dialer("--config", str(settings), "doctor", "--no-trunks", "--json").stdout

    assert "1 entry of our own keys could not be read; the last: dialer:{spring}:attempts" in found
    assert "redis-cli DEL dialer:quarantine" in found
    assert "13800138000" not in found
    assert "unreadable.damaged has ends of calls" in found


def test_a_register_that_is_not_there(dialer: Dialer, settings: Path) -> None:
    """No number of its country would be dialled."""
    with settings.open("a") as file:
        file.write('[[registers]]\nname = "us-dnc"\npath = "/nowhere/us.reg"\ncountry = "US"\n')

    assert "/nowhere/us.reg" in findings(dialer, "--no-trunks")["registers"][0]


@pytest.mark.parametrize(
    ("unit", "state"),
    [
        (None, State.WARNING),
        ({"LoadState": "not-found"}, State.WARNING),
        ({"LoadState": "loaded", "ActiveState": "failed"}, State.WARNING),
        ({"LoadState": "loaded", "ActiveState": "active", "NRestarts": "3"}, State.WARNING),
        ({"LoadState": "loaded", "ActiveState": "active", "NRestarts": "0"}, State.OK),
    ],
)
def test_the_unit(unit: dict[str, str] | None, state: State) -> None:
    """Only one that runs and was not restarted is well."""
    assert [finding.state for finding in check_unit(unit)] == [state]
