"""Encryption at rest: AES-256-GCM, with keys of the operator. A sealed file is

    b"DREC1\\0"  the key's name (8 bytes)  nonce (12 bytes)  ciphertext with its tag

The head and the attempt's id are authenticated with it, so that no file takes another's place. The first key of the
file seals; every one opens, so a key is changed by putting a new one on top.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from dialer.disk.errors import DiskError
from dialer.language.phrases import phrase

MAGIC: Final = b"DREC1\0"
KEY_BYTES: Final = 32
MOST_KEYS: Final = 64
_NAME_BYTES: Final = 8
_NONCE_BYTES: Final = 12
_HEAD_BYTES: Final = len(MAGIC) + _NAME_BYTES


def key_name(key: bytes) -> bytes:
    """Tells keys apart, and nothing else about them."""
    return hashlib.sha256(b"recordings " + key).digest()[:_NAME_BYTES]


def read_keys(path: Path) -> tuple[bytes, ...]:
    """The keys of a file, one a line, the one for new recordings first. Raises `DiskError`."""
    try:
        if path.stat().st_mode & 0o077:
            raise DiskError(phrase("{path} may be read by others: chmod 0600 {path}", path=path))
        lines = path.read_text(encoding="ascii").split()
    except (OSError, ValueError) as error:
        raise DiskError(f"{path}: {getattr(error, 'strerror', None) or 'is no text of hexadecimal digits'}") from error
    try:
        keys = tuple(bytes.fromhex(line) for line in lines[:MOST_KEYS])
    except ValueError:
        keys = ()
    if not keys or any(len(key) != KEY_BYTES for key in keys):
        raise DiskError(f"{path} must hold {2 * KEY_BYTES} hexadecimal digits a line: openssl rand -hex {KEY_BYTES}")
    return keys


def sealed(plain: bytes, attempt: str, key: bytes) -> bytes:
    """Encrypt a recording."""
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    head, nonce = MAGIC + key_name(key), os.urandom(_NONCE_BYTES)
    return head + nonce + AESGCM(key).encrypt(nonce, plain, head + attempt.encode())


def opened(data: bytes, attempt: str, keys: Sequence[bytes]) -> bytes:
    """Decrypt a recording. Raises `DiskError` where no key fits, or it is not what was sealed."""
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    if not data.startswith(MAGIC) or len(data) < _HEAD_BYTES + _NONCE_BYTES:
        raise DiskError(f"recording {attempt} is not sealed as this release does")
    head, nonce, rest = data[:_HEAD_BYTES], data[_HEAD_BYTES:][:_NONCE_BYTES], data[_HEAD_BYTES + _NONCE_BYTES :]
    key = next((each for each in keys if key_name(each) == head[len(MAGIC) :]), None)
    if key is None:
        raise DiskError(phrase("recording {attempt}: its key is not in recordings.key_file", attempt=attempt))
    try:
        return AESGCM(key).decrypt(nonce, rest, head + attempt.encode())
    except InvalidTag:
        raise DiskError(
            phrase("recording {attempt} was altered: it does not open with its key", attempt=attempt)
        ) from None
