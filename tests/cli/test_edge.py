"""`dialer edge render`."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from dialer.cli import main

SETTINGS = """\
[sip]
bind_address = "127.0.0.1"

[edge]
used = true
address = "192.0.2.10"

[[trunks]]
name = "north"
host = "198.51.100.7"
username = "us"
password = "hush-hush"
"""


@pytest.fixture
def settings(tmp_path: Path) -> Path:
    path = tmp_path / "dialer.toml"
    path.write_text(SETTINGS, encoding="utf-8")
    return path


def run(settings: Path, *arguments: str) -> Result:
    return CliRunner().invoke(main, ["--config", str(settings), *arguments])


def test_the_files_are_written_once_and_then_current(settings: Path, tmp_path: Path) -> None:
    """A second run changes nothing, and --check agrees."""
    into = tmp_path / "edge"
    first = run(settings, "edge", "render", "--into", str(into))
    assert first.exit_code == 0, first.output
    written = {path: path.read_text() for path in into.rglob("*") if path.is_file()}
    assert {path.name for path in written} >= {"kamailio.cfg", "secrets.cfg", "dispatcher.list", "rtpengine.conf"}
    second = run(settings, "edge", "render", "--into", str(into))
    assert (second.exit_code, "current" in second.output) == (0, True)
    assert {path: path.read_text() for path in into.rglob("*") if path.is_file()} == written
    assert run(settings, "edge", "render", "--into", str(into), "--check").exit_code == 0


def test_secrets_are_for_owner_and_group_alone(settings: Path, tmp_path: Path) -> None:
    """No file that others may read has a password in it."""
    into = tmp_path / "edge"
    assert run(settings, "edge", "render", "--into", str(into)).exit_code == 0
    for path in into.rglob("*"):
        if path.is_file() and path.stat().st_mode & stat.S_IROTH:
            assert "hush-hush" not in path.read_text()
    assert "hush-hush" in (into / "secrets.cfg").read_text()


def test_check_names_what_a_change_of_the_settings_made_old(settings: Path, tmp_path: Path) -> None:
    """The exit code says so, nothing is written, and the hiding key outlives the next rendering."""
    into = tmp_path / "edge"
    run(settings, "edge", "render", "--into", str(into))
    before = (into / "secrets.cfg").read_text()
    settings.write_text(SETTINGS.replace("198.51.100.7", "198.51.100.8"), encoding="utf-8")
    checked = run(settings, "edge", "render", "--into", str(into), "--check")
    assert (checked.exit_code, "dispatcher.list" in checked.output) == (7, True)
    assert "198.51.100.7" in (into / "dispatcher.list").read_text()
    assert run(settings, "edge", "render", "--into", str(into)).exit_code == 0
    assert "198.51.100.8" in (into / "dispatcher.list").read_text()
    assert (into / "secrets.cfg").read_text() == before


def test_what_kamailio_does_not_take_is_not_written(
    settings: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its words are shown."""
    program = tmp_path / "bin" / "kamailio"
    program.parent.mkdir()
    program.write_text("#!/bin/sh\necho ' 0(1) CRITICAL: no such module' >&2\nexit 255\n", encoding="utf-8")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:/usr/bin:/bin")
    into = tmp_path / "edge"
    done = run(settings, "edge", "render", "--into", str(into))
    assert (done.exit_code, "no such module" in done.output, into.exists()) == (7, True, False)


def test_without_an_edge_in_the_settings_nothing_is_written(settings: Path, tmp_path: Path) -> None:
    """The hint says what to set."""
    done = CliRunner().invoke(
        main,
        ["--config", str(settings), "--set", "edge.used=false", "edge", "render", "--into", str(tmp_path / "edge")],
    )
    assert (done.exit_code, "edge.used = true" in done.output) == (7, True)


PHONES = 'address = "192.0.2.10"\nphones_domain = "Phones.example"\nphones_file = "{}"\n'


def with_phones(settings: Path, lines: str) -> Path:
    """Settings with phones, of these lines."""
    phones = settings.with_name("phones")
    phones.write_text(lines, encoding="utf-8")
    settings.write_text(SETTINGS.replace('address = "192.0.2.10"\n', PHONES.format(phones)), encoding="utf-8")
    return phones


def test_phones_get_digests_of_their_passwords(settings: Path, tmp_path: Path) -> None:
    """No password is in any file, digests are in the secret one; a change of the phones is a change of the files."""
    phones = with_phones(settings, '# desks\n17 hush 17\n\n18 p"$s\n')
    into = tmp_path / "edge"
    done = run(settings, "edge", "render", "--into", str(into))
    assert done.exit_code == 0, done.output
    assert "hush 17" not in "".join(path.read_text() for path in into.rglob("*") if path.is_file())
    assert "\n17:0:0:" in (into / "dbtext" / "phones").read_text()
    assert (into / "dbtext" / "phones").stat().st_mode & stat.S_IROTH == 0
    phones.write_text("17 other\n", encoding="utf-8")
    assert run(settings, "edge", "render", "--into", str(into), "--check").exit_code == 7


@pytest.mark.parametrize("lines", ["17\n", "17 a\n17 b\n", "1;7 a\n", "17 \n"])
def test_a_line_that_is_no_phone_is_named_and_not_repeated(settings: Path, tmp_path: Path, lines: str) -> None:
    """Nothing is written; the message has the line's number, never what may be a password."""
    with_phones(settings, f"# desks\n1 hush-hush\n{lines}")
    done = run(settings, "edge", "render", "--into", str(tmp_path / "edge"))
    assert done.exit_code == 7
    assert "must be USER PASSWORD" in done.output
    assert "hush" not in done.output


def test_browsers_need_a_domain_and_a_certificate(settings: Path, tmp_path: Path) -> None:
    """Without them the settings are refused; with them there is one more place to listen at, by TLS."""
    done = run(settings, "--set", "edge.websocket_port=8443", "check-config")
    assert done.exit_code == 2
    assert "websocket_port needs phones_domain" in done.output
    with_phones(settings, "17 a\n")
    into = tmp_path / "edge"
    given = ("edge.websocket_port=8443", "edge.certificate_file=/a.pem", "edge.key_file=/b.pem")
    options = [word for each in given for word in ("--set", each)]
    done = run(settings, *options, "edge", "render", "--into", str(into))
    assert done.exit_code == 0, done.output
    assert "listen=tls:192.0.2.10:8443" in (into / "kamailio.cfg").read_text()


def test_phones_and_trunks_have_ports_of_their_own(settings: Path) -> None:
    """A port that leads to a trunk is no way to a phone."""
    with_phones(settings, "17 a\n")
    settings.write_text(settings.read_text().replace("used = true", "used = true\nphones_port = 5080"))
    done = run(settings, "check-config")
    assert done.exit_code == 2
    assert "phones_port 5080 is a trunk's" in done.output
