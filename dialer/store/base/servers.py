"""Four kinds of server behind one door: one, one that Sentinels watch over, a Cluster; each with or without TLS.

A link sends commands in one go and gives every reply in its place, refusals among them. In a Cluster the commands of
one slot keep their order, those of different slots do not: what must come after something in another slot is another
trip. Nothing is retried but what a node has refused because the slot is elsewhere, and so has not carried out.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, Protocol

import redis
from redis.backoff import NoBackoff
from redis.cluster import ClusterNode, RedisCluster
from redis.crc import key_slot
from redis.exceptions import AskError, MovedError, RedisClusterException, TryAgainError
from redis.retry import Retry
from redis.sentinel import Sentinel

from config.redis import RedisSettings, ServerKind
from dialer.store.base.errors import StoreError

Value = str | bytes | int | float
Command = tuple[Value, ...]

HOPS: Final = 4
"""So often a command follows its slot to another node before it is given up for now."""

SENTINEL_TIMEOUT_S: Final = 1.0
"""A Sentinel that does not answer within this is passed over for the next one."""

_KEYLESS: Final = frozenset({"ACL", "CLIENT", "CLUSTER", "COMMAND", "CONFIG", "INFO", "PING", "SCRIPT", "TIME", "WAIT"})
_KEY_SECOND: Final = frozenset({"MEMORY", "OBJECT", "XGROUP", "XINFO"})
_KEY_AFTER_STREAMS: Final = frozenset({"XREAD", "XREADGROUP"})


class Link(Protocol):
    """An open connection to a server of whatever kind, safe to share between threads."""

    def send(self, commands: Sequence[Command]) -> list[Any]:
        """Raw replies in order. Raises `RedisError`, `RedisClusterException` or `OSError` where one node is away."""

    def everywhere(self, commands: Sequence[Command]) -> dict[str, list[Any]]:
        """The replies of every master to commands without a key, by the node's address. Raises as `send` does."""

    def close(self) -> None:
        """Close all connections."""


def open_link(settings: RedisSettings) -> Link:
    """A link to the server that the settings name. A Cluster is asked for its nodes; else nothing is sent yet.

    Raises `StoreError` for a URL that names no server, `RedisClusterException` where no node answers.
    """
    match settings.kind:
        case ServerKind.CLUSTER:
            return ClusterLink(settings)
        case ServerKind.SENTINEL:
            return OneServer(_by_sentinels(settings))
        case ServerKind.SINGLE:
            return OneServer(_single(settings))


def key_of(command: Command) -> Value | None:
    """The first key of a command; None where it has none, and any node may answer."""
    name = str(command[0])
    if name in _KEYLESS or len(command) == 1:
        return None
    if name == "EVALSHA":
        return command[3] if command[2] else None
    if name in _KEY_AFTER_STREAMS:
        return command[command.index("STREAMS") + 1]
    return command[2] if name in _KEY_SECOND else command[1]


class OneServer:
    """A single server, or the master that Sentinels name, which is asked for again with every new connection."""

    def __init__(self, client: redis.Redis) -> None:
        self.client = client
        pool = client.connection_pool
        self._address = str(pool.connection_kwargs.get("host") or getattr(pool, "service_name", "server"))

    def send(self, commands: Sequence[Command]) -> list[Any]:
        return _pipelined(self.client, commands)

    def everywhere(self, commands: Sequence[Command]) -> dict[str, list[Any]]:
        return {self._address: self.send(commands)}

    def close(self) -> None:
        self.client.close()


class ClusterLink:
    """The masters of a Cluster. Commands without a key go to the node of `home`, so that one clock counts."""

    def __init__(self, settings: RedisSettings) -> None:
        self.cluster = RedisCluster(
            startup_nodes=[ClusterNode(host, port) for host, port in settings.addresses],
            require_full_coverage=False,  # the nodes themselves refuse what they cannot vouch for
            dynamic_startup_nodes=True,
            **_credentials(settings),
            **_waits(settings),
        )
        self._home = f"{settings.prefix}campaigns"
        self._stale = False

    def send(self, commands: Sequence[Command]) -> list[Any]:
        replies: list[Any] = [None] * len(commands)
        pending = list(range(len(commands)))
        for _ in range(HOPS):
            if self._stale:
                self._learn_nodes()
            for node, places in self._by_node(commands, pending):
                answers = self._pipelined(node, [commands[i] for i in places])
                for i, answer in zip(places, answers, strict=True):
                    replies[i] = self._followed(commands[i], answer)
            pending = [i for i in pending if isinstance(replies[i], MovedError)]
            if not pending:
                return replies
            self._stale = True
        raise TryAgainError("the Cluster is moving slots")

    def everywhere(self, commands: Sequence[Command]) -> dict[str, list[Any]]:
        if self._stale:
            self._learn_nodes()
        return {node.name: self._pipelined(node, commands) for node in self.cluster.get_primaries()}

    def close(self) -> None:
        self.cluster.close()

    def _by_node(self, commands: Sequence[Command], places: Sequence[int]) -> list[tuple[ClusterNode, list[int]]]:
        """Which commands go to which node, each node's in order."""
        shares: dict[str, tuple[ClusterNode, list[int]]] = {}
        for i in places:
            key = key_of(commands[i])
            raw = self._home if key is None else key
            slot = key_slot(raw if isinstance(raw, bytes) else str(raw).encode())
            node = self.cluster.nodes_manager.get_node_from_slot(slot)
            shares.setdefault(node.name, (node, []))[1].append(i)
        return list(shares.values())

    def _pipelined(self, node: ClusterNode, commands: Sequence[Command]) -> list[Any]:
        try:
            return _pipelined(self.cluster.get_redis_connection(node), commands)
        except (redis.exceptions.ConnectionError, redis.exceptions.TimeoutError, OSError):
            self._stale = True  # another node may have taken its slots over
            raise

    def _followed(self, command: Command, answer: Any) -> Any:
        """The answer; that of another node where a slot is being moved there and this key has gone already."""
        if not isinstance(answer, AskError) or isinstance(answer, MovedError):
            return answer
        node = self.cluster.get_node(answer.host, answer.port) or ClusterNode(answer.host, answer.port)
        return self._pipelined(node, [("ASKING",), command])[1]

    def _learn_nodes(self) -> None:
        self._stale = False
        try:
            self.cluster.nodes_manager.initialize()
        except Exception:
            self._stale = True
            raise


def _pipelined(client: redis.Redis, commands: Sequence[Command]) -> list[Any]:
    """Commands in one go, replies as they came: no reply is translated, so that they mean the same in every release.

    The client's own pipeline does the same with counters, hooks and retries of its own, for more processor time.
    """
    pool = client.connection_pool
    connection = pool.get_connection()
    try:
        connection.send_packed_command(connection.pack_commands(commands))
        return [_reply(connection) for _ in commands]
    except BaseException:
        connection.disconnect()  # or a late reply would be taken for that of another command
        raise
    finally:
        pool.release(connection)


def _reply(connection: Any) -> Any:
    """The next reply; a refusal is one."""
    try:
        return connection.read_response()
    except redis.exceptions.ResponseError as refusal:
        return refusal


def _single(settings: RedisSettings) -> redis.Redis:
    url = settings.url
    if settings.tls and url.startswith("redis://"):
        url = url.replace("redis://", "rediss://", 1)
    credentials = {name: value for name, value in _credentials(settings).items() if name != "ssl"}
    try:
        return redis.Redis.from_url(url, retry=Retry(NoBackoff(), 0), **credentials, **_waits(settings))
    except (ValueError, TypeError) as error:
        raise StoreError(f"redis.url: {error}") from error


def _by_sentinels(settings: RedisSettings) -> redis.Redis:
    once = Retry(NoBackoff(), 0)
    timeout_s = min(settings.timeout_s, SENTINEL_TIMEOUT_S)
    sentinels = Sentinel(
        list(settings.addresses),
        sentinel_kwargs={
            **_tls(settings),
            "username": settings.sentinel_user or None,
            "password": settings.sentinel_password.get_secret_value() or None,
            "socket_timeout": timeout_s,
            "socket_connect_timeout": timeout_s,
            "retry": once,
        },
        **_credentials(settings),
        **_waits(settings),
        db=settings.database,
        retry=once,
    )
    master: redis.Redis = sentinels.master_for(settings.master)
    return master


def _credentials(settings: RedisSettings) -> dict[str, Any]:
    given = {"username": settings.user, "password": settings.password.get_secret_value()}
    return {**{name: value for name, value in given.items() if value}, **_tls(settings)}


def _waits(settings: RedisSettings) -> dict[str, Any]:
    return {
        "socket_timeout": settings.timeout_s,
        "socket_connect_timeout": settings.timeout_s,
        "protocol": 2,
        "driver_info": None,  # not every server and not every user may be told
    }


def _tls(settings: RedisSettings) -> dict[str, Any]:
    """What TLS needs: the server's certificate is always checked, and its name."""
    if not settings.encrypted:
        return {}
    files = {
        "ssl_ca_certs": settings.tls_ca_file,
        "ssl_certfile": settings.tls_certificate_file,
        "ssl_keyfile": settings.tls_key_file,
    }
    return {"ssl": True, **{name: file for name, file in files.items() if file}}


def is_no_cluster(error: RedisClusterException) -> bool:
    """Whether a server answered that it is none."""
    return "Cluster mode is not enabled" in str(error)
