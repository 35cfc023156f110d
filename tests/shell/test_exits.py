"""Exit codes of a daemon that cannot start: scripts and systemd read them."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from tests.shell.rig import Dialer, Rig, free_port

NOBODY_HAS_IT = "192.0.2.1"
"""An address of the documentation range (RFC 5737), which no interface of a machine has."""


@pytest.fixture(scope="module")
def failures(rig: Rig) -> Iterator[dict[str, Dialer]]:
    """Daemons that cannot start, all at once."""
    away = free_port(socket.SOCK_STREAM)
    with rig.site("exits") as site, socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        blocked = site.folder / "blocked"
        blocked.touch()
        shared = {"dir": str(site.folder / "shared")}
        first = site.start("first", ready=False, spool=shared, sip={"max_lines": 2})
        started = {
            "config": site.start("config", ready=False, sip={"max_lines": 0}),
            "redis": site.start("redis", ready=False, redis={"url": f"redis://127.0.0.1:{away}/0"}),
            "sip": site.start("sip", ready=False, sip={"bind_address": NOBODY_HAS_IT, "max_lines": 2}),
            "spool": site.start("spool", ready=False, spool={"dir": str(blocked / "spool")}),
            "music": site.start("music", ready=False, sip={"max_lines": 2, "hold_music": str(blocked)}),
            "metrics": site.start("metrics", ready=False, metrics={"port": taken.getsockname()[1]}),
        }
        site.until(lambda: '"starting"' in first.log, "the first daemon has its spool")
        twin = {"spool": {"dir": str(site.folder / "twin2")}, "evidence": {"folder": str(site.folder / "twin3")}}
        alive = site.start("twin", sip={"max_lines": 2})
        started["twin"] = site.start("twin", ready=False, **twin)
        yield started | {"second": site.start("second", ready=False, spool=shared)}
        assert alive.process.poll() is None


@pytest.mark.parametrize(
    ("what", "exit_code", "said"),
    [
        ("config", 2, "sip.max_lines: must be at least 1, got 0"),
        ("redis", 3, "Connection refused"),
        ("sip", 4, "no SIP worker start"),
        ("spool", 2, "spool.dir"),
        ("music", 2, "sip.hold_music"),
        ("second", 2, "in use by another process"),
        ("metrics", 2, "metrics.port"),
        ("twin", 2, "another daemon named 'twin' is alive"),
    ],
)
def test_what_is_wrong_can_be_told_from_the_exit_code(
    failures: dict[str, Dialer], what: str, exit_code: int, said: str
) -> None:
    """Each kind of failure has its own code and a sentence for people; nobody was told that it is ready."""
    dialer = failures[what]

    assert dialer.ended() == exit_code, dialer.log
    assert said in dialer.log
    assert "Traceback" not in dialer.log
    assert "READY=1" not in dialer.hear()
