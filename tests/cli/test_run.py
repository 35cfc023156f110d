"""`dialer run`, as far as it is the command's own."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from dialer.shell.exits import Exit

COMMAND = "from dialer.cli import main; main(prog_name='dialer')"


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", COMMAND, *arguments, "run"], capture_output=True, text=True, timeout=90, check=False
    )


def test_mistakes_in_the_settings_end_with_their_code() -> None:
    """Every one is named; systemd does not try again."""
    done = run("--set", "sip.max_lines=0", "--set", "redis.timeout_s=0")

    assert done.returncode == Exit.CONFIG
    assert "sip.max_lines" in done.stderr
    assert "redis.timeout_s" in done.stderr


def test_a_secret_that_others_can_read_is_said(tmp_path: Path) -> None:
    """On the command line, or in a file that is open to everybody: a warning each, before anything else goes wrong."""
    file = tmp_path / "password"
    file.write_text("secret")
    file.chmod(0o644)
    open_file = run("--redis", "redis://127.0.0.1:1/0", "--set", f"redis.password_file={file}")
    command_line = run("--redis", "redis://127.0.0.1:1/0", "--set", "redis.password=secret")
    file.chmod(0o600)
    private = run("--redis", "redis://127.0.0.1:1/0", "--set", f"redis.password_file={file}")

    assert f"{file} holds redis.password and everybody can read it" in open_file.stderr
    assert "redis.password is on the command line" in command_line.stderr
    assert "secret exposed" not in private.stderr


def test_without_redis_it_does_not_start() -> None:
    """It says so, with the exit code that systemd does try again after."""
    done = run("--redis", "redis://127.0.0.1:1/0")

    assert done.returncode == Exit.REDIS, done.stderr
    assert "127.0.0.1:1" in done.stderr
    assert "Traceback" not in done.stderr
