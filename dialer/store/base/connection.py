"""The one door to the server: a link, the names of the keys, the scripts, and round trips.

Replies are raw RESP2 (bytes, ints, lists), whatever redis-py would make of them, so that they mean the same under
every version of it. Nothing is retried here: a script may have been carried out although its answer was lost, and
only the caller knows whether doing it again is harmless.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from importlib import resources
from typing import Any, Final

import redis

from config.redis import RedisSettings
from dialer.store.base.errors import KeyDamaged, StoreError, StoreUnavailable
from dialer.store.base.keys import Keys
from dialer.store.base.refusals import everywhere, translated, translating
from dialer.store.base.server_facts import check_versions
from dialer.store.base.servers import Command, Link, Value, key_of, open_link

__all__ = [
    "Command",
    "ScriptCall",
    "Store",
    "Value",
    "attempt_trip",
    "campaign_call",
    "careful_trip",
    "close_store",
    "load_scripts",
    "open_store",
    "trip",
]

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

    `kept` is what functions of this room keep of the server in memory, each under a name of its own and never for long
    without asking the server whether it is still so.
    `damaged` are keys of the wrong kind that were met, with what they are instead. `user` is who we are to the server.
    """

    link: Link
    keys: Keys
    scripts: Mapping[str, Script]
    timeout_s: float
    kept: dict[str, object] = field(default_factory=dict)
    damaged: dict[str, str] = field(default_factory=dict)
    user: str = ""


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
    """Connect, check the servers (Redis 7 or Valkey 8 at least) and load the scripts.

    Raises `StoreUnavailable` where no server answers and `StoreError` where it is the wrong one.
    """
    with translating():
        link = open_link(settings)
    store = Store(link, Keys(settings.prefix, settings.shared_prefix), read_scripts(), settings.timeout_s)
    try:
        check_versions(link)
        load_scripts(store)
        return replace(store, user=trip(store, [("ACL", "WHOAMI")])[0].decode())
    except StoreError:
        close_store(store)
        raise


def close_store(store: Store) -> None:
    """Close all connections."""
    store.link.close()


def load_scripts(store: Store) -> None:
    """Hand every master each script; done again by itself when one has forgotten them."""
    everywhere(store.link, [("SCRIPT", "LOAD", script.source) for script in store.scripts.values()])


def trip(store: Store, calls: Sequence[Command | ScriptCall]) -> list[Any]:
    """Send commands and scripts in one round trip (in a Cluster one to each node) and give their raw replies in order.

    Each call is atomic for itself, not all of them together. They are carried out in order, in a Cluster only those of
    one slot: what must come after something in another slot goes into a trip of its own. Raises `StoreUnavailable` or
    `StoreError`; the other calls of the trip may have been carried out then.
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
        named = key_of(call)
        key = named.decode() if isinstance(named, bytes) else str(named)
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


def block_limit_ms(store: Store, block_ms: int) -> int:
    """`block_ms` bounded so that a blocking read ends before its socket times out."""
    return min(block_ms, int(store.timeout_s * 500))


def _send(store: Store, commands: Sequence[Command]) -> list[Any]:
    with translating():
        return store.link.send(commands)


def _command(store: Store, call: Command | ScriptCall) -> Command:
    if isinstance(call, ScriptCall):
        return ("EVALSHA", store.scripts[call.name].sha, len(call.keys), *call.keys, *call.args)
    return call
