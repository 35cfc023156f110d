"""The systemd unit: systemd accepts it, it is well locked up, and every line of it is explained."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from config.campaign import CampaignSettings
from config.daemon import DaemonSettings
from dialer.shell.exits import Exit
from tests.conftest import need

FOLDER = Path(__file__).parents[2] / "systemd"
UNIT = FOLDER / "dialer.service"
README = (FOLDER / "README.md").read_text(encoding="utf-8")


def directives() -> Iterator[tuple[str, str]]:
    """Every directive with its value, those that are commented out as examples as well."""
    for line in UNIT.read_text(encoding="utf-8").splitlines():
        found = re.fullmatch(r"#?([A-Z][A-Za-z]+)=(.*)", line)
        if found:
            yield found[1], found[2]


def value(name: str) -> str:
    (only,) = [text for directive, text in directives() if directive == name]
    return only


def seconds(span: str) -> float:
    return float(re.sub(r"[a-z]", "", span)) * {"s": 1, "min": 60}[re.sub(r"[0-9]", "", span)]


@pytest.fixture
def unit_copy(tmp_path: Path) -> Path:
    """The unit with a program that exists on this machine."""
    text = UNIT.read_text(encoding="utf-8").replace("/opt/dialer/bin/dialer", "/bin/true")
    copy = tmp_path / "dialer.service"
    copy.write_text(text, encoding="utf-8")
    return copy


def analyze(*arguments: str) -> subprocess.CompletedProcess[str]:
    program = need("systemd-analyze")
    return subprocess.run([program, *arguments], capture_output=True, text=True, timeout=30, check=False)


def test_systemd_accepts_the_unit(unit_copy: Path) -> None:
    """`systemd-analyze verify` has nothing to say about it."""
    done = analyze("verify", "--man=no", str(unit_copy))

    ours = [line for line in done.stderr.splitlines() if "dialer" in line]
    assert (done.returncode, ours) == (0, [])


@pytest.mark.parametrize("name", ["dialer-edge.path", "dialer-edge.service"])
def test_systemd_accepts_the_units_of_the_edge(tmp_path: Path, name: str) -> None:
    """Both are well-formed; the service applies what the path unit has seen change."""
    for each in ("dialer-edge.path", "dialer-edge.service"):
        text = (FOLDER / each).read_text(encoding="utf-8").replace("/opt/dialer/bin/dialer", "/bin/true")
        (tmp_path / each).write_text(text, encoding="utf-8")

    done = analyze("verify", "--man=no", str(tmp_path / name))

    assert (done.returncode, [line for line in done.stderr.splitlines() if "dialer" in line]) == (0, [])


def test_the_unit_is_locked_up(unit_copy: Path) -> None:
    """systemd's own measure of exposure is at most 2.0 of 10."""
    done = analyze("security", "--offline=yes", "--threshold=20", "--no-pager", str(unit_copy))

    assert done.returncode == 0, done.stdout[-400:]


def test_the_drop_in_locks_it_up_further(unit_copy: Path) -> None:
    """With a user namespace of its own and named addresses, systemd's measure is at most 1.2 of 10."""
    folder = unit_copy.parent / "dialer.service.d"
    folder.mkdir()
    shutil.copy(FOLDER / "dialer-hardening.conf", folder / "hardening.conf")
    done = analyze("security", "--offline=yes", "--threshold=12", "--no-pager", str(unit_copy))

    assert done.returncode == 0, done.stdout[-400:]
    assert "PrivateUsers=" in "".join(line for line in done.stdout.splitlines() if line.startswith("✓"))


def test_the_kernel_s_filters_work_in_a_user_namespace() -> None:
    """What PrivateUsers does to the daemon: the SIP workers' packet filters need no privilege in it or outside."""
    program = [
        "import socket",
        "from ipaddress import IPv4Network",
        "from sip.worker.socket_filter import Sender, attach_filter, permit",
        "ears = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)",
        "ears.bind(('127.0.0.1', 0))",
        "ears.settimeout(10)",
        "port = ears.getsockname()[1]",
        "friend, stranger = (socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(2))",
        "friend.bind(('127.0.0.2', 0)), stranger.bind(('127.0.0.3', 0))",
        "attach_filter(ears, permit([Sender(IPv4Network('127.0.0.2'))]))",
        "stranger.sendto(b'stranger', ('127.0.0.1', port)), friend.sendto(b'friend', ('127.0.0.1', port))",
        "print(ears.recv(100).decode())",
    ]
    inside = [need("unshare"), "--user", sys.executable, "-c", "\n".join(program)]
    done = subprocess.run(inside, capture_output=True, text=True, timeout=60, check=False, cwd=FOLDER.parent)
    if "unshare failed" in done.stderr:
        pytest.skip("this machine lets nobody make a user namespace")

    assert done.stdout == "friend\n", done.stderr


def test_sysusers_file_is_accepted() -> None:
    """systemd reads the user's definition."""
    program = need("systemd-sysusers")
    done = subprocess.run(
        [program, "--dry-run", str(FOLDER / "dialer.sysusers.conf")],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )

    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("name", sorted({name for name, _ in directives()}))
def test_every_directive_is_explained(name: str) -> None:
    """The README has a word on each."""
    assert re.search(rf"^\|[^|]*`{name}(=[^`]*)?`", README, re.MULTILINE)


def test_no_directive_is_explained_that_is_not_there() -> None:
    """The README's tables name nothing else, apart from what is left out on purpose."""
    tables, _, left_out = README.partition("### Left out on purpose")
    explained = {
        name
        for line in tables.splitlines()
        if line.startswith("| `")
        for name in re.findall(r"`([A-Z][A-Za-z]+)(?:=[^`]*)?`", line.split("|")[1])
    }

    assert explained == {name for name, _ in directives()}
    assert not {name for name, _ in directives()} & set(re.findall(r"^\| `([A-Za-z]+)", left_out, re.MULTILINE))


def test_memory_stays_executable() -> None:
    """numba does not import under MemoryDenyWriteExecute."""
    assert "MemoryDenyWriteExecute" not in dict(directives())


def test_mistakes_in_the_settings_are_not_retried() -> None:
    """The exit code of wrong settings is the one that prevents a restart."""
    assert int(Exit.CONFIG) == int(value("RestartPreventExitStatus"))


def test_stopping_takes_longer_than_draining() -> None:
    """systemd waits for the longest drain: a talk at its limit, that had begun to ring when the stop came."""
    ring_s = max(bound.le for bound in CampaignSettings.model_fields["ring_timeout_s"].metadata if hasattr(bound, "le"))
    drain_s = DaemonSettings().drain.talk_limit_s + ring_s

    assert drain_s <= seconds(value("TimeoutStopSec"))


def test_the_spool_and_the_evidence_are_where_the_daemon_may_write() -> None:
    """Their defaults are in the state directory."""
    defaults = DaemonSettings()
    for path in (defaults.spool.dir, defaults.evidence.folder, defaults.evidence.key_file):
        assert path.startswith(f"/var/lib/{value('StateDirectory')}/")
