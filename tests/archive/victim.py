"""An archive's writer in a process of its own that is killed at a point of its work."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

from config.redis import RedisSettings
from dialer.archive import standing
from dialer.archive.sources import Sources
from dialer.archive.writer import Ages
from dialer.disk.archive.partitions import Partitions
from dialer.store.base.connection import close_store, open_store

KINDS = {"Partitions": Partitions, "Sources": Sources, "os": os}


def archive_all(url: str, folder: Path, key_file: Path, point: str = "", after: int = 0) -> None:
    """Write what there is. SIGKILL comes before or behind a call ("os.fsync.before"), when `after` of them are over."""
    if point:
        kind, name, when = point.split(".")
        setattr(KINDS[kind], name, _dying(getattr(KINDS[kind], name), when == "before", after))
    store = open_store(RedisSettings(url=url))
    with standing.open_writer(store, folder, key_file, 3600.0, Ages(304, 1826), "victim") as writer:
        writer.open(0.0)
        while writer.step():
            writer.flush()
        writer.flush()
    close_store(store)


def _dying(method: Callable[..., Any], before: bool, left: int) -> Callable[..., Any]:
    def call(*arguments: Any, **more: Any) -> Any:
        nonlocal left
        left -= 1
        if before and left < 0:
            os.kill(os.getpid(), signal.SIGKILL)
        value = method(*arguments, **more)
        if left < 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return value

    return call
