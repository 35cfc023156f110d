"""What streams carry: how we write it, and how we read what others wrote: strictly, every fault at once. Pure."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

import msgpack

from compliance.numbers import holds_number
from config.agent_choice import HIGHEST_LEVEL, LONGEST_SKILL, MOST_SKILLS, skills_of
from dialer.store.base.errors import StoreError

MAX_ENTRY_BYTES: Final = 8192
MAX_DEPTH: Final = 16
MAX_REF_LENGTH: Final = 64
EPOCH_MAX: Final = 4_102_444_800.0
"""2100-01-01: a time beyond is taken for milliseconds or a mistake."""

_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f]")

UNKNOWN_NAMED: Final = 5
"""So many unknown fields of an entry are named in its refusal."""

_NAMES: Final = {
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    str: "text",
    bytes: "binary",
    list: "a list",
    dict: "a map",
    type(None): "nothing",
}


class Undecodable(StoreError, ValueError):
    """Bytes that are not what they should be; the message says why."""


def decode(fields: Mapping[bytes, bytes], name: str, max_bytes: int = MAX_ENTRY_BYTES) -> dict[str, Any]:
    """The map in a stream entry: the field `name` (msgpack) or `json` (a JSON object), exactly one of them.

    Raises `Undecodable`: no such field, too long, malformed, bytes after the end, a key twice, not a map.
    """
    given = [key for key in (name.encode(), b"json") if key in fields]
    if len(given) != 1 or len(fields) != 1:
        shown = [repr(key[:40].decode("ascii", "backslashreplace"))[:40] for key in list(fields)[:UNKNOWN_NAMED]]
        more = f" and {len(fields) - UNKNOWN_NAMED:,} more" if len(fields) > UNKNOWN_NAMED else ""
        shown_fields = (", ".join(sorted(shown)) or "none") + more
        raise Undecodable(f"an entry has one field, '{name}' (msgpack) or 'json' (JSON); found: {shown_fields}")
    raw = fields[given[0]]
    if len(raw) > max_bytes:
        raise Undecodable(f"{len(raw)} bytes, the limit is {max_bytes}")
    value = _from_json(raw) if given[0] == b"json" else unpacked(raw)
    if not isinstance(value, dict):
        raise Undecodable(f"must be a map of fields, got {kind_of(value)}")
    return value


def encoded(value: Any, what: str) -> bytes:
    """A value as msgpack; `what` names it in the message. Raises `StoreError` for what msgpack cannot carry."""
    try:
        return bytes(msgpack.packb(value))
    except (TypeError, ValueError, OverflowError) as error:
        raise StoreError(f"{what} holds what msgpack cannot carry: {error}") from error


def kind_of(value: object) -> str:
    """The type of a value in plain words."""
    return _NAMES.get(type(value), type(value).__name__)


def _from_json(raw: bytes) -> Any:
    try:
        value = json.loads(raw.decode(), object_pairs_hook=_without_twins, parse_constant=_no_constant)
    except UnicodeDecodeError:
        raise Undecodable("JSON: not UTF-8") from None
    except RecursionError:
        raise Undecodable("JSON: nested too deeply") from None
    except json.JSONDecodeError as error:
        raise Undecodable(f"JSON: {error.msg} at character {error.pos}") from None
    except Undecodable:
        raise
    except ValueError as error:  # a number of thousands of digits
        raise Undecodable(f"JSON: {error}") from None
    return value


def unpacked(raw: bytes, *, twins: bool = False) -> Any:
    """Strict msgpack as a value; with `twins`, which is faster, a key may be there twice. Raises `Undecodable`."""
    hook = None if twins else _without_twins
    try:
        return msgpack.unpackb(raw, raw=False, strict_map_key=True, object_pairs_hook=hook, ext_hook=_no_extension)
    except msgpack.ExtraData:
        raise Undecodable("msgpack: bytes after the end of the map") from None
    except UnicodeDecodeError:
        raise Undecodable("msgpack: text that is not UTF-8") from None
    except msgpack.StackError:
        raise Undecodable("msgpack: nested too deeply") from None
    except Undecodable:
        raise
    except (ValueError, TypeError, RecursionError) as error:
        raise Undecodable(f"msgpack: {error or 'malformed'}") from None


def _without_twins(pairs: list[tuple[Any, Any]]) -> dict[Any, Any]:
    unique = dict(pairs)
    if len(unique) != len(pairs):
        names = [key for key, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise Undecodable(f"the field {str(twice)[:40]!r} is there twice")
    return unique


def _no_constant(name: str) -> Any:
    raise Undecodable(f"JSON: {name} is not a number")


def _no_extension(code: int, data: bytes) -> Any:
    raise Undecodable(f"msgpack: extension type {code} is not allowed")


def fault_in(value: object, depth: int = 0) -> str | None:
    """Why a free-form value cannot be kept and sent on as msgpack and JSON; None: it can."""
    if depth > MAX_DEPTH:
        return f"nested more than {MAX_DEPTH} deep"
    if isinstance(value, str):
        return None if _encodable(value) else "holds text that is not valid Unicode"
    if value is None or isinstance(value, bool):
        return None
    if isinstance(value, int):
        return None if -(2**63) <= value < 2**63 else "holds a number beyond 64 bits"
    if isinstance(value, float):
        return None if math.isfinite(value) else "holds a number that is not finite"
    if isinstance(value, dict):
        if not all(isinstance(key, str) and _encodable(key) for key in value):
            return "holds a key that is not text"
        value = list(value.values())
    if isinstance(value, list):
        for item in value:
            fault = fault_in(item, depth + 1)
            if fault is not None:
                return fault
        return None
    return f"holds {kind_of(value)}, which is not allowed"


def _encodable(text: str) -> bool:
    if text.isascii():
        return True
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


@dataclass(slots=True)
class Fields:
    """The fields of one map, read one by one; `faults` collects everything that is wrong with them.

    A reader gives its default where the field is missing or wrong. `finish` names the fields that nobody asked for.
    """

    data: dict[str, Any]
    faults: list[str] = field(default_factory=list)
    asked: set[str] = field(default_factory=set)

    def _take(self, name: str) -> Any:
        self.asked.add(name)
        return self.data.get(name)

    def wrong(self, name: str, wanted: str, value: object) -> None:
        self.faults.append(f"{name}: must be {wanted}, got {kind_of(value)}")

    def text(self, name: str, limit: int, *, needed: bool = False, default: str = "") -> str:
        """Text of at most `limit` characters without control characters."""
        self.asked.add(name)
        value = self.data.get(name)
        if value is None:
            if needed:
                self.faults.append(f"{name}: missing")
            return default
        fault = self.text_fault(value, limit, needed=needed)
        if fault is not None:
            self.faults.append(f"{name}: {fault}")
            return default
        return str(value)

    @staticmethod
    def text_fault(value: object, limit: int, *, needed: bool = False) -> str | None:
        if not isinstance(value, str):
            return f"must be text, got {kind_of(value)}"
        if value.isprintable() and 0 < len(value) <= limit and not value.isspace():
            return None  # nearly every text: what can be printed holds no control character and can be encoded
        if needed and not value.strip():
            return "empty"
        if len(value) > limit:
            return f"longer than {limit} characters"
        if _CONTROL.search(value):
            return "holds control characters"
        return None if _encodable(value) else "is not valid Unicode"

    def agent(self, limit: int, *, needed: bool = False) -> str:
        """The field `agent`. A number in it is named in the fault: many desktops know their agents by numbers."""
        value = self._take("agent")
        if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2**63:
            self.faults.append(f'agent: must be text, got the whole number {value}: send "{value}"')
            return ""
        return self.text("agent", limit, needed=needed)

    def ref(self) -> str:
        """The field `ref`: what the sender calls the entry. It comes back in every answer, so it holds no number."""
        ref = self.text("ref", MAX_REF_LENGTH)
        if not ref or not holds_number(ref):
            return ref
        self.faults.append("ref: reads like a phone number, and it comes back in events")
        return ""

    def choice(self, name: str, allowed: tuple[str, ...], default: str = "") -> str:
        """One of `allowed`, needed unless there is a default; empty where it is none of them."""
        value = self._take(name)
        if value is None and default:
            return default
        if value is None:
            self.faults.append(f"{name}: missing")
        elif value not in allowed:
            self.faults.append(f"{name}: must be one of {', '.join(allowed)}")
        else:
            return str(value)
        return ""

    def whole(self, name: str, low: int, high: int, default: int) -> int:
        value = self._take(name)
        if value is None:
            return default
        if isinstance(value, float) and value.is_integer():  # programs that know one kind of number write 7 as 7.0
            value = int(value)
        if isinstance(value, bool) or not isinstance(value, int):
            self.wrong(name, "a whole number", value)
            return default
        if not low <= value <= high:
            self.faults.append(f"{name}: must be {low} to {high}, got {str(value)[:20]}")
            return default
        return value

    def flag(self, name: str) -> bool:
        value = self._take(name)
        if value is not None and not isinstance(value, bool):
            self.wrong(name, "true or false", value)
        return value is True

    def time(self, name: str) -> float | None:
        """Seconds since the epoch, or ISO 8601 text with an offset."""
        value = self._take(name)
        if value is None:
            return None
        if isinstance(value, str):
            return self._iso(name, value)
        if isinstance(value, bool) or not isinstance(value, int | float):
            self.wrong(name, "seconds since the epoch or ISO 8601 text", value)
            return None
        return self._in_range(name, value)

    def _iso(self, name: str, value: str) -> float | None:
        try:
            when = datetime.fromisoformat(value[:40])
        except ValueError:
            self.faults.append(f"{name}: not an ISO 8601 time such as 2026-03-01T09:30:00+08:00")
            return None
        if when.tzinfo is None:
            self.faults.append(f"{name}: an ISO 8601 time needs its offset, such as +08:00 or Z")
            return None
        return self._in_range(name, when.timestamp())

    def _in_range(self, name: str, value: float) -> float | None:
        if not 0 <= value <= EPOCH_MAX:  # also false of NaN, and of integers that no float can hold
            self.faults.append(f"{name}: not a time between 1970 and 2100 in seconds since the epoch")
            return None
        return float(value)

    def free(self, name: str, limit_bytes: int) -> dict[str, Any]:
        """A map of the sender's own, at most `limit_bytes` as msgpack."""
        value = self._take(name)
        if value is None:
            return {}
        if not isinstance(value, dict):
            self.wrong(name, "a map", value)
            return {}
        fault = fault_in(value)
        if fault is None and (size := len(msgpack.packb(value))) > limit_bytes:
            fault = f"{size} bytes as msgpack, the limit is {limit_bytes}"
        if fault is not None:
            self.faults.append(f"{name}: {fault}")
            return {}
        return value

    def texts(self, name: str, limit: int, most: int) -> tuple[str, ...]:
        """A list of at most `most` texts."""
        value = self._take(name)
        if value is None:
            return ()
        if not isinstance(value, list):
            self.wrong(name, "a list of texts", value)
            return ()
        if len(value) > most:
            self.faults.append(f"{name}: more than {most} entries")
            return ()
        faults = [(i, self.text_fault(item, limit, needed=True)) for i, item in enumerate(value)]
        self.faults.extend(f"{name}[{i}]: {fault}" for i, fault in faults if fault is not None)
        return tuple(item for item, (_, fault) in zip(value, faults, strict=True) if fault is None)

    def skills(self) -> dict[str, int]:
        """The field `skills`: a list of NAME or NAME:LEVEL."""
        texts = self.texts("skills", LONGEST_SKILL + len(f":{HIGHEST_LEVEL}"), MOST_SKILLS)
        try:
            return skills_of(texts)
        except ValueError as error:
            self.faults.append(f"skills: {error}")
            return {}

    def finish(self, hint: str = "") -> None:
        """Name the fields that are not part of the contract, the first ones where there are many."""
        unknown = [name for name in self.data if name not in self.asked]
        for name in unknown[:UNKNOWN_NAMED]:
            shown = name if isinstance(name, str) else kind_of(name)
            self.faults.append(f"unknown field {shown[:40]!r}{hint}")
        if len(unknown) > UNKNOWN_NAMED:
            self.faults.append(f"{len(unknown) - UNKNOWN_NAMED} more unknown fields")
