"""The file of those who may sign in: names, roles, and passwords as Argon2 hashes."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Final

import argon2
import msgspec
from msgspec import Meta

from dialer.disk.errors import DiskError
from dialer.disk.folders import sync_folder
from dialer.web.access import WebRole

NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.@-]{0,63}")
SHORTEST_PASSWORD: Final = 10
LONGEST_PASSWORD: Final = 1024
MOST_BYTES: Final = 1_000_000

_HASHER: Final = argon2.PasswordHasher()
_NOBODY: Final = _HASHER.hash("nobody has this password")
"""What the password of an unknown name is held against, so that it takes as long as that of a known one."""


class User(msgspec.Struct, frozen=True):
    """Somebody. Without a `password` only a proxy can say that it is they."""

    role: WebRole
    password: Annotated[str, Meta(max_length=512)] = ""

    @property
    def credential(self) -> str:
        """Names role and password: a session that was begun with others has ended."""
        return hashlib.sha256(f"{self.role} {self.password}".encode()).hexdigest()[:32]


_DECODER: Final = msgspec.json.Decoder(dict[str, User])


def read(path: Path) -> dict[str, User]:
    """Everybody, by name; nobody where there is no such file. Raises `DiskError`."""
    try:
        with path.open("rb") as file:
            return _DECODER.decode(file.read(MOST_BYTES))
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise DiskError(f"{path}: {error.strerror}") from error
    except msgspec.MsgspecError as error:
        raise DiskError(f"{path} cannot be read: {error}") from error


def write(path: Path, users: Mapping[str, User]) -> None:
    """Put everybody into the file, for its owner alone, as a whole or not at all. Raises `DiskError`."""
    part = path.with_name(f"{path.name}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        part.unlink(missing_ok=True)
        with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(msgspec.json.format(msgspec.json.encode(dict(sorted(users.items())))) + b"\n")
            file.flush()
            os.fsync(file.fileno())
        part.rename(path)
        sync_folder(path.parent)
    except OSError as error:
        raise DiskError(f"{path}: {error.strerror}") from error


def hashed(password: str) -> str:
    """A password as it is kept. Raises `ValueError` for one that is too short or too long."""
    if not SHORTEST_PASSWORD <= len(password) <= LONGEST_PASSWORD:
        raise ValueError(f"a password has {SHORTEST_PASSWORD} to {LONGEST_PASSWORD:,} characters")
    return _HASHER.hash(password)


def is_password(user: User | None, password: str) -> bool:
    """Whether it is theirs. It takes a twentieth of a second and 64 MB, whoever asks."""
    try:
        _HASHER.verify(user.password if user is not None and user.password else _NOBODY, password[:LONGEST_PASSWORD])
    except (argon2.exceptions.VerificationError, argon2.exceptions.InvalidHashError):
        return False
    return user is not None and bool(user.password)


@dataclass(slots=True)
class Users:
    """The file as it is now: it is read again when it has changed."""

    path: Path
    _read_as: tuple[int, int] = (-1, -1)
    _users: Mapping[str, User] = field(default_factory=dict)

    def get(self, name: str) -> User | None:
        """Somebody by name. Raises `DiskError`."""
        try:
            found = self.path.stat()
            changed = (found.st_mtime_ns, found.st_ino)
        except OSError:
            changed = (0, 0)
        if changed != self._read_as:
            self._users, self._read_as = read(self.path), changed
        return self._users.get(name)
