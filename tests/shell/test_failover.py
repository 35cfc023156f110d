"""A whole daemon at work while its Redis fails over: a Cluster's master dies, Sentinels name another one; and one at a
server that lets it do its own work alone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from click.testing import CliRunner

from dialer.cli import main
from dialer.store.base.connection import trip
from sip.loopback.process import Loopback, start_loopback
from tests.shell.rehearse_outage import logged_attempts
from tests.shell.rig import Rig, Site, open_site, people
from tests.store.server_rig import Node, closing, sentinels, server, server_cluster, until

AGENTS = ["agent-1", "agent-2", "agent-3"]
NUMBERS = [f"+861384000{i:04}" for i in range(150)]
CAMPAIGN = "spring"


@dataclass(frozen=True, slots=True)
class Servers:
    """What a daemon is pointed at. `victim` is the master that dies, `heir` who takes over."""

    url: str
    victim: Node
    heir: Node


@contextmanager
def servers(kind: str, folder: Path) -> Iterator[Servers]:
    """A Cluster (Valkey), whose master with the campaign dies; or a master with Sentinels (Debian's Redis)."""
    if kind == "cluster":
        with server_cluster("valkey", folder) as cluster:
            victim = cluster.master_of(f"failover:{{{CAMPAIGN}}}:lead")
            yield Servers(cluster.url, victim, cluster.replica_of(victim))
    else:
        with sentinels("redis", folder) as watched:
            yield Servers(watched.url, watched.master, watched.replica)


@pytest.mark.parametrize("kind", ["cluster", "sentinel"])
def test_dialling_goes_on_after_a_fail_over(kind: str, rig: Rig, tmp_path: Path) -> None:
    """Nobody restarts anything: no calls start while there is no master, then they do, each attempt has exactly one
    disposition, nobody is called twice, and the drain leaves nothing on disk."""
    profile = people(tmp_path, "lively", ring_s=0.3, talk_s=1.0)
    with (
        servers(kind, tmp_path / "servers") as under,
        start_loopback(profile, max_seconds=200) as carrier,
        open_site(tmp_path / "site", under.url, "failover:", {"lively": carrier.carrier_port}) as site,
    ):
        dialer = site.start(redis={"timeout_s": 1.0})
        site.campaign(CAMPAIGN)
        site.leads(CAMPAIGN, NUMBERS)
        site.log_in(carrier, AGENTS, CAMPAIGN)
        site.until(lambda: len(site.talks(CAMPAIGN)) >= 3, "talks begin")

        under.victim.kill()
        site.until(lambda: '"why": "Redis does not answer"' in dialer.log, "the daemon notices")
        until(lambda: under.heir.client.info("replication")["role"] == "master", "the replica takes over")
        before = site.until(lambda: len(site.talks(CAMPAIGN)), "the new master answers")
        site.until(lambda: len(site.talks(CAMPAIGN)) >= before + 5, "dialling goes on")
        under.victim.start()

        dialer.stop()
        code = dialer.ended()
        site.until(lambda: site.counts(CAMPAIGN).in_attempt == 0, "no attempt is open")
        ends, attempts = site.ends(CAMPAIGN), set(logged_attempts(dialer.log))
        assert most_calls_to_one(carrier, site) == 1

    assert code == 0
    assert set(Counter(event.id for event in ends).values()) == {1}
    assert attempts <= {event.id for event in ends}
    assert not [event for event in ends if event.data["disposition"] == "unknown"]


def test_a_daemon_works_with_the_rights_of_its_role_alone(rig: Rig, tmp_path: Path) -> None:
    """Leads, calls, events, housekeeping, drain: nothing that it does is refused by the server."""
    passwords, file = tmp_path / "passwords", tmp_path / "users.acl"
    printed = CliRunner().invoke(main, ["redis-acl", "daemon", "--passwords", str(passwords)])
    file.write_text(printed.stdout.replace("dialer:", "roles:"))
    node = server("redis", tmp_path / "server", "--aclfile", str(file))
    with closing([node.start()]):
        until(node.client.ping, "the server has read its users")
        ports = {"quick": rig.quick.carrier_port}
        with open_site(tmp_path / "site", f"redis://{node.address}/0", "roles:", ports) as site:
            user = {"user": "dialer", "password_file": str(passwords / "dialer.password"), "timeout_s": 2.0}
            dialer = site.start(redis=user)
            site.campaign(CAMPAIGN)
            site.leads(CAMPAIGN, NUMBERS[:20])
            site.log_in(rig.quick, AGENTS[:2], CAMPAIGN)
            site.until(lambda: len(site.ends(CAMPAIGN)) >= 4, "calls end")
            dialer.stop()
            code = dialer.ended()
        refused = node.client.acl_log()

    assert code == 0
    assert refused == []


def most_calls_to_one(carrier: Loopback, site: Site) -> int:
    """How often the number was called that was called most; as many INVITEs as dispositions say who was called."""
    dialled = [event.data["lead_id"] for event in site.ends(CAMPAIGN) if event.data["dialled_at"] is not None]
    assert len(dialled) == carrier.report().carrier.invites
    assert trip(site.store, [("PING",)]) == [b"PONG"]
    return max(Counter(dialled).values())
