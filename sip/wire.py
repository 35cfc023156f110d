"""Messages as bytes: 4 bytes of length (big-endian), then a msgpack list `[tag, field, ...]`.

The tag is the name of the message's class and the fields stand in the order of its definition, so the dataclasses of
`sip.messages` are the only schema. Decoding is strict: a frame that is too long, of an unknown tag, or with a field
of the wrong type is a `WireError`, after which the stream cannot be trusted any more.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Callable
from dataclasses import fields, is_dataclass
from enum import StrEnum
from typing import Any, Final, get_args, get_origin, get_type_hints

import msgpack

from sip.messages import Command, Event
from sip.settings import WorkerSettings

Message = Command | Event | WorkerSettings

FRAME_LIMIT_BYTES: Final = 1024 * 1024
"""The largest are settings: 64 trunks with as many sources and rules as they may have come to less than half of it."""

READ_BYTES: Final = 64 * 1024
"""What is read off a stream at once."""

"""The longest frame body that is sent or accepted."""

_LENGTH: Final = struct.Struct(">I")


class WireError(ValueError):
    """What came, or was to be sent, is not a message."""


def encode(message: Message) -> bytes:
    """One frame, ready to be written. Raises `WireError` if it exceeds `FRAME_LIMIT_BYTES` or holds no valid text."""
    try:
        body: bytes = msgpack.packb([type(message).__name__, *_values(message)], use_bin_type=True)
    except (UnicodeEncodeError, OverflowError, TypeError) as error:
        raise WireError(f"{type(message).__name__} cannot be encoded: {error}") from error
    if len(body) > FRAME_LIMIT_BYTES:
        raise WireError(f"{type(message).__name__} needs {len(body)} bytes, the limit is {FRAME_LIMIT_BYTES}")
    return _LENGTH.pack(len(body)) + body


def decode(body: bytes) -> Message:
    """The message in one frame body (without the length)."""
    try:
        parts = msgpack.unpackb(body, use_list=True, strict_map_key=True, max_ext_len=0)
    except Exception as error:  # msgpack documents no common base for what it raises on bad input
        raise WireError(f"not msgpack: {type(error).__name__}: {error}") from error
    if not isinstance(parts, list) or not parts or not isinstance(parts[0], str):
        raise WireError("a message is a list that starts with its tag")
    reader = _READERS.get(parts[0])
    if reader is None:
        raise WireError(f"unknown tag {parts[0][:40]!r}")
    message: Message = reader(parts[1:], parts[0])
    return message


class Decoder:
    """Turns a stream of bytes into messages, however it was cut into pieces."""

    __slots__ = ("_buffer",)

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> list[Message]:
        """The messages that `data` completes. Raises `WireError` at the first malformed frame."""
        self._buffer += data
        messages: list[Message] = []
        start = 0
        while len(self._buffer) - start >= _LENGTH.size:
            (length,) = _LENGTH.unpack_from(self._buffer, start)
            if length > FRAME_LIMIT_BYTES:
                raise WireError(f"a frame of {length} bytes, the limit is {FRAME_LIMIT_BYTES}")
            end = start + _LENGTH.size + length
            if len(self._buffer) < end:
                break
            messages.append(decode(bytes(self._buffer[start + _LENGTH.size : end])))
            start = end
        del self._buffer[:start]
        return messages


# --- the schema, read off the dataclasses -----------------------------------------------------------------------

_Reader = Callable[[Any, str], Any]


def _values(message: Any) -> list[object]:
    names = _FIELDS.get(type(message)) or _FIELDS.setdefault(
        type(message), tuple(field.name for field in fields(message))
    )
    return [value if type(value := getattr(message, name)) in _PLAIN else _plain(value) for name in names]


def _plain(value: object) -> object:
    if isinstance(value, StrEnum):
        return value.value
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    if is_dataclass(value):
        return _values(value)
    return value


_FIELDS: Final[dict[type[Any], tuple[str, ...]]] = {}
_PLAIN: Final = frozenset({str, int, float, bool})


def _record(cls: type[Any]) -> _Reader:
    hints = get_type_hints(cls)
    readers = [(f"{cls.__name__}.{field.name}", _field(hints[field.name])) for field in fields(cls)]

    def read(values: Any, where: str) -> Any:
        if not isinstance(values, list) or len(values) != len(readers):
            raise WireError(f"{where}: expected a list of {len(readers)} fields")
        return cls(*(reader(value, name) for value, (name, reader) in zip(values, readers, strict=True)))

    return read


def _field(hint: Any) -> _Reader:
    if get_origin(hint) is tuple:
        item = _field(get_args(hint)[0])
        return lambda values, where: tuple(item(value, where) for value in _exactly(list, values, where))
    if isinstance(hint, type) and is_dataclass(hint):
        return _record(hint)
    if issubclass(hint, StrEnum):
        return lambda value, where: _member(hint, value, where)
    if hint is float:
        return _number
    return lambda value, where: _exactly(hint, value, where)


def _exactly(kind: type[Any], value: Any, where: str) -> Any:
    if type(value) is not kind:
        raise WireError(f"{where}: expected {kind.__name__}, got {type(value).__name__}")
    return value


def _number(value: Any, where: str) -> float:
    if type(value) not in (int, float) or not math.isfinite(value):
        raise WireError(f"{where}: expected a finite number")
    return float(value)


def _member(enum: type[StrEnum], value: Any, where: str) -> StrEnum:
    try:
        return enum(_exactly(str, value, where))
    except ValueError as error:
        raise WireError(f"{where}: {str(value)[:40]!r} is no {enum.__name__}") from error


_READERS: Final[dict[str, _Reader]] = {cls.__name__: _record(cls) for cls in get_args(Message)}
