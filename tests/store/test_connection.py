"""The door to the server: what it refuses, what it forgets, what its errors mean."""

from __future__ import annotations

import socket

import pytest
import redis
from pydantic import SecretStr

from compliance.numbers import masked_text
from config.redis import RedisSettings
from dialer.store.base import connection
from dialer.store.base.connection import (
    Store,
    attempt_trip,
    close_store,
    open_store,
    trip,
)
from dialer.store.base.errors import StoreError, StoreUnavailable
from dialer.store.base.refusals import translated
from dialer.store.base.server_facts import check_version, persistence_warnings
from tests.conftest import running_valkey
from tests.store.conftest import Floor


def test_no_server_is_said_as_unavailable() -> None:
    """A refused connection is `StoreUnavailable`, not an exception of redis-py."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]

        with pytest.raises(StoreUnavailable):
            open_store(RedisSettings(url=f"redis://127.0.0.1:{port}", timeout_s=1))


def test_a_wrong_password_is_said_as_such(valkey_url: str) -> None:
    """Waiting would not help, so it is not `StoreUnavailable`."""
    with pytest.raises(StoreError, match="user or password") as caught:
        open_store(RedisSettings(url=valkey_url, password=SecretStr("wrong")))

    assert not isinstance(caught.value, StoreUnavailable)


@pytest.mark.parametrize(
    ("server", "good"),
    [
        ({"redis_version": "6.2.14"}, False),
        ({"redis_version": "7.0.0"}, True),
        ({"redis_version": "7.2.4", "valkey_version": "7.2.5"}, False),
        ({"redis_version": "7.2.4", "valkey_version": "8.0.1"}, True),
    ],
)
def test_old_servers_are_refused(server: dict[str, str], good: bool) -> None:
    """Redis 7.0 or Valkey 8.0 at least; Valkey also names a Redis version that says nothing."""
    if good:
        check_version(server)
    else:
        with pytest.raises(StoreError, match=r"Redis 7.0 or Valkey 8.0 at least is needed"):
            check_version(server)


def test_a_server_that_forgot_the_scripts_gets_them_again(floor: Floor) -> None:
    """A restart of the server is no error."""
    floor.fill(1)
    trip(floor.store, [("SCRIPT", "FLUSH")])

    assert len(floor.lease()) == 1


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (redis.exceptions.ConnectionError("gone"), StoreUnavailable),
        (redis.exceptions.TimeoutError("late"), StoreUnavailable),
        (redis.exceptions.OutOfMemoryError("command not allowed when used memory > 'maxmemory'."), StoreUnavailable),
        (redis.exceptions.ReadOnlyError("You can't write against a read only replica."), StoreUnavailable),
        (redis.exceptions.ResponseError("MISCONF Redis is configured to save"), StoreUnavailable),
        (redis.exceptions.ResponseError("WRONGTYPE Operation against a key"), StoreError),
    ],
)
def test_errors_are_told_apart(error: redis.exceptions.RedisError, kind: type[StoreError]) -> None:
    """What passes by itself is `StoreUnavailable`, the rest `StoreError`."""
    assert type(translated(error)) is kind


def test_a_full_server_is_unavailable_and_changes_nothing(floor: Floor) -> None:
    """A real out-of-memory answer to a script is recognised, and the leads stay in the stream."""
    floor.add({"lead_id": "L1", "phone": "+8613800000001"})
    trip(floor.store, [("CONFIG", "SET", "maxmemory", "1")])
    try:
        with pytest.raises(StoreUnavailable):
            floor.take_in()
    finally:
        trip(floor.store, [("CONFIG", "SET", "maxmemory", "0")])

    assert len(floor.lease()) == 0


def test_one_refused_command_does_not_hide_the_others(store: Store) -> None:
    """`attempt_trip` gives every reply in its place."""
    good, bad = attempt_trip(store, [("PING",), ("HGET", "only-one-argument")])

    assert good == b"PONG"
    assert isinstance(bad, StoreError)


def test_a_server_that_keeps_nothing_is_warned_about(store: Store) -> None:
    """Each setting that can lose data has its sentence; a good one has none."""
    trip(store, [("CONFIG", "SET", "save", ""), ("CONFIG", "SET", "maxmemory-policy", "allkeys-lru")])
    nothing, evicts = persistence_warnings(store.link)
    trip(store, [("CONFIG", "SET", "save", "3600 1"), ("CONFIG", "SET", "maxmemory-policy", "noeviction")])
    snapshots = persistence_warnings(store.link)
    trip(store, [("CONFIG", "SET", "save", "")])

    assert "a restart loses leads" in nothing
    assert "noeviction" in evicts
    assert "since its last snapshot" in snapshots[0]


def test_a_durable_server_is_not_warned_about() -> None:
    """AOF with fsync every second and no eviction is what docs/redis.md asks for."""
    with running_valkey({"appendonly": "yes"}) as server:
        store = open_store(RedisSettings(url=server.connection_url))
        first = persistence_warnings(store.link)
        trip(store, [("CONFIG", "SET", "appendfsync", "no")])
        second = persistence_warnings(store.link)
        close_store(store)

    assert first == ()
    assert len(second) == 1


def test_blocking_reads_end_before_their_socket_does(store: Store) -> None:
    """A read may not block longer than half the time-out."""
    assert connection.block_limit_ms(store, 60_000) == 2500
    assert connection.block_limit_ms(store, 100) == 100


def test_a_node_of_a_cluster_is_said_as_such() -> None:
    """With the address that the server gave, which no mask takes for a phone number."""
    error = translated(redis.exceptions.MovedError("12182 127.0.0.1:7001"))

    assert masked_text(str(error)) == str(error)
    assert "redis+cluster://), and the keys of slot 12182 are at 127.0.0.1:7001" in str(error)
