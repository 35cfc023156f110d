"""What may stand in a stream, key or file by somebody's mistake or malice, for every decoder to be tried with."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, Final

import msgpack
from hypothesis import strategies as st

HUGE: Final = (2**63, 2**64 - 1, -(2**63), -1, 0)
ODD_FLOATS: Final = (float("nan"), float("inf"), float("-inf"), 1e308, -0.0, 4_102_444_801.0)
ODD_TEXTS: Final = (
    *("", " ", "\0", "\n", "\x85", "\ud800", "\u2028", "\u202e", "\ufeff", "１３８", "=1+1", "nan", "1e400"),
    *("0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59", "2026-02-30", "+8613800001234", "spring"),
)
ODD_BYTES: Final = (
    b"",
    b"\xc1",
    b"\xff",
    b"\xdc",
    b"\xc7\x08\xff",
    b"\xd6\xff\0\0\0\0",
)


def _deep(depth: int) -> Any:
    nested: Any = 1
    for _ in range(depth):
        nested = [nested]
    return nested


scalars: Final = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.sampled_from(HUGE),
    st.sampled_from([309, 4000]).map(lambda digits: 10**digits),
    st.sampled_from(ODD_FLOATS),
    st.sampled_from(ODD_TEXTS),
    st.text(max_size=30),
    st.just(5000).map(lambda length: "x" * length),
)
values: Final = st.one_of(
    st.recursive(
        scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4)
    ),
    st.sampled_from([15, 17, 200]).map(_deep),
    st.just(2000).map(lambda count: list(range(count))),
    st.just(500).map(lambda count: {str(i): i for i in range(count)}),
)
binary_only: Final = st.one_of(
    st.binary(max_size=40),
    st.sampled_from(ODD_BYTES),
    st.sampled_from([b"[", b"\x91", b'{"a":']).map(lambda opening: opening * 2000),
)
binary: Final = st.one_of(
    binary_only,
    st.builds(msgpack.ExtType, st.integers(0, 127), st.binary(max_size=6)),
    st.builds(msgpack.Timestamp, st.integers(0, 2**33)),
)


@st.composite
def mappings(draw: st.DrawFn, good: dict[str, Any], odd: st.SearchStrategy[Any] = values) -> dict[str, Any]:
    """A good map in which some fields hold something else, are missing, or were never heard of."""
    names = draw(st.lists(st.sampled_from([*good, "unheard", "\ud800"]), min_size=1, max_size=3))
    body = {**good, **{name: draw(odd) for name in names}}
    for name in draw(st.lists(st.sampled_from(list(good)), max_size=2)):
        body.pop(name, None)
    return body


def as_json(value: Any) -> bytes:
    """JSON as a careless library writes it: numbers of any length, NaN, lone surrogates."""
    return json.dumps(value).encode()


def as_msgpack(value: Any) -> bytes:
    """msgpack of whatever it can carry; the rest becomes bytes that are no text."""
    try:
        return bytes(msgpack.packb(value, unicode_errors="surrogatepass"))
    except (ValueError, OverflowError, TypeError):
        return bytes(msgpack.packb(_shorn(value), unicode_errors="surrogatepass"))


def _shorn(value: Any, depth: int = 0) -> Any:
    match value:
        case int() if not -(2**63) <= value < 2**64:
            return 2**64 - 1 if value > 0 else -(2**63)
        case list():
            return [_shorn(item, depth + 1) for item in value] if depth < 400 else 1
        case dict():
            return {name: _shorn(item, depth + 1) for name, item in value.items()}
    return value


def raws(good: Any, pack: Callable[[Any], bytes] = as_msgpack) -> st.SearchStrategy[bytes]:
    """A kept record with a fault: of another shape, cut short, with bytes behind it, or no record at all."""
    odd = values | binary if pack is as_msgpack else values
    shapes = [odd.map(pack), binary_only]
    if isinstance(good, dict):
        shapes.append(mappings(good, odd).map(pack))
    if isinstance(good, list):
        places = st.integers(0, len(good) - 1)
        shapes.append(st.tuples(places, odd).map(lambda at: pack([*good[: at[0]], at[1], *good[at[0] + 1 :]])))
    whole = pack(good)
    shapes.append(st.integers(0, len(whole)).map(lambda end: whole[:end]))
    shapes.append(st.binary(min_size=1, max_size=5).map(lambda more: whole + more))
    return st.one_of(shapes)


def entries(name: str, good: dict[str, Any]) -> st.SearchStrategy[dict[bytes, bytes]]:
    """A stream entry, of the field `name` (msgpack) or `json`, with a fault somewhere."""
    field = name.encode()
    return st.one_of(
        raws(good).map(lambda raw: {field: raw}),
        raws(good, as_json).map(lambda raw: {b"json": raw}),
        st.sampled_from([b'{"at":1e400}', b'{"a":1,"a":2}', b"1" + b"0" * 5000, b"NaN"]).map(
            lambda raw: {b"json": raw}
        ),
        st.dictionaries(binary_only, binary_only, max_size=3),
    )
