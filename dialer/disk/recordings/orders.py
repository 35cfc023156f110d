"""What the encoder's process is told, and what it says."""

from __future__ import annotations

import msgspec

from dialer.disk.recordings.index import Row


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """Which talk is to become a recording, and where."""

    live: str
    name: str
    folder: str
    bitrate_kbps: int
    key_file: str = ""


class Reply(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What came of it. `empty`: nothing was ever recorded. `error` is for people; it `may_pass` where it is the fault
    of the disk or the key, and not of the talk."""

    row: Row | None = None
    empty: bool = False
    error: str = ""
    may_pass: bool = False
