"""The process that makes recordings of talks: one line of JSON in, one out, at the lowest priority.

    {"live": ..., "name": ..., "folder": ..., "bitrate_kbps": 24, "key_file": ""}
    {"row": {...}}  or  {"empty": true}  or  {"error": "..."}

Its first line is {}, when it can take orders. It ends with its input. What it says is done is on disk for good, and
is not in the index yet.
"""

from __future__ import annotations

import hashlib
import os
import sys
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import msgspec

from dialer.disk.errors import DiskError
from dialer.disk.folders import sync_folder
from dialer.disk.recordings import sealing, talks
from dialer.disk.recordings.index import PLAIN, SEALED, Row, make_private
from dialer.disk.recordings.opus import encoded
from dialer.disk.recordings.orders import Order, Reply
from dialer.disk.recordings.talks import RATE_HZ, Talk

LOWEST_PRIORITY: Final = 19
_TEXTS: Final = ("campaign", "agent", "team", "lead", "phone", "number", "customer")


def done(order: Order) -> Reply:
    """Carry an order out."""
    try:
        talk = talks.read_talk(Path(order.live), order.name)
        data = encoded(talk.blocks(), bitrate_kbps=order.bitrate_kbps, title=talk.name) if talk.samples else b""
    except DiskError as error:
        return Reply(error=str(error))
    except OSError as error:
        return Reply(error=_why(error, order.live), may_pass=True)
    if not data:
        return Reply(empty=True)
    try:
        return Reply(row=_kept(order, talk, data))
    except DiskError as error:
        return Reply(error=str(error), may_pass=True)
    except OSError as error:
        return Reply(error=_why(error, order.folder), may_pass=True)


def _why(error: OSError, folder: str) -> str:
    return f"{error.filename or folder}: {error.strerror or error}"


def _kept(order: Order, talk: Talk, data: bytes) -> Row:
    suffix = PLAIN
    if order.key_file:
        data, suffix = sealing.sealed(data, talk.name, sealing.read_keys(Path(order.key_file))[0]), SEALED
    facts, at = talk.facts, float(talk.facts["at"])
    path = make_private(Path(order.folder), datetime.fromtimestamp(at, UTC).date()) / f"{talk.name}{suffix}"
    _write(path, data)
    known: dict[str, Any] = {name: facts[name] for name in _TEXTS if isinstance(facts.get(name), str)}
    keep_days = facts.get("keep_days")
    return Row(
        attempt=talk.name,
        **known,
        at=at,
        duration_s=round(talk.samples / RATE_HZ, 3),
        paused_s=round(talk.paused_samples / RATE_HZ, 3),
        sha256=hashlib.sha256(data).hexdigest(),
        size_bytes=len(data),
        file=path.name,
        keep_days=keep_days if isinstance(keep_days, int) else 0,
    )


def _write(path: Path, data: bytes) -> None:
    part = path.with_name(f"{path.name}.part")
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        part.rename(path)
    except OSError:
        part.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def main() -> None:
    """Serve until the input ends."""
    os.nice(LOWEST_PRIORITY)
    os.umask(0o077)
    _say(Reply())
    for line in sys.stdin.buffer:
        _say(done(msgspec.json.decode(line, type=Order)))


def _say(reply: Reply) -> None:
    os.write(1, msgspec.json.encode(reply) + b"\n")


if __name__ == "__main__":
    with suppress(BrokenPipeError):  # the daemon is gone, and the talk's files are still there for the next one
        main()
