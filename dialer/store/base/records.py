"""Records that we keep ourselves: a struct or dataclass as msgpack, and strictly back. Pure.

What stands in our own keys is no more to be trusted than a stream: another release wrote it, or a hand. A record of
another shape is `Undecodable`, with the reason, and never half of a value.
"""

from __future__ import annotations

from typing import Annotated, Any, Final, TypeVar

import msgpack
import msgspec
from msgspec import Meta

from dialer.store.base.fields import EPOCH_MAX, Undecodable, unpacked

T = TypeVar("T")

Time = Annotated[float, Meta(ge=0, le=EPOCH_MAX)]
"""Seconds since the epoch."""

Count = Annotated[int, Meta(ge=0)]
Digits = Annotated[str, Meta(pattern=r"^\+[1-9][0-9]{5,14}\Z")]
"""A clear number, as in `E164`."""

NO_TIME: Final = -1.0
"""In the place of a time that nobody knows."""


def plain(record: object) -> Any:
    """A record as maps, lists and scalars."""
    return msgspec.to_builtins(record, builtin_types=(bytes,), enc_hook=_english)


def _english(value: object) -> str:
    """A phrase is kept as its English text."""
    if isinstance(value, str):
        return str(value)
    raise NotImplementedError(f"a record cannot hold {value!r}")


def packed(record: object) -> bytes:
    """A record as it is kept."""
    return bytes(msgpack.packb(plain(record)))


def shaped(kind: type[T], data: object, what: str) -> T:
    """Plain data as a record. Raises `Undecodable`, which says what of `what` is wrong."""
    try:
        return msgspec.convert(data, kind)
    except (msgspec.ValidationError, RecursionError, UnicodeError) as error:
        raise Undecodable(f"{what} cannot be read: {error}") from None


def read(kind: type[T], raw: bytes, what: str) -> T:
    """A kept record. Raises `Undecodable`."""
    try:
        data = unpacked(raw, twins=True)
    except Undecodable as error:
        raise Undecodable(f"{what} cannot be read: {error}") from None
    return shaped(kind, data, what)


def text_of(raw: bytes) -> str:
    """A name out of a key or field. Raises `Undecodable`."""
    try:
        return raw.decode()
    except UnicodeDecodeError:
        raise Undecodable("a name that is not UTF-8") from None


def whole_of(raw: bytes | None, default: int) -> int:
    """A counter; `default` where there is none, or none that the server can count on."""
    try:
        counted = default if raw is None else int(raw[:32])
    except ValueError:
        return default
    return counted if -(2**63) <= counted < 2**63 else default
