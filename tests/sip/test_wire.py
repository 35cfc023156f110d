"""Messages survive the wire, however it cuts them, and nothing else gets through."""

from __future__ import annotations

import struct
from dataclasses import fields, is_dataclass
from typing import get_args, get_origin, get_type_hints

import msgpack
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sip import wire
from sip.messages import Dial, HangUp, Ping, Ready, Stop

PLAIN = {
    str: st.text(max_size=40),
    int: st.integers(-(2**63), 2**64 - 1),
    float: st.floats(allow_nan=False, allow_infinity=False),
    bool: st.booleans(),
}


def values_of(hint):
    """Values of one field's type."""
    if get_origin(hint) is tuple:
        return st.lists(values_of(get_args(hint)[0]), max_size=3).map(tuple)
    if is_dataclass(hint):
        hints = get_type_hints(hint)
        return st.builds(hint, **{field.name: values_of(hints[field.name]) for field in fields(hint)})
    return PLAIN[hint] if hint in PLAIN else st.sampled_from(hint)


MESSAGES = st.one_of(*(values_of(kind) for kind in get_args(wire.Message)))


def framed(body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + body


@given(MESSAGES)
def test_every_message_survives(message):
    """Decoding gives back what was encoded, of the same type."""
    assert wire.Decoder().feed(wire.encode(message)) == [message]


@given(st.lists(MESSAGES, max_size=6), st.lists(st.integers(0, 400), max_size=12))
def test_stream_may_be_cut_anywhere(messages, cuts):
    """Where the stream is cut into pieces makes no difference."""
    stream = b"".join(wire.encode(message) for message in messages)
    decoder = wire.Decoder()
    got = []
    for cut in cuts:
        got += decoder.feed(stream[:cut])
        stream = stream[cut:]
    got += decoder.feed(stream)
    assert got == messages


@given(st.binary(max_size=200))
def test_noise_is_refused_or_waited_for(noise):
    """Arbitrary bytes never raise anything but WireError."""
    try:
        wire.Decoder().feed(noise)
        wire.decode(noise)
    except wire.WireError:
        pass


@pytest.mark.parametrize(
    "body",
    [
        msgpack.packb("Stop"),
        msgpack.packb([]),
        msgpack.packb([7]),
        msgpack.packb(["Reboot"]),
        msgpack.packb(["Stop", 1]),
        msgpack.packb(["HangUp"]),
        msgpack.packb(["HangUp", b"c1"]),
        msgpack.packb(["Ping", True]),
        msgpack.packb(["Ping", 1.0]),
        msgpack.packb(["Dial", "c", "t", "n", "i", float("nan")]),
        msgpack.packb(["Ended", "c", 1.0, "no such cause", "callee", 0, 0, ""]),
        msgpack.packb(["WorkerSettings", [["t", "h"]], "a", 0, 0, "u", 0]),
        msgpack.packb(["Stop"]) + b"\x00",
        b"\xc1",
        b"",
    ],
)
def test_malformed_body_is_refused(body):
    """A body with a wrong tag, number of fields or type is a WireError."""
    with pytest.raises(wire.WireError):
        wire.Decoder().feed(framed(body))


def test_long_frame_is_refused_before_it_is_read():
    """The length alone is enough to refuse a frame."""
    with pytest.raises(wire.WireError, match="limit"):
        wire.Decoder().feed(struct.pack(">I", wire.FRAME_LIMIT_BYTES + 1))
    with pytest.raises(wire.WireError, match="limit"):
        wire.encode(HangUp("x" * wire.FRAME_LIMIT_BYTES))


def test_text_that_is_no_unicode_is_refused():
    """A lone surrogate cannot be sent."""
    with pytest.raises(wire.WireError):
        wire.encode(HangUp("\ud800"))


def test_messages_before_a_bad_frame_are_not_lost_silently():
    """The good and the bad frame in one piece: the error is raised, the stream is over."""
    with pytest.raises(wire.WireError):
        wire.Decoder().feed(wire.encode(Stop()) + framed(b"\xc1"))


def test_tags_are_the_class_names():
    """The wire names a message as the source does."""
    for message in (Ping(1), Ready(4, 5060, 1), Dial("c", "t", "n", "i", 1.0)):
        assert msgpack.unpackb(wire.encode(message)[4:])[0] == type(message).__name__
