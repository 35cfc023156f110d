"""What a server says of itself: its product and version, whether it keeps what it is told, its memory, its clock."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from dialer.store.base.errors import StoreError, StoreUnavailable
from dialer.store.base.refusals import everywhere
from dialer.store.base.servers import Link

MIN_VERSION: Final = {"redis": (7, 0), "valkey": (8, 0)}


@dataclass(frozen=True, slots=True)
class ServerFigures:
    """What a server says of itself. `memory_limit` is 0 where there is none; both are in bytes."""

    product: str
    version: str
    memory_used: int
    memory_limit: int


def server_time(reply: Sequence[bytes]) -> float:
    """The server's clock in seconds since the epoch, from its reply to `TIME`."""
    seconds, micros = reply
    return int(seconds) + int(micros) / 1e6


def server_run(link: Link) -> str:
    """Which run of the server this is: another one after each restart and fail-over, of any master of a Cluster."""
    runs = sorted(facts.get("run_id", "") for facts in _info(link, "server").values())
    return runs[0] if len(runs) == 1 else hashlib.sha256(" ".join(runs).encode()).hexdigest()[:40]


def server_figures(link: Link) -> dict[str, ServerFigures]:
    """Ask every master, by its address, what it is and how much memory it uses."""
    memory = _info(link, "memory")
    return {
        node: ServerFigures(
            *product(facts), int(memory[node].get("used_memory", 0)), int(memory[node].get("maxmemory", 0))
        )
        for node, facts in _info(link, "server").items()
    }


def persistence_warnings(link: Link) -> tuple[str, ...]:
    """What of the servers' settings can lose data, one sentence each; in a Cluster with the node in front."""
    memory = _info(link, "memory")
    saves, syncs = _config(link, "save"), _config(link, "appendfsync")
    warnings = {
        node: tuple(_losses(facts, memory[node], saves.get(node), syncs.get(node)))
        for node, facts in _info(link, "persistence").items()
    }
    several = len(warnings) > 1
    return tuple(f"{node}: {text}" if several else text for node, texts in warnings.items() for text in texts)


def _losses(
    persistence: Mapping[str, str], memory: Mapping[str, str], saves: str | None, syncs: str | None
) -> Iterator[str]:
    if persistence.get("aof_enabled") != "1":
        if saves == "":
            yield (
                "the server keeps nothing on disk (no AOF, no snapshots): a restart loses leads, "
                "contact history and the no-call list"
            )
        else:
            yield (
                "the server has no AOF: a crash loses everything since its last snapshot, so numbers may be called "
                "more often than the caps allow (set appendonly yes)"
            )
    elif syncs == "no":
        yield "the server never forces its AOF to disk: set appendfsync everysec or always"
    if persistence.get("aof_last_write_status", "ok") != "ok":
        yield "the server's last write to its AOF failed"
    policy = memory.get("maxmemory_policy", "noeviction")
    if policy != "noeviction":
        yield f"the server drops keys when memory is short ({policy}): set maxmemory-policy noeviction"


def check_versions(link: Link) -> None:
    """Raises `StoreError` where a server is too old."""
    for facts in _info(link, "server").values():
        check_version(facts)


def check_version(server: Mapping[str, str]) -> None:
    """The same for one server, by what it says of itself."""
    kind, text = product(server)
    version = tuple(int(part) for part in text.split(".")[:2] if part.isdigit())
    if version < MIN_VERSION[kind]:
        raise StoreError(f"the server is {kind} {text}; Redis 7.0 or Valkey 8.0 at least is needed")


def product(server: Mapping[str, str]) -> tuple[str, str]:
    """Which server it is, and its version."""
    kind = "valkey" if "valkey_version" in server else "redis"
    return kind, server.get(f"{kind}_version", "0")


def _info(link: Link, section: str) -> dict[str, dict[str, str]]:
    texts = {node: reply.decode().splitlines() for node, (reply,) in everywhere(link, [("INFO", section)]).items()}
    return {node: dict(line.split(":", 1) for line in lines if ":" in line) for node, lines in texts.items()}


def _config(link: Link, name: str) -> dict[str, str]:
    """A server setting by node; empty where a managed server, or the rights of our user, do not tell."""
    try:
        replies = everywhere(link, [("CONFIG", "GET", name)])
    except StoreUnavailable:
        raise
    except StoreError:
        return {}
    return {node: reply[1].decode() for node, (reply,) in replies.items() if reply}
