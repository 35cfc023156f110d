"""The one door to the server: a client, the names of the keys, the scripts, and round trips.

Replies are raw RESP2 (bytes, ints, lists), whatever redis-py would make of them, so that they mean the same under
every version of it. Nothing is retried here: a script may have been carried out although its answer was lost, and
only the caller knows whether doing it again is harmless.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib import resources
from typing import Any, Final

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from config.daemon import RedisSettings
from dialer.store.base.errors import KeyDamaged, StoreError, StoreUnavailable
from dialer.store.base.keys import Keys

Value = str | bytes | int | float
Command = tuple[Value, ...]

MIN_VERSION: Final = {"redis": (7, 0), "valkey": (8, 0)}

# The server is there and will work again: how such answers begin.
_TEMPORARY: Final = (
    "OOM",
    "READONLY",
    "LOADING",
    "MASTERDOWN",
    "CLUSTERDOWN",
    "TRYAGAIN",
    "BUSY ",
    "MISCONF",
    "NOREPLICAS",
    "command not allowed when used memory",
    "You can't write against a read only",
)
_TEMPORARY_TYPES: Final = (
    redis.exceptions.OutOfMemoryError,
    redis.exceptions.ReadOnlyError,
    redis.exceptions.BusyLoadingError,
    redis.exceptions.ClusterDownError,
    redis.exceptions.TryAgainError,
)


_DECLARED: Final = re.compile(r"keys_of\(\{(.*?)\}", re.DOTALL)
_PRELUDE: Final = "prelude"


@dataclass(frozen=True, slots=True)
class Script:
    """One Lua source file, with the prelude in front. `keys` are the names that it gives its keys."""

    source: bytes
    sha: str
    keys: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ScriptCall:
    """A script to be run with its keys, all of one hash tag, and arguments."""

    name: str
    keys: Sequence[str]
    args: Sequence[Value]


@dataclass(frozen=True, slots=True)
class Store:
    """An open store: safe to share between threads. Hand it to the functions of this room.

    `kept` is what functions of this room keep of the server in memory, each under a name of its own and never without
    asking the server whether it is still so.
    `damaged` are keys of the wrong kind that were met, with what they are instead.
    """

    client: redis.Redis
    keys: Keys
    scripts: Mapping[str, Script]
    timeout_s: float
    kept: dict[str, object] = field(default_factory=dict)
    damaged: dict[str, str] = field(default_factory=dict)


def read_scripts() -> dict[str, Script]:
    """The Lua sources of this package by name."""
    folder = resources.files("dialer.store") / "lua"
    files = {entry.name: entry.read_text() for entry in folder.iterdir() if entry.name.endswith(".lua")}
    sources = {name.removesuffix(".lua"): text for name, text in files.items()}
    prelude = sources.pop(_PRELUDE)
    return {name: _script(prelude, text) for name, text in sources.items()}


def _script(prelude: str, text: str) -> Script:
    declared = _DECLARED.search(text)
    names = re.findall(r"'(\w+) \w+'", declared[1]) if declared else []
    source = f"{prelude}\n{text}".encode()
    return Script(source, hashlib.sha1(source, usedforsecurity=False).hexdigest(), tuple(names))


def campaign_call(
    store: Store, name: str, campaign: str, args: Sequence[Value], more_keys: Sequence[str] = ()
) -> ScriptCall:
    """A script over keys of one campaign: those that it names itself, and more of the same campaign."""
    keys = [getattr(store.keys, key)(campaign) for key in store.scripts[name].keys]
    return ScriptCall(name, [*keys, *more_keys], args)


def open_store(settings: RedisSettings) -> Store:
    """Connect, check the server (Redis 7 or Valkey 8 at least) and load the scripts.

    Raises `StoreUnavailable` where no server answers and `StoreError` where it is the wrong one.
    """
    try:
        client = redis.Redis.from_url(
            settings.url,
            password=settings.password.get_secret_value() or None,
            socket_timeout=settings.timeout_s,
            socket_connect_timeout=settings.timeout_s,
            protocol=2,
            retry=Retry(NoBackoff(), 0),
        )
    except ValueError as error:
        raise StoreError(f"redis.url: {error}") from error
    client.response_callbacks.clear()
    store = Store(client, Keys(settings.prefix), read_scripts(), settings.timeout_s)
    try:
        _check_version(_info(store, "server"))
        load_scripts(store)
    except StoreError:
        close_store(store)
        raise
    return store


def close_store(store: Store) -> None:
    """Close all connections."""
    store.client.close()


def load_scripts(store: Store) -> None:
    """Hand the server every script; done again by itself when the server has forgotten them."""
    trip(store, [("SCRIPT", "LOAD", script.source) for script in store.scripts.values()])


def trip(store: Store, calls: Sequence[Command | ScriptCall]) -> list[Any]:
    """Send commands and scripts in one round trip and give their raw replies in order.

    Each call is atomic for itself, not all of them together. Raises `StoreUnavailable` or `StoreError`; the other
    calls of the trip may have been carried out then.
    """
    if not calls:
        return []
    replies = _sent(store, calls)
    for call, reply in zip(calls, replies, strict=True):
        if isinstance(reply, redis.exceptions.RedisError):
            raise _refused(store, call, reply) from reply
    return replies


def attempt_trip(store: Store, calls: Sequence[Command | ScriptCall]) -> list[Any]:
    """Like `trip`, but what is refused gives its `StoreError` in its place instead of raising the first. Raises
    `StoreUnavailable`."""
    if not calls:
        return []
    replies: list[Any] = _sent(store, calls)
    for i, reply in enumerate(replies):
        if isinstance(reply, redis.exceptions.RedisError):
            replies[i] = _refused(store, calls[i], reply)
            if isinstance(replies[i], StoreUnavailable):
                raise replies[i] from reply
    return replies


def careful_trip(store: Store, calls: Sequence[Command | ScriptCall]) -> list[Any]:
    """Like `trip`, but a call that meets a key of the wrong kind gives its `KeyDamaged` in its place: the others go
    on."""
    replies = attempt_trip(store, calls)
    for reply in replies:
        if isinstance(reply, StoreError) and not isinstance(reply, KeyDamaged):
            raise reply
    return replies


def _refused(store: Store, call: Command | ScriptCall, reply: redis.exceptions.RedisError) -> StoreError:
    """Why a call was refused. A key of the wrong kind is named, and remembered in `damaged`."""
    text = str(reply)
    if text.startswith("DAMAGED "):
        _, key, kind = text.split(" ")[:3]
    elif text.startswith("WRONGTYPE") and not isinstance(call, ScriptCall):
        key = str(call[call.index("STREAMS") + 1 if "STREAMS" in call else 1])
        kind = str(_sent(store, [("TYPE", key)])[0].decode())
    else:
        return translated(reply)
    store.damaged[key] = kind
    return KeyDamaged(key, kind)


def still_damaged(store: Store) -> dict[str, KeyDamaged]:
    """Keys that were found to be of the wrong kind and still are, asked again in one round trip; mostly there are
    none, and nothing is asked."""
    met = list(store.damaged.items())
    for (key, kind), now in zip(met, trip(store, [("TYPE", key) for key, _ in met]), strict=True):
        if now.decode() != kind:
            store.damaged.pop(key, None)
    return {key: KeyDamaged(key, kind) for key, kind in met if key in store.damaged}


def _sent(store: Store, calls: Sequence[Command | ScriptCall]) -> list[Any]:
    """Raw replies, refusals among them. Scripts that the server has forgotten are handed to it again."""
    replies = _send(store, [_command(store, call) for call in calls])
    forgotten = [i for i, reply in enumerate(replies) if isinstance(reply, redis.exceptions.NoScriptError)]
    if forgotten:
        load_scripts(store)
        for i, reply in zip(forgotten, _send(store, [_command(store, calls[i]) for i in forgotten]), strict=True):
            replies[i] = reply
    return replies


def server_time(reply: Sequence[bytes]) -> float:
    """The server's clock in seconds since the epoch, from its reply to `TIME`."""
    seconds, micros = reply
    return int(seconds) + int(micros) / 1e6


def block_limit_ms(store: Store, block_ms: int) -> int:
    """`block_ms` bounded so that a blocking read ends before its socket times out."""
    return min(block_ms, int(store.timeout_s * 500))


def persistence_warnings(store: Store) -> tuple[str, ...]:
    """What of the server's settings can lose data, one sentence each."""
    persistence, memory = _info(store, "persistence"), _info(store, "memory")
    warnings = []
    if persistence.get("aof_enabled") != "1":
        saves = _config(store, "save")
        if saves == "":
            warnings.append(
                "the server keeps nothing on disk (no AOF, no snapshots): a restart loses leads, "
                "contact history and the no-call list"
            )
        else:
            warnings.append(
                "the server has no AOF: a crash loses everything since its last snapshot, so numbers may be called "
                "more often than the caps allow (set appendonly yes)"
            )
    elif _config(store, "appendfsync") == "no":
        warnings.append("the server never forces its AOF to disk: set appendfsync everysec or always")
    if persistence.get("aof_last_write_status", "ok") != "ok":
        warnings.append("the server's last write to its AOF failed")
    policy = memory.get("maxmemory_policy", "noeviction")
    if policy != "noeviction":
        warnings.append(f"the server drops keys when memory is short ({policy}): set maxmemory-policy noeviction")
    return tuple(warnings)


@dataclass(frozen=True, slots=True)
class ServerFigures:
    """What a server says of itself. `memory_limit` is 0 where there is none; both are in bytes."""

    product: str
    version: str
    memory_used: int
    memory_limit: int


def server_figures(store: Store) -> ServerFigures:
    """Ask a server what it is and how much memory it uses."""
    server, memory = _info(store, "server"), _info(store, "memory")
    product, version = _product(server)
    return ServerFigures(product, version, int(memory.get("used_memory", 0)), int(memory.get("maxmemory", 0)))


def translated(error: redis.exceptions.RedisError) -> StoreError:
    """An exception of redis-py as one of ours."""
    text = str(error)
    if isinstance(error, redis.exceptions.AskError):  # MOVED is one as well
        node = f"{error.host}:{error.port}"
        return StoreError(
            f"redis.url names a node of a Redis Cluster, and the keys of slot {error.slot_id} are at {node}"
        )
    if isinstance(error, redis.exceptions.AuthenticationError):
        return StoreError(f"the server refused the user or password: {text}")
    if isinstance(error, redis.exceptions.ConnectionError | redis.exceptions.TimeoutError | OSError):
        return StoreUnavailable(text)
    if isinstance(error, _TEMPORARY_TYPES) or text.startswith(_TEMPORARY):
        return StoreUnavailable(text)
    return StoreError(text)


@contextmanager
def _translating() -> Iterator[None]:
    try:
        yield
    except redis.exceptions.RedisError as error:
        raise translated(error) from error
    except OSError as error:
        raise StoreUnavailable(str(error)) from error


def _send(store: Store, commands: Sequence[Command]) -> list[Any]:
    with _translating(), store.client.pipeline(transaction=False) as pipe:
        for command in commands:
            pipe.execute_command(*command)  # type: ignore[no-untyped-call]
        return list(pipe.execute(raise_on_error=False))


def _command(store: Store, call: Command | ScriptCall) -> Command:
    if isinstance(call, ScriptCall):
        return ("EVALSHA", store.scripts[call.name].sha, len(call.keys), *call.keys, *call.args)
    return call


def _info(store: Store, section: str) -> dict[str, str]:
    lines = trip(store, [("INFO", section)])[0].decode().splitlines()
    return dict(line.split(":", 1) for line in lines if ":" in line)


def _config(store: Store, name: str) -> str | None:
    """A server setting; None where a managed server does not tell."""
    reply = attempt_trip(store, [("CONFIG", "GET", name)])[0]
    return None if isinstance(reply, StoreError) or not reply else reply[1].decode()


def _product(server: Mapping[str, str]) -> tuple[str, str]:
    kind = "valkey" if "valkey_version" in server else "redis"
    return kind, server.get(f"{kind}_version", "0")


def _check_version(server: Mapping[str, str]) -> None:
    kind, text = _product(server)
    version = tuple(int(part) for part in text.split(".")[:2] if part.isdigit())
    if version < MIN_VERSION[kind]:
        raise StoreError(f"the server is {kind} {text}; Redis 7.0 or Valkey 8.0 at least is needed")
