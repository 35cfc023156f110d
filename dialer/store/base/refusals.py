"""What the client library raises and what servers refuse, in our words."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final

import redis
from redis.exceptions import RedisClusterException

from dialer.language.phrases import phrase
from dialer.store.base.errors import NotAllowed, StoreError, StoreUnavailable
from dialer.store.base.servers import Command, Link, is_no_cluster

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
# How a script is told that its caller may not do that: by Valkey and Redis 7.2, by Redis 7.0.
_NOT_ALLOWED: Final = ("ACL failure in script", "The user executing the script can't")
_WHERE: Final = re.compile(r" script: (?:[0-9a-f]{40}, )?on @.*", re.DOTALL)
_TEMPORARY_TYPES: Final = (
    redis.exceptions.OutOfMemoryError,
    redis.exceptions.ReadOnlyError,
    redis.exceptions.BusyLoadingError,
    redis.exceptions.ClusterDownError,
    redis.exceptions.TryAgainError,
)


def translated(error: redis.exceptions.RedisError | RedisClusterException) -> StoreError:
    """An exception of redis-py as one of ours."""
    text = str(error)
    if isinstance(error, redis.exceptions.AskError):  # MOVED is one as well
        node = f"{error.host}:{error.port}"
        return StoreError(
            f"redis.url names a node of a Redis Cluster (redis+cluster://), and the keys of slot {error.slot_id} are "
            f"at {node}"
        )
    if isinstance(error, redis.exceptions.AuthenticationError):
        return StoreError(phrase("the server refused the user or password: {text}", text=text))
    if isinstance(error, redis.exceptions.NoPermissionError) or any(words in text for words in _NOT_ALLOWED):
        return NotAllowed(phrase("this Redis user may not do that: {text}", text=_WHERE.sub("", text)))
    if isinstance(error, RedisClusterException):
        return _of_cluster(error)
    if isinstance(error, redis.exceptions.ConnectionError | redis.exceptions.TimeoutError | OSError):
        return StoreUnavailable(text)
    if isinstance(error, _TEMPORARY_TYPES) or text.startswith(_TEMPORARY):
        return StoreUnavailable(text)
    return StoreError(text)


def _of_cluster(error: RedisClusterException) -> StoreError:
    """No node could be asked; why is in the exception behind it."""
    if is_no_cluster(error):
        return StoreError("redis.url says redis+cluster://, and the server is not in cluster mode")
    cause = error.__cause__
    if isinstance(cause, redis.exceptions.AuthenticationError):
        return translated(cause)
    return StoreUnavailable(str(error))


@contextmanager
def translating() -> Iterator[None]:
    """Within it nothing of redis-py is raised, but `StoreUnavailable` and `StoreError`."""
    try:
        yield
    except (redis.exceptions.RedisError, RedisClusterException) as error:
        raise translated(error) from error
    except OSError as error:
        raise StoreUnavailable(str(error)) from error


def everywhere(link: Link, commands: Sequence[Command]) -> dict[str, list[Any]]:
    """Every master's replies to commands without a key, by its address. Raises `StoreUnavailable`, and `StoreError` for
    the first that is refused."""
    with translating():
        replies = link.everywhere(commands)
    for reply in (answer for answers in replies.values() for answer in answers):
        if isinstance(reply, redis.exceptions.RedisError):
            raise translated(reply) from reply
    return replies
