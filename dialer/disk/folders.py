"""Folders of this host: one process has each, and what is in them is forced to disk."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

from dialer.disk.errors import DiskError
from dialer.language.phrases import phrase


def lock_folder(folder: Path) -> int:
    """A descriptor that keeps other processes out of a folder (made with mode 0700) while it is open. Raises
    `DiskError` where another one has it, and `OSError`."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    lock = os.open(folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(lock)
        raise DiskError(phrase("{folder} is in use by another process", folder=folder)) from None
    return lock


def sync_folder(folder: Path) -> None:
    """Force to disk which files a folder has."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
