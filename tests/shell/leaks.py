"""Looking for clear phone numbers in whatever a run of the product has left behind."""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from fnmatch import fnmatch
from pathlib import Path
from typing import Any, Final

import msgpack

from dialer.store.base.connection import Store, trip

TELLING: Final = 8
"""So many digits of a number, its last ones, are enough to know it again; seven in a row are looked for in front."""

ALLOWED_KEYS: Final = {
    "{*}:leads": "the leads as the CRM wrote them",
    "{*}:rejected": "the same, with the reasons",
    "{*}:lead": "leads",
    "{*}:numbers": "leads by number",
    "{c*}:blocked": "the no-call list",
    "{c*}:block_ends": "the no-call list",
    "{c*}:h:*": "contact histories",
    "{*}:outcomes": "what agents wrote of their talks",
    "{*}:story": "the same, in the order of time",
    "prefixes": "the no-call list",
    "crm:in": "what the CRM wrote",
    "agents:in": "what desktops wrote",
    "recordings:erased": "who was erased, and is blocked: hosts that were away delete what they recorded",
}
"""Keys that may hold clear numbers, without the prefix of the installation, and why. All others are searched."""


def written(number: str) -> re.Pattern[str]:
    """Finds the last digits of a number, or its first seven behind the country code, however they are written."""
    digits = number.removeprefix("+")
    gap = r"[^0-9A-Za-z\n*]{0,4}"
    forms = (digits[-TELLING:], digits[-11:-4])
    return re.compile("|".join(gap.join(form) for form in forms))


_TIME: Final = re.compile(r"(?<![0-9])1[78][0-9]{8}(?:\.[0-9]{1,9}|[0-9]{3}(?:-[0-9]+)?)?(?![0-9])")
"""Seconds or milliseconds since the epoch, and ids of stream entries: their digits come as they like."""


def found_in(text: str, numbers: Iterable[str]) -> list[str]:
    """The numbers that are in a text, each with where. The digits of times are no part of a number."""
    found = []
    text = _TIME.sub("@", text)
    for number in numbers:
        hit = written(number).search(text)
        if hit is not None:
            found.append(f"{number}: ...{text[max(0, hit.start() - 80) : hit.end() + 20]!r}")
    return found


def keys_of(store: Store, allowed: bool) -> Iterator[tuple[str, str]]:
    """Every key of the installation that may, or may not, hold clear numbers, and what is in it as text."""
    prefix = store.keys.prefix
    for raw in trip(store, [("KEYS", f"{prefix}*")])[0]:
        name = raw.decode()
        if any(fnmatch(name.removeprefix(prefix), pattern) for pattern in ALLOWED_KEYS) == allowed:
            yield name, f"{name} {_content(store, name)}"


def _content(store: Store, key: str) -> str:
    commands: dict[bytes, tuple[Any, ...]] = {
        b"hash": ("HGETALL", key),
        b"stream": ("XRANGE", key, "-", "+"),
        b"zset": ("ZRANGE", key, 0, -1),
        b"set": ("SMEMBERS", key),
        b"string": ("GET", key),
    }
    kind = trip(store, [("TYPE", key)])[0]
    return " ".join(_spelt(leaf) for leaf in _leaves(trip(store, [commands[kind]])[0]))


def _leaves(reply: Any) -> Iterator[bytes]:
    if isinstance(reply, list):
        for item in reply:
            yield from _leaves(item)
    else:
        yield reply if isinstance(reply, bytes) else str(reply).encode()


def _spelt(leaf: bytes) -> str:
    """Bytes as text, and, where they are msgpack, what is in them."""
    plain = leaf.decode(errors="replace")
    try:
        return f"{plain} {json.dumps(msgpack.unpackb(leaf), ensure_ascii=False, default=repr)}"
    except (ValueError, TypeError, msgpack.UnpackException):
        return plain


def files_of(folder: Path) -> Mapping[str, str]:
    """Every file below a folder as text; compressed ones unpacked, msgpack spelt out as far as it goes."""
    found = {}
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            raw = path.read_bytes()
            data = gzip.decompress(raw) if path.suffix == ".gz" else raw
            found[str(path.relative_to(folder))] = data.decode(errors="replace")
    return found
