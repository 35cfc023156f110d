"""One client, four kinds of server: real ones, Valkey's and Debian's Redis, each carries a lead's whole life."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from pydantic import SecretStr

from compliance.blocks import BlockKind, Target
from config.campaign import CampaignSettings
from config.redis import RedisSettings
from dialer.core.model import Settlement
from dialer.store.base.connection import Store, close_store, open_store, trip
from dialer.store.base.errors import StoreError, StoreUnavailable
from dialer.store.base.server_facts import persistence_warnings, server_figures
from dialer.store.crm import readers
from dialer.store.crm.event_settings import EventSettings
from dialer.store.leads import intake, stray
from dialer.store.operators import campaigns, status
from dialer.store.privacy import blocklist
from dialer.store.settlement.outbox import CrmEvent, publish
from tests.store.conftest import NOW, OWNER, Floor, number
from tests.store.server_rig import (
    PROGRAMS,
    Certificates,
    ServerCluster,
    Watched,
    certificates,
    closing,
    sentinels,
    server,
    server_cluster,
    until,
)
from tests.store.test_keys import live_a_whole_life


@contextmanager
def opened(settings: RedisSettings) -> Iterator[Store]:
    """A store that is closed after the block."""
    store = open_store(settings)
    try:
        yield store
    finally:
        close_store(store)


@pytest.fixture(scope="module", params=PROGRAMS)
def shared_cluster(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerCluster]:
    """One for all tests that leave it whole."""
    with server_cluster(request.param, tmp_path_factory.mktemp("cluster")) as running:
        yield running


@pytest.fixture
def cluster(shared_cluster: ServerCluster) -> ServerCluster:
    """An empty Cluster."""
    for node in shared_cluster.masters:
        node.client.flushall()
    return shared_cluster


@pytest.fixture(scope="module", params=PROGRAMS)
def watched(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watched]:
    """A master whose replica has taken over when the last test has ended."""
    with sentinels(request.param, tmp_path_factory.mktemp("watched")) as running:
        yield running


def answers_again(store: Store, limit_s: float = 40.0) -> float:
    """How long it takes until writes are taken again."""
    began = time.monotonic()

    def written() -> bool:
        try:
            trip(store, [("SET", f"{store.keys.prefix}probe:{i}", 1) for i in range(20)])
        except StoreUnavailable:
            return False
        return True

    until(written, "writes are taken again", limit_s)
    return time.monotonic() - began


def test_a_lead_lives_its_life_on_debian_s_redis(
    tmp_path: Path, end: Callable[..., Settlement], settings: CampaignSettings
) -> None:
    """Every script of the room runs on Redis 7.0, the oldest that is supported."""
    node = server("redis", tmp_path / "single")
    with closing([node.start()]):
        until(node.client.ping, "it answers")
        with opened(RedisSettings(url=f"redis://{node.address}/0")) as store:
            campaigns.create(store, settings, who="test", now=NOW)
            live_a_whole_life(Floor(store, settings), end)
            (figures,) = server_figures(store.link).values()

    assert figures.product == "redis"


def test_a_lead_lives_its_life_on_a_cluster(
    cluster: ServerCluster, end: Callable[..., Settlement], settings: CampaignSettings
) -> None:
    """Three masters: every script finds its keys on one of them, trips over several give each reply in its place."""
    with opened(RedisSettings(url=cluster.url)) as store:
        campaigns.create(store, settings, who="test", now=NOW)
        live_a_whole_life(Floor(store, settings), end)
        replies = trip(store, [("INCRBY", f"counter:{i}", i) for i in range(100)])
        figures, warnings = server_figures(store.link), persistence_warnings(store.link)

    assert replies == list(range(100))
    assert set(figures) == {node.address for node in cluster.masters}
    assert warnings == ()
    assert all(node.client.dbsize() > 0 for node in cluster.masters)


def test_a_prefix_is_blocked_before_its_generation_rises_in_a_cluster(cluster: ServerCluster) -> None:
    """Whoever reads the generation before the prefixes never takes old prefixes for new ones, on whatever node."""
    with opened(RedisSettings(url=cluster.url)) as store:
        before = blocklist.prefixes(store)
        block = Target(BlockKind.PREFIX, "8613").block(source="crm", reason="", who="x", at=NOW)
        blocklist.add(store, [block])
        after = blocklist.prefixes(store)

    assert all(now > then for now, then in zip(after.generations, before.generations, strict=True))
    assert [one.target.value for one in after.table.on("8613812345678")] == ["8613"]


def test_a_slot_that_moves_is_followed(cluster: ServerCluster, settings: CampaignSettings) -> None:
    """Resharding: a key that has gone to another node already is found there, and so is the slot when it has moved."""
    first, second = cluster.masters[0], cluster.masters[1]
    with opened(RedisSettings(url=cluster.url)) as store:
        key = next(f"{{k{i}}}" for i in range(1000) if cluster.master_of(f"{{k{i}}}") is first)
        slot = first.client.execute_command("CLUSTER", "KEYSLOT", key)
        ids = [node.client.execute_command("CLUSTER", "MYID") for node in (first, second)]
        trip(store, [("SET", key, "here")])
        second.client.execute_command("CLUSTER", "SETSLOT", slot, "IMPORTING", ids[0])
        first.client.execute_command("CLUSTER", "SETSLOT", slot, "MIGRATING", ids[1])
        first.client.execute_command("MIGRATE", "127.0.0.1", second.port, key, 0, 5000)

        half_way = trip(store, [("PING",), ("GET", key)])
        for node in cluster.masters:
            node.client.execute_command("CLUSTER", "SETSLOT", slot, "NODE", ids[1])
        moved = trip(store, [("GET", key), ("PING",)])

    assert half_way == [b"PONG", b"here"]
    assert moved == [b"here", b"PONG"]


def test_no_campaign_starves_another_in_a_cluster(cluster: ServerCluster, settings: CampaignSettings) -> None:
    """Campaigns live on different nodes, and a long list of one is taken in while the other's leads go on."""
    with opened(RedisSettings(url=cluster.url)) as store:
        homes: dict[int, Floor] = {}
        for i in range(100):
            name = f"campaign-{i}"
            home = cluster.master_of(store.keys.lead(name)).port
            if home not in homes:
                homes[home] = Floor(store, settings.model_copy(update={"name": name}))
        assert len(homes) == 3
        large, *small = homes.values()
        for floor in homes.values():
            campaigns.create(store, floor.settings, who="test", now=NOW)
        intake.enqueue(store, large.name, [{"lead_id": f"L{i}", "phone": number(i).clear} for i in range(5000)])
        for floor in small:
            intake.enqueue(store, floor.name, [{"lead_id": "only", "phone": number(9000).clear}])

        for floor in homes.values():  # one round, as a daemon goes
            floor.take_in(batch=200)
        leased = [floor.lease(1) for floor in small]
        queued = status.counts(store, large.name, NOW).queued

    assert [len(leads) for leads in leased] == [1, 1]
    assert queued == 4800


def test_leads_that_nobody_reads_are_found_on_every_node_and_readers_work_in_a_cluster(
    cluster: ServerCluster, settings: CampaignSettings
) -> None:
    """However the keys are spread: leads without braces are seen, and what a reader has not read stays."""
    with opened(RedisSettings(url=cluster.url)) as store:
        campaigns.create(store, settings, who="test", now=NOW)
        keys = [f"dialer:c{i}:leads" for i in range(12)]
        trip(store, [("XADD", key, "*", "json", "{}") for key in keys])
        assert len({cluster.master_of(key).port for key in keys}) > 1

        assert {row.key for row in stray.all_of(store)} == set(keys)
        for key in keys[:3]:
            assert stray.move(store, key, settings.name) == 1

        readers.register(store, "billing", who="test", now=NOW)
        publish(store, [CrmEvent("disposition", f"A{i}", settings.name, NOW, {}) for i in range(100)])
        (reader,) = readers.look_after(store, EventSettings(kept=1_000, limit=1_000))
        assert (reader.unread, reader.group_gone) == (100, False)


def test_a_single_node_of_a_cluster_is_no_single_server(cluster: ServerCluster) -> None:
    """redis:// to a Cluster says what to write instead."""
    with (
        pytest.raises(StoreError, match=r"redis\+cluster"),
        opened(RedisSettings(url=f"redis://{cluster.masters[0].address}")) as store,
    ):
        trip(store, [("GET", f"k{i}") for i in range(50)])


def test_a_single_server_is_no_cluster(valkey_url: str) -> None:
    """redis+cluster:// to a single server says so, and that waiting would not help."""
    with pytest.raises(StoreError, match="not in cluster mode") as caught:
        open_store(RedisSettings(url=f"redis+cluster://{valkey_url.removeprefix('redis://').partition('/')[0]}"))

    assert not isinstance(caught.value, StoreUnavailable)


def test_a_cluster_s_master_dies_and_its_replica_takes_over(cluster: ServerCluster, settings: CampaignSettings) -> None:
    """Last of all. The store is away while the slots have no master, and goes on by itself with what was written."""
    with opened(RedisSettings(url=cluster.url, timeout_s=2.0)) as store:
        campaigns.create(store, settings, who="test", now=NOW)
        floor = Floor(store, settings)
        floor.fill(20)
        dead = cluster.master_of(store.keys.lead(settings.name))
        until(lambda: dead.client.wait(1, 1000) >= 1, "the replica has it all")

        dead.kill()
        with pytest.raises(StoreUnavailable):
            floor.lease(1)
        answers_again(store)
        leased = floor.lease(20)

        dead.start()
        until(lambda: dead.client.info("replication")["role"] == "slave", "it comes back as a replica")
        answers_again(store)

    assert len(leased) == 20


def test_a_lead_lives_its_life_behind_sentinels(
    watched: Watched, end: Callable[..., Settlement], settings: CampaignSettings
) -> None:
    """The master is asked for by its name."""
    with opened(RedisSettings(url=watched.url)) as store:
        campaigns.create(store, settings, who="test", now=NOW)
        live_a_whole_life(Floor(store, settings), end)

    assert watched.master.client.dbsize() > 0


def test_sentinels_name_another_master(watched: Watched, settings: CampaignSettings) -> None:
    """Away while there is no master; then the new one is found, and the old one, which stood still and knows of
    nothing, is never written to again."""
    settings = settings.model_copy(update={"name": "autumn"})
    with opened(RedisSettings(url=watched.url, timeout_s=1.0)) as store:
        campaigns.create(store, settings, who="test", now=NOW)
        floor = Floor(store, settings)
        floor.fill(20)
        until(lambda: watched.master.client.wait(1, 1000) >= 1, "the replica has it all")
        watched.sentinels[0].kill()  # the other two are a majority

        watched.master.freeze()
        with pytest.raises(StoreUnavailable):
            floor.lease(1, owner=OWNER)
        answers_again(store)
        leased = floor.lease(20)
        watched.master.thaw()
        floor.add({"lead_id": "later", "phone": number(500).clear})
        there = watched.replica.client.xlen(store.keys.leads(settings.name))

    assert len(leased) == 20
    assert there == 1


@pytest.fixture(scope="module")
def papers(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return certificates(tmp_path_factory.mktemp("papers") / "tls")


@pytest.fixture
def tls(papers: Certificates, tmp_path: Path) -> Iterator[RedisSettings]:
    """The settings for a server that speaks TLS alone and knows one user, who has a password."""
    node = server("redis", tmp_path / "tls")
    node.options = (*node.options, *papers.options(node.port))
    rules = "user dialer on >secret ~* &* +@all"
    users = tmp_path / "users.acl"
    users.write_text(f"user default off\n{rules}\n")
    node.options = (*node.options, "--aclfile", str(users))
    with closing([node.start()]):
        yield RedisSettings(
            url=f"redis://{node.address}/0",
            tls=True,
            user="dialer",
            password=SecretStr("secret"),
            tls_ca_file=papers.file("ca.crt"),
            tls_certificate_file=papers.file("client.crt"),
            tls_key_file=papers.file("client.key"),
        )


def started(settings: RedisSettings) -> Store:
    """The store, when the server has started."""

    def ready() -> Store | None:
        try:
            return open_store(settings)
        except StoreUnavailable:
            return None

    store: Store = until(ready, "the server speaks TLS")
    return store


def test_tls_with_certificates_and_a_user(tls: RedisSettings, settings: CampaignSettings) -> None:
    """Settings alone say who signs, who we are and with what password."""
    store = started(tls)
    campaigns.create(store, settings, who="test", now=NOW)
    Floor(store, settings).fill(3)
    who = trip(store, [("ACL", "WHOAMI")])[0]
    close_store(store)

    assert who == b"dialer"


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"tls_ca_file": ""}, "certificate verify failed"),
        ({"tls_certificate_file": "", "tls_key_file": ""}, "certificate required|violation of protocol|closed"),
        ({"password": SecretStr("wrong")}, "user or password"),
        ({"user": ""}, "user or password"),
        ({"tls": False, "tls_ca_file": "", "tls_certificate_file": "", "tls_key_file": ""}, "closed|reset"),
    ],
)
def test_what_tls_and_users_do_not_let_in(tls: RedisSettings, change: dict[str, object], says: str) -> None:
    """A server signed by a stranger, a client without a certificate, a wrong password, no user, no TLS."""
    close_store(started(tls))

    with pytest.raises(StoreError, match=says):
        open_store(tls.model_copy(update=change))


def test_sentinels_with_tls_and_a_password_of_their_own(papers: Certificates, tmp_path: Path) -> None:
    """Both the Sentinels and the server are spoken to in TLS, each with its own user."""
    node = server("redis", tmp_path / "server")
    node.options = (*node.options, *papers.options(node.port), "--requirepass", "server-secret")
    folder = tmp_path / "sentinel"
    folder.mkdir()
    watcher = server("redis", folder)
    lines = [
        "port 0",
        f"tls-port {watcher.port}",
        "bind 127.0.0.1",
        f"dir {folder}",
        "tls-replication yes",
        f"tls-ca-cert-file {papers.file('ca.crt')}",
        f"tls-cert-file {papers.file('server.crt')}",
        f"tls-key-file {papers.file('server.key')}",
        "requirepass sentinel-secret",
        f"sentinel monitor main 127.0.0.1 {node.port} 1",
        "sentinel auth-pass main server-secret",
    ]
    (folder / "sentinel.conf").write_text("\n".join(lines) + "\n")
    watcher.options = (str(folder / "sentinel.conf"), "--sentinel")
    with closing([node.start(), watcher.start()]):
        settings = RedisSettings(
            url=f"redis+sentinel://{watcher.address}/main",
            tls=True,
            password=SecretStr("server-secret"),
            sentinel_password=SecretStr("sentinel-secret"),
            tls_ca_file=papers.file("ca.crt"),
            tls_certificate_file=papers.file("client.crt"),
            tls_key_file=papers.file("client.key"),
        )
        store = started(settings)
        reply = trip(store, [("PING",)])
        close_store(store)

    assert reply == [b"PONG"]
